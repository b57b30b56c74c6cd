"""Questions: whether each has answers, where each answer leads, and what becomes of it."""

from collections.abc import Iterator

from flows.check_ways import leads_on, left_over, sound
from flows.model import Flow, Kind
from flows.names import kind_saved
from flows.openings import DOTS, is_answered, lead
from flows.pages import Page, Path, Problem, nearest
from flows.reader import Reading
from flows.states import AskState, DoState, State
from flows.vocabulary import COUNTED, ME
from flows.words import fold, words

MOST_CHOICES = 10
"""Rows of a WhatsApp list (Cloud API, interactive list messages)."""

_FIRST = (
    "begin with a question that has choices, or expects a number, a date, a time, a code or text, and is no consent"
)


def questions(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """Every question has one kind of answer, and every answer a way on."""
    for _, path, state in sound(reading, flow):
        if not isinstance(state, AskState):
            continue
        forms = [key for key in ("choices", "choices_from", "expect") if getattr(state, key) is not None]
        if not forms:
            mend = "add `choices:`, `choices_from:` or `expect:`"
            yield page.problem("empty-choices", "this question has no answers", (*path, "ask", ""), mend)
        elif len(forms) > 1:
            forms.sort(key=lambda key: page.span((*path, key, "")).begins)
            what = f"a question has either `{forms[0]}` or `{forms[1]}`"
            yield page.problem("two-kinds", what, (*path, forms[1], ""), "leave one of them out")
        elif state.choices is not None and not state.choices:
            mend = "add choices under it"
            yield page.problem("empty-choices", "there is nothing to choose from", (*path, "choices", ""), mend)
        else:
            yield from _ways(page, path, state)
            yield from _form(page, path, state)
            yield from _choices(page, path, state)


def openings(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """A word like `away until ...` has a beginning, and a question that its rest can answer."""
    for number, word in enumerate(flow.starts.words):
        begins, path = lead(word), ("starts", "words", str(number))
        if begins is None and any(dots in word for dots in DOTS):
            yield page.problem("bad-words", f"in `{word}` the dots are not at the end", path, "write `away until ...`")
        elif begins is not None and not words(begins):
            yield page.problem("bad-words", f"`{word}` has no word before its dots", path, "write `away until ...`")
        elif begins is not None and not reading.shaky.get(flow.name) and not _answered_at_once(flow):
            what = f"nothing can be answered by what stands where `{word}` has its dots"
            yield page.problem("bad-words", what, path, _FIRST)


def _answered_at_once(flow: Flow) -> bool:
    """Whether the flow may begin with a question that is answered before it was read; nobody can consent so."""
    first = [state for state in _up_to_questions(flow, [flow.start]) if isinstance(state, AskState)]
    then = _up_to_questions(flow, [way.target for state in first for way in state.exits()])
    consents = any(isinstance(state, DoState) and state.do == "record_consent" for state in then)
    return any(map(is_answered, first)) and not consents


def _up_to_questions(flow: Flow, names: list[str]) -> list[State]:
    """These states, and those they lead to before anything else is asked."""
    found: dict[str, State] = {}
    while names:
        name = names.pop()
        if name in flow.states and name not in found:
            state = found[name] = flow.states[name]
            names += [] if isinstance(state, AskState) else [way.target for way in state.exits()]
    return list(found.values())


def _ways(page: Page, path: Path, state: AskState) -> Iterator[Problem]:
    needed: tuple[str, ...] = ()
    known: tuple[str, ...] = ("skip",)
    if state.expect == "yes_no":
        needed, known = ("yes", "no"), ("yes", "no", "skip")
    elif state.choices_from is not None:
        needed, known = ("none",), ("none", "skip")
    elif state.choices is not None and state.choose == "one":
        needed = tuple(key for key, choice in state.choices.items() if choice.go is None)
        known = (*state.choices, "skip")
    unknown = [outcome for outcome in state.on if outcome not in known]
    for outcome in unknown:
        what = f"`{outcome}` is not an outcome here"
        yield page.problem("unknown-outcome", what, (*path, "on", outcome, ""), nearest(outcome, known))
    if state.go is not None or not leads_on(state):
        return
    left = left_over(needed, state.on, unknown)
    if left:
        what = f"the answer {', '.join(f'`{each}`' for each in left)} leads nowhere"
        where = (*path, "choices", left[0], "") if state.choices else (*path, "on", "")
        yield page.problem("unhandled-outcome", what, where, f"give `{left[0]}` a way, or the question a `go`")
    elif state.choices_from is not None or state.choose == "many" or (not needed and state.choices is None):
        yield page.problem("no-way-on", "an answer leads nowhere", (*path, ""), "add `go: state`")


def _form(page: Page, path: Path, state: AskState) -> Iterator[Problem]:
    for key in ("least", "most"):
        if getattr(state, key) is not None and state.expect != "number":
            what = f"`{key}` goes with `expect: number`"
            yield page.problem("unknown-key", what, (*path, key, ""), "take it out")
    if state.least is not None and state.most is not None and state.least > state.most:
        yield page.problem("type-mismatch", "`least` is more than `most`", (*path, "least"), "exchange the two")
    if state.choose == "many" and state.choices is None and state.choices_from is None:
        yield page.problem("unknown-key", "`choose` goes with choices", (*path, "choose", ""), "take it out")


def _choices(page: Page, path: Path, state: AskState) -> Iterator[Problem]:
    choices = state.choices or {}
    labels: dict[str, str] = {}
    for key, choice in choices.items():
        if state.choose == "many" and choice.go is not None:
            what, mend = "one of many choices cannot lead on", "give the question one `go`, and decide there"
            yield page.problem("unknown-key", what, (*path, "choices", key, "go", ""), mend)
        label = fold(choice.label) or choice.label
        if labels.setdefault(label, key) != key:
            what = f"`{choice.label}` is the label of `{labels[label]}` too"
            yield page.problem("duplicate-words", what, (*path, "choices", key), "tell them apart")
    if len(choices) > MOST_CHOICES:
        what = f"{len(choices)} choices: WhatsApp shows at most {MOST_CHOICES} in a list"
        mend = "there they become numbers"
        yield page.problem("many-choices", what, (*path, "choices", ""), mend, warning=True)


def saves(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """What is saved has a name that can be read again, and one type wherever it is saved."""
    for _, path, state in sound(reading, flow):
        if not isinstance(state, AskState) or state.save is None:
            continue
        name, where = state.save.removeprefix("me."), (*path, "save")
        kind = kind_saved(state)
        if not is_name(name) or not name.isascii():
            near = name.removeprefix("answers.")
            mend = f"write `{near}`" if near != name else "a bare name, or `me.` and a name: small letters, digits, _"
            yield page.problem("bad-name", f"`{state.save}` is not a name to save to", where, mend)
        elif name == state.save:
            continue
        elif name in COUNTED:
            what = f"`{state.save}` is kept by Doorstep itself"
            yield page.problem("bad-name", what, where, "choose another name")
        elif not fits(kind, wanted := ME.get(name) or _first_saved(reading, state.save, kind)):
            what = f"`{state.save}` is {_a(wanted)}, and this answer is {_a(kind)}"
            yield page.problem("type-mismatch", what, where, "save it under another name")


def is_name(name: str) -> bool:
    """Small letters, digits and _, of a length that can be read."""
    return name.isidentifier() and name == name.lower() and not name.startswith("_") and len(name) <= 60


def fits(given: Kind, wanted: Kind) -> bool:
    """Whether what has the one type can be kept as the other."""
    return given is wanted or wanted is Kind.ANY or {given, wanted} <= {Kind.TEXT, Kind.YES_NO}


def _first_saved(reading: Reading, target: str, otherwise: Kind) -> Kind:
    """The type that the first question which saves a field gives it."""
    if reading.library.me.get(target.removeprefix("me.")) is not Kind.ANY:
        return otherwise
    for name in reading.pages:
        for _, _, state in sound(reading, reading.library.flows[name]):
            if isinstance(state, AskState) and state.save == target:
                return kind_saved(state)
    return otherwise


def _a(kind: Kind) -> str:
    return {Kind.YES_NO: "a yes or no", Kind.ANY: "anything"}.get(kind, f"a {kind}")
