from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bot.group import Group
from bot.world import World
from storage.store import Store
from tests.bot.standins import synapse
from tests.bot.talking import ALWAYS, Talk, write
from tests.databases import *  # noqa: F403 - fixtures are found by name
from tests.databases import Watch

Talking = Callable[..., Awaitable[Talk]]


@pytest.fixture(scope="session", autouse=True)
def _synapse_ends() -> Iterator[None]:
    """The homeserver that some test has begun ends with the last one."""
    yield
    synapse.end()


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
