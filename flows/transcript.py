"""Dialogs as they are written: read, and checked for what cannot be played."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from flows.model import Kind, Option, Value
from flows.pages import Page, Path, Problem, Refused, nearest, pages
from flows.times import duration
from flows.vocabulary import ACTION, DEEDS, HAPPENINGS, LISTS, PAIR

LINES: Mapping[str, tuple[str, ...]] = {
    "bot": ("choices", "attach"),
    "me": (),
    "later": (),
    "does": ("then", "with"),
    "happens": (),
    "ends": (),
}
"""The kinds of line, and what may stand beside each."""

_NEEDED = ("dialog", "flow", "talk")
_HEAD: Mapping[str, str] = {
    "dialog": "a name",
    "flow": "the name of a flow",
    "me": "fields of a person, like {name: Ana}",
    "pair": "fields of a pair",
    "action": "fields of an action",
    "lists": "lists, each with its entries",
    "places": "names of places, each with the list of those it can mean",
    "talk": "a list of lines",
}
_KNOWN: Mapping[str, Collection[str]] = {"pair": PAIR, "action": ACTION, "lists": LISTS}


def read_dialogs(text: str, file: str) -> tuple[list[Page], list[Problem]]:
    """The dialogs of a file that can be played, and what is wrong with the form of the others."""
    try:
        found = pages(text, file)
    except Refused as refused:
        return [], [refused.problem]
    good, problems = [], []
    for page, doubles in found:
        wrong = [*doubles, *_problems(page)]
        problems += wrong
        if not wrong:
            good.append(page)
    return good, problems


def _problems(page: Page) -> list[Problem]:
    tree = page.tree
    missing = [key for key in _NEEDED if not isinstance(tree, dict) or not tree.get(key)]
    if missing:
        mend = f"it has `dialog:`, `flow:` and `talk:` with lines under it; `{missing[0]}:` is missing"
        return [page.problem("not-a-flow", "this is not a dialog", (), mend)]
    wrong = [*_head_problems(page, tree)]
    lines = tree["talk"] if isinstance(tree["talk"], list) else []
    for number, line in enumerate(lines):
        wrong += _line_problems(page, ("talk", str(number)), line)
    return wrong


def _head_problems(page: Page, tree: dict[str, Any]) -> Iterator[Problem]:
    shapes: Mapping[str, type[Any]] = {"dialog": str, "flow": str, "talk": list}
    for key, value in tree.items():
        if key not in _HEAD:
            yield page.problem("unknown-key", f"`{key}` is not known here", (key, ""), nearest(key, _HEAD))
        elif not isinstance(value, shapes.get(key, dict)) and value is not None:
            yield page.problem("type-mismatch", f"`{key}` should be {_HEAD[key]}", (key,))
        elif key == "places":
            for name, could_be in (value or {}).items():
                if not isinstance(could_be, list):
                    what = f"`{name}` can mean several places: a list of them"
                    yield page.problem("type-mismatch", what, (key, name), "write it like [One, Another]")
        elif key in _KNOWN:
            for name in value or ():
                if name not in _KNOWN[key]:
                    what = f"`{key}.{name}` is not known"
                    yield page.problem("unknown-name", what, (key, name, ""), nearest(name, _KNOWN[key]))


def _line_problems(page: Page, path: Path, line: Any) -> Iterator[Problem]:
    kinds = [key for key in line if key in LINES] if isinstance(line, dict) else []
    if len(kinds) != 1:
        if len(kinds) > 1:
            what = f"this line is both `{kinds[0]}` and `{kinds[1]}`"
            yield page.problem("two-kinds", what, (*path, kinds[1], ""), "make two lines of it")
            return
        near = [nearest(key, LINES) for key in line if "did" in nearest(key, LINES)] if isinstance(line, dict) else []
        mend = near[0] if near else "write it like `- me: yes`"
        yield page.problem("no-kind", f"this line is none of {', '.join(LINES)}", path, mend)
        return
    kind = kinds[0]
    for key in line:
        if key != kind and key not in LINES[kind]:
            mend = nearest(key, LINES[kind]) or "make another line of it"
            yield page.problem("unknown-key", f"`{key}` does not go with `{kind}`", (*path, key, ""), mend)
    yield from _value_problems(page, path, kind, line)


def _value_problems(page: Page, path: Path, kind: str, line: Mapping[str, Any]) -> Iterator[Problem]:
    value, where = line[kind], (*path, kind)
    if isinstance(value, dict) or (isinstance(value, list) and kind != "me"):
        yield page.problem("type-mismatch", f"`{kind}` should be a text", where, "put quotes around it")
    elif isinstance(value, list) and not (value and all(isinstance(label, str) for label in value)):
        yield page.problem("type-mismatch", "brackets hold the labels of buttons", where, "write it like `[Yes]`")
    elif value is None and kind != "me":
        yield page.problem("bad-text", f"there is nothing behind `{kind}:`", (*where, ""))
    elif kind == "later" and duration(value) is None:
        yield page.problem("bad-duration", f"`{value}` is not a duration", where, "write it like `2 days`")
    elif kind == "happens" and value not in HAPPENINGS:
        yield page.problem("unknown-name", f"`{value}` is not a happening", where, nearest(value, HAPPENINGS))
    elif kind == "does":
        yield from _does_problems(page, path, line)
    if not isinstance(line.get("choices", []), list):
        yield page.problem("type-mismatch", "`choices` should be a list", (*path, "choices"), "like [Yes, No]")


def _does_problems(page: Page, path: Path, line: Mapping[str, Any]) -> Iterator[Problem]:
    name, then, given = line["does"], line.get("then"), line.get("with", {})
    if name not in DEEDS:
        yield page.problem("unknown-do", f"nothing can do `{name}`", (*path, "does"), nearest(name, DEEDS))
    elif then is not None and then not in DEEDS[name].outcomes:
        what = f"`{name}` does not come to `{then}`"
        yield page.problem("unknown-outcome", what, (*path, "then"), nearest(then, DEEDS[name].outcomes))
    elif then is None and len(DEEDS[name].outcomes) > 1:
        what = f"`{name}` can come to {', '.join(DEEDS[name].outcomes)}"
        yield page.problem("unhandled-outcome", what, (*path, "does"), "say which with `then:`")
    elif not isinstance(given, dict):
        yield page.problem("type-mismatch", "`with` should be names with values", (*path, "with"))
    else:
        for key in given:
            if key not in DEEDS[name].arguments:
                mend = nearest(key, DEEDS[name].arguments)
                yield page.problem("unknown-key", f"`{name}` does not take `{key}`", (*path, "with", key, ""), mend)


def fields(written: Any, known: Mapping[str, Kind]) -> dict[str, Value]:
    """What the head of a dialog says of a person, a pair or an action, each field as its type."""
    given = written if isinstance(written, dict) else {}
    return {name: _value(value, known.get(name, Kind.TEXT)) for name, value in given.items()}


def _value(written: Any, kind: Kind) -> Value:
    if isinstance(written, list):
        return tuple(str(each) for each in written)
    if kind is Kind.NUMBER and re.fullmatch(r"-?\d{1,9}", str(written)):
        return int(str(written))
    if kind is Kind.MOMENT:
        try:
            moment = datetime.fromisoformat(str(written))
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if kind is Kind.YES_NO and written in {"true", "false"}:
        return "yes" if written == "true" else "no"
    return str(written)


def option(written: Any) -> Option:
    """One entry of a list in the head: a label, or {id: …, label: …}."""
    if isinstance(written, dict):
        label = str(written.get("label", ""))
        return Option(str(written.get("id", label)), label)
    return Option(str(written), str(written))
