"""Everything that can be wrong with a library, found before anybody meets it: one `Problem` for each mistake."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from flows.answers import fold
from flows.conditions import BadCondition, compiled
from flows.model import Flow, Kind, Library
from flows.names import kind_saved, known_names
from flows.pages import Page, Path, Problem, nearest
from flows.reader import Reading
from flows.states import (
    AskState,
    DecideState,
    DoState,
    EndState,
    Pausing,
    RunState,
    SayState,
    State,
    TryState,
    WaitState,
)
from flows.text import BadText, holes
from flows.vocabulary import COUNTED, DEEDS, FILTERS, WITHOUT_CONSENT
from flows.ways import silent_loops, unreachable

LONGEST_TEXT = 4096
"""Characters of one message: Telegram's limit (Bot API, sendMessage) and WhatsApp's (Cloud API, text body)."""

LONGEST_LABEL = 75
"""Characters of a button: Slack's limit (Block Kit, button element), the most generous there is."""

WHATSAPP_LABEL = 20
"""Characters of a WhatsApp reply button (Cloud API, interactive messages)."""

MOST_CHOICES = 10
"""Rows of a WhatsApp list (Cloud API, interactive list messages)."""

_NEEDS_CONSENT = frozenset({"find_buddy", "become_buddy", "share_contact"})

Found = Iterator[Problem]


def check(reading: Reading) -> tuple[Problem, ...]:
    """Every problem of a library, in the order of files and lines."""
    found = list(reading.problems)
    for name, page in reading.pages.items():
        flow = reading.library.flows[name]
        for rule in _RULES:
            found += rule(reading, flow, page)
    found += _words_written_twice(reading)
    found += _anytime_flows(reading)
    return tuple(sorted(set(found)))


def _states(flow: Flow) -> Iterator[tuple[str, Path, State]]:
    return ((name, ("states", name), state) for name, state in flow.states.items())


def _written(flow: Flow, page: Page) -> frozenset[str]:
    """The states that are written in the file, also those that could not be read."""
    return frozenset(page.tree["states"])


def _names(reading: Reading, flow: Flow, page: Page) -> Found:
    for path, name in chain([(("flow",), flow.name)], ((("states", n, ""), n) for n in _written(flow, page))):
        if not _is_name(name):
            yield page.problem("bad-name", f"`{name}` is not a name", path, "small letters, digits and _ only")
    for name, path, state in _states(flow):
        keys: list[tuple[Path, str]] = []
        if isinstance(state, AskState):
            keys = [((*path, "choices", key, ""), key) for key in state.choices or {}]
        elif isinstance(state, TryState):
            keys = [((*path, "try", key, ""), key) for key in state.try_]
        for where, key in keys:
            if not key.replace("-", "_").replace("_", "a").isalnum() or len(key) > 40:
                yield page.problem("bad-name", f"`{key}` is not a name", where, "letters, digits and _ only")
        if len(name) > 60:
            yield page.problem("bad-name", "a name of over 60 letters", (*path, ""), "shorten it")


def _is_name(name: str) -> bool:
    return name.isidentifier() and name == name.lower() and not name.startswith("_") and len(name) <= 60


def _start(reading: Reading, flow: Flow, page: Page) -> Found:
    states = _written(flow, page)
    if not flow.start:
        yield page.problem(
            "missing-start", "this flow does not say where it starts", ("flow", ""), "add `start: state`"
        )
    elif flow.start not in states:
        what = f"it starts in `{flow.start}`, which is not a state here"
        yield page.problem("missing-start", what, ("start",), nearest(flow.start, states))


def _ways_on(reading: Reading, flow: Flow, page: Page) -> Found:
    states = _written(flow, page)
    for name, path, state in _states(flow):
        for way in state.exits():
            if way.target not in states:
                what = f"`{way.target}` is not a state of this flow"
                yield page.problem("missing-target", what, (*path, *way.path), nearest(way.target, states))
        if not _leads_on(state):
            mend = "add `go: state`" + (" or `end: outcome`" if isinstance(state, SayState | TryState) else "")
            yield page.problem("no-way-on", f"nothing leads on from `{name}`", (*path, ""), mend)


def _leads_on(state: State) -> bool:
    if isinstance(state, EndState) or getattr(state, "end", None) is not None:
        return True
    if isinstance(state, WaitState) and state.go is None:
        return any(entry.go for entry in state.after.values())
    return any(True for _ in state.exits())


