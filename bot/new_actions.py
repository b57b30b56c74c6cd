"""Actions as an organizer writes them: on the command line, in a spreadsheet, in a calendar file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.codes import new_secret
from bot.others import tell
from bot.places import Place, Places
from bot.proposals import FARTHEST, LONGEST
from bot.sheets import BadSheet, read_sheet
from flows.times import duration
from flows.times import zone as zone_of
from flows.words import tidy
from storage.actions import PUBLISHED, Action
from storage.transaction import Transaction

COLUMNS = (
    "title", "what", "kind", "starts", "ends", "zone", "place", "address", "capacity", "goal", "bring", "campaign",
    "materials", "cohort",
)  # fmt: skip

USUALLY = timedelta(hours=2)
"""How long an action takes whose end nobody wrote down."""

MOST_TIMES = 366
"""Of one series."""

_LIMITS = {"title": 100, "kind": 40, "address": 300, "campaign": 100, "what": 2000, "materials": 2000, "cohort": 100}
_EVERY = re.compile(r"(?:every )?(?:([1-9]\d?) )?(day|week)s?", re.IGNORECASE)
_DAY_AND_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]+(\d{1,2}:\d{2})(?::00)?")
_TIME = re.compile(r"\d{1,2}:\d{2}")


@dataclass(frozen=True, slots=True)
class NewAction:
    """An action that was understood; `storage.actions.Action` says what its fields mean. `bring`: what is needed;
    `zone` is "" where it is the group's; `cohort`: the campaign it belongs to, if the same people go through it."""

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
    zone: str = ""
    materials: str = ""
    cohort: str = ""


