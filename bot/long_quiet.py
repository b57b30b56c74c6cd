"""Nobody's data is kept for ever: who has not written for a long time is warned once, and then forgotten."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.events import WARNED
from bot.forgetting import forget
from bot.turn import Turns
from storage.errors import StorageError
from storage.people import ACTIVE
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

FORGOTTEN = "forgotten after a long quiet"
"""What the ledger says of it; the line is nobody's."""

NOTICE = timedelta(days=14)
"""How long someone has between the warning and being forgotten: two weeks, as a holiday lasts. Where people are kept
for less than twice as long, half of that."""

FROM, UNTIL = time(10), time(19)
"""The hours of the group's day in which it is done: a warning wakes nobody."""

EVERY = timedelta(minutes=10)
"""How long until it is looked whether the day's work is done."""
BATCH = 200
"""People of one transaction, which others wait for."""


class Quiet:
    """Done once a day, by whichever process comes first; what it has not finished, the next day does."""

    def __init__(self, store: Store, turns: Turns, zone: ZoneInfo, clock: Callable[[], datetime], days: int) -> None:
        self._store, self._turns, self._zone, self._clock = store, turns, zone, clock
        self._kept = timedelta(days=days)
        self.notice = min(NOTICE, self._kept / 2)

    async def run(self) -> None:
        """Looks until it is cancelled; while the database is away, it waits."""
        while True:
            try:
                await self.tick()
            except StorageError as error:
                log.warning("who was quiet for long stays for now, for the database is away: %s", type(error).__name__)
            await asyncio.sleep(EVERY.total_seconds())

    async def tick(self) -> None:
        """Does what is to be done today, if it is time for it and nobody has begun it."""
        here = self._clock().astimezone(self._zone)
        if not FROM <= here.time() < UNTIL:
            return
        if not await self._store.run(lambda tx: tx.jobs.begin("quiet people", here.date())):
            return
        after = 0
        while page := await self._page(after):
            for person_id, heard in page:
                await self._one(person_id, heard)
            after = page[-1][0]
        await self._store.run(lambda tx: tx.jobs.done("quiet people", here.date()))

    async def _page(self, after: int) -> list[tuple[int, datetime]]:
        long_ago = self._clock() - self._kept + self.notice
        return await self._store.read(lambda tx: tx.people.quiet(long_ago, after, BATCH))

    async def _one(self, person_id: int, heard: datetime) -> None:
        """Warns somebody, or forgets them."""
        now = self._clock()
        if await self._store.read(lambda tx: self._to_be_warned(tx, person_id, heard)):
            await self._turns.let(person_id, "long_quiet", {"days": str(max(1, self.notice.days))})
        elif heard <= now - self._kept:
            await self._store.run(lambda tx: self._forget(tx, person_id, heard))

    async def _to_be_warned(self, tx: Transaction, person_id: int, heard: datetime) -> bool:
        """Whether they can be written to, and were not since they last wrote."""
        person = await tx.people.get(person_id)
        if person is None or person.status != ACTIVE:
            return False
        return not await tx.ledger.times(person_id, WARNED, heard)

    async def _forget(self, tx: Transaction, person_id: int, heard: datetime) -> None:
        if await tx.ledger.times(person_id, WARNED, tx.now - self.notice):
            return
        # They may have written a moment ago.
        still = await tx.people.quiet(tx.now - self._kept, person_id - 1, 1)
        if not still or still[0][0] != person_id:
            return
        await forget(tx, person_id)
        await tx.ledger.add(None, FORGOTTEN)