def _after(reading: Reading, flow: Flow, page: Page) -> Found:
    for _, path, state in _states(flow):
        entries = state.after if isinstance(state, Pausing) else {}
        for length, entry in entries.items():
            where = (*path, "after", length)
            if entry.say is None and entry.do is None and entry.go is None:
                yield page.problem("no-way-on", f"nothing happens after {length}", where, "add say, do or go")
            if entry.with_ and entry.do is None:
                yield page.problem("unknown-key", "`with` goes with `do`", (*where, "with", ""))
            if entry.do is not None:
                yield from _arguments(page, where, entry.do, entry.with_)
        if entries and isinstance(state, SayState) and not state.waits():
            mend = "leave one of them out"
            yield page.problem("unknown-key", "nobody stays here long enough for `after`", (*path, "after", ""), mend)


def _runs(reading: Reading, flow: Flow, page: Page) -> Found:
    flows = reading.library.flows
    for _, path, state in _states(flow):
        if isinstance(state, RunState):
            if state.run not in flows:
                what = f"there is no flow `{state.run}`"
                yield page.problem("missing-flow", what, (*path, "run"), nearest(state.run, flows))
                continue
            ends = outcomes(flows[state.run])
            yield from _outcomes(page, path, state.on, state.go, ends, f"`{state.run}` ends with")


def outcomes(flow: Flow) -> tuple[str, ...]:
    """The outcomes that a flow can end with, as written."""
    ends = (getattr(state, "end", None) for state in flow.states.values())
    return tuple(dict.fromkeys(end for end in ends if end))


def _outcomes(
    page: Page, path: Path, on: Mapping[str, str], go: str | None, known: tuple[str, ...], subject: str
) -> Found:
    for outcome in on:
        if outcome not in known:
            what = f"`{outcome}` is not an outcome here"
            yield page.problem("unknown-outcome", what, (*path, "on", outcome, ""), nearest(outcome, known))
    left = [outcome for outcome in known if outcome not in on]
    if left and go is None and (on or len(known) > 1):
        what = f"{subject} {', '.join(f'`{each}`' for each in left)}, which leads nowhere"
        where = (*path, "on", "") if on else (*path, "")
        yield page.problem("unhandled-outcome", what, where, f"add `{left[0]}: state` under `on`, or a `go`")


def _deeds(reading: Reading, flow: Flow, page: Page) -> Found:
    for _, path, state in _states(flow):
        if isinstance(state, DoState):
            yield from _outcomes(page, path, state.on, state.go, DEEDS[state.do].outcomes, f"`{state.do}` can come to")
            yield from _arguments(page, path, state.do, state.with_)


def _arguments(page: Page, path: Path, deed: str, given: Mapping[str, str]) -> Found:
    known = DEEDS[deed].arguments
    for name, value in given.items():
        if name not in known:
            mend = nearest(name, known) or f"`{deed}` takes nothing"
            yield page.problem("unknown-key", f"`{deed}` does not take `{name}`", (*path, "with", name, ""), mend)
        elif known[name] and "{{" not in value and value not in known[name]:
            what = f"`{name}` cannot be `{value}`"
            yield page.problem("type-mismatch", what, (*path, "with", name), f"it is one of {', '.join(known[name])}")


def _questions(reading: Reading, flow: Flow, page: Page) -> Found:
    for _, path, state in _states(flow):
        if not isinstance(state, AskState):
            continue
        forms = [key for key in ("choices", "choices_from", "expect") if getattr(state, key) is not None]
        if not forms:
            mend = "add `choices:`, `choices_from:` or `expect:`"
            yield page.problem("empty-choices", "this question has no answers", (*path, "ask", ""), mend)
        elif len(forms) > 1:
            what = f"a question has either `{forms[0]}` or `{forms[1]}`"
            yield page.problem("two-kinds", what, (*path, forms[1], ""), "leave one of them out")
        elif state.choices is not None and not state.choices:
            yield page.problem(
                "empty-choices", "there is nothing to choose from", (*path, "choices", ""), "add choices"
            )
        else:
            yield from _question_ways(page, path, state)
            yield from _question_form(page, path, state)


