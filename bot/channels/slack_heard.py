"""What someone did in their direct messages with a Slack app, read from what Slack sent. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.channels.carried import LEAVE, STOP, pressed
from bot.channels.slack_shown import CHOICE, CLOSE, TICKS, WAY_OUT
from flows.model import DONE, Said

Json = dict[str, Any]

_SAID = ("", "file_share", "me_message", "thread_broadcast")
"""Kinds of messages that people write: docs.slack.dev/reference/events/message#subtypes."""

_ANGLES = re.compile("<([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a person did.

    user     Slack's id of them, which is their address; `channel` that of their direct messages
    event    the same however often Slack sends it
    message  the `ts` of what they wrote; "" where they pressed something
    edited   they changed an earlier message
    """

    user: str
    channel: str
    event: str
    said: Said
    message: str = ""
    edited: bool = False


def direct(body: Json) -> bool:
    """Whether an event is of direct messages with the app."""
    event = body.get("event") or {}
    return event.get("channel_type") == "im" or str(event.get("channel") or "").startswith("D")


def heard_message(body: Json) -> Heard | None:
    """What an event of the kind `message` tells; None where it is nothing that a person said."""
    event = body.get("event") or {}
    edited = event.get("subtype") == "message_changed"
    message = event.get("message") or {} if edited else event
    if message.get("bot_id") or (message.get("subtype") or "") not in _SAID or not message.get("user"):
        return None
    if edited and message.get("text") == (event.get("previous_message") or {}).get("text"):
        return None  # Slack itself has changed it: the preview of a link.
    return Heard(
        str(message["user"]), str(event["channel"]), str(body["event_id"]), _said(message), str(message["ts"]), edited
    )


def heard_press(body: Json) -> Heard | None:
    """What a press tells; None where it is none of ours, or a box was ticked: those are handed in together."""
    action, where = body["actions"][0], body.get("container") or {}
    name, channel = str(action.get("action_id") or ""), str(where.get("channel_id") or "")
    said = _pressed(body, action, name)
    if said is None or not channel.startswith("D"):
        return None
    return Heard(
        str(body["user"]["id"]),
        channel,
        f"{where.get('message_ts')}/{action.get('action_ts')}/{name}",
        said,
    )


def _pressed(body: Json, action: Json, name: str) -> Said | None:
    value = str(action.get("value") or "")
    if name == WAY_OUT and value == LEAVE:
        return Said(STOP)
    meant = pressed(value)
    if meant is None or not name.startswith((CHOICE, CLOSE)):
        return None
    if not meant.number:
        return Said("", _ticked(body) if name == CLOSE else meant.key, meant.question, meant.conversation)
    label = str((action.get("text") or {}).get("text") or "")
    # A label that was cut is no label: the number is what was meant.
    return Said(str(meant.number) if label.endswith("…") or not label else label)


def _ticked(body: Json) -> str | tuple[str, ...]:
    """All that is ticked. Where nothing is, and nothing was, they only closed the question."""
    boxes = [each for block in (body.get("message") or {}).get("blocks") or [] for each in block.get("elements") or []]
    values = (body.get("state") or {}).get("values") or {}
    ticked: list[str] = []
    for block in values.values():
        for name, held in block.items():
            if name.startswith(TICKS):
                ticked += [str(option["value"]) for option in held.get("selected_options") or []]
    return tuple(ticked) if ticked or any(each.get("initial_options") for each in boxes) else DONE


def _said(message: Json) -> Said:
    text = _words(message)
    pictures = [file for file in message.get("files") or [] if str(file.get("mimetype") or "").startswith("image/")]
    return Said(text, photo=str(pictures[0]["id"])) if pictures else Said(text)


def _words(message: Json) -> str:
    """What they typed: Slack escapes three signs, writes links and names between < and >, and pictures as :names:."""
    text = str(message.get("text") or "")
    for name, picture in _pictures(message.get("blocks") or []):
        text = text.replace(f":{name}:", picture)
    text = _ANGLES.sub(lambda match: match[1].partition("|")[2] or match[1], text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _pictures(part: Any) -> Iterator[tuple[str, str]]:
    """Each emoji in rich text, by its name: docs.slack.dev/reference/block-kit/blocks/rich-text-block."""
    if isinstance(part, list):
        for each in part:
            yield from _pictures(each)
    elif isinstance(part, dict):
        if part.get("type") == "emoji" and part.get("unicode"):
            codes = str(part["unicode"]).split("-")
            if all(re.fullmatch("[0-9a-fA-F]{1,6}", code) and int(code, 16) < 0x110000 for code in codes):
                yield str(part.get("name")), "".join(chr(int(code, 16)) for code in codes)
        yield from _pictures(part.get("elements") or [])
