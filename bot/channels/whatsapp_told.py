"""What Meta has told of our messages, as far as this process has heard it. It comes unordered, and again and again."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

from bot.channels.whatsapp_heard import Status

REMEMBERED = 50_000
"""Messages, or people, of whom the newest is remembered."""

FAILED = "failed"
T = TypeVar("T")
_ORDER = {"sent": 1, FAILED: 2, "delivered": 3, "read": 4, "played": 5}


@dataclass(slots=True)
class Known:
    """The states by Meta's ids of messages, and those ids by what messages were sent with; never backwards.

    A message that was seen on their phone has not failed, whatever comes later.
    """

    _states: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _ids: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def is_news(self, status: Status) -> bool:
        """Whether that is further than what is known."""
        return _ORDER.get(status.state, 0) > self._states.get(status.message, 0)

    def note(self, status: Status) -> None:
        """It is stored wherever it has to be."""
        remember(self._states, status.message, _ORDER.get(status.state, 0))
        if status.state != FAILED:
            self.sent(status.mark, status.message)

    def sent(self, mark: str, message: str) -> None:
        """A message that was sent with this is known by that id."""
        remember(self._ids, mark, message)
        self._stirred.set()

    def id_of(self, mark: str) -> str:
        """Meta's id of what was sent with this; "" where nothing was heard of it."""
        return self._ids.get(mark, "")

    async def wait(self, mark: str, seconds: float) -> str:
        """The same, once it is heard, or after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while not self.id_of(mark):
                    self._stirred.clear()
                    await self._stirred.wait()
        except TimeoutError:
            pass
        return self.id_of(mark)


def remember(known: OrderedDict[str, T], key: str, value: T) -> None:
    """The oldest are forgotten."""
    known[key] = value
    known.move_to_end(key)
    if len(known) > REMEMBERED:
        known.popitem(last=False)
