"""Many people on one platform, for benchmarks that count from outside: what they said, what they heard, and when.

Telegram, WhatsApp and Slack are the stand-ins of the tests, Matrix is a real Synapse.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.bot.channels.test_matrix_run import Talker, bot, section
from tests.bot.channels.test_slack_run import section as slack_section
from tests.bot.channels.test_telegram_run import telegram
from tests.bot.channels.test_whatsapp_run import whatsapp
from tests.bot.standins import synapse
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_rules import shown
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_chats import Chat
from tests.bot.standins.whatsapp import WhatsAppServer
from tests.bot.standins.whatsapp_people import Person, text_of

HANDS = 8
"""Threads that act for people on Matrix."""

Line = tuple[float, str]


@dataclass
class People:
    """Everybody on a platform, by their number from 0.

    config   the section of a configuration for this platform
    hurried  what a process imports where it is not to wait as long as the platform wants
    life     seconds that a process must live now and then: longer than it waits for what became of a message
    said     of each person: when (seconds since 1970), and what
    heard    the same of what came; on Matrix only after `look`
    told     the next that someone hears; None on Matrix, where nobody is told
    """

    count: int
    write: Callable[[int, str], Any]
    config: Callable[[int], str]
    hurried: str = ""
    life: float = 2.0
    said: list[list[Line]] = field(default_factory=list)
    heard: list[list[Line]] = field(default_factory=list)
    told: list[asyncio.Event] | None = None

    def __post_init__(self) -> None:
        self.said = [[] for _ in range(self.count)]
        self.heard = [[] for _ in range(self.count)]
        self.told = [asyncio.Event() for _ in range(self.count)]

    async def say(self, number: int, text: str) -> None:
        """One of them writes."""
        self.said[number].append((time.time(), text))
        done = self.write(number, text)
        if asyncio.iscoroutine(done):
            await done

    def hear(self, number: int, text: str) -> None:
        """Something has come."""
        self.heard[number].append((time.time(), text))
        if self.told is not None:
            self.told[number].set()

    async def until_heard(self, number: int, count: int) -> None:
        """Returns once they have heard so much, what came twice counted once."""
        assert self.told is not None
        while len({text for _, text in self.heard[number]}) < count:
            self.told[number].clear()
            await self.told[number].wait()

    async def look(self) -> None:
        """From now on `heard` holds all that has come."""


class Noting(list[Any]):
    """A list that tells what is added to it."""

    def __init__(self, tell: Callable[[Any], None]) -> None:
        super().__init__()
        self._tell = tell

    def append(self, item: Any) -> None:
        super().append(item)
        self._tell(item)


@asynccontextmanager
async def on_telegram(count: int) -> AsyncIterator[People]:
    """By long polling."""
    async with TelegramServer() as server:
        account = server.bot("1:one")
        chats = [account.chat(1000 + number, f"P{number}") for number in range(count)]
        people = People(count, lambda number, text: chats[number].say(text), lambda port: telegram(server))

        def shows(number: int, chat: Chat) -> Callable[[Any], Any]:
            show = chat.show

            def noted(message: Any) -> Any:
                people.hear(number, message["text"])
                return show(message)

            return noted

        for number, chat in enumerate(chats):
            chat.show = shows(number, chat)  # type: ignore[assignment,method-assign]
        yield people


@asynccontextmanager
async def on_whatsapp(count: int) -> AsyncIterator[People]:
    """By its webhook."""
    async with WhatsAppServer() as server:
        persons = [server.person(f"4477{number:08}", f"P{number}") for number in range(count)]
        people = People(
            count,
            lambda number, text: persons[number].say(text),
            lambda port: whatsapp(server, port),
            "tests.bot.channels.hurried_whatsapp",
            life=5.0,
        )

        def tells(number: int, person: Person) -> None:
            person.sent = Noting(lambda message: people.hear(number, text_of(message)))

        for number, person in enumerate(persons):
            tells(number, person)
        yield people


@asynccontextmanager
async def on_slack(count: int) -> AsyncIterator[People]:
    """By Socket Mode. What nobody took is brought again for as long as it takes, and sooner than Slack would."""
    async with SlackServer(hurry=0.01, patience=0.5, pauses=[60.0] * 500) as server:
        app = server.app("xoxb-1", app_token="xapp-1")
        persons = [app.person(f"P{number}") for number in range(count)]
        rooms = {person.dm.id: number for number, person in enumerate(persons)}
        people = People(
            count,
            lambda number, text: persons[number].say(text),
            lambda port: slack_section(server, 'app_token = "xapp-1"'),
        )
        event = app.event

        def noted(told: dict[str, Any]) -> None:
            if told.get("bot_id") and told["channel"] in rooms:
                people.hear(rooms[told["channel"]], shown(told)[0])
            event(told)

        app.event = noted  # type: ignore[assignment,method-assign]
        yield people


class OnMatrix(People):
    """`heard` is what Synapse says, with its own times."""

    def __init__(self, count: int, talkers: Sequence[Talker], threads: Sequence[ThreadPoolExecutor], name: str) -> None:
        super().__init__(count, self._write, lambda port: section(name, 'password = "open sesame"'))
        self.talkers, self.threads, self.told = talkers, threads, None

    async def _write(self, number: int, text: str) -> None:
        await self.at(number, lambda: self.talkers[number].say(text))

    async def at(self, number: int, does: Callable[[], Any]) -> Any:
        """Does it in the thread that acts for this person."""
        return await asyncio.get_running_loop().run_in_executor(self.threads[number % HANDS], does)

    async def look(self) -> None:
        async def one(number: int) -> None:
            talker = self.talkers[number]
            events = await self.at(number, lambda: talker.hands.messages(talker.user, talker.room))
            told = [each for each in events if each["type"] == "m.room.message"]
            lines = [(each["sender"], each["origin_server_ts"] / 1000, each["content"]["body"]) for each in told]
            self.said[number] = [(at, text) for sender, at, text in lines if sender == talker.user]
            self.heard[number] = [(at, text) for sender, at, text in lines if sender != talker.user]

        await asyncio.gather(*map(one, range(self.count)))


@asynccontextmanager
async def on_matrix(count: int) -> AsyncIterator[People]:
    """Each in a room with the bot, on a Synapse of their own."""
    hands = [synapse.Hands(synapse.synapse().url) for _ in range(HANDS)]
    threads = [ThreadPoolExecutor(1) for _ in range(HANDS)]
    name = bot()

    async def move_in(number: int) -> Talker:
        def made() -> Talker:
            return Talker(hands[number % HANDS], f"p-{number}", f"@{name}:{synapse.SERVER}")

        return await asyncio.get_running_loop().run_in_executor(threads[number % HANDS], made)

    try:
        yield OnMatrix(count, await asyncio.gather(*map(move_in, range(count))), threads, name)
    finally:
        for thread in threads:
            thread.shutdown()
        synapse.end()


PLATFORMS = {"telegram": on_telegram, "whatsapp": on_whatsapp, "slack": on_slack, "matrix": on_matrix}
