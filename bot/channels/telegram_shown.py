"""How a message looks on Telegram: text with bold words, buttons, a keyboard that shares a place. Pure."""

import json
from typing import Any

from bot.channels.carried import LEAVE, carried
from bot.channels.render import BOLD, NOT_SEEN, button_label, fitting, plain_label
from flows.limits import TELEGRAM
from flows.model import DONE, Say

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


def shown(say: Say, conversation: int) -> Json:
    """The fields of `sendMessage` and `editMessageText`, but for whom it is."""
    rows = _rows(say, conversation)
    listed = bool(say.choices) and (not rows or any(len(plain_label(choice)) > _most(say) for choice in say.choices))
    if say.leave and not (say.expect == "place" and say.button):
        rows.append([{"text": say.leave, "callback_data": LEAVE}])
    text, entities = styled(fitting(say, TELEGRAM.text) if listed else say.text)
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
    if NOT_SEEN.fullmatch(text):
        return "…", []
    parts: list[str] = []
    bold: list[Json] = []
    at = units = 0
    for match in list(BOLD.finditer(text))[:MOST_BOLD]:
        before, word = text[at : match.start()], match[1]
        parts += before, word
        bold.append({"type": "bold", "offset": units + _units(before), "length": _units(word)})
        units += _units(before) + _units(word)
        at = match.end()
    return "".join([*parts, text[at:]]), bold


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
    if not say.choices or len(say.choices) + extra + bool(say.leave) > (TELEGRAM.buttons or 0):
        return []
    ticked = set(say.picked)
    buttons = []
    for number, choice in enumerate(say.choices, 1):
        mark = "" if not say.many else TICKED if choice.key in ticked else UNTICKED
        data = carried(conversation, say.question, choice.key, number, LONGEST_DATA)
        buttons.append({"text": mark + button_label(choice, number, _most(say)), "callback_data": data})
    width = _width(say)
    rows = [buttons[at : at + width] for at in range(0, len(buttons), width)]
    if extra:
        done = carried(conversation, say.question, DONE, 0, LONGEST_DATA)
        rows.append([{"text": say.button or "OK", "callback_data": done}])
    written = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return rows if len(written) <= LARGEST_MARKUP else []


def _most(say: Say) -> int:
    most = TELEGRAM.label or 0
    return most - len(UNTICKED) if say.many else most


def _width(say: Say) -> int:
    longest = max(len(plain_label(choice)) for choice in say.choices)
    if say.many:
        return 1
    return 3 if longest <= _SHORT and len(say.choices) == 3 else 2 if longest <= _MIDDLE else 1


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
