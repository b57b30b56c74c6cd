"""The chat page for the suite: its HTTP edge, and a page that sends again until it is told that it was taken."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from bot.channels.base import Outbound, Receipt
from bot.channels.web import COOKIE, Line, Web
from flows.model import DONE
from tests.bot.channels.contract import Bubble, Fault, Small

NOTHING_BETWEEN = "there is no platform in between"


class Stored(Web):
    """What is sent stands in the history before, as in storage."""

    def __init__(self) -> None:
        self.sent: list[Outbound] = []
        super().__init__(self)

    async def history(self, address: str, after: str, limit: int) -> tuple[list[Line], str]:
        return [], "0"

    async def send(self, message: Outbound) -> Receipt:
        self.sent.append(message)
        return await super().send(message)


class OnWeb(Small):
    lacks: Mapping[str, str] = {
        "edit": "what was said on the page stays",
        "way_out": "the page has a button of its own for it",
        "share_place": "the page asks for no location",
        "share_photo": "the page takes no pictures",
        **dict.fromkeys(Fault, NOTHING_BETWEEN),
    }
    wait = 0.0
    secrets: tuple[str, ...] = ()

    def __init__(self, channel: Stored, browsers: Mapping[str, httpx.AsyncClient]) -> None:
        self.channel, self.browsers = channel, browsers
        self.did: list[tuple[str, dict[str, Any]]] = []
        self.last: dict[str, asyncio.Task[None]] = {}

    def address(self, who: str) -> str:
        return self.browsers[who].cookies[COOKIE]

    async def _do(self, who: str, **said: Any) -> str:
        event = f"{who}{len(self.did)}"
        self.did.append((who, {"event": event, "text": "", **said}))
        self.last[who] = asyncio.create_task(self._post(who, self.did[-1][1], self.last.get(who)))
        return event

    async def _post(self, who: str, body: dict[str, Any], after: asyncio.Task[None] | None) -> None:
        """As phone.js: one after the other, each until it was taken."""
        if after is not None:
            await after
        while (await self.browsers[who].post("/chat/messages", json=body)).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def write(self, who: str, text: str) -> str:
        return await self._do(who, text=text)

    async def press(self, who: str, label: str) -> None:
        for message in reversed(self._sent(who)):
            for choice in message.say.choices:
                if choice.label == label:
                    where = {"question": message.say.question, "conversation": message.conversation}
                    await self._do(who, text=label, choice=choice.key, **where)
                    return
        raise AssertionError(f"nothing on the page is called {label!r}")

    async def finish(self, who: str) -> None:
        message = self._sent(who)[-1]
        await self._do(who, choice=DONE, question=message.say.question, conversation=message.conversation)

    async def again(self, times: int) -> None:
        for _ in range(times):
            before = list(self.did)
            random.shuffle(before)
            for who, body in before:
                await self._post(who, body, None)

    async def open_link(self, who: str, payload: str) -> None:
        await self._do(who, text=f"/start {payload}")

    def _sent(self, who: str) -> list[Outbound]:
        return [message for message in self.channel.sent if message.address == self.address(who)]

    def shown(self, who: str) -> list[Bubble]:
        bubbles: dict[str, Bubble] = {}
        for message in self._sent(who):
            labels = {choice.key: choice.label for choice in message.say.choices}
            ticked = tuple(labels[key] for key in message.say.picked)
            own = f"web:{message.id}"
            place = message.replaces or own
            bubbles[place] = Bubble(own, message.say.text, tuple(labels.values()), ticked)
        return list(bubbles.values())


@asynccontextmanager
async def opened() -> AsyncIterator[OnWeb]:
    channel, app = Stored(), FastAPI()
    app.include_router(channel.router)
    transport = httpx.ASGITransport(app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://doorstep.test") as ana,
        httpx.AsyncClient(transport=transport, base_url="http://doorstep.test") as ben,
    ):
        platform = OnWeb(channel, {"ana": ana, "ben": ben})
        for browser in (ana, ben):
            await browser.post("/chat/open")
        yield platform
        for task in platform.last.values():
            task.cancel()
        await asyncio.gather(*platform.last.values(), return_exceptions=True)
