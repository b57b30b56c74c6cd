"""Backups: all tables but the person keys in one file, and the keys in another, from either database into either.

A backup is gzipped JSON, a line for each row: first a header, then for each table its name and columns and its rows,
and a last line that tells a whole file from a part of one. For the keys see `storage.key_copies`.
"""

import base64
import gzip
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Date,
    LargeBinary,
    Table,
    func,
    insert,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from storage import key_file, schema
from storage.errors import (
    NotACopy,
    NotEmpty,
    NotOverwritten,
    OldKeyFile,
    OtherVersion,
    SealBroken,
    StorageUnavailable,
    WrongKey,
)
from storage.key_copies import copied_keys, drop_keys, keep_keys, keys_of
from storage.snapshot import SLICE, plain, reading
from storage.store import KEY_CHECK, locked, prepare
from storage.tables import PERSON_KEYS, SETTINGS, Row
from storage.vault import Vault
from storage.whole import whole

_FORMAT = "doorstep backup 1"
_WHOLE = "end"

Progress = Callable[[int], None]
"""Told how many rows are done."""


def tables() -> list[Table]:
    """What is in a backup, every table after those that it refers to."""
    return [each for each in Row.metadata.sorted_tables if each is not PERSON_KEYS]


def backup(url: str, file: Path, *, progress: Progress = lambda _: None) -> int:
    """Writes all but the person keys into a file, as it is at one moment, while others may write; how many rows.

    Raises NotOverwritten, NeedsMigration, StorageUnavailable, OSError; then there is no file, or the one before.
    """
    if file.exists() and _header(file) is None:
        raise NotOverwritten(str(file))
    with whole(file) as part, reading(url) as source, gzip.open(part, "wt", 3, encoding="utf-8") as out:
        header = {"format": _FORMAT, "revision": schema.newest(), "made": datetime.now(UTC).isoformat()}
        out.write(f"{json.dumps(header)}\n")
        count = 0
        for each in map(plain, tables()):
            out.write(f"{json.dumps({'table': each.name, 'columns': each.columns.keys()})}\n")
            for row in source.execute(select(each)):
                out.write(f"{json.dumps([_written(value) for value in row])}\n")
                count += 1
                if count % SLICE == 0:
                    progress(count)
        out.write(f"{json.dumps({_WHOLE: count})}\n")
    progress(count)
    return count


def made_at(file: Path) -> datetime | None:
    """When this backup was made; None where it is none. Raises OSError."""
    header = _header(file)
    return datetime.fromisoformat(header["made"]) if header is not None else None


def restore(url: str, file: Path, key: Path, keys: Path | None = None, *, progress: Progress = lambda _: None) -> int:
    """Fills an empty database from a backup, and its empty key store from a copy of the keys; how many rows.

    All of it or nothing. `key` is the group's key file. Without `keys` the key store stays as it is. An SQLite
    database, and tables that are missing, are made. Raises NotEmpty, NotACopy, OtherVersion, WrongKey,
    KeyFileMissing, BadKeyFile, DatabaseInUse, StorageUnavailable, OSError.
    """
    vault = Vault(key_file.read(key))
    with _lines(file) as lines:
        key_rows = [] if keys is None else copied_keys(keys)
        if key_rows and not any(_opens(vault, person_id, wrapped) for person_id, wrapped, _ in key_rows):
            raise WrongKey("it does not open this copy of the person keys, but one that was kept beside it may")
        path = schema.sqlite_path(url)
        lock = None if path is None else locked(path)
        try:
            prepare(url, path)
            return _restored(url, lines, vault, key_rows, progress)
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StorageUnavailable(str(error)) from error
        finally:
            if lock is not None:
                os.close(lock)


def _opens(vault: Vault, person_id: int, wrapped: bytes) -> bool:
    try:
        vault.opened(person_id, wrapped)
    except (SealBroken, OldKeyFile):
        return False
    return True


