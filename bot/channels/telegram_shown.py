"""How a message looks on Telegram: text with bold words, buttons, a keyboard that shares a place. Pure.

What a button carries fits into Telegram's 64 bytes: "CONVERSATION.QUESTION=KEY", both numbers in base 36 ("-" for a
question that has none). Where the key is too long for that, "CONVERSATION.QUESTION#3" says that it is the third choice.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from bot.channels.render import numbered
from flows.limits import TELEGRAM
from flows.model import DONE, Say, Shown

Json = dict[str, Any]

LONGEST_DATA = 64
"""Bytes that a button carries: core.telegram.org/bots/api#inlinekeyboardbutton."""

LARGEST_MARKUP = 9_500
"""Bytes of a keyboard as JSON: from 10 KB on it is refused (tginfo/Telegram-Limits#187)."""

LONGEST_CAPTION = 1024
"""python-telegram-bot's constants.MessageLimit.CAPTION_LENGTH."""

MOST_BOLD = 100
"""Telegram ignores further entities: python-telegram-bot's constants.MessageLimit.MESSAGE_ENTITIES."""

TICKED, UNTICKED = "✅ ", "◻️ "
_SHORT, _MIDDLE = 10, 16
"""Characters up to which three labels, or two, stand side by side on a phone."""

_BOLD = re.compile(r"(?<![\w*])\*(?![\s*])([^*\n]{1,300}?)(?<!\s)\*(?![\w*])")
_NOT_SEEN = re.compile("[\\s\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]*")
_DATA = re.compile(r"([0-9a-z]{1,13})\.(-|[0-9a-z]{1,13})([=#])(.*)", re.DOTALL)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button carried. Where the key was too long it is "", and `number` the place of the choice, from 1."""

    conversation: int
    question: int | None
    key: str
    number: int = 0


def shown(say: Say, conversation: int) -> Json:
    """The fields of `sendMessage` and `editMessageText`, but for whom it is."""
    rows = _rows(say, conversation)
    listed = bool(say.choices) and (not rows or any(len(_label(choice)) > _most(say) for choice in say.choices))
    text, entities = styled(_fitting(say) if listed else say.text)
    body: Json = {"text": text, "link_preview_options": {"is_disabled": True}}
    if entities:
        body["entities"] = entities
    if rows:
        body["reply_markup"] = {"inline_keyboard": rows}
    elif say.expect == "place" and say.button:
        asked = {"text": say.button, "request_location": True}
        body["reply_markup"] = {"keyboard": [[asked]], "resize_keyboard": True, "one_time_keyboard": True}
    else:
        body["reply_markup"] = {"remove_keyboard": True}
    return body


def as_caption(body: Json) -> Json | None:
    """The same below a picture or a file; None where the text is too long for that."""
    if len(body["text"]) > LONGEST_CAPTION:
        return None
    names = {"text": "caption", "entities": "caption_entities"}
    return {names.get(name, name): value for name, value in body.items() if name != "link_preview_options"}


def styled(text: str) -> tuple[str, list[Json]]:
    """The text without the stars around *words*, and where it is bold: in UTF-16 units, as Telegram counts."""
    text = text.encode("utf-8", "replace").decode().strip()
    if _NOT_SEEN.fullmatch(text):
        return "…", []
    parts: list[str] = []
    bold: list[Json] = []
    at = units = 0
    for match in list(_BOLD.finditer(text))[:MOST_BOLD]:
        before, word = text[at : match.start()], match[1]
        parts += before, word
        bold.append({"type": "bold", "offset": units + _units(before), "length": _units(word)})
        units += _units(before) + _units(word)
        at = match.end()
    return "".join([*parts, text[at:]]), bold


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


def label_pressed(markup: Json | None, data: str) -> str:
    """What stands on the button that carries this, in the keyboard it belongs to, as it was before it was dressed up;
    "" where that cannot be read."""
    buttons = [button for row in (markup or {}).get("inline_keyboard") or [] for button in row]
    text = next((str(button["text"]) for button in buttons if button.get("callback_data") == data), "")
    text = text.removeprefix(TICKED).removeprefix(UNTICKED)
    # A label that was cut, or has a number in front, is no label: the number is what was meant.
    return "" if text.endswith("…") else text


def _rows(say: Say, conversation: int) -> list[list[Json]]:
    """The buttons; none where there are too many for a message."""
    extra = bool(say.many)
    if not say.choices or len(say.choices) + extra > (TELEGRAM.buttons or 0):
        return []
    head = f"{_base36(conversation)}.{'-' if say.question is None else _base36(say.question)}"
    ticked = set(say.picked)
    buttons = []
    for number, choice in enumerate(say.choices, 1):
        mark = "" if not say.many else TICKED if choice.key in ticked else UNTICKED
        buttons.append(
            {"text": mark + _short(choice, number, _most(say)), "callback_data": _data(head, choice.key, number)}
        )
    width = _width(say)
    rows = [buttons[at : at + width] for at in range(0, len(buttons), width)]
    if extra:
        rows.append([{"text": say.button or "OK", "callback_data": _data(head, DONE, 0)}])
    written = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return rows if len(written) <= LARGEST_MARKUP else []


def _most(say: Say) -> int:
    most = TELEGRAM.label or 0
    return most - len(UNTICKED) if say.many else most


def _width(say: Say) -> int:
    longest = max(len(_label(choice)) for choice in say.choices)
    if say.many:
        return 1
    return 3 if longest <= _SHORT and len(say.choices) == 3 else 2 if longest <= _MIDDLE else 1


def _label(choice: Shown) -> str:
    return " ".join(choice.label.encode("utf-8", "replace").decode().split())


def _short(choice: Shown, number: int, most: int) -> str:
    label = _label(choice)
    if _NOT_SEEN.fullmatch(label):
        return str(number)
    if len(label) <= most:
        return label
    start = f"{number}. "
    return f"{start}{label[: most - len(start) - 1].rstrip()}…"


def _data(head: str, key: str, number: int) -> str:
    data = f"{head}={key}"
    fits = len(data.encode("utf-8", "replace")) <= LONGEST_DATA and data.isprintable()
    return data if fits else f"{head}#{number}"


def _fitting(say: Say) -> str:
    """The text with its choices listed, the labels no longer than there is room for."""
    room = (TELEGRAM.text - len(say.text)) // len(say.choices) - 12
    if room < 1:
        return say.text
    return numbered(replace(say, choices=tuple(Shown(each.key, _cut(_label(each), room)) for each in say.choices)))


def _cut(label: str, most: int) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _base36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
