import asyncio
from datetime import timedelta

from storage import schema
from storage.store import Store, Transaction
from storage.tables import LINKS
from tests.databases import Database, Watch
from tests.storage.given import someone


async def test_a_code_is_good_once(store: Store, watch: Watch) -> None:
    ana = await someone(store)
    await store.run(lambda tx: tx.links.make(ana.id, "river-boat-42", watch.now + timedelta(days=90)))
    assert await store.run(lambda tx: tx.links.use("river-boat-43")) is None
    used = await asyncio.gather(*(store.run(lambda tx: tx.links.use("river-boat-42")) for _ in range(5)))
    assert [each for each in used if each is not None] == [ana.id]
    assert await store.run(lambda tx: tx.links.use("river-boat-42")) is None


async def test_a_code_expires(store: Store, watch: Watch) -> None:
    ana = await someone(store)
    await store.run(lambda tx: tx.links.make(ana.id, "old", watch.now + timedelta(days=1)))
    await store.run(lambda tx: tx.links.make(ana.id, "new", watch.now + timedelta(days=1, seconds=1)))
    watch.forward(timedelta(days=1))
    assert await store.run(lambda tx: tx.links.use("old")) is None
    assert await store.run(lambda tx: tx.links.use("new")) == ana.id


async def test_the_code_itself_is_nowhere_in_the_database(store: Store, database: Database, watch: Watch) -> None:
    ana = await someone(store)
    await store.run(lambda tx: tx.links.make(ana.id, "river-boat-42", watch.now + timedelta(days=1)))
    with schema.connection(database.url) as connection:
        (row,) = connection.execute(LINKS.select()).all()
    assert b"river" not in row.blind
    assert "river" not in repr(row)


async def test_an_invitation_tells_whose_it_is_as_often_as_it_is_used_and_is_never_theirs(store: Store) -> None:
    ana, bo = await someone(store, "ana"), await someone(store, "bo")

    async def work(tx: Transaction) -> None:
        codes = [tx.links.invitation(each.id) for each in (ana, bo)]
        assert codes[0] != codes[1]
        for _ in range(3):
            assert [tx.links.inviter(code) for code in codes] == [ana.id, bo.id]
        assert await tx.links.use(codes[0]) is None

    await store.run(work)


async def test_nobody_can_make_an_invitation_of_someone_else(store: Store) -> None:
    ana, bo = await someone(store, "ana"), await someone(store, "bo")

    async def work(tx: Transaction) -> None:
        code = tx.links.invitation(ana.id)
        mark = code.rpartition("-")[2]
        for forged in (
            f"from-{bo.id}-{mark}",
            f"from-{ana.id}-{'0' * 16}",
            f"{code} ",
            code.upper(),
            "from-1-",
            "",
            "x",
        ):
            assert tx.links.inviter(forged) is None

    await store.run(work)
