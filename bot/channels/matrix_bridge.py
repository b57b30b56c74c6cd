"""What a mautrix bridge makes of WhatsApp or Signal: portal rooms, ghosts, relayed names. Pure.

A portal is a room for one chat of the other network; who is there shows as a ghost, an account that the bridge made:
`@whatsapp_491511234567:…` by phone number, `@whatsapp_lid-1234567:…` by WhatsApp's hidden id, `@signal_UUID:…`. One
person changes from the first to the second in the room where they are (mautrix-whatsapp 26.08: all direct chats).
"""

import html
import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from bot.channels.matrix_heard import Heard

Json = dict[str, Any]

STATE = ("m.bridge", "uk.half-shot.bridge")
"""The state events by which a bridge tells of a portal: mautrix/go sends both, with the same content."""

STATUS = "com.beeper.message_send_status"
"""What became of a message beyond the bridge, where its `message_status_events` is on."""

_GROUPS = ("@g.us", "@broadcast", "@newsletter")
_DRESSED = re.compile(r"\s*\((?:WA|WhatsApp|Signal)\)$")
_NUMBER = re.compile(r"[+\d\s()∙-]+")
_RELAYED = re.compile(r"<(strong|b)>(?P<name>[^<>\n]{1,80})</\1>: ")


@dataclass(frozen=True, slots=True)
class Portal:
    """A room that belongs to a chat of the other network.

    bot       the bridge's own account
    channel   the chat's id there
    receiver  whose chat it is: the id of the account that is logged in there
    direct    it is a chat of two
    """

    bot: str
    channel: str
    receiver: str
    direct: bool


def portal(content: Json, bridge: str) -> Portal | None:
    """Reads a bridge's state event; None where it is another bridge's, or none any more."""
    bot, protocol, channel = content.get("bridgebot"), content.get("protocol"), content.get("channel")
    if not isinstance(bot, str) or not isinstance(protocol, dict) or not isinstance(channel, dict):
        return None
    if not bridge or protocol.get("id") != bridge:
        return None
    name, receiver = str(channel.get("id") or ""), str(channel.get("fi.mau.receiver") or "")
    kind = content.get("com.beeper.room_type.v2") or content.get("com.beeper.room_type")
    direct = kind == "dm" if isinstance(kind, str) and kind else not name.endswith(_GROUPS)
    return Portal(bot, name, receiver, direct)


def is_ghost(user: str, bridge: str) -> bool:
    """Whether a user's id is one that the bridge makes."""
    return bool(bridge) and user.startswith(f"@{bridge}_")


def speaks(user: str, portal: Portal, bridge: str) -> bool:
    """Whether this is the person whose chat it is: their ghost, by whichever id, and never the ghost of our own number,
    by which the bridge shows what somebody writes on our own phone."""
    if not is_ghost(user, bridge) or _server(user) != _server(portal.bot):
        return False
    ghost = user.removeprefix(f"@{bridge}_").partition(":")[0]
    if ghost == portal.receiver:
        return False
    number, _, server = portal.channel.partition("@")
    # In a chat by hidden ids, the only other one is ours.
    return not (server == "lid" and ghost.startswith("lid-") and ghost != f"lid-{number}")


def unrelayed(said: Heard) -> tuple[Heard, str]:
    """The message without the name that a relay put before it, and that name; "" where there is none.

    A bridge in relay mode writes `<b>Ana</b>: yes`, which comes back from the other network as `*Ana*: yes`
    (mautrix/go, `relay.message_formats`); others name the person beside the text, and before it (MSC4144).
    """
    text = said.said.text
    if said.profile and text.startswith(f"{said.profile}: "):
        return _saying(said, text.removeprefix(f"{said.profile}: ")), said.profile
    match = _RELAYED.match(said.markup)
    if match is not None:
        name = html.unescape(match["name"])
        for start in (f"*{name}*: ", f"**{name}**: ", f"{name}: "):
            if text.startswith(start):
                return _saying(said, text.removeprefix(start)), name
    return said, ""


def _saying(said: Heard, text: str) -> Heard:
    return replace(said, said=replace(said.said, text=text))


def plain_name(name: str) -> str:
    """A ghost's name without what the bridge adds; "" where it is only a number."""
    name = _DRESSED.sub("", name)
    return "" if _NUMBER.fullmatch(name) else name


def event_name(said: Heard) -> str:
    """What the same message of the other network is called, although the bridge told it twice under two ids.

    A bridge that was killed between telling and noting it tells it again, with the same time: that of the other
    network (mautrix/go sends it as `ts`; whole seconds on WhatsApp, where the same words twice in one second are one).
    """
    words = "\0".join((said.said.text, "edit" if said.edits else "", "photo" if said.said.photo else "", _at(said)))
    return f"{said.at}:{sha256(words.encode('utf-8', 'replace')).hexdigest()[:24]}"


def _at(said: Heard) -> str:
    return "" if said.point is None else "{},{}".format(*said.point)


def undelivered(event: Json) -> tuple[str, bool | None, str]:
    """Of a status event: the message it is about, whether it arrived (None: not known yet), and why not.

    mautrix/go, event/beeper.go: SUCCESS, PENDING, FAIL_RETRIABLE (by who sent it, not by the bridge), FAIL_PERMANENT.
    """
    content = event.get("content")
    content = content if isinstance(content, dict) else {}
    related = content.get("m.relates_to")
    about = str(related.get("event_id") or "") if isinstance(related, dict) else ""
    status, reason = content.get("status"), str(content.get("reason") or "")
    arrived = {"SUCCESS": True, "FAIL_RETRIABLE": False, "FAIL_PERMANENT": False}.get(str(status))
    return about, arrived, reason if re.fullmatch(r"[a-z_.]{1,60}", reason) else ""


def _server(user: str) -> str:
    return user.partition(":")[2]
