import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from storage.errors import KeyDestroyed, NotFound
from storage.pairs import DECLINED, ENDED, INTRODUCED, OFFERED, OPEN, SILENT, WANTED, Pair
from storage.store import Store, Transaction
from tests.databases import Postgres, Watch
from tests.storage.given import CHANNEL, someone
from tests.waiting import PATIENCE

REASONS = ("both climate", "sábado 🌱")


async def propose(store: Store, supporter_id: int, buddy_id: int, state: str = OFFERED) -> int | None:
    async def work(tx: Transaction) -> int | None:
        return await tx.pairs.propose(supporter_id, buddy_id, state, 1.25, REASONS, tx.now + timedelta(days=1))

    return await store.run(work)


async def paired(store: Store, supporter_id: int, buddy_id: int, state: str = OFFERED) -> Pair:
    """A new pair in this state."""
    number = await propose(store, supporter_id, buddy_id, state)
    assert number is not None
    found = await store.run(lambda tx: tx.pairs.get(number))
    assert found is not None
    return found


async def introduce(store: Store, pair: Pair, **more: object) -> Pair:
    """They know of each other from now on."""

    async def work(tx: Transaction) -> Pair:
        changed = replace(pair, state=INTRODUCED, introduced_at=tx.now, **more)  # type: ignore[arg-type]
        await tx.pairs.save(changed)
        return changed

    return await store.run(work)


async def test_an_offer_keeps_who_why_and_until_when(store: Store, watch: Watch) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    pair = await paired(store, ana.id, ben.id)
    assert pair == Pair(
        pair.id, ana.id, ben.id, OFFERED, REASONS, 1.25, watch.now, watch.now, watch.now + timedelta(days=1)
    )
    assert await store.read(lambda tx: tx.pairs.lock(pair.id)) == pair
    assert await store.run(lambda tx: tx.pairs.get(pair.id + 1)) is None


