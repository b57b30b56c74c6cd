"""Flow files as a JSON Schema, so that an editor completes what an organizer writes, explains it, and marks slips.

It says what a file may look like. What the parts of it mean to each other (does this state exist?) is for `check`.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from flows.forms import AnytimePart, FlowPart, StartsPart
from flows.states import KINDS, After, Branch, Choice, Wording
from flows.times import UNITS
from flows.vocabulary import ANYTIME, ATTACHMENTS, COUNTED, DEEDS, EXPECTS, HAPPENINGS, LISTS, ME, WHO, Deed

Schema = dict[str, Any]


def _any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


_LENGTH = rf"\d{{1,7}}\s*({'|'.join(_any_case(unit) for unit in (*UNITS, 'min'))})[Ss]?"
_DURATION = rf"{_LENGTH}((\s*,\s*|\s*[Aa][Nn][Dd]\s*|\s*){_LENGTH})*"
"""Each blank can be matched in one way only: an editor must not hang over a long slip."""
_SIDE = rf"({_any_case('before')}|{_any_case('after')})"
_OFFSET = rf"^\s*(0|[-+]?\s*{_DURATION}|{_DURATION}\s*{_SIDE})\s*$"
_NAME = r"^[^A-Z\s\d_-][^A-Z\s-]*$"
"""A name of an organizer's own: it begins with a letter, and has small letters, digits and _ only."""

# What YAML takes for a number or a truth is read as the text that stands there.
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_TEXT: Schema = {**_SCALAR, "minLength": 1}
_STATE: Schema = {"type": "string", "minLength": 1}
_WAYS: Schema = {"type": "object", "additionalProperties": _STATE}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _described(shape: Schema, description: str) -> Schema:
    return {**shape, "description": description}


_KEYS: Mapping[str, Schema] = {
    "flow": _described({"type": "string", "pattern": _NAME, "maxLength": 60}, "The name of this flow."),
    "about": _described(_SCALAR, "What this flow is for, in a sentence, for those who edit it."),
    "starts": _described(_ref("starts"), "What begins this flow. Without it, only another flow can run it."),
    "urgent": _described(
        {"type": "boolean"}, "true: it may break quiet hours and the weekly cap. For emergencies only."
    ),
    "moved": _described(_WAYS, "Where people go on who stood in a state that is gone: `old_state: new_state`."),
    "start": _described(_STATE, "The first state."),
    "states": _described(
        {
            "type": "object",
            "propertyNames": {"pattern": _NAME, "maxLength": 60},
            "additionalProperties": _ref("state"),
            "minProperties": 1,
        },
        "The states of this flow, each under a name of your own.",
    ),
    "first_contact": _described({"type": "boolean"}, "true: it begins when someone writes for the first time."),
    "words": _described(
        {"type": "array", "items": _TEXT},
        "Whole messages that begin it, in any case: [start, hello]. At the dots of `away until ...` stands the answer "
        "to its first question.",
    ),
    "link": _described(_SCALAR, "It begins when someone comes by a link that ends with this word."),
    "moment": _described({"enum": [*HAPPENINGS]}, "It begins by itself, around this happening."),
    "offset": _described(
        {"type": ["string", "number"], "pattern": _OFFSET, "maximum": 0, "minimum": 0},
        "How long before or after the moment it begins: `-1 day`, `2 hours before`, `30 minutes after`.",
    ),
    "who": _described({"enum": [*WHO]}, "For whom the moment begins it; without one, whose words do."),
    "until": _described(
        {"type": ["string", "number"], "pattern": _OFFSET, "maximum": 0, "minimum": 0},
        "When it no longer makes sense to begin: `2 hours before`. It is reported then, and not sent.",
    ),
    "say": _described(_TEXT, "What the bot says. `{{ me.name }}` stands for what is known."),
    "ask": _described(_TEXT, "What the bot asks; then it waits for the answer."),
    "choose": _described({"enum": ["one", "many"]}, "How many of the choices can be picked; one unless you say many."),
    "choices": _described(
        {"type": "object", "additionalProperties": _ref("choice"), "minProperties": 1},
        "What can be answered: under each key its label, or `{label: …, go: state}`. The key is what is kept.",
    ),
    "choices_from": _described({"enum": [*LISTS]}, "What can be answered is this list, as it is at that moment."),
    "expect": _described({"enum": [*EXPECTS]}, "What kind of answer is wanted, where there are no choices."),
    "least": _described({"type": "number"}, "The smallest number that is taken."),
    "most": _described({"type": "number"}, "The largest number that is taken."),
    "save": _described(
        {
            "anyOf": [
                {"enum": [f"me.{name}" for name in ME if name not in COUNTED]},
                {"type": "string", "pattern": r"^(me\.)?[^A-Z\W\d_][^A-Z\W]*$"},
            ]
        },
        "Where the answer is kept: `me.place` with the person, a bare name for this conversation only.",
    ),
    "attach": _described(
        {
            "anyOf": [
                {"enum": [*ATTACHMENTS]},
                {
                    "type": "object",
                    "properties": {
                        "picture": {
                            "type": "string",
                            "pattern": r"^[^/\\]+\.([Jj][Pp][Ee]?[Gg]|[Pp][Nn][Gg]|[Ww][Ee][Bb][Pp])$",
                        }
                    },
                    "required": ["picture"],
                    "additionalProperties": False,
                },
            ]
        },
        "What comes with the message: a calendar entry, a QR code, a card, or `picture: file.jpg`.",
    ),
    "do": _described({"enum": [*DEEDS]}, "Something that Doorstep does."),
    "with": _described({"type": "object", "additionalProperties": _SCALAR}, "What it needs to know for that."),
    "on": _described(_WAYS, "Which state each outcome leads to: `outcome: state`."),
    "go": _described(_STATE, "The state that comes next; beside `on`, for every outcome that is not named there."),
    "decide": _described(
        {"type": "array", "items": _ref("branch"), "minItems": 1},
        "Goes the first way whose condition holds. The last line is `- else: state`.",
    ),
    "when": _described(_TEXT, "A condition, such as `'climate' in me.interests`."),
    "else": _described(_STATE, "The state that comes next when no condition held."),
    "wait": _described(
        {"anyOf": [{"enum": [*HAPPENINGS]}, {"type": "string", "pattern": rf"^\s*{_DURATION}\s*$"}]},
        "Waits for this to happen, or for a duration such as `2 days`.",
    ),
    "after": _described(
        {
            "type": "object",
            "propertyNames": {"pattern": rf"^\s*{_DURATION}\s*$"},
            "additionalProperties": _ref("after"),
        },
        "What happens when nothing else has, so long after this state was entered: `2 days: {say: …}`.",
    ),
    "run": _described({"type": "string", "minLength": 1}, "The name of another flow. When it ends, this one goes on."),
    "try": _described(
        {"type": "object", "additionalProperties": _ref("wording"), "minProperties": 1},
        "Several wordings, each under a name of your own. Each person stays with one; `goal` counts which one works.",
    ),
    "goal": _described({"enum": [*HAPPENINGS]}, "What shows that a wording works; pair.met unless you say otherwise."),
    "end": _described(_TEXT, "The flow is over; the word says how it ended."),
    "label": _described(_TEXT, "What stands on the button. Up to 20 characters fit everywhere."),
}
"""Each key of a flow file: what may stand there, and what it is for."""


