from datetime import timedelta

import pytest

from flows.model import Value
from storage.buddies import CLEAR, Buddy
from storage.errors import NotFound
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import CHANNEL, someone


async def buddy(store: Store, address: str, **how: object) -> int:
    """Someone whose role is buddy."""
    person = await someone(store, address)
    await store.run(lambda tx: tx.buddies.serve(person.id, role="buddy", **how))  # type: ignore[arg-type]
    return person.id


async def found(store: Store, person_id: int) -> Buddy:
    got = await store.read(lambda tx: tx.buddies.get(person_id))
    assert got is not None
    return got


async def test_a_buddy_is_all_that_pairing_asks_about(store: Store, watch: Watch) -> None:
    person = await someone(store, "1")
    until = watch.now + timedelta(days=7)
    fields: dict[str, Value] = {"interests": ("climate", "food"), "adult": True}

    async def work(tx: Transaction) -> None:
        await tx.people.save(person.id, fields, language="es", district="88195da49bfffff")
        await tx.buddies.serve(person.id, role="buddy", capacity=3, approved_at=tx.now, away_until=until)
        await tx.buddies.set_load(person.id, 2)

    await store.run(work)
    expected = Buddy(person.id, "es", "88195da49bfffff", fields, 3, 2, watch.now, until, person.created_at, "active")
    assert await found(store, person.id) == expected
    assert await store.read(lambda tx: tx.buddies.all()) == [expected]


async def test_only_whose_role_is_buddy_is_one(store: Store) -> None:
    ana, ben = await buddy(store, "1"), await buddy(store, "2")
    cleo = (await someone(store, "3")).id
    await store.run(lambda tx: tx.people.save(cleo, {}, role="supporter"))
    assert [each.id for each in await store.read(lambda tx: tx.buddies.all())] == [ana, ben]
    await store.run(lambda tx: tx.buddies.serve(ben, role=""))
    assert [each.id for each in await store.read(lambda tx: tx.buddies.all())] == [ana]
    for nobody in (ben, cleo, cleo + 1):
        assert await store.read(lambda tx, number=nobody: tx.buddies.get(number)) is None  # type: ignore[misc]


async def test_who_was_invited_is_a_buddy_only_once_they_can_be_written_to(store: Store) -> None:
    invited = await store.run(lambda tx: tx.people.invite("en", {"name": "Ben"}, "buddy"))
    assert await store.read(lambda tx: tx.buddies.all()) == []
    assert await store.read(lambda tx: tx.buddies.get(invited)) is None
    await store.run(lambda tx: tx.people.add_address(invited, *CHANNEL, "7"))
    assert (await found(store, invited)).fields == {"name": "Ben"}


async def test_serving_changes_what_is_given_and_leaves_the_rest(store: Store, watch: Watch) -> None:
    until = watch.now + timedelta(days=7)
    person_id = await buddy(store, "1", capacity=3, approved_at=watch.now, away_until=until)

    async def after(**how: object) -> tuple[object, ...]:
        await store.run(lambda tx: tx.buddies.serve(person_id, **how))  # type: ignore[arg-type]
        now = await found(store, person_id)
        return now.capacity, now.approved_at, now.away_until

    assert await after() == (3, watch.now, until)
    assert await after(capacity=0) == (0, watch.now, until)
    assert await after(away_until=CLEAR) == (0, watch.now, None)
    assert await after(away_until=until) == (0, watch.now, until)
    assert await after(approved_at=CLEAR) == (0, None, until)
    with pytest.raises(NotFound):
        await store.run(lambda tx: tx.buddies.serve(person_id + 1, capacity=1))


async def test_who_has_waited_longest_comes_first_until_they_wait_no_more(store: Store, watch: Watch) -> None:
    ana, ben, cleo = [(await someone(store, address)).id for address in "123"]

    async def wait(person_id: int, days: int | None) -> None:
        since = None if days is None else watch.now - timedelta(days=days)
        await store.run(lambda tx: tx.buddies.set_waiting(person_id, since))

    async def waiting(limit: int = 10) -> list[int]:
        return [each.id for each in await store.read(lambda tx: tx.buddies.seekers(limit))]

    assert await waiting() == []
    for person_id, days in ((ana, 1), (ben, 3), (cleo, 2)):
        await wait(person_id, days)
    assert await waiting() == [ben, cleo, ana]
    assert await waiting(1) == [ben]
    await wait(ben, None)
    await wait(ben, None)
    assert await waiting() == [cleo, ana]


async def test_who_begins_to_wait_again_has_waited_since_the_first_time(store: Store, watch: Watch) -> None:
    ana, ben = [(await someone(store, address)).id for address in "12"]
    for person_id in (ana, ben, ana):
        await store.run(lambda tx, number=person_id: tx.buddies.set_waiting(number, tx.now))  # type: ignore[misc]
        watch.forward(timedelta(days=1))
    assert [each.id for each in await store.read(lambda tx: tx.buddies.seekers(10))] == [ana, ben]
    await store.run(lambda tx: tx.buddies.set_waiting(ana, None))
    await store.run(lambda tx: tx.buddies.set_waiting(ana, tx.now))
    assert [each.id for each in await store.read(lambda tx: tx.buddies.seekers(10))] == [ben, ana]


async def test_who_has_stopped_is_passed_over_while_they_wait(store: Store) -> None:
    ana, ben = [(await someone(store, address)).id for address in "12"]
    for person_id in (ana, ben):
        await store.run(lambda tx, number=person_id: tx.buddies.set_waiting(number, tx.now))  # type: ignore[misc]
    await store.run(lambda tx: tx.people.save(ana, {}, status="stopped"))
    assert [each.id for each in await store.read(lambda tx: tx.buddies.seekers(1))] == [ben]
    await store.run(lambda tx: tx.people.save(ana, {}, status="active"))
    assert [each.id for each in await store.read(lambda tx: tx.buddies.seekers(1))] == [ana]
