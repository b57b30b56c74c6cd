"""Who alone sends for an account: holders killed, frozen and cut off, as processes on a real Postgres."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from storage.leases import Lease
from storage.store import Store, Transaction
from tests.databases import Postgres, Watch
from tests.storage.leasing import NAME
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def server(postgres: Postgres, tmp_path: Path, watch: Watch) -> str:
    """An empty Postgres, with its key file at `tmp_path / "key"`."""
    url = postgres.create()
    await (await Store.open(url, tmp_path / "key", clock=watch)).close()
    return url


@asynccontextmanager
async def process(url: str, key: Path, silence: float = 10, ping: float = 2) -> AsyncIterator[Process]:
    command = [sys.executable, "-m", "tests.storage.leasing", url, str(key), str(silence), str(ping)]
    started = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def says(who: Process, seconds: float = 30) -> str:
    assert who.stdout is not None
    return (await asyncio.wait_for(who.stdout.readline(), seconds)).decode().strip()


async def holds(store: Store, lease: Lease) -> bool:
    return await store.run(lambda tx: tx.leases.holds(lease))


async def test_a_holder_is_told_apart_from_an_older_one(store: Store) -> None:
    async with store.lease("telegram:main") as first:
        assert await holds(store, first)
        assert not await holds(store, Lease("telegram:other", first.fence))
    async with store.lease("telegram:main") as second:
        assert second.fence > first.fence
        assert await holds(store, second)
        assert not await holds(store, first)


async def test_leases_of_two_accounts_do_not_wait_for_each_other(store: Store) -> None:
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        for name in ("telegram:main", "telegram:other"):
            assert await holds(store, await stack.enter_async_context(store.lease(name)))


async def test_a_lease_is_one_processs_alone_and_free_at_once_when_it_is_killed(server: str, tmp_path: Path) -> None:
    async with process(server, tmp_path / "key") as one:
        assert await says(one) == "held 1"
        async with process(server, tmp_path / "key") as other:
            with pytest.raises(TimeoutError):
                await says(other, 3)
            one.kill()
            begun = time.monotonic()
            assert await says(other) == "held 2"
            assert time.monotonic() - begun < 3


async def test_a_frozen_holder_loses_its_lease_and_knows_it_when_it_wakes(server: str, tmp_path: Path) -> None:
    async with process(server, tmp_path / "key", 2, 0.5) as one, process(server, tmp_path / "key", 2, 0.5) as other:
        first, second = await _one_of(one, other)
        os.kill(first.pid, signal.SIGSTOP)
        assert await says(second, 20) == "held 2"
        os.kill(first.pid, signal.SIGCONT)
        assert await says(first) == "lost"
        second.kill()
        assert await says(first) == "held 3"


async def _one_of(one: Process, other: Process) -> tuple[Process, Process]:
    """The process that got the lease, and the one that waits."""
    lines = {asyncio.create_task(says(who)): who for who in (one, other)}
    done, waiting = await asyncio.wait(lines, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    assert done.pop().result() == "held 1"
    assert len(waiting) == 1
    (late,) = waiting
    await asyncio.wait({late})
    return (one, other) if lines[late] is other else (other, one)


async def test_a_holder_that_is_cut_off_knows_it_and_claims_nothing_more(
    server: str, tmp_path: Path, watch: Watch
) -> None:
    store = await Store.open(server, tmp_path / "key", clock=watch)
    async with store.lease(NAME) as lease:
        with psycopg.connect(server, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ 'lease'")
        await asyncio.wait_for(lease.lost.wait(), PATIENCE)
        assert await holds(store, lease), "nobody else has taken it yet: what was sent may still be written down"
        async with store.lease(NAME) as next_one:
            assert next_one.fence == lease.fence + 1
            assert not await holds(store, lease)
    await store.close()


async def test_a_claim_and_a_new_holder_wait_for_each_other(server: str, tmp_path: Path, watch: Watch) -> None:
    store = await Store.open(server, tmp_path / "key", clock=watch)
    lease = Lease(NAME, await store.run(lambda tx: tx.leases.take(NAME, "one")))
    looked, taken = asyncio.Event(), asyncio.Event()

    async def claims(tx: Transaction) -> None:
        assert await tx.leases.holds(lease)
        looked.set()
        await asyncio.sleep(0.2)
        assert not taken.is_set()

    claiming = asyncio.create_task(store.run(claims))
    await looked.wait()
    await store.run(lambda tx: tx.leases.take(NAME, "other"))
    taken.set()
    await claiming
    assert not await holds(store, lease)
    await store.close()
