"""Where states lead: targets, outcomes, arguments of a `do`, entries of `after`, and what nothing leads to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flows.forms import scalars
from flows.model import Flow
from flows.pages import Page, Path, Problem, near, nearest
from flows.reader import Reading
from flows.states import DecideState, DoState, EndState, Pausing, RunState, SayState, State, TryState, WaitState
from flows.times import duration
from flows.vocabulary import DEEDS
from flows.ways import unreachable

_CUTS = frozenset(
    {
        *("no-way-on", "unhandled-outcome", "unknown-outcome", "no-else", "empty-choices", "two-kinds", "no-kind"),
        *("duplicate-key", "missing-target"),
    }
)
"""Mistakes that can leave a state with nothing that leads to it: told once, where they are."""


def sound(reading: Reading, flow: Flow) -> Iterator[tuple[str, Path, State]]:
    """The states that were read without a mistake of form: only of those one can say that something is missing."""
    shaky = reading.shaky.get(flow.name, frozenset())
    return ((name, ("states", name), state) for name, state in flow.states.items() if name not in shaky)


def written(page: Page) -> Mapping[str, Any]:
    """The states that are written in the file, also those that could not be read."""
    states: Mapping[str, Any] = page.tree["states"]
    return states


def start(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """`start` names a state."""
    states = written(page)
    if not flow.start:
        what = "this flow does not say where it starts"
        where = ("start", "") if ("start", "") in page.spans else ("flow", "")
        yield page.problem("missing-start", what, where, "add `start: state`")
    elif flow.start not in states:
        what = f"it starts in `{flow.start}`, which is not a state here"
        yield page.problem("missing-start", what, ("start",), nearest(flow.start, states))


def ways_on(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """Every state leads on, and to a state."""
    states = written(page)
    for name, state in flow.states.items():
        for way in state.exits():
            if way.target not in states:
                what = f"`{way.target}` is not a state of this flow"
                yield page.problem("missing-target", what, ("states", name, *way.path), nearest(way.target, states))
    for name, path, state in sound(reading, flow):
        if not leads_on(state):
            mend = "add `go: state`" + (" or `end: outcome`" if isinstance(state, SayState | TryState) else "")
            yield page.problem("no-way-on", f"nothing leads on from `{name}`", (*path, ""), mend)
        if isinstance(state, SayState | TryState) and state.go is not None and state.end is not None:
            what = f"state `{name}` both goes on and ends"
            yield page.problem("two-kinds", what, (*path, "end", ""), "leave `go` or `end` out")


def leads_on(state: State) -> bool:
    """Whether there is any way on."""
    if isinstance(state, EndState | DecideState) or getattr(state, "end", None) is not None:
        return True
    if isinstance(state, WaitState) and state.go is None and (length := duration(state.wait)):
        # with no `go`, whoever has waited so long is lost, unless an entry led them on before
        return any(entry.go and (duration(after) or length) <= length for after, entry in state.after.items())
    return any(True for _ in state.exits())


def entries(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """Each entry of `after` does something, where someone can be."""
    for _, path, state in sound(reading, flow):
        after = state.after if isinstance(state, Pausing) else {}
        for length, entry in after.items():
            where = (*path, "after", length)
            if entry.say is None and entry.do is None and entry.go is None:
                yield page.problem("no-way-on", f"nothing happens after {length}", (*where, ""), "add say, do or go")
            elif entry.with_ and entry.do is None:
                yield page.problem("unknown-key", "`with` goes with `do`", (*where, "with", ""), "take it out")
        if after and isinstance(state, SayState) and not state.waits():
            mend = "leave one of the two out"
            yield page.problem("unknown-key", "nobody stays here long enough for `after`", (*path, "after", ""), mend)


def outcomes_taken(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """A `do` and a `run` have a way for each outcome, and for no other."""
    flows = reading.library.flows
    for _, path, state in sound(reading, flow):
        if isinstance(state, DoState):
            about = f"`{state.do}` can come to"
            yield from _taken(page, path, state, DEEDS[state.do].outcomes, about)
        elif isinstance(state, RunState) and state.run not in flows:
            if state.run not in reading.unread:
                what = f"there is no flow `{state.run}`"
                yield page.problem("missing-flow", what, (*path, "run"), nearest(state.run, flows))
        elif isinstance(state, RunState):
            yield from _taken(page, path, state, _ends(reading, state.run), f"`{state.run}` ends with")


def _ends(reading: Reading, name: str) -> tuple[str, ...]:
    """The outcomes that a flow can end with, as written, also in states that could not be read."""
    ends = [getattr(state, "end", None) for state in reading.library.flows[name].states.values()]
    if reading.shaky.get(name):
        ends += [value for key, value in scalars(reading.pages[name].tree["states"]) if key == "end"]
    return tuple(dict.fromkeys(end for end in ends if end))


def _taken(page: Page, path: Path, state: DoState | RunState, known: Sequence[str], subject: str) -> Iterator[Problem]:
    unknown = [outcome for outcome in state.on if outcome not in known]
    for outcome in unknown:
        what = f"`{outcome}` is not an outcome of `{getattr(state, state.kind)}`"
        yield page.problem("unknown-outcome", what, (*path, "on", outcome, ""), nearest(outcome, known))
    left = left_over(known, state.on, unknown)
    if left and state.go is None and state.on:
        what = f"{subject} {', '.join(f'`{each}`' for each in left)}, which leads nowhere"
        mend = f"add `{left[0]}: state` under `on`, or a `go`"
        yield page.problem("unhandled-outcome", what, (*path, "on", ""), mend)


def left_over(needed: Sequence[str], taken: Mapping[str, str], unknown: Sequence[str]) -> list[str]:
    """The outcomes without a way. A misspelt one is told as such, and not once more as one that is left."""
    left = [outcome for outcome in needed if outcome not in taken]
    for outcome in unknown:
        meant = near(outcome, left) or (left[0] if left else "")
        left = [each for each in left if each != meant]
    return left


def arguments(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """What stands in `with` is what the `do` takes."""
    for name, state in flow.states.items():
        given: list[tuple[Path, str, Mapping[str, str]]] = []
        if isinstance(state, DoState):
            given.append((("states", name), state.do, state.with_))
        if isinstance(state, Pausing):
            after = state.after.items()
            given += [(("states", name, "after", t), each.do, each.with_) for t, each in after if each.do is not None]
        for path, deed, with_ in given:
            yield from _arguments(page, path, deed, with_)


def _arguments(page: Page, path: Path, deed: str, given: Mapping[str, str]) -> Iterator[Problem]:
    known = DEEDS[deed].arguments
    for name, value in given.items():
        if name not in known:
            mend = nearest(name, known) or f"`{deed}` takes nothing"
            yield page.problem("unknown-key", f"`{deed}` does not take `{name}`", (*path, "with", name, ""), mend)
        elif known[name] and "{{" not in value and value not in known[name]:
            what = f"`{name}` cannot be `{value}`"
            yield page.problem("type-mismatch", what, (*path, "with", name), nearest(value, known[name]))


def changes(reading: Reading, flow: Flow, page: Page) -> Iterator[Problem]:
    """`moved` leads from states that are gone to states that are here."""
    states = written(page)
    for old, new in flow.moved.items():
        if old in states:
            what = f"`{old}` is still a state here"
            yield page.problem("bad-moved", what, ("moved", old, ""), "take it out of `moved`")
        if new not in states:
            yield page.problem("bad-moved", f"`{new}` is not a state here", ("moved", old), nearest(new, states))


def paths(reading: Reading, flow: Flow, page: Page, mistakes: Sequence[Problem]) -> Iterator[Problem]:
    """The first states of what nothing leads to, except where another mistake is the reason."""
    states = written(page)
    begin = flow.start if flow.start in states else near(flow.start, states)
    if not begin:
        return
    ways = {name: set(_leads(reading, flow, page, name)) for name in states}
    roots = unreachable(ways, [begin, *flow.moved.values()])
    cuts = sorted(p.line for p in mistakes if p.code in _CUTS and "did you mean" not in p.mend)
    for line in cuts:
        below = [name for name in roots if page.span(("states", name, "")).line > line]
        gone = (below or roots)[:1]
        roots = [name for name in roots if name not in gone]
    for name in roots:
        what = f"nothing leads to `{name}`"
        yield page.problem("unreachable", what, ("states", name, ""), "lead to it, or take it out")


def _leads(reading: Reading, flow: Flow, page: Page, name: str) -> Iterator[str]:
    states = written(page)
    targets = [way.target for way in flow.states[name].exits()] if name in flow.states else []
    if name in reading.shaky.get(flow.name, ()):
        targets += [text for _, text in scalars(states[name])]
    return (target if target in states else near(target, states) for target in targets)