def _question_ways(page: Page, path: Path, state: AskState) -> Found:
    needed: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ("skip",)
    if state.expect == "yes_no":
        needed = ("yes", "no")
    elif state.choices_from is not None:
        allowed = ("skip", "none")
        needed = ("none",)
    elif state.choices is not None and state.choose == "one":
        allowed = ("skip", *state.choices)
        needed = tuple(key for key, choice in state.choices.items() if choice.go is None)
    for outcome in state.on:
        if outcome not in (*needed, *allowed):
            what = f"`{outcome}` is not an outcome here"
            yield page.problem(
                "unknown-outcome", what, (*path, "on", outcome, ""), nearest(outcome, (*needed, *allowed))
            )
    if state.go is None and needed and any(True for _ in state.exits()):
        left = [outcome for outcome in needed if outcome not in state.on]
        if left:
            what = f"the answer {', '.join(f'`{each}`' for each in left)} leads nowhere"
            where = (*path, "choices", left[0], "") if state.choices else (*path, "on", "")
            yield page.problem("unhandled-outcome", what, where, "give it a `go`, or the question one")
    if state.go is None and (state.choose == "many" or (not needed and state.choices is None)) and _leads_on(state):
        yield page.problem("no-way-on", "an answer leads nowhere", (*path, ""), "add `go: state`")
    if state.choices_from is not None and state.go is None and "none" in state.on:
        yield page.problem("no-way-on", "an answer leads nowhere", (*path, ""), "add `go: state`")


def _question_form(page: Page, path: Path, state: AskState) -> Found:
    for key in ("least", "most"):
        if getattr(state, key) is not None and state.expect != "number":
            yield page.problem("unknown-key", f"`{key}` goes with `expect: number`", (*path, key, ""))
    if state.least is not None and state.most is not None and state.least > state.most:
        yield page.problem("type-mismatch", "`least` is more than `most`", (*path, "least"), "exchange the two")
    if state.choose == "many" and state.choices is None and state.choices_from is None:
        yield page.problem("unknown-key", "`choose` goes with choices", (*path, "choose", ""))
    for key, choice in (state.choices or {}).items() if state.choose == "many" else ():
        if choice.go is not None:
            mend = "give the question one `go`, and decide there"
            yield page.problem(
                "unknown-key", "one of many choices cannot lead on", (*path, "choices", key, "go", ""), mend
            )
    if len(state.choices or ()) > MOST_CHOICES:
        what = f"{len(state.choices or ())} choices: WhatsApp shows at most {MOST_CHOICES} in a list"
        yield page.problem(
            "many-choices", what, (*path, "choices", ""), "the others become numbers there", warning=True
        )


def _saves(reading: Reading, flow: Flow, page: Page) -> Found:
    known = reading.library.me
    for _, path, state in _states(flow):
        if not isinstance(state, AskState) or state.save is None:
            continue
        name, where = state.save.removeprefix("me."), (*path, "save")
        if not name.isascii() or not _is_name(name):
            mend = "a bare name, or `me.` and a name"
            yield page.problem("bad-name", f"`{state.save}` is not a name", where, mend)
        elif name != state.save and name in COUNTED:
            yield page.problem("bad-name", f"`{state.save}` is kept by Doorstep itself", where, "choose another name")
        elif name != state.save and not _fits(kind_saved(state), known[name]):
            what = f"`{state.save}` is {known[name]}, and this answer is {kind_saved(state)}"
            yield page.problem("type-mismatch", what, where)


def _fits(given: Kind, wanted: Kind) -> bool:
    texts = {Kind.TEXT, Kind.YES_NO}
    return given is wanted or wanted is Kind.ANY or {given, wanted} <= texts


def _decides(reading: Reading, flow: Flow, page: Page) -> Found:
    known = known_names(reading.library, flow.name)
    for _, path, state in _states(flow):
        if not isinstance(state, DecideState):
            continue
        for number, branch in enumerate(state.decide):
            where = (*path, "decide", str(number))
            last = number == len(state.decide) - 1
            if last and branch.else_ is None:
                yield page.problem("no-else", "the last line is not `else`", where, "add `- else: state`")
            elif not last and branch.else_ is not None:
                yield page.problem("no-else", "what stands below `else` is never reached", where, "move `else` down")
            if branch.else_ is not None and (branch.when is not None or branch.go is not None):
                yield page.problem("unknown-key", "`else` stands alone", where, "put `when` and `go` on their own line")
            elif branch.else_ is None and (branch.when is None or branch.go is None):
                yield page.problem("no-way-on", "a line needs `when` and `go`", where)
            if branch.when is not None:
                yield from _condition(page, (*where, "when"), branch.when, known)
        if not state.decide:
            yield page.problem("no-else", "there is nothing to decide", (*path, "decide"), "add `- else: state`")


