"""What breaks at every try is kept, shown at the desk, and tried again where a coordinator says so."""

from datetime import timedelta

import pytest

from bot.broken import KIND, LEFT_FOR
from bot.desks.acting import NotDone, Press, act
from bot.desks.base import AGAIN, LEAVE, describe, outcome
from bot.desks.reading import body_of
from bot.do.base import Deed
from bot.doing import DOING
from flows import phrases
from flows.model import Did
from storage.audit import COORDINATOR
from storage.cards import Card
from tests.bot.conftest import Talking
from tests.bot.talking import Talk
from tests.bot.test_turn import BREAKING, CHAIN, PLACE, left

SECRET = "Xanthippe"
QUICK = timedelta(seconds=2)
WAITS = """
flow: waits
about: Breaks once somebody is introduced.
starts: {first_contact: true}
start: waiting
states:
  waiting: {wait: pair.introduced, after: {30 days: {go: done}}, go: breaks}
  breaks: {do: tell_coordinators, with: {about: x}, go: done}
  done: {say: Told., end: done}
"""
BY_ITSELF = """
flow: by_itself
about: Begins by itself, and breaks.
starts: {moment: person.joined, offset: 0 minutes, who: supporter}
start: breaks
states:
  breaks: {do: tell_coordinators, with: {about: x}, go: told}
  told: {say: Told., end: told}
"""


class Fault:
    """While it is `there`, `tell_coordinators` breaks."""

    there = True

    async def __call__(self, deed: Deed) -> Did:
        if self.there:
            raise KeyError(f"{SECRET} of {deed.fields}")
        return Did("done")


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Fault:
    made = Fault()
    monkeypatch.setitem(DOING, "tell_coordinators", made)
    return made


async def cards(talk: Talk) -> list[Card]:
    return await talk.store.read(lambda tx: tx.cards.current(KIND))


async def press(talk: Talk, button: str) -> str:
    (card,) = await cards(talk)
    said = await talk.store.run(
        lambda tx: act(tx, talk.world, Press(card=card.id, button=button, role=COORDINATOR, by="Kim"))
    )
    settled = await talk.store.read(lambda tx: tx.cards.get(card.id))
    assert settled is not None
    assert settled.state == button
    await talk.handover.drain()
    return said


async def test_what_someone_said_is_a_card_without_their_words_and_answered_when_it_is_tried_again(
    talking: Talking, fault: Fault
) -> None:
    talk = await talking({"chain": CHAIN, "breaking": BREAKING})
    await talk.say("hello", "ben")
    await talk.say("hello")
    for _ in range(2):
        await talk.say("/break")
    assert await talk.hears() == ["Odd <>", phrases.WENT_WRONG, phrases.WENT_WRONG]
    (card,) = await cards(talk)
    words = describe(card.kind, await talk.store.read(lambda tx: body_of(tx, card, talk.libraries.current)))
    assert words.lines[0] == "Because: KeyError"
    assert [button.key for button in words.buttons] == [AGAIN, LEAVE]
    assert not any(each in str((words, card.body)) for each in (SECRET, "/break"))
    fault.there = False
    await press(talk, AGAIN)
    assert await talk.hears() == ["Told.", "Told."]
    assert await cards(talk) == []
    await talk.say("one", "ben")
    assert await talk.hears("ben") == ["Even <one>"]


async def test_what_breaks_again_is_shown_again(talking: Talking, fault: Fault) -> None:
    talk = await talking({"chain": CHAIN, "breaking": BREAKING})
    await talk.say("/break")
    (first,) = await cards(talk)
    await press(talk, AGAIN)
    (second,) = await cards(talk)
    assert second.id != first.id
    assert await talk.ledger("turn failed") == 2


async def test_what_is_left_alone_is_never_tried_again(talking: Talking, fault: Fault) -> None:
    talk = await talking({"breaking": BREAKING})
    await talk.say("/break")
    await press(talk, LEAVE)
    fault.there = False
    await talk.tick()
    assert await talk.hears() == [phrases.WENT_WRONG]
    assert outcome(LEAVE, "Kim") == "Left by Kim"


async def test_a_button_that_was_pressed_is_pressed_again(talking: Talking, fault: Fault) -> None:
    talk = await talking({"asks": _ASKS})
    await talk.say("hello")
    await talk.send()
    asked = talk.channel.outbound[-1]
    await talk.say("", choice="yes", question=asked.say.question, conversation=asked.conversation)
    assert await talk.hears() == [phrases.WENT_WRONG]
    fault.there = False
    await press(talk, AGAIN)
    assert await talk.hears() == ["Told."]


_ASKS = """
flow: asks
about: Asks, and breaks.
starts: {first_contact: true}
start: asks
states:
  asks: {ask: May I?, choices: {"yes": {label: Sure, go: breaks}, "no": {label: Never, go: told}}}
  breaks: {do: tell_coordinators, with: {about: x}, go: told}
  told: {say: Told., end: told}
"""


async def test_what_was_left_for_someone_is_shown_and_holds_up_nobody(talking: Talking, fault: Fault) -> None:
    talk = await talking({"waits": WAITS})
    await talk.say("hello")
    await left(talk, "happened", {"name": "pair.introduced"})
    await talk.handover.drain()
    assert await talk.ledger("turn failed") == 1
    await talk.handover.drain()
    fault.there = False
    assert await press(talk, AGAIN) == "It is tried again now."
    assert await talk.hears() == ["Told."]


async def test_what_falls_due_and_breaks_is_tried_again_at_a_press_or_left_for_a_week(
    talking: Talking, fault: Fault
) -> None:
    late = PLACE.replace("{say: No rush.}", "{do: tell_coordinators, with: {about: late}}")
    talk = await talking({"place": late})
    await talk.say("hello")
    talk.watch.forward(timedelta(hours=2))
    await talk.tick()
    await press(talk, AGAIN)
    await talk.tick()
    await press(talk, LEAVE)
    talk.watch.forward(LEFT_FOR - timedelta(minutes=1))
    await talk.tick()
    assert await cards(talk) == []
    talk.watch.forward(timedelta(minutes=2))
    await talk.tick()
    assert len(await cards(talk)) == 1


async def test_a_flow_that_breaks_whenever_it_begins_by_itself_is_asked_for_three_times(
    talking: Talking, fault: Fault
) -> None:
    talk = await talking({"chain": CHAIN, "by_itself": BY_ITSELF})
    await talk.say("hello")
    await talk.store.run(lambda tx: tx.ledger.add(1, "person.joined"))
    for number in range(5):
        talk.watch.forward(QUICK)
        await talk.tick()
        assert len(await cards(talk)) == (number >= 2)
    assert await talk.ledger("turn failed") == 1
    fault.there = False
    await press(talk, AGAIN)
    assert "Told." in await talk.hears()


async def test_where_nothing_is_left_to_be_tried_the_press_says_so(talking: Talking, fault: Fault) -> None:
    talk = await talking({"breaking": BREAKING})
    await talk.say("/break")
    later = talk.watch.now + timedelta(days=1)
    while await talk.store.run(lambda tx: tx.inbox.delete_bodies(later)):
        continue
    with pytest.raises(NotDone, match="Nothing of it"):
        await press(talk, AGAIN)
    assert len(await cards(talk)) == 1
