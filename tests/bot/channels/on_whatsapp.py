"""WhatsApp for the suite: a webhook on a server of ours, against the stand-in."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

from fastapi import FastAPI

from bot.channels.base import Outbound, Receipt
from bot.channels.whatsapp import Number, WhatsApp
from bot.console.app import serve
from flows.model import Say
from tests.bot.channels.contract import Bubble, Fault, Small
from tests.bot.channels.on_telegram import district
from tests.bot.running import free_port
from tests.bot.standins.whatsapp import APP_SECRET, PHONE, TOKEN, VERIFY, WhatsAppServer
from tests.bot.standins.whatsapp_people import Json, alive, buttons, text_of
from tests.bot.standins.whatsapp_rules import Refused

NUMBER = Number(PHONE, TOKEN, APP_SECRET, VERIFY)


class Watched(WhatsApp):
    """It is known which question a message asked: people see from its words whether several answers fit."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.many: set[str] = set()

    async def send(self, message: Outbound) -> Receipt:
        if message.say.many:
            self.many.add(str(message.id))
        return await super().send(message)


class OnWhatsApp(Small):
    lacks: Mapping[str, str] = {
        "replace": "a message cannot be changed",
        Fault.MOVED: "an id that changes is told by a webhook",
        Fault.GONE: "a message cannot be changed",
    }
    wait = 1.0
    secrets = (TOKEN, APP_SECRET)

    def __init__(self, server: WhatsAppServer, channel: Watched) -> None:
        self.server, self.channel = server, channel
        # Ben has a username: his number is never told.
        self.people = {
            "ana": server.person("447700900001", "Ana"),
            "ben": server.person("447700900002", "Ben", hide=True),
        }
        self._ticked: set[int] = set()

    def address(self, who: str) -> str:
        return self.people[who].id

    async def write(self, who: str, text: str) -> str:
        return self.people[who].say(text)

    async def edit(self, who: str, message: str, text: str) -> None:
        self.people[who].edit(message, text)

    async def press(self, who: str, label: str) -> None:
        person = self.people[who]
        for message in reversed(person.sent):
            if any(each["title"] == label for each in buttons(message)):
                person.press(message, label)
                return
            if label in (choices := _bubble(message).choices):
                number = choices.index(label) + 1
                if message["_given"]["biz_opaque_callback_data"] in self.channel.many:
                    self._ticked ^= {number}
                else:
                    person.say(str(number))
                return
        raise AssertionError(f"nothing on their phone is called {label!r}")

    async def way_out(self, who: str, label: str) -> None:
        await self.press(who, label)

    async def finish(self, who: str) -> None:
        self.people[who].say(", ".join(map(str, sorted(self._ticked))))

    async def share_place(self, who: str, lat: float, lon: float) -> None:
        self.people[who].post({"type": "location", "location": {"latitude": lat, "longitude": lon}})

    async def share_photo(self, who: str) -> str:
        image = {"id": "1003383421387256", "mime_type": "image/jpeg", "sha256": "x", "caption": ""}
        self.people[who].post({"type": "image", "image": image})
        return "1003383421387256"

    async def open_link(self, who: str, payload: str) -> None:
        # wa.me/NUMBER?text=… writes it into their text field, and they send it.
        self.people[who].say(f"/start {payload}")

    async def again(self, times: int) -> None:
        for _ in range(times):
            before = [each for each in self.server.delivered if b'"statuses"' not in each[1]]
            random.shuffle(before)
            for queue, body in before:
                self.server.call(body, queue)

    def shown(self, who: str) -> list[Bubble]:
        return [_bubble(message) for message in self.people[who].sent]

    def meet(self, fault: Fault) -> None:
        if fault == Fault.LOST:
            self.server.lose_answers += 1
        else:
            self.server.faults.append(_FAULTS[fault])

    def unreachable(self) -> AbstractAsyncContextManager[None]:
        return self.server.away()


def _bubble(message: Json) -> Bubble:
    text, *listed = re.split(r"\n  \d+\. ", text_of(message))
    labels = [each["title"] for each in buttons(message)] or [each.removesuffix(" ✓") for each in listed]
    ticked = tuple(each.removesuffix(" ✓") for each in listed if each.endswith(" ✓"))
    return Bubble(message["id"], text, tuple(labels), ticked, tuple(alive(message)))


def _slow_down() -> None:
    raise Refused(131056, "(Business Account, Consumer Account) pair rate limit hit")


def _broken() -> None:
    raise Refused(131000, "Something went wrong", status=500)


def _blocked() -> None:
    raise Refused(131026, "Message undeliverable")


_FAULTS: Mapping[Fault, Callable[[], None]] = {
    Fault.SLOW_DOWN: _slow_down,
    Fault.BROKEN: _broken,
    Fault.BLOCKED: _blocked,
}


@asynccontextmanager
async def opened(**more: Any) -> AsyncIterator[OnWhatsApp]:
    port, ready = free_port(), asyncio.Event()
    async with WhatsAppServer(hook=f"http://127.0.0.1:{port}/whatsapp/main") as server:
        options: dict[str, Any] = {"place_at": district, "api_base": server.url, "patience": 2.0, "pause": 0.02}
        channel = Watched(more.pop("number", NUMBER), **(options | more))
        app = FastAPI()
        app.include_router(channel.router)
        serving = asyncio.create_task(serve(app, "127.0.0.1", port, lambda _: ready.set()))
        await ready.wait()
        try:
            yield OnWhatsApp(server, channel)
        finally:
            await server.stop_calling()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await channel.close()


def to(address: str, say: Say | str, **more: Any) -> Outbound:
    say = Say(say) if isinstance(say, str) else say
    return replace(Outbound(1, "whatsapp", "main", address, 7, say), **more)
