"""Telegram as a channel: one bot, by long polling or by a webhook. It talks with people in private only."""

import asyncio
import hmac
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from bot.channels.base import Inbound, Outbound, Reached, Receipt, Receive, Report
from bot.channels.retries import SHORTEST_PAUSE, Retries
from bot.channels.telegram_calls import WRONG_TOKEN, Calls, Lost, NotReached, Refused, asked, failure, trouble
from bot.channels.telegram_heard import KINDS, Heard, heard
from bot.channels.telegram_shown import as_caption, shown
from bot.channels.web_files import File, Files, attached
from flows.limits import TELEGRAM

LONGEST_POLL = 50
"""Seconds that Telegram keeps a question for news open: tdlib/telegram-bot-api, Client.h LONG_POLL_MAX_TIMEOUT."""

AT_ONCE = 100
"""Updates of one answer: core.telegram.org/bots/api#getupdates."""

LOOK = 60.0
"""Seconds between two looks whether Telegram still calls here."""

REMEMBERED = 50_000
"""Chats of which the newest message is remembered."""

PHOTOS = ("image/png", "image/jpeg")
"""What is shown as a photo; all else goes as a file: core.telegram.org/bots/api#sendphoto."""

CHATS = "https://t.me/"
"""What opens a chat with a bot, its name behind it: core.telegram.org/bots/features#deep-linking."""

_ALREADY_SO = "message is not modified"
_NOT_THERE = ("message to edit not found", "message can't be edited", "no text in the message", "MESSAGE_ID_INVALID")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hook:
    """Where Telegram calls: `address` as it is seen from outside, `path` as it comes to this server, and what it must
    know: 1 to 256 of A-Z a-z 0-9 _ -."""

    address: str
    path: str
    secret: str