def _condition(page: Page, path: Path, source: str, known: Mapping[str, Kind]) -> Found:
    try:
        compiled(source, known)
    except BadCondition as error:
        if error.name:
            snippet = error.name
            if error.name.partition(".")[0] in {name.partition(".")[0] for name in known}:
                yield page.problem(error.code, str(error), path, nearest(error.name, known), snippet)
                return
            yield page.problem(error.code, str(error), path, "", snippet)
            return
        line = source.split("\n")[error.line - 1 : error.line]
        yield page.problem(error.code, str(error), path, "", line[0] if line else "", skip=error.column - 1)


def _texts(reading: Reading, flow: Flow, page: Page) -> Found:
    known = known_names(reading.library, flow.name)
    for _, path, state in _states(flow):
        for where, text in state.texts():
            yield from _text(page, (*path, *where), text, known)
            if len(text) > LONGEST_TEXT:
                what = f"a text of {len(text):,} characters; {LONGEST_TEXT:,} are the most"
                yield page.problem("text-too-long", what, (*path, *where), "make two messages of it")
        for where, label in state.labels():
            yield from _text(page, (*path, *where), label, known)
            yield from _label(page, (*path, *where), label)
        for where, given in _given(state):
            yield from _text(page, (*path, *where), given, known)


def _given(state: State) -> Iterator[tuple[Path, str]]:
    if isinstance(state, DoState):
        yield from ((("with", name), value) for name, value in state.with_.items())
    if isinstance(state, Pausing):
        for length, entry in state.after.items():
            yield from ((("after", length, "with", name), value) for name, value in entry.with_.items())


def _text(page: Page, path: Path, text: str, known: Mapping[str, Kind]) -> Found:
    try:
        for hole in holes(text):
            kind = known.get(hole.name)
            if kind is None:
                what = f"`{hole.name}` is not known"
                yield page.problem("unknown-name", what, path, nearest(hole.name, known), hole.source)
            elif hole.filter and hole.filter not in FILTERS:
                what = f"`{hole.filter}` is not a filter"
                yield page.problem("bad-text", what, path, nearest(hole.filter, FILTERS), hole.source)
            elif hole.filter and kind not in FILTERS[hole.filter]:
                what = f"`{hole.filter}` does not go with `{hole.name}`, which is {kind}"
                yield page.problem("type-mismatch", what, path, "leave the filter out", hole.source)
    except BadText as error:
        yield page.problem("bad-text", str(error), path, "", error.snippet)


def _label(page: Page, path: Path, label: str) -> Found:
    if len(label) > LONGEST_LABEL:
        what = f"a label of {len(label)} characters; {LONGEST_LABEL} are the most on any platform"
        yield page.problem("label-too-long", what, path, "shorten it")
    elif len(label) > WHATSAPP_LABEL:
        what = f"a label of {len(label)} characters: over {WHATSAPP_LABEL}, WhatsApp shows numbers instead of buttons"
        yield page.problem("label-long", what, path, "shorten it", warning=True)


def _moved(reading: Reading, flow: Flow, page: Page) -> Found:
    states = _written(flow, page)
    for old, new in flow.moved.items():
        if old in states:
            what = f"`{old}` is still a state here"
            yield page.problem("bad-moved", what, ("moved", old, ""), "take it out of `moved`")
        if new not in states:
            yield page.problem("bad-moved", f"`{new}` is not a state here", ("moved", old), nearest(new, states))


def _graph(reading: Reading, flow: Flow, page: Page) -> Found:
    if len(flow.states) < len(_written(flow, page)) or flow.start not in flow.states:
        return
    for name in unreachable(flow):
        what = f"nothing leads to `{name}`"
        yield page.problem("unreachable", what, ("states", name, ""), "lead to it, or take it out")
    for name, way in silent_loops(reading.library, flow):
        what = f"`{name}` leads back to itself and nobody is waited for: {' → '.join(way)}"
        yield page.problem("silent-loop", what, ("states", name, ""), "put an `ask` or a `wait` on the way")


