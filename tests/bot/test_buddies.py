"""What a buddy does about being one: away, back, more or fewer, no more; and who is asked to become one."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.channels.base import Inbound
from bot.desks.acting import Press, act
from bot.desks.base import APPROVE
from bot.others import tell
from flows.model import Said
from storage.audit import COORDINATOR
from storage.buddies import Buddy
from storage.store import Store, Transaction
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch

Made = Callable[..., Awaitable[Neighbourhood]]


@pytest.fixture
async def leeds(store: Store, watch: Watch) -> Neighbourhood:
    """A neighbourhood on a Monday morning."""
    watch.now = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    made = Neighbourhood(store, watch)
    await made.libraries.begin()
    return made


async def known(here: Neighbourhood, number: int) -> Buddy | None:
    return await here.store.read(lambda tx: tx.buddies.get(number))


async def test_until_september_nobody_is_asked_and_back_ends_it_sooner(leeds: Neighbourhood) -> None:
    sam = await leeds.buddy()
    heard = await leeds.says("sam", "away", "until September")
    assert "Tuesday 1 September" in heard[-1]
    buddy = await known(leeds, sam)
    assert buddy is not None
    assert buddy.away_until == datetime(2026, 8, 31, 23, 0, tzinfo=UTC)
    heard = await leeds.says("ana", "hello", *ANSWERS)
    assert "I keep asking" in " ".join(heard)
    before = len(leeds.heard["sam"])
    await leeds.hours(2)
    assert leeds.heard["sam"][before:] == []
    heard = await leeds.says("sam", "I'm back")
    assert heard[0].startswith("Good to have you back")
    await leeds.hours(1)
    assert any("Would you like to meet Ana" in text for text in leeds.heard["sam"])


async def test_a_newcomer_hears_until_when_their_buddy_is_away_and_still_reaches_them(leeds: Neighbourhood) -> None:
    await leeds.buddy()
    for who in ("ana", "ben"):
        await leeds.says(who, "hello", *ANSWERS)
    await leeds.says("sam", "yes")
    pair = next(each for each in await leeds.pairs("sam") if each.state == "introduced")
    known = "ana" if (await leeds.loaded("ana")).person.id == pair.supporter_id else "ben"
    waits = "ben" if known == "ana" else "ana"
    before = {who: len(leeds.heard[who]) for who in (known, waits)}
    heard = await leeds.says("sam", "I'm away until September")
    assert "Those you look after hear until when you're away" in heard[-1]
    assert [text.partition(".")[0] for text in leeds.heard[known][before[known] :]] == [
        "Sam is away until Tuesday 1 September"
    ]
    assert not any("Sam" in text for text in leeds.heard[waits][before[waits] :]), "they never heard of Sam"
    await leeds.says(known, "Enjoy it!")
    assert leeds.heard["sam"][-1].endswith(": Enjoy it!")


@pytest.mark.parametrize("text", ["I'm back", "How many?", "I'm away until Sunday"])
async def test_what_would_be_a_buddys_word_passes_from_a_newcomer_to_their_buddy(
    leeds: Neighbourhood, text: str
) -> None:
    await leeds.buddy()
    await leeds.says("ana", "hello", *ANSWERS)
    await leeds.says("sam", "yes")
    await leeds.says("ana", text)
    assert leeds.heard["sam"][-1] == f"Ana: {text}"


@pytest.mark.parametrize("asked", [[], ["hello"], ["propose"], ["human"]])
async def test_one_message_is_enough_to_go_away_whatever_is_asked(leeds: Neighbourhood, asked: list[str]) -> None:
    sam = await leeds.buddy()
    await leeds.says("sam", *asked)
    heard = await leeds.says("sam", "I'm away till next Friday")
    assert len(heard) == 1
    assert heard[0].startswith("Done. Have a good time until Friday 5 June")
    buddy = await known(leeds, sam)
    assert buddy is not None
    assert buddy.away_until == datetime(2026, 6, 4, 23, 0, tzinfo=UTC)
    assert "1 September" in (await leeds.says("sam", "estoy fuera hasta septiembre"))[-1]


async def test_what_was_offered_goes_to_the_next_when_a_buddy_goes_away(leeds: Neighbourhood) -> None:
    await leeds.buddy()
    await leeds.says("ana", "hello", *ANSWERS)
    await leeds.buddy("kim")
    await leeds.says("sam", "away", "until September")
    assert [pair.state for pair in await leeds.pairs("ana")] == ["offered", "declined"]
    assert "Have a good time" in leeds.heard["sam"][-1], "nobody is asked again about somebody who is with the next"
    await leeds.hours(7)
    assert not any("still waiting to hear" in text for text in leeds.heard["sam"])
    assert any("Would you like to meet Ana" in text for text in leeds.heard["kim"])


async def test_a_buddy_says_in_chat_how_many_they_take(leeds: Neighbourhood) -> None:
    sam = await leeds.buddy(capacity=3)
    assert (await leeds.says("sam", "capacity", "One"))[-1] == "Noted, thank you!"
    buddy = await known(leeds, sam)
    assert buddy is not None
    assert (buddy.capacity, buddy.approved_at is not None) == (1, True)
    await leeds.says("ana", "hello", *ANSWERS)
    await leeds.says("ben", "hello", *ANSWERS)
    assert [len(await leeds.pairs(who)) for who in ("ana", "ben")] == [1, 0]
    await leeds.says("sam", "yes", "capacity", "Two")
    await leeds.hours(1)
    assert [pair.state for pair in await leeds.pairs("ben")] == ["offered"]


async def test_who_stops_being_a_buddy_leaves_nobody_behind(leeds: Neighbourhood) -> None:
    sam = await leeds.buddy()
    await leeds.says("ana", "hello", *ANSWERS)
    await leeds.says("sam", "yes")
    await leeds.says("ben", "hello", *ANSWERS)
    await leeds.buddy("kim")
    heard = await leeds.says("sam", "stop being a buddy", "Stop being one")
    assert heard[-1].startswith("It's done. Thank you for having been there, Sam.")
    assert await known(leeds, sam) is None
    assert [pair.state for pair in await leeds.pairs("ana")] == ["ended"]
    assert [pair.state for pair in await leeds.pairs("ben")] == ["offered", "declined"]
    assert any("no longer in touch" in text for text in leeds.heard["ana"])
    assert any("Would you like to meet Ben" in text for text in leeds.heard["kim"])
    assert (await leeds.loaded("sam")).person.status == "active"


async def test_who_stops_before_a_coordinator_has_said_yes_waits_for_none(leeds: Neighbourhood) -> None:
    await nameless(leeds, "kim", "buddy", "yes", "Kim", *PROMISED)
    assert [kind for kind, _ in await leeds.cards()] == ["buddy_to_approve"]
    await nameless(leeds, "kim", "stop being a buddy", "Stop being one")
    assert await leeds.cards() == []


async def test_after_two_meetings_and_three_actions_one_is_asked_once_to_become_a_buddy(
    leeds: Neighbourhood,
) -> None:
    await leeds.buddy()
    await leeds.says("ana", "hello", *ANSWERS)
    await leeds.says("sam", "yes")
    pair = (await leeds.pairs("ana"))[0]

    async def times(attended: int, meetings: int) -> bool:
        """Whether she is asked when she has been to so many, and meets somebody for the so-manieth time."""

        async def work(tx: Transaction) -> None:
            person = await tx.people.load(pair.supporter_id)
            assert person is not None
            fields = {**person.person.fields, "attended": attended, "meetings": meetings - 1}
            await tx.people.save(pair.supporter_id, fields)
            await tell(tx, pair.supporter_id, "pair.met", {"pair": pair.id}, once=f"{attended}:{meetings}")

        await leeds.store.run(work)
        before = len(leeds.heard["ana"])
        await leeds.settle()
        return any("welcoming someone new" in text for text in leeds.heard["ana"][before:])

    assert [await times(*each) for each in ((3, 1), (2, 2), (3, 2), (4, 3))] == [False, False, True, False]


async def nameless(here: Neighbourhood, who: str, *texts: str) -> list[str]:
    """They say these things on a platform that does not tell what they are called; what they hear from then on."""
    before = len(here.heard[who])
    for number, text in enumerate(texts):
        await here.turns.receive(Inbound("web", "web", who, f"{who} {before} {number}", Said(text)))
        await here.settle()
    return here.heard[who][before:]


PROMISED = ("1 and 3", "Leeds", "Saturdays", "yes", "I promise", "Two")


async def test_who_becomes_a_buddy_amid_the_greeting_is_greeted_no_more(leeds: Neighbourhood) -> None:
    heard = await nameless(leeds, "kim", "hello", "Kim")
    assert heard[-1].startswith("What would you like to do with people near you?")
    heard = await nameless(leeds, "kim", "buddy", "yes", *PROMISED)
    leeds.watch.forward(timedelta(hours=30))
    await leeds.settle()
    assert heard[-1].startswith("Thank you, Kim!")
    assert leeds.heard["kim"][-1] == heard[-1]


async def test_nobody_reads_a_sentence_in_which_a_name_is_missing(leeds: Neighbourhood) -> None:
    here = leeds
    await nameless(here, "kim", "buddy", "yes", "Kim", *PROMISED)
    card = (await here.store.run(lambda tx: tx.cards.open(9)))[0]
    press = Press(card=card.id, button=APPROVE, role=COORDINATOR, by="lou")
    await here.store.run(lambda tx: act(tx, here.world, press))
    await here.settle()
    await nameless(here, "ana", "hello", "skip", *ANSWERS)
    assert here.heard["kim"][-1].startswith("Would you like to meet your neighbour, Kim?")
    await nameless(here, "kim", "sure")
    assert here.heard["ana"][-1].startswith("Say hello to Kim: ")
    await nameless(here, "ana", "Hi Kim!")
    assert here.heard["kim"][-1] == "Your neighbour: Hi Kim!"
    await nameless(here, "kim", "another")
    assert here.heard["kim"][-1].startswith("Shall I end your contact with your neighbour, ")
    heard = await nameless(here, "kim", "It felt wrong")
    assert "over now: your neighbour can't reach you" in heard[-1]


async def test_what_was_asked_while_nobody_was_found_is_no_question_once_somebody_is(leeds: Neighbourhood) -> None:
    here = leeds
    await here.buddy()
    await here.says("ana", "hello", *ANSWERS)
    await here.says("sam", "no")
    assert "Nobody I could ask is free just now" in here.heard["ana"][-1]
    await here.buddy("kim")
    await here.hours(1)
    before = len(here.heard["ana"])
    await here.says("kim", "yes")
    await here.says("ana", "share", "not now")
    assert not [text for text in here.heard["ana"][before:] if "Nobody I could ask" in text]


async def test_three_days_of_silence_end_in_somebody_else_and_one_word_before_in_nothing(leeds: Neighbourhood) -> None:
    here = leeds
    await here.buddy()
    for who in ("ana", "ben"):
        await here.says(who, "hello", *ANSWERS)
    await here.says("sam", "yes", "yes")
    here.watch.forward(timedelta(hours=50))
    await here.settle()
    assert ["You and Sam haven't written yet" in here.heard[who][-1] for who in ("ana", "ben")] == [True, True]
    await here.says("ben", "Hello Sam, how about Saturday?")
    assert here.heard["sam"][-1] == "Ben: Hello Sam, how about Saturday?"
    before = len(here.heard["ben"])
    here.watch.forward(timedelta(hours=24))
    await here.settle()
    assert here.heard["ana"][-1].startswith("Would you rather meet someone else, Ana?")
    assert here.heard["ben"][before:] == []
    await here.says("ana", "yes")
    assert (await here.pairs("ana"))[0].state == "ended"


async def test_it_felt_wrong_is_heard_whenever_it_is_said_and_never_passed_on(leeds: Neighbourhood) -> None:
    here = leeds
    await here.buddy()
    await here.says("ana", "hello", *ANSWERS)
    await here.says("sam", "yes")
    before = len(here.heard["sam"])
    await here.says("ana", "It felt wrong")
    assert (await here.pairs("ana"))[0].state == "frozen"
    assert here.heard["sam"][before:] == []
    assert ("report", True) in await here.cards()
