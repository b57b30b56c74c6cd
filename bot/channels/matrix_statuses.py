"""What a bridge says became of our messages on the other network, for who waits for it."""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from typing import Any

from bot.channels.matrix_bridge import undelivered

Json = dict[str, Any]

PATIENCE = 10.0
"""Seconds that a message waits for its status. Where none comes it counts as sent: nobody can say more."""

_REMEMBERED = 1000


class Statuses:
    """Statuses come with the syncs, before or after the homeserver's own answer to a message."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, tuple[bool, str]] = OrderedDict()
        self._waiting: dict[str, asyncio.Event] = {}
        self._any = False

    def note(self, event: Json) -> None:
        """Takes one in, from the bridge's own account."""
        message, arrived, why = undelivered(event)
        self._any = True
        if arrived is None or not message:
            return
        self._told[message] = arrived, why
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        if message in self._waiting:
            self._waiting[message].set()

    async def failed(self, message: str) -> str | None:
        """Why a message did not arrive ("": it does not say); None where it did, or nothing is said of it."""
        if not self._any:
            return None
        if message not in self._told:
            told = self._waiting[message] = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await told.wait()
            self._waiting.pop(message, None)
        arrived, why = self._told.get(message, (True, ""))
        return None if arrived else why
