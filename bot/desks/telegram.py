"""The desk in a Telegram group, by a bot of its own: cards that change in place, replies that reach people, commands.

It works with Telegram's privacy mode on: what the bot hears in a group are commands, replies to what it wrote, presses,
and that somebody joined or left (core.telegram.org/bots/features#privacy-mode).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from telegram import (
    BotCommandScopeAllGroupChats,
    CallbackQuery,
    Chat,
    ChatMember,
    Message,
    ReplyParameters,
    Update,
    User,
)

from bot.channels.base import Report, SendFailed
from bot.console.stage import CardView
from bot.desks import telegram_shown as shown
from bot.desks.contract import Missing
from bot.desks.office import Office
from bot.desks.telegram_calls import ALREADY_SO, LONGEST_POLL, NO_SUCH_BOT, NOT_INSIDE, PACE, Calls, Moved, Refused
from bot.desks.telegram_heard import COMMANDS, Group
from bot.log import place
from bot.roles import STRANGER
from flows.limits import Rate
from storage.audit import COORDINATOR
from storage.errors import StorageError

T = TypeVar("T")

log = logging.getLogger(__name__)

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds before something is tried again."""

NO_GROUP_YET = (
    "it has no group yet: add its bot to one, write /doorstep there, and write the number that it says into "
    "[desks.telegram] chat"
)
NOT_HERE = "Hello! I only work with coordinators, in their group. What you write here reaches nobody."
MOST_STRANGERS = 10_000
"""Of whom it is remembered that they were told so."""

NO_WORDS = "-"
"""What is left of words that are to go, where Telegram does not delete them any more: after 48 hours
(core.telegram.org/bots/api#deletemessage)."""


