"""What coordinators do in the desk's group on Telegram: presses, replies, commands."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import (
    BotCommand,
    CallbackQuery,
    ForceReply,
    Message,
    ReactionTypeEmoji,
    ReplyParameters,
    User,
)

from bot import roles
from bot.channels.base import SendFailed
from bot.console.stage import Quicker
from bot.console.stage import Refused as Denied
from bot.desks import telegram_asking as asking
from bot.desks import telegram_shown as shown
from bot.desks.changing import GONE, NONE_COMING, ActionView
from bot.desks.contract import Missing
from bot.desks.office import BuddyView, Office
from bot.desks.telegram_calls import Calls, Moved
from bot.log import place
from bot.new_actions import BadCells
from bot.roles import Who

log = logging.getLogger(__name__)

MEANT = 60.0
"""Seconds in which a second press means the first one."""
TRIES = 3
"""How often an answer is tried where Telegram asks to wait."""

SOMEBODY = "a coordinator"
NO_BUDDIES = "No buddy of that name was approved."
NOT_A_BUDDY = "They are not a buddy any more."
ONLY_WORDS = "Only words reach them: this did not."
HELP = (
    "/week: the last seven days and the next\n/action: create an action\n/change: change an action, or call it off\n"
    "/buddies: change how many newcomers a buddy takes\n\nReply to the card of somebody who asks for a human: what you "
    "write reaches them."
)
COMMANDS = [
    BotCommand("week", "The last seven days and the next"),
    BotCommand("action", "Create an action"),
    BotCommand("change", "Change an action, or call it off"),
    BotCommand("buddies", "Change how many newcomers a buddy takes"),
]
SEEN = "👌"
"""Under words that are on their way; one of those that bots may use: core.telegram.org/bots/api#reactiontypeemoji."""

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)


