"""Who is looked for and asked, where some can be reached and some cannot."""

from datetime import UTC, datetime

import pytest

from bot.desks.acting import Press, act
from bot.desks.base import APPROVE
from bot.pairing import gatherings
from bot.world import Pairing
from storage.audit import COORDINATOR
from storage.pairs import DECLINED, INTRODUCED, LAPSED, OFFERED
from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, Neighbourhood, places
from tests.databases import Watch


@pytest.fixture
async def leeds(store: Store, watch: Watch) -> Neighbourhood:
    """A neighbourhood on a Monday morning."""
    watch.now = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    return here


def offered(here: Neighbourhood, who: str) -> int:
    """How often they were asked whether they would meet somebody."""
    return sum(text.startswith("Would you like to meet") for text in here.heard[who])


async def blocks(here: Neighbourhood, who: str) -> None:
    """They block the bot, which finds out as it writes to them the next time."""
    here.channel.gone.add(who)
    await here.says(who, "help")


def unblocks(here: Neighbourhood, who: str) -> None:
    here.channel.gone.remove(who)


async def test_a_buddy_whom_nothing_reaches_is_asked_nothing_and_the_next_is_asked_at_once(
    leeds: Neighbourhood,
) -> None:
    await leeds.buddy("sam")
    await leeds.buddy("kit", interests=(), times=())
    leeds.channel.gone.add("sam")
    await leeds.says("ana", "hello", *ANSWERS)
    assert offered(leeds, "kit") == 1
    assert [(pair.state, pair.why) for pair in await leeds.pairs("sam")] == [(LAPSED, "not reached")]
    await leeds.says("zoe", "hello", *ANSWERS)
    assert offered(leeds, "kit") == 2
    assert len(await leeds.pairs("sam")) == 1
    assert await leeds.store.read(lambda tx: tx.funnel.free_buddies()) == 1


async def test_a_buddy_who_writes_again_is_asked_again(leeds: Neighbourhood) -> None:
    await leeds.buddy("sam")
    await blocks(leeds, "sam")
    heard = await leeds.says("ana", "hello", *ANSWERS)
    assert "Nobody near you is free just now" in " ".join(heard)
    await leeds.hours(1)
    assert await leeds.pairs("sam") == []
    unblocks(leeds, "sam")
    await leeds.says("sam", "help")
    await leeds.hours(1)
    assert offered(leeds, "sam") == 1


async def test_a_buddy_is_asked_again_once_something_reaches_them(leeds: Neighbourhood) -> None:
    sam = await leeds.buddy("sam")
    await blocks(leeds, "sam")
    unblocks(leeds, "sam")
    person = (await leeds.loaded("sam")).person
    assert (person.id, person.reachable) == (sam, False)
    await leeds.turns.let(sam, "replied", {"name": "Jo", "text": "Are you well?"})
    await leeds.settle()
    assert (await leeds.loaded("sam")).person.reachable
    await leeds.says("ana", "hello", *ANSWERS)
    assert offered(leeds, "sam") == 1


async def test_a_newcomer_whom_nothing_reaches_waits_for_nobody_until_they_write(leeds: Neighbourhood) -> None:
    for who in ("ana", "ben", "zoe"):
        await leeds.says(who, "hello", *ANSWERS)
        await leeds.hours(0.1)
    await blocks(leeds, "ana")
    # One of them is looked for alone, and several together.
    await leeds.buddy("sam", capacity=3)
    await leeds.hours(1)
    assert offered(leeds, "sam") == 2
    assert await leeds.pairs("ana") == []
    unblocks(leeds, "ana")
    await leeds.says("ana", "help")
    await leeds.hours(1)
    assert [pair.state for pair in await leeds.pairs("ana")] == [OFFERED]


async def test_a_yes_introduces_nobody_who_cannot_be_reached_by_now(leeds: Neighbourhood) -> None:
    await leeds.buddy("sam")
    await leeds.says("ana", "hello", *ANSWERS)
    await blocks(leeds, "ana")
    heard = await leeds.says("sam", "yes")
    assert heard == ["Thank you! That has been settled by now. I'll ask you another time."]
    assert [kind for kind, _ in await leeds.cards()] == ["failed_send"]
    assert "pair.declined" not in await leeds.life("ana")
    await leeds.buddy("kit")
    await leeds.hours(1)
    assert offered(leeds, "kit") == 0
    unblocks(leeds, "ana")
    await leeds.says("ana", "help")
    await leeds.hours(1)
    await leeds.says("kit", "yes")
    assert [pair.state for pair in await leeds.pairs("kit")] == [INTRODUCED]


async def test_a_yes_introduces_nobody_who_lives_out_of_reach_by_now(leeds: Neighbourhood) -> None:
    await leeds.buddy("sam")
    await leeds.says("ana", "hello", *ANSWERS)
    ana, far = (await leeds.loaded("ana")).person, places().read("London")
    assert far is not None
    await leeds.store.run(lambda tx: tx.people.save(ana.id, {**ana.fields, "place": far.name}, district=far.cell))
    heard = await leeds.says("sam", "yes")
    assert heard == ["Thank you! That has been settled by now. I'll ask you another time."]
    assert [(pair.state, pair.why) for pair in await leeds.pairs("ana")] == [(DECLINED, "too far")]
    assert not any("Sam" in text for text in leeds.heard["ana"])


async def test_nobody_is_asked_about_who_is_gone_when_a_coordinator_says_yes_or_time_asks_once_more(
    store: Store, watch: Watch
) -> None:
    watch.now = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    here = Neighbourhood(store, watch, pairing=Pairing(approval=True))
    await here.libraries.begin()
    await here.buddy("sam")
    await here.says("ana", "hello", *ANSWERS)
    await blocks(here, "ana")
    card = next(card for card in await store.run(lambda tx: tx.cards.open(9)) if card.kind == "match_to_approve")
    press = Press(card=card.id, button=APPROVE, role=COORDINATOR, by="lou")
    await store.run(lambda tx: act(tx, here.world, press))
    await here.settle()
    assert offered(here, "sam") == 0
    await here.buddy("kit")
    number = (await here.loaded("ana")).person.id
    await here.turns.let(number, "search", {"first": "0"})
    await here.turns.let(number, "begin", {"flow": "another"})
    await here.settle()
    assert await here.pairs("kit") == []


async def test_where_buddies_are_few_nobody_is_counted_or_invited_whom_nothing_reaches(leeds: Neighbourhood) -> None:
    sam = await leeds.buddy("sam", capacity=1)
    for who in ("ana", "ben", "zoe", "kim"):
        await leeds.says(who, "hello", *ANSWERS)
    await blocks(leeds, "kim")
    await leeds.hours(1)
    assert await leeds.store.read(lambda tx: tx.cards.current(gatherings.CARD)) == []
    await leeds.says("lou", "hello", *ANSWERS)
    await leeds.hours(1)
    cards = await leeds.store.read(lambda tx: tx.cards.current(gatherings.CARD))
    assert [(card.person_id, card.body["many"]) for card in cards] == [(sam, 3)]
