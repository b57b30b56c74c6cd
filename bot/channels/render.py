"""How a message looks where a platform has no buttons, or cannot hold all of it at once."""

import re
from dataclasses import replace

from flows.model import Say, Shown

BOLD = re.compile(r"(?<![\w*])\*(?![\s*])([^*\n]{1,300}?)(?<!\s)\*(?![\w*])")
"""*Words* between stars, which are shown as bold."""

NOT_SEEN = re.compile("[\\s\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]*")
"""What shows nothing at all: no platform takes a text or a label of it."""


def numbered(say: Say) -> str:
    """The text with its choices as a numbered list; a number answers, and so does a label."""
    if not say.choices:
        return say.text
    ticked = set(say.picked)
    lines = [
        f"  {number}. {choice.label}" + (" ✓" if choice.key in ticked else "")
        for number, choice in enumerate(say.choices, 1)
    ]
    return "\n".join([say.text, *lines])


def fitting(say: Say, most: int) -> str:
    """The same in at most so many characters: the labels are no longer than there is room for."""
    room = (most - len(say.text)) // max(len(say.choices), 1) - 12
    if room < 1:
        return say.text
    return numbered(replace(say, choices=tuple(Shown(each.key, _cut(plain_label(each), room)) for each in say.choices)))


def plain_label(choice: Shown) -> str:
    """A label on one line, without what no platform can show."""
    return " ".join(choice.label.encode("utf-8", "replace").decode().split())


def button_label(choice: Shown, number: int, most: int) -> str:
    """What a button of at most so many characters can show: the label; cut, with the number that can be typed instead,
    where it is longer; that number alone where nothing of the label could be seen."""
    label = plain_label(choice)
    if NOT_SEEN.fullmatch(label):
        return str(number)
    if len(label) <= most:
        return label
    start = f"{number}. "
    return f"{start}{label[: most - len(start) - 1].rstrip()}…"


def _cut(label: str, most: int) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def split(say: Say, most: int) -> list[Say]:
    """The same message in as many as it needs; only the last one asks, and only the first one carries what is attached.

    It is cut between paragraphs, lines or words where one is near, else where it must.
    """
    if len(say.text) <= most:
        return [say]
    texts = []
    rest = say.text
    while len(rest) > most:
        cut = next((at for mark in ("\n\n", "\n", " ") if (at := rest.rfind(mark, most // 2, most)) > 0), most)
        texts.append(rest[:cut].rstrip() or rest[:cut])
        rest = rest[cut:].lstrip()
    first = [Say(text) for text in texts]
    first[0] = replace(first[0], attach=say.attach, tried=say.tried)
    return [*first, replace(say, text=rest, attach="", tried="")] if rest else first
