"""Actions as an organizer writes them: on the command line, in a spreadsheet, in a calendar file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path

from bot.do.actions import new_code
from bot.others import tell
from bot.places import Place, Places
from bot.proposals import FARTHEST, LONGEST
from bot.sheets import BadSheet, read_sheet
from flows.times import duration
from flows.words import tidy
from storage.actions import PUBLISHED
from storage.transaction import Transaction

COLUMNS = (
    "title", "what", "kind", "starts", "ends", "place", "address", "capacity", "goal", "bring", "campaign",
)  # fmt: skip

USUALLY = timedelta(hours=2)
"""How long an action takes whose end nobody wrote down."""

_LIMITS = {"title": 100, "kind": 40, "address": 300, "campaign": 100, "what": 2000}
_DAY_AND_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]+(\d{1,2}:\d{2})(?::00)?")
_TIME = re.compile(r"\d{1,2}:\d{2}")


@dataclass(frozen=True, slots=True)
class NewAction:
    """An action that was understood; `storage.actions.Action` says what its fields mean. `bring`: what is needed."""

    title: str
    starts_at: datetime
    ends_at: datetime
    what: str = ""
    kind: str = ""
    district: str = ""
    cell: str = ""
    address: str = ""
    capacity: int | None = None
    goal: int = 0
    campaign: str = ""
    bring: tuple[str, ...] = ()


class BadCells(Exception):
    """What is wrong, by column: {column: a sentence}."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


def understand(cells: Mapping[str, str], zone: tzinfo, places: Places, now: datetime) -> NewAction:
    """The action that texts by `COLUMNS` mean, times being of this zone. Raises BadCells with all that is wrong."""
    reading = _Reading(cells, zone, now)
    plain = {column: reading.text(column) for column in _LIMITS}
    starts_at, ends_at = reading.times()
    place = reading.place(places)
    bring = tuple(filter(None, (tidy(each) for each in cells.get("bring", "").split(";"))))
    capacity, goal = reading.number("capacity"), reading.number("goal")
    if reading.problems or starts_at is None or ends_at is None:
        raise BadCells(reading.problems)
    district, cell = (place.name, place.cell) if place else ("", "")
    return NewAction(
        **plain, starts_at=starts_at, ends_at=ends_at, district=district, cell=cell, capacity=capacity or None,
        goal=goal or 0, bring=bring,
    )  # fmt: skip


def read_actions(
    file: Path, zone: tzinfo, places: Places, now: datetime
) -> tuple[tuple[NewAction, ...], tuple[str, ...]]:
    """The actions of a spreadsheet, and the columns that were ignored. Raises BadSheet with every wrong cell."""
    sheet = read_sheet(file, COLUMNS, ["title", "starts"])
    actions, problems = [], []
    for row in sheet.rows:
        try:
            actions.append(understand(row.cells, zone, places, now))
        except BadCells as error:
            problems += [row.wrong(column, what) for column, what in error.problems.items()]
    if problems:
        raise BadSheet(*problems[:20])
    return tuple(actions), sheet.ignored


async def add_action(tx: Transaction, action: NewAction, zone: str, host_id: int | None = None) -> int:
    """Publishes an action; its number. Its host is told."""
    number = await tx.actions.add(
        title=action.title, what=action.what, kind=action.kind, district=action.district, cell=action.cell,
        address=action.address, starts_at=action.starts_at, ends_at=action.ends_at, zone=zone,
        capacity=action.capacity, goal=action.goal, code=new_code(), state=PUBLISHED, host_id=host_id,
        campaign=action.campaign,
    )  # fmt: skip
    for need in action.bring:
        await tx.actions.add_need(number, need)
    if host_id is None:
        await tx.ledger.add(None, "action.published", subject=f"action:{number}")
    else:
        await tell(tx, host_id, "action.published", {"action": number})
    return number


async def missing(tx: Transaction, actions: Sequence[NewAction]) -> list[NewAction]:
    """Those that are not here yet, each once: of one title, at one time, there is one."""
    if not actions:
        return []
    starts = [action.starts_at for action in actions]
    here = {(each.title, each.starts_at) for each in await tx.actions.between(min(starts), max(starts))}
    new = {(each.title, each.starts_at): each for each in actions}
    return [action for key, action in new.items() if key not in here]


class _Reading:
    """Understands the cells of one action, and notes what it does not understand."""

    def __init__(self, cells: Mapping[str, str], zone: tzinfo, now: datetime) -> None:
        self.problems: dict[str, str] = {}
        self._cells = cells
        self._zone = zone
        self._now = now

    def text(self, column: str) -> str:
        text, most = tidy(self._cells.get(column, "")), _LIMITS[column]
        if len(text) > most:
            self.problems[column] = f"is longer than {most} letters"
        if column == "title" and not text:
            self.problems[column] = "is missing"
        return text

    def number(self, column: str) -> int | None:
        written = self._cells.get(column, "").strip()
        if not written:
            return None
        if not (written.isascii() and written.isdigit()) or not 0 < int(written) < 1_000_000:
            self.problems[column] = f"`{written}` is no number of people"
            return None
        return int(written)

    def place(self, places: Places) -> Place | None:
        written = self._cells.get("place", "").strip()
        place = places.read(written) if written else None
        if written and place is None:
            self.problems["place"] = f"`{written}` is not known: write the name of a town near it"
        return place

    def times(self) -> tuple[datetime | None, datetime | None]:
        starts_at = self._moment("starts", None)
        if starts_at is None:
            return None, None
        if starts_at > self._now + FARTHEST:
            self.problems["starts"] = f"`{self._cells['starts']}` is more than {FARTHEST.days} days away"
        written = self._cells.get("ends", "").strip()
        length = duration(written) if written else USUALLY
        ends_at = starts_at + length if length else self._moment("ends", starts_at.astimezone(self._zone).date())
        if ends_at is not None and not starts_at < ends_at <= starts_at + LONGEST:
            self.problems["ends"] = f"`{written}` is not after the start, or more than {LONGEST.days} days later"
        return starts_at, ends_at

    def _moment(self, column: str, day: date | None) -> datetime | None:
        written = self._cells.get(column, "").strip()
        naive: datetime | None = None
        try:
            if day is not None and _TIME.fullmatch(written):
                naive = datetime.combine(day, _time(written))
            else:
                found = _DAY_AND_TIME.fullmatch(written)
                naive = datetime.combine(date.fromisoformat(found[1]), _time(found[2])) if found else None
        except ValueError:
            pass  # a day or an hour that there is not
        if naive is None:
            what = f"`{written}` is no moment" if written else "is missing"
            self.problems[column] = f"{what}: write it like 2026-06-06 10:00"
            return None
        at = naive.replace(tzinfo=self._zone).astimezone(UTC)
        if at.astimezone(self._zone).replace(tzinfo=None) != naive:
            self.problems[column] = f"`{written}` does not exist: the clocks go forward then"
        return at


def _time(written: str) -> time:
    hour, minute = written.split(":")
    return time(int(hour), int(minute))
