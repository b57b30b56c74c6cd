"""Who writes faster than anybody can."""

from datetime import UTC, datetime, timedelta

from bot.flood import CALM, MOST, REMEMBERED, Flood, Verdict
from flows import phrases
from tests.bot.conftest import Talking

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)
HELLO = """
flow: hello
about: Greets.
starts: {first_contact: true, words: [start]}
start: hello
states:
  hello: {say: Hello., end: done}
"""


def verdicts(flood: Flood, many: int, pause: float, start: datetime = NOON, who: str = "ana") -> list[Verdict]:
    return [flood.heard(who, start + timedelta(seconds=each * pause), f"{start}:{each}") for each in range(many)]


def test_one_message_a_second_is_always_heard() -> None:
    assert set(verdicts(Flood(), 500, 1.0)) == {Verdict.HEAR}


def test_a_flood_hears_one_kind_word_and_then_nothing_until_it_is_calm() -> None:
    flood = Flood()
    found = verdicts(flood, MOST + 50, 0.1)
    assert found == [Verdict.HEAR] * MOST + [Verdict.SAY] + [Verdict.NOTHING] * 49
    later = NOON + timedelta(seconds=30)
    assert flood.heard("ana", later, "e") is Verdict.NOTHING, "half a minute is not calm"
    calm = verdicts(flood, CALM, 1.0, later + timedelta(minutes=2))
    assert set(calm) == {Verdict.HEAR}


def test_a_word_like_stop_is_heard_once_in_a_silence() -> None:
    flood = Flood()
    verdicts(flood, MOST + 5, 0.1)
    at = NOON + timedelta(seconds=8)
    assert [flood.heard("ana", at, f"e{each}", is_word=lambda: True) for each in range(3)] == [
        Verdict.HEAR,
        Verdict.NOTHING,
        Verdict.NOTHING,
    ]


def test_a_flood_of_one_address_is_not_another_ones() -> None:
    flood = Flood()
    verdicts(flood, MOST + 5, 0.1)
    assert flood.heard("sam", NOON, "e") is Verdict.HEAR


def test_the_same_event_again_and_again_is_one_message() -> None:
    flood = Flood()
    assert {flood.heard("ana", NOON, "e") for _ in range(300)} == {Verdict.HEAR}


def test_what_a_platform_held_back_for_a_day_is_no_flood() -> None:
    assert set(verdicts(Flood(), 300, 120.0)) == {Verdict.HEAR}, "the times are those at which it was written"


def test_only_so_many_addresses_are_kept_in_mind() -> None:
    flood = Flood()
    for each in range(REMEMBERED + 100):
        flood.heard(each, NOON, "e")
    assert len(flood._lately) == REMEMBERED


async def test_a_flood_is_told_once_and_stop_is_heard_in_it(talking: Talking) -> None:
    talk = await talking({"hello": HELLO})
    for _ in range(MOST):
        await talk.say("hello")
    await talk.send()
    for _ in range(30):
        await talk.say("hello")
    assert await talk.hears() == [phrases.SLOWLY]
    await talk.say("stop")
    assert await talk.hears() == ["Done. You won't hear from me again unless you write *start*."]
    talk.watch.forward(timedelta(minutes=2))
    await talk.say("start")
    assert await talk.hears() == ["Hello."]


async def test_who_floods_again_and_again_is_shown_to_coordinators(talking: Talking) -> None:
    talk = await talking({"hello": HELLO})
    for _ in range(2):
        for _ in range(MOST + 5):
            await talk.say("hello")
        talk.watch.forward(timedelta(hours=1))
        await talk.say("hello")
    cards = await talk.store.read(lambda tx: tx.cards.open(5))
    assert [card.kind for card in cards] == ["flagged"]
    assert "far too much" in str(cards[0].body["about"])
