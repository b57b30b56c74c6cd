"""One `doorstep run` with every channel and every desk: four newcomers and four buddies, from hello to having met.

They stand in a ring, so that each platform is once the newcomer's and once the buddy's. Matrix is a real Synapse, the
others are stand-ins that keep their platforms' pace; days pass in the bot's clock, see tests/bot/ahead.py.
"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.bot.channels.test_matrix_run import Talker
from tests.bot.channels.test_matrix_run import bot as matrix_bot
from tests.bot.channels.test_matrix_run import section as matrix
from tests.bot.channels.test_slack_run import section as slack
from tests.bot.channels.test_telegram_run import starter, telegram
from tests.bot.channels.test_whatsapp_run import whatsapp
from tests.bot.desks.rooms import Room, SlackRoom, TelegramRoom
from tests.bot.nursery import Nursery, nursery
from tests.bot.phones import MatrixScreen, Phone, Screen, SlackScreen, TelegramScreen, WhatsAppScreen
from tests.bot.running import free_port, write_config
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.synapse import SERVER, Hands, synapse
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.whatsapp import WhatsAppServer
from tests.waiting import PATIENCE, until

TOWNS = ("Leeds", "Bristol", "Glasgow", "Cardiff")
"""Farther from each other than anybody is sent."""

NEWCOMERS, BUDDIES = ("Ana", "Bea", "Cleo", "Dora"), ("Sam", "Tom", "Una", "Vic")
COORDINATORS, COORDINATORS_ON_TELEGRAM = "C0COORD", -1001

SLOW = 120.0
BOTH = [True, True]
TO_READ = 2.0
"""Seconds that a person takes to read a template before they press; by then it is recorded that something waits."""

Doing = Coroutine[Any, Any, None]


@dataclass
class Two:
    """A newcomer and the buddy of their town. `action`: the number of what is on there."""

    newcomer: Phone
    buddy: Phone
    town: str
    action: int

    @property
    def names(self) -> str:
        """As cards have them."""
        return f"{self.newcomer.first_name} and {self.buddy.first_name}"

    async def both(self, does: Callable[[Phone], Doing]) -> None:
        """Both do this at the same time."""
        async with asyncio.TaskGroup() as group:
            for phone in (self.newcomer, self.buddy):
                group.create_task(does(phone))


class Days:
    """The clock of the processes: it begins on a Monday to come, and jumps."""

    def __init__(self, file: Path) -> None:
        self._file = file
        now = datetime.now(UTC)
        monday = (now + timedelta(days=7 - now.weekday())).replace(hour=9, minute=0, second=0, microsecond=0)
        self.monday = monday
        self.go_on(monday)

    def day(self, number: int, hour: int, minute: int = 5) -> datetime:
        """That day of their week, Monday 0, at this time."""
        return self.monday.replace(hour=hour, minute=minute) + timedelta(days=number)

    def go_on(self, moment: datetime) -> None:
        """It is this moment for them, and time goes on from there."""
        half = self._file.with_suffix(".half")
        half.write_text(str((moment - datetime.now(UTC)).total_seconds()))
        half.replace(self._file)


@dataclass
class World:
    """All platforms, and who is on them."""

    telegram: TelegramServer
    slack: SlackServer
    whatsapp: WhatsAppServer
    hands: Hands
    days: Days
    born: Nursery
    config: Path = field(default_factory=Path)
    matrix_bot: str = ""

    def __post_init__(self) -> None:
        self.bot = self.telegram.bot("1:one")
        self.app = self.slack.app("xoxb-1", app_token="xapp-1")
        group = TelegramRoom(self.telegram.bot("5:desk"), COORDINATORS_ON_TELEGRAM)
        self.desks: list[Room] = [SlackRoom(self.app, COORDINATORS), group]
        self.matrix_bot = matrix_bot()
        self.whatsapp.template("news")

    def write(self, folder: Path) -> None:
        """The configuration with everything."""
        port = free_port()
        more = [
            telegram(self.telegram),
            slack(self.slack, 'app_token = "xapp-1"'),
            whatsapp(self.whatsapp, port, template="news"),
            matrix(self.matrix_bot, 'password = "open sesame"'),
            f'[desks.slack]\nchannel = "{COORDINATORS}"\n',
            f'[desks.telegram]\ntoken = "5:desk"\nchat = "{COORDINATORS_ON_TELEGRAM}"\n',
            f'api_base = "{self.telegram.url}"\n',
        ]
        self.config = write_config(folder, f"sqlite:///{folder}/d.db", port, starter(), "".join(more))
        # Or whoever says "Bristol" is asked whether they mean the one in Connecticut.
        here = self.config.read_text().replace("[org]", '[org]\nplace = "Leeds"')
        self.config.write_text(here)

    def phones(self, names: tuple[str, ...], platforms: tuple[str, ...]) -> list[Phone]:
        """Each of these on one of these platforms."""
        return [
            Phone(f"{name} on {platform}", self._screen(name, platform))
            for name, platform in zip(names, platforms, strict=True)
        ]

    def _screen(self, name: str, platform: str) -> Screen:
        if platform == "telegram":
            return TelegramScreen(self.bot.chat(len(self.bot.chats) + 100, name))
        if platform == "slack":
            return SlackScreen(self.app.person(name))
        if platform == "whatsapp":
            return WhatsAppScreen(self.whatsapp.person(f"44770090{len(self.whatsapp.people):04}", name))
        return MatrixScreen(Talker(self.hands, f"{name.lower()}-{self.matrix_bot}", f"@{self.matrix_bot}:{SERVER}"))

    async def doorstep(self, *arguments: str) -> str:
        """What a command prints that runs beside."""
        child = await self.born.begin(*arguments, "--config", str(self.config))
        printed = (await child.stdout.read()).decode()
        assert await child.wait() == 0, printed
        return printed

    async def press_cards(self, titles: list[str], label: str, *, everywhere: bool) -> None:
        """On one desk after the other its coordinator presses each of these cards.

        everywhere  only once every desk has it, and until every desk says by whom: that lasts, for a group on Telegram
                    takes 20 messages a minute
        """

        async def press(desk: Room, title: str) -> None:
            await until(lambda: all(each.cards(title) for each in (self.desks if everywhere else [desk])), SLOW)
            desk.press(title, label)
            if everywhere:
                await until(lambda: [" by " in card for each in self.desks for card in each.cards(title)] == BOTH, SLOW)

        await asyncio.gather(*(press(self.desks[at % len(self.desks)], title) for at, title in enumerate(titles)))

    def go_on(self, moment: datetime) -> None:
        """Time goes on from there, and nobody has written on WhatsApp for 24 hours."""
        self.days.go_on(moment)
        for person in self.whatsapp.people.values():
            person.open = False


async def each(twos: list[Two], does: Callable[[Two], Doing]) -> None:
    """All of them do this at the same time."""
    async with asyncio.TaskGroup() as group:
        for two in twos:
            group.create_task(does(two))


async def becomes_a_buddy(two: Two) -> None:
    buddy = two.buddy
    buddy.screen.say("buddy")
    await buddy.offered("be there for someone", "I'd love to")
    await buddy.ticks("What do you like to do", 1, 3)
    await buddy.asked("Which town", two.town)
    await buddy.ticks("When could you meet", 2)
    await buddy.offered("18 or older", "Yes")
    await buddy.offered("Four things", "I promise")
    await buddy.offered("How many newcomers", "One")
    await buddy.hears("looks at it, and I write to you once they say yes")


async def comes_and_is_introduced(two: Two) -> None:
    newcomer, buddy = two.newcomer, two.buddy
    newcomer.screen.say("hello")
    await newcomer.ticks("What would you like to do", 1, 3)
    await newcomer.asked("Which town", two.town)
    await newcomer.ticks("When could you meet", 2)
    await newcomer.offered("18 or older", "Yes")
    await newcomer.offered("introduce you to one volunteer", "Yes please")
    await newcomer.hears("found someone near you to ask")
    await buddy.offered(f"Would you like to meet {newcomer.first_name}", "I'd love to")
    await asyncio.gather(newcomer.hears("just write it here"), buddy.hears("just write it here"))


async def write_to_each_other(two: Two) -> None:
    newcomer, buddy = two.newcomer, two.buddy
    newcomer.screen.say(f"Hello from {newcomer.name}")
    await buddy.hears(f"{newcomer.first_name}: Hello from {newcomer.name}")
    buddy.screen.say(f"And from {buddy.name} <3")
    await newcomer.hears(f"{buddy.first_name}: And from {buddy.name} <3")


async def share(phone: Phone) -> None:
    phone.screen.say("share")
    await phone.asked("reach you?", f"{phone.first_name}@example.org")
    await phone.offered("May I give this to", "Share it")
    await phone.hears("As soon as", "That makes two of you")


async def sign_up(phone: Phone, town: str) -> None:
    phone.screen.say("actions")
    # A platform with short buttons names the day and the town only.
    await phone.offered("Which of these", town)
    await phone.offered("Shall I put you down", "I'll come")
    await phone.asked("When will you leave home", "9:30")
    await phone.hears("it is.")


async def share_and_sign_up(two: Two) -> None:
    await two.both(share)
    await two.newcomer.hears(f"{two.buddy.first_name}@example.org")
    await two.buddy.hears(f"{two.newcomer.first_name}@example.org")
    await two.both(lambda phone: sign_up(phone, two.town))


async def read_it(phone: Phone) -> None:
    """Who has not written on WhatsApp for a day is asked to press, and hears what waited."""
    if isinstance(screen := phone.screen, WhatsAppScreen) and not screen.person.open:
        await until(lambda: screen.person.sent[-1]["type"] == "template")
        await asyncio.sleep(TO_READ)
        screen.person.press_template("Read it")


async def hear_of_tomorrow(phone: Phone) -> None:
    await read_it(phone)
    await phone.hears("Will you go together tomorrow?")


async def check_in(phone: Phone, code: str) -> None:
    await read_it(phone)
    await phone.asked("Send me the code", code)
    await phone.hears("Good that you're there!")


async def say_that_they_met(phone: Phone) -> None:
    await read_it(phone)
    await phone.offered("meet in person?", "We met")
    await phone.hears("How good!")


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("DOORSTEP_TESTS_AHEAD", str(tmp_path / "ahead"))
    days = Days(tmp_path / "ahead")
    modules = [f"bot.channels.{name}" for name in ("telegram", "slack", "whatsapp", "matrix")]
    modules += ["bot.desks.slack", "bot.desks.telegram", "tests.bot.ahead"]
    async with AsyncExitStack() as stack:
        on_telegram = await stack.enter_async_context(TelegramServer(pace=True))
        on_slack = await stack.enter_async_context(SlackServer(pace=True))
        on_whatsapp = await stack.enter_async_context(WhatsAppServer(pace=True))
        hands = Hands(synapse().url)
        stack.callback(hands.client.close)
        born = await stack.enter_async_context(nursery(*modules))
        made = World(on_telegram, on_slack, on_whatsapp, hands, days, born)
        made.write(tmp_path)
        yield made


@pytest.mark.slow("minutes")
async def test_on_every_platform_newcomers_meet_their_buddies_of_the_next_one(world: World) -> None:
    process = await world.born.ready(world.config)
    days, ring = world.days, ("telegram", "slack", "whatsapp", "matrix")
    newcomers, buddies = world.phones(NEWCOMERS, ring), world.phones(BUDDIES, (*ring[1:], ring[0]))
    twos = [Two(*those) for those in zip(newcomers, buddies, TOWNS, range(1, 5), strict=True)]

    await each(twos, becomes_a_buddy)
    buddies_to_be = [f"{two.buddy.first_name} would like to be a buddy" for two in twos]
    await world.press_cards(buddies_to_be, "Welcome as a buddy", everywhere=False)
    starts = f"{days.day(2, 10, 0):%Y-%m-%d %H:%M}"
    for two in twos:
        await two.buddy.hears("You're a buddy now")
        await world.doorstep("action", "add", f"Canal in {two.town}", "--starts", starts, "--place", two.town)
    await each(twos, comes_and_is_introduced)
    matches = [f"{two.names} were introduced" for two in twos]
    pressing = asyncio.create_task(world.press_cards(matches, "Done", everywhere=True))
    await each(twos, write_to_each_other)
    await each(twos, share_and_sign_up)

    world.go_on(days.day(1, 10))
    await each(twos, lambda two: two.both(hear_of_tomorrow))
    world.go_on(days.day(2, 10))
    codes = [(await world.doorstep("action", "code", str(two.action))).strip() for two in twos]
    await each(twos, lambda two: two.both(lambda phone: check_in(phone, codes[two.action - 1])))
    world.go_on(days.day(3, 12))
    await each(twos, lambda two: two.both(say_that_they_met))

    stats = json.loads(await world.doorstep("stats", "--json"))
    reached = {step["step"]: step["people"]["all"] for step in stats["funnel"]}
    assert stats["connections"]["all"] == len(twos)
    steps = ("asked_for_a_buddy", "introduced", "signed_up", "came", "met")
    assert [reached[step] for step in steps] == [4, 4, 8, 8, 4]
    await pressing
    for one, other in pairwise([*twos, twos[0]]):
        assert not one.buddy.times(other.newcomer.first_name), "nobody hears of another pair"
    assert not any(desk.cards("A message did not reach") for desk in world.desks), "nobody was out of reach"
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
