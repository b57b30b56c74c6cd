"""What someone says of an action they propose, read generously. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from flows import answers, dates
from flows.model import Value
from flows.times import duration, zone
from flows.words import tidy

LONGEST = timedelta(days=14)
FARTHEST = timedelta(days=2 * 366)
"""How long an action may last, and how far ahead it may lie: anything more is a slip of the pen."""

USUAL = timedelta(hours=2)
"""How long it lasts where nobody says."""

OVERNIGHT = timedelta(hours=12)
"""An end that is earlier in the day than the start is on the next one, unless that makes it last longer than this."""

MOST_NEEDS, _LONGEST_TITLE, _LONGEST_TEXT, _LONGEST_NEED = 20, 100, 2000, 60

_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})[T ,]+(\d{1,2}:\d{2})(?::\d{2})?")
_NOTHING = frozenset("no none nothing nada ninguno ninguna nichts rien nada niente - skip".split())


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action that could take place. Times are aware UTC; `place` is what they wrote; `bring` is what is needed."""

    title: str
    what: str
    place: str
    starts_at: datetime
    ends_at: datetime
    bring: tuple[str, ...]
    capacity: int | None


def read(told: Mapping[str, Value], now: datetime, zone_name: str, language: str) -> Proposal | None:
    """What was told, by the names of `propose_action`'s arguments. None where it has no title, or its times make no
    sense: in the past, the end before the start, too long or too far ahead."""
    title = tidy(str(told.get("title") or ""))[:_LONGEST_TITLE]
    starts_at = moment(told.get("starts"), now, zone_name, language)
    if not title or starts_at is None or not now < starts_at <= now + FARTHEST:
        return None
    ends_at = _end(told.get("ends"), starts_at, now, zone_name, language)
    if ends_at is None or not starts_at < ends_at <= starts_at + LONGEST:
        return None
    what = answers.text(str(told.get("what") or ""))
    return Proposal(
        title,
        str(what.value)[:_LONGEST_TEXT] if what else "",
        tidy(str(told.get("place") or ""))[:_LONGEST_TITLE],
        starts_at,
        ends_at,
        _bring(told.get("bring")),
        _capacity(told.get("capacity")),
    )


def moment(given: Value, now: datetime, zone_name: str, language: str) -> datetime | None:
    """A moment, "2026-11-28 18:30", or a day and a time in words ("next Saturday 10:00"); aware UTC."""
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    said = tidy(str(given or ""))
    iso = _ISO.fullmatch(said)
    parts = [(iso[1], iso[2])] if iso else _split(said)
    today = now.astimezone(zone(zone_name)).date()
    for before, after in parts:
        day, clock = dates.day(before, today, language), dates.clock(after)
        if day and clock:
            local = datetime.combine(day, time(*clock), tzinfo=zone(zone_name))
            return local.astimezone(UTC)
    return None


def _split(said: str) -> list[tuple[str, str]]:
    """Every way of taking some words as a day and the rest as a time."""
    words = said.replace(",", " ").split()[:12]
    cuts = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    return [*cuts, *((after, before) for before, after in cuts)]


def _end(given: Value, starts_at: datetime, now: datetime, zone_name: str, language: str) -> datetime | None:
    """The end: a moment, a time of day (that evening, or past midnight), or how long it lasts."""
    said = tidy(str(given or "")) if not isinstance(given, datetime) else ""
    if given is None or (not said and not isinstance(given, datetime)):
        return starts_at + USUAL
    if length := duration(said):
        return starts_at + length
    if clock := dates.clock(said):
        local = starts_at.astimezone(zone(zone_name))
        end = datetime.combine(local.date(), time(*clock), tzinfo=local.tzinfo)
        if end > local:
            return end.astimezone(UTC)
        after_midnight = (end + timedelta(days=1)).astimezone(UTC)
        return after_midnight if after_midnight - starts_at <= OVERNIGHT else None
    return moment(given, now, zone_name, language)


def _bring(given: Value) -> tuple[str, ...]:
    """Things to bring, as a list, or one after the other with commas or in lines."""
    parts = given if isinstance(given, tuple) else re.split(r"[,;\n]", str(given or ""))
    named = (tidy(part)[:_LONGEST_NEED] for part in parts)
    return tuple(dict.fromkeys(each for each in named if each and each.casefold() not in _NOTHING))[:MOST_NEEDS]


def _capacity(given: Value) -> int | None:
    """How many can come; None (as many as like) where it is not a number above zero."""
    read_ = answers.number(str(given), None, None) if given is not None else None
    value = read_.value if isinstance(read_, answers.Answer) else None
    return int(value) if isinstance(value, int | float) and 1 <= value < 10**6 else None
