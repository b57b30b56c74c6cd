"""`doorstep chat` for the suite: a pipe instead of a keyboard, and one person."""

import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TextIO

from bot.channels.base import Outbound, Receipt
from bot.channels.terminal import ADDRESS, Terminal
from tests.bot.channels.contract import Bubble, Fault, Small


class Watched(Terminal):
    """It is known what was printed for which message."""

    def __init__(self, source: TextIO) -> None:
        self.sent: list[Outbound] = []
        self.printed: list[str] = []
        super().__init__(self.printed.append, _at_once, source)

    async def send(self, message: Outbound) -> Receipt:
        self.sent.append(message)
        return await super().send(message)


async def _at_once() -> None:
    return


class OnTerminal(Small):
    lacks: Mapping[str, str] = {
        "ben": "one person sits at a terminal",
        "again": "a line is read once",
        "delivery": "a line is read once, whatever becomes of it",
        "edit": "a line that was sent stays",
        "way_out": "a terminal has no buttons, and is closed",
        "replace": "what was printed stays",
        "open_link": "nobody opens a terminal by a link",
        "share_place": "a terminal does not know where it is",
        "share_photo": "a terminal takes no pictures",
        **dict.fromkeys(Fault, "there is no platform in between"),
    }
    wait = 0.0
    secrets: tuple[str, ...] = ()

    def __init__(self, channel: Watched, keyboard: TextIO) -> None:
        self.channel, self._keyboard = channel, keyboard
        self._ticked: set[int] = set()

    def address(self, who: str) -> str:
        return ADDRESS

    async def write(self, who: str, text: str) -> str:
        self._keyboard.write(f"{text}\n")
        self._keyboard.flush()
        return ""

    async def press(self, who: str, label: str) -> None:
        number = self.shown(who)[-1].choices.index(label) + 1
        if self.channel.sent[-1].say.many:
            self._ticked ^= {number}
        else:
            await self.write(who, str(number))

    async def finish(self, who: str) -> None:
        await self.write(who, ", ".join(map(str, sorted(self._ticked))))

    def shown(self, who: str) -> list[Bubble]:
        bubbles = []
        for message, printed in zip(self.channel.sent, self.channel.printed, strict=True):
            text, *listed = re.split(r"\n  \d+\. ", printed)
            labels = [each.removesuffix(" ✓") for each in listed]
            ticked = tuple(each.removesuffix(" ✓") for each in listed if each.endswith(" ✓"))
            bubbles.append(Bubble(str(message.id), text, tuple(labels), ticked))
        return bubbles


def _pipe() -> tuple[TextIO, TextIO]:
    reading, writing = os.pipe()
    return os.fdopen(reading, encoding="utf-8", newline="\n"), os.fdopen(writing, "w", encoding="utf-8")


@asynccontextmanager
async def opened() -> AsyncIterator[OnTerminal]:
    source, keyboard = _pipe()
    with source, keyboard:
        yield OnTerminal(Watched(source), keyboard)
        keyboard.close()
