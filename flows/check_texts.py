"""What is written: names, texts with `{{ }}`, labels, conditions, and whether every sentence is translated."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from flows.check_questions import is_name
from flows.check_ways import sound, written
from flows.conditions import BadCondition, compiled
from flows.limits import WHATSAPP_LABEL
from flows.model import Flow, Kind
from flows.names import known_names
from flows.pages import Page, Path, Problem, nearest
from flows.reader import Reading
from flows.states import AskState, DecideState, DoState, Pausing, State, TryState
from flows.text import BadText, Hole, holes, parse
from flows.vocabulary import FILTERS

LONGEST_TEXT = 4096
"""Characters of one message: Telegram's limit (Bot API, sendMessage) and WhatsApp's (Cloud API, text body)."""

LONGEST_LABEL = 75
"""Characters of a button: Slack's limit (Block Kit, button element), the most generous there is."""

LONGEST_KEY = 40
"""Letters of a choice's key: with the rest of a button it has to fit Telegram's 64 bytes of callback data."""

_LINK = re.compile("[A-Za-z0-9_-]{1,64}")
"""What the link that opens a chat can carry (Telegram, deep links: the `start` parameter)."""


def names(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """Flows, states and choices have names that can stand in other places too."""
    for path, name in chain([(("flow",), flow.name)], ((("states", n, ""), n) for n in written(page))):
        if not is_name(name):
            mend = "small letters, digits and _ only, beginning with a letter"
            yield page.problem("bad-name", f"`{name}` is not a name", path, mend)
    if flow.starts.link and not _LINK.fullmatch(flow.starts.link):
        mend = "letters from a to z, digits, _ and - only, at most 64"
        yield page.problem("bad-name", f"`{flow.starts.link}` cannot stand in a link", ("starts", "link"), mend)
    for name, state in flow.states.items():
        keys = state.choices or {} if isinstance(state, AskState) else state.try_ if isinstance(state, TryState) else {}
        under = "choices" if isinstance(state, AskState) else "try"
        for key in keys:
            if not key.replace("-", "_").replace("_", "a").isalnum() or len(key) > LONGEST_KEY:
                mend = f"letters, digits and _ only, at most {LONGEST_KEY}"
                yield page.problem("bad-name", f"`{key}` is not a name", ("states", name, under, key, ""), mend)


def decisions(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """Every line of a `decide` can be reached, and the last one takes whoever is left."""
    for _, path, state in sound(reading, flow):
        if not isinstance(state, DecideState):
            continue
        for number, branch in enumerate(state.decide):
            where = (*path, "decide", str(number))
            last = number == len(state.decide) - 1
            if branch.else_ is not None and (branch.when is not None or branch.go is not None):
                mend = "put `when` and `go` on their own line"
                yield page.problem("unknown-key", "`else` stands alone", (*where, "else", ""), mend)
            elif branch.else_ is None and (branch.when is None) != (branch.go is None):
                lacks = "when" if branch.when is None else "go"
                yield page.problem("no-way-on", f"a line of `decide` without `{lacks}`", where, f"add `{lacks}:`")
            elif last and all(each.else_ is None for each in state.decide):
                yield page.problem("no-else", "the last line is not `else`", where, "add `- else: state`")
            elif not last and branch.else_ is not None:
                yield page.problem("no-else", "what stands below `else` is never reached", where, "move `else` down")
        if not state.decide:
            yield page.problem("no-else", "there is nothing to decide", (*path, "decide", ""), "add `- else: state`")
    known = known_names(reading.library, flow.name)
    for name, each in flow.states.items():
        for number, branch in enumerate(each.decide if isinstance(each, DecideState) else ()):
            if branch.when is not None:
                yield from _condition(page, ("states", name, "decide", str(number), "when"), branch.when, known)


def _condition(page: Page, path: Path, source: str, known: Mapping[str, Kind]) -> Iterator[Problem]:
    try:
        compiled(source, known)
    except BadCondition as error:
        lines = source.split("\n")
        line, column = (lines[error.line - 1] if error.line <= len(lines) else ""), error.column
        if error.name and (found := re.search(rf"(?<![\w.]){re.escape(error.name)}(?!\w)", line)):
            column = found.start() + 1
        near = nearest(error.name, known) if error.name else ""
        yield _at(page, page.problem(error.code, str(error), path, near), path, line, column, error.name)


def _at(page: Page, problem: Problem, path: Path, line: str, column: int, name: str) -> Problem:
    """The problem at a column of a line of the value at `path`; where that is written otherwise, at the name."""
    for snippet, skip in ((line, column - 1), (name, 0)):
        if snippet:
            placed = page.problem(problem.code, problem.what, path, problem.mend, snippet, problem.warning, skip)
            if (placed.line, placed.column) != (problem.line, problem.column) or skip == 0:
                return placed
    return problem


def texts(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """Every text can be read, and shown on some platform."""
    known = known_names(reading.library, flow.name)
    for name, state in flow.states.items():
        path = ("states", name)
        for where, text in state.texts():
            if len(text) > LONGEST_TEXT:
                what = f"a text of {len(text):,} characters; {LONGEST_TEXT:,} are the most"
                yield page.problem("text-too-long", what, (*path, *where), "make two messages of it")
            else:
                yield from _text(page, (*path, *where), text, known)
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


def _text(page: Page, path: Path, text: str, known: Mapping[str, Kind]) -> Iterator[Problem]:
    try:
        for hole in dict.fromkeys(holes(text)):
            yield from _hole(page, path, hole, known)
    except BadText as error:
        mend = "write `{{ me.name }}` or `{{ action.starts | date }}`"
        yield page.problem("bad-text", str(error), path, mend, error.snippet.partition("\n")[0])


def _hole(page: Page, path: Path, hole: Hole, known: Mapping[str, Kind]) -> Iterator[Problem]:
    kind = known.get(hole.name)
    at_name, at_filter = hole.source.find(hole.name), hole.source.rfind(hole.filter) if hole.filter else 0
    if kind is None:
        what, near = f"`{hole.name}` is not known", nearest(hole.name, known)
        yield page.problem("unknown-name", what, path, near, hole.source, skip=at_name)
    elif hole.filter and hole.filter not in FILTERS:
        what, near = f"`{hole.filter}` is not a filter", nearest(hole.filter, FILTERS)
        yield page.problem("bad-text", what, path, near, hole.source, skip=at_filter)
    elif hole.filter and kind not in FILTERS[hole.filter]:
        what = f"`{hole.filter}` does not go with `{hole.name}`, which is {kind}"
        fitting = [name for name, kinds in FILTERS.items() if kind in kinds]
        mend = f"leave it out, or take {', '.join(fitting)}" if fitting else "leave it out"
        yield page.problem("type-mismatch", what, path, mend, hole.source, skip=at_filter)


def _label(page: Page, path: Path, label: str) -> Iterator[Problem]:
    length = _plain_length(label)
    if length > LONGEST_LABEL:
        what = f"a label of {length} characters; {LONGEST_LABEL} are the most on any platform"
        yield page.problem("label-too-long", what, path, "shorten it")
    elif length > WHATSAPP_LABEL:
        what = f"a label of {length} characters: over {WHATSAPP_LABEL}, WhatsApp shows numbers instead of buttons"
        yield page.problem("label-long", what, path, "shorten it", warning=True)


def _plain_length(label: str) -> int:
    """How long a label is at least: what its holes will hold is not known yet."""
    try:
        return sum(len(part) for part in parse(label) if isinstance(part, str))
    except BadText:
        return 0


def untranslated(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """Where there are translations, every sentence has one."""
    for language, sentences in sorted(reading.library.translations.items()):
        for name, state in flow.states.items():
            for where, text in chain(state.texts(), state.labels()):
                if text not in sentences and any(letter.isalpha() for letter in text):
                    what = f"this has no translation into `{language}`"
                    mend = f"`doorstep translate {language}`, then write it in languages/{language}.po"
                    yield page.problem("untranslated", what, ("states", name, *where), mend, warning=True)
