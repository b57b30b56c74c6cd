"""`doorstep chat`: the terminal as a channel. Choices become numbers; a line is a message."""

import asyncio
import re
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TextIO
from uuid import uuid4

from bot.channels.base import Inbound, Outbound, Receipt, Receive
from bot.channels.render import numbered
from flows.limits import TERMINAL
from flows.model import Said

ADDRESS = "you"

_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""What no database holds, and what an arrow key leaves behind."""


class Terminal:
    """One person at a terminal, over ssh or in a pipe.

    It ends when its input does, once everything that was said has been answered: `settled` waits for that.
    """

    name = "terminal"
    account = "main"
    limits = TERMINAL
    everywhere = True

    def __init__(
        self, show: Callable[[str], None], settled: Callable[[], Awaitable[None]], source: TextIO = sys.stdin
    ) -> None:
        self._show = show
        self._settled = settled
        self._source = source

    async def listen(self, receive: Receive) -> None:
        """Reads line by line until the input ends."""
        lines = self._lines()
        while (line := await lines.get()) is not None:
            said = Said(_UNSTORABLE.sub("", line.rstrip("\r\n")))
            await receive(Inbound(self.name, self.account, ADDRESS, uuid4().hex, said))
            await self._settled()

    def _lines(self) -> "asyncio.Queue[str | None]":
        """The lines as they come, and None after the last.

        From a thread that nobody waits for: a pool's would keep the process alive until the next line is typed.
        """
        loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()

        def read() -> None:
            with suppress(RuntimeError, ValueError, OSError):  # the loop or the input was closed meanwhile
                for line in self._source:
                    loop.call_soon_threadsafe(lines.put_nowait, line)
                loop.call_soon_threadsafe(lines.put_nowait, None)

        threading.Thread(target=read, name="doorstep-terminal", daemon=True).start()
        return lines

    async def send(self, message: Outbound) -> Receipt:
        """Writes it to the terminal."""
        self._show(numbered(message.say))
        return Receipt(str(message.id))
