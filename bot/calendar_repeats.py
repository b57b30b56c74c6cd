"""When an event of a calendar file takes place again: the repetitions that Google, Apple and Outlook offer. Pure.

All arithmetic is on the clock of the event's own zone, so that "every Saturday at 10" is at 10 on both sides of a night
on which the clocks change (RFC 5545, 3.3.10).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.new_actions import MOST_TIMES

ENDLESS = timedelta(days=182)
"""How far ahead a repetition without an end is taken: half a year."""

_DAYS = {name: number for number, name in enumerate("MO TU WE TH FR SA SU".split())}
_KNOWN = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "WKST", "BYSETPOS"})


class NotUnderstood(Exception):
    """A rule that is none of those that are known here."""


def occurrences(event: Any, first: datetime, now: datetime) -> tuple[list[datetime], bool]:
    """The beginnings of an event, first at `first` (aware, in its own zone), and whether its rule has no end.

    Of a rule without an end, those within `ENDLESS` from now; of any, at most `MOST_TIMES`. Raises NotUnderstood.
    """
    rule = event.get("RRULE")
    found, endless = {first}, False
    if rule is not None:
        times, endless = _by_rule(rule, first, now)
        found = set(times)
    # What is left out or added is a moment, however it is written: in UTC, or on the event's own clock.
    found |= set(_listed(event.get("RDATE"), first))
    left_out = {at.astimezone(UTC) for at in _listed(event.get("EXDATE"), first)}
    return sorted(at for at in found if at.astimezone(UTC) not in left_out)[:MOST_TIMES], endless


def _by_rule(rule: Any, first: datetime, now: datetime) -> tuple[list[datetime], bool]:
    if isinstance(rule, list) or rule.keys() - _KNOWN or ("BYDAY" in rule and "BYMONTHDAY" in rule):
        raise NotUnderstood
    count, until = int(_one(rule, "COUNT", 0)), _one(rule, "UNTIL", None)
    last = None if until is None else _moment(until, first)
    endless = not count and last is None
    end = now + ENDLESS if last is None else last
    found: list[datetime] = []
    for day in _days(rule, first.date()):
        at = datetime.combine(day, first.time(), tzinfo=first.tzinfo)
        if day < first.date():
            continue
        if (not count and at > end) or len(found) >= (min(count, MOST_TIMES) or MOST_TIMES):
            break
        found.append(at)
    return found, endless


def _days(rule: Any, first: date) -> Iterator[date]:
    """The days of a rule without an end, from the week or month of the first one on."""
    every = int(_one(rule, "INTERVAL", 1))
    named = [str(each).upper() for each in rule.get("BYDAY", [])]
    freq = str(_one(rule, "FREQ", "")).upper()
    if every < 1:
        raise NotUnderstood
    if "BYSETPOS" in rule and not (freq == "MONTHLY" and named):
        raise NotUnderstood
    if freq == "DAILY" and not named and "BYMONTHDAY" not in rule:
        yield from (first + timedelta(days=every * step) for step in range(MOST_TIMES))
    elif freq == "WEEKLY" and all(name in _DAYS for name in named):
        monday = first - timedelta(days=first.weekday())
        days = sorted(_DAYS[name] for name in named) or [first.weekday()]
        for step in range(MOST_TIMES):
            yield from (monday + timedelta(days=7 * every * step + day) for day in days)
    elif freq == "MONTHLY":
        for step in range(MOST_TIMES):
            month = first.month - 1 + every * step
            yield from _in_month(rule, named, first, first.year + month // 12, month % 12 + 1)
    else:
        raise NotUnderstood


def _in_month(rule: Any, named: list[str], first: date, year: int, month: int) -> Iterator[date]:
    """The days of one month: "2SA" is its second Saturday, "-1FR" its last Friday; Outlook writes these as "SA" and the
    second of them (MS-OXCICAL, 2.1.3.2.2.4). One that it has not is left out."""
    length = ((date(year, month, 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
    days = []
    for name in named:
        which, weekday = name[:-2], _DAYS.get(name[-2:])
        if weekday is None or not (which or "1").lstrip("+-").isdigit():
            raise NotUnderstood
        fitting = [day for day in range(1, length + 1) if date(year, month, day).weekday() == weekday]
        days += _picked(fitting, int(which)) if which else fitting
    if not named:
        wanted = [int(str(day)) for day in rule.get("BYMONTHDAY", [first.day])]
        days = [day if day > 0 else length + 1 + day for day in wanted]
    days.sort()
    if "BYSETPOS" in rule:
        days = _picked(days, int(_one(rule, "BYSETPOS", 1)))
    yield from (date(year, month, day) for day in days if 1 <= day <= length)


def _picked(days: list[int], at: int) -> list[int]:
    """The first of these days for 1, the last for -1; none where there are not so many."""
    return days[at - 1 : at] if at > 0 else days[at:][:1] if -at <= len(days) else []


def _one(rule: Any, name: str, without: Any) -> Any:
    value = rule.get(name, [without])
    return value[0] if isinstance(value, list) else value


def _moment(value: date, first: datetime) -> datetime:
    """A day means its last second; a time without a zone is on the event's own clock."""
    if not isinstance(value, datetime):
        return datetime.combine(value, datetime.max.time(), tzinfo=first.tzinfo)
    return value if value.tzinfo else value.replace(tzinfo=first.tzinfo)


def _listed(value: Any, first: datetime) -> list[datetime]:
    """The moments of one or several RDATE or EXDATE lines; whole days mean the event's own time on them."""
    found = []
    for line in value if isinstance(value, list) else [] if value is None else [value]:
        for each in line.dts:
            day = each.dt
            if isinstance(day, datetime):
                found.append((day if day.tzinfo else day.replace(tzinfo=first.tzinfo)).astimezone(first.tzinfo))
            elif isinstance(day, date):
                found.append(datetime.combine(day, first.time(), tzinfo=first.tzinfo))
    return found
