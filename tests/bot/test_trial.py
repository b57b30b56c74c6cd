"""The stage of a trial, on a real bot without a browser."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from bot import trial_world
from bot.app import Bot, open_bot, together
from bot.channels.base import Inbound
from bot.channels.web import Line, Web
from bot.console.stage import NEWCOMER, Refused
from bot.group import Group
from bot.places import Places
from bot.trial import BUDDY_PHONE, LiveStage
from bot.trial_clock import TrialClock
from bot.world import World
from flows.model import Said
from flows.reader import STARTER
from tests.waiting import until

ANA, BEN = "a1" * 16, "b2" * 16
_events = count(1)


class Town:
    """A trial without its page: what the people on its phones say and read."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, TrialClock()
        self.stage = LiveStage(self.clock)
        self.web = Web(self.stage, phones=(BUDDY_PHONE,), open_as=self.stage.opens_as)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Bot]:
        world = World(Group(zone="Europe/London", quiet=None), places=Places(country="GB"))
        key = self.folder / "try.key"
        async with open_bot(f"sqlite:///{self.folder / 'try.db'}", key, STARTER, world, self.clock) as bot:
            await self.stage.open(bot)
            running = asyncio.create_task(together(forever(), *self.stage.attend(self.web), *bot.always()))
            try:
                yield bot
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    @property
    def sam(self) -> str:
        address = self.stage.opens_as(BUDDY_PHONE)
        assert address is not None
        return address

    async def say(self, text: str, who: str = ANA) -> None:
        await self.stage.receive(Inbound("web", "web", who, f"e{next(_events)}", Said(text)))

    async def read(self, who: str = ANA) -> list[Line]:
        return (await self.stage.history(who, "", 200))[0]

    async def hears(self, words: str, who: str = ANA) -> None:
        """The bot comes to say this to them."""

        async def heard() -> bool:
            return any(words in line.text for line in await self.read(who) if not line.mine)

        await until(heard)

    async def press(self, which: int = 0, who: str = ANA) -> None:
        """Answers the newest question that can be pressed."""
        asked = [line for line in await self.read(who) if line.choices][-1]
        key = asked.choices[which].key
        said = Said(asked.choices[which].label, (key,) if asked.many else key, asked.question, asked.conversation)
        await self.stage.receive(Inbound("web", "web", who, f"e{next(_events)}", said))

    async def why_no_action(self, who: str) -> str:
        """Why the clock cannot jump to the day of the action; "" where it can."""
        return next(jump.why_not for jump in await self.stage.jumps(who) if jump.key == "action")

    async def ask_for_a_buddy(self, who: str = ANA, name: str = "Ana", town: str = "Leeds") -> None:
        """From hello to consent."""
        for text in ("hello", name, "1", town, "saturdays", "yes", "yes"):
            await self.say(text, who)


async def forever() -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    made = Town(tmp_path)
    async with made.open():
        yield made


async def test_people_live_near_a_newcomer_as_soon_as_they_say_where(town: Town) -> None:
    for text in ("hello", "Ana", "1"):
        await town.say(text)
    assert town.stage.opens_as(BUDDY_PHONE) is None
    assert town.stage.phones()[1].closed
    await town.say("Leeds")
    assert town.sam
    assert (town.stage.phones()[1].name, town.stage.phones()[1].closed) == ("Sam", "")


async def test_the_buddys_phone_is_that_of_whoever_was_asked_last(town: Town) -> None:
    await town.ask_for_a_buddy()
    sam = town.sam
    await town.hears("Would you like to meet Ana", sam)
    assert [each.flow for each in await town.stage.standing(BUDDY_PHONE, ANA)] == ["offer"]
    await town.press(1, sam)

    async def another() -> bool:
        return town.sam != sam

    await until(another)
    assert town.stage.phones()[1].name == "Maya"
    await town.hears("Would you like to meet Ana", town.sam)


async def test_the_funnel_counts_newcomers_and_never_the_example_people(town: Town) -> None:
    await town.ask_for_a_buddy()
    await town.hears("Would you like to meet", town.sam)
    await town.press(0, town.sam)
    await town.hears("Sam")

    async def introduced() -> bool:
        return dict((await town.stage.funnel()).steps)["introduced"] == 1

    await until(introduced)
    funnel = await town.stage.funnel()
    assert dict(funnel.steps) | {"introduced": 1} == {
        "hello": 1,
        "asked": 1,
        "introduced": 1,
        "signed up": 0,
        "came": 0,
        "met": 0,
    }
    assert funnel.connections == 0


async def test_two_who_both_say_they_met_are_one_connection(town: Town) -> None:
    await town.ask_for_a_buddy()
    await town.hears("Would you like to meet", town.sam)
    await town.press(0, town.sam)
    await town.hears("Sam")
    for _ in range(9):  # to an evening: eight of them are not yet eight days where this one is over
        await town.stage.jump("tomorrow", ANA)
    for who in (ANA, town.sam):
        await town.hears("meet in person", who)
        await town.press(0, who)

    async def met() -> bool:
        return (await town.stage.funnel()).connections == 1

    await until(met)
    assert dict((await town.stage.funnel()).steps)["met"] == 1