class BadCells(Exception):
    """What is wrong, by column: {column: a sentence}."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


def understand(cells: Mapping[str, str], zone: str, places: Places, now: datetime) -> NewAction:
    """The action that texts by `COLUMNS` mean, times being of this zone (an IANA name) unless they name another.
    Raises BadCells with all that is wrong."""
    own, wrong = _zone(cells.get("zone", ""))
    reading = _Reading(cells, zone_of(own or zone), now)
    if wrong:
        reading.problems["zone"] = wrong
    plain = {column: reading.text(column) for column in _LIMITS}
    starts_at, ends_at = reading.times()
    place = reading.place(places)
    bring = tuple(filter(None, (tidy(each) for each in cells.get("bring", "").split(";"))))
    capacity, goal = reading.number("capacity"), reading.number("goal")
    if plain["cohort"] and plain["campaign"] and plain["cohort"] != plain["campaign"]:
        reading.problems["cohort"] = "is a campaign of its own: write one of the two, campaign or cohort"
    if reading.problems or starts_at is None or ends_at is None:
        raise BadCells(reading.problems)
    district, cell = (place.name, place.cell) if place else ("", "")
    return NewAction(
        **plain, starts_at=starts_at, ends_at=ends_at, district=district, cell=cell, capacity=capacity or None,
        goal=goal or 0, bring=bring, zone=own,
    )  # fmt: skip


def changes(before: Action, cells: Mapping[str, str], places: Places, now: datetime) -> dict[str, object]:
    """What these texts change of an action: {field: value}. Times are of its own zone; where only the beginning is
    given, it takes as long as before. Raises BadCells with all that is wrong."""
    zone = zone_of(before.zone)
    reading = _Reading({"starts": f"{before.starts_at.astimezone(zone):%Y-%m-%d %H:%M}", **cells}, zone, now)
    new: dict[str, object] = {column: reading.text(column) for column in cells if column in _LIMITS}
    new |= {column: number for column in ("capacity", "goal") if (number := reading.number(column)) is not None}
    if place := reading.place(places):
        new |= {"district": place.name, "cell": place.cell}
    if "starts" in cells or "ends" in cells:
        starts_at, ends_at = reading.times(before.ends_at - before.starts_at)
        if starts_at is not None and starts_at <= now:
            reading.problems["starts"] = f"`{cells.get('starts', '')}` is past"
        new |= {"starts_at": starts_at, "ends_at": ends_at}
    if reading.problems:
        raise BadCells(reading.problems)
    return new


def as_cells(action: Action) -> dict[str, str]:
    """The texts that `changes` reads, as they are now; times in its own zone."""
    here = zone_of(action.zone)
    return {
        "title": action.title, "what": action.what, "kind": action.kind, "place": action.district,
        "address": action.address, "capacity": str(action.capacity or ""), "goal": str(action.goal or ""),
        "starts": f"{action.starts_at.astimezone(here):%Y-%m-%d %H:%M}",
        "ends": f"{action.ends_at.astimezone(here):%H:%M}",
    }  # fmt: skip


def repeated(one: NewAction, zone: str, every: str, times: int | None, until: str) -> tuple[NewAction, ...]:
    """A series of it: "week", "2 weeks" or "day", so many times or until a day (2026-08-31, that day included); only
    itself where `every` is "". The clock shows the same each time, whatever the clocks do. Raises BadCells."""
    if not every:
        if times or until:
            raise BadCells({"every": "is missing: write day, week or 2 weeks"})
        return (one,)
    found = _EVERY.fullmatch(every.strip())
    if found is None:
        raise BadCells({"every": f"`{every}` is not understood: write day, week or 2 weeks"})
    if (times is None) == (not until):
        raise BadCells({"every": "needs how many times, or until which day, and only one of them"})
    step = timedelta(days=int(found[1] or 1) * (7 if found[2].lower() == "week" else 1))
    here = zone_of(one.zone or zone)
    last = None
    try:
        last = date.fromisoformat(until) if until else None
    except ValueError:
        raise BadCells({"until": f"`{until}` is no day: write it like 2026-08-31"}) from None
    first = one.starts_at.astimezone(here)
    if last is not None and last < first.date():
        raise BadCells({"until": f"`{until}` is before the beginning"})
    count = times if last is None else (last - first.date()) // step + 1
    count = min(count or 1, FARTHEST // step)
    if count > MOST_TIMES:
        raise BadCells({"every": f"comes to {count} actions: {MOST_TIMES} is the most at once"})
    return tuple(moved(one, first + number * step) for number in range(count))


def moved(one: NewAction, local: datetime) -> NewAction:
    """The same at another time (a local one): as long, and an hour that the clocks skip is made up for after it."""
    starts_at = local.replace(fold=0).astimezone(UTC)
    return replace(one, starts_at=starts_at, ends_at=starts_at + (one.ends_at - one.starts_at))


def read_actions(file: Path, zone: str, places: Places, now: datetime) -> tuple[tuple[NewAction, ...], tuple[str, ...]]:
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


def comes_twice(action: NewAction, zone: str) -> bool:
    """Whether the clocks go back then, so that its hour comes twice, and it is the first. `zone`: the group's."""
    local = action.starts_at.astimezone(zone_of(action.zone or zone))
    return not local.fold and local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


async def add_action(tx: Transaction, action: NewAction, zone: str, host_id: int | None = None) -> int:
    """Publishes an action; its number. Its host is told."""
    number = await tx.actions.add(
        title=action.title, what=action.what, kind=action.kind, district=action.district, cell=action.cell,
        address=action.address, starts_at=action.starts_at, ends_at=action.ends_at, zone=action.zone or zone,
        capacity=action.capacity, goal=action.goal, secret=new_secret(), state=PUBLISHED, host_id=host_id,
        campaign=action.campaign or action.cohort, materials=action.materials,
    )  # fmt: skip
    if action.cohort:
        await tx.campaigns.make_cohort(action.cohort)
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

    def times(self, usually: timedelta = USUALLY) -> tuple[datetime | None, datetime | None]:
        starts_at = self._moment("starts", None)
        if starts_at is None:
            return None, None
        if starts_at > self._now + FARTHEST:
            self.problems["starts"] = f"`{self._cells['starts']}` is more than {FARTHEST.days} days away"
        written = self._cells.get("ends", "").strip()
        length = duration(written) if written else usually
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


def _zone(written: str) -> tuple[str, str]:
    """The IANA name that is meant ("" for none), and what is wrong with it."""
    name = written.strip()
    try:
        if name:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "", f"`{name}` is no time zone: write it like Europe/Madrid"
    return name, ""


def _time(written: str) -> time:
    hour, minute = written.split(":")
    return time(int(hour), int(minute))
