"""Random libraries that `check` has nothing against, for Hypothesis."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from textwrap import dedent
from typing import Any

from hypothesis import strategies as st

from flows.check import check
from flows.model import Library
from flows.reader import read_files
from flows.vocabulary import DEEDS

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

LABELS = (
    "Climate",
    "Housing",
    "Bread & roses",
    "🥕 Food",
    "{{ me.name }}",
    "Ja, gerne",
    "עברית",
    "Not now",
    "3",
    "yes",
)
_TEXTS = (
    "Hello {{ me.name }}!",
    "{{ action.starts | when }}",
    "Now it is {{ now | date }}, {{ now | time }}.",
    "You like {{ me.interests | list }} ({{ me.interests | count }})",
    "{{ pair.other | upper }}",
    "مرحبا {{ org.name }}",
    "We meet at {{ action.district }} , {{ me.place }} .",
    "Plain words.",
)
_CONDITIONS = (
    "'food' in me.interests",
    "me.meetings > 1",
    "me.kids >= 2 && me.language == 'es'",
    "me.has_buddy",
    "me.adult == 'yes' || pair.meetings == 0",
    "action.starts > now",
    "me.interests.exists(each, each == 'c1') && me.note != ''",
)
HAPPENINGS = ("pair.introduced", "pair.met", "action.start", "human.replied")
_EXPECTS = {
    "text": "note", "number": "kids", "place": "place", "date": "day", "time": "hour", "photo": "face", "code": "word",
}  # fmt: skip
_LENGTHS = ("1 hour", "1 day", "3 days", "90 minutes", "2 weeks")
_ENDS = ("done", "parked", "too bad")

Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def libraries(draw: Draw) -> Library:
    """A library of one to three flows, without an error."""
    return library(json.dumps(draw(trees())))


_FIELDS = """
flow: fields
start: kids
states:
  kids: {ask: How many children?, expect: number, save: me.kids, go: note}
  note: {ask: Anything else?, expect: text, save: me.note, go: over}
  over: {end: over}
"""
"""Where the fields come from that conditions of other flows read."""

_SPANISH = """
msgid "Hello {{ me.name }}!"
msgstr "¡Hola {{ me.name }}!"