class Telegram:
    """One bot.

    place_at  the name of the district of a point: latitude and longitude in degrees. May block; raises ValueError or
              OSError. The point itself goes nowhere else
    hook      where Telegram calls; without one it is asked for news
    commands  for each language ("": all others), what each command does, as people see it when they type "/"
    files     what is attached to messages; without it they go without
    report    told why it cannot work, once for each reason, and "" when it can
    reached   told what opens a chat with this bot, with a code behind it
    patience  seconds for one send, and for one question for news
    pause     seconds before the first new try
    """

    name = "telegram"
    limits = TELEGRAM

    def __init__(
        self,
        token: str,
        account: str = "main",
        *,
        place_at: Callable[[float, float], str],
        api_base: str = "https://api.telegram.org",
        hook: Hook | None = None,
        commands: Mapping[str, Mapping[str, str]] | None = None,
        files: Files | None = None,
        report: Report = lambda why: None,
        reached: Reached | None = None,
        patience: tuple[float, float] = (20.0, LONGEST_POLL),
        pause: float = SHORTEST_PAUSE,
    ) -> None:
        self.account, self.everywhere = account, hook is not None
        self._calls, self._place_at, self._hook = Calls(token, api_base), place_at, hook
        self._commands, self._files, self._reached = commands or {}, files, reached
        self._patience, self._poll_patience = patience
        self._tries = Retries((Refused, NotReached, Lost), trouble, report, asked=asked, pause=pause)
        self._offset = 0
        self._receive: Receive | None = None
        self._moved: dict[str, str] = {}
        # An edit counts only of what this process has heard: whether anything came after it, nobody else can say.
        self._newest: OrderedDict[int, int] = OrderedDict()
        self._asides: set[asyncio.Task[None]] = set()
        self.router = APIRouter(include_in_schema=False)
        if hook is not None:
            self.router.add_api_route(hook.path, self._called, methods=["POST"], response_model=None)

    async def close(self) -> None:
        """Ends its connections. Nothing may be sent afterwards."""
        for task in self._asides:
            task.cancel()
        await asyncio.gather(*self._asides, return_exceptions=True)
        await self._calls.close()

    # --- what people do -----------------------------------------------------------------------------------------

    async def listen(self, receive: Receive) -> None:
        """Hands on what people do until it is cancelled. Telegram forgets an event only once it is stored."""
        try:
            await self._tries.until_done(self._begin)
            if self._reached is not None:
                await self._reached(f"{CHATS}{(await self._tries.until_done(self._me))['username']}?start=")
            self._receive = receive
            for language, commands in self._commands.items():
                listed = [{"command": name, "description": what[:256]} for name, what in commands.items()]
                self._aside("setMyCommands", commands=listed, language_code=language)
            while self._hook is not None:
                await asyncio.sleep(LOOK)
                await self._tries.until_done(self._begin)
            while True:
                if not await self._tries.until_done(lambda: self._ask(receive)):
                    await asyncio.sleep(self._tries.pause)
        finally:
            self._receive = None

    async def _me(self) -> Any:
        return await self._call("getMe")

    async def _begin(self) -> None:
        """Makes news come the way that is wished, again where somebody has undone it."""
        hook = self._hook
        if hook is None:
            await self._call("deleteWebhook")
        elif self._receive is None or (await self._call("getWebhookInfo")).get("url") != hook.address:
            await self._call("setWebhook", url=hook.address, secret_token=hook.secret, allowed_updates=KINDS)

    async def _ask(self, receive: Receive) -> bool:
        """One question for news; whether all of it was taken. What was not, and all behind it, comes again."""
        patience = self._poll_patience + self._patience
        wait = int(self._poll_patience)
        arguments = {"offset": self._offset, "timeout": wait, "limit": AT_ONCE, "allowed_updates": KINDS}
        updates = await self._calls.call("getUpdates", patience, **arguments)
        self._tries.say("")
        chats: dict[int, list[tuple[int, Heard]]] = {}
        for update in updates:
            if (said := heard(update)) is not None:
                chats.setdefault(said.chat, []).append((update["update_id"], said))
        failed = await asyncio.gather(*[self._take_all(receive, chat) for chat in chats.values()])
        if updates:
            self._offset = min([number for number in failed if number is not None] or [updates[-1]["update_id"] + 1])
        return not any(number is not None for number in failed)

    async def _take_all(self, receive: Receive, events: list[tuple[int, Heard]]) -> int | None:
        """Takes what one person did, in order; the number of the first that could not be stored."""
        for number, said in events:
            if not await self._take(receive, number, said):
                return number
        return None

    async def _take(self, receive: Receive, number: int, event: Heard) -> bool:
        said = event.said
        if event.edited and (event.point or event.message != self._newest.get(event.chat)):
            # A place that moves on by itself is not said again, and what an older message meant is long settled.
            return True
        if event.message:
            self._remember(event.chat, event.message)
        if event.point is not None:
            said = replace(said, place=await self._district(*event.point))
        inbound = Inbound(
            self.name, self.account, str(event.chat), str(number), said, event.name, event.language, at=event.at
        )
        try:
            await receive(inbound)
        except Exception as error:
            # Only the kind: a driver's message can quote what was written.
            _log.warning(
                "telegram %s: an event could not be kept, and comes again: %s", self.account, type(error).__name__
            )
            return False
        if event.query:
            self._aside("answerCallbackQuery", callback_query_id=event.query)
        return True

    def _remember(self, chat: int, message: int) -> None:
        self._newest[chat] = max(message, self._newest.pop(chat, 0))
        if len(self._newest) > REMEMBERED:
            self._newest.popitem(last=False)

    async def _district(self, lat: float, lon: float) -> str:
        try:
            return await asyncio.to_thread(self._place_at, lat, lon)
        except (ValueError, OSError):
            return ""

    def _aside(self, method: str, **arguments: Any) -> None:
        """Calls without waiting for it. Nothing depends on it: a button that turns, a list of commands."""

        async def call() -> None:
            try:
                await self._call(method, **arguments)
            except (Refused, NotReached, Lost) as error:
                _log.info("telegram %s: %s: %s", self.account, method, error)

        task = asyncio.create_task(call())
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _called(self, request: Request) -> Response:
        """The webhook: 200 once it is stored."""
        assert self._hook is not None, "there is a route only with a hook"
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode(), self._hook.secret.encode()):
            return Response(status_code=401)
        if self._receive is None:
            return Response(status_code=503, headers={"Retry-After": "1"})
        try:
            update = orjson.loads(await request.body())
            number, said = int(update["update_id"]), heard(update)
        except (ValueError, TypeError, KeyError):
            return Response(status_code=400)
        taken = said is None or await self._take(self._receive, number, said)
        return Response(status_code=200 if taken else 503)

    # --- what is sent -------------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Receipt:
        """Sends one message, into the chat's new place if it has moved. Raises SendFailed."""
        try:
            return await self._show(message)
        except Refused as refused:
            if refused.moved_to:
                self._moved[message.address] = str(refused.moved_to)
            elif refused.status in WRONG_TOKEN:
                self._tries.say(trouble(refused))
            if not refused.moved_to:
                raise failure(refused) from None
        except (NotReached, Lost) as error:
            raise failure(error) from None
        try:
            return await self._show(message)
        except (Refused, NotReached, Lost) as error:
            raise failure(error) from None

    async def _show(self, message: Outbound) -> Receipt:
        chat = self._moved.get(message.address, message.address)
        body = {"chat_id": chat, **shown(message.say, message.conversation)}
        if message.replaces.isdecimal():
            try:
                await self._call("editMessageText", **body, message_id=int(message.replaces))
            except Refused as refused:
                if refused.status != 400 or not any(text in refused.description for text in (_ALREADY_SO, *_NOT_THERE)):
                    raise
                if _ALREADY_SO not in refused.description:
                    return await self._send(body)
            return Receipt(message.replaces)
        return await self._send(body, await self._attached(message))

    async def _attached(self, message: Outbound) -> File | None:
        """What goes with it; None also where it is nothing any more, for the words must not wait for it."""
        return await attached(self._files, message.address, message.say.attach)

    async def _send(self, body: dict[str, Any], file: File | None = None) -> Receipt:
        sent = await (self._call("sendMessage", **body) if file is None else self._send_file(body, file))
        return Receipt(str(sent["message_id"]))

    async def _send_file(self, body: dict[str, Any], file: File) -> Any:
        """The file with the words below it; where they are too many for that, the file before them."""
        method, field = ("sendPhoto", "photo") if file.media_type in PHOTOS else ("sendDocument", "document")
        caption = as_caption(body)
        fields = caption or {"chat_id": body["chat_id"]}
        sent = await self._calls.upload(method, self._patience, field, file, **fields)
        return sent if caption else await self._call("sendMessage", **body)

    # --- what can go wrong --------------------------------------------------------------------------------------

    async def _call(self, method: str, **arguments: Any) -> Any:
        return await self._calls.call(method, self._patience, **arguments)
