"""The schema accepts every flow that can be read, and marks the slips that an editor can see."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from flows.forms import AnytimePart, FlowPart, StartsPart
from flows.pages import pages
from flows.schema import schema
from flows.states import KINDS, After, Branch, Choice, Wording
from flows.vocabulary import ANYTIME, DEEDS, EXPECTS, HAPPENINGS, LISTS, WHO

LIBRARY = Path(__file__).parents[2] / "flows" / "library"
SCHEMA = schema()
TYPES: dict[str, set[type]] = {
    "object": {dict},
    "array": {list},
    "string": {str},
    "number": {int, float},
    "boolean": {bool},
}
UNDERSTOOD = {
    *("$schema", "title", "description", "$defs", "$ref", "type", "enum", "const", "pattern", "minLength", "maxLength"),
    *(
        "minimum",
        "maximum",
        "properties",
        "required",
        "additionalProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
    ),
    *("dependentRequired", "items", "minItems", "anyOf", "oneOf", "allOf", "if", "then"),
}


def fits(value: Any, shape: Any) -> bool:
    """Whether a value fits a schema: as much of draft 2020-12 as this schema uses."""
    if isinstance(shape, bool):
        return shape
    assert set(shape) <= UNDERSTOOD, set(shape) - UNDERSTOOD
    if "$ref" in shape and not fits(value, SCHEMA["$defs"][shape["$ref"].removeprefix("#/$defs/")]):
        return False
    if "type" in shape and not is_one(value, shape["type"]):
        return False
    if ("enum" in shape and value not in shape["enum"]) or ("const" in shape and value != shape["const"]):
        return False
    return fits_several(value, shape) and all(rule(value, shape) for rule in (text, number, mapping, array))


def is_one(value: Any, names: str | list[str]) -> bool:
    return any(type(value) in TYPES[name] for name in ([names] if isinstance(names, str) else names))


def fits_several(value: Any, shape: dict[str, Any]) -> bool:
    if "anyOf" in shape and not any(fits(value, each) for each in shape["anyOf"]):
        return False
    if "oneOf" in shape and sum(fits(value, each) for each in shape["oneOf"]) != 1:
        return False
    if not all(fits(value, each) for each in shape.get("allOf", [])):
        return False
    return "if" not in shape or not fits(value, shape["if"]) or fits(value, shape["then"])


def text(value: Any, shape: dict[str, Any]) -> bool:
    if not isinstance(value, str):
        return True
    if not shape.get("minLength", 0) <= len(value) <= shape.get("maxLength", 10**6):
        return False
    return "pattern" not in shape or re.search(shape["pattern"], value) is not None


def number(value: Any, shape: dict[str, Any]) -> bool:
    if type(value) not in {int, float}:
        return True
    return bool(shape.get("minimum", value) <= value <= shape.get("maximum", value))


def mapping(value: Any, shape: dict[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    known = shape.get("properties", {})
    needed = [
        *shape.get("required", []),
        *(n for key, ns in shape.get("dependentRequired", {}).items() if key in value for n in ns),
    ]
    return (
        shape.get("minProperties", 0) <= len(value) <= shape.get("maxProperties", len(value))
        and all(key in value for key in needed)
        and all(fits(key, shape.get("propertyNames", True)) for key in value)
        and all(fits(value[key], known.get(key, shape.get("additionalProperties", True))) for key in value)
    )


def array(value: Any, shape: dict[str, Any]) -> bool:
    if not isinstance(value, list):
        return True
    return len(value) >= shape.get("minItems", 0) and all(fits(each, shape.get("items", True)) for each in value)


def read(written: str) -> Any:
    """A file as an editor's YAML has it: what looks like a number or a truth is one."""

    def typed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: typed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [typed(each) for each in value]
        if value in {"true", "false"}:
            return value == "true"
        return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d+", value) else value

    return typed(pages(written, "x.yaml")[0][0].tree)


def flow(state: str) -> str:
    return f"flow: small\nstart: a\nstates:\n  a: {state}\n  b: {{end: done}}\n"


# --- what fits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(LIBRARY.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_starter_flow_fits(file: Path) -> None:
    assert fits(read(file.read_text("utf-8")), SCHEMA)


@pytest.mark.parametrize(
    "state",
    [
        "{say: 100% of us, go: b}",
        "{say: Hi, end: bye}",
        "{say: Hi, attach: calendar, after: {2 days: {go: b}}}",
        "{say: Look, attach: {picture: map.PNG}, go: b}",
        "{ask: Which?, choices: {yes: Yes, no: {label: 'No', go: b}}, save: me.wants_buddy, go: b}",
        "{ask: Which?, choose: many, choices: {x: 18, y: true}, save: picked, go: b}",
        "{ask: How many?, expect: number, least: 1, most: 9, save: adults, go: b}",
        "{ask: Which?, choices_from: actions_near_me, on: {none: b, skip: b}, go: b}",
        "{do: sign_up, with: {action: 7, as: maybe}, on: {full: b}, go: b}",
        "{do: sign_up, with: {as: '{{ answers.how }}'}, go: b}",
        "{decide: [{when: me.adult, go: b}, {else: b}]}",
        "{wait: pair.met, after: {'1 Hour, 30 minutes': {do: report, with: {about: quiet}}}, go: b}",
        "{wait: 2 weeks and 3 days, go: b}",
        "{run: other, on: {done: b}}",
        "{try: {warm: {say: Hello}, short: {say: Hi, attach: card}}, goal: pair.met, go: b}",
    ],
)
def test_every_kind_of_state_fits(state: str) -> None:
    assert fits(read(flow(state)), SCHEMA)


