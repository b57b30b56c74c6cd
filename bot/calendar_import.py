"""Actions from a calendar file (.ics), as other calendars write them."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from icalendar import Calendar
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from bot.calendar_repeats import ENDLESS, NotUnderstood, occurrences
from bot.new_actions import USUALLY, NewAction, moved
from bot.places import Places
from bot.proposals import FARTHEST, LONGEST
from bot.sheets import BadSheet
from flows.times import zone as zone_of
from flows.words import tidy

_LONGEST_HTML = 8000
"""Characters of a description that are looked at: with its marks it is longer than what is kept of it."""

_UNTITLED = "an event without a title"
_MIDNIGHT_TO_MIDNIGHT = "X-MICROSOFT-CDO-ALLDAYEVENT"
"""What Outlook writes beside a whole day that it gives hours (MS-OXCICAL, 2.1.3.1.1.20.28)."""

_LINK = re.compile(r"<a\b[^<>]*?\bhref=[\"']([^\"'<>]*)[^<>]*>([^<>]*)</a>", re.IGNORECASE)
_BREAK = re.compile(r"(?:</?(?:br|p|div|li|ul|ol)\b[^<>]*>\s*)+", re.IGNORECASE)
_TAG = re.compile(r"</?(?:a|b|i|u|p|br|div|em|li|ol|ul|span|strong|body|html-blob)\b[^<>]*>", re.IGNORECASE)

_TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE"})


def read_calendar(
    file: Path, zone: str, places: Places, now: datetime
) -> tuple[tuple[NewAction, ...], tuple[str, ...]]:
    """The events of a calendar that have an hour, each time of those that are repeated, and a sentence for each that
    was left out or not taken as it was meant.

    Times without a zone are of this zone (an IANA name). Of a place that is not known only the address is kept. Raises
    BadSheet, OSError.
    """
    try:
        calendar = Calendar.from_ical(_text(file.read_bytes()))
    except (ValueError, IndexError, KeyError) as error:
        raise BadSheet("this is no calendar file") from error
    actions: list[NewAction] = []
    notes: list[str] = []
    events = []
    for event in calendar.walk("VEVENT"):
        if unread := _unread(event):
            notes.append(f"{_title(event) or _UNTITLED}: its {unread} cannot be read")
        else:
            events.append(event)
    changed = _changed_times(events, zone_of(zone))
    for event in events:
        title = _title(event)
        why = _why_not(event, title, zone_of(zone), now)
        if why:
            notes.append(f"{title or _UNTITLED}: {why}")
            continue
        one = _action(event, title, zone, places)
        times, note = _times(event, zone_of(zone), now, changed)
        actions += [moved(one, at) for at in times] if "RRULE" in event or "RDATE" in event else [one]
        notes += [f"{title}: {each}" for each in (note, _unknown_zone(event, zone)) if each]
    return tuple(actions), tuple(notes)


def _text(written: bytes) -> str:
    try:
        return written.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = written.count(b"\n", 0, error.start) + 1
        where = f"line {line}, byte {error.start + 1}"
        raise BadSheet(f"this is no calendar in UTF-8 ({where}): export it anew, or save it as UTF-8") from None


def _times(event: Any, zone: tzinfo, now: datetime, changed: set[tuple[str, datetime]]) -> tuple[list[datetime], str]:
    """When it takes place, but for the times that another event of the file moves or cancels; and what to say of it."""
    first = _local(event, "DTSTART", zone)
    assert first is not None, "it was looked at before"
    try:
        times, endless = occurrences(event, first, now)
    except NotUnderstood:
        return [first], "it is repeated in a way that is not understood; only the first time was taken"
    uid = str(event.get("UID", ""))
    times = [at for at in times if (uid, at.astimezone(UTC)) not in changed and now < at <= now + FARTHEST]
    note = f"it is repeated without an end; the times of the next {ENDLESS.days} days were taken" if endless else ""
    return times, note


def _changed_times(events: Any, zone: tzinfo) -> set[tuple[str, datetime]]:
    """(UID, when it would have begun) of each time of a repeated event that has an event of its own in the file."""
    found = set()
    for event in events:
        at = _moment(event, "RECURRENCE-ID", zone)
        if at is not None:
            found.add((str(event.get("UID", "")), at))
    return found


def _title(event: Any) -> str:
    return tidy(str(event.get("SUMMARY", "")))[:100]


def _unread(event: Any) -> str:
    """Which of its times is written as none can be; "" where all can be read."""
    return next((str(name) for name, _ in event.errors if name in _TIMES), "")


def _is_skipped(local: datetime) -> bool:
    """Whether there is no such time on the clocks of its zone: they go forward then."""
    again = local.astimezone(UTC).astimezone(local.tzinfo)
    return again.replace(tzinfo=None) != local.replace(tzinfo=None)


def _why_not(event: Any, title: str, zone: tzinfo, now: datetime) -> str:
    starts, ends = (_moment(event, which, zone) for which in ("DTSTART", "DTEND"))
    begins = _local(event, "DTSTART", zone)
    if not title:
        return "left out"
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return "it is cancelled"
    if starts is None or str(event.get(_MIDNIGHT_TO_MIDNIGHT, "")).upper() == "TRUE":
        return "it has no hour"
    if begins is not None and _is_skipped(begins):
        return f"{begins:%Y-%m-%d %H:%M} does not exist: the clocks go forward then"
    if starts > now + FARTHEST:
        return "it is too far away"
    if not timedelta(0) < (ends or starts + _length(event)) - starts <= LONGEST:
        return f"its end is not after its start, or more than {LONGEST.days} days later"
    return ""


def _action(event: Any, title: str, zone: str, places: Places) -> NewAction:
    starts = _moment(event, "DTSTART", zone_of(zone))
    assert starts is not None, "it was looked at before"
    location = str(event.get("LOCATION", ""))
    address = tidy(location)[:300]
    place = next(filter(None, (places.read(part) for part in _parts(location[:300]))), None)
    own = _zone_name(event)
    return NewAction(
        title,
        starts,
        _moment(event, "DTEND", zone_of(zone)) or starts + _length(event),
        what=_plain(str(event.get("DESCRIPTION", ""))[:_LONGEST_HTML])[:2000],
        district=place.name if place else "",
        cell=place.cell if place else "",
        address=address,
        zone=own if own != zone else "",
    )


def _plain(text: str) -> str:
    """Without the marks of a web page, which Google leaves in what it calls a description."""
    if _TAG.search(text) is None:
        return text.strip()
    text = _LINK.sub(lambda link: link[2] if "://" in link[2] else f"{link[2]} ({link[1]})", text)
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text))).replace("\xa0", " ").strip()


def _parts(location: str) -> Iterator[str]:
    """Where a town may stand in it: the whole, then what is left without its beginning, for towns stand behind streets
    and before countries; then its parts alone, from the last."""
    parts = [part for each in re.split(r"[,\n]", location) if (part := tidy(each))]
    yield from (", ".join(parts[at:]) for at in range(len(parts)))
    yield from reversed(parts[1:-1])


def _unknown_zone(event: Any, zone: str) -> str:
    """What is to be said of a time in a zone that neither the file nor anybody else explains."""
    begins = event.get("DTSTART")
    name = begins.params.get("TZID") if begins is not None else None
    if name is None or begins.dt.tzinfo is not None:
        return ""
    return f"its time zone `{name}` is not known; its time was taken as one of {zone}"


def _zone_name(event: Any) -> str:
    """The IANA name of the zone its beginning is written in, also where Windows has another name for it; "" where
    it has none that is known, as in UTC."""
    begins = event.get("DTSTART")
    name = str(getattr(getattr(begins, "dt", None), "tzinfo", None) or "")
    name = WINDOWS_TO_OLSON.get(str(begins.params.get("TZID", "")), name)
    return name if "/" in name and name in available_timezones() else ""


def _local(event: Any, which: str, zone: tzinfo) -> datetime | None:
    """A moment of an event on its own clock."""
    value = getattr(event.get(which), "dt", None)
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=zone)


def _moment(event: Any, which: str, zone: tzinfo) -> datetime | None:
    local = _local(event, which, zone)
    return None if local is None else local.astimezone(UTC)


def _length(event: Any) -> timedelta:
    value = getattr(event.get("DURATION"), "dt", None)
    return value if isinstance(value, timedelta) else USUALLY
