"""The ways through flows, as a graph: what cannot be reached, and where one would go round without a stop."""

from collections.abc import Iterator, Mapping

from flows.model import Flow, Library
from flows.states import EndState, RunState, SayState, TryState

Place = tuple[str, str]
"""A state: (flow, state)."""


def unreachable(flow: Flow) -> Iterator[str]:
    """The states that nothing leads to: not the start, not a way on, not `moved`."""
    reached: set[str] = set()
    waiting = [flow.start, *flow.moved.values()]
    while waiting:
        name = waiting.pop()
        if name not in reached and name in flow.states:
            reached.add(name)
            waiting += [way.target for way in flow.states[name].exits()]
    return (name for name in flow.states if name not in reached)


def silent_loops(library: Library, flow: Flow) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each round that can be gone without a stop, once: its first state in this flow, and the way."""
    seen: set[str] = set()
    silent = _passing_flows(library)
    for name in flow.states:
        if name in seen:
            continue
        way = _way_back(library, (flow.name, name), silent)
        if way:
            seen.update(state for of, state in way if of == flow.name)
            shown = [state if of == flow.name else f"{of}/{state}" for of, state in way]
            yield name, (*shown, shown[0])


def _stops(library: Library, place: Place) -> bool:
    state = library.flows[place[0]].states[place[1]]
    return state.waits()


def _next(library: Library, place: Place, silent: Mapping[str, bool]) -> Iterator[Place]:
    """Where one can get from a state without a stop. Into a flow that it runs, too: that must not lead back here."""
    flow = library.flows[place[0]]
    state = flow.states.get(place[1])
    if state is None or state.waits():
        return
    if isinstance(state, RunState) and state.run in library.flows:
        yield state.run, library.flows[state.run].start
        if not silent[state.run]:
            return
    yield from ((flow.name, way.target) for way in state.exits())


def _way_back(library: Library, start: Place, silent: Mapping[str, bool]) -> list[Place] | None:
    """The shortest way from a state to itself without a stop."""
    came: dict[Place, Place] = {}
    queue = [start]
    for place in queue:
        for following in _next(library, place, silent):
            if following == start:
                way = [place]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if following not in came and following[1] in library.flows[following[0]].states:
                came[following] = place
                queue.append(following)
    return None


def _passing_flows(library: Library) -> dict[str, bool]:
    """For each flow, whether one can get from its start to an end without a stop."""
    passing = dict.fromkeys(library.flows, False)
    changed = True
    while changed:
        changed = False
        for name in [name for name, passes in passing.items() if not passes]:
            if _passes(library, name, passing):
                passing[name] = changed = True
    return passing


def _passes(library: Library, name: str, passing: Mapping[str, bool]) -> bool:
    flow = library.flows[name]
    seen: set[str] = set()
    waiting = [flow.start]
    while waiting:
        at = waiting.pop()
        state = flow.states.get(at)
        if state is None or at in seen or state.waits():
            continue
        seen.add(at)
        if isinstance(state, EndState) or (isinstance(state, SayState | TryState) and state.end is not None):
            return True
        if isinstance(state, RunState) and not passing.get(state.run, True):
            continue
        waiting += [way.target for way in state.exits()]
    return False
