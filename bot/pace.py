"""How fast an account may send. Pure: moments are seconds on whatever clock the caller has, and it never goes back."""

from collections import deque
from itertools import islice

from flows.limits import Rate

MARGIN = 1.015
"""How much slower than allowed we are: what leaves evenly arrives less evenly, and platforms count arrivals."""

STRICT = 1.01
"""How much longer than the platform's own the window is in which no more than its messages begin, come what may."""

CATCH_UP = 0.02
"""Seconds that an account may be late and make up for by sending closer together. It could not make up for more: the
platform's window would be full before."""

MOST = 64
"""How many messages are planned ahead at most."""

_ROUNDING = 1e-6

_REMEMBERED = 10_000
"""Chats that are remembered before those that may be written to anyway are forgotten."""


class Pace:
    """When an account may send: evenly, and in no window as long as the rate's more than its messages."""

    def __init__(self, rate: Rate | None) -> None:
        self.every = 0.0 if rate is None else rate.seconds * MARGIN / rate.messages
        self._window = 0.0 if rate is None else rate.seconds * STRICT
        self._begun = deque[float](maxlen=1 if rate is None else rate.messages)
        self._planned = float("-inf")
        self._paused = float("-inf")

    def pause(self, until: float) -> None:
        """Nothing begins before then."""
        self._paused = max(self._paused, until)

    def next(self, now: float) -> float:
        """When the next message may begin; not after `now`: at once."""
        return self._slots(now, 1)[0]

    def free(self, now: float, until: float, most: int = MOST) -> int:
        """How many messages may begin by then, at most so many."""
        if most <= 0 or self._paused > until:
            return 0
        if not self.every:
            return most
        return sum(slot <= until + _ROUNDING for slot in self._slots(now, most))

    def take(self, now: float) -> float:
        """Takes the next place: when that message is to begin, `now` or later."""
        slot = self._slots(now, 1)[0]
        self._planned = slot
        begins = max(slot, now)
        self._begun.append(begins)
        return begins

    def _slots(self, now: float, count: int) -> list[float]:
        """The next places in order. One that passed a moment ago is not lost: who is a bit late catches up."""
        rested = max(now, self._paused)
        if not self.every:
            return [rested] * count
        full = len(self._begun) == self._begun.maxlen
        oldest = list(islice(self._begun, count)) if full else []
        slots: list[float] = []
        planned = self._planned
        for number in range(count):
            slot = planned + self.every
            slot = max(slot, self._paused) if slot > now - CATCH_UP else rested
            if number < len(oldest):
                slot = max(slot, oldest[number] + self._window)
            slots.append(slot)
            planned = slot
        return slots


class Chats:
    """When each chat may be written to, by any number that tells chats apart."""

    def __init__(self, rate: Rate | None) -> None:
        self._every = 0.0 if rate is None else rate.seconds * MARGIN / rate.messages
        self._borrowed = 0.0 if rate is None else self._every * (rate.burst - 1)
        self._free: dict[int, float] = {}
        self._paused: dict[int, float] = {}

    def next(self, chat: int) -> float:
        """When this chat may be written to."""
        free = self._free.get(chat, float("-inf")) - self._borrowed
        return max(free, self._paused.get(chat, float("-inf"))) if self._paused else free

    def wrote(self, chat: int, at: float) -> None:
        """A message was taken by the platform then, or refused."""
        if self._every:
            self._free[chat] = max(self._free.get(chat, at), at) + self._every
            if len(self._free) > _REMEMBERED:
                self._free = {each: free for each, free in self._free.items() if free > at}

    def pause(self, chat: int, until: float, now: float) -> None:
        """Nothing goes to this chat before then."""
        self._paused = {each: free for each, free in self._paused.items() if free > now}
        self._paused[chat] = max(self._paused.get(chat, until), until)
