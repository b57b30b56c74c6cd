"""A group's own names of places, in a spreadsheet that it keeps: `name,lat,lon`, and if it likes `also`."""

import csv
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from bot.spellings import key

_NEEDED = ("name", "lat", "lon")


@dataclass(frozen=True, slots=True)
class District:
    """A place as the group calls it. `also`: what else people call it. Degrees."""

    name: str
    lat: float
    lon: float
    also: tuple[str, ...] = ()


def read(file: Path) -> tuple[District, ...]:
    """The districts of a CSV file, as spreadsheets write it: commas, semicolons or tabs, with a byte-order mark or not.

    Raises ValueError with everything that is wrong, one line each, `FILE:ROW: COLUMN: what`; OSError as files do.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file.name}: save it as UTF-8: byte {error.start + 1} is none") from None
    head = text.partition("\n")[0]
    rows = csv.DictReader(StringIO(text), delimiter=max(",;\t", key=head.count))
    rows.fieldnames = [name.strip().casefold() for name in rows.fieldnames or ()]
    wrong = [f"{file.name}:1: {name}: this column is missing" for name in _NEEDED if name not in rows.fieldnames]
    found: list[District] = []
    taken: dict[str, int] = {}
    for row in rows if not wrong else ():
        place = f"{file.name}:{rows.line_num}"
        cells = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
        if not any(cells.values()):
            continue
        also = tuple(part.strip() for part in cells.get("also", "").replace("|", "/").split("/") if part.strip())
        wrong += _clashes(place, (cells["name"], *also), taken, rows.line_num)
        lat, lon = _degrees(cells["lat"]), _degrees(cells["lon"])
        if lat is None or not -90 <= lat <= 90:
            swapped = ": are lat and lon swapped?" if lat is not None and -180 <= lat <= 180 else ""
            wrong.append(f"{place}: lat: write degrees from -90 to 90{swapped}")
        elif lon is None or not -180 <= lon <= 180:
            wrong.append(f"{place}: lon: write degrees from -180 to 180")
        else:
            found.append(District(cells["name"], lat, lon, also))
    if wrong:
        raise ValueError("\n".join(wrong))
    return tuple(found)


def _clashes(place: str, names: tuple[str, ...], taken: dict[str, int], row: int) -> list[str]:
    """What is wrong with the names of a row; those that are fine are `taken` by it from now on."""
    wrong = []
    for column, name in zip(("name", *["also"] * len(names)), names, strict=False):
        if not key(name):
            wrong.append(f"{place}: {column}: write a name")
        elif taken.setdefault(key(name), row) != row:
            wrong.append(f"{place}: {column}: {name} stands in row {taken[key(name)]} too")
    return wrong


def _degrees(written: str) -> float | None:
    try:
        return float(written.replace(",", "."))
    except ValueError:
        return None
