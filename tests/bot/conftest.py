from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from bot.group import Group
from bot.world import World
from storage.store import Store
from tests.bot.talking import ALWAYS, Talk, write
from tests.databases import *  # noqa: F403 - fixtures are found by name
from tests.databases import Watch

Talking = Callable[..., Awaitable[Talk]]


@pytest.fixture
def talking(store: Store, watch: Watch, tmp_path: Path) -> Talking:
    """Makes a bot with these flows, beside those that belong to everyone."""

    async def make(flows: Mapping[str, str], group: Group | None = None) -> Talk:
        folder = tmp_path / "flows"
        write(folder, {**ALWAYS, **flows})
        talk = Talk(store, watch, folder, World(group or Group(quiet=None)))
        await talk.libraries.begin()
        return talk

    return make
