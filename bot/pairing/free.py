"""Keeps the pool of buddies in memory as the database has it: turns, other processes and commands change it."""

import asyncio
import logging

from bot.pairing.pool import Pool
from bot.pairing.seeking import helper_of
from storage.buddies import Buddy
from storage.errors import StorageError
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two looks at all of them. In between a turn sees an older pool, and asks the database about everyone
it would choose."""


class FreeBuddies:
    """Refreshes a pool. `changed` is to be called after each turn of a buddy."""

    def __init__(self, store: Store, pool: Pool) -> None:
        self._store = store
        self._pool = pool
        self._stale: set[int] = set()
        self._poked = asyncio.Event()

    def changed(self, person_id: int) -> None:
        """What is known of this buddy may be old."""
        self._stale.add(person_id)
        self._poked.set()

    async def refresh(self) -> None:
        """Reads all buddies. Looking at all of them takes no time from turns: it is a thread's."""
        buddies = await self._store.read(_all)
        await asyncio.to_thread(lambda: self._pool.refresh(helper_of(buddy) for buddy in buddies))

    async def catch_up(self) -> None:
        """Reads those who changed."""
        stale, self._stale = self._stale, set()
        if not stale:
            return
        for person_id, buddy in (await self._store.read(lambda tx: _some(tx, stale))).items():
            if buddy is None:
                self._pool.drop(person_id)
            else:
                self._pool.put(helper_of(buddy))

    async def run(self) -> None:
        """Until it is cancelled: those who changed at once, and now and then all."""
        loop = asyncio.get_running_loop()
        again = loop.time() + EVERY
        while True:
            self._poked.clear()
            try:
                await self.catch_up()
                if loop.time() >= again:
                    await self.refresh()
                    again = loop.time() + EVERY
            except StorageError as error:
                log.warning("free buddies are not looked at, for the database is away: %s", type(error).__name__)
            try:
                # Python 3.11's wait_for loses a cancellation that comes with what it waits for.
                async with asyncio.timeout(EVERY):
                    await self._poked.wait()
            except TimeoutError:
                continue


async def _all(tx: Transaction) -> list[Buddy]:
    return await tx.buddies.all()


async def _some(tx: Transaction, numbers: set[int]) -> dict[int, Buddy | None]:
    return {number: await tx.buddies.get(number) for number in numbers}
