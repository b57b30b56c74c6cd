"""How a message looks on WhatsApp: text, up to three buttons, a list of up to ten, numbers beyond. Pure.

All lengths are Cloud API's, developers.facebook.com/documentation/business-messaging/whatsapp/messages/: text-messages,
interactive-reply-buttons-messages, interactive-list-messages, location-request-messages, document-messages.
"""

import re
from dataclasses import dataclass
from typing import Any

from bot.channels.carried import LEAVE, STOP, carried
from bot.channels.render import NOT_SEEN, fitting, plain_label
from flows.limits import WHATSAPP, WHATSAPP_LABEL
from flows.model import Say

Json = dict[str, Any]

MOST_BUTTONS, MOST_ROWS = 3, 10
LONGEST_BODY = 1024
"""Characters above buttons, and below a picture or a file."""

LONGEST_LIST_BODY = 4096
LONGEST_BUTTON_ID, LONGEST_ROW_ID = 256, 200

_STOP = STOP.removeprefix("/")
_MOST_FOOTER = 60 - len(f": *{_STOP}*")
"""Characters before the word in a footer, which has up to 60."""

_JOINER = "\u2060"
_ROOM = WHATSAPP.text - 96
"""Characters of a list in the text: what keeps marks from working takes room too."""

# Where WhatsApp's apps see an opening mark: at the beginning or behind a blank or another mark, and three backticks
# anywhere (mautrix/whatsapp v26.08, pkg/msgconv/wa-text.go). Single stars stay: flows make words bold with them.
_OPENING = re.compile(r"(?<![^\s>_~*`])(?:[_~`]+|\*{2,}|(?m:^)>)(?=[^\n])|`{3,}")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the Cloud API takes it: `{"type": kind, kind: content}`."""

    kind: str
    content: Json

    @property
    def has_body(self) -> bool:
        """Whether it is words alone: they can stand below a picture instead."""
        return self.kind == "text" and len(self.content["body"]) <= LONGEST_BODY

    @property
    def has_header(self) -> bool:
        """Whether a picture or a file can stand above it."""
        return self.kind == "interactive" and self.content["type"] == "button"


def shown(say: Say, conversation: int) -> Message:
    """A message without what is attached to it."""
    text = plain(say.text)
    labels = [plain_label(choice) for choice in say.choices]
    way_out = _way_out(say, labels)
    if labels and not say.many and _can_be_pressed(labels):
        if len(labels) <= MOST_BUTTONS and len(text) <= LONGEST_BODY:
            buttons = [*_buttons(say, conversation, labels), *map(_button, way_out)]
            return _interactive("button", text, {"buttons": buttons[:MOST_BUTTONS]}, say, len(buttons) > MOST_BUTTONS)
        if len(text) <= LONGEST_LIST_BODY:
            rows = [{"id": _id(say, conversation, at, LONGEST_ROW_ID), "title": each} for at, each in enumerate(labels)]
            rows = [*rows, *way_out]
            action = {"button": say.button or "…", "sections": [{"rows": rows[:MOST_ROWS]}]}
            return _interactive("list", text, action, say, len(rows) > MOST_ROWS)
    if not labels and say.expect == "place" and len(text) <= LONGEST_BODY:
        return _interactive("location_request_message", text, {"name": "send_location"}, say)
    body = plain(fitting(say, _ROOM))
    if way_out and len(body) <= LONGEST_BODY:
        return _interactive("button", body, {"buttons": [_button(way_out[0])]}, say)
    return Message("text", {"body": body, "preview_url": False})


def plain(text: str) -> str:
    """The text with words between *stars* bold, and no other mark at work: names are full of them."""
    text = text.encode("utf-8", "replace").decode().strip()
    if NOT_SEEN.fullmatch(text):
        return "…"
    made = _OPENING.sub(lambda mark: f"{_JOINER}{_JOINER.join(mark[0])}{_JOINER}", text)
    # So long that there is no room to keep marks still: they are left out.
    return made if len(made) <= WHATSAPP.text else _OPENING.sub("", text)


def _can_be_pressed(labels: list[str]) -> bool:
    if len(labels) > MOST_ROWS or len(set(labels)) < len(labels):
        return False
    return all(len(label) <= WHATSAPP_LABEL and not NOT_SEEN.fullmatch(label) for label in labels)


def _way_out(say: Say, labels: list[str]) -> list[Json]:
    """What says *stop*, if there is to be such a thing: no two that can be pressed may have the same label. A label too
    long for WhatsApp is the word itself."""
    label = say.leave if len(say.leave) <= WHATSAPP_LABEL else _STOP
    return [{"id": LEAVE, "title": label}] if label and label not in labels else []


def _buttons(say: Say, conversation: int, labels: list[str]) -> list[Json]:
    ids = [_id(say, conversation, at, LONGEST_BUTTON_ID) for at in range(len(labels))]
    return [_button({"id": id_, "title": label}) for id_, label in zip(ids, labels, strict=True)]


def _button(reply: Json) -> Json:
    return {"type": "reply", "reply": reply}


def _id(say: Say, conversation: int, at: int, most: int) -> str:
    return carried(conversation, say.question, say.choices[at].key, at + 1, most)


def _interactive(kind: str, text: str, action: Json, say: Say, full: bool = False) -> Message:
    """Where it is `full`, the word stands below that a button has no room for."""
    footer = {"footer": {"text": f"{say.leave[:_MOST_FOOTER]}: *{_STOP}*"}} if full else {}
    return Message("interactive", {"type": kind, "body": {"text": text}, "action": action, **footer})
