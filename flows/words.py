"""Typed words in the plain form in which all of them are compared: any case, accents optional, nothing unseen."""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

LONGEST = 4000
"""What is typed beyond so many characters is never read."""

_KEPT_SPACES = {chr(n) for n in range(0x110) if chr(n).isspace()}
_UNSEEN = dict.fromkeys(
    [
        *(n for n in range(0xA0) if unicodedata.category(chr(n)) == "Cc" and chr(n) not in _KEPT_SPACES),
        *(0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, 0xFFF9, 0xFFFA, 0xFFFB),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x2070),
        *range(0xD800, 0xE000),
    ]
)
"""Controls, marks of direction and halves of characters: they show nothing, and can make a text look like another."""

_MARKS = "".join(chr(n) for n in range(0x300, 0x1F000) if unicodedata.combining(chr(n)))
_PILED = re.compile(f"([{_MARKS}]{{8}})[{_MARKS}]+")
"""Marks piled higher than any script does: sorting thousands of them would take long."""

_ASCII_SIGNS = "".join(sign for sign in map(chr, range(128)) if not sign.isalnum())
_DRAWN = dict.fromkeys([0xFE0E, 0xFE0F, 0x20E3])
"""How a sign is drawn (as an emoji, on a key) says nothing of what it means."""

_JOINED = dict.fromkeys([*map(ord, "'’‘`´ʼ"), 0x200C, 0x200D])
_ALIKE = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ـ": None})
_OPTIONAL = ("LATIN", "GREEK", "ARABIC", "HEBREW")
_TONES = {chr(n) for n in range(0x1F3FB, 0x1F400)}


def clean(said: str) -> str:
    """`said` without what is never seen, composed (NFC), lines and spaces as they were, at most `LONGEST` long."""
    said = said[:LONGEST]
    if said.isascii() and said.isprintable():
        return said
    composed = unicodedata.normalize("NFC", _PILED.sub(r"\1", said.translate(_UNSEEN)))
    return _PILED.sub(r"\1", composed)[:LONGEST]


def tidy(said: str) -> str:
    """`said` cleaned, spaces and line ends closed up to single spaces; tidying twice changes nothing."""
    return " ".join(clean(said).split())


@lru_cache(4096)
def _marks_optional(base: str) -> bool:
    return unicodedata.name(base, "").startswith(_OPTIONAL)


def bare(text: str) -> str:
    """`text` in the form that is compared: any case, and no accents where writers leave them out.

    Accents go from Latin and Greek letters, vowel points from Arabic and Hebrew ones; elsewhere (й, が, हाँ) they
    make another letter, and stay.
    """
    text = text.casefold()
    if text.isascii():
        return text
    kept, base = [], ""
    for sign in unicodedata.normalize("NFD", text.translate(_DRAWN)):
        if unicodedata.category(sign) == "Mn":
            if base and _marks_optional(base):
                continue
        else:
            base = sign
        kept.append(sign)
    return unicodedata.normalize("NFC", "".join(kept).translate(_ALIKE).casefold())


def _is_letter(sign: str) -> bool:
    return sign.isalnum() or unicodedata.category(sign)[0] == "M"


def fold(said: str) -> str:
    """`said` for comparing whole messages: tidied, bare, and without punctuation or emoji at both ends.

    A message of signs alone keeps them, each once where it is repeated: "???" is "?".
    """
    text = " ".join(bare(tidy(said)).split())[:LONGEST]
    if text.isascii() and (inner := text.strip(_ASCII_SIGNS)):
        return inner
    first = next((at for at, sign in enumerate(text) if sign.isalnum()), None)
    if first is None:
        return "".join(sign for sign, _ in groupby(text)).strip()
    last = next(at for at in range(len(text), first, -1) if _is_letter(text[at - 1]))
    return text[first:last]


def words(said: str) -> tuple[str, ...]:
    """The words of `said`, bare: letters and digits only, apostrophes dropped."""
    text = bare(tidy(said))
    if text.isascii():
        return tuple(re.findall(r"[a-z0-9]+", text.replace("'", "").replace("`", "")))
    return tuple("".join(sign if _is_letter(sign) else " " for sign in text.translate(_JOINED)).split())


def signs(said: str) -> str:
    """The emoji and other symbols of `said` in order, without skin tones, each once where it is repeated."""
    shown = (s for s in tidy(said) if unicodedata.category(s) == "So" and s not in _TONES)
    return "".join(sign for sign, _ in groupby(shown))
