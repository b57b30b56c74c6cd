"""Texts with `{{ dotted.name | filter }}` in them. Nothing else is possible in a text: no operators, no code."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.numbers import format_decimal

from flows.model import Value
from flows.times import zone

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


def render(
    source: str, scope: Scope, language: str, zone_name: str, spoken: Callable[[str, Value], Value] | None = None
) -> str:
    """The text as a person reads it; what is not known is empty, and the spaces around it close up.

    `spoken` says for a name and its value what is shown instead of that value.
    """
    written = ""
    for part in parse(source):
        if isinstance(part, str):
            written += part
        else:
            value = look_up(part.name, scope)
            if spoken is not None:
                value = spoken(part.name, value)
            written += show(value, part.filter, language, zone_name).replace(_GAP, "") or _GAP
    return (_close_up(written) if _GAP in written else written).strip()


_GAP = "\0"
"""Where a hole came out empty. Nothing that is shown holds this character."""

_EMPTY_LINE = re.compile(r"^[ \t]*(?:\0[ \t]*)+(?:\n|\Z)", re.MULTILINE)
_GAPS = re.compile(r"(?P<left>,? *)\0(?: *\0)*(?P<right> *)")
_CLOSES = frozenset(".,!?;:)]…،؟؛。，！？")
_OPENS = frozenset("([¿¡“„«\n")


def _close_up(written: str) -> str:
    """Closes the gaps: a line of nothing else goes, two spaces become one, none stays before a full stop, and no comma
    that led to a name."""
    lines = _EMPTY_LINE.sub("", written)
    if lines != written:
        lines = re.sub(r"\n{3,}", "\n\n", lines)

    def closed(gap: re.Match[str]) -> str:
        before, after = lines[: gap.start()][-1:], lines[gap.end() : gap.end() + 1]
        comma = "," if gap["left"].startswith(",") else ""
        if after in ("", "\n") or (after in _CLOSES and not gap["right"]):
            return ""
        if before in _OPENS:
            return comma
        return comma + (" " if gap["left"] or gap["right"] else "")

    return _GAPS.sub(closed, lines)


def begun(written: str, phrase: str) -> str:
    """The text with this phrase of ours written with a capital wherever a sentence begins with it."""
    if phrase not in written:
        return written
    return re.sub(_BEGINS + re.escape(phrase), lambda found: found[1] + capital(phrase), written)


_BEGINS = r"((?:^|\n|[.!?…]\s+)[\s¿¡“«„]*)"


def capital(phrase: str) -> str:
    """The phrase with its first letter as a sentence begins."""
    return phrase[:1].upper() + phrase[1:]


@lru_cache(maxsize=256)
def locale(language: str) -> Locale:
    """The conventions of a language; English's where it is unknown. English of no country is that of most countries:
    the day before the month, and 24 hours."""
    try:
        found = Locale.parse(language.replace("-", "_"))
    except (ValueError, UnknownLocaleError, TypeError):
        found = Locale("en")
    return Locale("en", "GB") if str(found) == "en" else found


@lru_cache(maxsize=256)
def _day_pattern(language: str) -> str:
    """How a day without its year is written in full: the form with short names that every language has, widened."""
    forms = locale(language).datetime_skeletons
    pattern = str((forms.get("MMMMEd") or forms["MMMEd"]).pattern)
    pattern = _SHORT_DAY.sub("EEEE", _SHORT_MONTH.sub("MMMM", pattern))
    return _COMMA.sub("EEEE ", pattern)


_SHORT_DAY, _SHORT_MONTH = re.compile(r"\b(?:E{1,3}|c{1,3})\b"), re.compile(r"(?<!M)MMM(?!M)")
_COMMA = re.compile(r"^EEEE, (?=d 'de' )")
"""In Spanish and Portuguese no comma stands before the day where the sentence goes on."""


def show(value: Value, filter_name: str, language: str, zone_name: str) -> str:
    """A value in words. A filter that does not fit the value is left out: `check` has complained of it long before."""
    if value is None or (isinstance(value, str | list | tuple) and not value):
        return ""
    spoken = _FILTERS.get(filter_name)
    shown = spoken(value, language, zone_name) if spoken else None
    return _plain(value, language, zone_name) if shown is None else shown


def _plain(value: Value, language: str, zone_name: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format_decimal(value, locale=locale(language), group_separator=False)
    if isinstance(value, datetime):
        return _when(value, language, zone_name) or ""
    if isinstance(value, list | tuple):
        return _list(value, language, zone_name) or ""
    return str(value)


def _day(value: Value, zone_name: str) -> date | None:
    if isinstance(value, datetime):
        return value.astimezone(zone(zone_name)).date()
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _date(value: Value, language: str, zone_name: str) -> str | None:
    day = _day(value, zone_name)
    return None if day is None else format_date(day, _day_pattern(language), locale=locale(language))


def _time(value: Value, language: str, zone_name: str) -> str | None:
    if not isinstance(value, datetime):
        return str(value) if re.fullmatch(r"\d\d:\d\d", str(value)) else None
    local = value.astimezone(zone(zone_name)).time()
    return format_time(local, "short", locale=locale(language)).replace("\u202f", " ")


def _when(value: Value, language: str, zone_name: str) -> str | None:
    day = _date(value, language, zone_name)
    if day is None or not isinstance(value, datetime):
        return day
    return f"{day}, {_time(value, language, zone_name)}"


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
