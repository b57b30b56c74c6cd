"""A process that takes a lease and says so: `python -m tests.storage.leasing URL KEY SILENCE PING`."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from storage import leases
from storage.store import Store

NAME = "telegram:main"


async def main(url: str, key: str, silence: str, ping: str) -> None:
    """Says "held FENCE" whenever it gets the lease, "lost" when it is gone."""
    leases.SILENCE, leases.PING = float(silence), float(ping)
    store = await Store.open(url, Path(key), clock=lambda: datetime.now(UTC))
    while True:
        async with store.lease(NAME) as lease:
            print("held", lease.fence, flush=True)
            await lease.lost.wait()
        print("lost", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
