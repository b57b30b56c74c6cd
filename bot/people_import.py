"""People from a spreadsheet: who they are, and a one-time code for each with which they come to the bot."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from bot.everyone import everyone
from bot.group import Group
from bot.sheets import BadSheet, Row, read_sheet
from flows.model import Library, Value
from flows.prepared import prepared
from flows.states import AskState
from flows.words import fold, tidy
from storage.transaction import Transaction

COLUMNS = ("name", "language", "role", "place", "interests", "times", "adult")

GOOD_FOR = timedelta(days=90)
"""How long the codes can be used."""

_LONGEST_NAME = 40
_MOST_PROBLEMS = 20
_YES_NO = {"yes": "yes", "y": "yes", "true": "yes", "1": "yes", "no": "no", "n": "no", "false": "no", "0": "no"}


class Place(Protocol):
    """What is needed of a place: see `bot.places.Place`."""

    @property
    def name(self) -> str: ...
    @property
    def cell(self) -> str: ...


class Places(Protocol):
    """What is needed of `bot.places.Places`."""

    def read(self, text: str, /) -> Place | None: ...


@dataclass(frozen=True, slots=True)
class Newcomer:
    """One row that was understood. `district` is an H3 cell; "" where no place is given."""

    row: int
    language: str
    role: str
    district: str
    fields: Mapping[str, Value]
    code: str

    @property
    def looks(self) -> tuple[str, str]:
        """By what someone is recognized who was imported before."""
        return looks(self.fields)


def looks(fields: Mapping[str, Value]) -> tuple[str, str]:
    """The name and place of someone, as they are compared."""
    return fold(str(fields.get("name") or "")), fold(str(fields.get("place") or ""))


def read_people(
    file: Path, group: Group, library: Library, places: Places
) -> tuple[tuple[Newcomer, ...], tuple[str, ...]]:
    """The people of a sheet, and the columns that were ignored. Raises BadSheet with every wrong cell, OSError."""
    sheet = read_sheet(file, COLUMNS, ["name"])
    reading = _Reading(group, places, {field: _known(library, f"me.{field}") for field in ("interests", "times")})
    people = tuple(reading.newcomer(row) for row in sheet.rows)
    if reading.problems:
        more = len(reading.problems) - _MOST_PROBLEMS
        shown = reading.problems[:_MOST_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
        raise BadSheet(*shown)
    return people, sheet.ignored


async def doubles(tx: Transaction, people: Sequence[Newcomer]) -> list[Newcomer]:
    """Those who look as if they were here already: the same name, and the same place."""
    here = {looks(known.fields) async for known in everyone(tx)}
    return [each for each in people if each.looks in here]


async def add_people(tx: Transaction, people: Sequence[Newcomer], capacity: int) -> None:
    """Adds them all, each with their code. Whom the organizer lists as a buddy is approved by that."""
    for each in people:
        person_id = await tx.people.invite(each.language, each.fields, each.role)
        if each.district:
            await tx.people.save(person_id, each.fields, district=each.district)
        if each.role:
            await tx.buddies.serve(person_id, capacity=capacity, approved_at=tx.now)
        await tx.links.make(person_id, each.code, tx.now + GOOD_FOR)


class _Reading:
    """Understands rows, and notes what it does not understand."""

    def __init__(self, group: Group, places: Places, known: Mapping[str, Mapping[str, str]]) -> None:
        self.problems: list[str] = []
        self._group = group
        self._places = places
        self._known = known
        self._languages = {language.casefold(): language for language in group.languages}

    def newcomer(self, row: Row) -> Newcomer:
        language = self._one(row, "language", self._languages) or self._group.languages[0]
        role = self._one(row, "role", {"supporter": "", "buddy": "buddy"})
        fields: dict[str, Value] = {"name": self._name(row), "language": language}
        place = self._place(row)
        if place is not None:
            fields["place"] = place.name
        if adult := self._one(row, "adult", _YES_NO):
            fields["adult"] = adult
        for column, known in self._known.items():
            if several := tuple(dict.fromkeys(self._several(row, column, known))):
                fields[column] = several
        code = secrets.token_urlsafe(12)
        return Newcomer(row.number, language, role, place.cell if place else "", fields, code)

    def _name(self, row: Row) -> str:
        name = tidy(row["name"])
        if not name or len(name) > _LONGEST_NAME:
            self.problems.append(row.wrong("name", f"must have 1 to {_LONGEST_NAME} letters"))
        return name

    def _one(self, row: Row, column: str, known: Mapping[str, str]) -> str:
        written = row[column]
        if not written or written.casefold() in known:
            return known.get(written.casefold(), "")
        self.problems.append(row.wrong(column, f"`{written}` is none of {', '.join(known)}"))
        return ""

    def _place(self, row: Row) -> Place | None:
        place = self._places.read(row["place"]) if row["place"] else None
        if row["place"] and place is None:
            self.problems.append(
                row.wrong("place", f"`{row['place']}` is no place that is known: write a town near it")
            )
        return place

    def _several(self, row: Row, column: str, known: Mapping[str, str]) -> Iterator[str]:
        for written in (part.strip() for part in row[column].replace(",", ";").split(";")):
            key = known.get(fold(written)) if known else written
            if key:
                yield key
            elif written:
                what = f"`{written}` is none of {', '.join(dict.fromkeys(known.values()))}"
                self.problems.append(row.wrong(column, what))


def _known(library: Library, field: str) -> dict[str, str]:
    """{what may be written, folded: the key} of the choices that flows offer for a field; empty: anything."""
    found: dict[str, str] = {}
    for state in (state for flow in library.flows.values() for state in flow.states.values()):
        if isinstance(state, AskState) and state.save == field:
            for key, forms in prepared(library).forms(state):
                found |= {fold(form): key for form in forms}
    return found
