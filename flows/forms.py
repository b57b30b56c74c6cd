"""One page as what it says: a flow or the `anytime` words, and every mistake of form on the way.

A mistake is told once. What is wrong is mended as it was most likely meant, or left out, and the rest is read on: so
that neither the other mistakes of a page are missed, nor one mistake is told three times over.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from flows.complaints import explained
from flows.model import Anytime, Flow, Moment, Starts
from flows.pages import Page, Path, Problem, near, nearest
from flows.states import KINDS, After, AnyState, Branch, Choice, Part, Wording
from flows.times import Offset, offset
from flows.vocabulary import ANYTIME, HAPPENINGS, ROLES, WHO

Form = TypeVar("Form", bound=BaseModel)

MOST_KEYS = 100
"""Of the keys at the head of a file so many may be a word of a flow that is written wrongly: a flow has seven."""

_NEVER = "999 days"
"""Stands for a duration that could not be read."""

_SOMETHING = "…"
"""Stands for a text that is missing."""


class StartsPart(Part):
    """`starts`, as it is written."""

    first_contact: bool = False
    words: list[str] = []
    link: str = ""
    moment: str | None = None
    offset: str | None = None
    who: str | None = None
    until: str | None = None


class FlowPart(Part):
    """The head of a flow file, as it is written; each state is read by its own kind."""

    flow: str
    about: str = ""
    starts: StartsPart = StartsPart()
    urgent: bool = False
    moved: dict[str, str] = {}
    start: str = ""
    states: dict[str, Any]


class AnytimePart(Part):
    """One word of `anytime`, as it is written."""

    words: list[str] = Field(min_length=1)
    run: str = ""


NESTED: Mapping[str, type[BaseModel]] = {
    "choices": Choice,
    "after": After,
    "decide": Branch,
    "try": Wording,
    "starts": StartsPart,
}
"""What stands under these keys."""


@dataclass(frozen=True, slots=True)
class FlowForm:
    """A flow as it was read, and its page, with the keys of its head as they were meant.

    `shaky` are the states with a mistake of form in them, also those not read at all.
    """

    flow: Flow
    page: Page
    shaky: frozenset[str]


def scalars(tree: Any) -> Iterator[tuple[str, str]]:
    """Every text in a part of a page, with the key above it."""
    waiting: list[tuple[str, Any]] = [("", tree)]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(key, each) for each in value]


def read_flow(page: Page) -> tuple[FlowForm | None, list[Problem]]:
    """The flow of a page, or None where it is none."""
    headed, problems = _headed(page)
    if headed is None:
        return None, problems
    page = headed
    part, complaints = _read(page, (), FlowPart, page.tree)
    problems += complaints
    if part is None:
        return None, problems
    states: dict[str, AnyState] = {}
    shaky = set()
    for name, written in part.states.items():
        state, complaints = _read_state(page, name, written)
        problems += complaints
        if complaints:
            shaky.add(name)
        if state is not None:
            states[name] = state
    starts, complaints = _starts(page, part.starts)
    flow = Flow(part.flow, part.start, states, part.about, starts, part.urgent, part.moved, page.file)
    return FlowForm(flow, page, frozenset(shaky)), [*problems, *complaints]


def _headed(page: Page) -> tuple[Page | None, list[Problem]]:
    """A page that has what makes a flow, with its head as it was meant."""
    tree, problems = page.tree, []
    if isinstance(tree, dict):
        # nothing behind these is the same as not having them
        tree = {key: value for key, value in tree.items() if value is not None or key not in {"start", "about"}}
        for needed in ("flow", "states"):
            keys = islice(tree, MOST_KEYS)
            written = next((key for key in keys if near(key, FlowPart.model_fields) == needed), "")
            if needed not in tree and written:
                what = f"`{written}` is not known here"
                problems.append(page.problem("unknown-key", what, (written, ""), f"did you mean `{needed}`?"))
                tree[needed] = tree.pop(written)
                page = page.renamed(written, needed)
        if isinstance(tree.get("flow"), str) and isinstance(tree.get("states"), dict) and tree["states"]:
            return replace(page, tree=tree), problems
    named = isinstance(tree, dict) and isinstance(tree.get("flow"), str)
    missing = "`states:` with a state under it" if named else "`flow:` with a name behind it"
    mend = f"a flow file begins with `flow: name` and has `start:` and `states:`; {missing} is missing"
    where = next((key for key in ("states", "flow") if isinstance(tree, dict) and key in tree), None)
    return None, [page.problem("not-a-flow", "this is not a flow", (where, "") if where and named else (), mend)]


def _read(page: Page, path: Path, part: type[Form], written: Any) -> tuple[Form | None, list[Problem]]:
    """A part of a page: as it is written, or else as it was most likely meant, with what is wrong."""
    problems: list[Problem] = []
    for _ in range(4):
        try:
            return part.model_validate(written), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
            problems = problems or explained(page, details, path, part, NESTED)
            written = _meant(written, details, part)
    return None, problems


def _meant(written: Any, details: list[Any], part: type[BaseModel]) -> Any:
    meant = deepcopy(written)
    for detail in details:
        *way, last = detail["loc"] or ("",)
        around: Any = meant
        if last == "[key]":
            *way, last = way
        for step in way:
            around = around[step] if isinstance(around, dict | list) and step != "[key]" else None
        if isinstance(around, dict):
            _mend_key(around, str(last), detail, NESTED.get(str(detail["loc"][0]), part) if way else part)
        elif isinstance(around, list):
            around[int(last)] = {} if detail["type"] in {"model_type", "model_attributes_type"} else _SOMETHING
    return meant


def _mend_key(around: dict[str, Any], key: str, detail: Any, part: type[BaseModel]) -> None:
    if detail["type"] == "missing":
        around[key] = _SOMETHING
        return
    value = around.pop(key, None)
    known = [field.alias or name for name, field in part.model_fields.items()]
    if detail["type"] == "extra_forbidden" and (meant := near(key, known)) and meant not in around:
        around[meant] = value
    elif detail["loc"][-1] == "[key]":
        around[_NEVER] = value
    elif detail["type"] == "string_type" and value is None and part.model_fields.get(key, None) is not None:
        around[key] = _SOMETHING


def _read_state(page: Page, name: str, written: Any) -> tuple[AnyState | None, list[Problem]]:
    path = ("states", name)
    if not isinstance(written, dict):
        mend = "write `say:`, `ask:` or another kind under it"
        return None, [page.problem("no-kind", f"state `{name}` says nothing", (*path, ""), mend)]
    kinds = [kind for kind in KINDS if kind in written]
    if len(kinds) == 2 and "end" in kinds and {"say", "try"} & set(kinds):
        kinds.remove("end")
    if not kinds:
        return _kindless(page, name, written)
    if len(kinds) > 1:
        kinds.sort(key=list(written).index)
        what = f"state `{name}` is both `{kinds[0]}` and `{kinds[1]}`"
        return None, [page.problem("two-kinds", what, (*path, kinds[1], ""), "make two states of it")]
    state, problems = _read(page, path, KINDS[kinds[0]], written)
    return state, problems or list(_empty(page, path, KINDS[kinds[0]], written))


def _empty(page: Page, path: Path, part: type[BaseModel], written: dict[str, Any]) -> Iterator[Problem]:
    """Keys with nothing behind them, where nothing is what the form would take."""
    for field, told in part.model_fields.items():
        key = told.alias or field
        if key in written and written[key] is None:
            code = {"go": "no-way-on", "choices": "empty-choices"}.get(key, "type-mismatch")
            yield page.problem(code, f"there is nothing behind `{key}:`", (*path, key, ""), "write it, or take it out")


def _kindless(page: Page, name: str, written: dict[str, Any]) -> tuple[AnyState | None, list[Problem]]:
    meant = {near(key, KINDS): key for key in written if near(key, KINDS)}
    kind, key = next(iter(meant.items()), ("", ""))
    mend = f"did you mean `{kind}` by `{key}`?" if kind else f"give it one of {', '.join(KINDS)}"
    problem = page.problem("no-kind", f"state `{name}` has no kind", ("states", name, key, ""), mend)
    if not kind:
        return None, [problem]
    state, _ = _read(page, ("states", name), KINDS[kind], {kind if k == key else k: v for k, v in written.items()})
    return state, [problem]


def _starts(page: Page, part: StartsPart) -> tuple[Starts, list[Problem]]:
    problems: list[Problem] = []
    moment = None
    words, who = tuple(word for word in part.words if word.strip()), ""
    if part.moment is None:
        who, problems = _whose(page, part) if words else ("", [])
        for key in ("offset", "until") if words else ("offset", "who", "until"):
            if getattr(part, key) is not None:
                mend = "add `moment:` with a happening, or take it out"
                problems.append(page.problem("bad-moment", f"`{key}` without `moment`", ("starts", key, ""), mend))
    else:
        moment, problems = _moment(page, part, part.moment)
    return Starts(part.first_contact, words, part.link, moment, who), problems


def _whose(page: Page, part: StartsPart) -> tuple[str, list[Problem]]:
    """Whose words begin it."""
    if part.who is None or part.who in ROLES:
        return part.who or "", []
    what = f"words are for a {' or a '.join(ROLES)}, and not for `{part.who}`"
    return "", [page.problem("bad-moment", what, ("starts", "who"), nearest(part.who, ROLES))]


def _moment(page: Page, part: StartsPart, happening: str) -> tuple[Moment | None, list[Problem]]:
    problems = []
    if happening not in HAPPENINGS:
        what = f"`{happening}` is not a happening"
        problems.append(page.problem("bad-moment", what, ("starts", "moment"), nearest(happening, HAPPENINGS)))
    if part.who is not None and part.who not in WHO:
        what = f"`{part.who}` is not somebody a moment can be for"
        problems.append(page.problem("bad-moment", what, ("starts", "who"), nearest(part.who, WHO)))
    away = _offset(page, "offset", part.offset, "write it like `-1 day` or `2 hours`", problems)
    until = _offset(page, "until", part.until, "write it like `2 hours before`", problems)
    if problems or away is None or until is None:
        return None, problems
    if part.until is not None and until.length < away.length:
        what = f"`until: {part.until}` lies before `offset: {part.offset or 0}`: this would never begin"
        return None, [page.problem("bad-moment", what, ("starts", "until"), "make it later")]
    end = until.length if part.until is not None else None
    return Moment(happening, away.days, away.rest, part.who or "", end), []


def _offset(page: Page, key: str, written: str | None, mend: str, problems: list[Problem]) -> Offset | None:
    read = offset(written or "0")
    if read is None:
        problems.append(page.problem("bad-offset", f"`{written}` is not so much time", ("starts", key), mend))
    return read


def read_anytime(page: Page) -> tuple[dict[str, Anytime], list[Problem]]:
    """The words of `always.yaml`, by their name."""
    words, problems = {}, []
    problems += [
        page.problem("unknown-key", f"`{key}` is not known here", (key, ""), "this file has only `anytime:`")
        for key in page.tree
        if key != "anytime"
    ]
    entries = page.tree["anytime"]
    if not isinstance(entries, dict):
        what = "`anytime` should be names with words under it"
        return {}, [*problems, page.problem("not-a-flow", what, ("anytime",), "`help: {words: [help], run: help}`")]
    for name, entry in entries.items():
        path = ("anytime", name)
        meant = name if name in ANYTIME else near(name, ANYTIME)
        if meant != name:
            what = f"`{name}` is not known here"
            problems.append(page.problem("unknown-key", what, (*path, ""), nearest(name, ANYTIME)))
        part, complaints = _read(page, path, AnytimePart, entry)
        problems += complaints if meant == name else []
        if part is not None and meant:
            words[meant] = Anytime(tuple(part.words), part.run)
    return words, problems
