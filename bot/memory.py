"""What a channel remembers over restarts, kept in the database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from storage.errors import StorageUnavailable
from storage.store import Store

T = TypeVar("T")

PAUSE = 0.5
"""Seconds before it asks again while the database is away."""

log = logging.getLogger(__name__)


class StoredMemory:
    """The memory of one account; `whose` is its channel and its name. While the database is away, it waits."""

    def __init__(self, store: Store, whose: str) -> None:
        self._store, self._whose = store, whose

    async def get(self, name: str) -> str:
        """The text; "" where nothing was kept."""
        return await self._patiently(lambda: self._store.read(lambda tx: tx.memory.get(self._whose, name)))

    async def set(self, name: str, text: str) -> None:
        """Keeps it, whatever was kept before. Returns only once it is stored."""
        await self._patiently(lambda: self._store.run(lambda tx: tx.memory.set(self._whose, name, text)))

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await step()
            except StorageUnavailable:
                log.warning("what channel %s remembers waits, for the database is away", self._whose)
                await asyncio.sleep(PAUSE)
