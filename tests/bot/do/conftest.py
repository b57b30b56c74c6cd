"""What the tests of deeds share."""

from pathlib import Path

import pytest

from bot.group import Group
from bot.world import World
from storage.store import Store
from tests.bot.do.members import FLOWS, Make
from tests.bot.talking import Talk, write
from tests.databases import Watch


@pytest.fixture
def bot(store: Store, watch: Watch, tmp_path: Path) -> Make:
    """Makes a bot with these flows alone, for a group in Madrid."""

    async def make() -> Talk:
        write(tmp_path / "flows", FLOWS)
        world = World(Group(zone="Europe/Madrid", quiet=None), address="https://chat.example.org/")
        talk = Talk(store, watch, tmp_path / "flows", world)
        await talk.libraries.begin()
        return talk

    return make