def _restored(url: str, lines: Iterator[Any], vault: Vault, key_rows: Sequence[Any], progress: Progress) -> int:
    with schema.connection(url) as target:
        for each in tables():
            if target.execute(select(each).limit(1)).first():
                raise NotEmpty
        if key_rows and keys_of(url):
            raise NotEmpty("it has person keys")
        count = _fill(target, lines, progress)
        settings = plain(SETTINGS)
        mark = target.execute(select(settings.c.value).where(settings.c.key == KEY_CHECK)).scalar()
        if mark is not None and mark != vault.blind(KEY_CHECK).hex():
            raise WrongKey
        if target.dialect.name == "postgresql":
            number_on(target)
        keep_keys(url, target, key_rows)
        try:
            target.commit()
        except SQLAlchemyError:
            drop_keys(url, key_rows)
            raise
    return count


def _fill(target: Connection, lines: Iterator[Any], progress: Progress) -> int:
    known = {each.name: plain(each) for each in tables()}
    count = 0
    for (name, columns), rows in groupby(_rows(lines), itemgetter(0)):
        if name not in known or not {*columns} <= {*known[name].columns.keys()}:
            raise NotACopy(f"unknown table {name!r}")
        readers = [_reader(known[name].columns[each].type, target.dialect.name) for each in columns]
        while values := [_read(row, columns, readers) for _, row in islice(rows, SLICE)]:
            target.execute(insert(known[name]), values)
            count += len(values)
            progress(count)
    return count


def _read(row: Sequence[Any], columns: Sequence[str], readers: Sequence[Callable[[Any], Any]]) -> dict[str, Any]:
    try:
        return {name: reads(value) for name, reads, value in zip(columns, readers, row, strict=True)}
    except (ValueError, TypeError) as error:
        raise NotACopy("a row cannot be read") from error


def _rows(lines: Iterator[Any]) -> Iterator[tuple[tuple[str, tuple[str, ...]], Sequence[Any]]]:
    """((table, columns), row) of every line. Raises NotACopy where the file ends early."""
    where: tuple[str, tuple[str, ...]] = ("", ())
    count = 0
    for line in lines:
        if isinstance(line, list):
            count += 1
            yield where, line
        elif "table" in line:
            where = (str(line["table"]), tuple(line["columns"]))
        elif line.get(_WHOLE) == count:
            return
    raise NotACopy("its end is missing")


@contextmanager
def _lines(file: Path) -> Iterator[Iterator[Any]]:
    header = _header(file)
    if header is None:
        raise NotACopy(file.name)
    if header.get("revision") != schema.newest():
        raise OtherVersion(f"tables {header.get('revision')} there, {schema.newest()} here")
    with gzip.open(file, "rt", encoding="utf-8") as source:
        source.readline()
        yield _parsed(source, file)


def _parsed(source: Any, file: Path) -> Iterator[Any]:
    try:
        for line in source:
            yield json.loads(line)
    except (EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
        raise NotACopy(file.name) from error


def _header(file: Path) -> dict[str, Any] | None:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as source:
            header = json.loads(source.readline(10_000))
    except (EOFError, ValueError, zlib.error, gzip.BadGzipFile):
        return None
    return header if isinstance(header, dict) and header.get("format") == _FORMAT else None


def _written(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, date) else value


def _reader(kind: Any, database: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(kind, LargeBinary):
            return base64.b64decode(value, validate=True)
        if isinstance(kind, Date):
            return date.fromisoformat(value)
        # The one character that SQLite keeps in a text and Postgres does not.
        return value.replace("\0", "") if database == "postgresql" and isinstance(value, str) else value

    return read


def number_on(target: Connection) -> None:
    """Postgres gives numbers from where the backup ends."""
    for each in tables():
        if "id" in each.columns:
            highest = select(func.max(each.c.id)).scalar_subquery()
            sequence = func.pg_get_serial_sequence(each.name, "id")
            target.execute(select(func.setval(sequence, func.coalesce(highest, 1), highest.is_not(None))))
