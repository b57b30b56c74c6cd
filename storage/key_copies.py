"""Copies of the person keys, apart from every backup of the data.

Each is a small SQLite database and replaces the one before: only the newest is kept, so that whoever was forgotten is
unreadable in old backups too.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from storage import schema, sqlite
from storage.errors import NotACopy, NotOverwritten, StorageUnavailable
from storage.snapshot import plain, reading
from storage.tables import PEOPLE, PERSON_KEYS
from storage.vault import MARK
from storage.whole import whole

_KEYS_COPY = 0x444F4F52
"""SQLite's `application_id` of a copy: the keys in use are never taken for one, and never replaced by one."""

_MINUTE = 60
"""Seconds. A copy tells the minute in which it was made as its `user_version`, which has no room for the second."""


def backup_keys(url: str, file: Path) -> int:
    """Replaces the copy of the person keys by one of those there are now; how many.

    Raises NotOverwritten, NeedsMigration, StorageUnavailable, OSError.
    """
    if file.exists() and not _is_copy(file):
        raise NotOverwritten(str(file))
    made = datetime.now(UTC)
    rows = _all_of(url)
    try:
        with whole(file) as part, closing(sqlite3.connect(part, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode = MEMORY")
            copy.execute(f"PRAGMA application_id = {_KEYS_COPY}")
            copy.execute(f"PRAGMA user_version = {int(made.timestamp()) // _MINUTE}")
            copy.execute("BEGIN")
            copy.execute(sqlite.KEYS_TABLE)
            copy.executemany("INSERT INTO person_keys VALUES (?, ?, ?)", rows)
            copy.execute("COMMIT")
    except sqlite3.Error as error:
        raise StorageUnavailable(str(error)) from error
    return sum(row[0] != MARK for row in rows)


def keys_of(url: str) -> list[Sequence[Any]]:
    """The person keys there are now: (person, wrapped key, made at). Raises NoDatabase, StorageUnavailable."""
    return [row for row in _all_of(url) if row[0] != MARK]


def _all_of(url: str) -> list[Sequence[Any]]:
    path = schema.existing_path(url)
    if path is None:
        with reading(url) as source:
            return [tuple(row) for row in source.execute(select(plain(PERSON_KEYS)))]
    return _rows_of_keys(sqlite.keys_path(path))


def _rows_of_keys(path: Path) -> list[Sequence[Any]]:
    try:
        with closing(sqlite.connect(path, writes=False)) as keys:
            return keys.execute("SELECT person_id, wrapped, created_at FROM person_keys ORDER BY person_id").fetchall()
    except sqlite3.Error as error:
        raise StorageUnavailable(f"{path.name}: {error}") from error


def made_at(file: Path) -> datetime | None:
    """When this copy of the keys was made, to the minute; None where it is none, or does not say."""
    if not _is_copy(file):
        return None
    with closing(sqlite.connect(file, writes=False)) as copy:
        (minutes,) = copy.execute("PRAGMA user_version").fetchone()
    return datetime.fromtimestamp(minutes * _MINUTE, UTC) if minutes else None


def _is_copy(file: Path) -> bool:
    try:
        with closing(sqlite.connect(file, writes=False)) as copy:
            return bool(copy.execute("PRAGMA application_id").fetchone() == (_KEYS_COPY,))
    except sqlite3.Error:
        return False


def keyless(url: str) -> list[int]:
    """People of a database who have no key any more, where its key store is not empty: they were forgotten after its
    backup.

    Raises NoDatabase, StorageUnavailable.
    """
    # The mark alone tells a key store in which nobody is left from one that was never brought along.
    keys = {row[0] for row in _all_of(url)}
    people = plain(PEOPLE).c
    with reading(url) as source:
        found = source.execute(select(people.id).where(people.status != "forgotten").order_by(people.id)).scalars()
        return [number for number in found if number not in keys] if keys else []


def copied_keys(file: Path) -> list[Sequence[Any]]:
    """The person keys of a copy. Raises NotACopy, StorageUnavailable."""
    if not _is_copy(file):
        raise NotACopy(file.name)
    return _rows_of_keys(file)


def keep_keys(url: str, target: Connection, rows: Sequence[Any]) -> None:
    """Puts keys into the empty key store: on Postgres with the transaction of `target`, on SQLite at once."""
    path = schema.sqlite_path(url)
    if not rows:
        return
    if path is None:
        table = plain(PERSON_KEYS)
        target.execute(insert(table), [dict(zip(table.columns.keys(), row, strict=True)) for row in rows])
        return
    # Before the data's own commit, as in a turn.
    with closing(sqlite.connect(sqlite.keys_path(path), writes=True)) as keys:
        keys.execute("BEGIN IMMEDIATE")
        keys.executemany("INSERT INTO person_keys VALUES (?, ?, ?)", rows)
        keys.execute("COMMIT")


def drop_keys(url: str, rows: Sequence[Any]) -> None:
    """Takes them out again because their transaction failed; on Postgres they went with it."""
    path = schema.sqlite_path(url)
    if rows and path is not None:
        with closing(sqlite.connect(sqlite.keys_path(path), writes=True)) as keys:
            keys.execute("DELETE FROM person_keys")