class Group:
    """What is done in the group; `me` is the bot there. Whatever is answered goes beside what Telegram waits for."""

    def __init__(self, calls: Calls, office: Office, me: User) -> None:
        self._calls, self._office, self._me = calls, office, me
        self._once: dict[tuple[int, str], float] = {}
        self._aside: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Ends what goes on beside."""
        for task in self._aside:
            task.cancel()
        await asyncio.gather(*self._aside, return_exceptions=True)

    # --- presses

    async def pressed(self, query: CallbackQuery, role: str) -> None:
        """A button of ours. What it did, or why it did nothing, is told to who pressed."""
        kind, number, what = shown.carried(query.data or "")
        who = Who(role, query.from_user.first_name or SOMEBODY)
        try:
            if kind == shown.CARD:
                said = await self._pressed_card(query, who, number, what)
            elif kind == shown.NUMBER:
                said = await self._office.set_capacity(number, int(what) if what.isdigit() else -1, who)
                self._replace(query, shown.line_shown(said))
            elif kind == shown.ACTION:
                said = await self._pressed_action(query, who, number, what)
            elif kind == shown.BUDDY:
                said = await self._chose(query, who, number)
            else:
                said = ""
        except Denied as denied:
            if isinstance(denied, Quicker) and kind == shown.CARD and (card := await self._office.card(number, who)):
                self._replace(query, shown.card_shown(card))
            self._toast(query, str(denied), alert=True)
        else:
            self._toast(query, said, alert=said == shown.AGAIN)

    async def _pressed_card(self, query: CallbackQuery, who: Who, number: int, button: str) -> str:
        card = await self._office.card(number, who)
        if card is not None and card.open and shown.asks_twice(card, button) and self._is_first(query):
            return shown.AGAIN
        return await self._office.press(number, button, who, once=query.id)

    def _is_first(self, query: CallbackQuery) -> bool:
        """Whether they have not pressed this before, a moment ago."""
        now, key = asyncio.get_running_loop().time(), (query.from_user.id, query.data or "")
        self._once = {each: at for each, at in self._once.items() if at > now - MEANT}
        if self._once.pop(key, None) is not None:
            return False
        self._once[key] = now
        return True

    async def _pressed_action(self, query: CallbackQuery, who: Who, number: int, what: str) -> str:
        action = await self._action(number, who)
        if what == shown.CALL_OFF:
            if self._is_first(query):
                return shown.AGAIN
            said = await self._office.cancel_action(number, who)
            self._replace(query, shown.line_shown(said))
            return said
        if what == shown.CHANGE and isinstance(query.message, Message):
            self._ask_for_change(query.message, asking.ask_change(action))
        elif not what:
            self._replace(query, shown.action_shown(action))
        return ""

    async def _action(self, number: int, who: Who) -> ActionView:
        action = next((each for each in await self._office.actions(who) if each.id == number), None)
        if action is None:
            raise Denied(GONE)
        return action

    async def _chose(self, query: CallbackQuery, who: Who, number: int) -> str:
        buddy = next((each for each in await self._office.buddies(who) if each.id == number), None)
        if buddy is None:
            raise Denied(NOT_A_BUDDY)
        self._replace(query, shown.how_many_shown(buddy))
        return ""

    # --- messages

    async def wrote(self, message: Message, role: str) -> None:
        """A command, or a reply to something that the bot wrote."""
        name = _name(message)
        if name is None:
            return
        who = Who(role, name)
        text = message.text or message.caption or ""
        command = self._command(text)
        replied = message.reply_to_message
        if command is not None:
            await self._commanded(message, *command, who)
        elif replied is not None and replied.from_user is not None and replied.from_user.id == self._me.id:
            await self._replied(message, replied, text, who)

    async def _replied(self, message: Message, to: Message, text: str, who: Who) -> None:
        event = f"{message.chat.id}:{message.message_id}"
        try:
            reached = await self._office.wrote(f"{to.chat.id}:{to.message_id}", event, text, who)
            # Who answers may be quicker than we write down where a card is, and that may have been lost.
            if not reached and (card := _card_of(to)):
                reached = await self._office.wrote_about(card, event, text, who)
        except Denied as denied:
            self._answer(message, shown.line_shown(str(denied) if text.strip() else ONLY_WORDS))
            return
        if reached:
            reaction = [ReactionTypeEmoji(SEEN)]
            chat, number = message.chat.id, message.message_id
            self.later(lambda: self._calls.do(lambda: self._calls.bot.set_message_reaction(chat, number, reaction)))
        elif (to.text or "").startswith(asking.HEADING):
            await self._make_action(message, text, who)
        elif (changes := asking.changes_which(to.text or "")) is not None:
            await self._change_action(message, changes, text, who)

    def _command(self, text: str) -> tuple[str, str] | None:
        """A command that is for this bot, and what stands behind it."""
        found = _COMMAND.fullmatch(text.strip())
        if found is None or (found[2] and found[2].lower() != (self._me.username or "").lower()):
            return None
        return found[1].lower(), (found[3] or "").strip()

    async def _commanded(self, message: Message, word: str, rest: str, who: Who) -> None:
        if word == "doorstep" and rest:
            word, _, rest = rest.partition(" ")
        if not roles.commands(who.role, "telegram", f"/{word}"):
            return
        if word in ("week", "doorstep"):
            self._answer(message, shown.week_shown(await self._office.week(who)))
        elif word == "action" and rest:
            await self._make_action(message, rest, who)
        elif word == "action":
            self._ask_for_action(message, asking.ASK)
        elif word == "change":
            found = await self._office.actions(who, rest)
            self._answer(message, shown.which_shown(found) if found else shown.line_shown(NONE_COMING))
        elif word == "buddies":
            await self._show_buddies(message, rest.strip(), who)
        else:
            self._answer(message, shown.line_shown(HELP))

    async def _make_action(self, message: Message, text: str, who: Who) -> None:
        try:
            said = await self._office.add_action(asking.cells(text, self._office.now(), self._office.zone), who)
        except BadCells as bad:
            self._ask_for_action(message, asking.problems(bad.problems))
        else:
            self._answer(message, shown.line_shown(said))

    def _ask_for_action(self, message: Message, text: str) -> None:
        field = ForceReply(selective=True, input_field_placeholder=asking.EXAMPLE)
        self._answer(message, {**shown.line_shown(text), "reply_markup": field})

    async def _change_action(self, message: Message, number: int, text: str, who: Who) -> None:
        try:
            action = await self._action(number, who)
            cells = asking.changed(text, action, self._office.now())
            if "line" in cells:
                raise BadCells({"line": f"`{cells['line']}` is not understood: write what it is, and a colon"})
            said = await self._office.change_action(number, cells, who)
        except BadCells as bad:
            self._ask_for_change(message, asking.ask_change(action, bad.problems))
        except Denied as denied:
            self._answer(message, shown.line_shown(str(denied)))
        else:
            self._answer(message, shown.line_shown(said))

    def _ask_for_change(self, message: Message, text: str) -> None:
        field = ForceReply(input_field_placeholder=asking.CHANGE_EXAMPLE)
        self._answer(message, {**shown.line_shown(text), "reply_markup": field})

    async def _show_buddies(self, message: Message, name: str, who: Who) -> None:
        found: list[BuddyView] = [
            each for each in await self._office.buddies(who) if name.casefold() in each.name.casefold()
        ]
        if not found:
            self._answer(message, shown.line_shown(NO_BUDDIES))
        elif len(found) == 1:
            self._answer(message, shown.how_many_shown(found[0]))
        else:
            self._answer(message, shown.whom_shown(found))

    def says_its_number(self, message: Message) -> None:
        """What is to be written into the configuration, in a group of which it says nothing yet."""
        command = self._command(message.text or "")
        if command is not None and command[0] == "doorstep":
            number = f'chat = "{message.chat.id}"'
            text = f"If coordinators work here, write this into [desks.telegram] and start me again: {number}"
            self._answer(message, shown.line_shown(text))

    # --- beside what Telegram waits for

    def _toast(self, query: CallbackQuery, text: str, *, alert: bool) -> None:
        said = text[: shown.LONGEST_ANSWER] or None
        bot = self._calls.bot
        self.later(lambda: self._calls.do(lambda: bot.answer_callback_query(query.id, said, show_alert=alert)))

    def _answer(self, message: Message, what: dict[str, Any]) -> None:
        """Writes in reply to a message of theirs."""
        chat, bot = message.chat.id, self._calls.bot
        reply = ReplyParameters(message.message_id, allow_sending_without_reply=True)
        self.later(lambda: self._calls.show(lambda: bot.send_message(chat, **what, reply_parameters=reply)))

    def _replace(self, query: CallbackQuery, what: shown.Shown) -> None:
        """Shows something in place of what was pressed."""
        if query.message is None:
            return
        chat, number, bot = query.message.chat.id, query.message.message_id, self._calls.bot
        self.later(lambda: self._calls.show(lambda: bot.edit_message_text(**what, chat_id=chat, message_id=number)))

    def later(self, call: Callable[[], Awaitable[object]]) -> None:
        """Calls Telegram without anybody waiting for it."""
        task = asyncio.create_task(self._done(call))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _done(self, call: Callable[[], Awaitable[object]]) -> None:
        try:
            for _ in range(TRIES):
                try:
                    await call()
                except SendFailed as failed:
                    if failed.retry_after is None:
                        raise
                    await asyncio.sleep(failed.retry_after.total_seconds())
                else:
                    return
        except (SendFailed, Missing, Moved) as error:
            log.info("desk telegram: something small was not shown: %s", error)
        except Exception as error:
            log.error("desk telegram broke: %s", place(error))  # noqa: TRY400 - no data in the log


def _name(message: Message) -> str | None:
    """The first name of who wrote; None where it was no coordinator. Who writes as the group itself has no name."""
    if message.sender_chat is not None and message.sender_chat.id == message.chat.id:
        return SOMEBODY
    user = message.from_user
    return None if user is None or user.is_bot else user.first_name or SOMEBODY


def _card_of(message: Message) -> int | None:
    """The card that a message of ours shows, by its buttons."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else ()
    carried = [shown.carried(str(button.callback_data)) for row in rows for button in row]
    return next((number for kind, number, _ in carried if kind == shown.CARD), None)
