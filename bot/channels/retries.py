"""What a platform does not do now is tried again, and why is said once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bot.channels.base import Report

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds before something is tried again: the first time, and at most. Each pause is twice the one before."""

T = TypeVar("T")


class Retries:
    """Tries again what has failed with one of these errors.

    trouble  what is wrong, in one line that names nobody
    report   told that line, once for each reason, and "" when it works
    asked    seconds for which the platform wants to be left alone; 0: it says nothing of it
    pause    seconds before the first new try
    """

    def __init__(
        self,
        errors: tuple[type[Exception], ...],
        trouble: Callable[[Any], str],
        report: Report,
        *,
        asked: Callable[[Any], float] = lambda error: 0.0,
        pause: float = SHORTEST_PAUSE,
    ) -> None:
        self._errors, self._trouble, self._report, self._asked = errors, trouble, report, asked
        self.pause, self._why = pause, ""

    async def until_done(self, step: Callable[[], Awaitable[T]]) -> T:
        """Does it, as often as it takes; says why it has to."""
        pause, longest = self.pause, self.pause * LONGEST_PAUSE / SHORTEST_PAUSE
        while True:
            try:
                result = await step()
            except self._errors as error:
                self.say(self._trouble(error))
                pause = max(pause, min(self._asked(error), longest))
            else:
                self.say("")
                return result
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def say(self, why: str) -> None:
        """Reports why it cannot work, unless that is known; "" once it can."""
        if why != self._why:
            self._why = why
            self._report(why)
