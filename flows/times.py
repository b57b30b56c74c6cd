"""Durations as organizers write them, and the hours in which nobody is written to."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}
LONGEST = timedelta(days=5 * 366)
"""Nobody means to wait longer than this: a longer duration is a slip of the pen."""

_PART = re.compile(r"(\d{1,7})\s*(second|minute|min|hour|day|week)s?", re.IGNORECASE)
_WHOLE = re.compile(rf"{_PART.pattern}(?:(?:\s*,\s*|\s*and\s*|\s*){_PART.pattern})*", re.IGNORECASE)
_SIDED = re.compile(r"(?P<sign>[-+])?\s*(?P<length>.*?)\s*(?P<side>before|after)?", re.IGNORECASE)


def _parts(written: str) -> dict[str, int] | None:
    if len(written) > 100 or not _WHOLE.fullmatch(written.strip()):
        return None
    parts: dict[str, int] = {}
    for amount, unit in _PART.findall(written):
        name = {"min": "minute"}.get(unit.lower(), unit.lower())
        parts[name] = parts.get(name, 0) + int(amount)
    return parts


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """A time zone by its IANA name; UTC where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


@lru_cache(maxsize=1024)
def duration(written: str) -> timedelta | None:
    """`2 days`, `1 hour 30 minutes`: how long, a day being 24 hours; None if it is not a duration above zero."""
    parts = _parts(written)
    if parts is None:
        return None
    length = timedelta(seconds=sum(amount * UNITS[unit] for unit, amount in parts.items()))
    return length if timedelta(0) < length <= LONGEST else None


def looks_like_duration(written: str) -> bool:
    """Whether someone meant a duration, right or wrong: it begins with a digit or a sign."""
    return written.lstrip("+- ")[:1].isdigit()


@dataclass(frozen=True, slots=True)
class Offset:
    """So many calendar days and so much time, before (negative) or after something."""

    days: int
    rest: timedelta

    @property
    def length(self) -> timedelta:
        """With a day of 24 hours."""
        return timedelta(days=self.days) + self.rest


def offset(written: str) -> Offset | None:
    """`-1 day`, `2 hours before`, `+30 minutes`, `0`: where from a happening; None if it is none of these."""
    if written.strip() == "0":
        return Offset(0, timedelta(0))
    match = _SIDED.fullmatch(written.strip())
    parts = _parts(match["length"]) if match else None
    if match is None or parts is None or (match["sign"] and match["side"]):
        return None
    sign = -1 if match["sign"] == "-" or (match["side"] or "").lower() == "before" else 1
    days = parts.pop("day", 0) + 7 * parts.pop("week", 0)
    rest = timedelta(seconds=sum(amount * UNITS[unit] for unit, amount in parts.items()))
    found = Offset(sign * days, sign * rest)
    return found if abs(found.length) <= LONGEST else None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A part of each day in which nobody is written to by themselves, in the reader's own zone."""

    begins: time
    ends: time

    @classmethod
    def read(cls, written: str) -> "QuietHours | None":
        """`21:00-08:00`; an empty text is no quiet hours. Raises ValueError if it is neither."""
        if not written.strip():
            return None
        begins, ends = (time.fromisoformat(each.strip()) for each in written.split("-"))
        if begins.tzinfo or ends.tzinfo:
            raise ValueError(f"{written} names a zone")
        return cls(begins, ends)

    def next_allowed(self, moment: datetime, zone_name: str) -> datetime:
        """`moment` (aware) itself, or the end of the quiet hours it falls into, in the moment's own zone."""
        local = moment.astimezone(zone(zone_name))
        clock = local.time().replace(tzinfo=None)
        over_night = self.begins > self.ends
        if self.begins == self.ends:
            return moment
        quiet = (clock >= self.begins or clock < self.ends) if over_night else self.begins <= clock < self.ends
        if not quiet:
            return moment
        day = local.date() + timedelta(days=1 if over_night and clock >= self.begins else 0)
        end = datetime.combine(day, self.ends, tzinfo=local.tzinfo)
        return max(moment, end.astimezone(moment.tzinfo))
