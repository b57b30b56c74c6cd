"""Postgres: one transaction per work; the server groups the flushes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import asyncpg

from storage import leases
from storage.errors import (
    DiskFull,
    FirstContactRaced,
    NewerDatabase,
    OldKeyFile,
    ReadOnly,
    StorageUnavailable,
    StoreClosed,
)
from storage.postgres_session import PostgresSession
from storage.schema import newest
from storage.sqlite import Clock, Work
from storage.transaction import Transaction
from storage.vault import Vault

T = TypeVar("T")

_Job = tuple[Work[Any], "asyncio.Future[Any]"]

CONNECTIONS = 16

NAME = "doorstep"
"""What the connections are called at the server."""

_BACK_OFF = (0.01, 0.05, 0.2, 0.5, 1.0, 2.0)
"""Seconds before each further try; after the last the work fails."""


_FREE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name = $1
AND state = 'active' AND wait_event = 'ClientRead' AND state_change < now() - $2::interval"""
"""Ends the connections that wait for a client amid a statement: who prepares one is silent twice, and the server's own
limit does not count the first time."""


class _Lost(Exception):
    """The connection broke; whether the work was committed is not known, and running it again finds out."""


_AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
    FirstContactRaced,
    _Lost,
)
_UNREACHABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # class 53: its disk or memory is full, or too many are connected
    asyncpg.OperatorInterventionError,  # class 57: it starts, stops, or ends what it does for somebody
    asyncpg.PostgresSystemError,  # class 58: its machine fails it
    asyncpg.ReadOnlySQLTransactionError,  # it follows another server, or was made to since we connected
    asyncpg.InternalClientError,
    OSError,
)
"""What is said where a server cannot be reached, or can take nothing now (PostgreSQL's manual, appendix A)."""

_MISFIT = (asyncpg.SyntaxOrAccessError, asyncpg.IntegrityConstraintViolationError)
"""What statements do that were made for other tables."""


