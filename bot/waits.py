"""Who must wait before an account sends again: by its pace, by what its platform said, or because that is away."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from bot.channels.base import Receipt, SendFailed
from bot.pace import Chats, Pace
from bot.verdict import Broken, back_off
from flows.limits import Limits

OUTAGE = 5
"""Failures in a row, and nothing that went through, after which one message at a time tries its luck."""


class Waits:
    """The waits of one account and of its chats; moments are seconds on its own clock."""

    def __init__(self, limits: Limits, clock: Callable[[], datetime], chance: Callable[[], float]) -> None:
        self.pace, self.chats = Pace(limits.account), Chats(limits.chat)
        self._clock, self._chance = clock, chance
        self._failures = self._strikes = 0
        self._looked, self._at, self._behind = float("-inf"), 0.0, 0.0

    def seconds(self) -> float:
        """The clock in seconds. It never goes back, or everybody would wait as long as it did: where it was set back,
        the loop's own clock says what has passed since the last look."""
        now, at = self._clock().timestamp(), asyncio.get_running_loop().time()
        if now < self._looked:
            self._behind += self._looked - now + (at - self._at)
        self._looked, self._at = now, at
        return now + self._behind

    def places(self, flying: int, most: int) -> int:
        """How many more messages may be under way, of so many at most."""
        return (1 if self._strikes else most) - flying

    def heard(self, chat: int, result: Receipt | SendFailed, now: float) -> None:
        """The platform has answered, or has not: whoever must wait because of it does from now on."""
        self.chats.wrote(chat, now)
        if isinstance(result, Broken):
            return
        if isinstance(result, Receipt) or result.final or result.until_heard:
            self._failures = self._strikes = 0
        elif result.retry_after is not None:
            self._failures = self._strikes = 0
            until = now + result.retry_after.total_seconds()
            if result.everyone:
                self.pace.pause(until)
            else:
                self.chats.pause(chat, until, now)
        else:
            self._fail(now)

    def _fail(self, now: float) -> None:
        self._failures += 1
        # What was under way together counts as one.
        if self._failures >= OUTAGE and self.pace.next(now) <= now + self.pace.every:
            self._strikes += 1
            self.pace.pause(now + back_off(self._strikes, self._chance).total_seconds())
