from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.actions import PUBLISHED
from storage.funnel import SIGNED_UP
from storage.pairs import INTRODUCED, OFFERED
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import someone

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


async def reached(store: Store, since: datetime = EVER[0], until: datetime = EVER[1]) -> dict[str, int]:
    return await store.read(lambda tx: tx.funnel.reached(since, until))


async def meet(store: Store, supporter: int, buddy: int, times: int = 1) -> int:
    """They are offered, introduced, and meet so often."""

    async def work(tx: Transaction) -> int:
        number = await tx.pairs.propose(supporter, buddy, OFFERED, 1.0, (), tx.now + timedelta(days=1))
        assert number is not None
        pair = await tx.pairs.lock(number)
        assert pair is not None
        met_at = tx.now if times else None
        await tx.pairs.save(
            replace(pair, state=INTRODUCED, offered_at=tx.now, introduced_at=tx.now, met_at=met_at, meetings=times)
        )
        for each in (supporter, buddy):
            await tx.ledger.add(each, "pair.introduced", subject=f"pair:{number}")
        for _ in range(times):
            for each in (supporter, buddy):
                await tx.ledger.add(each, "pair.met", subject=f"pair:{number}")
        return number

    return await store.run(work)


async def test_each_step_counts_newcomers_once_and_buddies_never_as_met(store: Store) -> None:
    ana, ben, cleo, buddy = [(await someone(store, f"{number}")).id for number in range(4)]

    async def lines(tx: Transaction) -> None:
        for person in (ana, ana, ben, cleo, buddy):
            await tx.ledger.add(person, "wrote first")
        for person in (ana, ana, ben):
            await tx.ledger.add(person, "asked for a buddy")
        for what in ("signup.made", "signup.made", "checkin.made"):
            await tx.ledger.add(ana, what, subject="action:1")
        await tx.ledger.add(None, "wrote first")

    await store.run(lines)
    await meet(store, ana, buddy)
    await meet(store, ben, buddy, times=0)
    assert await reached(store) == {
        "wrote_first": 4, "asked_for_a_buddy": 2, "offered": 2, "accepted": 2, "introduced": 2, "planned": 0,
        "signed_up": 1, "came": 1, "met": 1, "met_again": 0,
    }  # fmt: skip
    assert await store.read(lambda tx: tx.funnel.connections(*EVER)) == 1


async def test_meeting_again_counts_whoever_it_is_with(store: Store) -> None:
    ana, ben, cleo, buddy, other = [(await someone(store, f"{number}")).id for number in range(5)]
    await meet(store, ana, buddy, times=2)
    await meet(store, ben, buddy)
    assert (await reached(store))["met_again"] == 1, "the buddy met twice, but is no newcomer"
    await meet(store, ben, other)
    assert (await reached(store))["met_again"] == 2
    await meet(store, cleo, ana)
    counted = await reached(store)
    assert (counted["met"], counted["met_again"]) == (3, 2)
    assert await store.read(lambda tx: tx.funnel.connections(*EVER)) == 4


async def test_a_step_belongs_to_the_time_it_was_first_taken(store: Store, watch: Watch) -> None:
    ana, buddy, other = [(await someone(store, f"{number}")).id for number in range(3)]
    begun = watch.now
    await store.run(lambda tx: tx.ledger.add(ana, "wrote first"))
    await meet(store, ana, buddy)
    watch.forward(timedelta(days=10))
    await store.run(lambda tx: tx.ledger.add(ana, "wrote first"))
    await meet(store, ana, other)
    week = (watch.now - timedelta(days=7), watch.now + timedelta(seconds=1))
    then, now = await reached(store, begun, begun + timedelta(seconds=1)), await reached(store, *week)
    assert (then["wrote_first"], then["met"], then["met_again"]) == (1, 1, 0)
    assert (now["wrote_first"], now["met"], now["met_again"]) == (0, 0, 1)
    assert await store.read(lambda tx: tx.funnel.connections(*week)) == 1
    assert await store.read(lambda tx: tx.funnel.connections(*EVER)) == 2
    assert (await reached(store, begun + timedelta(microseconds=1), watch.now))["wrote_first"] == 0


