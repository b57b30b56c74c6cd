"""A bot with a desk in a Telegram group, the group on the stand-in, and people who write to the bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.app import Bot
from bot.desks.telegram import TelegramDesk
from bot.desks.telegram_shown import _JOINER
from flows.limits import Rate
from tests.bot.desks.office import Office, at_work, desk_bot
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_bot import BotAccount
from tests.bot.standins.telegram_chats import Json
from tests.bot.standins.telegram_groups import Group as Room
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


class TelegramOffice(Office):
    """Kim and Finn coordinate in `room`."""

    def __init__(self, bot: Bot, account: BotAccount, room: Room, watch: Watch) -> None:
        super().__init__(bot, watch)
        self.account, self.room = account, room
        self.kim, self.finn = room.member(11, "Kim"), room.member(12, "Finn")

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
    account = server.bot(TOKEN)
    room = room or account.group(CHAT, "Coordinators")
    async with desk_bot(folder, watch) as bot:
        office = TelegramOffice(bot, account, room, watch)
        desk = TelegramDesk(TOKEN, chat, server.url, pace=pace, patience=5.0, poll=2.0, pause=0.01)
        works = [*bot.attach(office.phones), *bot.always(), *bot.attach_desk(desk, office.reports.append)]
        async with at_work(works):
            yield office
