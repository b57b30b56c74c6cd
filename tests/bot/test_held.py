"""What only one process may do: begun with the lease, ended with it, begun again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bot.app import open_bot
from bot.held import while_held
from bot.world import World
from flows.reader import STARTER
from storage.errors import LeaseLost, StorageUnavailable
from storage.leases import Lease
from tests.bot.talking import Recorder
from tests.databases import Watch
from tests.waiting import PATIENCE, until


class Leasing:
    """A store that lends one lease after the other; the first time it is away."""

    def __init__(self) -> None:
        self.lent: list[Lease] = []
        self.away = 1
        self.given_back = 0

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[Lease]:
        if self.away:
            self.away -= 1
            raise StorageUnavailable
        self.lent.append(Lease(name, len(self.lent) + 1))
        yield self.lent[-1]
        self.given_back += 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.held.AGAIN", 0.01)


@asynccontextmanager
async def held(store: Leasing, *works: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(while_held(store, "telegram:main", *works))  # type: ignore[arg-type]
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_lost_lease_ends_everything_and_the_next_begins_it_again(quick: None) -> None:
    store, begun, ended = Leasing(), list[int](), list[int]()

    async def work(lease: Lease) -> None:
        begun.append(lease.fence)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(lease.fence)

    async with held(store, work, work):
        await until(lambda: begun == [1, 1])
        store.lent[0].lost.set()
        await until(lambda: begun == [1, 1, 2, 2])
        assert ended == [1, 1]
        assert store.given_back == 1
    assert ended == [1, 1, 2, 2]


async def test_a_sender_that_finds_another_in_its_place_waits_for_its_turn(quick: None) -> None:
    store, begun = Leasing(), list[int]()

    async def work(lease: Lease) -> None:
        begun.append(lease.fence)
        if lease.fence == 1:
            raise LeaseLost("telegram")
        await asyncio.Event().wait()

    async with held(store, work):
        await until(lambda: begun == [1, 2])


async def test_what_breaks_is_raised_and_what_ends_is_told(quick: None) -> None:
    async def breaks(_: Lease) -> None:
        raise KeyError("x")

    async def ends(_: Lease) -> None:
        return

    for work, error in ((breaks, KeyError), (ends, RuntimeError)):
        with pytest.raises(error):
            await asyncio.wait_for(while_held(Leasing(), "x", work), PATIENCE)  # type: ignore[arg-type]


async def test_only_a_channel_that_any_process_may_be_called_for_listens_without_a_lease(
    tmp_path: Path, watch: Watch
) -> None:
    class Webhook(Recorder):
        everywhere = True

    async with open_bot(f"sqlite:///{tmp_path / 'x.db'}", tmp_path / "key", STARTER, World(), watch) as bot:
        alone, anywhere = bot.attach(Recorder()), bot.attach(Webhook(account="other"))
        assert len(alone) == 1
        assert len(anywhere) == 2
        for each in (*alone, *anywhere):
            each.close()
