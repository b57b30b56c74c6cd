"""Everything a group has as spreadsheets that other programs can read, and back from them into an empty database.

A folder holds one CSV file for each table, in UTF-8: moments as ISO 8601 in UTC, and `private`, opened, where the
database keeps something sealed. A text that a spreadsheet could take for a formula begins with an apostrophe there.

Left out is what is worth nothing elsewhere: keys, one-time codes, leases, what a channel remembers, what a desk has
posted, and tombstones.
"""

import csv
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Connection, Date, Float, RowMapping, Table, Text, insert, select
from sqlalchemy.exc import SQLAlchemyError

from storage import formulas, key_file, layers, schema
from storage.copies import number_on, tables
from storage.errors import NotAnExport, NotEmpty, StorageUnavailable
from storage.key_copies import drop_keys, keep_keys, keys_of
from storage.snapshot import SLICE, plain, reading
from storage.store import locked, prepare
from storage.tables import (
    ADDRESSES,
    INBOX,
    LEASES,
    LINKS,
    OUTBOX,
    PAIRS,
    PEOPLE,
    POSTED,
    POSTED_LINES,
    SETTINGS,
    TOMBSTONES,
    Moment,
    micros,
    moment,
)
from storage.values import unpack
from storage.vault import Seal, Vault
from storage.whole import whole

PRIVATE = "private"
_LEFT_OUT = (LEASES, LINKS, POSTED, POSTED_LINES, SETTINGS, TOMBSTONES)
_OWNER = {PEOPLE.name: "id", PAIRS.name: "supporter_id"}
"""Whose key a row is sealed under, where that is not its `person_id`."""
LONGEST_CELL = 64 * 2**20
"""Characters of one cell; the csv module's own bound is 128 kB, and a library of flows is longer."""

Progress = Callable[[int], None]


def exported() -> list[Table]:
    """What is exported, every table after those that it refers to."""
    return [each for each in tables() if each not in _LEFT_OUT]


def export(url: str, key: Path, folder: Path, *, progress: Progress = lambda _: None) -> int:
    """Writes everything into this folder, readable by whoever has it, as it is at one moment; how many rows.

    Raises FileExistsError where there is something already, KeyFileMissing, BadKeyFile, NeedsMigration,
    StorageUnavailable, SealBroken, OSError.
    """
    vault = Vault(key_file.read(key))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(17, "there is something in it already: give a new folder", str(folder))
    count = 0
    with reading(url) as source:
        seals = {person_id: vault.opened(person_id, wrapped) for person_id, wrapped, _ in keys_of(url)}
        for each in exported():
            with whole(folder / f"{each.name}.csv") as part, part.open("w", encoding="utf-8", newline="") as file:
                sheet = csv.writer(file)
                columns = _columns(each)
                sheet.writerow(columns)
                for row in source.execute(select(plain(each))).mappings():
                    sheet.writerow([_written(each, name, row, seals) for name in columns])
                    count += 1
                    if count % SLICE == 0:
                        progress(count)
    progress(count)
    return count


def import_all(url: str, key: Path, folder: Path, *, progress: Progress = lambda _: None) -> int:
    """Fills an empty database from an export, with new keys for its people; how many rows. All of it or nothing.

    Raises NotEmpty, NotAnExport, KeyFileMissing, BadKeyFile, DatabaseInUse, StorageUnavailable, OSError.
    """
    vault = Vault(key_file.read(key))
    path = schema.sqlite_path(url)
    lock = None if path is None else locked(path)
    try:
        prepare(url, path)
        with schema.connection(url) as target:
            return _imported(url, target, vault, folder, progress)
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise StorageUnavailable(str(error)) from error
    finally:
        if lock is not None:
            os.close(lock)


def _imported(url: str, target: Connection, vault: Vault, folder: Path, progress: Progress) -> int:
    for each in exported():
        if target.execute(select(each).limit(1)).first():
            raise NotEmpty
    if keys_of(url):
        raise NotEmpty("it has person keys")
    seals: dict[int, Seal] = {}
    wrapped: list[tuple[int, bytes, int]] = []
    count = 0
    for each in exported():
        with _rows(folder / f"{each.name}.csv", each) as rows:
            people = _keyed(rows, vault, seals, wrapped) if each is PEOPLE else rows
            values = (_row(each, row, seals, vault) for row in people)
            while slice_ := list(islice(values, SLICE)):
                target.execute(insert(plain(each)), slice_)
                count += len(slice_)
                progress(count)
    if target.dialect.name == "postgresql":
        number_on(target)
    keep_keys(url, target, wrapped)
    try:
        target.commit()
    except SQLAlchemyError:
        drop_keys(url, wrapped)
        raise
    return count


