"""What one person's turn leaves for another's: it waits in the inbox, and is taken right after as a turn of theirs."""

import asyncio
import logging

from bot.turn import Turns
from storage.errors import StorageError
from storage.inbox import Received
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

BATCH = 500
"""Events looked at together; each person's are taken one after the other, in the order in which they came."""

AT_ONCE = 32
"""People whose events are taken side by side."""

EVERY = 1.0
"""Seconds until it looks by itself: another process, or a command, may have left something."""


class Handover:
    """Takes what waits. `poke` is to be called after each turn."""

    def __init__(self, store: Store, turns: Turns) -> None:
        self._store = store
        self._turns = turns
        self._poked = asyncio.Event()
        self._draining = asyncio.Lock()

    def poke(self) -> None:
        """There may be something."""
        self._poked.set()

    async def run(self) -> None:
        """Takes whatever waits until it is cancelled; while the database is away, it waits."""
        while True:
            self._poked.clear()
            try:
                await self.drain()
            except StorageError as error:
                log.warning("what people left for others waits, for the database is away: %s", type(error).__name__)
            try:
                # Python 3.11's wait_for loses a cancellation that comes with what it waits for.
                async with asyncio.timeout(EVERY):
                    await self._poked.wait()
            except TimeoutError:
                continue

    async def drain(self) -> int:
        """Takes everything that waits, and what that leaves in turn; how many events that were."""
        async with self._draining:
            return await self._drained()

    async def _drained(self) -> int:
        taken = 0
        while waiting := await self._store.read(_untaken):
            firsts: dict[int, Received] = {}
            for event in waiting:
                firsts.setdefault(event.person_id, event)
            events = list(firsts.values())
            for start in range(0, len(events), AT_ONCE):
                await asyncio.gather(*(self._turns.take(event) for event in events[start : start + AT_ONCE]))
            taken += len(events)
        return taken


async def _untaken(tx: Transaction) -> list[Received]:
    return await tx.inbox.untaken(BATCH)
