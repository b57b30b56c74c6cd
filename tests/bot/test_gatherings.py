"""Few buddies: one welcomes several who wait, once; whoever was there is asked, two by two, whether they met."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.desks.acting import NotDone, Press, act
from bot.desks.base import APPROVE, DECLINE
from bot.pairing.gatherings import CARD
from storage.audit import COORDINATOR
from storage.cards import Card
from storage.ledger import Line
from storage.pairs import ENDED, GATHERED, INTRODUCED, OFFERED
from storage.store import Store, Transaction
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch

WAITING = ("bea", "cleo", "dan")


@pytest.fixture
async def leeds(store: Store, watch: Watch) -> Neighbourhood:
    """Sam has room for one, has Ana by now, and three more have waited for two hours on a Monday morning."""
    watch.now = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    await here.buddy("sam", capacity=1)
    await here.says("ana", "hello", *ANSWERS)
    await here.says("sam", "yes")
    for who in WAITING:
        await here.says(who, "hello", *ANSWERS)
    await here.hours(2)
    return here


async def cards(here: Neighbourhood) -> list[Card]:
    return await here.store.read(lambda tx: tx.cards.current(CARD))


async def press(here: Neighbourhood, button: str) -> None:
    (card,) = await cards(here)
    told = Press(card=card.id, button=button, role=COORDINATOR, by="Joy")
    await here.store.run(lambda tx: act(tx, here.world, told))
    await here.settle()


async def gathering(here: Neighbourhood) -> None:
    """Sam says yes, to a place on Saturday."""
    await press(here, APPROVE)
    await here.says("sam", "I'd love to", "public place", "Library, Leeds", "Saturday", "11:00")


async def kinds(here: Neighbourhood, who: str) -> list[str]:
    return [pair.state for pair in await here.pairs(who)]


async def ledger(here: Neighbourhood, who: str) -> list[Line]:
    number = (await here.loaded(who)).person.id
    return await here.store.read(lambda tx: tx.ledger.of(number))


async def test_one_press_asks_the_buddy_whoever_waits_is_invited_and_two_who_met_are_a_connection(
    leeds: Neighbourhood,
) -> None:
    (card,) = await cards(leeds)
    assert card.body == {"many": 3}
    await gathering(leeds)
    assert "I'm asking them now" in leeds.heard["sam"][-1]
    for who in WAITING:
        assert "Sam would like to welcome you" in leeds.heard[who][-1]
        assert "Saturday 6 June" in leeds.heard[who][-1]
        assert await kinds(leeds, who) == [GATHERED]
    assert not any("welcome you" in text for text in leeds.heard["ana"]), "she has Sam for herself"
    await leeds.says("bea", "I'll come")
    assert "Library, Leeds" in leeds.heard["bea"][-2]
    await leeds.says("cleo", "yes")
    await leeds.says("dan", "no")
    await leeds.until(datetime(2026, 6, 7, 13, 0, tzinfo=UTC))
    asked = "meet at A first hello"
    assert [asked in " ".join(leeds.heard[who]) for who in WAITING] == [True, True, False]
    questions = {text.partition("?")[0] for text in leeds.heard["sam"] if asked in text}
    assert questions == {f"Did you and {who} {asked}" for who in ("Bea", "Cleo")}, "of those who were to come"
    before = len(leeds.heard["sam"])
    await leeds.says("bea", "We met")
    await leeds.says("sam", "We met")  # the newest question is about Cleo, or about Bea
    await leeds.says("sam", "We met")
    met = [line for line in await ledger(leeds, "sam") if line.what == "pair.met"]
    assert len(met) == 1, "Cleo has said nothing"
    await leeds.says("cleo", "We met")
    assert all(["pair.met" in await leeds.life(who) for who in ("bea", "cleo")])
    assert len([line for line in await ledger(leeds, "sam") if line.what == "pair.met"]) == 2
    assert any("have met, and that is what all of this is for" in text for text in leeds.heard["sam"][before:])
    sam = (await leeds.loaded("sam")).person.id
    buddy = await leeds.store.read(lambda tx: tx.buddies.get(sam))
    assert buddy is not None
    assert buddy.load == 1, "nobody's capacity is taken by it"


async def test_the_title_which_everybody_may_read_names_nobody(leeds: Neighbourhood) -> None:
    await gathering(leeds)
    (action,) = await leeds.store.read(lambda tx: tx.actions.upcoming(10))
    assert action.title == "A first hello"


async def test_whoever_was_told_two_first_names_is_not_told_one_more_in_passing(leeds: Neighbourhood) -> None:
    bea = (await leeds.loaded("bea")).person.id

    async def knows_two(tx: Transaction) -> None:
        for name in ("kit", "lee"):
            other = await tx.people.add("web", "web", name, "en")
            number = await tx.pairs.propose(bea, other.id, OFFERED, 1.0, [], None)
            pair = await tx.pairs.lock(number or 0)
            assert pair is not None
            await tx.pairs.save(replace(pair, state=ENDED, introduced_at=tx.now, ended_at=tx.now))

    await leeds.store.run(knows_two)
    await gathering(leeds)
    assert [GATHERED in await kinds(leeds, who) for who in WAITING] == [who != "bea" for who in WAITING]
    assert "welcome you" not in " ".join(leeds.heard["bea"])


async def test_who_was_welcomed_among_others_can_still_be_introduced_to_that_buddy(leeds: Neighbourhood) -> None:
    await gathering(leeds)
    sam = (await leeds.loaded("sam")).person.id
    await leeds.store.run(lambda tx: tx.buddies.serve(sam, capacity=2))
    await leeds.free.refresh()
    await leeds.hours(1)
    states = [(await kinds(leeds, who)) for who in WAITING]
    assert sorted(states) == [[GATHERED], [GATHERED], [OFFERED]]
    await leeds.says("sam", "yes")
    states = [(await kinds(leeds, who)) for who in WAITING]
    assert sorted(states) == [[GATHERED], [GATHERED], [INTRODUCED]]


async def test_a_no_is_taken_and_the_buddy_is_left_alone(leeds: Neighbourhood) -> None:
    await press(leeds, APPROVE)
    await leeds.says("sam", "not this time")
    await leeds.hours(24)
    assert await cards(leeds) == []
    assert [await kinds(leeds, who) for who in WAITING] == [[], [], []]


async def test_coordinators_may_rather_not_and_are_not_asked_again(leeds: Neighbourhood) -> None:
    heard = len(leeds.heard["sam"])
    await press(leeds, DECLINE)
    await leeds.hours(24)
    assert await cards(leeds) == []
    assert leeds.heard["sam"][heard:] == []


async def test_another_buddy_is_proposed_where_one_has_not_said_yes_within_three_days(leeds: Neighbourhood) -> None:
    await press(leeds, APPROVE)
    await leeds.buddy("kim", capacity=1)
    await leeds.says("eve", "hello", *ANSWERS)
    await leeds.says("kim", "yes")
    await leeds.hours(48)
    assert await cards(leeds) == []
    await leeds.hours(25)
    (card,) = await cards(leeds)
    assert card.person_id == (await leeds.loaded("kim")).person.id


async def test_a_card_is_past_once_too_few_wait(leeds: Neighbourhood) -> None:
    (card,) = await cards(leeds)
    await leeds.says("bea", "stop")
    await leeds.hours(1)
    assert await cards(leeds) == []
    with pytest.raises(NotDone):
        await leeds.store.run(
            lambda tx: act(tx, leeds.world, Press(card=card.id, button=APPROVE, role=COORDINATOR, by="Joy"))
        )


async def test_they_meet_at_an_action_that_is_planned_and_the_buddy_comes_too(leeds: Neighbourhood) -> None:
    host = await leeds.buddy("host", capacity=0)
    action = await leeds.action(host, leeds.watch.now + timedelta(days=5))
    await press(leeds, APPROVE)
    await leeds.says("sam", "yes", "At an action", "1")
    assert "Sam would like to welcome you" in leeds.heard["bea"][-1]
    sam = (await leeds.loaded("sam")).person.id
    assert await leeds.store.read(lambda tx: tx.actions.signup(action, sam)) is not None
    await leeds.says("bea", "I'll come")
    assert "12 Canal Road" in leeds.heard["bea"][-2]


async def test_who_found_somebody_meanwhile_or_was_blocked_is_not_invited(leeds: Neighbourhood) -> None:
    await press(leeds, APPROVE)
    sam, bea = [(await leeds.loaded(who)).person.id for who in ("sam", "bea")]
    await leeds.store.run(lambda tx: tx.people.block(bea, sam))
    await leeds.says("cleo", "stop")
    await leeds.says("sam", "yes", "public place", "Library, Leeds", "Saturday", "11:00")
    assert [await kinds(leeds, who) for who in WAITING] == [[], [], [GATHERED]]