async def test_what_a_coordinator_has_to_approve_was_offered_to_nobody_yet(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")

    async def work(tx: Transaction) -> Pair | None:
        number = await tx.pairs.propose(ana.id, ben.id, WANTED, 0, (), None)
        assert number is not None
        return await tx.pairs.get(number)

    pair = await store.run(work)
    assert pair is not None
    assert (pair.state, pair.offered_at, pair.answer_by, pair.reasons) == (WANTED, None, None, ())


async def test_nobody_is_proposed_twice_to_the_same_person_in_either_role(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    pair = await paired(store, ana.id, ben.id)
    await store.run(lambda tx: tx.pairs.save(replace(pair, state=DECLINED)))
    assert await propose(store, ana.id, ben.id) is None
    assert await propose(store, ben.id, ana.id) is None
    assert await store.run(lambda tx: tx.pairs.of(ana.id)) == [replace(pair, state=DECLINED)]


async def test_many_proposals_of_the_same_two_at_once_make_one_pair(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    numbers = await asyncio.gather(*(propose(store, ana.id, ben.id) for _ in range(12)))
    assert sum(number is not None for number in numbers) == 1


async def test_each_knows_the_other_and_a_third_is_nobody(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    pair = await paired(store, ana.id, ben.id)
    assert (pair.other(ana.id), pair.role_of(ana.id)) == (ben.id, "supporter")
    assert (pair.other(ben.id), pair.role_of(ben.id)) == (ana.id, "buddy")
    with pytest.raises(ValueError, match="not in pair"):
        pair.other(ben.id + 1)


async def test_everything_that_can_change_comes_back_as_saved(store: Store, watch: Watch) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    pair = await paired(store, ana.id, ben.id)
    hours = iter(range(1, 20))
    moments = {
        name: watch.now + timedelta(hours=next(hours), microseconds=7)
        for name in Pair.__dataclass_fields__
        if (name.endswith("_at") and name != "created_at") or name == "answer_by"
    }
    changed = replace(pair, **moments, state=ENDED, supporter_met="yes", buddy_met="not_yet", meetings=2, why="moved")  # type: ignore[arg-type]
    await store.run(lambda tx: tx.pairs.save(changed))
    assert await store.run(lambda tx: tx.pairs.get(pair.id)) == changed
    with pytest.raises(NotFound):
        await store.run(lambda tx: tx.pairs.save(replace(pair, id=pair.id + 1)))


async def test_saving_never_loses_the_reasons(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    pair = await paired(store, ana.id, ben.id)
    await store.run(lambda tx: tx.pairs.save(replace(pair, reasons=(), cost=9)))
    assert await store.run(lambda tx: tx.pairs.get(pair.id)) == pair


async def test_a_persons_pairs_are_of_either_role_and_newest_first(store: Store) -> None:
    ana, ben, cleo = [await someone(store, address) for address in "123"]
    first = await paired(store, ana.id, ben.id)
    second = await paired(store, cleo.id, ana.id)
    await paired(store, cleo.id, ben.id)
    assert await store.run(lambda tx: tx.pairs.of(ana.id)) == [second, first]
    assert await store.run(lambda tx: tx.pairs.open_of(ana.id)) == [second, first]
    ended = replace(second, state=ENDED)
    await store.run(lambda tx: tx.pairs.save(ended))
    assert await store.run(lambda tx: tx.pairs.of(ana.id)) == [ended, first]
    assert await store.run(lambda tx: tx.pairs.open_of(ana.id)) == [first]


@pytest.mark.parametrize(
    "state", ["wanted", "offered", "introduced", "ended", "declined", "lapsed", "refused", "frozen"]
)
async def test_open_is_what_may_still_meet(store: Store, state: str) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    pair = await paired(store, ana.id, ben.id, state)
    assert await store.run(lambda tx: tx.pairs.open_of(ben.id)) == ([pair] if state in OPEN else [])
    assert (state in OPEN) == (state in {"wanted", "offered", "introduced"})


async def test_an_offer_is_unanswered_once_its_time_is_up(store: Store, watch: Watch) -> None:
    ana, ben, cleo = [await someone(store, address) for address in "123"]
    first = await paired(store, ana.id, ben.id)
    watch.forward(timedelta(hours=1))
    second = await paired(store, ana.id, cleo.id)
    answered = await paired(store, cleo.id, ben.id)
    await introduce(store, answered)
    assert first.answer_by is not None
    almost, first_by = first.answer_by - timedelta(microseconds=1), first.answer_by
    assert await store.run(lambda tx: tx.pairs.unanswered(10, almost)) == []
    assert await store.run(lambda tx: tx.pairs.unanswered(10, first_by)) == [(first.id, ben.id)]
    later = first_by + timedelta(days=3)
    assert await store.run(lambda tx: tx.pairs.unanswered(10, later)) == [(first.id, ben.id), (second.id, cleo.id)]
    assert await store.run(lambda tx: tx.pairs.unanswered(1, later)) == [(first.id, ben.id)]


async def test_a_pair_is_untouched_until_one_writes_or_says_they_met(store: Store, watch: Watch) -> None:
    ana = await someone(store, "ana")
    buddies = [await someone(store, str(number)) for number in range(6)]
    pairs = [await paired(store, ana.id, buddy.id) for buddy in buddies]
    await introduce(store, pairs[0])
    await introduce(store, pairs[1], supporter_wrote_at=watch.now)
    await introduce(store, pairs[2], buddy_wrote_at=watch.now)
    await introduce(store, pairs[3], buddy_met="yes")
    await introduce(store, pairs[4], supporter_met="yes", buddy_met="yes", met_at=watch.now)
    introduced, almost = watch.now, watch.now - timedelta(microseconds=1)
    assert await store.run(lambda tx: tx.pairs.untouched(10, almost)) == []
    untouched = [(pairs[0].id, ana.id, buddies[0].id)]
    assert await store.run(lambda tx: tx.pairs.untouched(10, introduced)) == untouched
    watch.forward(timedelta(days=1))
    await introduce(store, pairs[5], supporter_met="not_yet")
    now = watch.now
    assert await store.run(lambda tx: tx.pairs.untouched(1, now)) == untouched
    assert await store.run(lambda tx: tx.pairs.untouched(10, now)) == [
        *untouched,
        (pairs[5].id, ana.id, buddies[5].id),
    ]


async def test_a_silence_that_is_in_the_ledger_is_not_noticed_again(store: Store, watch: Watch) -> None:
    ana, ben, cleo = [await someone(store, address) for address in "123"]
    first = await introduce(store, await paired(store, ana.id, ben.id))
    second = await introduce(store, await paired(store, ana.id, cleo.id))
    await store.run(lambda tx: tx.ledger.add(ana.id, SILENT, subject=f"pair:{first.id}"))
    await store.run(lambda tx: tx.ledger.add(ana.id, "pair.introduced", subject=f"pair:{second.id}"))
    assert await store.run(lambda tx: tx.pairs.untouched(10, tx.now)) == [(second.id, ana.id, cleo.id)]


async def test_pairs_are_counted_by_state(store: Store) -> None:
    assert await store.read(lambda tx: tx.pairs.by_state()) == {}
    ana = await someone(store, "ana")
    for number, state in enumerate([OFFERED, OFFERED, WANTED]):
        await paired(store, ana.id, (await someone(store, str(number))).id, state)
    assert await store.read(lambda tx: tx.pairs.by_state()) == {"offered": 2, "wanted": 1}


async def test_nothing_is_proposed_for_someone_forgotten(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    await store.run(lambda tx: tx.people.forget(ana.id))
    with pytest.raises(KeyDestroyed):
        await propose(store, ana.id, ben.id)


async def test_supporter_and_buddy_never_lose_each_others_change_nor_deadlock(
    store: Store,
) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    pair = await introduce(store, await paired(store, ana.id, ben.id))
    tries = 0

    async def relay(number: int) -> None:
        me, other = (ana, ben) if number % 2 else (ben, ana)

        async def work(tx: Transaction) -> None:
            nonlocal tries
            tries += 1
            assert await tx.people.lock_and_load(*CHANNEL, "1" if me is ana else "2") is not None
            if number % 3:
                await tx.inbox.put("relay", str(number), other.id, "relayed", {"text": "hello"})
            locked = await tx.pairs.lock(pair.id)
            assert locked is not None
            await tx.pairs.save(replace(locked, meetings=locked.meetings + 1))
            if not number % 3:
                await tx.inbox.put("relay", str(number), other.id, "relayed", {"text": "hello"})

        await store.run(work)

    await asyncio.wait_for(asyncio.gather(*(relay(number) for number in range(60))), PATIENCE)
    found = await store.run(lambda tx: tx.pairs.get(pair.id))
    assert found is not None
    assert found.meetings == 60
    assert len(await store.run(lambda tx: tx.inbox.untaken(100))) == 60
    assert tries == 60


async def test_turns_that_lock_their_person_then_the_pair_never_deadlock_on_postgres(
    postgres: Postgres, tmp_path: Path, watch: Watch
) -> None:
    url = postgres.create()
    one, other = [await Store.open(url, tmp_path / "doorstep.key", clock=watch) for _ in range(2)]
    ana, ben = await someone(one, "1"), await someone(one, "2")
    pair = await introduce(one, await paired(one, ana.id, ben.id))
    halfway = asyncio.Barrier(2)
    tries = 0

    async def writes(tx: Transaction, to: int) -> None:
        assert await tx.inbox.put("relay", f"to {to}", to, "relayed", {"text": "hello"})

    async def counts(tx: Transaction) -> None:
        locked = await tx.pairs.lock(pair.id)
        assert locked is not None
        await tx.pairs.save(replace(locked, meetings=locked.meetings + 1))

    async def supporters(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await tx.people.load(ana.id)
        await writes(tx, ben.id)
        await halfway.wait()
        await counts(tx)

    async def buddys(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await tx.people.load(ben.id)
        await counts(tx)
        await halfway.wait()
        await writes(tx, ana.id)

    try:
        # A turn that had to be run again would wait for ever at the barrier.
        await asyncio.wait_for(asyncio.gather(one.run(supporters), other.run(buddys)), PATIENCE)
        found = await one.run(lambda tx: tx.pairs.get(pair.id))
        waiting = await one.run(lambda tx: tx.inbox.untaken(10))
    finally:
        await one.close()
        await other.close()
    assert tries == 2
    assert found is not None
    assert found.meetings == 2
    assert {each.person_id for each in waiting} == {ana.id, ben.id}
