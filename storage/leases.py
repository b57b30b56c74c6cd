"""Leases: who alone listens and sends for an account.

An SQLite database belongs to one process, and so do all its leases. On Postgres a lease is a session's advisory lock,
on a connection of its own: it is free as soon as that connection ends, however the process did. A process that is
frozen keeps its connection; therefore the server itself ends one that is silent for too long (`idle_session_timeout`,
since Postgres 14). Each holder gets a number above the last (the fence), and a claim in the outbox asks whether its
number is still the newest: who was frozen, or cut off, claims nothing. Not for a pooler that shares sessions (PgBouncer
in its transaction mode): the address of the database must be the server's own.
"""

import asyncio
import hashlib
import logging
import os
import platform
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import select

from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import LEASES, micros

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks whether a lease is free."""

PING = 2.0
"""Seconds between two signs of life of a holder, and how long the server may take to answer one."""

SILENCE = 10.0
"""Seconds of silence after which the server frees a lease: more than twice `PING`, so that the holder knows before."""

Clock = Callable[[], datetime]

_BROKEN = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""How asyncpg says that the server is away; `InternalClientError` where it went away amid an answer."""

_L = LEASES.c


def _taking(insert: Any) -> Any:
    new = insert(LEASES).values(name=given("name"), holder=given("holder"), fence=constant(1), since=given("since"))
    later = {"holder": new.excluded.holder, "fence": _L.fence + constant(1), "since": new.excluded.since}
    return new.on_conflict_do_update(index_elements=["name"], set_=later).returning(_L.fence)


_TAKE = Statement(_taking, "name", "holder", "since")
# Locked, so that a lease changes hands before a claim or after it.
_HOLDS = Statement(select(_L.fence).where(_L.name == given("name")), "name", locks=[LEASES])


class Lease:
    """A lease that this process holds; `lost` is set once it does not any more. The fence is 1 or more."""

    __slots__ = ("fence", "lost", "name")

    def __init__(self, name: str, fence: int) -> None:
        self.name = name
        self.fence = fence
        self.lost = asyncio.Event()


class Leases:
    """The leases as one transaction sees them."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def take(self, name: str, holder: str) -> int:
        """A new fence, which ends every older one. Only for who is known to be alone; others ask the store."""
        row = await self._session.row(_TAKE, name, holder, self._session.now_micros)
        assert row is not None
        return int(row[0])

    async def holds(self, lease: Lease) -> bool:
        """Whether this is still the newest holder; until this transaction ends nobody else becomes it."""
        row = await self._session.row(_HOLDS, lease.name)
        return row is not None and row[0] == lease.fence


def me() -> str:
    """This process, as coordinators would look for it: machine and number."""
    return f"{platform.node()}:{os.getpid()}"


@asynccontextmanager
async def held(address: str, name: str, clock: Clock) -> AsyncIterator[Lease]:
    """Holds a lease of a Postgres, as soon as it is free; while the server is away, that is later."""
    connection, fence = await _taken(address, name, clock)
    lease = Lease(name, fence)
    connection.add_termination_listener(lambda _: lease.lost.set())
    pinging = asyncio.create_task(_ping(connection, lease))
    try:
        yield lease
    finally:
        pinging.cancel()
        lease.lost.set()
        with suppress(*_BROKEN):
            await connection.close(timeout=1)
        connection.terminate()


async def _taken(address: str, name: str, clock: Clock) -> tuple[Any, int]:
    told = False
    while True:
        connection = None
        try:
            silence = {"idle_session_timeout": str(int(SILENCE * 1000)), "application_name": f"doorstep lease {name}"}
            connection = await asyncpg.connect(address, timeout=5, command_timeout=5, server_settings=silence)
            fence = await _fence(connection, name, clock)
        except _BROKEN as error:
            if connection is not None:
                connection.terminate()
            if not told:
                log.warning("nobody can be made the one who sends for %s: %s", name, type(error).__name__)
                told = True
            await asyncio.sleep(LOOK)
        except BaseException:
            if connection is not None:
                connection.terminate()
            raise
        else:
            return connection, fence


async def _fence(connection: Any, name: str, clock: Clock) -> int:
    while True:
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _number(name)):
            text, arrange = _TAKE.postgres
            arguments = (name, me(), micros(clock()))
            fence: int = await connection.fetchval(text, *(arrange(arguments) if arrange else arguments))
            return fence
        await asyncio.sleep(LOOK)


async def _ping(connection: Any, lease: Lease) -> None:
    with suppress(*_BROKEN):
        while True:
            await asyncio.sleep(PING)
            await connection.execute("SELECT 1", timeout=PING)
    lease.lost.set()


def _number(name: str) -> int:
    """The number of a lease's advisory lock: 64 bits, signed."""
    return int.from_bytes(hashlib.sha256(f"doorstep lease {name}".encode()).digest()[:8], signed=True)