def _keyed(
    rows: Iterator[Mapping[str, Any]], vault: Vault, seals: dict[int, Seal], wrapped: list[tuple[int, bytes, int]]
) -> Iterator[Mapping[str, Any]]:
    """People, each with a new key; who was forgotten has none."""
    for row in rows:
        if row[PRIVATE] is not None or row["status"] != "forgotten":
            key, seals[row["id"]] = vault.made(row["id"])
            wrapped.append((row["id"], key, micros(row["created_at"])))
        yield row


# --- a table as a sheet ---


def _columns(each: Table) -> list[str]:
    """The columns of its sheet."""
    named = [PRIVATE if name == "sealed" else name for name in each.columns.keys()]  # noqa: SIM118 - columns, not names
    return [name for name in named if name != "blind"]


def _written(each: Table, name: str, row: RowMapping, seals: Mapping[int, Seal]) -> str:
    if name == PRIVATE:
        seal = seals.get(row[_owner(each)])
        if row["sealed"] is None or seal is None:
            return ""
        opened = layers.unwrapped(_field(each), seal.open(_field(each), row["sealed"]), seals.get)
        return "" if opened is None else formulas.safe(_text(opened))
    value, kind = row[name], each.columns[name].type
    if value is None:
        return ""
    if isinstance(kind, Moment):
        return moment(value).isoformat()
    if isinstance(kind, Boolean):
        return "yes" if value else "no"
    return formulas.safe(value) if isinstance(kind, Text) else str(value)


def _text(opened: bytes) -> str:
    text = opened.decode("utf-8", "surrogatepass")
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair, which people can type: JSON can spell it, a file in UTF-8 cannot hold it.
        return f" {json.dumps(json.loads(text))}"
    return text


def _owner(each: Table) -> str:
    return _OWNER.get(each.name, "person_id")


def _field(each: Table) -> bytes:
    return f"{each.name}.sealed".encode()


# --- a sheet as a table ---


@contextmanager
def _rows(file: Path, each: Table) -> Iterator[Iterator[Mapping[str, Any]]]:
    csv.field_size_limit(min(LONGEST_CELL, sys.maxsize))
    if not file.exists():
        raise NotAnExport(f"{file.name} is missing")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        sheet = csv.reader(opened)
        try:
            header = next(sheet, [])
        except (csv.Error, UnicodeDecodeError) as error:
            raise NotAnExport(f"{file.name}, row 1") from error
        if sorted(header) != sorted(_columns(each)):
            raise NotAnExport(f"{file.name}: its columns are not those of `{each.name}` here")
        yield _read(file.name, each, header, sheet)


def _read(name: str, each: Table, header: Sequence[str], sheet: Iterator[list[str]]) -> Iterator[Mapping[str, Any]]:
    rows = 1
    try:
        for cells in sheet:
            rows += 1
            yield {column: _value(each, column, cell) for column, cell in zip(header, cells, strict=True)}
    except (ValueError, csv.Error) as error:
        raise NotAnExport(f"{name}, row {rows}") from error


def _value(each: Table, name: str, cell: str) -> Any:
    text = formulas.read(cell)
    if name == PRIVATE:
        return text or None
    kind = each.columns[name].type
    if isinstance(kind, Text):
        return text
    if cell == "":
        return None
    if isinstance(kind, Moment):
        return datetime.fromisoformat(cell)
    if isinstance(kind, Boolean):
        if cell not in ("yes", "no"):
            raise ValueError
        return cell == "yes"
    if isinstance(kind, Date):
        return date.fromisoformat(cell)
    return float(cell) if isinstance(kind, Float) else int(cell)


def _row(each: Table, read: Mapping[str, Any], seals: Mapping[int, Seal], vault: Vault) -> dict[str, Any]:
    """The row as it is stored here: sealed under the new keys, and found by the new index."""
    row: dict[str, Any] = {
        name: micros(value) if isinstance(value, datetime) else value for name, value in read.items()
    }
    if PRIVATE not in row:
        return row
    private = row.pop(PRIVATE)
    seal = seals.get(row[_owner(each)])
    row["sealed"] = None
    if private is not None and seal is not None:
        row["sealed"] = seal.close(_field(each), _layered(each, private.encode(), row, seals))
    if each is ADDRESSES:
        row["blind"] = vault.blind(str(row["channel"]), str(row["account"]), private or "")
    return row


def _layered(each: Table, packed: bytes, row: Mapping[str, Any], seals: Mapping[int, Seal]) -> bytes:
    """What names others in a message goes under their keys too, as far as they have one."""
    if each not in (INBOX, OUTBOX):
        return packed
    named = layers.named(unpack(packed))
    others = {number: seals[number] for number in named if number in seals and number != row["person_id"]}
    return layers.wrapped(_field(each), packed, others)
