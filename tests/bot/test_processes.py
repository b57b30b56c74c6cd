"""Several processes on one Postgres: one of them sends for an account, whatever happens to it."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from bot.sender import IN_FLIGHT, utc_now
from flows.model import Say
from storage.store import Store, Transaction
from tests.bot.wire import Line, lines
from tests.databases import Postgres
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
PEOPLE, EACH = 40, 8


@pytest.fixture
async def waiting(postgres: Postgres, tmp_path: Path) -> str:
    """A Postgres on which messages wait for many people; its key file is `tmp_path / "key"`."""
    url = postgres.create()
    store = await Store.open(url, tmp_path / "key", clock=utc_now)

    async def work(tx: Transaction) -> None:
        people = [await tx.people.add("web", "web", f"p{number}", "en") for number in range(PEOPLE)]
        for turn in range(EACH):
            for person in people:
                await tx.outbox.add(person, person.address_id, None, [Say(f"{turn}")])

    await store.run(work)
    await store.close()
    return url


@asynccontextmanager
async def process(url: str, folder: Path, *seconds: float) -> AsyncIterator[Process]:
    command = [sys.executable, "-m", "tests.bot.wire", url, str(folder / "key"), str(folder / "wire")]
    started = await asyncio.create_subprocess_exec(*command, *map(str, seconds or (10, 2, 5)), cwd=ROOT)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def until_begun(folder: Path, count: int, by: Process) -> list[Line]:
    async with asyncio.timeout(PATIENCE):
        while True:
            begun = [line for line in lines(folder / "wire") if line.what == "begins" and line.process == by.pid]
            if len(begun) >= count:
                return begun
            await asyncio.sleep(0.02)


async def until_all_sent(url: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            with psycopg.connect(url) as connection:
                found = connection.execute("SELECT count(*) FROM outbox WHERE state <> 'sent'").fetchone()
            if found == (0,):
                return
            await asyncio.sleep(0.1)


def in_order(begun: list[Line]) -> bool:
    """Whether each person's messages left in the order in which they were decided, leaving out what left again."""
    firsts: dict[str, list[int]] = {}
    for line in begun:
        of = firsts.setdefault(line.address, [])
        if line.message not in of:
            of.append(line.message)
    return all(before < after for each in firsts.values() for before, after in pairwise(each))


@pytest.mark.slow
async def test_the_sender_is_killed_and_another_process_goes_on_within_seconds(waiting: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(process(waiting, tmp_path))
        await until_begun(tmp_path, 1, one)
        other = await stack.enter_async_context(process(waiting, tmp_path))
        await until_begun(tmp_path, 150, one)
        assert {line.process for line in lines(tmp_path / "wire")} == {one.pid}, "one process sends and listens"
        one.kill()
        killed = time.time()
        await until_all_sent(waiting)
    begun = [line for line in lines(tmp_path / "wire") if line.what == "begins"]
    again = {message for message, count in Counter(line.message for line in begun).items() if count > 1}
    under_way = {line.message for line in [each for each in begun if each.process == one.pid][-IN_FLIGHT:]}
    assert len({line.message for line in begun}) == PEOPLE * EACH
    assert again <= under_way, "only what was under way when it was killed is sent again"
    assert max(Counter(line.message for line in begun).values()) <= 2
    assert in_order(begun)
    assert min(line.at for line in begun if line.process == other.pid) - killed < 4


@pytest.mark.slow
async def test_a_frozen_sender_begins_nothing_when_it_wakes_after_another_took_over(
    waiting: str, tmp_path: Path
) -> None:
    seconds = (2, 0.5, 1)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(process(waiting, tmp_path, *seconds))
        await until_begun(tmp_path, 30, one)
        other = await stack.enter_async_context(process(waiting, tmp_path, *seconds))
        await asyncio.sleep(2)
        os.kill(one.pid, signal.SIGSTOP)
        frozen = time.time()
        await until_begun(tmp_path, 20, other)
        os.kill(one.pid, signal.SIGCONT)
        await until_all_sent(waiting)
    begun = [line for line in lines(tmp_path / "wire") if line.what == "begins"]
    assert not [line for line in begun if line.process == one.pid and line.at > frozen + 0.1]
    again = {message for message, count in Counter(line.message for line in begun).items() if count > 1}
    assert again <= {line.message for line in begun if line.process == one.pid and line.at > frozen - 0.5}
    assert len({line.message for line in begun}) == PEOPLE * EACH
    assert in_order(begun)
