"""SQLite's one writer: a thread that owns its connections and lets the works that arrive together share a commit.

A commit waits for the disk some hundred microseconds; a turn does not need a tenth of that. So whatever arrived while
the last group was written is the next group: one commit for all, and only then the answers. Where a work fails after
it has written, the group is undone and run again with a savepoint for each.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from storage.errors import OldKeyFile, StoreClosed
from storage.sqlite import (
    LOOK_AGAIN,
    Clock,
    SqliteSession,
    Work,
    begin,
    connect,
    drive,
    friendly,
    keys_path,
    read,
    unavailable,
)
from storage.transaction import Transaction
from storage.vault import Vault

T = TypeVar("T")

GROUP = 64
"""How many works share a commit at most."""

WAITING = 1024
"""How many works may wait; who comes then waits to be let in."""

_Job = tuple[Work[Any], "asyncio.Future[Any]"]
_Settled = tuple["asyncio.Future[Any]", Any, BaseException | None]


class _Spoilt(Exception):
    """A work failed after it had written: the group has to begin again."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class Writer:
    """The writer of one database. Everything but `run` and `close` happens in its thread."""

    def __init__(self, path: Path, vault: Vault, clock: Clock) -> None:
        self._path = path
        self._vault = vault
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._room = asyncio.Semaphore(WAITING)
        self._closed = False
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._serve, name="doorstep-writer", daemon=True)

    async def start(self) -> None:
        """Opens the database. Raises what sqlite3 raises if it cannot."""
        self._thread.start()
        await self._ready

    async def run(self, work: Work[T]) -> T:
        """Runs the work and returns once it is on the disk. A caller that is cancelled does not take it back."""
        async with self._room:
            if self._closed:
                raise StoreClosed
            future: asyncio.Future[T] = self._loop.create_future()
            self._queue.put((work, future))
            return await future

    async def close(self) -> None:
        """Ends what waits, then the thread."""
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def read(self, work: Work[T]) -> T:
        """Runs a work that only reads, in another thread, on connections of its own."""
        return await asyncio.to_thread(read, self._path, self._vault, self._clock(), work)

    def _serve(self) -> None:
        try:
            self._open()
        except sqlite3.Error as error:
            self._answer([(self._ready, None, error)])
            return
        self._answer([(self._ready, None, None)])
        while jobs := self._next():
            self._answer(self._group(jobs))
        with suppress(sqlite3.OperationalError):  # another process writes just now: it is for speed alone
            self._connection.execute("PRAGMA optimize")
        self._connection.close()
        self._keys.close()

    def _open(self) -> None:
        self._connection = self._connect(self._path)
        self._connection.execute(f"PRAGMA busy_timeout = {LOOK_AGAIN}")
        self._keys = self._connect(keys_path(self._path))
        self._session = SqliteSession(self._connection, self._keys)
        self._transaction = Transaction(self._session, self._vault)

    def _connect(self, path: Path) -> sqlite3.Connection:
        return connect(path, writes=True)

    def _next(self) -> list[_Job]:
        """What has arrived, after waiting for the first; nothing when the store was closed."""
        jobs = []
        job = self._queue.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == GROUP or self._queue.empty():
                return jobs
            job = self._queue.get()
        if jobs:
            self._queue.put(None)
        return jobs

    def _group(self, jobs: Sequence[_Job]) -> list[_Settled]:
        try:
            try:
                return self._committed([self._run(job) for job in self._begun(jobs)])
            except (_Spoilt, OldKeyFile):
                # Only now is each given a savepoint: they cost every turn more than this costs the few.
                self._undo()
                self._vault.look()
                return self._committed([self._run_alone(job) for job in self._begun(jobs)])
        except Exception as error:
            # Whatever it was, nobody may wait for ever: each is told that nothing was kept.
            with suppress(sqlite3.Error):
                self._undo()
            lost = error if isinstance(error, OldKeyFile) else unavailable(error)
            return [(future, None, lost) for _, future in jobs]

    def _begun(self, jobs: Sequence[_Job]) -> Sequence[_Job]:
        begin(self._connection)
        return jobs

    def _committed(self, settled: list[_Settled]) -> list[_Settled]:
        forgotten = self._session.keep_keys()
        self._connection.execute("COMMIT")
        for person_id in forgotten:
            self._vault.drop(person_id)
        if forgotten:
            # What was deleted is still in the log. A reader may hold that up: the next who is forgotten tries again.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return settled

    def _run(self, job: _Job) -> _Settled:
        """Runs one work. Raises _Spoilt if it failed after it had written."""
        work, future = job
        before = self._connection.total_changes
        try:
            self._session.begin(self._clock())
            result = drive(work, self._transaction)
        except BaseException as error:
            if self._connection.total_changes != before or not self._connection.in_transaction:
                raise _Spoilt(error) from error
            self._drop_keys()
            return future, None, friendly(error)
        self._session.succeed()
        return future, result, None

    def _run_alone(self, job: _Job) -> _Settled:
        """The same inside a savepoint. Raises sqlite3.Error if SQLite has undone the whole group by itself."""
        self._connection.execute("SAVEPOINT work")
        try:
            return self._run(job)
        except _Spoilt as spoilt:
            self._connection.execute("ROLLBACK TO work")
            self._drop_keys()
            return job[1], None, friendly(spoilt.error)
        finally:
            self._connection.execute("RELEASE work")

    def _drop_keys(self) -> None:
        for person_id in self._session.fail():
            self._vault.drop(person_id)

    def _undo(self) -> None:
        self._session.forget_group()
        self._vault.drop_all()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _answer(self, settled: Sequence[_Settled]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle, settled)


def settle(settled: Sequence[_Settled]) -> None:
    """Tells who waits what became of their works; in the loop's thread."""
    for future, result, error in settled:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


Writes = Callable[[Path, Vault, Clock], Writer]
"""Makes the writer of a database: `Writer` itself, or one that a rehearsal steps through."""
