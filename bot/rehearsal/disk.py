"""The simulated disk: SQLite's real writer in the caller's own thread, and what can befall it.

A kill is what it is: from one statement on nothing is written any more. What was committed is there when the database
is opened again, and nothing else.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from storage.errors import StorageUnavailable, StoreClosed
from storage.sqlite import Clock, Work, connect, keys_path, look
from storage.vault import Vault
from storage.writer import GROUP, Writer, settle

T = TypeVar("T")

COMMIT = "COMMIT"


class Killed(BaseException):
    """The process is gone, at this very point."""


class Disk:
    """What befalls the database next, and whether the process that has it open still lives.

    kill_in      it is killed at so many statements from now
    kill_before  it is killed just before the next commit; `kill_after`: just after
    trouble      what SQLite says instead of doing it: (the name of its error, its words)
    for_now      how many transactions that lasts
    """

    def __init__(self) -> None:
        self.dead = False
        self.kill_in = 0
        self.kill_before = self.kill_after = False
        self.trouble: tuple[str, str] | None = None
        self.for_now = 0
        self.struck = False

    def calm(self) -> bool:
        """Nothing befalls it any more; whether anything has since the last time."""
        struck, self.struck = self.struck, False
        self.kill_in, self.kill_before, self.kill_after = 0, False, False
        self.trouble, self.for_now = None, 0
        return struck

    def kill(self) -> None:
        """Ends the process. Raises Killed."""
        self.dead = self.struck = True
        raise Killed

    def before(self, statement: str) -> None:
        """A statement is about to run."""
        if self.dead:
            raise Killed
        if self.kill_in:
            self.kill_in -= 1
            if not self.kill_in:
                self.kill()
        if self.kill_before and statement == COMMIT:
            self.kill()
        if statement == COMMIT and self.trouble == FULL:
            raise self._said(writes=True)

    def after(self, statement: str) -> None:
        """A statement has run."""
        if self.kill_after and statement == COMMIT:
            self.kill()

    def refuse(self, writes: bool) -> None:
        """A transaction is about to begin: raises what SQLite says to that. A full disk lets it begin."""
        if self.trouble == GONE or (writes and self.trouble == LOCKED):
            raise self._said(writes)

    def _said(self, writes: bool) -> sqlite3.OperationalError:
        assert self.trouble is not None, "there is trouble"
        self.struck = True
        said = sqlite3.OperationalError(self.trouble[1])
        said.sqlite_errorname = self.trouble[0]
        if writes:
            self.for_now -= 1
            if self.for_now <= 0:
                self.trouble = None
        return said


LOCKED = ("SQLITE_BUSY", "database is locked")
FULL = ("SQLITE_FULL", "database or disk is full")
GONE = ("SQLITE_CANTOPEN", "unable to open database file")
"""What SQLite says: another process has the database; no room is left; the file is not there."""


class _Watched(sqlite3.Connection):
    disk: Disk | None = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return self._run(sql, lambda: super(_Watched, self).execute(sql, parameters))

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        return self._run(sql, lambda: super(_Watched, self).executemany(sql, parameters))

    def _run(self, sql: str, does: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        if self.disk is None:
            return does()
        self.disk.before(sql)
        done = does()
        self.disk.after(sql)
        return done


class SteppedWriter(Writer):
    """The writer without its thread. Works that are waiting when the loop comes by share a commit, as ever."""

    def __init__(self, path: Path, vault: Vault, clock: Clock, disk: Disk) -> None:
        super().__init__(path, vault, clock)
        self._disk = disk
        self._jobs: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._readers: tuple[sqlite3.Connection, sqlite3.Connection] | None = None

    async def start(self) -> None:
        """Opens the database. Raises what sqlite3 raises if it cannot."""
        self._open()
        # Nobody pulls this plug: what a killed process wrote is there.
        self._connection.execute("PRAGMA synchronous = OFF")

    async def run(self, work: Work[T]) -> T:
        """Runs the work with whatever else is asked for at this moment."""
        if self._disk.dead:
            raise Killed
        if self._closed:
            raise StoreClosed
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.append((work, future))
        if len(self._jobs) == 1:
            self._loop.call_soon(self._write)
        return await future

    async def read(self, work: Work[T]) -> T:
        """Runs a work that only reads."""
        if self._disk.dead:
            raise Killed
        try:
            self._disk.refuse(writes=False)
        except sqlite3.OperationalError as error:
            raise StorageUnavailable(str(error)) from error
        connection, keys = self._readers = self._readers or (
            connect(self._path, writes=False), connect(keys_path(self._path), writes=False),
        )  # fmt: skip
        try:
            return look(connection, keys, self._vault.sibling(), self._clock(), work)
        finally:
            connection.execute("ROLLBACK")

    async def close(self) -> None:
        """Frees the database; what was not committed is gone."""
        self._closed = True
        for connection in (self._connection, self._keys, *(self._readers or ())):
            connection.close()

    def _connect(self, path: Path) -> sqlite3.Connection:
        connection = connect(path, writes=True, factory=_Watched)
        assert isinstance(connection, _Watched)
        connection.disk = self._disk
        return connection

    def _begun(self, jobs: Any) -> Any:
        # As after the patience with which a writer waits for a database that is locked.
        self._disk.refuse(writes=True)
        return super()._begun(jobs)

    def _write(self) -> None:
        jobs, self._jobs = self._jobs[:GROUP], self._jobs[GROUP:]
        if self._jobs:
            self._loop.call_soon(self._write)
        try:
            settle(self._group(jobs))
        except Killed:
            settle([(future, None, Killed()) for _, future in jobs])
