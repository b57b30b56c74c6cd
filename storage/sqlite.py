"""SQLite: one connection in one transaction, and the keys in a file of their own."""

import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Table

from storage.errors import DiskFull, OldKeyFile, ReadOnly, StorageUnavailable, Suspended
from storage.session import Arguments
from storage.statements import Statement
from storage.tables import micros
from storage.transaction import Transaction
from storage.vault import MARK, Vault, generation

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[T]]
Clock = Callable[[], datetime]

_KEY = "SELECT wrapped FROM person_keys WHERE person_id = ?"
# A number is given again when its first use was rolled back after the key was kept: the newer key counts.
_KEEP = """INSERT INTO person_keys (person_id, wrapped, created_at) VALUES (?, ?, ?)
    ON CONFLICT (person_id) DO UPDATE SET wrapped = excluded.wrapped, created_at = excluded.created_at"""
_DESTROY = "DELETE FROM person_keys WHERE person_id = ?"
KEYS_TABLE = """CREATE TABLE IF NOT EXISTS person_keys (
    person_id INTEGER NOT NULL PRIMARY KEY, wrapped BLOB NOT NULL, created_at BIGINT NOT NULL)"""


PATIENCE = 30.0
"""Seconds that a writer waits for another process to let go of the database."""

LOOK_AGAIN = 20
"""Milliseconds that SQLite itself waits in `begin`: it looks ever more rarely, so that after a second it would find a
busy database taken each time."""


def keys_path(path: Path) -> Path:
    """Where the person keys of this database are: `NAME.keys.db` beside `NAME.db`."""
    return path.with_name(f"{path.stem}.keys.db")


