"""Whom a person reads of: what holds the name, the number or the words of somebody else goes when they are forgotten.

A message is sealed under their key too (`storage.layers`). The words of a question that was asked stay with the
conversation for longer than a message; in these stands whose name it is instead of the name.
"""

import re
from dataclasses import replace

from bot.do.base import Turn
from flows.model import Say
from storage.people import Person

NAME, CONTACT = "name", "contact"

_MARK = re.compile(r"\x02(\d+)\.([a-z]+)\x02")
"""Whose, and which of their fields; nobody can type it, for control characters are left out of what people write."""


def known(turn: Turn, other: Person | None, *also: str) -> str:
    """The first name of another person, "" where they have none or were forgotten. From now on this turn knows what of
    them is not to stay: their name, and these other fields."""
    if other is None:
        return ""
    texts = {field: text for field in (NAME, *also) if (text := str(other.fields.get(field) or ""))}
    turn.others.setdefault(other.id, {}).update(texts)
    return texts.get(NAME, "")


def naming(turn: Turn, say: Say) -> Say:
    """With the numbers of those whom it names."""
    if not turn.others:
        return say
    named = set(say.names).union(*(whom(turn, text) for text in (say.text, *(each.label for each in say.choices))))
    return replace(say, names=tuple(sorted(named))) if named else say


def whom(turn: Turn, text: str) -> set[int]:
    """The numbers of those whom a text names."""
    return {number for number, texts in turn.others.items() if any(each in text for each in texts.values())}


def hidden(turn: Turn, text: str) -> str:
    """With whose it is in place of every name."""
    for number, texts in turn.others.items():
        # The longest first: one may be part of another.
        for field, each in sorted(texts.items(), key=lambda item: -len(item[1])):
            text = text.replace(each, f"\x02{number}.{field}\x02")
    return text


def shown(turn: Turn, text: str) -> str:
    """As it was read; nothing in the place of those who were forgotten."""
    return _MARK.sub(lambda mark: turn.others.get(int(mark[1]), {}).get(mark[2], ""), text)