def schema() -> Schema:
    """A JSON Schema (draft 2020-12) of the files in `library/`: a flow, or the words understood at any time."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Doorstep flow",
        "description": "A flow: what the bot says and asks. Or `anytime`: what it always understands.",
        "type": "object",
        "oneOf": [_ref("flow"), _ref("anytime")],
        "$defs": {
            "flow": _flow(),
            "starts": _starts(),
            "anytime": _anytime(),
            "state": {"type": "object", "oneOf": [_ref(kind) for kind in KINDS]},
            **{kind: _kind(kind, part) for kind, part in KINDS.items()},
            "after": _with_deeds(_part(After), outcomes=False),
            "choice": {"anyOf": [_TEXT, _part(Choice)]},
            "branch": {
                **_part(Branch),
                "oneOf": [{"required": ["when", "go"], "maxProperties": 2}, {"required": ["else"], "maxProperties": 1}],
            },
            "wording": _part(Wording),
        },
    }


def _part(part: type[BaseModel]) -> Schema:
    """A part of a file: its keys as pydantic knows them, each with what may stand there."""
    known = part.model_json_schema(by_alias=True)
    found: Schema = {
        "type": "object",
        "properties": {key: _KEYS.get(key, shape) for key, shape in known["properties"].items()},
        "additionalProperties": False,
    }
    if "required" in known:
        found["required"] = known["required"]
    if part.__doc__:
        found["description"] = " ".join(part.__doc__.split())
    return found


def _flow() -> Schema:
    found = _part(FlowPart)
    return {**found, "required": [*found["required"], "start"]}


def _starts() -> Schema:
    around = {key: ["moment"] for key in ("offset", "until")}
    of_whom = {"if": {"required": ["who"]}, "then": {"anyOf": [{"required": [key]} for key in ("moment", "words")]}}
    return {**_part(StartsPart), "dependentRequired": around, "allOf": [of_whom]}


def _kind(kind: str, part: type[BaseModel]) -> Schema:
    found = _part(part)
    if kind == "ask":
        return {**found, "oneOf": [{"required": [form]} for form in ("choices", "choices_from", "expect")]}
    return _with_deeds(found, outcomes=True) if kind == "do" else found


def _with_deeds(part: Schema, outcomes: bool) -> Schema:
    """With what each `do` takes, and the outcomes it can have."""
    return {**part, "allOf": [_deed(name, deed, outcomes) for name, deed in DEEDS.items()]}


def _deed(name: str, deed: Deed, outcomes: bool) -> Schema:
    arguments = {
        argument: {"anyOf": [{"enum": [*words]}, {"type": "string", "pattern": r"\{\{"}]} if words else _SCALAR
        for argument, words in deed.arguments.items()
    }
    properties: Schema = {"with": {"properties": arguments, "additionalProperties": False}}
    if outcomes:
        properties["on"] = {"propertyNames": {"enum": [*deed.outcomes]}}
    return {
        "if": {"properties": {"do": {"const": name}}, "required": ["do"]},
        "then": {"properties": properties},
    }


def _anytime() -> Schema:
    entry = _part(AnytimePart)
    words = _described({**_KEYS["words"], "minItems": 1}, "Whole messages that mean it, in any language: [help, info].")
    run = _described(_KEYS["run"], "The flow that begins then. *back* and *skip* have none.")
    entry["properties"] = {**entry["properties"], "words": words, "run": run}
    named = {"type": "object", "properties": dict.fromkeys(ANYTIME, entry), "additionalProperties": False}
    described = _described(named, "Words that are understood in every state, as a whole message.")
    return {
        "type": "object",
        "properties": {"anytime": described},
        "required": ["anytime"],
        "additionalProperties": False,
    }
