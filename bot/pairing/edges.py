"""The pairs that are allowed, with what each costs: all of them, or where they are too many the cheapest of each."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bot.cells import EARTH_KM
from bot.pairing.crowd import Crowd, Indices, Numbers, Truths
from bot.pairing.sides import Block, Sides

MOST_EDGES = 1_000_000
"""Above so many allowed pairs each supporter keeps the best `BEST` only."""

BEST = 16

GRID = 1000
"""Costs are counted in thousandths, so that sums of them are exact."""

TOGETHER = 256
"""Supporters who live near each other and are weighed together."""

FEWER_TOGETHER, LOOKED_AT, FALLBACKS = 32, 1024, 8
"""Buddies who are weighed together with so many of the supporters who live nearest, to keep each their cheapest few: so
that hardly a buddy is cheapest for nobody, and stands beside while others are full."""

_DEAR = np.finfo(float).max
"""More than any pair costs that is allowed."""

_SLACK_KM = 1e-6
"""What rounding takes from a bound must not hide anybody."""

Kind = Literal["stable", "quicksort"]

Step = Callable[[int], None]
"""Hears of so many supporters more that are done; of fewer than none, where those are to be looked at again."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Allowed pairs, by position: column i of the three is one pair, no pair comes twice.

    cost    in thousandths of what `rules.cost` says
    pruned  whether there are allowed pairs that are not here
    """

    supporter: Indices
    buddy: Indices
    cost: Indices
    pruned: bool = False

    def __len__(self) -> int:
        return len(self.cost)

    def plus(self, more: "Edges") -> "Edges":
        """These and others, which are none of these."""
        return _joined([self, more], pruned=self.pruned)


def find(sides: Sides, step: Step, most: int = MOST_EDGES, best: int = BEST) -> Edges:
    """Every allowed pair; where they are more than `most`, the `best` cheapest of each supporter."""
    found: list[Edges] = []
    many = seen = 0
    step(int(np.isnan(sides.seeking.at[:, 0]).sum()))
    for group in neighbours(sides.seeking):
        block = Block(sides, group, within(sides, group))
        rows, columns = np.nonzero(block.allowed)
        many += len(rows)
        if many > most:
            step(-seen)
            return cheapest(sides, sides.seeking, sides.helping, step, best)
        found.append(_edges(block, rows, columns))
        seen += len(group)
        step(len(group))
    return _joined(found)


def neighbours(crowd: Crowd, together: int = TOGETHER) -> Iterator[Crowd]:
    """Those whose place is known, in groups of people who live near each other."""
    waiting = [crowd.part(~np.isnan(crowd.at[:, 0]))]
    while waiting:
        group = waiting.pop()
        if len(group) > together:
            axis = int(np.argmax(np.ptp(group.at, axis=0)))
            order = np.argsort(group.at[:, axis], kind="stable")
            waiting += [group.part(order[len(order) // 2 :]), group.part(order[: len(order) // 2])]
        elif len(group):
            yield group


def within(sides: Sides, group: Crowd) -> Crowd:
    """The buddies whom someone of a group can reach, and perhaps some more; who lives nearest to its middle first."""
    return _by_distance(sides.helping, group, sides.terms.reach_km)[0]


def _by_distance(helping: Crowd, group: Crowd, reach_km: float, kind: Kind = "stable") -> tuple[Crowd, Numbers]:
    """Those within reach, and how near anyone of the group can live to each, never falling.

    kind  of sort: what is not stable takes a sixth of the time
    """
    middle = group.at.mean(axis=0)
    radius = _km(group.at - middle).max()
    near = _km(helping.at - middle) - radius - _SLACK_KM
    inside = np.flatnonzero(near <= reach_km)
    order = inside[np.argsort(near[inside], kind=kind)]
    return helping.part(order), near[order]


def _km(differences: Numbers) -> Numbers:
    """The length of chords, or less than the way over the ground: a bound from below for differences."""
    lengths: Numbers = EARTH_KM * np.sqrt((differences**2).sum(axis=1))
    return lengths


def _edges(block: Block, rows: Indices, columns: Indices) -> Edges:
    cost = np.rint(block.costs[rows, columns] * GRID).astype(np.int64)
    return Edges(block.seeking.people[rows], block.helping.people[columns], cost)


def _joined(found: list[Edges], *, pruned: bool = False) -> Edges:
    if not found:
        none = np.zeros(0, np.int64)
        return Edges(none, none, none, pruned)
    supporter, buddy, cost = (
        np.concatenate([getattr(each, name) for each in found]) for name in ("supporter", "buddy", "cost")
    )
    return Edges(supporter, buddy, cost, pruned)


# --- the cheapest of each ---------------------------------------------------------------------------------------


def cheapest(sides: Sides, seeking: Crowd, helping: Crowd, step: Step, best: int = BEST) -> Edges:
    """Of each of these supporters the `best` cheapest allowed pairs with these buddies."""
    groups, found, usable = list(neighbours(seeking)), [], _usable(sides, helping)
    # Nearly all of it is numpy, which lets other threads run.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for group, edges in zip(
            groups, threads.map(lambda each: _best_of(sides, each, usable, best), groups), strict=True
        ):
            found.append(edges)
            step(len(group))
    return _joined(found, pruned=True)


def fallbacks(sides: Sides, edges: Edges) -> Edges:
    """Allowed pairs that are not among these: some of each buddy's cheapest with those who live nearest."""
    seeking, helping = sides.seeking.part(np.isfinite(sides.floors)), _usable(sides, sides.helping)
    seeking = seeking.part(~np.isnan(seeking.at[:, 0]))
    near = [(_nearest(seeking, each, LOOKED_AT * TOGETHER // FEWER_TOGETHER), each) for each in neighbours(helping)]
    groups = [(around, part) for around, each in near for part in neighbours(each, FEWER_TOGETHER)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = _joined([*threads.map(lambda each: _fallbacks_of(sides, *each), groups)], pruned=True)
    new = np.flatnonzero(~_known(found, edges, len(sides.helpers)))
    return Edges(found.supporter[new], found.buddy[new], found.cost[new], pruned=True)


def _known(few: Edges, edges: Edges, helpers: int) -> Truths:
    """Which of a few pairs are among many."""
    numbers = few.supporter * helpers + few.buddy
    order = np.argsort(numbers, kind="stable")
    sought, wanted = numbers[order], edges.supporter * helpers + edges.buddy
    places = np.minimum(np.searchsorted(sought, wanted), len(sought) - 1)
    known = np.zeros(len(few), bool)
    if len(few):
        known[order[places[sought[places] == wanted]]] = True
    return known


def _nearest(crowd: Crowd, group: Crowd, most: int) -> Crowd:
    """Those who live nearest to the middle of a group, at most so many."""
    if len(crowd) <= most:
        return crowd
    return crowd.part(np.argpartition(_km(crowd.at - group.at.mean(axis=0)), most)[:most])


def _fallbacks_of(sides: Sides, seeking: Crowd, group: Crowd) -> Edges:
    block = Block(sides, _nearest(seeking, group, LOOKED_AT), group)
    np.putmask(block.costs, ~block.allowed, np.inf)
    few = min(FALLBACKS, len(block.costs) - 1)
    rows, columns = np.nonzero(block.costs <= np.minimum(_DEAR, np.partition(block.costs, few, axis=0)[few]))
    return _edges(block, rows, columns)


def _usable(sides: Sides, helping: Crowd) -> Crowd:
    """Those to whom somebody may be introduced."""
    grown = helping.may[:, 1] | (sides.terms.minimum_age <= 0)
    return helping.part(~helping.stops.any(axis=1) & helping.may[:, 0] & grown)


def _best_of(sides: Sides, group: Crowd, usable: Crowd, best: int) -> Edges:
    """Looks at the nearest first, at as many again as before for those for whom somebody farther may be cheaper."""
    helping, near = _by_distance(usable, group, sides.terms.reach_km, "quicksort")
    weight = sides.terms.weights.get("distance", 1.0)
    open_, floor, seen = group.part(np.isfinite(sides.floors[group.people])), sides.floors, 0
    kept, costs = np.full((len(open_), best), -1), np.full((len(open_), best), np.inf)
    found, ahead = [], 8 * best
    while len(open_) and seen < len(helping):
        block = Block(sides, open_, helping.part(slice(seen, seen + ahead)))
        np.putmask(block.costs, ~block.allowed, np.inf)
        kept, costs = _cheaper(kept, costs, block)
        seen, ahead = seen + ahead, (seen + ahead) // 2
        farther = near[seen] if seen < len(near) else np.inf
        done = costs.max(axis=1) <= floor[open_.people] + weight * max(0.0, farther)
        found.append(_listed(open_.part(done), kept[done], costs[done]))
        open_, kept, costs = open_.part(~done), kept[~done], costs[~done]
    found.append(_listed(open_, kept, costs))
    return _joined(found)


def _cheaper(kept: Indices, costs: Numbers, block: Block) -> tuple[Indices, Numbers]:
    """The people and costs of the cheapest of each supporter: of those who were, and of a block."""
    best = costs.shape[1]
    cells = np.flatnonzero(block.costs < costs.max(axis=1)[:, None])
    rows, columns = np.divmod(cells, block.costs.shape[1])
    # Few of a block are cheaper than the dearest so far: they are moved to the left.
    many = np.bincount(rows, minlength=len(costs))
    places = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many) + best
    both = np.full((len(costs), best + many.max(initial=0)), np.inf)
    who = np.full(both.shape, -1)
    both[:, :best], who[:, :best] = costs, kept
    both[rows, places], who[rows, places] = block.costs[rows, columns], block.helping.people[columns]
    cheap = np.argpartition(both, best - 1, axis=1)[:, :best]
    return np.take_along_axis(who, cheap, 1), np.take_along_axis(both, cheap, 1)


def _listed(group: Crowd, kept: Indices, costs: Numbers) -> Edges:
    rows, places = np.nonzero(np.isfinite(costs))
    return Edges(group.people[rows], kept[rows, places], np.rint(costs[rows, places] * GRID).astype(np.int64))
