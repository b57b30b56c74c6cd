"""What is still to happen in a campaign, in its order."""

import heapq
from collections.abc import Awaitable, Callable

Happens = Callable[[], Awaitable[None]]


class Agenda:
    """Things to come, each at its moment (seconds since the start); of one moment, in the order they were added."""

    def __init__(self) -> None:
        self._things: list[tuple[float, int, Happens]] = []
        self._added = 0

    def add(self, at: float, happens: Happens) -> None:
        """Something is to happen then."""
        self._added += 1
        heapq.heappush(self._things, (at, self._added, happens))

    def next(self) -> float:
        """When the next thing happens; infinite where nothing does."""
        return self._things[0][0] if self._things else float("inf")

    def take(self) -> tuple[float, Happens]:
        """The next thing. Raises IndexError where there is none."""
        at, _, happens = heapq.heappop(self._things)
        return at, happens