class TelegramDesk:
    """A desk in the group of that number; "" while it is not known.

    patience  seconds for an answer; `poll` those that news are waited for
    pause     seconds before the first new try
    """

    name = "telegram"
    pace: Rate | None = None
    """Its calls keep the pace, for answers to commands count too."""

    def __init__(
        self,
        token: str,
        chat: str,
        api_base: str,
        *,
        pace: Rate | None = PACE,
        patience: float = 20.0,
        poll: float = LONGEST_POLL,
        pause: float = SHORTEST_PAUSE,
    ) -> None:
        self._calls = Calls(token, api_base, pace, patience, poll)
        self._chat = int(chat) if chat else 0
        self._formerly: set[int] = set()
        self._pause = pause
        self._group: Group | None = None
        self._report: Report = lambda why: None
        self._trouble = {"news": "", "group": "" if chat else NO_GROUP_YET}
        self._strangers: set[int] = set()

    # --- what is shown

    async def post(self, card: CardView) -> str:
        """Shows a card; the reference is the group's number and the message's."""
        return await self._sent(shown.card_shown(card), 0)

    async def change(self, reference: str, card: CardView) -> None:
        """Shows it as it is now. What stands in the group that this one was before, cannot be changed any more."""
        await self._edited(self._number(reference), shown.card_shown(card))

    async def say(self, reference: str, line: int, text: str) -> str:
        """Writes in reply to a card."""
        return await self._sent(shown.line_shown(text), self._number(reference))

    async def take_back(self, reference: str) -> None:
        """Deletes what was written; where it is too old for that, its words go."""
        try:
            number, bot = self._number(reference), self._calls.bot
            try:
                await self._calls.do(lambda: bot.delete_message(self._chat, number))
            except Refused:
                await self._edited(number, shown.line_shown(NO_WORDS))
        except Missing:
            return

    def _number(self, reference: str) -> int:
        chat, _, message = reference.partition(":")
        if chat != str(self._chat):
            raise Missing
        return int(message)

    async def _sent(self, what: shown.Shown, reply_to: int) -> str:
        if not self._chat:
            raise SendFailed(NO_GROUP_YET, final=True, everyone=True)
        bot, reply = self._calls.bot, ReplyParameters(reply_to) if reply_to else None
        try:
            sent = await self._calls.show(lambda: bot.send_message(self._chat, **what, reply_parameters=reply))
        except Moved as moved:
            self._follow(moved.chat)
            if reply_to:
                raise Missing from None
            sent = await self._calls.show(lambda: bot.send_message(self._chat, **what))
        self._tell(group="")
        return f"{self._chat}:{sent.message_id}"

    async def _edited(self, number: int, what: shown.Shown) -> None:
        bot = self._calls.bot
        try:
            await self._calls.show(lambda: bot.edit_message_text(**what, chat_id=self._chat, message_id=number))
        except Moved as moved:
            self._follow(moved.chat)
            raise Missing from None
        except Refused as refused:
            if ALREADY_SO not in refused.said:
                raise

    def _follow(self, chat: int) -> None:
        """The group was upgraded to a supergroup, with another number."""
        if chat == self._chat:
            return
        self._formerly.add(self._chat)
        self._chat = chat
        log.warning('desk telegram: its group has a new number: write chat = "%s" into [desks.telegram]', chat)

    # --- what coordinators do

    async def listen(self, office: Office) -> None:
        """Hands on what coordinators do until it is cancelled. Telegram forgets it only once it is stored."""
        await self._calls.begin()
        self._report = office.report
        self._tell()
        try:
            me = await self._patiently(self._greet)
            self._group = Group(self._calls, office, me)
            await self._patiently(self._look)
            offset = 0
            while True:
                for update in await self._patiently(partial(self._calls.news, offset)):
                    await self._take(update)
                    offset = update.update_id + 1
        finally:
            if self._group is not None:
                await self._group.close()
            await self._calls.close()

    async def _greet(self) -> User:
        bot = self._calls.bot
        await self._calls.do(bot.delete_webhook)
        scope = BotCommandScopeAllGroupChats()
        await self._calls.do(lambda: bot.set_my_commands(COMMANDS, scope=scope))
        return await self._calls.do(bot.get_me)

    async def _look(self) -> None:
        """Whether the group can be written to. Nobody keeps what it does there: "is typing"."""
        if not self._chat:
            return
        try:
            await self._calls.do(lambda: self._calls.bot.send_chat_action(self._chat, "typing"))
        except Moved as moved:
            self._follow(moved.chat)
        except SendFailed as failed:
            if not (failed.final and failed.everyone) or failed.reason == NO_SUCH_BOT:
                raise
            self._tell(group=failed.reason)

    async def _take(self, update: Update) -> None:
        """Takes one thing that happened: only the database may make it wait."""
        pause = self._pause
        while True:
            try:
                await self._happened(update)
            except StorageError as away:
                log.warning("desk telegram waits, for the database is away: %s", type(away).__name__)
            except Exception as error:
                # It would break again and again, and what comes behind it would wait for ever.
                log.error("desk telegram broke: %s", place(error))  # noqa: TRY400 - no data in the log
                return
            else:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _happened(self, update: Update) -> None:
        group = self._group
        assert group is not None, "it listens"
        message, query, inside = update.message, update.callback_query, update.my_chat_member
        if inside is not None and inside.chat.id == self._chat:
            gone = inside.new_chat_member.status in (ChatMember.LEFT, ChatMember.BANNED)
            self._tell(group=NOT_INSIDE if gone else "")
        elif query is not None:
            await self._pressed(group, query)
        elif message is not None and self._moves(message):
            self._follow(message.migrate_to_chat_id or message.chat.id)
        elif message is not None and message.chat.type == Chat.PRIVATE:
            self._turned_away(group, message.chat.id)
        elif message is not None and self._is_ours(message.chat.id):
            self._tell(group="")
            await group.wrote(message, COORDINATOR)
        elif message is not None and not self._chat:
            group.says_its_number(message)

    async def _pressed(self, group: Group, query: CallbackQuery) -> None:
        inside = query.message is not None and self._is_ours(query.message.chat.id)
        await group.pressed(query, COORDINATOR if inside else STRANGER)

    def _moves(self, message: Message) -> bool:
        """Whether Telegram tells that this group is another one now: to the old one, or to the new one."""
        moves = message.migrate_to_chat_id and message.chat.id == self._chat
        return bool(moves or (message.migrate_from_chat_id and message.migrate_from_chat_id == self._chat))

    def _is_ours(self, chat: int) -> bool:
        return bool(self._chat) and chat in (self._chat, *self._formerly)

    def _turned_away(self, group: Group, chat: int) -> None:
        if chat not in self._strangers and len(self._strangers) < MOST_STRANGERS:
            self._strangers.add(chat)
            group.later(lambda: self._calls.do(lambda: self._calls.bot.send_message(chat, NOT_HERE)))

    # --- what can go wrong

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """Does it, as often as it takes; says why it has to."""
        pause = self._pause
        while True:
            try:
                result = await step()
            except SendFailed as failed:
                self._tell(news=failed.reason)
                if failed.final or failed.retry_after:
                    asked = failed.retry_after.total_seconds() if failed.retry_after else LONGEST_PAUSE
                    pause = max(pause, min(asked, 120 * self._pause))
            else:
                self._tell(news="")
                return result
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _tell(self, **why: str) -> None:
        self._trouble |= why
        self._report(next(filter(None, self._trouble.values()), ""))
