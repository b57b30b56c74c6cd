"""People of a spreadsheet, as the rules see them: for a group that pairs by hand, without a bot or a database."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Protocol

from bot.cells import Point, between, point
from bot.pairing.rules import Helper, Wish
from bot.sheets import BadSheet, Row, read_sheet
from storage.pairs import BUDDY, SUPPORTER

COLUMNS = (
    "id", "role", "name", "adult", "languages", "interests", "times", "lat", "lon", "place", "capacity", "blocks",
)  # fmt: skip

NEEDED = ("id", "role", "adult", "languages")
"""Besides these, where they live: `lat` and `lon`, or `place`, or both."""

MOST_ROWS = 1_000_000
MOST_CAPACITY = 1000

TOGETHER_KM, COUNTRY_KM, ABROAD_KM = 300.0, 3000.0, 1000.0
"""Rows live together within so far of their middle, or within twice as far as half of them do, which is a country at
most. A row so far away, and three times as far as that, that would be among them with its coordinates swapped has them
swapped."""

OUTSIDE_KM = 50.0
"""Where the middle of all rows is farther than this from any town, and with all coordinates swapped at most a quarter
as far, all are swapped."""

_MOST_PROBLEMS = 20
_YES_NO = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}
_LANGUAGE = re.compile("[a-z]{2,3}([-_][a-z0-9]{2,8})*")
_DEGREES = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class Place(Protocol):
    """What is needed of a place: see `bot.places.Place`."""

    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...


class Places(Protocol):
    """What is needed of `bot.places.Places`."""

    def read(self, text: str, /) -> Place | None: ...
    def km_to_town(self, lat: float, lon: float, /) -> float: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """What a spreadsheet says. The number of a wish or a helper is the row it stands in.

    ids, names  by that number; a name may be ""
    ignored     columns that nobody knows
    strangers   sentences about ids in `blocks` that no row has
    """

    wishes: tuple[Wish, ...]
    helpers: tuple[Helper, ...]
    ids: Mapping[int, str]
    names: Mapping[int, str]
    ignored: tuple[str, ...]
    strangers: tuple[str, ...]


def read_listed(file: Path, places: Places, capacity: int) -> Listed:
    """The supporters and buddies of a sheet, all as consented and approved; `capacity` is for buddies who say none.

    Raises BadSheet with every wrong cell, OSError.
    """
    sheet = read_sheet(file, COLUMNS, NEEDED, MOST_ROWS)
    named = sheet.names
    if "place" not in named and not {"lat", "lon"} <= set(named):
        missing = next((name for name in ("lat", "lon") if {"lat", "lon"} & set(named) and name not in named), "place")
        raise BadSheet(f"row 1 names no column `{missing}`: where people live stands in lat and lon, or in place")
    reading = _Reading(places, capacity)
    people = [person for row in sheet.rows if (person := reading.person(row)) is not None]
    problems = reading.problems + list(_swapped(people, places))
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        raise BadSheet(*problems[:_MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else []))
    apart, strangers = _apart(people, reading.rows)
    return Listed(
        tuple(_wish(each, apart.get(each.row.number, frozenset())) for each in people if each.role == SUPPORTER),
        tuple(_helper(each, apart.get(each.row.number, frozenset())) for each in people if each.role == BUDDY),
        {each.row.number: each.row["id"] for each in people},
        {each.row.number: each.row["name"] for each in people},
        sheet.ignored,
        tuple(strangers),
    )


@dataclass(frozen=True, slots=True)
class _Person:
    row: Row
    role: str
    adult: bool
    languages: tuple[str, ...]
    interests: tuple[str, ...]
    times: tuple[str, ...]
    degrees: tuple[float, float] | None
    capacity: int
    blocks: tuple[str, ...]


@dataclass
class _Reading:
    """Understands rows one by one, and notes what it does not understand."""

    places: Places
    capacity: int
    problems: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    towns: dict[str, tuple[float, float] | None] = field(default_factory=dict)

    def person(self, row: Row) -> _Person | None:
        """The person of a row; None where its id or role is not one."""
        before = len(self.problems)
        first = self.rows.setdefault(row["id"], row.number)
        if not row["id"]:
            self._wrong(row, "id", "is empty: give each person one of their own")
        elif first != row.number:
            self._wrong(row, "id", f"`{row['id']}` stands in row {first} already")
        role, adult = row["role"].casefold(), _YES_NO.get(row["adult"].casefold())
        if role not in (SUPPORTER, BUDDY):
            self._wrong(row, "role", f"{_shown(row['role'])}: write {SUPPORTER} or {BUDDY}")
        if adult is None:
            self._wrong(row, "adult", f"{_shown(row['adult'])}: write yes or no")
        person = _Person(
            row, role, bool(adult), tuple(self._languages(row)), _keys(row["interests"]), _keys(row["times"]),
            self._degrees(row), self._capacity(row), _parts(row["blocks"]),
        )  # fmt: skip
        return person if len(self.problems) == before else None

    def _wrong(self, row: Row, column: str, what: str) -> None:
        self.problems.append(row.wrong(column, what))

    def _languages(self, row: Row) -> Iterator[str]:
        for code in _keys(row["languages"]):
            if not _LANGUAGE.fullmatch(code):
                self._wrong(row, "languages", f"`{code}` is no language: write its code, like es")
            yield code.replace("_", "-")

    def _capacity(self, row: Row) -> int:
        written = row["capacity"]
        if not written or row["role"].casefold() != BUDDY:
            return self.capacity
        if not (written.isascii() and written.isdigit()) or int(written) > MOST_CAPACITY:
            self._wrong(row, "capacity", f"{_shown(written)}: write a whole number from 0 to {MOST_CAPACITY}")
            return 0
        return int(written)

    def _degrees(self, row: Row) -> tuple[float, float] | None:
        """Where they live; None where the row does not say, or says it wrong."""
        if not row["lat"] and not row["lon"]:
            return self._town(row) if row["place"] else None
        lat, lon = _number(row["lat"]), _number(row["lon"])
        for column, number in (("lat", lat), ("lon", lon)):
            if number is None:
                self._wrong(row, column, f"{_shown(row[column])}: write degrees, like 53.8")
        if lat is None or lon is None:
            return None
        if abs(lat) > 90:
            swapped = ": are lat and lon swapped?" if abs(lat) <= 180 and abs(lon) <= 90 else ""
            self._wrong(row, "lat", f"`{row['lat']}` is not from -90 to 90{swapped}")
        if abs(lon) > 180:
            self._wrong(row, "lon", f"`{row['lon']}` is not from -180 to 180")
        return (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None

    def _town(self, row: Row) -> tuple[float, float] | None:
        written = row["place"]
        if written not in self.towns:
            town = self.places.read(written)
            self.towns[written] = None if town is None else (town.lat, town.lon)
        if self.towns[written] is None:
            self._wrong(row, "place", f"`{written}` is no place that is known: write a town near it, or lat and lon")
        return self.towns[written]


def _wish(person: _Person, apart: frozenset[int]) -> Wish:
    return Wish(
        person.row.number, person.languages, person.interests, person.times, adult=person.adult, consented=True,
        not_with=apart, exact=_point(person),
    )  # fmt: skip


def _helper(person: _Person, apart: frozenset[int]) -> Helper:
    return Helper(
        person.row.number, person.languages, person.interests, person.times, adult=person.adult, approved=True,
        capacity=person.capacity, not_with=apart, exact=_point(person),
    )  # fmt: skip


def _point(person: _Person) -> Point | None:
    return None if person.degrees is None else point(*person.degrees)


def _apart(people: Sequence[_Person], rows: Mapping[str, int]) -> tuple[dict[int, frozenset[int]], list[str]]:
    """Whom each row is kept apart from, either of the two having said so; and what was said of nobody."""
    apart: dict[int, set[int]] = {}
    strangers = []
    for person in people:
        for each in person.blocks:
            if each not in rows:
                strangers.append(person.row.wrong("blocks", f"no row has the id `{each}`"))
                continue
            apart.setdefault(person.row.number, set()).add(rows[each])
            apart.setdefault(rows[each], set()).add(person.row.number)
    return {row: frozenset(others) for row, others in apart.items()}, strangers


def _swapped(people: Sequence[_Person], places: Places) -> Iterator[str]:
    """Rows far from all others, that would be among them with lat and lon the other way round; or all rows, where only
    so they are near any town."""
    placed = [(each.row, each.degrees) for each in people if each.degrees is not None and each.row["lat"]]
    if not placed:
        return
    north, east = median(lat for _, (lat, _) in placed), median(lon for _, (_, lon) in placed)
    middle = point(north, east)
    far = [between(middle, point(*degrees)) for _, degrees in placed]
    together = max(TOGETHER_KM, 2 * sorted(far)[len(far) // 2])
    if together > COUNTRY_KM:
        return
    if abs(east) <= 90 and _outside(places, north, east):
        for row, _ in placed:
            yield row.wrong("lat", f"`{row['lat']}`, with lon `{row['lon']}`, looks swapped: so nobody is near a town")
        return
    for (row, (lat, lon)), km in zip(placed, far, strict=True):
        abroad = km > max(ABROAD_KM, 3 * together)
        if abroad and abs(lon) <= 90 and between(middle, point(lon, lat)) <= together:
            yield row.wrong(
                "lat", f"`{row['lat']}`, with lon `{row['lon']}`, looks swapped: so it is far from all others"
            )


def _outside(places: Places, north: float, east: float) -> bool:
    """Whether no town is near this point, and one is with the two swapped."""
    far = places.km_to_town(north, east)
    return far > OUTSIDE_KM and places.km_to_town(east, north) * 4 <= far


def _number(written: str) -> float | None:
    number = float(written.replace(",", ".")) if _DEGREES.fullmatch(written) else math.inf
    return number if math.isfinite(number) else None


def _parts(written: str) -> tuple[str, ...]:
    """The parts of a list in a cell, each once, as written."""
    return tuple(dict.fromkeys(filter(None, map(str.strip, written.replace(",", ";").split(";")))))


def _keys(written: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.casefold() for part in _parts(written)))


def _shown(written: str) -> str:
    return f"`{written}`" if written else "is empty"
