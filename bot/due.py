"""What is due now, and the clock that asks."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.turn import Turns
from storage.errors import StorageError
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

BATCH = 200
"""Conversations taken from one look; while a look comes back full, the next follows at once."""

AT_ONCE = 32
"""Turns under way at the same time, so that they share what a commit costs and still let people's own through."""

EVERY = 1.0
"""Seconds between two looks."""

GOODBYE = timedelta(seconds=45)
"""How long a goodbye may hold up that somebody is forgotten, where it cannot be sent."""


class DueClock:
    """Asks every second what is due, and lets it happen."""

    def __init__(self, store: Store, turns: Turns, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._turns = turns
        self._clock = clock

    async def run(self) -> None:
        """Ticks until it is cancelled. A tick that lasts longer than a second is followed by one, not by many."""
        while True:
            await self.tick()
            await asyncio.sleep(EVERY)

    async def tick(self) -> None:
        """Everything that is due by now happens, each conversation once; a database that is away is asked again."""
        try:
            await self._forget_the_leaving()
            done: set[int] = set()
            by = self._clock()
            while fresh := [each for each in await self._due(by) if each[0] not in done]:
                done.update(conversation for conversation, _ in fresh)
                for start in range(0, len(fresh), AT_ONCE):
                    await self._let(fresh[start : start + AT_ONCE])
                if len(fresh) < BATCH:
                    return
        except StorageError as error:
            log.warning("what is due waits, for the database is away: %s", type(error).__name__)

    async def _due(self, by: datetime) -> list[tuple[int, int]]:
        async def work(tx: Transaction) -> list[tuple[int, int]]:
            return await tx.conversations.due(BATCH, by)

        return await self._store.run(work)

    async def _let(self, due: list[tuple[int, int]]) -> None:
        turns = [self._turns.due(person_id, conversation_id) for conversation_id, person_id in due]
        for result in await asyncio.gather(*turns, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _forget_the_leaving(self) -> None:
        """Those who asked to be forgotten, once their goodbye is on its way."""

        async def work(tx: Transaction) -> None:
            for person_id in await tx.people.leaving(BATCH, tx.now - GOODBYE):
                await tx.people.forget(person_id)

        await self._store.run(work)
