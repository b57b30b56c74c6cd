"""Why two people fit, in words that their reader understands, and as a line that can be kept."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from babel import Locale
from babel.core import UnknownLocaleError
from babel.lists import format_list

from bot.pairing.rules import Reason
from flows import phrases
from flows.model import NOTHING
from flows.text import locale

_SENTENCES: Mapping[str, str] = {
    "interests": phrases.SHARED_INTERESTS,
    "times": phrases.SHARED_TIMES,
    "near": phrases.LIVE_NEAR,
    "language": phrases.SHARED_LANGUAGES,
    "free": phrases.BUDDY_IS_FREE,
    "waited": phrases.HAS_WAITED,
    "asked": phrases.AS_ASKED,
}

OF_BOTH = frozenset({"interests", "times", "near", "language"})
"""The codes of reasons that the two people may know. The others speak of one of them, and are for coordinators."""


def of_both(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Those of the reasons that the two people may know."""
    return tuple(reason for reason in reasons if reason.code in OF_BOTH)


def words(
    reason: Reason,
    translate: Callable[[str], str],
    language: str = "en",
    labels: Mapping[str, str] = NOTHING,
) -> str:
    """A reason as a few words without a full stop: "both free on Saturdays".

    translate  gives a sentence of `flows.phrases` in the reader's language, whose code is `language`
    labels     what the group calls its interests and times, by key; a key without one is read as it is written
    """
    sentence = translate(_SENTENCES.get(reason.code, reason.code))
    if reason.code == "waited":
        return sentence.replace("{days}", "".join(reason.data))
    if reason.code == "language":
        named = tuple(language_name(code, language) for code in reason.data)
    else:
        named = tuple(labels.get(key, key.replace("_", " ").replace("-", " ")) for key in reason.data)
    return sentence.replace("{what}", _and(named, language))


@lru_cache(maxsize=10_000)
def _and(named: tuple[str, ...], language: str) -> str:
    return format_list(named, locale=locale(language))


def write(reason: Reason) -> str:
    """A reason as a line that `read` reads: "interests:climate,food"."""
    return ":".join([reason.code, ",".join(reason.data)]) if reason.data else reason.code


def read(line: str) -> Reason:
    """The reason that was written so."""
    code, _, data = line.partition(":")
    return Reason(code, tuple(data.split(",")) if data else ())


@lru_cache(maxsize=10_000)
def language_name(code: str, reader: str) -> str:
    try:
        return Locale.parse(code.replace("-", "_")).get_display_name(locale(reader)) or code
    except (ValueError, UnknownLocaleError):
        return code