async def test_who_waits_and_who_is_free_is_counted_as_it_is_now(store: Store, watch: Watch) -> None:
    people = [(await someone(store, f"{number}")).id for number in range(8)]
    waits, stopped, free, full, away, back, asked, _ = people

    async def work(tx: Transaction) -> None:
        for person in (waits, stopped):
            await tx.buddies.set_waiting(person, tx.now)
        await tx.people.save(stopped, {}, status="stopped")
        for person in (free, full, away, back):
            await tx.buddies.serve(person, role="buddy", capacity=2, approved_at=tx.now)
        await tx.buddies.serve(asked, role="buddy", capacity=2)
        await tx.buddies.set_load(full, 2)
        await tx.buddies.set_load(free, 1)
        await tx.buddies.serve(away, away_until=tx.now + timedelta(days=1))
        await tx.buddies.serve(back, away_until=tx.now)

    await store.run(work)
    assert await store.read(lambda tx: tx.funnel.waiting()) == 1
    assert await store.read(lambda tx: tx.funnel.free_buddies()) == 2
    watch.forward(timedelta(days=2))
    assert await store.read(lambda tx: tx.funnel.free_buddies()) == 3


async def test_two_have_planned_something_once_both_are_down_for_it_or_have_swapped_addresses(
    store: Store, watch: Watch
) -> None:
    ana, ben, cleo, dan, buddy, other = [(await someone(store, f"{number}")).id for number in range(6)]
    numbers = [await meet(store, each, buddy, times=0) for each in (ana, ben, cleo, dan)]
    begun = watch.now
    watch.forward(timedelta(hours=3))

    async def work(tx: Transaction) -> None:
        hosted = await tx.actions.add(**action(buddy, tx.now))
        elsewhere = await tx.actions.add(**action(other, tx.now))
        await tx.ledger.add(ana, SIGNED_UP, subject=f"action:{hosted}")
        for each in (ben, cleo):
            await tx.ledger.add(each, SIGNED_UP, subject=f"action:{elsewhere}")
        for shared in ({"supporter_shared_at": tx.now, "buddy_shared_at": begun}, {"supporter_shared_at": tx.now}):
            pair = await tx.pairs.lock(numbers[3 if len(shared) == 2 else 1])
            assert pair is not None
            await tx.pairs.save(replace(pair, **shared))  # type: ignore[arg-type]

    await store.run(work)
    assert (await reached(store))["planned"] == 2, "the one who goes to the buddy's action, and the one who swapped"
    watch.forward(timedelta(hours=3))
    await store.run(lambda tx: tx.ledger.add(buddy, SIGNED_UP, subject="action:2"))
    assert (await reached(store))["planned"] == 4
    took = await store.read(lambda tx: tx.funnel.took(*EVER))
    assert took["planned"] == timedelta(hours=4, minutes=30), "3, 3, 6 and 6 hours"


async def test_the_time_a_step_took_is_the_median_of_those_who_took_it(store: Store, watch: Watch) -> None:
    people = [(await someone(store, f"{number}")).id for number in range(4)]
    for person in people:
        await store.run(lambda tx, person=person: tx.ledger.add(person, "wrote first"))  # type: ignore[misc]
    assert await store.read(lambda tx: tx.funnel.took(*EVER)) == {}
    for person, minutes in zip(people, (1, 4, 55), strict=False):
        watch.forward(timedelta(minutes=minutes))
        await store.run(lambda tx, person=person: tx.ledger.add(person, "asked for a buddy"))  # type: ignore[misc]
    took = await store.read(lambda tx: tx.funnel.took(*EVER))
    assert took == {"asked_for_a_buddy": timedelta(minutes=5)}, "1, 5 and 60 minutes"
    lately = (watch.now - timedelta(minutes=55), watch.now + timedelta(seconds=1))
    assert (await store.read(lambda tx: tx.funnel.took(*lately)))["asked_for_a_buddy"] == timedelta(minutes=32.5)


def action(host: int, at: datetime) -> dict[str, Any]:
    """What `Actions.add` wants of one that this person hosts."""
    return {
        "title": "Clean up the canal", "what": "", "kind": "clean-up", "district": "Leeds", "cell": "", "address": "",
        "zone": "Europe/London", "secret": "secret 1", "starts_at": at + timedelta(days=2),
        "ends_at": at + timedelta(days=2, hours=2), "state": PUBLISHED, "host_id": host,
    }  # fmt: skip