class Pool:
    """The connections to one Postgres database."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self._pool: Any = None
        self._freeing: asyncio.Task[None] | None = None
        self._misfit = self._closing = False
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._queue: deque[_Job] = deque()
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self, url: str) -> None:
        """Connects. Raises StorageUnavailable."""
        # Who is frozen amid a turn would keep its person from all others, and finish it when it wakes.
        silence = {"idle_in_transaction_session_timeout": str(int(leases.SILENCE * 1000)), "application_name": NAME}
        try:
            self._pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=CONNECTIONS,
                statement_cache_size=256,
                reset=_nothing_to_reset,
                server_settings=silence,
            )
        except (asyncpg.PostgresError, OSError) as error:
            raise StorageUnavailable(str(error)) from error
        self._freeing = asyncio.create_task(self._free_the_frozen())

    async def run(self, work: Work[T]) -> T:
        """Runs the work in a transaction of its own, and again when it crossed another or lost its connection."""
        for pause in (*_BACK_OFF, None):
            try:
                with self._under_way():
                    return await self._queued(work)
            except (*_AGAIN, *_UNREACHABLE) as error:
                if pause is None:
                    full = isinstance(error, asyncpg.DiskFullError)
                    raise (DiskFull if full else StorageUnavailable)(str(error)) from error
                if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                    # New connections may find the server that leads now.
                    await self._pool.expire_connections()
                await asyncio.sleep(pause)
            except OldKeyFile:
                if pause is None:
                    raise
                self._vault.look()
            except _MISFIT as error:
                await self._explain(error)
                raise
        raise AssertionError

    async def read(self, work: Work[T]) -> T:
        """Runs the work seeing one moment of the database."""
        try:
            with self._under_way():
                return await self._look(work)
        except asyncpg.ReadOnlySQLTransactionError as error:
            raise ReadOnly from error
        except (_Lost, asyncpg.InvalidCachedStatementError, *_UNREACHABLE) as error:
            raise StorageUnavailable(str(error)) from error
        except _MISFIT as error:
            await self._explain(error)
            raise

    async def newer(self) -> bool:
        """As `Store.newer`."""
        if self._misfit:
            raise NewerDatabase
        try:
            with self._under_way():
                found: str = await self._pool.fetchval("SELECT version_num FROM alembic_version")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, *_UNREACHABLE) as error:
            raise StorageUnavailable(str(error)) from error
        return found > newest()

    async def _explain(self, error: Exception) -> None:
        """Raises NewerDatabase where newer tables are why a statement does not fit."""
        if await self.newer():
            self._misfit = True
            raise NewerDatabase from error

    async def close(self) -> None:
        """Waits for what runs, then closes the connections.

        Not before: asyncpg breaks a connection that is just being made for someone while the pool is closed.
        """
        self._closing = True
        if self._freeing is not None:
            self._freeing.cancel()
            await asyncio.gather(self._freeing, return_exceptions=True)
        await self._idle.wait()
        await self._pool.close()

    async def _free_the_frozen(self) -> None:
        """Frees what other processes hold that have been silent for too long, where the server does not."""
        while True:
            await asyncio.sleep(leases.SILENCE / 2)
            with suppress(asyncpg.PostgresError, *_UNREACHABLE):
                await self._pool.execute(_FREE, NAME, timedelta(seconds=leases.SILENCE))

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        """While it lasts, the connections stay. Raises StoreClosed once they are to go."""
        if self._closing:
            raise StoreClosed
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def _queued(self, work: Work[T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((work, future))
        if len(self._serving) < CONNECTIONS:
            task = asyncio.create_task(self._serve())
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        return await future

    async def _serve(self) -> None:
        """Runs what is queued on one connection, one after the other, until nothing is."""
        line: _Line | None = None
        while self._queue:
            work, future = self._queue.popleft()
            try:
                line = line or _Line(await self._pool.acquire(), self._vault)
                result = await line.run(work, self._clock(), self._queue)
            except BaseException as error:
                if line is not None:
                    await self._pool.release(line.connection)
                line = None
                if not future.done():
                    future.set_exception(error)
                if isinstance(error, asyncio.CancelledError):
                    raise
            else:
                if not future.done():
                    future.set_result(result)
        if line is not None:
            await line.end()
            await self._pool.release(line.connection)

    async def _look(self, work: Work[T]) -> T:
        async with self._pool.acquire() as connection:
            session = PostgresSession(connection, writes=False)
            session.begin(self._clock())
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            async with _undone(connection):
                result = await work(Transaction(session, self._vault.sibling()))
                await session.flush()
                await connection.execute("COMMIT")
            return result


class _Line:
    """A connection while works wait for it. The end of one transaction is the beginning of the next, in one round
    trip."""

    def __init__(self, connection: Any, vault: Vault) -> None:
        self.connection = connection
        self._vault = vault
        self._session = PostgresSession(connection, writes=True)
        self._transaction = Transaction(self._session, vault)
        self._begun = False

    async def run(self, work: Work[T], now: datetime, waiting: Collection[_Job]) -> T:
        """Runs a work. Of no use any more once something was raised."""
        self._session.begin(now)
        if not self._begun:
            await self.connection.execute("BEGIN")
        async with _undone(self.connection):
            result = await work(self._transaction)
            await self._session.flush()
            self._begun = bool(waiting)
            await self.connection.execute("COMMIT; BEGIN" if self._begun else "COMMIT")
        # Again, because another turn may have opened the key between its destruction and the commit.
        for person_id in self._session.destroyed:
            self._vault.drop(person_id)
        return result

    async def end(self) -> None:
        """Ends what was begun for a work that another connection took meanwhile."""
        if self._begun:
            with suppress(asyncpg.PostgresError, *_UNREACHABLE):
                await self.connection.execute("ROLLBACK")


@asynccontextmanager
async def _undone(connection: Any) -> AsyncIterator[None]:
    """Whatever is raised within undoes the transaction. Raises _Lost where the connection broke."""
    try:
        yield
    except BaseException as error:
        if not _gone(connection):
            await connection.execute("ROLLBACK")
        elif isinstance(error, Exception):
            raise _Lost(str(error)) from error
        raise


def _gone(connection: Any) -> bool:
    try:
        closed: bool = connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool has taken the broken connection back already.
        return True
    return closed


async def _nothing_to_reset(_connection: Any) -> None:
    """Works leave nothing behind in a connection, so that the round trip for it is saved."""
