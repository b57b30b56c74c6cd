"""Who writes faster than anybody can: they are told so kindly once, and then not heard until it is calm."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from enum import Enum

MOST = 60
"""Messages of one address within `WINDOW`: one a second for a whole minute. Nobody types or presses so for so long, and
by the times at which they were written, so what a platform held back and hands over at once is no flood."""

WINDOW = timedelta(minutes=1)

CALM = 10
"""Messages within `WINDOW` at which it is calm again."""

REMEMBERED = 10_000
"""Addresses that are kept in mind: whoever has written least lately is dropped first."""


class Verdict(Enum):
    """What to do with a message: hear it, say the kind word, or nothing."""

    HEAR = "hear"
    SAY = "say"
    NOTHING = "nothing"


class Flood:
    """One in each process: two that take the events of one account let twice as many through, which is as good."""

    def __init__(self) -> None:
        self._lately: dict[Hashable, dict[str, datetime]] = {}
        """The newest events of each address, and when they were written."""
        self._silent: dict[Hashable, bool] = {}

    def heard(
        self, address: Hashable, at: datetime, event: str, *, is_word: Callable[[], bool] = lambda: False
    ) -> Verdict:
        """One more message from this address, written at that time; the same event again is no other message.

        is_word  whether it is one of the few words that everybody is always heard with, like *stop*: it is, once in a
                 silence
        """
        times = self._lately.pop(address, {})
        self._lately[address] = times
        times.setdefault(event, at)
        while times and (len(times) > MOST + 1 or at - times[next(iter(times))] >= WINDOW):
            del times[next(iter(times))]
        if len(times) <= CALM:
            self._silent.pop(address, None)
        if len(self._lately) > REMEMBERED:
            oldest = next(iter(self._lately))
            del self._lately[oldest]
            self._silent.pop(oldest, None)
        begins = len(times) > MOST and address not in self._silent
        if begins:
            self._silent[address] = False
        if address not in self._silent:
            return Verdict.HEAR
        if not self._silent[address] and is_word():
            self._silent[address] = True
            return Verdict.HEAR
        return Verdict.SAY if begins else Verdict.NOTHING
