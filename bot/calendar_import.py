"""Actions from a calendar file (.ics), as other calendars write them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from icalendar import Calendar

from bot.new_actions import USUALLY, NewAction
from bot.places import Places
from bot.proposals import FARTHEST, LONGEST
from bot.sheets import BadSheet
from flows.words import tidy


def read_calendar(
    file: Path, zone: tzinfo, places: Places, now: datetime
) -> tuple[tuple[NewAction, ...], tuple[str, ...]]:
    """The events of a calendar that have an hour, and a sentence for each that was left out or taken only once.

    Times without a zone are of this zone. Of a place that is not known only the address is kept. Raises BadSheet,
    OSError.
    """
    try:
        calendar = Calendar.from_ical(file.read_bytes())
    except (ValueError, IndexError, KeyError) as error:
        raise BadSheet("this is no calendar file") from error
    actions, notes = [], []
    for event in calendar.walk("VEVENT"):
        title = tidy(str(event.get("SUMMARY", "")))[:100]
        why = _why_not(event, title, zone, now)
        if why:
            notes.append(f"{title or 'an event without a title'}: {why}")
            continue
        if "RRULE" in event or "RDATE" in event:
            notes.append(f"{title}: it is repeated; only the first time was taken")
        actions.append(_action(event, title, zone, places))
    return tuple(actions), tuple(notes)


def _why_not(event: Any, title: str, zone: tzinfo, now: datetime) -> str:
    starts, ends = (_moment(event, which, zone) for which in ("DTSTART", "DTEND"))
    if not title:
        return "left out"
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return "it is cancelled"
    if starts is None:
        return "it has no hour"
    if starts > now + FARTHEST:
        return "it is too far away"
    if not timedelta(0) < (ends or starts + _length(event)) - starts <= LONGEST:
        return "its end makes no sense"
    return ""


def _action(event: Any, title: str, zone: tzinfo, places: Places) -> NewAction:
    starts = _moment(event, "DTSTART", zone)
    assert starts is not None, "it was looked at before"
    address = tidy(str(event.get("LOCATION", "")))[:300]
    place = next(filter(None, (places.read(part) for part in _parts(address))), None)
    return NewAction(
        title,
        starts,
        _moment(event, "DTEND", zone) or starts + _length(event),
        what=str(event.get("DESCRIPTION", "")).strip()[:2000],
        district=place.name if place else "",
        cell=place.cell if place else "",
        address=address,
    )


def _parts(address: str) -> Iterator[str]:
    """The whole, then its parts from the last: towns stand behind streets."""
    if address:
        yield address
        yield from (part for part in reversed([part.strip() for part in address.split(",")[1:]]) if part)


def _moment(event: Any, which: str, zone: tzinfo) -> datetime | None:
    value = getattr(event.get(which), "dt", None)
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _length(event: Any) -> timedelta:
    value = getattr(event.get("DURATION"), "dt", None)
    return value if isinstance(value, timedelta) else USUALLY
