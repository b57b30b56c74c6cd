"""One bot on the stand-in: its updates, by polling or by webhook, and its messages. Sources as in telegram_rules.py."""

import asyncio
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.bot.standins.telegram_chats import Chat, Json
from tests.bot.standins.telegram_groups import Group, as_replied
from tests.bot.standins.telegram_rules import Refused, markup_of, secret_of

if TYPE_CHECKING:
    from tests.bot.standins.telegram import TelegramServer

LONGEST_POLL = 50
"""[tba] Client.h LONG_POLL_MAX_TIMEOUT, seconds."""
PRESS_KEPT, UPDATE_KEPT = 150, 86_400
"""[tba] Client.cpp, where it calls add_update: seconds for which a press, and a message, waits to be fetched; then it
is gone."""
DELETABLE = 48 * 3600
"""[api] deleteMessage, seconds."""
REACTIONS = frozenset("❤👍👎🔥🎉🤔👏😁🙏👌🕊👀✍🤝")
"""[api] ReactionTypeEmoji, some of them."""
CONFLICT_WAIT = 3.0
"""[tba] fail_query_conflict: further conflicts are answered only after so many seconds."""


@dataclass
class BotAccount:
    """One bot.

    again   what was delivered is kept here, so that it can be delivered once more
    hang    seconds that each send takes to be answered, after it was shown
    faults  what the next messages meet: each is called with the request, and may raise Refused or drop the connection
    waits   a poll waits for news: what comes now is delivered whatever number it has
    """

    server: "TelegramServer"
    token: str
    updates: list[tuple[int, Json]] = field(default_factory=list)
    delivered: list[Json] = field(default_factory=list)
    chats: dict[int, Chat] = field(default_factory=dict)
    queries: dict[str, Chat] = field(default_factory=dict)
    commands: dict[str, dict[str, str]] = field(default_factory=dict)
    hook: Json = field(default_factory=dict)
    hook_error: str = ""
    calls: list[tuple[str, Json]] = field(default_factory=list)
    faults: list[Callable[["BotAccount", Json], None]] = field(default_factory=list)
    lose_answers: int = 0
    hang: float = 0.0
    revoked: bool = False
    waits: bool = False

    def __post_init__(self) -> None:
        self.id = int(self.token.split(":")[0])
        self._update, self._message = itertools.count(random.randrange(10**6, 10**8)), itertools.count(1)
        self._news = asyncio.Event()
        self._expires: dict[int, int] = {}
        self._poller: asyncio.Task[list[Json]] | None = None
        self._last_conflict = -CONFLICT_WAIT
        self._hooks: dict[int, asyncio.Queue[Json]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def chat(self, number: int, name: str, **more: Any) -> Chat:
        """A person's chat with this bot."""
        return self.chats.setdefault(number, Chat(self, number, name, **more))

    def group(self, number: int, name: str, kind: str = "supergroup") -> Group:
        """A group that this bot is in."""
        group = Group(self, number, name, kind=kind)
        self.chats[number] = group
        return group

    @property
    def username(self) -> str:
        return f"doorstep{self.id}_bot"

    def next_message(self) -> int:
        return next(self._message)

    def happened(self, kind: str, body: Json, queue: int) -> None:
        """An update: it waits for a poller, or is sent to the webhook; what `allowed_updates` leaves out is lost."""
        self.deliver({"update_id": next(self._update), kind: body}, queue)

    def deliver(self, update: Json, queue: int = 0) -> None:
        """Delivers an update, perhaps once more."""
        if update not in self.delivered:
            self.delivered.append(update)
        kept = PRESS_KEPT if "callback_query" in update else UPDATE_KEPT
        self._expires[update["update_id"]] = self.server.seconds() + kept
        if self.hook.get("url"):
            self._to_hook(update, queue)
        else:
            self.updates.append((update["update_id"], update))
            self._news.set()

    # --- getUpdates ---------------------------------------------------------------------------------------------

    async def get_updates(self, given: Json) -> list[Json]:
        if self.hook.get("url"):  # [tba] process_get_updates_query
            raise await self._conflict(
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
                "webhook first"
            )
        if self._poller is not None and not self._poller.done():
            self._poller.cancel()
        self._poller = asyncio.create_task(self._poll(given))
        mine = self._poller
        try:
            return await mine
        except asyncio.CancelledError:
            if self._poller is mine:
                raise
            raise await self._conflict(
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
            ) from None

    async def _poll(self, given: Json) -> list[Json]:
        offset, limit = int(given.get("offset") or 0), min(max(int(given.get("limit") or 100), 1), 100)
        patience = min(max(float(given.get("timeout") or 0), 0), LONGEST_POLL)
        if offset > 0:  # what stands before it is confirmed, and gone
            self.updates = [each for each in self.updates if each[0] >= offset]
        elif offset < 0:
            self.updates = self.updates[offset:]
        self.updates = [each for each in self.updates if not self._gone(each[1])]
        if not self.updates and patience:
            self._news.clear()
            self.waits = True
            try:
                await asyncio.wait_for(self._news.wait(), patience)
            except TimeoutError:
                return []
            finally:
                self.waits = False
        return [update for _, update in self.updates[:limit]]

    def _gone(self, update: Json) -> bool:
        return self.server.seconds() >= self._expires.get(update["update_id"], float("inf"))

    async def _conflict(self, description: str) -> Refused:
        loop = asyncio.get_running_loop()
        if loop.time() < self._last_conflict + CONFLICT_WAIT:
            await asyncio.sleep(self.server.hurry * CONFLICT_WAIT)
        self._last_conflict = loop.time()
        return Refused(409, description)

    # --- webhook ------------------------------------------------------------------------------------------------

    def set_hook(self, given: Json) -> bool:
        url, secret = str(given.get("url") or ""), secret_of(given)
        if url and not url.startswith(("https://", "http://127.0.0.1")):
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        self.hook = {"url": url, "secret": secret, "allowed": given.get("allowed_updates") or []} if url else {}
        if self._poller is not None:
            self._poller.cancel()
        if url:
            waiting, self.updates = self.updates, []
            for _, update in waiting:
                self._to_hook(update, 0)
        return True

    def _to_hook(self, update: Json, queue: int) -> None:
        if queue not in self._hooks:
            self._hooks[queue] = asyncio.Queue()
            self._tasks.add(asyncio.create_task(self._call_hook(self._hooks[queue])))
        self._hooks[queue].put_nowait(update)

    async def _call_hook(self, queue: asyncio.Queue[Json]) -> None:
        """[tba] WebhookActor.cpp: 2xx is success; else at once again, then after doubling pauses, or `Retry-After`."""
        async with aiohttp.ClientSession() as session:
            while True:
                update, pause = await queue.get(), 0.0
                while self.hook.get("url") and not self._gone(update):
                    headers = {"X-Telegram-Bot-Api-Secret-Token": self.hook["secret"]} if self.hook["secret"] else {}
                    try:
                        async with session.post(self.hook["url"], json=update, headers=headers) as answer:
                            if answer.status // 100 == 2:
                                break
                            self.hook_error = f"Wrong response from the webhook: {answer.status} {answer.reason}"
                            pause = max(pause, float(answer.headers.get("Retry-After", 0)))
                    except aiohttp.ClientError:
                        self.hook_error = "Connection refused"
                    await asyncio.sleep(pause * self.server.hurry)
                    pause = min(max(pause, 0.5) * 2, 60)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- messages -----------------------------------------------------------------------------------------------

    def chat_of(self, given: Json) -> Chat:
        chat = self.chats.get(_number(given.get("chat_id")))
        if chat is None:
            raise Refused(400, "Bad Request: chat not found")
        if chat.moved_to:  # [tba] check_chat_access: 400 with the new id
            raise Refused(
                400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.moved_to
            )  # fmt: skip
        if chat.blocked and chat.kind != "private":  # [tba] check_chat_access
            raise Refused(403, f"Forbidden: bot was kicked from the {chat.kind} chat")
        if chat.blocked:  # [tba] fail_query_with_error: USER_IS_BLOCKED
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if not chat.started:
            raise Refused(403, "Forbidden: bot can't initiate conversation with a user")
        return chat

    def send(self, given: Json, content: Json) -> Json:
        chat, markup = self.chat_of(given), markup_of(given)
        self.server.paced(self, chat)
        message = {
            "message_id": self.next_message(), "date": self.server.seconds(), "chat": chat.as_json,
            "from": {"id": self.id, "is_bot": True, "first_name": "Bot"},
        } | content | replied_of(chat, given)  # fmt: skip
        if "inline_keyboard" in markup:
            message["reply_markup"] = markup
        elif "keyboard" in markup:
            chat.keyboard = markup
            message["_keyboard"] = True
        elif markup.get("remove_keyboard"):
            chat.keyboard = {}
        return chat.show(message)

    def delete(self, given: Json) -> bool:
        """[api] deleteMessage: "sent less than 48 hours ago"; [tba] check_message, MESSAGE_DELETE_FORBIDDEN."""
        chat = self.chat_of(given)
        message = chat.messages.get(_number(given.get("message_id")))
        if message is None:
            raise Refused(400, "Bad Request: message to delete not found")
        if message["date"] < self.server.seconds() - DELETABLE:
            raise Refused(400, "Bad Request: message can't be deleted for everyone")
        del chat.messages[message["message_id"]]
        return True

    def react(self, given: Json) -> bool:
        """[api] setMessageReaction; [tba] check_message "message to react"."""
        chat, reaction = self.chat_of(given), json.loads(given.get("reaction") or "[]")
        if _number(given.get("message_id")) not in chat.messages:
            raise Refused(400, "Bad Request: message to react not found")
        if any(each.get("emoji") not in REACTIONS for each in reaction):
            raise Refused(400, "Bad Request: REACTION_INVALID")
        chat.reactions[_number(given["message_id"])] = [each["emoji"] for each in reaction]
        return True

    def edit(self, given: Json, content: Json) -> Json:
        chat, markup = self.chat_of(given), markup_of(given)
        message = chat.messages.get(_number(given.get("message_id")))
        if message is None:
            raise Refused(400, "Bad Request: message to edit not found")
        if not message["from"]["is_bot"] or message.get("_keyboard"):
            raise Refused(400, "Bad Request: message can't be edited")
        changed = {key: value for key, value in (message | content).items() if key != "reply_markup"}
        if not content.get("entities"):
            changed.pop("entities", None) if "text" in content else None
        if markup.get("inline_keyboard"):
            changed["reply_markup"] = markup
        if changed == message:
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
                "same as a current content and reply markup of the message",
            )
        return chat.show(changed)


def replied_of(chat: Chat, given: Json) -> Json:
    """[api] ReplyParameters; [tba] "message to be replied not found"."""
    reply = given.get("reply_parameters") or {}
    reply = json.loads(reply) if isinstance(reply, str) else reply
    if not reply:
        return {}
    message = chat.messages.get(_number(reply.get("message_id")))
    if message is None and not reply.get("allow_sending_without_reply"):
        raise Refused(400, "Bad Request: message to be replied not found")
    return {"reply_to_message": as_replied(message)} if message else {}


def _number(given: Any) -> int:
    try:
        return int(given)
    except (TypeError, ValueError):
        raise Refused(400, "Bad Request: chat_id is empty") from None
