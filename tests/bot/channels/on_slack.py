"""Slack for the suite: by Socket Mode and by signed calls, against the stand-in."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

from bot.channels.slack import Slack
from bot.channels.web_files import Files
from bot.console.app import serve
from bot.slack_app import SlackApp
from tests.bot.channels.contract import Bubble, Fault, Small
from tests.bot.running import free_port
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_app import AppAccount
from tests.bot.standins.slack_people import Person
from tests.bot.standins.slack_rules import Json, Refused, shown

TOKEN, APP_TOKEN, SECRET = "xoxb-1-secret", "xapp-1-secret", "signing-secret"


class OnSlack(Small):
    lacks: Mapping[str, str] = {
        "share_place": "Slack shares no places",
        "open_link": "a link to a Slack app carries nothing",
        Fault.MOVED: "a person's id stays",
    }
    wait = 7.0
    secrets = (TOKEN, APP_TOKEN, SECRET)

    def __init__(self, server: SlackServer, account: AppAccount, channel: Slack) -> None:
        self.server, self.account, self.channel = server, account, channel
        self.people = {"ana": account.person("Ana"), "ben": account.person("Ben", locale="es-ES")}

    def address(self, who: str) -> str:
        return self.people[who].id

    async def write(self, who: str, text: str) -> str:
        with suppress(TimeoutError):
            # Who listens is connected in a moment; what nobody took would come again later.
            await asyncio.wait_for(self.account.connected(), 0.2)
        # In front of a word a slash calls a command of the workspace, so who means the word writes a blank before it.
        return self.people[who].say(f" {text}" if text.startswith("/") else text)

    async def edit(self, who: str, message: str, text: str) -> None:
        self.people[who].edit(message, text)

    async def press(self, who: str, label: str) -> None:
        person = self.people[who]
        await self.account.connected()
        for message in reversed(person.sent):
            for element in _elements(message):
                if element["type"] == "button" and _label(element["text"]["text"]) == label:
                    person.press(message["ts"], element["action_id"])
                    return
                for option in element.get("options", []):
                    if _label(option["text"]["text"]) == label:
                        _tick(person, message, element, option)
                        return
            if label in _bubble(message).choices:
                person.say(str(_bubble(message).choices.index(label) + 1))
                return
        raise AssertionError(f"nothing on their phone is called {label!r}")

    async def way_out(self, who: str, label: str) -> None:
        await self.press(who, label)

    async def finish(self, who: str) -> None:
        await self.account.connected()
        message = next(message for message in reversed(self.people[who].sent) if _elements(message))
        self.people[who].press(message["ts"], _elements(message)[-1]["action_id"])

    async def share_photo(self, who: str) -> str:
        self.people[who].send_file("F0PHOTO", "image/jpeg")
        return "F0PHOTO"

    async def again(self, times: int) -> None:
        for _ in range(times):
            before = list(self.account.delivered)
            random.shuffle(before)
            for kind, body in before:
                self.account.deliver(kind, body)

    def shown(self, who: str) -> list[Bubble]:
        person = self.people[who]
        return [_bubble(message, person.dm.id) for message in person.sent]

    def meet(self, fault: Fault) -> None:
        if fault == Fault.LOST:
            self.account.lose_answers += 1
        elif fault in _FAULTS:
            self.account.faults.append(_FAULTS[fault])

    def unreachable(self) -> AbstractAsyncContextManager[None]:
        return self.server.away()


def _tick(person: Person, message: Json, element: Json, option: Json) -> None:
    ticks = message.get("_ticks", {})
    block = next(block for block in message["blocks"] if element in block.get("elements", []))
    held = ticks.get((block["block_id"], element["action_id"]), element.get("initial_options", []))
    chosen = [each for each in element["options"] if (each in held) != (each == option)]
    person.press(message["ts"], element["action_id"], selected_options=chosen)


def _label(text: str) -> str:
    # The number of a choice that is listed in the text, for its label is too long for a button.
    return re.sub(r"^\d+\. (?=.*…$)", "", text)


def _elements(message: Json) -> list[Json]:
    return [each for block in message["blocks"] if block["type"] == "actions" for each in block["elements"]]


def _bubble(message: Json, chat: str = "") -> Bubble:
    words, alive = shown(message)
    text, *listed = re.split(r"\n  \d+\. ", words)
    buttons, options, ticked = [], [], []
    for element in _elements(message):
        options += [option["text"]["text"] for option in element.get("options", [])]
        ticked += [option["text"]["text"] for option in element.get("initial_options", [])]
        buttons += [element["text"]["text"]] if element["type"] == "button" else []
    choices = options or buttons or listed
    return Bubble(
        f"{chat}:{message['ts']}",
        text.strip(),
        tuple(map(_label, choices)),
        tuple(map(_label, ticked)),
        alive,
    )


def _slow_down(account: AppAccount, given: Json) -> None:
    raise Refused("ratelimited", 429, {"Retry-After": "7"})


def _broken(account: AppAccount, given: Json) -> None:
    raise Refused("", 502)


def _blocked(account: AppAccount, given: Json) -> None:
    raise Refused("user_disabled")


def _gone(account: AppAccount, given: Json) -> None:
    account.conversations[str(given["channel"])].messages.pop(str(given["ts"]))


_FAULTS: Mapping[Fault, Callable[[AppAccount, Json], None]] = {
    Fault.SLOW_DOWN: _slow_down,
    Fault.BROKEN: _broken,
    Fault.BLOCKED: _blocked,
    Fault.GONE: _gone,
}


@asynccontextmanager
async def opened(files: Files | None = None, **more: Any) -> AsyncIterator[OnSlack]:
    """By Socket Mode."""
    async with SlackServer() as server:
        account = server.app(TOKEN, app_token=APP_TOKEN, signing_secret=SECRET)
        options: dict[str, Any] = {"app_token": APP_TOKEN, "api_base": server.url, "patience": 2.0, "pause": 0.02}
        channel = Slack(SlackApp(TOKEN, **(options | more)), files=files)
        try:
            yield OnSlack(server, account, channel)
        finally:
            await channel.close()


@asynccontextmanager
async def opened_by_calls(**more: Any) -> AsyncIterator[OnSlack]:
    """By signed calls, to a server of ours."""
    port, ready = free_port(), asyncio.Event()
    async with opened(app_token="", signing_secret=SECRET, **more) as platform:
        platform.account.address = f"http://127.0.0.1:{port}/slack/main"
        app = FastAPI()
        app.include_router(platform.channel.router)
        serving = asyncio.create_task(serve(app, "127.0.0.1", port, lambda _: ready.set()))
        await ready.wait()
        try:
            yield platform
        finally:
            await platform.account.close()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