def connect(path: Path, *, writes: bool, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """A connection that begins no transaction by itself; for the thread that calls this."""
    address = f"file:{quote(str(path))}?mode={'rwc' if writes else 'ro'}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, cached_statements=256, factory=factory)
    connection.execute("PRAGMA busy_timeout = 5000")
    if writes:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten: sealed or not, nothing of the forgotten stays in the file.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA cache_size = -8192")
        # Rarer than the default: a page that many turns touch is then copied into the database once.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def begin(connection: sqlite3.Connection) -> None:
    """Begins a transaction that writes, once no other process is in one. Raises OperationalError if that takes long."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > until:
                raise
        else:
            return


class SqliteSession:
    """A session on SQLite. Its methods never suspend.

    What a work does to keys is remembered until the work is known to have succeeded, then with the whole group.
    """

    def __init__(self, connection: sqlite3.Connection, keys: sqlite3.Connection) -> None:
        self.now: datetime
        self.now_micros = 0
        self._connection = connection
        self._keys = keys
        self._made: dict[int, bytes | None] = {}
        self._kept: dict[int, bytes | None] = {}
        self._given: dict[str, int] = {}

    def begin(self, now: datetime) -> None:
        """Another work begins."""
        self.now = now
        self.now_micros = micros(now)
        self._made.clear()
        self._given.clear()

    def succeed(self) -> None:
        """The work succeeded: its keys go with the group."""
        if self._made:
            self._kept.update(self._made)

    def fail(self) -> set[int]:
        """The work failed: the people whose keys it made or destroyed, in vain."""
        return set(self._made)

    def keep_keys(self) -> set[int]:
        """Commits the group's keys; to be called before its data commit. The people whose keys are destroyed. Raises
        OldKeyFile where a key was wrapped that is in force no more."""
        if not self._kept:
            return set()
        kept, self._kept = self._kept, {}
        gone = {person_id for person_id, wrapped in kept.items() if wrapped is None}
        new = [(person_id, wrapped, self.now_micros) for person_id, wrapped in kept.items() if wrapped is not None]
        self._keys.execute("BEGIN IMMEDIATE")
        try:
            mark = self._keys.execute(_KEY, (MARK,)).fetchone()
            if mark is not None and any(mark[0] > generation(wrapped) for _, wrapped, _ in new):
                raise OldKeyFile
            self._keys.executemany(_KEEP, new)
            self._keys.executemany(_DESTROY, [(person_id,) for person_id in gone])
            self._keys.execute("COMMIT")
        except (sqlite3.Error, OldKeyFile):
            if self._keys.in_transaction:
                self._keys.execute("ROLLBACK")
            raise
        if gone:
            # Or the destroyed keys would still be read in the log.
            self._keys.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def forget_group(self) -> None:
        """The group was rolled back: none of its keys is kept."""
        self._made.clear()
        self._kept.clear()

    async def rows(self, statement: Statement, *arguments: Any) -> Sequence[Sequence[Any]]:
        text, arrange = statement.sqlite
        return self._connection.execute(text, arrange(arguments) if arrange else arguments).fetchall()

    async def row(self, statement: Statement, *arguments: Any) -> Sequence[Any] | None:
        text, arrange = statement.sqlite
        rows = self._connection.execute(text, arrange(arguments) if arrange else arguments).fetchall()
        return rows[0] if rows else None

    async def change(self, statement: Statement, *arguments: Any) -> int:
        text, arrange = statement.sqlite
        return self._connection.execute(text, arrange(arguments) if arrange else arguments).rowcount

    async def change_many(self, statement: Statement, many: Sequence[Arguments]) -> None:
        text, arrange = statement.sqlite
        self._connection.executemany(text, map(arrange, many) if arrange else many)

    async def numbers(self, table: Table, many: int) -> Sequence[int]:
        highest = self._connection.execute(f"SELECT coalesce(max(id), 0) FROM {table.name}").fetchone()[0]  # noqa: S608
        # Of those that were given before, rows may not be written yet.
        highest = max(highest, self._given.get(table.name, 0))
        self._given[table.name] = highest + many
        return range(highest + 1, highest + 1 + many)

    async def later(
        self, statement: Statement, *arguments: Any, otherwise: type[Exception] | None = None, about: str = ""
    ) -> None:
        if not await self.change(statement, *arguments) and otherwise is not None:
            raise otherwise(about)

    async def wrapped_key(self, person_id: int) -> bytes | None:
        for unsaved in (self._made, self._kept):
            if person_id in unsaved:
                return unsaved[person_id]
        row = self._keys.execute(_KEY, (person_id,)).fetchone()
        return None if row is None else row[0]

    async def wrapped_keys(self, people: Sequence[int]) -> Sequence[tuple[int, bytes]]:
        found = [(person_id, await self.wrapped_key(person_id)) for person_id in people]
        return [(person_id, wrapped) for person_id, wrapped in found if wrapped is not None]

    async def keep_key(self, person_id: int, wrapped: bytes) -> None:
        self._made[person_id] = wrapped

    async def destroy_key(self, person_id: int) -> None:
        self._made[person_id] = None


def make_keys_table(path: Path) -> None:
    """Makes the key file's table where it is missing."""
    with closing(connect(keys_path(path), writes=True)) as keys:
        keys.execute(KEYS_TABLE)


def drive(work: Work[T], transaction: Transaction) -> T:
    """Runs a work that never suspends. Raises Suspended if it does, else whatever it raises."""
    coroutine: Any = work(transaction)
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    except RuntimeError as error:
        if "no running event loop" in str(error):
            raise Suspended from error
        raise
    coroutine.close()
    raise Suspended


def friendly(error: BaseException) -> BaseException:
    """What is wrong with the database rather than with the work, in our own words."""
    if not isinstance(error, sqlite3.OperationalError):
        return error
    if not error.sqlite_errorname.startswith("SQLITE_READONLY"):
        return unavailable(error)
    refused = ReadOnly()
    refused.__cause__ = error
    return refused


def unavailable(error: BaseException) -> StorageUnavailable:
    """Nothing was kept because of this."""
    lost = (DiskFull if _is_full(error) else StorageUnavailable)(str(error))
    lost.__cause__ = error
    return lost


def _is_full(error: BaseException | None) -> bool:
    """Whether a full disk began it: SQLite undoes the whole transaction by itself then, and what follows fails too."""
    # Each only once: an error may be the cause of what was raised while it was handled.
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        # What the module itself raises has no such name.
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            return True
        seen.append(error)
        error = error.__cause__ or error.__context__
    return False


def read(path: Path, vault: Vault, now: datetime, work: Work[T]) -> T:
    """Runs a work on read-only connections of its own, seeing one moment of the database."""
    with closing(connect(path, writes=False)) as connection, closing(connect(keys_path(path), writes=False)) as keys:
        return look(connection, keys, vault.sibling(), now, work)


def look(connection: sqlite3.Connection, keys: sqlite3.Connection, vault: Vault, now: datetime, work: Work[T]) -> T:
    """Runs a work on these two, seeing one moment of the database; whoever opened them ends what it began."""
    connection.execute("BEGIN")
    session = SqliteSession(connection, keys)
    session.begin(now)
    try:
        return drive(work, Transaction(session, vault))
    except sqlite3.OperationalError as error:
        raise friendly(error) from error
