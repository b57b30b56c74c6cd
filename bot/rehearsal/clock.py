"""Virtual time: a loop in which nobody waits, and the clock that the bot looks at."""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 10, 5, 7, 0, tzinfo=UTC)
"""When every campaign begins: a Monday, eight in the morning in London, three weeks before clocks there go back."""


class _Skipping(selectors.DefaultSelector):
    """Where the loop would wait for a while, that while has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        # Nothing comes from outside but what a thread has done, and for that the loop waits without a limit.
        self.passed += max(timeout, 0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on which `asyncio.sleep` takes no time, and its clock says that it did."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._skipping.passed

    def run_in_executor(  # type: ignore[override]  # a thread is only ever awaited here
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Runs it at once: whatever else would run meanwhile comes after it, in every rehearsal alike."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class WorldClock:
    """The bot's clock: the time that has truly passed, and what somebody has set it wrong by."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.wrong = timedelta()

    def __call__(self) -> datetime:
        """The present as the bot has it: aware UTC."""
        return self.true() + self.wrong

    def true(self) -> datetime:
        """The present as it is: aware UTC."""
        return START + timedelta(microseconds=round(self.seconds() * 1_000_000))

    def seconds(self) -> float:
        """Seconds that have truly passed."""
        return self._loop.time()

    async def until(self, seconds: float) -> None:
        """It is so many seconds after the start now, or later."""
        if (ahead := seconds - self.seconds()) > 0:
            await asyncio.sleep(ahead)
