"""The ways through flows, as a graph: what cannot be reached, and where one would go round without a stop."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from flows.model import Library
from flows.states import AskState, EndState, RunState, SayState, State, TryState

Place = tuple[str, str]
"""A state: (flow, state)."""


def unreachable(ways: Mapping[str, Collection[str]], begins: Iterable[str]) -> list[str]:
    """The names that nothing leads to from where one begins. Of names that lead to each other, only the first."""
    reached = _reached(ways, begins)
    left = [name for name in ways if name not in reached]
    led = {target for name in left for target in ways[name] if target != name}
    roots = [name for name in left if name not in led]
    covered = _reached(ways, roots) | reached
    for name in left:
        if name not in covered:
            roots.append(name)
            covered |= _reached(ways, [name])
    return sorted(roots, key=list(ways).index)


def _reached(ways: Mapping[str, Collection[str]], begins: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    waiting = list(begins)
    while waiting:
        name = waiting.pop()
        if name in ways and name not in reached:
            reached.add(name)
            waiting += ways[name]
    return reached


def silent_loops(library: Library, flows: Iterable[str]) -> Iterator[tuple[Place, ...]]:
    """One round for each knot of states that can be gone through without a stop, from its first state in `flows`."""
    passing = _passing_flows(library)
    places = [(flow, state) for flow in flows for state in library.flows[flow].states]
    ways = {place: list(_next(library, place, passing)) for place in places}
    for place in [*ways]:
        for following in ways[place]:
            ways.setdefault(following, [])
    rank = {place: number for number, place in enumerate(places)}
    for knot in _knots(ways):
        first = min(knot, key=rank.__getitem__)
        yield tuple(_round(ways, first, knot))


def _next(library: Library, place: Place, passing: Collection[str]) -> Iterator[Place]:
    """Where one can get from a state without a stop. Into a flow that it runs, too: that must not lead back here."""
    flow = library.flows[place[0]]
    state = flow.states.get(place[1])
    if isinstance(state, RunState) and state.run in library.flows:
        yield state.run, library.flows[state.run].start
        if state.run not in passing:
            return
    for target in _silent_targets(state):
        if target in flow.states:
            yield flow.name, target


def _silent_targets(state: State | None) -> list[str]:
    if isinstance(state, AskState) and state.choices_from is not None:
        # a list with nothing in it is not shown: one goes on at once
        target = state.on.get("none", state.go)
        return [] if target is None else [target]
    return [] if state is None or state.waits() else [way.target for way in state.exits()]


def _knots(ways: Mapping[Place, list[Place]]) -> list[set[Place]]:
    """The sets of places that lead to each other (Tarjan), in the order in which they were found."""
    order: dict[Place, int] = {}
    low: dict[Place, int] = {}
    stack: dict[Place, None] = {}
    knots: list[set[Place]] = []
    for root in ways:
        if root in order:
            continue
        work = [(root, iter(ways[root]))]
        order[root] = low[root] = len(order)
        stack[root] = None
        while work:
            place, rest = work[-1]
            for following in rest:
                if following not in order:
                    order[following] = low[following] = len(order)
                    stack[following] = None
                    work.append((following, iter(ways[following])))
                    break
                if following in stack:
                    low[place] = min(low[place], order[following])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[place])
                if low[place] == order[place]:
                    knots.append(_popped(stack, place))
    return [knot for knot in knots if len(knot) > 1 or any(place in ways[place] for place in knot)]


def _popped(stack: dict[Place, None], place: Place) -> set[Place]:
    knot: set[Place] = set()
    while place not in knot:
        knot.add(stack.popitem()[0])
    return knot


def _round(ways: Mapping[Place, list[Place]], first: Place, knot: Collection[Place]) -> list[Place]:
    """The shortest way from a state to itself."""
    came: dict[Place, Place] = {}
    queue = [first]
    for place in queue:
        for following in ways[place]:
            if following == first:
                way = [place]
                while way[-1] != first:
                    way.append(came[way[-1]])
                return way[::-1]
            if following in knot and following not in came:
                came[following] = place
                queue.append(following)
    return queue


def _passing_flows(library: Library) -> set[str]:
    """The flows in which one can get from the start to an end without a stop."""
    passing: set[str] = set()
    before = -1
    while len(passing) != before:
        before = len(passing)
        passing |= {name for name in library.flows if name not in passing and _passes(library, name, passing)}
    return passing


def _passes(library: Library, name: str, passing: Collection[str]) -> bool:
    flow = library.flows[name]
    seen: set[str] = set()
    waiting = [flow.start]
    while waiting:
        at = waiting.pop()
        state = flow.states.get(at)
        if state is None or at in seen:
            continue
        seen.add(at)
        if isinstance(state, EndState) or (isinstance(state, SayState | TryState) and state.end is not None):
            return True
        if isinstance(state, RunState) and state.run not in passing:
            continue
        waiting += _silent_targets(state)
    return False
