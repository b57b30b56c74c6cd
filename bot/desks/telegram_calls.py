"""Calls of Telegram's Bot API for the desk: python-telegram-bot's client, our pace, and what its errors mean."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import httpx

# What its authors advise: without it, each 429 warns that seconds become timedeltas.
os.environ.setdefault("PTB_TIMEDELTA", "true")
from telegram import Bot, Update, error
from telegram.request import HTTPXRequest

from bot.channels.base import SendFailed
from bot.desks.contract import Missing
from bot.pace import Chats
from flows.limits import Rate

T = TypeVar("T")

PACE = Rate(12, 60, burst=8)
"""At most 20 messages in any minute, 8 of them at once: python-telegram-bot's
constants.FloodLimit.MESSAGES_PER_MINUTE_PER_GROUP, from Telegram's bots FAQ. Changes count: nobody says they do not."""

LONGEST_POLL = 50.0
"""Seconds that Telegram keeps a question for news open: tdlib/telegram-bot-api, Client.h LONG_POLL_MAX_TIMEOUT."""

AT_ONCE = 100
"""Updates of one answer: core.telegram.org/bots/api#getupdates."""

KINDS = ["message", "callback_query", "my_chat_member"]
"""The updates that are asked for; what is left out here is lost."""

CONNECT = 10.0
"""Seconds until a connection stands."""

NO_SUCH_BOT = "Telegram does not know the desk's token: it is wrong or was revoked; take a new one from @BotFather"
NOT_INSIDE = "the bot is not in the desk's group any more: add it again"
NO_GROUP = (
    "Telegram knows no group of that number: leave [desks.telegram] chat out, and write /doorstep in the group where "
    "the bot is; it says the number"
)
MUTE = "the bot may not write in the desk's group: its permissions do not allow it"
TWICE = "somebody else listens to the desk's bot, with the same token: end the other one"

_GONE = ("to edit not found", "to be replied not found", "to delete not found", "message_id_invalid")
_UNCHANGEABLE = ("message can't be edited", "no text in the message")
_MUTE = ("not enough rights to send", "have no rights to send", "chat_write_forbidden", "chat_send_plain_forbidden")
"""tdlib/telegram-bot-api, Client.cpp: check_message; errors of core.telegram.org/method/messages.sendMessage.
"""

ALREADY_SO = "message is not modified"


class Moved(Exception):
    """The group was upgraded; `chat` is its number from now on."""

    def __init__(self, chat: int) -> None:
        super().__init__("the group has moved")
        self.chat = chat


class Refused(SendFailed):
    """Telegram does not do this one thing; `said` is why, in its words in small letters."""

    def __init__(self, said: str) -> None:
        super().__init__(f"Telegram refuses: {said[:150]}", final=True)
        self.said = said


class Calls:
    """Calls in the name of one bot. All of them raise SendFailed, Missing or Moved; none names the token.

    patience  seconds for an answer; `poll` those that news are waited for
    """

    def __init__(self, token: str, api_base: str, pace: Rate | None, patience: float, poll: float) -> None:
        # Its lines have addresses in them, and the token is in every address; the library's own quote what was said.
        for name in ("httpx", "httpcore", "telegram"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        connect = min(CONNECT, patience)
        self._requests = [
            HTTPXRequest(
                connection_pool_size=size, read_timeout=patience, write_timeout=patience, connect_timeout=connect,
                pool_timeout=patience,
            )
            for size in (8, 2)
        ]  # fmt: skip
        self.bot = Bot(
            token,
            base_url=f"{api_base.rstrip('/')}/bot",
            request=self._requests[0],
            get_updates_request=self._requests[1],
        )
        self._poll = poll
        self._pace, self._turn = Chats(pace), asyncio.Lock()

    async def begin(self) -> None:
        """Makes it ready, again after `close` too."""
        for request in self._requests:
            await request.initialize()

    async def close(self) -> None:
        """Ends its connections."""
        for request in self._requests:
            await request.shutdown()

    async def show(self, call: Callable[[], Awaitable[T]]) -> T:
        """Does what shows something in the group, when the group may be written to."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            await asyncio.sleep(max(0.0, self._pace.next(0) - loop.time()))
            self._pace.wrote(0, loop.time())
        try:
            return await self.do(call)
        except SendFailed as failed:
            if failed.retry_after is not None:
                now = loop.time()
                self._pace.pause(0, now + failed.retry_after.total_seconds(), now)
            raise

    async def do(self, call: Callable[[], Awaitable[T]]) -> T:
        """Does anything else."""
        try:
            return await call()
        except error.ChatMigrated as moved:
            raise Moved(moved.new_chat_id) from None
        except error.TelegramError as wrong:
            task = asyncio.current_task()
            # Where a connection breaks as it is given up, its error takes the place of the cancellation.
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from None
            raise meaning(wrong) from None

    async def news(self, offset: int) -> Sequence[Update]:
        """What has happened; Telegram forgets what stands before `offset`."""
        wait = timedelta(seconds=self._poll)
        return await self.do(
            lambda: self.bot.get_updates(offset=offset, limit=AT_ONCE, timeout=wait, allowed_updates=KINDS)
        )


def meaning(wrong: error.TelegramError) -> SendFailed | Missing:
    """What an error means for what is shown."""
    said = wrong.message.lower()
    if isinstance(wrong, error.RetryAfter):
        wait = wrong.retry_after
        wait = wait if isinstance(wait, timedelta) else timedelta(seconds=wait)
        seconds = round(wait.total_seconds())
        return SendFailed(f"Telegram asks to wait for {seconds} seconds", retry_after=wait, everyone=True)
    if isinstance(wrong, error.InvalidToken):
        return SendFailed(NO_SUCH_BOT, final=True, everyone=True)
    if isinstance(wrong, error.Conflict):
        return SendFailed(TWICE, everyone=True)
    if isinstance(wrong, error.Forbidden):
        return SendFailed(NOT_INSIDE, final=True, everyone=True)
    if isinstance(wrong, error.BadRequest):
        return _refusal(said)
    cause = wrong.__cause__
    if isinstance(cause, httpx.HTTPError) and not isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout):
        lost = not isinstance(cause, httpx.PoolTimeout)
        return SendFailed(f"Telegram did not answer ({type(cause).__name__})", unknown=lost, everyone=not lost)
    if cause is not None and not isinstance(cause, error.TelegramError):
        return SendFailed(f"Telegram cannot be reached ({type(cause).__name__})", everyone=True)
    return SendFailed("Telegram itself is broken just now", everyone=True)


def _refusal(said: str) -> SendFailed | Missing:
    if any(text in said for text in (*_GONE, *_UNCHANGEABLE)):
        return Missing()
    if "chat not found" in said:
        return SendFailed(NO_GROUP, final=True, everyone=True)
    if any(text in said for text in _MUTE):
        return SendFailed(MUTE, final=True, everyone=True)
    return Refused(said)
