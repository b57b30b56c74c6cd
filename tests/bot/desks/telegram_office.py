"""A bot with a desk in a Telegram group, the group on the stand-in, and people who write to the bot."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from bot.app import Bot, open_bot
from bot.channels.base import Inbound
from bot.desks.telegram import TelegramDesk
from bot.desks.telegram_shown import _JOINER
from bot.group import Group
from bot.world import World
from flows.limits import Rate
from flows.model import Said
from flows.reader import STARTER
from storage.store import Transaction
from tests.bot.neighbourhood import places
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_bot import BotAccount
from tests.bot.standins.telegram_chats import Json
from tests.bot.standins.telegram_groups import Group as Room
from tests.bot.talking import Recorder
from tests.databases import Watch
from tests.waiting import until

TOKEN, CHAT = "5:desk", -1001


def read(message: Json) -> str:
    """A message's words, as people read them."""
    return str(message["text"]).replace(_JOINER, "")


def buttons(message: Json) -> dict[str, str]:
    """What its buttons carry, by label."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {each["text"]: each["callback_data"] for row in rows for each in row}


class TelegramOffice:
    """Kim and Finn coordinate in `room`."""

    def __init__(self, bot: Bot, account: BotAccount, room: Room, watch: Watch) -> None:
        self.bot, self.account, self.room, self.watch = bot, account, room, watch
        self.kim, self.finn = room.member(11, "Kim"), room.member(12, "Finn")
        self.phones = Recorder()
        self.reports: list[str] = []
        self._events = count(1)

    # --- people

    async def says(self, who: str, text: str) -> None:
        """Somebody writes to the bot."""
        said = Said(text)
        await self.bot.turns.receive(Inbound("web", "web", who, f"e{next(self._events)}", said, name=who.title()))

    def heard(self, who: str) -> list[str]:
        return [text for address, text in self.phones.sent if address == who]

    async def person(self, name: str, role: str = "", **fields: Any) -> int:
        async def work(tx: Transaction) -> int:
            person = await tx.people.add("web", "web", name.lower(), "en")
            await tx.people.save(person.id, {"name": name, **fields}, role=role)
            return person.id

        return await self.bot.store.run(work)

    async def add(self, kind: str, person: int | None, body: Mapping[str, Any] | None = None, **more: Any) -> int:
        """A card."""
        subject = f"person:{person}"
        number = await self.bot.store.run(lambda tx: tx.cards.add(kind, subject, person, body or {}, **more))
        self.bot.stir()
        return number

    # --- what coordinators see

    def words(self) -> list[str]:
        """All that the bot wrote in the group."""
        return [read(each) for each in self.room.sent]

    async def card(self, beginning: str) -> Json:
        """The message that begins with this, once it is there."""
        await until(lambda: any(words.startswith(beginning) for words in self.words()))
        return [each for each in self.room.sent if read(each).startswith(beginning)][-1]

    async def changed(self, card: Json, words: str) -> str:
        """The words of a card, once it says this."""
        await until(lambda: words in read(self.now(card)))
        return read(self.now(card))

    def now(self, card: Json) -> Json:
        return self.room.messages[card["message_id"]]

    def replies(self, number: int) -> list[str]:
        """What the bot wrote in reply to a message."""
        return [
            read(each) for each in self.room.sent if each.get("reply_to_message", {}).get("message_id") == number
        ]  # fmt: skip


@asynccontextmanager
async def telegram_office(
    server: TelegramServer,
    folder: Path,
    watch: Watch,
    *,
    chat: str = str(CHAT),
    pace: Rate | None = None,
    room: Room | None = None,
) -> AsyncIterator[TelegramOffice]:
    """It runs meanwhile. A second one in the same folder is the same bot, begun anew."""
    group = Group(org={"name": "Leeds Together", "bot_name": "Doorstep"}, zone="Europe/London", quiet=None)
    url, key = f"sqlite:///{folder / 'desk.db'}", folder / "desk.key"
    account = server.bot(TOKEN)
    room = room or account.group(CHAT, "Coordinators")
    async with open_bot(url, key, STARTER, World(group, places=places()), watch) as bot:
        office = TelegramOffice(bot, account, room, watch)
        desk = TelegramDesk(TOKEN, chat, server.url, pace=pace, patience=5.0, poll=2.0, pause=0.01)
        running = [*bot.attach(office.phones), *bot.always(), *bot.attach_desk(desk, office.reports.append)]
        tasks = [asyncio.create_task(each) for each in running]
        try:
            yield office
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
