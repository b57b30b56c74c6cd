"""What a button carries where a platform gives it back as text: which conversation, question and choice. Pure.

"CONVERSATION.QUESTION=KEY", both numbers in base 36 ("-" for a question that has none). Where the key is too long for
the platform, "CONVERSATION.QUESTION#3" says that it is the third choice.
"""

import re
from dataclasses import dataclass

LEAVE = "leave"
"""What the button carries that says `STOP` for whoever presses it."""

STOP = "/stop"

_DATA = re.compile(r"([0-9a-z]{1,13})\.(-|[0-9a-z]{1,13})([=#])(.*)", re.DOTALL)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button carried. Where the key was too long it is "", and `number` the place of the choice, from 1."""

    conversation: int
    question: int | None
    key: str
    number: int = 0


def carried(conversation: int, question: int | None, key: str, number: int, most: int) -> str:
    """What a button is given, in at most so many bytes."""
    head = f"{_base36(conversation)}.{'-' if question is None else _base36(question)}"
    data = f"{head}={key}"
    fits = len(data.encode("utf-8", "replace")) <= most and data.isprintable()
    return data if fits else f"{head}#{number}"


def pressed(data: str) -> Pressed | None:
    """What a button carried; None where it is none of ours."""
    match = _DATA.fullmatch(data)
    if match is None:
        return None
    conversation, question = int(match[1], 36), None if match[2] == "-" else int(match[2], 36)
    if max(conversation, question or 0) >= 2**63:
        return None
    if match[3] == "=":
        return Pressed(conversation, question, match[4])
    return Pressed(conversation, question, "", int(match[4])) if re.fullmatch("[0-9]{1,3}", match[4]) else None


def _base36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