@pytest.mark.parametrize(
    "starts",
    [
        "{first_contact: true, words: [start, 7], link: join}",
        "{moment: action.start, offset: -1 day, who: signed_up, until: 2 hours before}",
        "{moment: action.end, offset: 0}",
        "{words: [away], who: buddy}",
        "{moment: action.end, offset: '+30 minutes'}",
    ],
)
def test_every_beginning_fits(starts: str) -> None:
    assert fits(read(f"starts: {starts}\nurgent: false\nmoved: {{old: a}}\n" + flow("{say: Hi, go: b}")), SCHEMA)


# --- what does not ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state",
    [
        "{say: Hi, goo: b}",
        "{say: Hi, ask: Which?, go: b}",
        "{go: b}",
        "{say: '', go: b}",
        "{say: Hi, attach: calender, go: b}",
        "{say: Look, attach: {picture: ../map.png}, go: b}",
        "{say: Hi, after: {soon: {go: b}}}",
        "{say: Hi, after: {2 dayz: {go: b}}}",
        "{say: Hi, after: {2 days: {goto: b}}}",
        "{ask: Which?, go: b}",
        "{ask: Which?, expect: town, go: b}",
        "{ask: Which?, expect: text, choices: {x: X}, go: b}",
        "{ask: Which?, choices: {}, go: b}",
        "{ask: Which?, choices: {x: {go: b}}, go: b}",
        "{ask: Which?, choices_from: everything, go: b}",
        "{ask: Which?, choose: several, choices: {x: X}, go: b}",
        "{ask: Which?, expect: text, save: my thing, go: b}",
        "{do: fly, go: b}",
        "{do: sign_up, with: {size: L}, go: b}",
        "{do: sign_up, with: {as: perhaps}, go: b}",
        "{do: sign_up, on: {fulll: b}, go: b}",
        "{say: Hi, after: {1 day: {do: report, with: {size: L}}}}",
        "{decide: []}",
        "{decide: [{when: me.adult}]}",
        "{decide: [{else: b, go: b}, {when: x, else: b}]}",
        "{wait: pair.meet, go: b}",
        "{wait: a while, go: b}",
        "{try: {}, go: b}",
        "{try: {warm: {ask: Hello}}, go: b}",
        "{try: {warm: {say: Hello}}, goal: fun, go: b}",
        "Hello",
    ],
)
def test_a_slip_does_not_fit(state: str) -> None:
    assert not fits(read(flow(state)), SCHEMA)


@pytest.mark.parametrize(
    "written",
    [
        "flow: Big Name\nstart: a\nstates: {a: {end: x}}",
        "flow: f\nstates: {a: {end: x}}",
        "flow: f\nstart: a\nstates: {}",
        "flow: f\nstart: a\nstates: {Big: {end: x}}",
        "flow: f\nstart: a\nstate: {a: {end: x}}",
        "flow: f\nstart: a\nstates: {a: {end: x}}\nstarts: {who: host}",
        "flow: f\nstart: a\nstates: {a: {end: x}}\nstarts: {moment: action.begin}",
        "flow: f\nstart: a\nstates: {a: {end: x}}\nstarts: {moment: action.start, offset: -1 day before}",
        "flow: f\nstart: a\nstates: {a: {end: x}}\nanytime: {}",
        "anytime: {helping: {words: [help]}}",
        "anytime: {help: {words: []}}",
        "anytime: {help: {run: help}}",
        "[flow]",
    ],
)
def test_a_file_that_is_neither_does_not_fit(written: str) -> None:
    assert not fits(read(written), SCHEMA)


# --- what it knows ---------------------------------------------------------------------------------------------


def nodes(shape: Any) -> Iterator[dict[str, Any]]:
    if isinstance(shape, dict):
        yield shape
        for each in shape.values():
            yield from nodes(each)
    elif isinstance(shape, list):
        for each in shape:
            yield from nodes(each)


def test_every_key_is_known_and_explained() -> None:
    parts: dict[str, type[BaseModel]] = {**KINDS, "flow": FlowPart, "starts": StartsPart, "after": After}
    parts |= {"branch": Branch, "wording": Wording}
    shapes = {name: SCHEMA["$defs"][name] for name in parts}
    parts |= {"choice": Choice, "word": AnytimePart}
    shapes["choice"] = SCHEMA["$defs"]["choice"]["anyOf"][1]
    shapes["word"] = SCHEMA["$defs"]["anytime"]["properties"]["anytime"]["properties"]["help"]
    for name, part in parts.items():
        assert set(shapes[name]["properties"]) == {field.alias or key for key, field in part.model_fields.items()}
        for key, shape in shapes[name]["properties"].items():
            assert shape["description"].endswith("."), (name, key)


@pytest.mark.parametrize(
    "words", [DEEDS, HAPPENINGS, EXPECTS, LISTS, WHO], ids=["do", "happenings", "expect", "lists", "who"]
)
def test_every_word_of_the_vocabulary_is_offered(words: Any) -> None:
    assert [*words] in [node["enum"] for node in nodes(SCHEMA) if "enum" in node]


def test_every_reference_leads_somewhere_and_every_pattern_is_one() -> None:
    for node in nodes(SCHEMA):
        if isinstance(node.get("$ref"), str):
            assert node["$ref"].removeprefix("#/$defs/") in SCHEMA["$defs"]
        if isinstance(node.get("pattern"), str):
            re.compile(node["pattern"])
    assert set(SCHEMA["$defs"]["anytime"]["properties"]["anytime"]["properties"]) == set(ANYTIME)


def test_a_hostile_duration_is_refused_at_once() -> None:
    assert not fits(read(flow(f"{{wait: '{'1 day ' * 5000}x', go: b}}")), SCHEMA)
