import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from storage import writer
from storage.errors import DatabaseInUse, DiskFull, StorageUnavailable, Suspended
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import by_address, looked_up, put_down, someone, take
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "doorstep.db"


@pytest.fixture
async def lite(path: Path, watch: Watch) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite:///{path}", path.with_suffix(".key"), clock=watch)
    yield store
    await store.close()


def connection(store: Store) -> sqlite3.Connection:
    return store._backend._connection  # type: ignore[union-attr]


def started(script: str, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)


async def test_a_work_that_awaits_something_else_is_told_so_and_undone(lite: Store) -> None:
    async def bare(tx: Transaction) -> None:
        await tx.settings.set("x", "y")
        await asyncio.sleep(0)

    async def slow(tx: Transaction) -> None:
        await tx.settings.set("x", "y")
        await asyncio.sleep(1)

    for work in (bare, slow):
        with pytest.raises(Suspended, match="may await nothing but its transaction"):
            await lite.run(work)
        assert await lite.run(lambda tx: tx.settings.get("x")) is None


async def test_works_that_arrive_together_share_a_commit(lite: Store) -> None:
    commits = []

    async def trace(tx: Transaction) -> None:
        connection(lite).set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)

    await lite.run(trace)
    commits.clear()
    works = [put_down(lite, f"{n}") for n in range(writer.GROUP)]
    await asyncio.gather(*works)
    assert 1 <= len(commits) <= 8


async def test_nobody_is_answered_before_the_commit(lite: Store, path: Path) -> None:
    async def check(number: int) -> None:
        await put_down(lite, f"{number}", "x")
        other = sqlite3.connect(path)
        assert other.execute("SELECT value FROM settings WHERE key = ?", (str(number),)).fetchone() == ("x",)
        other.close()

    await asyncio.gather(*(check(number) for number in range(100)))


async def test_a_full_disk_fails_the_group_and_the_store_goes_on(lite: Store) -> None:
    person = await someone(lite)

    async def limit(tx: Transaction, pages: int) -> None:
        connection(lite).execute(f"PRAGMA max_page_count = {pages}")

    def big(number: int) -> asyncio.Task[bool]:
        return asyncio.ensure_future(take(lite, person.id, str(number), "x" * 200_000))

    await lite.run(partial(limit, pages=200))
    outcomes = await asyncio.gather(*(big(number) for number in range(20)), return_exceptions=True)
    refused = [isinstance(outcome, DiskFull) for outcome in outcomes]
    assert any(refused)
    assert all(no or outcome is True for no, outcome in zip(refused, outcomes, strict=True))
    await lite.run(partial(limit, pages=1_000_000))
    seen = [await big(number) for number in range(20)]
    assert seen == refused, "what was refused was not kept, and what was not refused was"


async def test_a_commit_that_fails_fails_everyone_in_its_group(lite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> set[int]:
        raise sqlite3.OperationalError("disk I/O error")

    session = lite._backend._session  # type: ignore[union-attr]
    with monkeypatch.context() as patch:
        patch.setattr(session, "keep_keys", broken)
        works = [someone(lite, str(n)) for n in range(10)]
        outcomes = await asyncio.gather(*works, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}
    for number in range(10):
        assert await by_address(lite, str(number)) is None
    assert (await someone(lite)).id == 1


async def test_a_cancelled_caller_disturbs_no_other(lite: Store) -> None:
    tasks = [asyncio.create_task(put_down(lite, f"{n}")) for n in range(20)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(type(None)) == 19
    assert isinstance(outcomes[3], asyncio.CancelledError)


async def test_more_works_than_may_wait_are_all_done(lite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite._backend, "_room", asyncio.Semaphore(4))
    done = await asyncio.gather(*(looked_up(lite, f"{n}") for n in range(200)))
    assert done == [None] * 200


async def test_a_second_process_cannot_write_until_the_first_is_gone(path: Path, watch: Watch) -> None:
    script = f"""
        import asyncio, pathlib, sys, datetime
        from storage.store import Store
        async def main():
            clock = lambda: datetime.datetime.now(datetime.UTC)
            await Store.open("sqlite:///{path}", pathlib.Path("{path}.key"), clock=clock)
            print("open", flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    holder = started(script)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(DatabaseInUse):
            await Store.open(f"sqlite:///{path}", Path(f"{path}.key"), clock=watch)
        with pytest.raises(DatabaseInUse):
            await Store.migrate(f"sqlite:///{path}")
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()
    await (await Store.open(f"sqlite:///{path}", Path(f"{path}.key"), clock=watch)).close()


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(path: Path, watch: Watch) -> None:
    script = f"""
        import asyncio, pathlib, sys, datetime
        from storage.store import Store
        first = int(sys.argv[1])
        async def main():
            clock = lambda: datetime.datetime.now(datetime.UTC)
            store = await Store.open("sqlite:///{path}", pathlib.Path("{path}.key"), clock=clock)
            async def one(number):
                async def work(tx):
                    person = await tx.people.add("telegram", "main", str(number), "en")
                    await tx.people.save(person.id, {{"name": str(number)}})
                    await tx.inbox.take("telegram", str(number), person.id, "said", {{"text": "hello"}})
                await store.run(work)
                sys.stdout.write(f"{{number}}\\n")
                sys.stdout.flush()
            async def worker(number):
                while True:
                    await one(number)
                    number += 16
            await asyncio.gather(*(worker(first + n) for n in range(16)))
        asyncio.run(main())
    """
    acknowledged: list[int] = []
    for generation in range(3):
        child = started(script, str(generation * 1_000_000))
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(random.Random(generation).randint(40, 400))]
        os.kill(child.pid, signal.SIGKILL)
        lines += child.communicate()[0].splitlines(keepends=True)
        acknowledged += [int(line) for line in lines if line.endswith(b"\n")]
    assert len(acknowledged) > 100
    store = await Store.open(f"sqlite:///{path}", Path(f"{path}.key"), clock=watch)
    for number in acknowledged:
        found = await by_address(store, str(number))
        assert found is not None, number
        assert found.fields == {"name": str(number)}
        assert not await take(store, found.id, str(number))
    await store.close()


async def test_whatever_breaks_in_the_writer_nobody_waits_for_ever(
    lite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: object, _settled: object) -> None:
        raise RuntimeError("nobody thought of this")

    with monkeypatch.context() as patch:
        patch.setattr(writer.Writer, "_committed", broken)
        with pytest.raises(StorageUnavailable):
            async with asyncio.timeout(PATIENCE):
                await someone(lite)
    person = await someone(lite)
    assert person.id > 0, "and the next one is served"
