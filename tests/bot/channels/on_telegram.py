"""Telegram for the suite: long polling and a webhook, against the stand-in."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

from fastapi import FastAPI

from bot.channels.base import Outbound
from bot.channels.telegram import Hook, Telegram
from bot.console.app import serve
from flows.model import Say
from tests.bot.channels.contract import Bubble, Fault
from tests.bot.running import free_port
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_bot import BotAccount
from tests.bot.standins.telegram_chats import Chat, Json
from tests.bot.standins.telegram_rules import Refused

TOKEN = "123456:a-token"
TICKED, UNTICKED = "✅ ", "◻️ "


class OnTelegram:
    lacks: Mapping[str, str] = {}
    wait = 7.0
    secrets = (TOKEN, TOKEN.split(":")[1])

    def __init__(self, server: TelegramServer, bot: BotAccount, channel: Telegram) -> None:
        self.server, self.bot, self.channel = server, bot, channel
        self.chats = {"ana": bot.chat(1001, "Ana"), "ben": bot.chat(1002, "Ben", language="es")}

    def address(self, who: str) -> str:
        return str(self.chats[who].id)

    async def write(self, who: str, text: str) -> str:
        return str(self.chats[who].say(text)["message_id"])

    async def edit(self, who: str, message: str, text: str) -> None:
        self.chats[who].edit(int(message), text)

    async def press(self, who: str, label: str) -> None:
        for message in reversed(self.chats[who].sent):
            for button, data in _buttons(message):
                if _label(button) == label:
                    self.chats[who].press(message["message_id"], data)
                    return
            if label in _bubble(message).choices:
                self.chats[who].say(str(_bubble(message).choices.index(label) + 1))
                return
        raise AssertionError(f"nothing on their phone is called {label!r}")

    async def way_out(self, who: str, label: str) -> None:
        await self.press(who, label)

    async def finish(self, who: str) -> None:
        message = next(message for message in reversed(self.chats[who].sent) if _buttons(message))
        self.chats[who].press(message["message_id"], _buttons(message)[-1][1])

    async def share_place(self, who: str, lat: float, lon: float) -> None:
        self.chats[who].location(lat, lon)

    async def share_photo(self, who: str) -> str:
        self.chats[who].photo("AgACphoto")
        return "AgACphoto"

    async def open_link(self, who: str, payload: str) -> None:
        self.chats[who].say(f"/start {payload}")

    async def again(self, times: int) -> None:
        # The next poll confirms all that was delivered before it: only to one that waits does any of it come again.
        while not (self.bot.hook or self.bot.waits):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        for _ in range(times):
            before = list(self.bot.delivered)
            random.shuffle(before)
            for update in before:
                self.bot.deliver(update)

    def shown(self, who: str) -> list[Bubble]:
        chat = self.chats[who]
        if chat.moved_to:
            chat = self.bot.chats[chat.moved_to]
        return [_bubble(message) for message in chat.sent]

    def meet(self, fault: Fault) -> None:
        if fault == Fault.LOST:
            self.bot.lose_answers += 1
        elif fault in _FAULTS:
            self.bot.faults.append(_FAULTS[fault])

    def unreachable(self) -> AbstractAsyncContextManager[None]:
        return self.server.away()


def _label(button: str) -> str:
    label = button.removeprefix(TICKED).removeprefix(UNTICKED)
    # The number of a choice that is listed in the text, for its label is too long for a button.
    return re.sub(r"^\d+\. (?=.*…$)", "", label)


def _buttons(message: Json) -> list[tuple[str, str]]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [(button["text"], button["callback_data"]) for row in rows for button in row]


def _bubble(message: Json) -> Bubble:
    buttons = [text for text, _ in _buttons(message)]
    many = any(text.startswith((TICKED, UNTICKED)) for text in buttons)
    choices = [text for text in buttons if not many or text.startswith((TICKED, UNTICKED))]
    text, *listed = re.split(r"\n  \d+\. ", message["text"])
    return Bubble(
        str(message["message_id"]),
        text,
        tuple(_label(text) for text in choices or listed),
        tuple(_label(text) for text in choices if text.startswith(TICKED)),
        tuple(each["type"] for each in message.get("entities", []) if each["type"] in ("text_link", "text_mention")),
    )


def _slow_down(bot: BotAccount, given: Json) -> None:
    raise Refused(429, "Too Many Requests: retry after 7", retry_after=7)


def _broken(bot: BotAccount, given: Json) -> None:
    raise Refused(502, "Bad Gateway")


def _blocked(bot: BotAccount, given: Json) -> None:
    raise Refused(403, "Forbidden: bot was blocked by the user")


def _moved(bot: BotAccount, given: Json) -> None:
    old: Chat = bot.chats[int(given["chat_id"])]
    old.moved_to = -1_000_000_000_000 - old.id
    bot.chat(old.moved_to, old.first_name, kind="supergroup")
    bot.chat_of(given)


def _gone(bot: BotAccount, given: Json) -> None:
    bot.chats[int(given["chat_id"])].messages.pop(int(given["message_id"]))


_FAULTS: Mapping[Fault, Callable[[BotAccount, Json], None]] = {
    Fault.SLOW_DOWN: _slow_down,
    Fault.BROKEN: _broken,
    Fault.BLOCKED: _blocked,
    Fault.MOVED: _moved,
    Fault.GONE: _gone,
}


def district(lat: float, lon: float) -> str:
    return "Leeds" if round(lat) == 54 and round(lon) == -2 else "nowhere"


@asynccontextmanager
async def opened(**more: Any) -> AsyncIterator[OnTelegram]:
    """By long polling."""
    async with TelegramServer() as server:
        bot = server.bot(TOKEN)
        options: dict[str, Any] = {"place_at": district, "api_base": server.url, "patience": (2.0, 5.0), "pause": 0.02}
        channel = Telegram(TOKEN, **(options | more))
        try:
            yield OnTelegram(server, bot, channel)
        finally:
            await channel.close()


@asynccontextmanager
async def opened_by_webhook() -> AsyncIterator[OnTelegram]:
    """By a webhook, on a server of ours."""
    port, ready = free_port(), asyncio.Event()
    async with opened(hook=Hook(f"http://127.0.0.1:{port}/telegram/main", "/telegram/main", "s-e_cret")) as platform:
        app = FastAPI()
        app.include_router(platform.channel.router)
        serving = asyncio.create_task(serve(app, "127.0.0.1", port, lambda _: ready.set()))
        await ready.wait()
        try:
            yield platform
        finally:
            await platform.bot.close()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


def to(address: str, say: Say, **more: Any) -> Outbound:
    return replace(Outbound(1, "telegram", "main", address, 7, say), **more)
