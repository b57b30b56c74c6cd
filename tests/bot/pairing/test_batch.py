"""Those who wait are assigned together: more of them, fairly, and by one process."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.pairing.batch import Batch
from bot.sender import utc_now
from storage.pairs import DECLINED, OFFERED
from storage.store import Store, Transaction
from tests.bot.neighbourhood import Neighbourhood
from tests.bot.pairing.given import LEEDS
from tests.databases import Postgres, Watch
from tests.waiting import PATIENCE


@pytest.fixture
async def leeds(store: Store, watch: Watch) -> Neighbourhood:
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    return here


async def waits(here: Neighbourhood, who: str, days: int = 0, **fields: Any) -> int:
    """Someone in Leeds who has waited for so many days; their number."""
    known = {"name": who.title(), "language": "en", "adult": "yes", "consented": ("keep", "pair"), **fields}

    async def work(tx: Transaction) -> int:
        person = await tx.people.add("web", "web", who, known["language"])
        await tx.people.save(person.id, known, district=LEEDS)
        await tx.buddies.set_waiting(person.id, tx.now - timedelta(days=days))
        return person.id

    return await here.store.run(work)


async def offers(here: Neighbourhood) -> dict[int, int]:
    """{supporter: buddy} of all who are asked now."""

    async def work(tx: Transaction) -> dict[int, int]:
        buddies = await tx.buddies.all()
        open_ = [pair for buddy in buddies for pair in await tx.pairs.open_of(buddy.id)]
        return {pair.supporter_id: pair.buddy_id for pair in open_ if pair.state == OFFERED}

    return await here.store.run(work)


async def test_who_can_only_have_one_buddy_is_not_left_for_who_can_have_any(leeds: Neighbourhood) -> None:
    both = await leeds.buddy("sam", capacity=1, language="en", languages=("es",))
    english = await leeds.buddy("kit", capacity=1)
    # Ana has waited longest, and Sam would suit her better.
    ana = await waits(leeds, "ana", days=9, languages=("es",), interests=("climate",))
    zoe = await waits(leeds, "zoe", days=1, language="es")
    await leeds.tick()
    assert await offers(leeds) == {ana: english, zoe: both}


async def test_newcomers_are_shared_out_among_the_buddies(leeds: Neighbourhood) -> None:
    near = await leeds.buddy("sam", capacity=3)
    other = await leeds.buddy("kit", capacity=3, interests=(), times=())
    people = [await waits(leeds, f"p{number}", interests=("climate",), times=("saturday",)) for number in range(4)]
    await leeds.tick()
    found = await offers(leeds)
    assert sorted(found) == people
    assert sorted(found.values()) == [near, near, other, other]


async def test_where_not_all_can_have_one_it_is_who_waited_longest(leeds: Neighbourhood) -> None:
    sam = await leeds.buddy("sam", capacity=2)
    days = {await waits(leeds, f"p{each}", days=each): each for each in (1, 20, 3, 10, 2)}
    await leeds.tick()
    found = await offers(leeds)
    assert set(found.values()) == {sam}
    assert sorted(days[person] for person in found) == [10, 20]


async def test_a_pair_that_is_over_is_never_proposed_again(leeds: Neighbourhood) -> None:
    sam = await leeds.buddy("sam")
    ana, ben = await waits(leeds, "ana"), await waits(leeds, "ben")

    async def before(tx: Transaction) -> None:
        await tx.pairs.propose(ana, sam, DECLINED, 1.0, [], None)
        await tx.people.block(sam, ben)

    await leeds.store.run(before)
    await leeds.hours(1)
    assert await offers(leeds) == {}
    assert [each.id for each in await leeds.store.read(lambda tx: tx.buddies.seekers(9))] == [ana, ben]


async def test_what_is_proposed_is_checked_again_and_the_next_best_is_asked(leeds: Neighbourhood) -> None:
    sam, kit = await leeds.buddy("sam", capacity=1), await leeds.buddy("kit", capacity=1, interests=())
    ana = await waits(leeds, "ana", interests=("climate",))

    async def away(tx: Transaction) -> None:
        await tx.buddies.serve(sam, away_until=tx.now + timedelta(days=3))

    await leeds.store.run(away)
    await leeds.turns.let(ana, "search", {"first": str(sam)})
    assert await offers(leeds) == {ana: kit}


async def test_the_present_load_of_a_buddy_counts_against_them(leeds: Neighbourhood) -> None:
    sam, kit = await leeds.buddy("sam", capacity=4), await leeds.buddy("kit", capacity=4)
    taken = [await waits(leeds, f"old{number}") for number in range(2)]
    for each in taken:
        await leeds.turns.let(each, "search", {"first": str(sam)})
        await leeds.handover.drain()
    ana, _ = await waits(leeds, "ana"), await waits(leeds, "zoe", language="ur")
    await leeds.tick()
    assert await offers(leeds) == {taken[0]: sam, taken[1]: sam, ana: kit}


async def test_of_several_processes_one_proposes_and_another_when_that_is_gone(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create()
    stores = [await Store.open(url, tmp_path / "key", clock=utc_now) for _ in range(2)]
    here = [Neighbourhood(store, Watch()) for store in stores]
    await here[0].libraries.begin()
    await here[1].libraries.begin()
    batches: list[Batch] = [each.batch for each in here]
    running = [asyncio.ensure_future(batch.run()) for batch in batches]

    async def who_proposes() -> int:
        """The place of the one that does, once one does; a buddy and two more newcomers are there for it each time."""
        name = f"{len(await stores[0].read(lambda tx: tx.buddies.all()))}"
        await here[0].buddy(f"sam{name}", capacity=1)
        for each in "ab":
            await waits(here[0], f"{each}{name}")
        async with asyncio.timeout(PATIENCE):
            while True:
                done = [await batch.sweep() for batch in batches]
                if any(done):
                    assert sum(map(bool, done)) == 1
                    return done.index(max(done))
                await asyncio.sleep(0.05)

    try:
        first = await who_proposes()
        running[first].cancel()
        with suppress(asyncio.CancelledError):
            await running[first]
        assert await who_proposes() == 1 - first
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for store in stores:
            await store.close()
