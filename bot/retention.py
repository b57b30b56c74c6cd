"""What people are told of how long their words are kept, made true."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from storage.errors import StorageError
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
"""How long a message may stay beyond its time."""

CARDS = 20
"""Settled cards from which words go in an hour."""

DELETED = "messages deleted"
"""What the ledger says of it, with how many; the line is nobody's."""


class Retention:
    """Deletes the bodies of messages, both ways, in the threads of cards and on settled ones, that are older than so
    many days."""

    def __init__(self, store: Store, clock: Callable[[], datetime], days: int = 30) -> None:
        self._store = store
        self._clock = clock
        self._kept = timedelta(days=days)

    async def run(self) -> None:
        """Deletes what is too old, every hour, until it is cancelled."""
        while True:
            try:
                await self.delete()
            except StorageError as error:
                log.warning("old messages stay for now, for the database is away: %s", type(error).__name__)
            await asyncio.sleep(EVERY.total_seconds())

    async def delete(self) -> None:
        """Deletes what is too old now, a slice to a transaction, so that people's own turns come in between.

        How many messages that were is in the ledger. Of cards only a few go each time: desks show each of them anew.
        """
        before = self._clock() - self._kept

        async def received(tx: Transaction) -> int:
            return await tx.inbox.delete_bodies(before)

        async def sent(tx: Transaction) -> int:
            return await tx.outbox.delete_bodies(before)

        async def written(tx: Transaction) -> int:
            return await tx.desks.delete_lines(before)

        async def asked(tx: Transaction) -> int:
            return await tx.cards.delete_bodies(before, CARDS)

        async def forgotten(tx: Transaction) -> int:
            return await tx.tombstones.end()

        removed = 0
        for work in (received, sent, written):
            while some := await self._store.run(work):
                removed += some
        removed += await self._store.run(asked)
        while await self._store.run(forgotten):
            pass
        if removed:
            await self._store.run(lambda tx: tx.ledger.add(None, DELETED, detail=str(removed)))
