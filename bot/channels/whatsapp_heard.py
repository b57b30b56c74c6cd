"""What people did on WhatsApp, read from the calls of Meta's webhook.

One call may hold many events, of many people and of other numbers of the same business:
developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.channels.carried import LEAVE, STOP, pressed
from flows.model import Said

Json = Mapping[str, Any]

_SILENT = ("reaction", "revoke", "request_welcome", "system")
"""What is no answer to anything."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a person did.

    address   who: the id that Meta gives them for this business; their number only where there is none
    formerly  what they may be known under instead: their number, or the id they had before they changed it
    at        when, in seconds since 1970
    original  the message that they changed; "" where this is a message of its own
    point     latitude and longitude, in degrees, of a place they shared
    silent    they said nothing: they pressed what opens the conversation, or have another id now
    """

    address: str
    event: str
    said: Said
    name: str = ""
    formerly: str = ""
    at: int = 0
    original: str = ""
    point: tuple[float, float] | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a message of ours.

    message  Meta's id of it
    mark     what it was sent with (`biz_opaque_callback_data`)
    state    "sent", "delivered", "read", "played" or "failed"
    code     Meta's error, where it failed; 0: it does not say
    """

    message: str
    mark: str
    state: str
    code: int = 0


def heard(call: Any, phone_number_id: str) -> Iterator[Heard | Status]:
    """Everything in a call that concerns this number. What is not understood is passed over."""
    for value in _values(call, phone_number_id):
        names = {key: _name(contact) for contact in _each(value, "contacts") for key in _ids(contact)}
        links = {contact.get("user_id"): contact.get("wa_id") for contact in _each(value, "contacts")}
        for message in _each(value, "messages"):
            number = _text(message.get("from"))
            user = _text(message.get("from_user_id")) or next((u for u, n in links.items() if u and n == number), "")
            yield from _message(message, user or number, number, names)
        yield from (_status(each) for each in _each(value, "statuses"))
        yield from _preferences(value)
        yield from _moved(value)


def _values(call: Any, phone_number_id: str) -> Iterator[Json]:
    for entry in _each(call, "entry"):
        for change in _each(entry, "changes"):
            value = change.get("value")
            if isinstance(value, dict) and _of(value.get("metadata"), "phone_number_id") == phone_number_id:
                yield value


def _message(message: Json, address: str, number: str, names: Mapping[str, str]) -> Iterator[Heard]:
    kind, event = message.get("type"), _text(message.get("id"))
    if kind == "system":
        # Their number is another, and with it their id.
        system = message.get("system")
        new, old = _of(system, "user_id") or _of(system, "wa_id"), address
        if event and new and old and new != old:
            yield Heard(new, event, Said(), formerly=old, silent=True)
        return
    if not address or not event or kind in _SILENT or message.get("group_id"):
        # What is said in a group is nobody's word to the bot.
        return
    edit = message.get("edit") if kind == "edit" else None
    content = edit.get("message") if isinstance(edit, dict) else message
    if not isinstance(content, dict):
        return
    location = content.get("location")
    yield Heard(
        address,
        event,
        _said(content),
        names.get(address) or names.get(number, ""),
        formerly=number if number != address else "",
        at=_seconds(message.get("timestamp")),
        original=_of(edit, "original_message_id"),
        point=_point(location),
        silent=kind == "button",
    )


def _said(message: Json) -> Said:
    """What was said with a message. What cannot be read (a voice, a sticker) is without words."""
    kind = _text(message.get("type"))
    content = message.get(kind)
    if kind == "text":
        return Said(_of(content, "body"))
    if kind == "image":
        return Said(_of(content, "caption"), photo=_of(content, "id"))
    if kind == "button":
        return Said(_of(content, "text"))
    if kind == "interactive" and isinstance(content, dict):
        reply = content.get(_text(content.get("type")))
        return _press(_of(reply, "id"), _of(reply, "title"))
    return Said(_of(content, "caption"))


def _press(carried: str, title: str) -> Said:
    if carried == LEAVE:
        return Said(STOP)
    meant = pressed(carried)
    if meant is None:
        return Said(title)
    if meant.number:
        return Said(title or str(meant.number))
    return Said("", meant.key, meant.question, meant.conversation)


def _status(status: Json) -> Status:
    errors = [*_each(status, "errors"), {}]
    code = errors[0].get("code")
    return Status(
        _text(status.get("id")),
        _text(status.get("biz_opaque_callback_data")),
        _text(status.get("status")),
        code if isinstance(code, int) else 0,
    )


def _preferences(value: Json) -> Iterator[Heard]:
    """Whoever tells WhatsApp that they want no more offers of ours has said *stop*."""
    for each in _each(value, "user_preferences"):
        address = _text(each.get("user_id")) or _text(each.get("wa_id"))
        if address and each.get("value") == "stop":
            number = _text(each.get("wa_id"))
            event = f"preference:{address}:{each.get('timestamp')}"
            yield Heard(address, event, Said(STOP), formerly=number if number != address else "")


def _moved(value: Json) -> Iterator[Heard]:
    for each in _each(value, "user_id_update"):
        ids = each.get("user_id")
        new, old = _of(ids, "current"), _of(ids, "previous")
        if new and old:
            yield Heard(new, f"moved:{old}:{new}", Said(), formerly=old, silent=True)


def _ids(contact: Json) -> Iterator[str]:
    yield from (_text(contact[key]) for key in ("user_id", "wa_id") if contact.get(key))


def _name(contact: Json) -> str:
    return _of(contact.get("profile"), "name")


def _point(location: Any) -> tuple[float, float] | None:
    try:
        return float(location["latitude"]), float(location["longitude"])
    except (TypeError, KeyError, ValueError):
        return None


def _each(value: Any, key: str) -> list[dict[str, Any]]:
    found = value.get(key) if isinstance(value, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _of(value: Any, key: str) -> str:
    return _text(value.get(key)) if isinstance(value, dict) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: Any) -> int:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else 0
