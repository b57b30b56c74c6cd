"""Texts with `{{ dotted.name | filter }}` in them. Nothing else is possible in a text: no operators, no code."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.lists import format_list

from flows.model import Value

Scope = Mapping[str, Mapping[str, Any]]
"""What names mean while a text is read: {"me": {…}, "answers": {…}, "org": …, "pair": …, "now": {"": …}}."""

_HOLE = re.compile(r"\{\{\s*([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)\s*(?:\|\s*([a-z_]+)\s*)?\}\}")
_BRACES = re.compile(r"\{\{.*?(?:\}\}|$)|\{%.*?(?:%\}|$)|\}\}", re.DOTALL)


class BadText(ValueError):
    """A text whose `{{ }}` cannot be read. `snippet` is the part that is wrong."""

    def __init__(self, what: str, snippet: str) -> None:
        super().__init__(what)
        self.snippet = snippet


@dataclass(frozen=True, slots=True)
class Hole:
    """One `{{ name | filter }}`, with the source it was written as."""

    name: str
    filter: str
    source: str


@lru_cache(maxsize=4096)
def parse(source: str) -> tuple[str | Hole, ...]:
    """A text as plain parts and holes, in order. Raises BadText."""
    parts: list[str | Hole] = []
    end = 0
    for found in _BRACES.finditer(source):
        hole = _HOLE.fullmatch(found[0])
        if hole is None:
            raise BadText("only {{ name }} or {{ name | filter }} can stand in a text", found[0][:80])
        if found.start() > end:
            parts.append(source[end : found.start()])
        parts.append(Hole(hole[1], hole[2] or "", found[0]))
        end = found.end()
    if end < len(source):
        parts.append(source[end:])
    return tuple(parts)


def holes(source: str) -> Iterator[Hole]:
    """The holes of a text. Raises BadText."""
    return (part for part in parse(source) if isinstance(part, Hole))


def look_up(name: str, scope: Scope) -> Value:
    """What a dotted name means, or None where it is not known."""
    head, _, tail = name.partition(".")
    found: Value = scope.get(head, {}).get(tail)
    return found


def render(source: str, scope: Scope, language: str, zone: str) -> str:
    """The text as a person reads it; what is not known is empty, and the spaces around it close up."""
    parts = parse(source)
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    written = ""
    gap = False
    for part in parts:
        if isinstance(part, Hole):
            value = look_up(part.name, scope)
            shown = show(value, part.filter, language, zone)
            gap = not shown
            written += shown
        else:
            written = _join(written, part) if gap else written + part
            gap = False
    return written.rstrip() if gap else written


def _join(before: str, after: str) -> str:
    """Closes the gap that an empty hole left between two pieces."""
    if after[:1] in {"", ".", ",", "!", "?", ";", ":", ")", "…", "\n"} or (after[:1] == " " and not before):
        return before.rstrip(" ") + after.lstrip(" ") if after[:1] != "\n" else before.rstrip(" ") + after
    if after[:1] == " " and (before[-1:].isspace()):
        rest = after.lstrip(" ")
        return (before.rstrip(" ") if rest[:1] in {".", ",", "!", "?", ";", ":", ")"} else before) + rest
    return before + after


@lru_cache(maxsize=256)
def locale(language: str) -> Locale:
    """The conventions of a language; English's where it is unknown."""
    try:
        return Locale.parse(language.replace("-", "_"))
    except (ValueError, UnknownLocaleError, TypeError):
        return Locale("en")


def show(value: Value, filter_name: str, language: str, zone: str) -> str:
    """A value in words. A filter that does not fit the value is left out: `check` has complained of it long before."""
    if value is None or value in {"", ()}:
        return ""
    spoken = _FILTERS.get(filter_name)
    shown = spoken(value, language, zone) if spoken else None
    return _plain(value, language, zone) if shown is None else shown


def _plain(value: Value, language: str, zone: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _when(value, language, zone) or ""
    if isinstance(value, list | tuple):
        return _list(value, language, zone) or ""
    return str(value)


def _moment(value: Value, zone: str) -> datetime | None:
    return value.astimezone(ZoneInfo(zone)) if isinstance(value, datetime) else None


def _day(value: Value, zone: str) -> date | None:
    moment = _moment(value, zone)
    if moment:
        return moment.date()
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _date(value: Value, language: str, zone: str) -> str | None:
    day = _day(value, zone)
    if day is None:
        return None
    noon = datetime.combine(day, time(12), tzinfo=ZoneInfo(zone))
    return format_skeleton("MMMMEEEEd", noon, tzinfo=ZoneInfo(zone), locale=locale(language))


def _time(value: Value, language: str, zone: str) -> str | None:
    moment = _moment(value, zone)
    if moment is None:
        return str(value) if re.fullmatch(r"\d\d:\d\d", str(value)) else None
    return format_time(moment, "short", tzinfo=ZoneInfo(zone), locale=locale(language)).replace("\u202f", " ")


def _when(value: Value, language: str, zone: str) -> str | None:
    day = _date(value, language, zone)
    if day is None or not isinstance(value, datetime):
        return day
    return f"{day}, {_time(value, language, zone)}"


def _list(value: Value, language: str, _zone: str) -> str | None:
    if not isinstance(value, list | tuple):
        return None
    return format_list([item.replace("_", " ") for item in value], locale=locale(language))


def _count(value: Value, _language: str, _zone: str) -> str | None:
    return str(len(value)) if isinstance(value, list | tuple) else None


_FILTERS: Mapping[str, Callable[[Value, str, str], str | None]] = {
    "date": _date,
    "time": _time,
    "when": _when,
    "list": _list,
    "count": _count,
    "upper": lambda value, language, zone: _plain(value, language, zone).upper(),
    "lower": lambda value, language, zone: _plain(value, language, zone).lower(),
}
