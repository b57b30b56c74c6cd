"""How a message looks on Matrix: plain text, its choices numbered. Pure.

There is no `formatted_body`, so that nothing in a name can be markup, and `m.mentions` is empty, so that no name pings
anybody (spec.matrix.org, Client-Server API, user and room mentions).
"""

from dataclasses import replace
from typing import Any

from bot.channels.render import numbered
from bot.channels.web_files import File
from flows.limits import MATRIX
from flows.model import Say, Shown

Json = dict[str, Any]

LEAVE = "🛑"
"""Whoever reacts with it, or writes it, says *stop*."""

MOST_BYTES = 30_000
"""Of one text, as UTF-8. An event has at most 65,536 (spec.matrix.org, Client-Server API, size limits), and a change
holds its text twice."""


def shown(say: Say) -> Json:
    """The content of an `m.room.message`."""
    return {"msgtype": "m.text", "body": _body(say), "m.mentions": {}}


def changed(say: Say, event: str) -> Json:
    """The same as a change of an earlier message of ours."""
    content = shown(say)
    return {
        "msgtype": "m.text",
        "body": f"* {content['body']}",
        "m.mentions": {},
        "m.new_content": content,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event},
    }


def with_file(file: File, address: str) -> Json:
    """The content of the message that shows a file which was brought to `address`."""
    kind, name = ("m.image", file.name or "qr.png") if file.media_type == "image/png" else ("m.file", file.name)
    info = {"mimetype": file.media_type.split(";")[0], "size": len(file.content)}
    return {"msgtype": kind, "body": name or "file", "url": address, "info": info, "m.mentions": {}}


def _body(say: Say) -> str:
    text = say.text.strip()
    room = (MOST_BYTES - len(_bytes(text))) // max(len(say.choices), 1) - 12
    choices = tuple(Shown(each.key, _label(each.label, max(room, 1))) for each in say.choices)
    body = numbered(replace(say, text=text, choices=choices))
    if say.leave:
        body = f"{body}\n\n{LEAVE} {say.leave}"
    return _bytes(body).decode() or "…"


def _label(label: str, most: int) -> str:
    """On one line, and no longer than there is room for: in bytes."""
    label = " ".join(label.split())
    cut = _bytes(label)[:most].decode("utf-8", "ignore")
    return cut if len(cut) >= len(label) else f"{cut[:-1]}…"


def _bytes(text: str) -> bytes:
    """As UTF-8; half of a pair of surrogates, which JSON cannot carry, becomes a question mark."""
    return text.encode("utf-8", "replace")


assert MATRIX.text * 4 < MOST_BYTES, "there must be room for choices below the longest text"
