import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from storage.errors import NotFound, ReadOnly, StorageError, StoreClosed
from storage.store import Store, Transaction
from tests.databases import Database, Watch
from tests.storage.given import CHANNEL, by_address, looked_up, put_down, someone


async def test_a_work_returns_what_it_returns_and_raises_what_it_raises(store: Store) -> None:
    async def fine(tx: Transaction) -> str:
        return "done"

    async def fails(tx: Transaction) -> str:
        raise ZeroDivisionError("mine")

    assert await store.run(fine) == "done"
    assert await store.read(fine) == "done"
    with pytest.raises(ZeroDivisionError, match="mine"):
        await store.run(fails)
    with pytest.raises(ZeroDivisionError, match="mine"):
        await store.read(fails)


async def test_a_failing_work_leaves_nothing_and_harms_no_other(store: Store) -> None:
    async def work(tx: Transaction, number: int) -> int:
        await tx.settings.set(f"work {number}", "done")
        await tx.people.add(*CHANNEL, str(number), "en")
        if number % 5 == 3:
            raise ZeroDivisionError(number)
        return number

    works = [store.run(partial(work, number=number)) for number in range(30)]
    results = await asyncio.gather(*works, return_exceptions=True)
    for number, result in enumerate(results):
        failed = number % 5 == 3
        assert isinstance(result, ZeroDivisionError) if failed else result == number
        assert await looked_up(store, f"work {number}") == (None if failed else "done")
        person = await by_address(store, str(number))
        assert (person is None) == failed


async def test_what_was_acknowledged_is_there_after_a_restart(
    reopen: Callable[[], Awaitable[Store]], database: Database
) -> None:
    store = await reopen()
    person = await someone(store)
    await store.run(lambda tx: tx.people.save(person.id, {"name": "Ana"}))
    store = await reopen()
    found = await store.run(lambda tx: tx.people.lock_and_load(*CHANNEL, "100"))
    assert found is not None
    assert found.person.fields == {"name": "Ana"}


async def test_a_reader_sees_what_is_committed_and_may_not_write(store: Store) -> None:
    person = await someone(store)
    assert await store.read(lambda tx: tx.people.by_address(*CHANNEL, "100")) == person
    assert await store.read(lambda tx: tx.people.load(person.id)) is not None
    with pytest.raises(ReadOnly):
        await store.read(lambda tx: tx.settings.set("x", "y"))
    with pytest.raises(ReadOnly):
        await store.read(lambda tx: tx.people.add(*CHANNEL, "101", "en"))
    assert await store.run(lambda tx: tx.settings.get("x")) is None


async def test_a_closed_store_says_so(database: Database, watch: Watch) -> None:
    store = await Store.open(database.url, database.key, clock=watch)
    await store.close()
    await store.close()
    for does in (store.run, store.read):
        with pytest.raises(StoreClosed):
            await does(lambda tx: tx.settings.get("x"))


async def test_closing_finishes_what_was_begun(reopen: Callable[[], Awaitable[Store]]) -> None:
    store = await reopen()
    works = [asyncio.create_task(put_down(store, f"{n}")) for n in range(50)]
    await asyncio.sleep(0)
    await reopen()
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    store = await reopen()
    for number, outcome in enumerate(outcomes):
        assert outcome is None or isinstance(outcome, StoreClosed)
        kept = await looked_up(store, f"{number}")
        assert kept == ("done" if outcome is None else None)
    assert outcomes.count(None) > 0


async def test_the_ledger_counts_lines_and_people(store: Store, watch: Watch) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")

    async def add(tx: Transaction) -> None:
        await tx.ledger.add(ana.id, "person.joined")
        await tx.ledger.add(ben.id, "person.joined", flow="welcome", subject="link", detail="poster")
        await tx.ledger.add(ana.id, "message.sent")
        await tx.ledger.add(ana.id, "message.sent")
        await tx.ledger.add(None, "library.changed")

    await store.run(add)
    start = watch.now
    watch.forward(timedelta(hours=1))
    await store.run(lambda tx: tx.ledger.add(ana.id, "too late"))
    counts = await store.read(lambda tx: tx.ledger.counts(start, watch.now))
    assert counts == {"library.changed": (1, 0), "message.sent": (2, 1), "person.joined": (2, 2)}


async def test_the_same_files_are_the_same_library(store: Store) -> None:
    assert await store.run(lambda tx: tx.library.active()) is None
    first, second = {"a.yaml": "flow: a 🌱", "b.yaml": ""}, {"a.yaml": "flow: b"}
    one = await store.run(lambda tx: tx.library.activate(first))
    two = await store.run(lambda tx: tx.library.activate(second))
    assert one != two
    assert await store.run(lambda tx: tx.library.active()) == (two, second)
    assert await store.run(lambda tx: tx.library.activate(dict(reversed(first.items())))) == one
    assert await store.read(lambda tx: tx.library.active()) == (one, first)
    assert await store.read(lambda tx: tx.library.files(two)) == second
    with pytest.raises(NotFound):
        await store.run(lambda tx: tx.library.files(99))


async def test_a_setting_is_what_it_was_last_set_to(store: Store) -> None:
    assert await store.run(lambda tx: tx.settings.get("x")) is None
    for value in ("1", "2"):
        await put_down(store, "x", value)
        assert await store.run(lambda tx: tx.settings.get("x")) == value


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "sqlite:///:memory:", "doorstep.db", ""])
async def test_another_kind_of_database_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sqlite:///FILE"):
        await Store.open(url, tmp_path / "key", clock=lambda: datetime.now(UTC))


def test_every_error_says_what_is_wrong_in_one_line() -> None:
    kinds = StorageError.__subclasses__()
    assert len(kinds) > 10
    for kind in kinds:
        assert str(kind("more")) == f"{kind.__doc__} (more)"
        assert "\n" not in str(kind())


async def test_nobody_else_on_the_machine_reads_what_an_earlier_version_left_open(tmp_path: Path, watch: Watch) -> None:
    url, key = f"sqlite:///{tmp_path / 'doorstep.db'}", tmp_path / "doorstep.key"
    await (await Store.open(url, key, clock=watch)).close()
    files = [tmp_path / "doorstep.db", tmp_path / "doorstep.keys.db"]
    for file in files:
        file.chmod(0o644)
    await (await Store.open(url, key, clock=watch)).close()
    assert [file.stat().st_mode & 0o777 for file in files] == [0o640, 0o640]
