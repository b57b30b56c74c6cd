"""Postgres: one transaction per work; the server groups the flushes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import ARRAY, BigInteger, Table, delete, exists, func, select

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
from storage.merging import Part, fits, merged
from storage.schema import newest
from storage.session import Arguments
from storage.sqlite import Clock, Work
from storage.statements import Statement, constant, given
from storage.tables import PERSON_KEYS, micros
from storage.transaction import Transaction
from storage.vault import MARK, Vault, generation

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


_NUMBERS = "SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2)"


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

_KEYS = PERSON_KEYS.c
_KEY = Statement(select(_KEYS.wrapped).where(_KEYS.person_id == given("person")), "person")
_KEYS_OF = Statement(
    select(_KEYS.person_id, _KEYS.wrapped).where(_KEYS.person_id == func.any(given("people", ARRAY(BigInteger)))),
    "people",
)
_MARK = PERSON_KEYS.alias("mark").c
# The database itself refuses what was wrapped by a key that is in force no more, by whoever was frozen meanwhile.
_in_force = ~exists().where(_MARK.person_id == constant(MARK), _MARK.wrapped > given("generation", _KEYS.wrapped.type))
_row = given("person", _KEYS.person_id.type), given("wrapped", _KEYS.wrapped.type), given("at", BigInteger)
_COLUMNS = ["person_id", "wrapped", "created_at"]
_KEEP = Statement(
    lambda insert: insert(PERSON_KEYS).from_select(_COLUMNS, select(*_row).where(_in_force)),
    "person", "wrapped", "at", "generation",
)  # fmt: skip
_DESTROY = Statement(delete(PERSON_KEYS).where(_KEYS.person_id == given("person")), "person")


class PostgresSession:
    """A session on Postgres. The keys are in a schema of their own, in the same transaction."""

    def __init__(self, connection: Any, now: datetime, *, writes: bool) -> None:
        self.now = now
        self.now_micros = micros(now)
        self.destroyed: list[int] = []
        self._connection = connection
        self._writes = writes
        self._later: list[Part] = []

    async def rows(self, statement: Statement, *arguments: Any) -> Sequence[Sequence[Any]]:
        await self.flush()
        found: Sequence[Sequence[Any]] = await self._connection.fetch(*self._call(statement, arguments))
        return found

    async def row(self, statement: Statement, *arguments: Any) -> Sequence[Any] | None:
        await self.flush()
        found: Sequence[Any] | None = await self._connection.fetchrow(*self._call(statement, arguments))
        return found

    async def change(self, statement: Statement, *arguments: Any) -> int:
        await self.flush()
        said: str = await self._connection.execute(*self._call(statement, arguments))
        return int(said.rpartition(" ")[2])

    async def change_many(self, statement: Statement, many: Sequence[Arguments]) -> None:
        if len(many) == 1:
            await self.later(statement, *many[0])
        else:
            await self.flush()
            text, arrange = statement.postgres
            await self._connection.executemany(text, [arrange(each) for each in many] if arrange else many)

    async def later(
        self, statement: Statement, *arguments: Any, otherwise: type[Exception] | None = None, about: str = ""
    ) -> None:
        text, arrange = statement.postgres
        part = Part(text, arrange(arguments) if arrange else arguments, otherwise, about)
        if not fits(self._later, part):
            await self.flush()
        self._later.append(part)

    async def flush(self) -> None:
        """Runs what was to be run later, in one round trip."""
        if self._later:
            parts, self._later = self._later, []
            text, arguments = merged(parts)
            touched = await self._connection.fetchrow(text, *arguments)
            for part, count in zip(parts, touched, strict=True):
                if not count and part.otherwise is not None:
                    raise part.otherwise(part.about)

    async def numbers(self, table: Table, many: int) -> Sequence[int]:
        await self.flush()
        return [row[0] for row in await self._connection.fetch(_NUMBERS, table.name, many)]

    async def wrapped_key(self, person_id: int) -> bytes | None:
        row = await self.row(_KEY, person_id)
        return None if row is None else row[0]

    async def wrapped_keys(self, people: Sequence[int]) -> Sequence[tuple[int, bytes]]:
        return [(person_id, wrapped) for person_id, wrapped in await self.rows(_KEYS_OF, people)]

    async def keep_key(self, person_id: int, wrapped: bytes) -> None:
        if not await self.change(_KEEP, person_id, wrapped, self.now_micros, generation(wrapped)):
            raise OldKeyFile

    async def destroy_key(self, person_id: int) -> None:
        await self.change(_DESTROY, person_id)
        self.destroyed.append(person_id)

    def _call(self, statement: Statement, arguments: Arguments) -> tuple[Any, ...]:
        text, arrange = statement.postgres if self._writes else statement.postgres_unlocked
        return (text, *(arrange(arguments) if arrange else arguments))


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
        connection, begun = None, False
        while self._queue:
            work, future = self._queue.popleft()
            try:
                if connection is None:
                    connection = await self._pool.acquire()
                result, begun = await self._once(connection, work, begun=begun)
            except BaseException as error:
                if connection is not None:
                    await self._pool.release(connection)
                connection, begun = None, False
                if not future.done():
                    future.set_exception(error)
                if isinstance(error, asyncio.CancelledError):
                    raise
            else:
                if not future.done():
                    future.set_result(result)
        if connection is not None:
            if begun:  # for a work that another connection took meanwhile
                with suppress(asyncpg.PostgresError, *_UNREACHABLE):
                    await connection.execute("ROLLBACK")
            await self._pool.release(connection)

    async def _once(self, connection: Any, work: Work[T], *, begun: bool) -> tuple[T, bool]:
        """What the work gave, once it is committed; and whether the connection has begun the next transaction, as it
        does in the same round trip where one is queued."""
        session = PostgresSession(connection, self._clock(), writes=True)
        if not begun:
            await connection.execute("BEGIN")
        async with _undone(connection):
            result = await work(Transaction(session, self._vault))
            await session.flush()
            begun = bool(self._queue)
            await connection.execute("COMMIT; BEGIN" if begun else "COMMIT")
        # Again, because another turn may have opened the key between its destruction and the commit.
        for person_id in session.destroyed:
            self._vault.drop(person_id)
        return result, begun

    async def _look(self, work: Work[T]) -> T:
        async with self._pool.acquire() as connection:
            session = PostgresSession(connection, self._clock(), writes=False)
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            async with _undone(connection):
                result = await work(Transaction(session, self._vault.sibling()))
                await session.flush()
                await connection.execute("COMMIT")
            return result


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
