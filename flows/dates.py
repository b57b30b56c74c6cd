"""Days and times of day as people type them, in their language and in English. The day it is today is passed in.

`COUNT` holds the counting words; days, times and numbers are all read with it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from flows.words import bare, tidy, words


def _numbered(first: int, *rows: str) -> dict[str, int]:
    return {word: first + at for row in rows for at, words in enumerate(row.split()) for word in words.split("/")}


COUNT = _numbered(
    0,
    "zero one two three four five six seven eight nine ten eleven twelve",
    "cero uno/una/un dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "nul une deux trois quatre cinq six sept huit neuf dix onze douze",
    "null eins/ein/eine/einen/einer zwei/zwo drei vier funf/fuenf sechs sieben acht neun zehn elf zwolf/zwoelf",
    "zero um/uma dois/duas tres quatro cinco seis sete oito nove dez onze doze",
    "zero uno/una due tre quattro cinque sei sette otto nove dieci undici dodici",
)
"""What each counting word up to twelve stands for, bare: English, Spanish, French, German, Portuguese, Italian."""

_LONGEST = 80
_RELATIVE = {
    phrase: days
    for days, listed in zip(
        (0, 1, 2, -1),
        (
            "today, tonight, now, hoy, esta noche, aujourdhui, ce soir, heute, heute abend, hoje, oggi, stasera, "
            "vandaag, dzisiaj, dzis, сегодня, сьогодні, bugun, اليوم, امروز, आज, 今天, 今日, avui, idag, i dag, "
            "tanaan, dnes, σημερα, azi, ma, hari ini",
            "tomorrow, tmrw, tomorow, tommorow, tommorrow, manana, demain, morgen, amanha, domani, jutro, завтра, "
            "yarin, غدا, فردا, 明天, 明日, dema, imorgon, i morgon, i morgen, huomenna, zitra, αυριο, maine, holnap, "
            "besok",
            "day after tomorrow, overmorrow, pasado manana, apres demain, ubermorgen, depois de amanha, dopodomani, "
            "overmorgen, pojutrze, послезавтра, післязавтра, بعد غد, پس فردا, 后天, 明後日, dema passat, i "
            "overmorgon, lusa",
            "yesterday, ayer, hier, gestern, ontem, ieri, gisteren, wczoraj, вчера, вчора, dun, أمس, دیروز, 昨天, "
            "昨日, ahir, igar",
        ),
        strict=True,
    )
    for phrase in map(" ".join, map(words, listed.split(",")))
}
_UNITS = dict.fromkeys("day days dia dias jour jours tag tage tagen giorno giorni dag dagen dni dzien gun".split(), 1)
_UNITS |= dict.fromkeys("week weeks semana semanas semaine semaines woche wochen settimana settimane weken".split(), 7)
_AHEAD = re.compile(
    r"(?:in|en|dentro de|dans|within|em|daqui a|tra|fra|over|za|for|por|durante) (\w+) (\w+)"
    r"|(\w+) (\w+) from (?:now|today)"
)
_NEXT = frozenset(
    "next coming proximo proxima prochain prochaine nachste nachsten nachster kommenden prossimo que".split()
)
_UNTIL = frozenset("until till hasta jusqua jusquen bis ate fino tot do до".split())
_WEEK = frozenset("week semana semaine woche settimana".split())
_MONTH = frozenset("month mes mois monat mese".split())
_FILLER = frozenset(
    words(
        "on of the at for this coming please thanks thank you ok okay maybe around about day date it is its would be "
        "good works fine i can let us lets do we st nd rd th el la los de del dia este esta para por favor gracias "
        "viene le du ce cette prochain merci pour c est am an der den dem die das diesen diese dieser kommenden bitte "
        "danke vom im um zum geht o a no na em dia il per giorno op de het morning afternoon evening night midday "
        "noon tarde noche matin soir midi vormittag nachmittag abend abends morgens fruh mediodia w dnia года г р"
    )
)
_SUFFIX = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|e|º|ª|o|a|日|号|號|일)")
_CJK_DAY = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号號]?")
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_NUMERIC = re.compile(r"(\d{1,2}) ?([-/.]) ?(\d{1,2})(?: ?\2 ?(\d{4}|\d{2}))?\.?")
_ON = re.compile(r"^(?:on|am|el|le|den|il|the|dia|em|op|w) (?=\d)", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:_[A-Za-z0-9]{2,8}){0,3}")


def western(text: str) -> str:
    """`text` with the digits of every script as 0-9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)


@dataclass(frozen=True, slots=True)
class _Names:
    """What months (1-12) and weekdays (Monday is 0) are called, bare, words joined with a space."""

    months: dict[str, int]
    weekdays: dict[str, int]


def _spread(names: Iterable[tuple[int, str]]) -> Iterator[tuple[str, int]]:
    """Each name whole, and its first word where that tells it from all others ("segunda" for "segunda-feira")."""
    named = [(number, words(name)) for number, name in names if words(name)]
    for number, name in named:
        yield " ".join(name), number
        if not name[0].isdecimal() and {n for n, other in named if other[0] == name[0]} == {number}:
            yield name[0], number


