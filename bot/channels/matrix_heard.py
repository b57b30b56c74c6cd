"""What someone said on Matrix, read from one event. Pure."""

import re
from dataclasses import dataclass
from typing import Any

from bot.channels.carried import STOP
from bot.channels.matrix_shown import LEAVE
from flows.model import Said

Json = dict[str, Any]

REACTION = "m.reaction"
KINDS = ("m.room.message", "m.sticker", REACTION)
"""The events that people make: spec.matrix.org, Client-Server API, instant messaging, and event annotations."""

_POINT = re.compile(r"geo:(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)(?:[,;].*)?")
_QUOTED = re.compile(r"(?:> [^\n]*\n)+\n?")
_FURTHEST = 10**14
"""Milliseconds since 1970: what lies beyond is no time that anybody wrote at, for other servers may claim any."""

_FILES = ("m.audio", "m.file", "m.image", "m.video")


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a person said in their room with the bot.

    event   Matrix's id of it
    at      when, in milliseconds since 1970, as the event tells it
    edits   the event that they changed; "" where they said something new
    point   latitude and longitude, in degrees, of a place they shared
    markup  the text as HTML, where they wrote with markup
    profile the name under which a bridge shows this one message, where it wrote that before the text
    """

    event: str
    sender: str
    at: int
    said: Said
    edits: str = ""
    point: tuple[float, float] | None = None
    markup: str = ""
    profile: str = ""


def heard(event: Json) -> Heard | None:
    """What an event tells; None where it is nothing that somebody said.

    A notice is what another bot says, and nobody may answer it by themselves (spec.matrix.org, m.notice).
    """
    content, kind = event.get("content"), event.get("type")
    if not isinstance(content, dict) or "state_key" in event or kind not in KINDS:
        return None
    related = content.get("m.relates_to")
    related = related if isinstance(related, dict) else {}
    if kind == REACTION:
        content = {"msgtype": "m.text", "body": LEAVE} if _is_leave(related.get("key")) else {}
    edits = _text(related.get("event_id")) if related.get("rel_type") == "m.replace" else ""
    new = content.get("m.new_content") if edits else content
    if not isinstance(new, dict):
        return None
    said, point = _said(new, str(kind), replies="m.in_reply_to" in related)
    if said is None:
        return None
    at = event.get("origin_server_ts")
    return Heard(
        _text(event.get("event_id")),
        _text(event.get("sender")),
        at if isinstance(at, int) and 0 <= at < _FURTHEST else 0,
        said,
        edits,
        point,
        _text(new.get("formatted_body")),
        _profile(new),
    )


def _said(content: Json, kind: str, *, replies: bool) -> tuple[Said | None, tuple[float, float] | None]:
    """What was said, and the point that was shared with it."""
    body, what = _text(content.get("body")), content.get("msgtype")
    if kind == "m.sticker":
        return Said(body), None
    if what in ("m.text", "m.emote"):
        if _is_leave(body):
            return Said(STOP), None
        # Before version 1.13 a reply began with what it answers.
        return Said(_QUOTED.sub("", body, count=1) if replies and body.startswith("> ") else body), None
    if what == "m.location":
        match = _POINT.fullmatch(_text(content.get("geo_uri")))
        point = (float(match[1]), float(match[2])) if match else None
        return Said(), point if point and abs(point[0]) <= 90 and abs(point[1]) <= 180 else None
    if what in _FILES:
        caption = body if content.get("filename") not in (None, body) else ""
        photo = _text(content.get("url")) if what == "m.image" else ""
        return Said(caption, photo=photo), None
    return None, None


def _profile(content: Json) -> str:
    profile = content.get("com.beeper.per_message_profile")
    if not isinstance(profile, dict) or not profile.get("has_fallback"):
        return ""
    return _text(profile.get("displayname"))


def _is_leave(text: object) -> bool:
    """Whether it is that sign, which may be followed by one that has it drawn in colours."""
    return isinstance(text, str) and text.strip().rstrip("\ufe0f") == LEAVE


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