def _warnings(reading: Reading, flow: Flow, page: Page) -> Found:
    if flow.urgent:
        what = "`urgent` breaks quiet hours and the weekly cap"
        yield page.problem("urgent-used", what, ("urgent", ""), "keep it for what cannot wait", warning=True)
    if not flow.starts and not _is_run(reading.library, flow.name) and not _bad_moment(reading, flow):
        mend = "add `starts:`, or run it from another flow"
        yield page.problem("never-started", "nothing starts this flow", ("flow", ""), mend, warning=True)


def _bad_moment(reading: Reading, flow: Flow) -> bool:
    return any(p.file == flow.file and p.code in {"bad-moment", "bad-offset"} for p in reading.problems)


def _is_run(library: Library, name: str) -> bool:
    words = any(entry.run == name for entry in library.anytime.values())
    states = chain.from_iterable(flow.states.values() for flow in library.flows.values())
    return words or any(isinstance(state, RunState) and state.run == name for state in states)


def _consent(reading: Reading, flow: Flow, page: Page) -> Found:
    states = list(chain.from_iterable(each.states.values() for each in reading.library.flows.values()))
    if any(isinstance(state, DoState) and state.do == "record_consent" for state in states):
        return
    for _, path, state in _states(flow):
        if isinstance(state, AskState) and state.save and state.save.startswith("me."):
            if state.save.removeprefix("me.") in WITHOUT_CONSENT:
                continue
            what, where = f"`{state.save}` is kept, and nobody was asked for consent", (*path, "save")
        elif isinstance(state, DoState) and state.do in _NEEDS_CONSENT:
            what, where = f"`{state.do}` without anybody's consent", (*path, "do")
        else:
            continue
        mend = "ask for it, then `do: record_consent`"
        yield page.problem("no-consent", what, where, mend, warning=True)
        return


def _untranslated(reading: Reading, flow: Flow, page: Page) -> Found:
    for language, sentences in sorted(reading.library.translations.items()):
        for _, path, state in _states(flow):
            for where, text in chain(state.texts(), state.labels()):
                if text not in sentences and any(letter.isalpha() for letter in text):
                    what = f"this has no translation into `{language}`"
                    mend = f"`doorstep translate {language}`, then write it in languages/{language}.po"
                    yield page.problem("untranslated", what, (*path, *where), mend, warning=True)


def _words_written_twice(reading: Reading) -> Found:
    taken: dict[str, str] = {}
    for name, entry in reading.library.anytime.items():
        taken.update(
            {f"word {fold(word) or word}": f"`{name}`, which is understood everywhere" for word in entry.words}
        )
    for name, page in reading.pages.items():
        starts = reading.library.flows[name].starts
        claims: list[tuple[str, Path]] = []
        claims += [(f"word {fold(word) or word}", ("starts", "words", str(n))) for n, word in enumerate(starts.words)]
        claims += [("the first contact", ("starts", "first_contact"))] if starts.first_contact else []
        claims += [(f"link {starts.link}", ("starts", "link"))] if starts.link else []
        for claim, path in claims:
            if claim in taken:
                kind, _, word = claim.partition(" ")
                what = f"{kind} `{word}` already starts {taken[claim]}"
                yield page.problem("duplicate-words", what, path, "keep it in one place")
            taken.setdefault(claim, f"the flow `{name}`")


def _anytime_flows(reading: Reading) -> Found:
    files = [name for name, text in reading.files.items() if name.startswith("library/") and "anytime" in text]
    for name, entry in reading.library.anytime.items():
        if name in {"back", "skip"}:
            continue
        if entry.run not in reading.library.flows and files:
            what = f"`{name}` runs `{entry.run}`, which is not a flow" if entry.run else f"`{name}` runs no flow"
            line = _line_of(reading.files[files[0]], name)
            yield Problem(files[0], line, 1, "missing-flow", what, nearest(entry.run, reading.library.flows))


def _line_of(text: str, name: str) -> int:
    lines = [n for n, line in enumerate(text.split("\n"), 1) if line.strip().startswith((f"{name}:", "anytime: {"))]
    return lines[0] if lines else 1


_RULES: tuple[Callable[[Reading, Flow, Page], Found], ...] = (
    _names,
    _start,
    _ways_on,
    _after,
    _runs,
    _deeds,
    _questions,
    _saves,
    _decides,
    _texts,
    _moved,
    _graph,
    _warnings,
    _consent,
    _untranslated,
)
