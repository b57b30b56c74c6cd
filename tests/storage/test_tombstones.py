from datetime import timedelta

import pytest

from storage.burning import burn
from storage.errors import Burned, KeyDestroyed
from storage.key_copies import keys_of
from storage.store import Store, Transaction
from storage.tombstones import KEPT, MONTH
from tests.databases import Database, Watch
from tests.storage.given import someone
from tests.storage.test_pairs import introduce, paired

SECOND = timedelta(seconds=1)


async def refuses(store: Store, address: str, ago: timedelta, account: str = "main") -> bool:
    return await store.run(lambda tx: tx.tombstones.refuses("telegram", account, address, tx.now - ago))


async def test_what_someone_wrote_before_they_were_forgotten_is_refused_and_nothing_else(
    store: Store, watch: Watch
) -> None:
    ana = await someone(store, "ana")
    account = ana.account
    assert not await refuses(store, "ana", SECOND, account)
    await store.run(lambda tx: tx.people.forget(ana.id))
    forgotten = watch.now
    watch.forward(timedelta(minutes=5))
    assert await refuses(store, "ana", watch.now - forgotten, account)
    assert await refuses(store, "ana", timedelta(days=7), account)
    assert not await refuses(store, "ana", watch.now - forgotten - SECOND, account)
    assert not await refuses(store, "ben", timedelta(days=7), account)
    assert not await refuses(store, "ana", timedelta(days=7), "another account")


async def test_a_tombstone_ends_after_eight_days(store: Store, watch: Watch) -> None:
    ana = await someone(store, "ana")
    await store.run(lambda tx: tx.people.forget(ana.id))
    watch.forward(KEPT)
    assert await store.run(lambda tx: tx.tombstones.end()) == 0
    watch.forward(SECOND)
    assert await store.run(lambda tx: tx.tombstones.end()) == 1
    assert not await refuses(store, "ana", KEPT + SECOND, ana.account)


async def test_who_was_told_a_first_name_has_a_tombstone_for_a_month_and_is_as_well_known_as_before(
    store: Store, watch: Watch
) -> None:
    ana, ben, sam = [await someone(store, each) for each in ("ana", "ben", "sam")]
    await introduce(store, await paired(store, ana.id, sam.id))
    begun = watch.now
    await store.run(lambda tx: tx.people.forget(ana.id))
    await store.run(lambda tx: tx.people.forget(ben.id))
    again, other = await someone(store, "ana"), await someone(store, "ben")

    async def told(tx: Transaction) -> list[int]:
        return [await tx.tombstones.told(each.id, watch.now - MONTH) for each in (again, other, sam)]

    assert await store.run(told) == [1, 0, 0]
    watch.forward(KEPT + SECOND)
    assert await store.run(lambda tx: tx.tombstones.end()) == 1
    watch.now = begun + MONTH
    assert await store.run(lambda tx: tx.tombstones.end()) == 0
    assert await store.run(told) == [1, 0, 0]
    watch.forward(SECOND)
    assert await store.run(told) == [0, 0, 0]
    assert await store.run(lambda tx: tx.tombstones.end()) == 1


async def test_another_process_closes_the_key_of_who_was_forgotten(
    store: Store, database: Database, watch: Watch
) -> None:
    ana = await someone(store, "ana")
    other = await Store.open(database.url, database.key, clock=watch, alone=False)
    try:
        await other.run(lambda tx: tx.people.forget(ana.id))
    finally:
        await other.close()
    assert ana.id in store._vault._known, "this one does not know yet"

    async def looks(tx: Transaction) -> None:
        await tx.tombstones.close_keys(watch.now - SECOND)
        with pytest.raises(KeyDestroyed):
            await tx.people._vault.of(tx._session, ana.id)

    await store.run(looks)


async def test_who_has_no_address_is_forgotten_everywhere_too(store: Store, watch: Watch) -> None:
    invited = await store.run(lambda tx: tx.people.invite("en", {"name": "Ana"}))
    await store.run(lambda tx: tx.people.forget(invited))
    store._vault._known[invited] = bytes(32)
    await store.run(lambda tx: tx.tombstones.close_keys(watch.now))
    assert invited not in store._vault._known


async def test_whoever_was_burned_is_read_by_nobody_and_the_bot_stops(
    store: Store, database: Database, watch: Watch
) -> None:
    for name in ("ana", "ben"):
        await someone(store, name)
    assert burn(database.url, watch.now) == 2
    assert keys_of(database.url) == []
    with pytest.raises(Burned):
        await store.run(lambda tx: tx.tombstones.close_keys(watch.now - SECOND))
    assert not store._vault._known
    await store.close()
    with pytest.raises(Burned):
        await Store.open(database.url, database.key, clock=watch)
    assert burn(database.url, watch.now) == 0, "it can be done again"


async def test_nothing_that_was_destroyed_stays_in_the_files(database: Database, watch: Watch) -> None:
    if database.path is None:
        pytest.skip("a server's files are its own")
    store = await Store.open(database.url, database.key, clock=watch)
    ana = await someone(store, "ana")
    await store.run(lambda tx: tx.people.save(ana.id, {"name": "Ana"}, district="a-district-canary"))
    ((_, wrapped, _),) = keys_of(database.url)
    files = [*database.path.parent.glob("*.db*")]
    assert any(wrapped in file.read_bytes() for file in files)
    await store.run(lambda tx: tx.people.forget(ana.id))
    for file in database.path.parent.glob("*.db*"):
        assert wrapped not in file.read_bytes(), file.name
        assert b"a-district-canary" not in file.read_bytes(), file.name
    await store.close()