async def test_the_day_of_the_action_is_known_once_the_newcomer_has_signed_up(town: Town) -> None:
    await town.ask_for_a_buddy()
    assert await town.why_no_action(ANA) != ""
    with pytest.raises(Refused, match="signed up"):
        await town.stage.jump("action", ANA)
    await town.say("actions")
    await town.hears("Which of these")
    await town.press()
    await town.hears("Shall I put you down")
    await town.press()
    assert await town.why_no_action(ANA) == ""
    assert await town.why_no_action(BEN) != ""
    sam = town.sam  # on the way somebody else may be asked, whose the phone is then
    await town.stage.jump("action", ANA)
    now = town.stage.now()
    assert (now.hour, now.minute) == (11, 5)
    assert (now.tzinfo, now.utcoffset()) != (None, None)
    await town.hears("Send me the code")
    await town.hears("The code is", sam)
    assert await town.why_no_action(ANA) == "it has begun"


async def test_what_is_said_on_the_way_has_the_time_of_the_way(town: Town) -> None:
    await town.say("hello")
    before = town.stage.now()
    await town.stage.jump("tomorrow", ANA)
    await town.stage.jump("tomorrow", ANA)
    reminder = (await town.read())[-1]
    assert before + timedelta(hours=23) < reminder.at < town.stage.now() - timedelta(hours=1)
    assert 8 <= reminder.at.astimezone(before.tzinfo).hour <= 21


async def test_a_restart_does_not_turn_the_clock_back(tmp_path: Path) -> None:
    first = Town(tmp_path)
    async with first.open():
        await first.say("hello")
        await first.stage.jump("tomorrow", ANA)
        then = first.stage.now()
    second = Town(tmp_path)
    async with second.open():
        assert second.stage.now() >= then
        assert [line.text for line in await second.read() if line.mine] == ["hello"]


async def test_a_coordinators_answer_reaches_the_person(town: Town) -> None:
    await town.say("hello")
    await town.say("human")
    await town.say("Can I bring my dog?")
    (card,) = await town.stage.cards(5)
    assert card.open
    assert card.replies
    with pytest.raises(Refused, match="Write an answer"):
        await town.stage.act(card.id, "reply", "")
    await town.stage.act(card.id, "reply", "Of course, bring him!")
    await town.hears("Of course, bring him!")
    (card,) = await town.stage.cards(5)
    assert (card.open, card.outcome) == (False, "Answered by you")
    with pytest.raises(Refused, match="quicker"):
        await town.stage.act(card.id, "done", "")


async def test_a_coordinator_welcomes_a_buddy(town: Town) -> None:
    await town.ask_for_a_buddy()
    await town.say("buddy")
    for words in ("be there for someone", "promise", "How many newcomers"):
        await town.hears(words)
        await town.press()
    await town.hears("looks at it")
    card = next(card for card in await town.stage.cards(5) if "would like to be a buddy" in card.title)
    assert card.title.startswith("Ana ")
    assert "Near: Leeds" in card.lines
    await town.stage.act(card.id, card.buttons[0].key, "")

    async def approved() -> bool:
        newest = await town.stage.bot.store.read(lambda tx: tx.ledger.newest(5))
        return any(line.what == "buddy.approved" for line in newest)

    await until(approved)
    assert next(each for each in await town.stage.cards(5) if each.id == card.id).outcome == "Approved by you"


async def test_the_hint_goes_along_with_the_newcomer(town: Town) -> None:
    assert await town.stage.hint(ANA) == ""
    await town.say("hello")
    assert "Answer as you like" in await town.stage.hint(ANA)
    for text in ("Ana", "1", "Leeds", "saturdays", "yes", "yes"):
        await town.say(text)
    assert "Be *Sam*" in await town.stage.hint(ANA)
    await town.hears("Would you like to meet", town.sam)
    await town.press(0, town.sam)
    await town.hears("Sam")
    assert "*actions*" in await town.stage.hint(ANA)
    await town.say("actions")
    await town.hears("Which of these")
    await town.press()
    await town.hears("Shall I put you down")
    await town.press()
    assert "*The day of the action*" in await town.stage.hint(ANA)
    await town.stage.jump("action", ANA)
    assert "*code*" in await town.stage.hint(ANA)
    assert await town.stage.hint(BEN) == ""


async def test_everyone_who_watches_is_told(town: Town) -> None:
    told: list[int] = []
    stop = town.stage.watch(lambda: told.append(1))
    await town.say("hello")
    assert told
    stop()
    before = len(told)
    await town.say("hello again")
    assert len(told) == before


async def test_a_place_nobody_knows_adds_nobody_and_stops_nothing(town: Town) -> None:
    for text in ("hello", "Ana", "1", "Nowherehamptonville"):
        await town.say(text)
    assert town.stage.opens_as(BUDDY_PHONE) is None
    assert [each.flow for each in await town.stage.standing(NEWCOMER, ANA)] == ["welcome"]


async def test_beginning_anew_forgets_everything(tmp_path: Path) -> None:
    town = Town(tmp_path)
    async with town.open():
        await town.ask_for_a_buddy()
        await town.stage.jump("tomorrow", ANA)
        waiting = asyncio.create_task(town.stage.until_anew())
        beginning = asyncio.create_task(town.stage.begin_anew())
        await waiting
        with pytest.raises(Refused):
            await town.stage.funnel()
        assert not beginning.done()
    trial_world.forget(tmp_path)
    assert not await asyncio.to_thread(lambda: list(tmp_path.glob("try.*")))
    async with town.open():
        await beginning
        assert await town.read() == []
        assert town.stage.opens_as(BUDDY_PHONE) is None
        assert abs(town.stage.now() - TrialClock()()) < timedelta(minutes=1)