@lru_cache(64)
def _names(language: str) -> _Names:
    found = _Names({"sept": 9}, {"tues": 1, "thur": 3, "thurs": 3, "weds": 2, "sonnabend": 5})
    language = language.replace("-", "_")
    for code in ("en", language.partition("_")[0], language):
        if not _LANGUAGE.fullmatch(code):
            continue
        try:
            locale = Locale.parse(code)
        except (UnknownLocaleError, ValueError):
            continue
        for kind in ("format", "stand-alone"):
            for width in ("abbreviated", "wide"):
                found.months.update(_spread(locale.months[kind][width].items()))
                found.weekdays.update(_spread(locale.days[kind][width].items()))
    return found


def _exists(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _full_year(year: str, today: date) -> int:
    """Two digits mean the year that is nearest, at most 19 years ahead."""
    if len(year) == 4:
        return int(year)
    return next(y for y in range(today.year + 19, today.year - 81, -1) if y % 100 == int(year))


def _next(month: int, day: int, today: date) -> date | None:
    """The first such day from today on; leap days come every eighth year at the latest."""
    days = (_exists(year, month, day) for year in range(today.year, today.year + 9))
    return next((found for found in days if found and found >= today), None)


def _dated(day: int, month: int, year: str | None, today: date) -> date | None:
    return _exists(_full_year(year, today), month, day) if year else _next(month, day, today)


def _in_figures(text: str, today: date, language: str) -> date | None:
    """2026-11-21, 21.11.2026, 21/11, 11/21: day first, but in American English, or where it is impossible."""
    if found := _ISO.fullmatch(text):
        return _exists(int(found[1]), int(found[3]), int(found[4]))
    if found := _CJK_DAY.fullmatch(text):
        return _dated(int(found[3]), int(found[2]), found[1], today)
    found = _NUMERIC.fullmatch(text)
    if not found or (found[2] == "-" and not found[4]):
        return None
    first, second = int(found[1]), int(found[3])
    swapped = found[2] != "." and (second > 12 or (language.replace("-", "_") == "en_US" and first <= 12))
    day, month = (second, first) if swapped else (first, second)
    return _dated(day, month, found[4], today)


def _relative(said: tuple[str, ...], today: date) -> date | None:
    phrase = " ".join(said).removeprefix("the ")
    days = _RELATIVE.get(phrase, _RELATIVE.get(" ".join(word for word in said if word not in _FILLER)))
    if days is None and (found := _AHEAD.fullmatch(phrase)):
        many, unit = (found[1], found[2]) if found[1] else (found[3], found[4])
        count = int(many) if many.isdecimal() and len(many) < 4 else 1 if many == "a" else COUNT.get(many, -1)
        days = count * _UNITS[unit] if count >= 0 and unit in _UNITS else None
    try:
        return None if days is None else today + timedelta(days=days)
    except OverflowError:
        return None


@dataclass(slots=True)
class _Parts:
    """What the words of a date say, each at most once."""

    days: list[int]
    years: list[str]
    months: list[int]
    weekdays: list[int]
    sure: bool = False
    """A number was said as a day ("the 21st"), so that it needs no month."""
    strictly: bool = False


def _parts(said: tuple[str, ...], names: _Names) -> _Parts | None:
    """The parts of a date, or None where a word is neither a part nor beside the point."""
    parts, at = _Parts([], [], [], []), 0
    numbered = any(word[0].isdecimal() for word in said)
    while at < len(said):
        size = next((n for n in (3, 2, 1) if " ".join(said[at : at + n]) in names.months | names.weekdays), 1)
        name, word = " ".join(said[at : at + size]), said[at]
        if name in names.months and (numbered or name not in names.weekdays):
            parts.months.append(names.months[name])
        elif name in names.weekdays:
            parts.weekdays.append(names.weekdays[name])
        elif word.isdecimal() and len(word) == 4:
            parts.years.append(word)
        elif word.isdecimal() and len(word) <= 2:
            parts.days.append(int(word))
            parts.sure |= at > 0 and said[at - 1] in {"the", "el", "le", "am", "den", "dia", "il"}
        elif found := _SUFFIX.fullmatch(word):
            parts.days.append(int(found[1]))
            parts.sure = True
        elif word in _NEXT:
            parts.strictly = True
        elif word not in _FILLER:
            return None
        at += size
    return parts


def _in_words(parts: _Parts, today: date) -> date | None:
    day, month = (parts.days or [0])[0], (parts.months or [0])[0]
    weekday = (parts.weekdays or [-1])[0]
    if any(len(part) > 1 for part in (parts.days, parts.years, parts.months, parts.weekdays)):
        return None
    if day and month:
        found = _dated(day, month, parts.years[0] if parts.years else None, today)
    elif month or parts.years:
        return None
    elif day and (parts.sure or parts.weekdays):
        soon = (today + timedelta(days=n) for n in range(62) if today < date.max - timedelta(days=62))
        found = next((each for each in soon if each.day == day), None)
    elif parts.weekdays:
        away = (weekday - today.weekday()) % 7 or 7 * parts.strictly
        found = today + timedelta(days=away) if today < date.max - timedelta(days=7) else None
    else:
        return None
    return found if found and weekday in {-1, found.weekday()} else None


def _begins(said: tuple[str, ...], today: date) -> date | None:
    """The day on which the next week or month begins, where that is what was said: "next week"."""
    told = [word for word in said if word not in _FILLER]
    units = [word for word in told if word not in _NEXT]
    if len(units) != 1 or len(told) == 1 or today > date.max - timedelta(days=31):
        return None
    if units[0] in _WEEK:
        return today + timedelta(days=7 - today.weekday())
    return (today.replace(day=1) + timedelta(days=31)).replace(day=1) if units[0] in _MONTH else None


def day(said: str, today: date, language: str) -> date | None:
    """The day that was meant; without a year the next such day, today included. None where it is not clear.

    "Saturday" said on a Saturday is today, "next Saturday" the first one after today. "Until September" is the next
    day on which a September begins; "September" alone is no day. "Until next
    week" is the Monday on which it begins, "until next month" its first day.
    """
    text = western(tidy(said))
    if not text or len(text) > _LONGEST:
        return None
    figures = _ON.sub("", text.strip(" .!,"))
    if found := _in_figures(figures.replace(" ", "") if "月" in text else figures, today, language):
        return found
    if any(mark in text for mark in "/?:"):
        return None
    told = words(text)
    until = bool(told) and told[0] in _UNTIL
    told = told[until:]
    if found := _relative(told, today):
        return found
    if until and (found := _begins(told, today)):
        return found
    parts = _parts(told, _names(language))
    if until and parts and len(parts.months) == 1 and not (parts.days or parts.years or parts.weekdays):
        tomorrow = today + timedelta(days=min(1, (date.max - today).days))
        return _next(parts.months[0], 1, tomorrow)
    return _in_words(parts, today) if parts else None


# --- times of day ----------------------------------------------------------------------------------------------

_NAMED = dict.fromkeys("noon midday mediodia midi mittag mittags mezzogiorno полдень południe".split(), (12, 0))
_NAMED |= dict.fromkeys("midnight medianoche minuit mitternacht mezzanotte полночь middernacht".split(), (0, 0))
_HALVES = {
    "am": r"am|a\.m\.?|in the morning|de la manana|du matin|morgens|fruh|vormittags|da manha|di mattina|上午|午前|早上",
    "pm": r"pm|p\.m\.?|in the (?:afternoon|evening)|tonight|de la (?:tarde|noche)|du soir|de lapres[- ]midi|abends|"
    r"nachmittags|am abend|am nachmittag|da (?:tarde|noite)|di sera|下午|晚上|午後",
}
_LEAD = re.compile(
    r"^(?:(?:at|around|about|from|by|(?:a |sobre )?las?|vers|a|um|gegen|ab|as|alle|om|kl\.?|o|в|ok|the) )+"
)
_HALF = re.compile("|".join(rf"(?P<{half}>(?<![a-z])(?:{forms})(?![a-z]))" for half, forms in _HALVES.items()))
_CLOCK = re.compile(
    r"(\d{1,2})(?:[:.](\d{2})| ?(h|uhr|u|時|时|点|點|시)(?: ?(\d{2})(?: ?(?:m|min|分))?)?)?"
    r"(?: ?(?:h|uhr|o ?clock|hrs))?"
)


def clock(said: str) -> tuple[int, int] | None:
    """Hour and minute. Hours with minutes, or with the sign of a clock of 24 hours (6h, 6 Uhr), are read as they stand.

    A bare hour up to twelve ("at 6") could be two times of day, and is None.
    """
    text = western(tidy(said))
    if len(text) > _LONGEST or "?" in text:
        return None
    text = _LEAD.sub("", bare(text).replace("'", "").replace("’", "").strip(" !,;"))
    halves = {str(found.lastgroup) for found in _HALF.finditer(re.sub(r"(?<=\d)(?=[ap]\.?m)", " ", text))}
    plain = _LEAD.sub("", " ".join(_HALF.sub(" ", re.sub(r"(?<=\d)(?=[ap]\.?m)", " ", text)).split()).strip(" .,"))
    if plain in _NAMED:
        return _NAMED[plain]
    if re.fullmatch(r"\d{4}", plain):
        plain = f"{plain[:2]}:{plain[2:]}"
    found = _CLOCK.fullmatch(plain)
    if not found or len(halves) > 1:
        return None
    hour, minute = int(found[1]), int(found[2] or found[4] or 0)
    if halves and hour <= 12:
        if hour == 0:
            return None
        hour = hour % 12 + 12 * ("pm" in halves)
    elif not (found[2] or found[3] or halves) and hour <= 12:
        return None
    return (hour, minute) if hour < 24 and minute < 60 else None
