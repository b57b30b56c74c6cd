import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from storage import leases
from storage import postgres as pool
from storage.errors import DiskFull, NotReached, StorageUnavailable
from storage.store import Store, Transaction
from tests.databases import Postgres, Watch
from tests.storage.given import claimed, put_down, says, someone
from tests.waiting import PATIENCE


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.create()


@pytest.fixture
async def two(url: str, tmp_path: Path, watch: Watch) -> AsyncIterator[tuple[Store, Store]]:
    """Two processes' stores on one database."""
    stores = [await Store.open(url, tmp_path / "doorstep.key", clock=watch) for _ in range(2)]
    yield stores[0], stores[1]
    for store in stores:
        await store.close()


async def test_a_turn_that_loses_its_connection_is_run_again(two: tuple[Store, Store], url: str) -> None:
    store, _ = two
    runs = 0

    async def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        await tx.settings.set("x", "y")
        if runs == 1:
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        await tx.settings.set("z", "y")

    await store.run(work)
    assert runs == 2
    assert await store.run(lambda tx: tx.settings.get("z")) == "y"


async def test_who_is_frozen_amid_a_turn_frees_its_person_and_does_it_again_when_it_wakes(
    url: str, tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "SILENCE", 0.5)
    frozen, other = [await Store.open(url, tmp_path / "doorstep.key", clock=watch) for _ in range(2)]
    ana = await someone(frozen)
    amid, woken = asyncio.Event(), asyncio.Event()
    saw: list[object] = []

    async def write(tx: Transaction, *, freezes: bool) -> None:
        loaded = await tx.people.load(ana.id)
        assert loaded is not None
        if freezes:
            saw.append(loaded.person.fields.get("by"))
        await tx.people.save(ana.id, {"by": "the frozen one" if freezes else "the other"})
        if freezes and not woken.is_set():
            amid.set()
            await woken.wait()

    turn = asyncio.create_task(frozen.run(lambda tx: write(tx, freezes=True)))
    await asyncio.wait_for(amid.wait(), PATIENCE)
    await asyncio.wait_for(other.run(lambda tx: write(tx, freezes=False)), PATIENCE)
    woken.set()
    await turn
    assert saw == [None, "the other"], "its own first try was undone"
    for store in (frozen, other):
        await store.close()


async def test_a_turn_that_deadlocks_is_run_again(two: tuple[Store, Store]) -> None:
    one, other = two
    ana, ben = await someone(one, "1"), await someone(one, "2")
    meeting = asyncio.Barrier(2)
    met = False

    async def both(tx: Transaction, first: int, second: int) -> None:
        nonlocal met
        await tx.people.load(first)
        if not met:
            await meeting.wait()
            met = True
        await tx.people.load(second)

    await asyncio.wait_for(
        asyncio.gather(one.run(lambda tx: both(tx, ana.id, ben.id)), other.run(lambda tx: both(tx, ben.id, ana.id))), 20
    )


async def test_a_database_that_stays_away_is_unavailable(
    two: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_BACK_OFF", (0.01, 0.01))
    runs = 0

    async def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        raise ConnectionResetError

    with pytest.raises(StorageUnavailable):
        await two[0].run(work)
    assert runs == 3


async def test_a_claim_passes_over_who_may_be_stopping_this_moment(two: tuple[Store, Store]) -> None:
    one, other = two
    person = await someone(one)
    await says(one, person, ["hello"])
    stopping, looked = asyncio.Event(), asyncio.Event()

    async def stop(tx: Transaction) -> None:
        await tx.people.load(person.id)
        stopping.set()
        await looked.wait()
        await tx.people.save(person.id, {}, status="stopped")

    turn = asyncio.create_task(one.run(stop))
    await asyncio.wait_for(stopping.wait(), PATIENCE)
    meanwhile = await claimed(other)
    looked.set()
    await turn
    assert meanwhile == []
    assert await claimed(other) == []
    history = await one.read(lambda tx: tx.outbox.history(person.id, 0, 10))
    assert [message.state for message in history] == ["dropped"]


async def test_a_person_made_by_one_process_is_read_by_another(two: tuple[Store, Store]) -> None:
    one, other = two
    person = await someone(one)
    await one.run(lambda tx: tx.people.save(person.id, {"name": "Ana"}))
    found = await other.run(lambda tx: tx.people.load(person.id))
    assert found is not None
    assert found.person.fields == {"name": "Ana"}


async def test_an_unreachable_server_is_unavailable(tmp_path: Path, watch: Watch) -> None:
    with pytest.raises(NotReached):
        await Store.open("postgresql://postgres@127.0.0.1:1/none", tmp_path / "doorstep.key", clock=watch)


async def test_a_server_whose_disk_is_full_can_take_nothing_now(
    two: tuple[Store, Store], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_BACK_OFF", (0.01,))
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        other.execute("CREATE TRIGGER full_disk BEFORE INSERT ON settings EXECUTE FUNCTION full_disk()")
        with pytest.raises(DiskFull):
            await two[0].run(lambda tx: tx.settings.set("x", "y"))
        other.execute("DROP TRIGGER full_disk ON settings")
    await two[0].run(lambda tx: tx.settings.set("x", "y"))


async def test_a_server_that_follows_another_since_is_left_for_whichever_leads_now(
    two: tuple[Store, Store], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_BACK_OFF", (0.01,))
    store, _ = two
    with psycopg.connect(url, autocommit=True) as other:

        def follows(what: str) -> None:
            # Only of new connections: those that are open stay as they are, as after a failover.
            other.execute(f"ALTER DATABASE {other.info.dbname} SET default_transaction_read_only = {what}".encode())

        follows("on")
        await store._backend._pool.expire_connections()  # type: ignore[union-attr]
        with pytest.raises(StorageUnavailable):
            await store.run(lambda tx: tx.settings.set("x", "y"))
        other.execute("SET default_transaction_read_only = off")
        follows("off")
    await store.run(lambda tx: tx.settings.set("x", "y"))


async def test_what_was_begun_for_a_work_that_another_took_is_ended(
    two: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = two
    monkeypatch.setattr(pool, "CONNECTIONS", 2)
    both, complaints = asyncio.Barrier(2), list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said["message"]))

    async def meets(_: Transaction) -> None:
        await both.wait()

    # Both that are under way begin one more transaction for the third work, and only one of them gets it.
    await asyncio.gather(store.run(meets), store.run(meets), put_down(store, "third"))
    await put_down(store, "fourth")
    assert complaints == [], "a connection came back to the pool amid a transaction"
