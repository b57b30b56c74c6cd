"""One turn, on each database: what must hold whatever people and platforms do."""

import asyncio
import random
from collections.abc import Mapping
from datetime import timedelta

import pytest

from bot.channels.base import Inbound
from bot.do.base import Deed
from bot.doing import DOING
from bot.group import Group
from flows import phrases
from flows.model import Did, Said, Value
from flows.times import QuietHours
from storage.inbox import Received
from storage.store import Store
from tests.bot.conftest import Talking
from tests.bot.talking import Talk, write
from tests.databases import Database

CHAIN = """
flow: chain
about: Each answer is told back.
starts: {first_contact: true, words: [start]}
start: odd
states:
  odd: {ask: "Odd <{{ answers.even }}>", expect: text, save: odd, go: even}
  even: {ask: "Even <{{ answers.odd }}>", expect: text, save: even, go: odd}
"""

PLACE = """
flow: place
about: One question with reminders.
starts: {first_contact: true, words: [start]}
start: place
states:
  place:
    ask: Which town?
    expect: text
    save: town
    after:
      2 hours: {say: No rush.}
      1 day: {go: gone}
    go: done
  gone: {end: gone}
  done: {say: "{{ answers.town }} it is.", end: done}
"""


async def left(talk: Talk, kind: str, body: Mapping[str, Value]) -> Received:
    """Something that another turn left for Ana."""
    person = (await talk.loaded()).person
    await talk.store.run(lambda tx: tx.inbox.put("pair", f"{kind} 7", person.id, kind, body))
    return (await talk.store.read(lambda tx: tx.inbox.untaken(9)))[-1]


