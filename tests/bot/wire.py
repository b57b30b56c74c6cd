"""A process that sends for one account, and writes each send into a file that several such processes share.

`python -m tests.bot.wire URL KEY FILE SILENCE PING FRESH`: the seconds are those of leases and of the sender.
"""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

from bot import sender
from bot.channels.base import Outbound, Receipt, Receive
from bot.held import while_held
from flows.limits import Limits, Rate
from storage import leases
from storage.store import Store

ANSWERS_AFTER = 0.02
PER_SECOND = 60


class Line(NamedTuple):
    """One line of the file: at which second (of the machine) which process did what with which message of whom."""

    at: float
    process: int
    what: str
    message: int
    address: str


class Wire:
    """The platform: it takes a message when it begins, and answers a moment later."""

    name, account = "web", "web"
    limits = Limits(4096, None, None, account=Rate(PER_SECOND))

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def listen(self, receive: Receive) -> None:
        self._note("listens", 0, "-")
        await asyncio.Event().wait()

    async def send(self, message: Outbound) -> Receipt:
        self._note("begins", message.id, message.address)
        await asyncio.sleep(ANSWERS_AFTER)
        return Receipt(f"r{message.id}")

    def _note(self, what: str, message: int, address: str) -> None:
        os.write(self._file, f"{time.time()} {os.getpid()} {what} {message} {address}\n".encode())


def lines(file: Path) -> list[Line]:
    """What has been written so far."""
    found = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [Line(float(at), int(process), what, int(id_), who) for at, process, what, id_, who in found]


async def main(url: str, key: str, file: str, silence: str, ping: str, fresh: str) -> None:
    """Sends until it is killed."""
    leases.SILENCE, leases.PING, sender.FRESH = float(silence), float(ping), float(fresh)
    store = await Store.open(url, Path(key), clock=sender.utc_now)
    wire = Wire(Path(file))

    async def heard(_: object) -> None:
        return

    sends = sender.Sender(store, wire, sender.utc_now)
    await while_held(store, "web:web", sends.run, lambda _: wire.listen(heard))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
