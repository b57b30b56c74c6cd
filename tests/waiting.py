"""How tests wait for what has no event: patiently, and all of them alike."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 60.0
"""Seconds after which a test gives up: far more than anything takes on a machine that has other things to do. What the
product promises to do in time is measured by a test of its own."""


async def until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Returns once it holds; what can only be known by awaiting is awaited. Raises TimeoutError where it never does."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.01)
