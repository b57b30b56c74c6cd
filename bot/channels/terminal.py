"""`doorstep chat`: the terminal as a channel. Choices become numbers; a line is a message."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TextIO
from uuid import uuid4

from bot.channels.base import Inbound, Outbound, Receipt, Receive
from bot.channels.render import numbered
from flows.limits import TERMINAL
from flows.model import Said

ADDRESS = "you"


class Terminal:
    """One person at a terminal, over ssh or in a pipe.

    It ends when its input does, once everything that was said has been answered: `settled` waits for that.
    """

    name = "terminal"
    account = "main"
    limits = TERMINAL

    def __init__(
        self, show: Callable[[str], None], settled: Callable[[], Awaitable[None]], source: TextIO = sys.stdin
    ) -> None:
        self._show = show
        self._settled = settled
        self._source = source

    async def listen(self, receive: Receive) -> None:
        """Reads line by line until the input ends."""
        while line := await asyncio.to_thread(self._source.readline):
            said = Said(line.rstrip("\r\n"))
            await receive(Inbound(self.name, self.account, ADDRESS, uuid4().hex, said))
            await self._settled()

    async def send(self, message: Outbound) -> Receipt:
        """Writes it to the terminal."""
        self._show(numbered(message.say))
        return Receipt(str(message.id))
