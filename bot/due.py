"""What is due now, and the clock that asks."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.turn import Turns
from storage.errors import StorageError
from storage.store import Store
from storage.transaction import Transaction

log = structlog.get_logger()

BATCH = 200
"""Conversations taken from one look; while a look comes back full, the next follows at once."""

EVERY = 1
"""Seconds between two looks."""


class DueClock:
    """Asks every second what is due, and lets it happen."""

    def __init__(self, store: Store, turns: Turns, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._turns = turns
        self._clock = clock

    async def run(self) -> None:
        """Ticks until it is cancelled. A tick that lasts longer than a second is followed by one, not by many."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_job(self.tick, "interval", seconds=EVERY, coalesce=True, max_instances=1, misfire_grace_time=None)
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    async def tick(self) -> None:
        """Everything that is due by now happens; what breaks is logged, and tried at the next tick."""
        try:
            await self._forget_the_leaving()
            while len(due := await self._due()) == BATCH:
                await self._let(due)
            await self._let(due)
        except StorageError as error:
            log.warning("the database is away", error=type(error).__name__)

    async def _due(self) -> list[tuple[int, int]]:
        async def work(tx: Transaction) -> list[tuple[int, int]]:
            return await tx.conversations.due(BATCH, self._clock())

        return await self._store.run(work)

    async def _let(self, due: list[tuple[int, int]]) -> None:
        for conversation_id, person_id in due:
            try:
                await self._turns.due(person_id, conversation_id)
            except StorageError:
                raise
            except Exception:
                log.exception("a turn broke", conversation=conversation_id)

    async def _forget_the_leaving(self) -> None:
        """Those who asked to be forgotten, once their goodbye is on its way."""

        async def work(tx: Transaction) -> None:
            for person_id in await tx.people.leaving(BATCH):
                await tx.people.forget(person_id)

        await self._store.run(work)
