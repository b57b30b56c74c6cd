"""The pairs that are allowed, with what each costs: all of them, or where they are too many the cheapest of each."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from bot.cells import EARTH_KM
from bot.pairing.crowd import Block, Crowd, Indices, Numbers, Sides
from bot.pairing.rules import dream, least

MOST_EDGES = 1_000_000
"""Above so many allowed pairs each supporter keeps the best `BEST` only."""

BEST = 32

GRID = 1000
"""Costs are counted in thousandths, so that sums of them are exact."""

TOGETHER = 256
"""Supporters who live near each other and are weighed together."""

_SLACK_KM = 1e-6
"""What rounding takes from a bound must not hide anybody."""

Step = Callable[[int], None]
"""Hears of so many supporters more that are done."""


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
    many = 0
    for group in neighbours(sides.seeking):
        block = Block(sides, group, within(sides, group))
        rows, columns = np.nonzero(block.allowed)
        many += len(rows)
        if many > most:
            return cheapest(sides, sides.seeking, sides.helping, step, best)
        found.append(_edges(block, rows, columns))
        step(len(group))
    return _joined(found)


def neighbours(crowd: Crowd) -> Iterator[Crowd]:
    """Those whose place is known, in groups of people who live near each other."""
    waiting = [crowd.part(~np.isnan(crowd.at[:, 0]))]
    while waiting:
        group = waiting.pop()
        if len(group) > TOGETHER:
            axis = int(np.argmax(np.ptp(group.at, axis=0)))
            order = np.argsort(group.at[:, axis], kind="stable")
            waiting += [group.part(order[len(order) // 2 :]), group.part(order[: len(order) // 2])]
        elif len(group):
            yield group


def within(sides: Sides, group: Crowd) -> Crowd:
    """The buddies whom someone of a group can reach, and perhaps some more; who lives nearest to its middle first."""
    return _by_distance(sides.helping, group, sides.terms.reach_km)[0]


def _by_distance(helping: Crowd, group: Crowd, reach_km: float) -> tuple[Crowd, Numbers]:
    """Those within reach, and how near anyone of the group can live to each, never falling."""
    middle = group.at.mean(axis=0)
    radius = _km(group.at - middle).max()
    near = _km(helping.at - middle) - radius - _SLACK_KM
    inside = np.flatnonzero(near <= reach_km)
    order = inside[np.argsort(near[inside], kind="stable")]
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
    floor, groups = _floors(sides), list(neighbours(seeking))
    usable = helping.part(np.flatnonzero(~helping.stops.any(axis=1)))
    found = []
    # Nearly all of it is numpy, which lets other threads run.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for group, edges in zip(
            groups, threads.map(lambda each: _best_of(sides, each, usable, floor, best), groups), strict=True
        ):
            found.append(edges)
            step(len(group))
    return _joined(found, pruned=True)


def _floors(sides: Sides) -> Numbers:
    """The least that anyone can cost each supporter who lives next door; infinite: nobody may be introduced to them."""
    dreamt = dream(sides.helpers)
    known: dict[object, float] = {}
    floors = []
    for wish in sides.wishes:
        alike = (wish.languages, wish.interests, wish.times, wish.traits, wish.asks, wish.waiting_since)
        if alike not in known:
            bound = least(wish, dreamt, 0.0, sides.terms)
            known[alike] = np.inf if bound is None else bound
        floors.append(known[alike])
    return np.array(floors)


def _best_of(sides: Sides, group: Crowd, usable: Crowd, floor: Numbers, best: int) -> Edges:
    """Looks at the nearest first, at as many again as before for those for whom somebody farther may be cheaper."""
    helping, near = _by_distance(usable, group, sides.terms.reach_km)
    weight = sides.terms.weights.get("distance", 1.0)
    open_, seen = group.part(np.isfinite(floor[group.people])), 0
    kept, costs = np.full((len(open_), best), -1), np.full((len(open_), best), np.inf)
    found, ahead = [], 8 * best
    while len(open_) and seen < len(helping):
        block = Block(sides, open_, helping.part(slice(seen, seen + ahead)))
        both = np.hstack((costs, np.where(block.allowed, block.costs, np.inf)))
        who = np.hstack((kept, np.broadcast_to(block.helping.people, block.allowed.shape)))
        cheap = np.argpartition(both, best - 1, axis=1)[:, :best]
        costs, kept = np.take_along_axis(both, cheap, 1), np.take_along_axis(who, cheap, 1)
        seen, ahead = seen + ahead, (seen + ahead) // 2
        farther = near[seen] if seen < len(near) else np.inf
        done = costs.max(axis=1) <= floor[open_.people] + weight * max(0.0, farther)
        found.append(_listed(open_.part(done), kept[done], costs[done]))
        open_, kept, costs = open_.part(~done), kept[~done], costs[~done]
    found.append(_listed(open_, kept, costs))
    return _joined(found)


def _listed(group: Crowd, kept: Indices, costs: Numbers) -> Edges:
    rows, places = np.nonzero(np.isfinite(costs))
    return Edges(group.people[rows], kept[rows, places], np.rint(costs[rows, places] * GRID).astype(np.int64))