msgid "Climate"
msgstr "Clima"
"""


@lru_cache(maxsize=500)
def library(trees: str) -> Library:
    """The library of these flows; raises AssertionError where `check` finds an error."""
    flows = [json.dumps(tree, ensure_ascii=False) for tree in json.loads(trees)]
    return written(_FIELDS, *flows, es=_SPANISH)


def written(*flows: str, **languages: str) -> Library:
    """The library of these flow files; raises AssertionError where `check` finds an error."""
    files = {f"library/{number}.yaml": dedent(flow) for number, flow in enumerate(flows)}
    files.update({f"languages/{language}.po": dedent(po) for language, po in languages.items()})
    reading = read_files(files)
    errors = [problem for problem in check(reading) if not problem.warning]
    assert not errors, errors
    return reading.library


@st.composite
def trees(draw: Draw) -> list[dict[str, Any]]:
    """The flows of a library as they are written."""
    count = draw(st.integers(1, 3))
    made = []
    for number in range(count):
        states = draw(_states(number, tuple(range(number + 1, count))))
        tree: dict[str, Any] = {"flow": f"flow{number}", "start": "s0", "states": states}
        tree["moved"] = {"gone": draw(st.sampled_from(sorted(states)))}
        tree["starts"] = {"words": [f"begin {number}"], "first_contact": number == 0}
        made.append(tree)
    return made


@st.composite
def _states(draw: Draw, flow: int, runnable: tuple[int, ...]) -> dict[str, Any]:
    """States in a row: each leads to the next, silent ones only forward, those that wait anywhere."""
    count = draw(st.integers(1, 6))
    names = [f"s{n}" for n in range(count)] + ["e0", "e1"]
    kinds = ["ask", "ask", "ask", "wait", "pause", "say", "do", "decide", "try", *(["run"] if runnable else [])]
    made: dict[str, Any] = {}
    for at in range(count):
        ahead, onward = names[at + 1 :], names[at + 1]
        kind = draw(st.sampled_from(kinds))
        if kind == "run":
            state: dict[str, Any] = {"run": f"flow{draw(st.sampled_from(runnable))}", "go": onward}
        else:
            state = draw(_KINDS[kind](onward, ahead, names))
        if kind in {"ask", "wait", "pause"}:
            elsewhere = [name for name in names if name != f"s{at}"]
            state["after"] = {**draw(_after(f"flow{flow}/s{at}", elsewhere)), **state.get("after", {})}
        made[f"s{at}"] = state
    made["e0"] = draw(st.sampled_from([{"end": "done"}, {"say": "That was it, {{ me.name }}.", "end": "parked"}]))
    if any('"e1"' in json.dumps(state) for state in made.values()):
        made["e1"] = {"end": draw(st.sampled_from(_ENDS))}
    return made


@st.composite
def _after(draw: Draw, place: str, names: list[str]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for length in draw(st.lists(st.sampled_from(_LENGTHS), max_size=2, unique=True)):
        kind = draw(st.sampled_from(["say", "go", "do", "do and go"]))
        entry: dict[str, Any] = {"say": f"[{place} {length}]"} if kind != "do" or draw(st.booleans()) else {}
        if "do" in kind:
            entry.update({"do": "tell_coordinators", "with": {"about": "still here: {{ me.name }}"}})
        if "go" in kind:
            entry["go"] = draw(st.sampled_from(names))
        entries[length] = entry
    return entries


def _text() -> st.SearchStrategy[str]:
    return st.sampled_from(_TEXTS)


@st.composite
def _ask(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    form = draw(st.sampled_from(["choices", "many", "yes_no", "expect", "list"]))
    state: dict[str, Any] = {"ask": draw(_text()), "go": onward}
    if form in {"choices", "many"}:
        labels = draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=4, unique=True))
        state["choices"] = {f"c{at}": {"label": label} for at, label in enumerate(labels)}
        state["save"] = draw(st.sampled_from(["me.pick", "pick"] if form == "choices" else ["me.interests", "picks"]))
    if form == "many":
        state["choose"] = "many"
    elif form == "choices" and draw(st.booleans()):
        state["choices"]["c0"]["go"] = draw(st.sampled_from(names))
    elif form == "yes_no":
        state.update(expect="yes_no", save="me.adult", on={"yes": onward, "no": draw(st.sampled_from(names))})
    elif form == "expect":
        kind = draw(st.sampled_from(sorted(_EXPECTS)))
        state.update(expect=kind, save=draw(st.sampled_from(["me.", ""])) + _EXPECTS[kind])
        state.update({"least": 1, "most": 9} if kind == "number" else {})
    elif form == "list":
        name, save = draw(st.sampled_from([("actions_near_me", "action"), ("languages", "me.language")]))
        state.update(choices_from=name, save=save, on={"none": draw(st.sampled_from(ahead))})
    if draw(st.booleans()):
        state.setdefault("on", {})["skip"] = draw(st.sampled_from(names))
    return state


@st.composite
def _wait(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    return {"wait": draw(st.sampled_from((*HAPPENINGS, *_LENGTHS))), "go": onward}


@st.composite
def _pause(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    return {"say": draw(_text()), "after": {"5 days": {"go": onward}}}


@st.composite
def _say(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    return {"say": draw(_text()), "go": onward}


@st.composite
def _do(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    name = draw(st.sampled_from(["record_consent", "find_buddy", "sign_up", "invite_link", "withdraw_consent"]))
    state: dict[str, Any] = {"do": name, "go": onward}
    if "consent" in name:
        state["with"] = {"to": "keep"}
    if draw(st.booleans()):
        state["on"] = {DEEDS[name].outcomes[0]: draw(st.sampled_from(ahead))}
    return state


@st.composite
def _decide(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    conditions = draw(st.lists(st.sampled_from(_CONDITIONS), max_size=2))
    lines = [{"when": each, "go": draw(st.sampled_from(ahead))} for each in conditions]
    return {"decide": [*lines, {"else": onward}]}


@st.composite
def _try(draw: Draw, onward: str, ahead: list[str], names: list[str]) -> dict[str, Any]:
    return {"try": {"warm": {"say": draw(_text())}, "short": {"say": "Plain words."}}, "go": onward}


_KINDS: Mapping[str, Callable[..., st.SearchStrategy[dict[str, Any]]]] = {
    "ask": _ask, "wait": _wait, "pause": _pause, "say": _say, "do": _do, "decide": _decide, "try": _try,
}  # fmt: skip
