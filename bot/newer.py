"""A newer Doorstep migrates the database while this one runs: this one goes on, or ends and says why."""

import asyncio
import logging

from storage.errors import NewerDatabase, StorageUnavailable
from storage.store import Store

log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two looks."""


async def watch(store: Store) -> None:
    """Looks until it is cancelled, and says once that this process is to be restarted.

    Raises NewerDatabase as soon as something it does no longer fits the tables: nothing of that was kept.
    """
    told = False
    while True:
        await asyncio.sleep(EVERY)
        try:
            newer = await store.newer()
        except NewerDatabase:
            raise
        except StorageUnavailable:
            continue
        if newer and not told:
            log.warning("a newer Doorstep has migrated the database: update this process, and begin it again")
            told = True