async def test_what_was_written_before_someone_was_forgotten_and_comes_only_now_is_let_go(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    before = talk.watch.now
    await talk.say("hello", at=before)
    person = await talk.person()
    assert person is not None
    talk.watch.forward(timedelta(minutes=1))
    await talk.store.run(lambda tx: tx.people.forget(person.id))
    late = await talk.say("my secret", at=before + timedelta(seconds=30))
    assert await talk.person() is None
    assert await talk.hears() == []
    talk.watch.forward(timedelta(minutes=1))
    await talk.say("hello again", at=talk.watch.now)
    assert await talk.hears() == ["Odd <>"], "a stranger"
    await talk.say("my secret", event=late, at=before + timedelta(seconds=30))
    await talk.say("another old one", at=before + timedelta(seconds=40))
    assert await talk.hears() == []
    await talk.say("without a time")
    assert await talk.hears() == ["Even <without a time>"]


async def test_whoever_another_process_forgets_is_closed_here_within_a_tick(
    talking: Talking, database: Database
) -> None:
    talk = await talking({"chain": CHAIN})
    await talk.say("hello")
    person = await talk.person()
    assert person is not None
    other = await Store.open(database.url, database.key, clock=talk.watch, alone=False)
    await other.run(lambda tx: tx.people.forget(person.id))
    await other.close()
    assert person.id in talk.store._vault._known
    await talk.tick()
    assert person.id not in talk.store._vault._known


async def test_an_event_counts_once_however_often_and_in_whatever_order_it_comes(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    words = [f"word {number}" for number in range(6)]
    for number, word in enumerate(words):
        await talk.say(word, event=f"e{number}")
        again = [(each, f"e{at}") for at, each in enumerate(words[: number + 1])] * 5
        random.Random(number).shuffle(again)
        for text, event in again:
            await talk.say(text, event=event)
    assert await talk.hears() == [
        "Odd <>", "Even <word 1>", "Odd <word 2>", "Even <word 3>", "Odd <word 4>", "Even <word 5>",
    ]  # fmt: skip


async def test_the_same_event_at_once_counts_once(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    await talk.say("hello")
    await asyncio.gather(*(talk.say("one", event="same") for _ in range(20)))
    assert await talk.hears() == ["Odd <>", "Even <one>"]


async def test_a_first_contact_raced_by_ten_makes_one_person(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    await asyncio.gather(*(talk.say(f"w{number}", event=f"e{number}") for number in range(10)))
    heard = await talk.hears()
    assert heard[0] == "Odd <>"
    assert len(heard) == 10
    assert await talk.ledger("wrote first") == 1


async def test_people_who_write_at_once_each_have_their_own_turns(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    people = [f"p{number}" for number in range(20)]

    async def converse(who: str) -> None:
        for number in range(4):
            await talk.say(f"{who} {number}", who)

    await asyncio.gather(*map(converse, people))
    sent = await talk.send()
    for who in people:
        assert [text for to, text in sent if to == who] == [
            "Odd <>", f"Even <{who} 1>", f"Odd <{who} 2>", f"Even <{who} 3>",
        ]  # fmt: skip


async def test_an_event_of_someone_since_forgotten_makes_no_new_person(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    event = await talk.say("hello")
    person = await talk.person()
    assert person is not None
    await talk.store.run(lambda tx: tx.people.forget(person.id))
    await talk.say("hello", event=event)
    assert await talk.person() is None
    assert await talk.ledger("wrote first") == 1


# --- turns that break ---

BREAKING = """
flow: breaking
about: Does what breaks.
starts: {words: [break]}
start: breaks
states:
  breaks: {do: tell_coordinators, with: {about: x}, go: told}
  told: {say: Told., end: told}
"""


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """`tell_coordinators` breaks after it has written, as often as the one number says; how often it was tried."""
    tried = [0, 1000]

    async def broken(deed: Deed) -> Did:
        tried[0] += 1
        await deed.tx.ledger.add(deed.person.id, "half done")
        if tried[0] <= tried[1]:
            raise KeyError(f"secret of {deed.fields}")
        return Did("done")

    monkeypatch.setitem(DOING, "tell_coordinators", broken)
    return tried


async def test_a_turn_that_breaks_is_tried_three_times_kept_dead_and_answered_once(
    talking: Talking, breaks: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    talk = await talking({"chain": CHAIN, "breaking": BREAKING})
    await talk.say("hello")
    await talk.say("/break", event="poison")
    assert breaks[0] == talk.tries(3)
    for _ in range(3):
        await talk.say("/break", event="poison")
    assert await talk.hears() == ["Odd <>", phrases.WENT_WRONG]
    assert await talk.ledger("turn failed") == 1
    assert await talk.ledger("half done") == 0
    await talk.say("one")
    assert await talk.hears() == ["Even <one>"]


async def test_a_turn_that_breaks_once_is_taken_at_the_next_try(talking: Talking, breaks: list[int]) -> None:
    talk = await talking({"chain": CHAIN, "breaking": BREAKING})
    await talk.say("hello")
    breaks[1] = 1
    await talk.say("/break")
    assert await talk.hears() == ["Odd <>", "Told."]
    assert await talk.ledger("half done") == 1
    assert await talk.ledger("turn failed") == 0


async def test_a_first_message_that_breaks_is_answered_too(talking: Talking, breaks: list[int]) -> None:
    talk = await talking({"breaking": BREAKING})
    await talk.say("break")
    assert await talk.hears() == [phrases.WENT_WRONG]


async def test_turns_that_break_harm_nobody_who_writes_at_the_same_time(talking: Talking, breaks: list[int]) -> None:
    talk = await talking({"chain": CHAIN, "breaking": BREAKING})

    async def converse(who: str) -> None:
        for number in range(4):
            await talk.say(f"{who} {number}", who)
            if who.startswith("bad"):
                await talk.say("/break", who)

    people = [*(f"good{number}" for number in range(10)), *(f"bad{number}" for number in range(10))]
    await asyncio.gather(*map(converse, people))
    sent = await talk.send()
    for who in people:
        heard = [text for to, text in sent if to == who]
        right = ["Odd <>", f"Even <{who} 1>", f"Odd <{who} 2>", f"Even <{who} 3>"]
        assert [text for text in heard if text != phrases.WENT_WRONG] == right
        assert len(heard) == 4 + 4 * who.startswith("bad")


async def test_what_breaks_when_it_falls_due_waits_an_hour_and_holds_up_nobody(
    talking: Talking, breaks: list[int]
) -> None:
    late = PLACE.replace("{say: No rush.}", "{do: tell_coordinators, with: {about: late}}")
    talk = await talking({"place": late})
    await talk.say("hello", "ana")
    await talk.say("hello", "ben")
    talk.watch.forward(timedelta(hours=2))
    await talk.tick()
    tried = breaks[0]
    await talk.tick()
    assert breaks[0] == tried, "it waits"
    assert await talk.ledger("turn failed") == 2
    breaks[1] = 0
    talk.watch.forward(timedelta(hours=1))
    await talk.tick()
    assert await talk.ledger("half done") == 2


# --- the library under a turn ---


async def test_a_turn_takes_the_version_in_force_though_this_process_has_not_read_it(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    await talk.say("hello")
    other = Talk(talk.store, talk.watch, talk.folder, talk.world)
    write(talk.folder, {"chain": CHAIN.replace("Even", "EVEN")})
    await other.libraries.begin()
    await talk.say("one")
    assert await talk.hears() == ["Odd <>", "EVEN <one>"]
    assert talk.libraries.current is talk.libraries.at(2)


@pytest.mark.parametrize(("after", "says_at"), [("1 hour", 1), ("5 hours", 5)])
async def test_an_edited_time_counts_from_when_they_came_there(talking: Talking, after: str, says_at: int) -> None:
    talk = await talking({"place": PLACE})
    await talk.say("hello")
    write(talk.folder, {"place": PLACE.replace("2 hours", after)})
    await talk.libraries.refresh()
    assert talk.libraries.problems == ()
    heard = {}
    for hour in range(7):
        await talk.tick()
        heard[hour] = [text for text in await talk.hears() if text == "No rush."]
        talk.watch.forward(timedelta(hours=1))
    assert {hour for hour, texts in heard.items() if texts} == {says_at}
    assert heard[says_at] == ["No rush."]


async def test_a_state_with_people_in_it_is_not_removed_unless_it_says_where_they_go(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    await talk.say("hello")
    renamed = PLACE.replace("start: place", "start: town").replace("  place:\n", "  town:\n")
    write(talk.folder, {"place": renamed})
    await talk.libraries.refresh()
    assert [problem.code for problem in talk.libraries.problems] == ["bad-moved"]
    assert "1 people stand in `place/place`" in str(talk.libraries.problems[0])
    write(talk.folder, {"place": renamed.replace("states:", "moved: {place: town}\nstates:")})
    await talk.libraries.refresh()
    assert talk.libraries.problems == ()
    await talk.say("Leeds")
    assert await talk.hears() == ["Which town?", "Leeds it is."]


async def test_an_edit_that_is_taken_back_is_in_force_again(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    for text in (CHAIN.replace("Odd", "ODD"), CHAIN):
        write(talk.folder, {"chain": text})
        await talk.libraries.refresh()
    await talk.say("hello")
    assert await talk.hears() == ["Odd <>"]
    assert talk.libraries.current.version == 1


# --- time ---


async def test_what_falls_due_in_quiet_hours_comes_once_when_they_end(talking: Talking) -> None:
    night = Group(quiet=QuietHours.read("21:00-08:00"), zone="Europe/Madrid")
    talk = await talking({"place": PLACE}, night)
    talk.watch.now = talk.watch.now.replace(hour=19)  # 20:00 in Madrid
    await talk.say("hello")
    await talk.hears()
    heard = []
    for _ in range(30):
        talk.watch.forward(timedelta(minutes=30))
        await talk.tick()
        heard += [(f"{talk.watch.now:%d. %H:%M}", text) for text in await talk.hears()]
    assert heard == [("03. 07:00", "No rush.")]


async def test_a_happening_reaches_those_who_wait_for_it_once(talking: Talking) -> None:
    waits = """
flow: waits
about: Waits.
starts: {first_contact: true}
start: waiting
states:
  waiting: {wait: pair.introduced, after: {30 days: {go: done}}, go: met}
  met: {say: You are introduced., go: done}
  done: {end: done}
"""
    talk = await talking({"waits": waits})
    await talk.say("hello")
    event = await left(talk, "happened", {"name": "pair.introduced"})
    await asyncio.gather(*(talk.turns.take(event) for _ in range(8)))
    assert await talk.hears() == ["You are introduced."]
    assert await talk.ledger("pair.introduced") == 1


async def test_a_flow_is_begun_once_for_one_event(talking: Talking) -> None:
    talk = await talking({"place": PLACE.replace("first_contact: true, ", "")})
    await talk.say("help")
    await talk.hears()
    event = await left(talk, "begin", {"flow": "place"})
    await asyncio.gather(*(talk.turns.take(event) for _ in range(5)))
    assert await talk.hears() == ["Which town?"]


async def test_a_turn_wakes_the_sender_of_its_own_account_only(talking: Talking) -> None:
    talk = await talking({"chain": CHAIN})
    await talk.say("hello")
    assert talk.pokes == [("web", "web")]
    telegram = Inbound("telegram", "main", "5", "1", Said("hello"))
    await talk.turns.receive(telegram)
    assert talk.pokes[1:] == [("telegram", "main")]
