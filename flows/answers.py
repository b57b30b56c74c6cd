"""What someone meant by what they typed, read generously: a choice, yes or no, a number, a date, a place, a code.

Each reader returns None where it cannot tell: asking once more is better than keeping what nobody said. None of them
raises, whatever is typed. `flows.agreement` holds the words of yes and no, `flows.dates` reads the calendar.
"""

import datetime
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from flows import dates
from flows.agreement import NEGATIONS, meant
from flows.dates import COUNT, western
from flows.words import LONGEST, bare, clean, fold, tidy, words


class Fit(IntEnum):
    """How surely an answer fits: the turn gives typed words to the newest question that fits best."""

    NOT = 0
    ANYTHING = 1
    """Only because the question takes any text."""
    TYPE = 2
    """It reads as the expected type: a number, a date, a place."""
    NEAR = 3
    """A near spelling of a choice."""
    EXACT = 4
    """A label, its number, a key, a translation, a pressed button."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept (a key, several keys, or the value), and how surely it was meant."""

    value: str | int | float | tuple[str, ...]
    fit: Fit


@dataclass(frozen=True, slots=True)
class Several:
    """The names of the places that can be meant, the likeliest first."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """A number was given, but not between these."""

    least: float | None
    most: float | None


_known = lru_cache(4096)(fold)
"""For words that are written in flows. What people type is never held in a cache: it is theirs."""


def is_word(said: str, words: Collection[str]) -> bool:
    """Whether the whole message is one of these words, in any case, with or without "/" and final punctuation."""
    plain = fold(said)
    return bool(plain) and any(plain == _known(word) for word in words)


def yes_no(said: str) -> Answer | None:
    """ "yes" or "no" where every word agrees, or every word refuses; thanks and greetings may stand beside them."""
    meaning = meant(said)
    return Answer(meaning, Fit.EXACT) if meaning else None


def date(said: str, today: datetime.date, language: str) -> Answer | None:
    """A day as ISO text ("2026-11-21"); without a year it is the next such day, today included."""
    found = dates.day(said, today, language)
    return Answer(found.isoformat(), Fit.TYPE) if found else None


def time(said: str) -> Answer | None:
    """A time of day as "18:30". An hour that could be of morning or evening ("at 6") is None; "6:30" is 06:30."""
    found = dates.clock(said)
    return Answer(f"{found[0]:02}:{found[1]:02}", Fit.TYPE) if found else None


# --- free text -------------------------------------------------------------------------------------------------

_LONGEST_PLACE = 100
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_CODE_WORDS = frozenset("code codigo codice kod kode koodi pin".split())
_CODE_LEAD = (
    frozenset("the is its my here this el es mi le la c est mon il e mio der ist mein o um meu".split()) | _CODE_WORDS
)


def place(said: str) -> Answer | None:
    """Any name of a place, tidied; None without a letter or digit, or beyond 100 characters: then it is a story."""
    name = tidy(said)
    told = any(sign.isalnum() for sign in name)
    return Answer(name, Fit.TYPE) if told and len(name) <= _LONGEST_PLACE else None


def code(said: str) -> Answer | None:
    """A code read aloud, as 3 to 12 letters and digits in upper case: "the code is 4 7-1 2" is "4712".

    The message must be the code alone, or the code after words that announce it. Letters without a digit could be
    any word, so they fit only as ANYTHING, and in several pieces only when spelled one by one.
    """
    plain = western(unicodedata.normalize("NFKC", tidy(said)[:_LONGEST_PLACE])).upper()
    parts = [part for part in re.split(r"[\s\-–—_.:,]+", plain) if part]
    lead = next((at for at, part in enumerate(parts) if bare(part).replace("'", "") not in _CODE_LEAD), len(parts))
    if any(bare(part) in _CODE_WORDS for part in parts[:lead]):
        parts = parts[lead:]
    if parts and all(part.isdigit() or COUNT.get(bare(part), 10) < 10 for part in parts):
        parts = [part if part.isdigit() else str(COUNT[bare(part)]) for part in parts]
    whole = "".join(parts)
    if not re.fullmatch(r"[A-Z0-9]{3,12}", whole):
        return None
    spoken = sum(len(part) > 1 and part.isalpha() for part in parts)
    if re.search(r"\d", whole):
        return Answer(whole, Fit.TYPE) if spoken <= 1 else None
    return Answer(whole, Fit.ANYTHING) if not spoken or len(parts) == 1 else None


def text(said: str) -> Answer | None:
    """What was written, without control characters, at most 4,000 long; None where nothing of it can be seen."""
    lines = "\n".join(line.rstrip() for line in clean(said).splitlines()).strip()
    seen = any(unicodedata.category(sign)[0] in "LNPS" and sign not in _BLANK for sign in lines)
    return Answer(lines[:LONGEST].rstrip(), Fit.ANYTHING) if seen else None


_INTRODUCED = re.compile(
    r"(?:(?:hi|hello|hey|hiya|hola|buenas|salut|bonjour|hallo|ciao|ola|olá)[\s,.!:-]+)?"
    r"(?:i['’]?m|i am|my (?:first )?name(?: is|['’]s)|it['’]s|this is|(?:just )?call me|me llamo|mi nombre es|soy|"
    r"je m['’]appelle|je suis|ich bin|ich hei(?:ß|ss)e|mein name ist|mi chiamo|sono|me chamo|meu nome é|(?:eu )?sou)\s+"
    r"(?P<name>[^\W\d_][^\s,.!?;:]*(?: [^\W\d_][^\s,.!?;:]*){0,2})[\s.!]*",
    re.IGNORECASE,
)
"""English, Spanish, French, German, Italian and Portuguese, and a name of up to three words to the end."""


def name(said: str) -> Answer | None:
    """What someone is called, without the words that introduce it: "Hi, I'm Ana!" is "Ana"; else as `text`."""
    found = _INTRODUCED.fullmatch(tidy(said[:_LONGEST_PLACE]))
    return text(said if found is None or NEGATIONS & {*words(found["name"])} else found["name"])


# --- numbers ---------------------------------------------------------------------------------------------------

_LARGER = frozenset(
    words(
        "twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million dozen half quarter third "
        "percent veinte treinta cuarenta cincuenta sesenta cien ciento mil medio media vingt trente quarante "
        "cinquante soixante cent mille demi demie zwanzig dreissig vierzig funfzig hundert tausend halb halbe or oder "
        "ou o"
    )
)
"""Words beside which a small number is not the number that was meant."""
_FIGURES = re.compile(r"([+-]?)((?:\d+[.,])*\d+)(?!(?:st|nd|rd|th|am|pm|h|k|m)$)([^\W\d_]{0,8})")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*")
_FIGURE_SIGNS = str.maketrans({"\u2212": "-", "٫": ".", "٬": ",", "\ufe0f": "", "\u20e3": ""})
_MINUS = frozenset({"minus", "menos", "moins"})
_MOST_DIGITS = 15
_MOST_WORDS = 8


def _value(figures: str) -> float | None:
    """ "1,000" and "1.000" are a thousand, "3,5" and "3.5" are three and a half."""
    whole, rest = figures, ""
    if not _GROUPED.fullmatch(figures) and (mark := max(figures.rfind("."), figures.rfind(","))) > 0:
        whole, rest = figures[:mark], figures[mark + 1 :]
        if not (whole.isdecimal() or _GROUPED.fullmatch(whole)):
            return None
    return float(f"{re.sub('[.,]', '', whole)[: _MOST_DIGITS + 1]}.{rest or 0}")


def _counted(told: Sequence[str]) -> list[float]:
    """The numbers among these words, "minus two" as -2."""
    found: list[float] = []
    for before, word in zip(("", *told), told, strict=False):
        value = float(COUNT.get(word, unicodedata.numeric(word, -1) if len(word) == 1 else -1))
        if value >= 0:
            found.append(-value if before in _MINUS else value)
    return found


def number(said: str, least: float | None, most: float | None) -> Answer | OutOfRange | None:
    """The one number that was said, an integer when whole: in figures of any script, or as a word up to twelve."""
    told = western(tidy(said[:LONGEST])).translate(_FIGURE_SIGNS).split()
    if len(told) > _MOST_WORDS:
        return None
    figures = [part.strip("()[]\"'“”~≈#$€£.,;:!?*=") for part in told if re.search(r"\d", part)]
    rest = [word for part in told if not re.search(r"\d", part) for word in words(part)]
    values = _counted(rest)
    beside = {*rest, *(re.sub(r"[^a-z]", "", bare(part)) for part in figures)}
    if len(figures) + len(values) != 1 or (NEGATIONS | _LARGER) & beside:
        return None
    if figures:
        read = _FIGURES.fullmatch(figures[0])
        size = _value(read[2]) if read else None
        if read is None or size is None:
            return None
        values = [-size if read[1] == "-" or _MINUS & set(rest[:1]) else size]
    value: int | float = int(values[0]) if values[0].is_integer() else values[0]
    if (least is not None and value < least) or (most is not None and value > most):
        return OutOfRange(least, most)
    return Answer(value, Fit.TYPE) if abs(value) < 10**_MOST_DIGITS else None
