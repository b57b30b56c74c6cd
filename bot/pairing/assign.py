"""Everyone who waits, assigned together: as many as the hard rules and the buddies' capacities allow, and among all
ways to do that the one that costs least.

A network of flow: each supporter is one unit, each allowed pair an arc, each buddy as wide as their capacity. OR-Tools
solves it exactly. Where only the cheapest arcs of each supporter are in it, those are added by which one more could be
introduced, until there are none: nobody is left out for what was left out.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bot.pairing.crowd import Indices, Truths
from bot.pairing.edges import BEST, GRID, MOST_EDGES, Edges, Step, cheapest, fallbacks, find
from bot.pairing.rules import Terms, cost, forbidden
from bot.pairing.sides import Sides

NOBODY = -1
ANY_NUMBER = 1 << 30
"""More than there can be of anything."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who was assigned to whom.

    edges   the allowed pairs that were chosen from
    chosen  of each supporter the position in `edges` of their pair, or NOBODY
    """

    edges: Edges
    chosen: Indices

    @property
    def pairs(self) -> list[tuple[int, int, int]]:
        """(supporter, buddy, cost in thousandths), positions; in the order of the supporters."""
        made = self.chosen[self.chosen != NOBODY]
        columns = (self.edges.supporter[made], self.edges.buddy[made], self.edges.cost[made])
        return list(zip(*(column.tolist() for column in columns), strict=True))

    @property
    def total(self) -> int:
        """What all pairs cost, in thousandths."""
        return int(self.edges.cost[self.chosen[self.chosen != NOBODY]].sum())


def optimal(
    sides: Sides, step: Step, most: int = MOST_EDGES, best: int = BEST, each_takes: int | None = None
) -> Assigned:
    """As many pairs as can be, and of those the cheapest. Exact over the edges it tells of.

    each_takes  no buddy more than so many, whatever their capacity
    """
    edges, places = find(sides, step, most, best), np.minimum(_places(sides), each_takes or ANY_NUMBER)
    if edges.pruned:
        edges = edges.plus(fallbacks(sides, edges))
    while edges.pruned and len(more := _ways_out(sides, edges, _largest(edges, places, len(sides.wishes)), best)):
        edges = edges.plus(more)
    return _checked(sides, Assigned(edges, _cheapest(edges, places, len(sides.wishes))))


def greedy(sides: Sides, step: Step, most: int = MOST_EDGES, best: int = BEST) -> Assigned:
    """Each supporter in turn takes the cheapest buddy who is still free: what it is like to come one by one."""
    edges = find(sides, step, most, best)
    order = np.lexsort((edges.buddy, edges.cost, edges.supporter))
    places = _places(sides).tolist()
    chosen = [NOBODY] * len(sides.wishes)
    for edge, supporter, buddy in zip(
        order.tolist(), edges.supporter[order].tolist(), edges.buddy[order].tolist(), strict=True
    ):
        if chosen[supporter] == NOBODY and places[buddy] > 0:
            chosen[supporter] = edge
            places[buddy] -= 1
    return _checked(sides, Assigned(edges, np.array(chosen, np.int64)))


def _places(sides: Sides) -> Indices:
    """How many more each buddy takes."""
    return np.array([max(0, each.capacity - each.load) for each in sides.helpers], np.int64)


class _Arcs(NamedTuple):
    """From where to where, how wide, and at what cost: first from a source to the supporters, each one unit; then from
    the buddies, each as wide as their places, to a sink; then the pairs. Who is in no pair is left out."""

    tails: Indices
    heads: Indices
    widths: Indices
    costs: Indices
    source: int
    sink: int
    supporters: int

    @classmethod
    def of(cls, edges: Edges, places: Indices, wishes: int) -> "_Arcs":
        supporters, buddies = np.unique(edges.supporter), np.unique(edges.buddy)
        source, sink = wishes + len(places), wishes + len(places) + 1
        ends = np.zeros(len(supporters) + len(buddies), np.int64)
        return cls(
            np.concatenate((np.full_like(supporters, source), wishes + buddies, edges.supporter)),
            np.concatenate((supporters, np.full_like(buddies, sink), wishes + edges.buddy)),
            np.concatenate((np.ones_like(supporters), places[buddies], np.ones_like(edges.cost))),
            np.concatenate((ends, edges.cost)),
            source,
            sink,
            len(supporters),
        )

    def chosen(self, flows: Indices, edges: Edges, wishes: int) -> Indices:
        """Of each supporter the edge that something flows along."""
        chosen = np.full(wishes, NOBODY)
        used = np.flatnonzero(flows[len(flows) - len(edges) :])
        chosen[edges.supporter[used]] = used
        return chosen


def _largest(edges: Edges, places: Indices, wishes: int) -> Indices:
    """The edge of each of so many supporters in one of the largest assignments, whatever it costs: a fifth of the time
    of the cheapest of them."""
    # Far slower to load than the rest, and needed nowhere else.
    from ortools.graph.python.max_flow import SimpleMaxFlow

    arcs, flow = _Arcs.of(edges, places, wishes), SimpleMaxFlow()
    numbers = flow.add_arcs_with_capacity(arcs.tails, arcs.heads, arcs.widths)
    status = flow.solve(arcs.source, arcs.sink)
    assert status == flow.OPTIMAL, "there always is a largest flow, if an empty one"
    return arcs.chosen(flow.flows(numbers), edges, wishes)


def _cheapest(edges: Edges, places: Indices, wishes: int) -> Indices:
    """The edge of each of so many supporters in the cheapest of the largest assignments."""
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    arcs, flow = _Arcs.of(edges, places, wishes), SimpleMinCostFlow()
    numbers = flow.add_arcs_with_capacity_and_unit_cost(arcs.tails, arcs.heads, arcs.widths, arcs.costs)
    flow.set_node_supply(arcs.source, arcs.supporters)
    flow.set_node_supply(arcs.sink, -arcs.supporters)
    status = flow.solve_max_flow_with_min_cost()
    assert status == flow.OPTIMAL, "there always is a largest flow, if an empty one"
    return arcs.chosen(flow.flows(numbers), edges, wishes)


def _ways_out(sides: Sides, edges: Edges, chosen: Indices, best: int) -> Edges:
    """Allowed pairs, not among the edges, by which one more might be introduced; none, where nobody more can be.

    Whoever could give up their buddy for someone left out, and so on, is stuck: with buddies who are all full. One more
    can be introduced only if one of the stuck may be introduced to a buddy outside.
    """
    stuck, full = _stuck(sides, edges, chosen)
    outside = sides.helping.part(~full & (_places(sides) > 0))
    if not len(outside) or not stuck.any():
        return cheapest(sides, sides.seeking.part(slice(0)), outside, lambda _: None, best)
    return cheapest(sides, sides.seeking.part(stuck), outside, lambda _: None, best)


def _stuck(sides: Sides, edges: Edges, chosen: Indices) -> tuple[Truths, Truths]:
    """Supporters who are left out, or have what those would need; and the buddies they could have."""
    has = np.full(len(sides.wishes), NOBODY)
    has[chosen != NOBODY] = edges.buddy[chosen[chosen != NOBODY]]
    stuck, full = has == NOBODY, np.zeros(len(sides.helpers) + 1, bool)
    while True:
        full[edges.buddy[stuck[edges.supporter]]] = True
        more = full[has] & ~stuck
        if not more.any():
            return stuck, full[:-1]
        stuck |= more


def _checked(sides: Sides, assigned: Assigned) -> Assigned:
    """The same, after the rules themselves were asked about each pair: tables may be wrong, people may not be hurt."""
    terms: Terms = sides.terms
    for supporter, buddy, thousandths in assigned.pairs:
        wish, helper = sides.wishes[supporter], sides.helpers[buddy]
        assert forbidden(wish, helper, terms) is None, "a table allows what a rule forbids"
        assert abs(cost(wish, helper, terms) - thousandths / GRID) <= 1 / GRID, "a table counts unlike a rule"
    return assigned
