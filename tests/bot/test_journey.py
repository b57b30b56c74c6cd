"""From hello to met, through turns and storage, and with every refusal on the way."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.desks.acting import Press, act
from bot.desks.base import APPROVE
from storage.audit import COORDINATOR
from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, RESPUESTAS, Neighbourhood
from tests.databases import Watch

MONDAY = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
SATURDAY = datetime(2026, 6, 6, 10, 0, tzinfo=UTC)

Made = Callable[..., Awaitable[Neighbourhood]]


@pytest.fixture
def leeds(store: Store, watch: Watch) -> Made:
    """A neighbourhood on a Monday morning."""

    async def make(**more: object) -> Neighbourhood:
        watch.now = MONDAY
        made = Neighbourhood(store, watch, **more)
        await made.libraries.begin()
        return made

    return make


async def introduced(leeds: Neighbourhood) -> None:
    """Ana has come, and Sam has said yes."""
    await leeds.says("ana", "hello", *ANSWERS)
    await leeds.says("sam", "yes")
    assert (await leeds.pairs("ana"))[0].state == "introduced"


def told(heard: list[str], words: str) -> int:
    """How often they were told something with these words."""
    return sum(words in text for text in heard)


async def test_a_newcomer_ends_by_having_met_someone(leeds: Made) -> None:
    here = await leeds()
    action = await here.action(await here.buddy(), SATURDAY)
    await introduced(here)
    await here.says("ana", "Hi Sam, I look forward to it!")
    assert here.heard["sam"][-1] == "Ana: Hi Sam, I look forward to it!"
    await here.says("sam", "Me too")
    assert here.heard["ana"][-1] == "Sam: Me too"
    await here.says("ana", "actions", "1", "yes", "9:30")
    await here.until(SATURDAY - timedelta(hours=1))
    reminded = [text for text in here.heard["ana"] if "Clean up the canal" in text]
    assert [told(reminded, words) for words in ("still coming", "tomorrow", "begins in 2 hours")] == [1, 1, 1]
    assert told(here.heard["sam"], "*4821*") == 1
    await here.until(SATURDAY + timedelta(minutes=5))
    await here.says("ana", "4821")
    await here.until(SATURDAY + timedelta(days=1, hours=3))
    assert [told(here.heard[who], "meet in person?") for who in ("ana", "sam")] == [1, 1]
    await here.says("ana", "We met")
    assert (await here.pairs("ana"))[0].met_at is None, "one of the two has not said so"
    await here.says("sam", "we met!")
    await here.until(SATURDAY + timedelta(days=1, hours=6))
    assert told(here.heard["ana"], "How was Clean up the canal for you") == 1
    assert [(await here.loaded(who)).person.fields["meetings"] for who in ("ana", "sam")] == [1, 1]
    life = [what for what in await here.life("ana") if what not in ("began", "ended", "consented", "tried", "reminded")]
    assert life == [
        "wrote first", "person.joined", "asked for a buddy", "pair.introduced", "signup.made", "checkin.made",
        "pair.met",
    ]  # fmt: skip
    assert action == 1


async def test_the_same_in_spanish(leeds: Made) -> None:
    here = await leeds()
    named = {"title": "Limpieza del canal", "what": "Recogemos basura."}
    await here.action(await here.buddy(language="es"), SATURDAY, **named)
    await here.says("ana", "hola", *RESPUESTAS, language="es")
    await here.says("sam", "sí")
    assert (await here.pairs("ana"))[0].state == "introduced"
    await here.says("ana", "acciones", "1", "sí", "9:30")
    await here.until(SATURDAY + timedelta(minutes=5))
    await here.says("ana", "4821")
    await here.until(SATURDAY + timedelta(days=1, hours=3))
    for who in ("ana", "sam"):
        await here.says(who, "nos vimos")
    assert [(await here.loaded(who)).person.fields["meetings"] for who in ("ana", "sam")] == [1, 1]
    for text in [*here.heard["ana"], *here.heard["sam"]]:
        assert not set(text.split()) & {"the", "you", "is", "your", "and"}, text


async def test_a_report_freezes_the_pair_before_a_word_of_it_is_said(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    await introduced(here)
    heard = await here.says("ana", "report")
    assert (await here.pairs("ana"))[0].state == "frozen"
    assert ("report", True) in await here.cards()
    assert heard[-1].startswith("I'm sorry. Sam can't reach you through me any more")
    before = len(here.heard["ana"])
    await here.says("sam", "come to the canal")
    assert here.heard["ana"][before:] == []
    await here.says("ana", "He shouted at me")
    (card,) = [card for card in await here.store.run(lambda tx: tx.cards.open(50)) if card.kind == "report"]
    assert card.body["about"] == "He shouted at me"
    assert (await here.ledger("reported"), card.urgent) == (1, True)


async def test_a_report_is_of_one_pair_where_there_are_several(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    for who in ("ana", "ben"):
        await here.says(who, "hello", *ANSWERS)
        await here.says("sam", "yes")
    await here.says("sam", "report", "Ben", "skip")
    assert [(await here.pairs(who))[0].state for who in ("ana", "ben")] == ["introduced", "frozen"]


async def test_no_place_still_shows_what_is_on(leeds: Made) -> None:
    here = await leeds()
    await here.action(await here.buddy(), SATURDAY)
    heard = await here.says("ana", "hello", "1", "skip")
    assert told(heard, "Which of these would you like to come to?") == 1


async def test_a_place_that_nobody_knows_is_asked_again(leeds: Made) -> None:
    here = await leeds()
    heard = await here.says("ana", "hello", "1", "I don't know")
    assert "I don't know that place" in heard[-1]
    assert "When could you meet" in (await here.says("ana", "leeds!"))[-1]


async def test_without_consent_nothing_is_kept_and_nobody_is_asked(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    await here.says("ana", "hello", *ANSWERS[:-1], "Not now", "no")
    assert "place" not in (await here.loaded("ana")).person.fields
    assert not await here.pairs("ana")


async def test_nobody_near_is_said_at_once_and_again_within_two_days_and_the_desk_knows(leeds: Made) -> None:
    here = await leeds()
    heard = await here.says("ana", "hello", *ANSWERS)
    assert told(heard, "I keep asking and write to you the moment someone is free") == 1
    assert await here.cards() == [("nobody_near", False)]
    before = len(here.heard["ana"])
    await here.hours(48)
    assert here.heard["ana"][before:]


async def test_whoever_waits_is_asked_for_as_soon_as_somebody_is_free(leeds: Made) -> None:
    here = await leeds()
    await here.says("ana", "hello", *ANSWERS)
    await here.buddy()
    await here.hours(1)
    assert told(here.heard["sam"], "Would you like to meet Ana") == 1
    assert ("nobody_near", False) in await here.cards(), "a buddy who was asked may say no"
    await here.says("sam", "yes")
    assert ("nobody_near", False) not in await here.cards()


async def test_a_buddy_who_declines_is_followed_by_the_next_without_a_word(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    await here.buddy("kim")
    await here.says("ana", "hello", *ANSWERS)
    first = "sam" if here.heard["sam"] else "kim"
    before = list(here.heard["ana"])
    await here.says(first, "no")
    second = "kim" if first == "sam" else "sam"
    assert told(here.heard[second], "Would you like to meet Ana") == 1
    assert here.heard["ana"] == before
    await here.says(second, "yes")
    assert [pair.state for pair in await here.pairs("ana")] == ["introduced", "declined"]


async def test_when_all_have_declined_something_true_and_useful_is_said(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    await here.says("ana", "hello", *ANSWERS)
    await here.says("sam", "no")
    await here.hours(1)
    assert told(here.heard["ana"], "you keep your place") == 1
    assert not told(here.heard["ana"], "Sam")


async def test_a_silent_buddy_does_not_block_the_next(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    await here.buddy("kim")
    await here.says("ana", "hello", *ANSWERS)
    first, second = ("sam", "kim") if here.heard["sam"] else ("kim", "sam")
    await here.hours(25)
    assert [pair.state for pair in await here.pairs("ana")] == ["offered", "lapsed"]
    assert told(here.heard[second], "Would you like to meet Ana") == 1
    assert told(await here.says(first, "yes"), "Sam") == 0


async def test_with_one_buddy_in_town_each_newcomer_hears_something_true_within_seconds(leeds: Made) -> None:
    here = await leeds()
    await here.action(await here.buddy(capacity=2), SATURDAY)
    for who in ("ana", "ben", "cleo", "dan"):
        heard = await here.says(who, "hello", *ANSWERS)
        asked = told(heard, "I've found someone near you to ask")
        assert asked == (who in ("ana", "ben"))
        assert told(heard, "Which of these would you like to come to?") == (not asked)
    assert told(here.heard["sam"], "Would you like to meet") == 2


async def test_who_cancels_gets_no_more_reminders_and_is_not_missed(leeds: Made) -> None:
    here = await leeds()
    await here.action(await here.buddy(), SATURDAY)
    await introduced(here)
    await here.says("ana", "actions", "1", "yes", "9:30", "can't come", "1")
    before = len(here.heard["ana"])
    await here.until(SATURDAY + timedelta(days=2))
    assert not told(here.heard["ana"][before:], "canal")


async def test_who_does_not_come_is_asked_without_blame(leeds: Made) -> None:
    here = await leeds()
    await here.action(await here.buddy(), SATURDAY)
    await introduced(here)
    await here.says("ana", "actions", "1", "yes", "9:30")
    await here.until(SATURDAY + timedelta(days=1, hours=3))
    assert told(here.heard["ana"], "We missed you at Clean up the canal") == 1


async def test_it_felt_wrong_freezes_the_pair_at_once_and_reaches_people_as_urgent(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    await introduced(here)
    await here.says("ana", "another", "It felt wrong")
    assert (await here.pairs("ana"))[0].state == "frozen"
    assert ("report", True) in await here.cards()
    sam = len(here.heard["sam"])
    await here.says("ana", "are you there?")
    await here.says("sam", "are you there?")
    assert not told(here.heard["sam"][sam:], "Ana:")
    assert not told(here.heard["ana"], "Sam: are you")


async def test_what_is_said_about_the_other_is_never_passed_on_by_itself(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    await introduced(here)
    sam = len(here.heard["sam"])
    heard = await here.says("ana", "another", "he frightens me")
    assert "Or was that for Sam?" in heard[-1]
    await here.hours(5)
    assert here.heard["sam"][sam:] == []
    asked = here.channel.outbound[-1].say
    await here.says("ana", "Sam", choice=asked.choices[0].key, question=asked.question)
    assert here.heard["sam"][-1] == "Ana: he frightens me"


async def test_contact_details_pass_only_once_both_have_shared(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    await introduced(here)
    await here.says("ana", "share", "0113 496 0000", "Share it")
    assert not told(here.heard["sam"], "0113")
    await here.says("sam", "share", "sam@example.org", "Share it")
    await here.hours(1)
    assert told(here.heard["sam"], "0113 496 0000") == 1
    assert told(here.heard["ana"], "sam@example.org") == 1


async def test_a_host_with_two_newcomers_is_asked_about_each_and_about_nobody_who_stayed_away(leeds: Made) -> None:
    here = await leeds()
    await here.action(await here.buddy(), SATURDAY)
    for who in ("ana", "ben", "cleo"):
        await here.says(who, "hello", *ANSWERS)
        await here.says("sam", "yes")
    for who in ("ana", "ben"):
        await here.says(who, "actions", "1", "yes", "9:30")
    await here.until(SATURDAY + timedelta(minutes=5))
    for who in ("ana", "ben"):
        await here.says(who, "4821")
    await here.until(SATURDAY + timedelta(days=2))
    asked = [text for text in here.heard["sam"] if "meet in person?" in text]
    assert {name for name in ("Ana", "Ben", "Cleo") if any(name in text for text in asked)} == {"Ana", "Ben"}
    assert told(here.heard["cleo"], "meet in person?") == 0


async def test_who_felt_wrong_is_not_asked_later_whether_they_met(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    await introduced(here)
    await here.says("ana", "another", "It felt wrong")
    await here.hours(24 * 10)
    assert not told([*here.heard["ana"], *here.heard["sam"]], "meet in person?")
    assert not told(here.heard["sam"], "no longer in touch")


async def test_a_supporter_becomes_a_buddy_once_a_coordinator_says_so(leeds: Made) -> None:
    here = await leeds()
    await here.says("kim", "buddy", "I'd love to", "1", "Leeds", "Saturdays", "yes", "I promise", "2")
    assert ("buddy_to_approve", False) in await here.cards(), here.heard["kim"]
    await here.says("ana", "hello", *ANSWERS)
    assert not told(here.heard["kim"], "Would you like to meet Ana"), "nobody has approved"
    card = next(each for each in await here.store.run(lambda tx: tx.cards.open(9)) if each.kind == "buddy_to_approve")
    await here.store.run(
        lambda tx: act(tx, here.world, Press(card=card.id, button=APPROVE, text="", role=COORDINATOR, by="Lou"))
    )
    await here.hours(2)
    assert told(here.heard["kim"], "You're a buddy now, Kim.") == 1
    assert told(here.heard["kim"], "Would you like to meet Ana") == 1


async def test_stop_ends_what_was_under_way_and_the_other_hears_only_that(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    await introduced(here)
    assert (await here.says("ana", "stop"))[-1].startswith("Done.")
    assert (await here.pairs("ana"))[0].state == "ended"
    ana = len(here.heard["ana"])
    await here.says("sam", "Hello?")
    assert here.heard["ana"][ana:] == []
    assert (await here.loaded("sam")).person.fields["has_buddy"] is False


async def test_a_buddy_with_several_newcomers_says_for_whom_a_message_is(leeds: Made) -> None:
    here = await leeds()
    await here.buddy()
    for who in ("ana", "ben"):
        await here.says(who, "hello", *ANSWERS)
        await here.says("sam", "yes")
    assert "Who is that for?" in (await here.says("sam", "See you at six"))[-1]
    asked = here.channel.outbound[-1].say
    assert {choice.label for choice in asked.choices} == {"Ana", "Ben"}
    press = next(choice.key for choice in asked.choices if choice.label == "Ben")
    await here.says("sam", "Ben", choice=press, question=asked.question)
    assert here.heard["ben"][-1] == "Sam: See you at six"
    await here.says("sam", "Ana: and you at seven")
    assert here.heard["ana"][-1] == "Sam: and you at seven"
