"""How the nouns of the flow language are written down: small JSON, without what is empty."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from flows.model import Caller, Conversation, Say, Shown, Value
from storage.tables import micros, moment


def _unknown(value: object) -> Any:
    if isinstance(value, datetime):
        return {"at": micros(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")


_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False, default=_unknown).encode
_from_json = json.JSONDecoder().decode


_PLAINLY = b" "
"""In front of what orjson could not write, for it would not read it back the same."""


def _encode(body: dict[str, Any]) -> bytes:
    # orjson halves what JSON costs a turn. What it refuses (half a surrogate pair, a number of over 64 bits) people can
    # type, and must not stop their turn.
    try:
        return orjson.dumps(body, default=_unknown, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError:
        return _PLAINLY + _to_json(body).encode("utf-8", "surrogatepass")


def _decode(packed: bytes) -> dict[str, Any]:
    plainly = packed.startswith(_PLAINLY)
    body: dict[str, Any] = _from_json(packed[1:].decode("utf-8", "surrogatepass")) if plainly else orjson.loads(packed)
    return body


def pack(values: Mapping[str, Any]) -> bytes:
    """JSON of a mapping. Raises ValueError for naive datetimes, TypeError for what JSON does not know."""
    return _encode(values if type(values) is dict else dict(values))


def unpack(packed: bytes) -> dict[str, Value]:
    """What `pack` was given: lists come back as tuples, moments as aware UTC datetimes."""
    return _values(_decode(packed))


def _values(body: dict[str, Any]) -> dict[str, Any]:
    for name, value in body.items():
        if type(value) is list:
            body[name] = tuple(value)
        elif type(value) is dict and value.keys() == {"at"}:
            body[name] = moment(value["at"])
    return body


NAMES = "names"
"""In a body: the numbers of those whose name or words are in it, besides the person it is for."""

_PLAIN = ("question", "asked", "misses", "offered", "picked", "fired", "answers", "held", "about")
_TUPLES = ("offered", "picked", "fired")
_CALLERS = ("callers", "trail")
_MAPPINGS = ("answers", "held", "about")


def pack_conversation(conversation: Conversation) -> bytes:
    """All of a conversation that has no column of its own."""
    body: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(conversation, name))}
    if conversation.callers:
        body["callers"] = [(caller.flow, caller.state) for caller in conversation.callers]
    if conversation.trail:
        body["trail"] = [(caller.flow, caller.state) for caller in conversation.trail]
    return _encode(body)


def unpack_conversation(id_: int, flow: str, version: int, state: str, entered_at: int, packed: bytes) -> Conversation:
    """The conversation as it was saved."""
    body = _decode(packed)
    for name in _TUPLES:
        if name in body:
            body[name] = tuple(body[name])
    for name in _MAPPINGS:
        if name in body:
            body[name] = _values(body[name])
    for name in _CALLERS:
        if name in body:
            body[name] = tuple([Caller(*caller) for caller in body[name]])
    return Conversation(id_, flow, version, state, moment(entered_at), **body)


def pack_say(say: Say) -> bytes:
    """A message, as the sender will need it."""
    body: dict[str, Any] = {"text": say.text}
    if say.choices:
        body["choices"] = [(shown.key, shown.label) for shown in say.choices]
    if say.question is not None:
        body["question"] = say.question
    if say.many:
        body["many"] = True
    if say.picked:
        body["picked"] = say.picked
    if say.expect:
        body["expect"] = say.expect
    if say.attach:
        body["attach"] = say.attach
    if say.replaces:
        body["replaces"] = True
    if say.tried:
        body["tried"] = say.tried
    if say.button:
        body["button"] = say.button
    if say.names:
        body[NAMES] = say.names
    if say.leave:
        body["leave"] = say.leave
    return _encode(body)


def unpack_say(packed: bytes) -> Say:
    """The message as it was decided."""
    body = _decode(packed)
    body["choices"] = tuple([Shown(*shown) for shown in body.get("choices", ())])
    body["picked"] = tuple(body.get("picked", ()))
    body[NAMES] = tuple(body.get(NAMES, ()))
    return Say(**body)
