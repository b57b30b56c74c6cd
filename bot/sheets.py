"""Spreadsheets as groups have them: CSV with commas, semicolons or tabs, with or without a byte order mark; in UTF-8,
or in UTF-16 with its mark, as Excel saves "Unicode text"."""

import csv
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

MOST_ROWS = 100_000


UNQUOTED = 'a cell begins with a quotation mark, and does not end with one: write "" for a mark within a cell'
"""All that Python's strict reader complains of: a mark that is never closed makes a cell over its limit, too."""


_UTF_16 = (BOM_UTF16_LE, BOM_UTF16_BE)


class BadSheet(Exception):
    """A sheet that cannot be used; `problems` are sentences that say where and why."""

    def __init__(self, *problems: str) -> None:
        super().__init__(problems[0])
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `number` is what a spreadsheet shows beside it; every known column has a cell, trimmed, "" if empty."""

    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def wrong(self, column: str, what: str) -> str:
        """A sentence about a cell."""
        return f"row {self.number}, column {column}: {what}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows that are not empty, the names of columns that are known, and of those that nobody here knows."""

    rows: tuple[Row, ...]
    names: tuple[str, ...]
    ignored: tuple[str, ...]


def read_sheet(file: Path, known: Collection[str], needed: Collection[str], most: int = MOST_ROWS) -> Sheet:
    """Reads a sheet of at most so many rows, whose first names its columns, in any case and order.

    Raises BadSheet, OSError.
    """
    written = file.read_bytes()
    try:
        text = written.decode("utf-16" if written.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        row = written.count(b"\n", 0, error.start) + 1
        raise BadSheet(f"row {row}, byte {error.start + 1}, is not UTF-8: save the sheet as “CSV UTF-8”") from None
    if "\0" in text or not text.strip():
        raise BadSheet("this is no CSV file, or an empty one")
    head = text.partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        names = [name.strip().casefold() for name in next(reader, [])]
        _check_names(names, needed)
        rows = tuple(_rows(reader, names, known, most))
    except csv.Error:
        raise BadSheet(f"row 1: {UNQUOTED}") from None
    here = tuple(name for name in names if name in known)
    return Sheet(rows, here, tuple(name for name in names if name and name not in known))


def _check_names(names: list[str], needed: Collection[str]) -> None:
    if missing := [name for name in needed if name not in names]:
        lacking = ", ".join(f"`{name}`" for name in missing)
        raise BadSheet(f"row 1 names no column {lacking}: it names {', '.join(filter(None, names)) or 'none'}")
    if double := [name for name in names if name and names.count(name) > 1]:
        raise BadSheet(f"row 1 names the column `{double[0]}` twice")


def _rows(reader: Iterable[list[str]], names: list[str], known: Collection[str], most: int) -> Iterator[Row]:
    for number, cells in _numbered(reader):
        if not any(cell.strip() for cell in cells):
            continue
        if number > most:
            raise BadSheet(f"over {most:,} rows: divide the sheet")
        if any(cell.strip() for cell in cells[len(names) :]):
            raise BadSheet(f"row {number} has more cells than row 1 has names")
        given = dict(zip(names, (" ".join(cell.split()) for cell in cells), strict=False))
        yield Row(number, {name: given.get(name, "") for name in known})


def _numbered(reader: Iterable[list[str]]) -> Iterator[tuple[int, list[str]]]:
    number = 1
    try:
        for number, cells in enumerate(reader, 2):
            yield number, cells
    except csv.Error:
        raise BadSheet(f"row {number + 1}: {UNQUOTED}") from None
