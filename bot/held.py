"""What only one process may do at a time, wherever that is."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from storage.errors import LeaseLost, StorageUnavailable
from storage.leases import Lease
from storage.store import Store

log = logging.getLogger(__name__)

AGAIN = 0.5
"""Seconds after which it is tried again to get a lease from a database that is away."""

Work = Callable[[Lease], Coroutine[Any, Any, None]]


async def while_held(store: Store, name: str, *works: Work) -> None:
    """Runs these, which never end, while this process alone holds the lease of that name; else waits for it.

    Where it is lost they are cancelled, and begun again when it is held again. Raises what one of them raises;
    RuntimeError where one has ended.
    """
    while True:
        async with AsyncExitStack() as stack:
            try:
                lease = await stack.enter_async_context(store.lease(name))
            except StorageUnavailable:
                await asyncio.sleep(AGAIN)
                continue
            await _until_lost(lease, works)
        log.warning("this process does not send for %s any more, until it is its turn again", name)


async def _until_lost(lease: Lease, works: tuple[Work, ...]) -> None:
    tasks = [asyncio.ensure_future(work(lease)) for work in works]
    lost = asyncio.ensure_future(lease.lost.wait())
    try:
        done, _ = await asyncio.wait({lost, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (lost, *tasks):
            task.cancel()
        await asyncio.gather(lost, *tasks, return_exceptions=True)
    for task in tasks:
        if task not in done:
            continue
        error = task.exception()
        if error is None:
            raise RuntimeError(f"what must run for {lease.name} has ended")
        if not isinstance(error, LeaseLost):
            raise error
