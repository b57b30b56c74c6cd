"""Buddies as columns, in boxes of a kilometre within boxes of sixteen, so that few of them are weighed for a wish.

Who lives nearest is weighed first, and then everyone in the ball in which somebody could still be cheaper than the
cheapest so far. A buddy is told of only once nobody farther can be cheaper, and after the rules themselves were asked:
so it is exact for any rules.
"""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from bot.cells import EARTH_KM
from bot.pairing import rules
from bot.pairing.crowd import (
    ALL,
    ALONE,
    ANY_HELPER,
    Crowd,
    Indices,
    Keys,
    Numbers,
    Truths,
    buddies,
    keys_of,
    rows_of,
    seekers,
)
from bot.pairing.rules import Helper, Terms, Verdict, Wish, all_of, cost, dream, forbidden, least, reasons
from bot.pairing.sides import OF_WISH, Block, Sides

SMALL_KM = 1.0
_FINE = 4
"""A large box is two to the power of this as wide as a small one."""

_WIDE = 10
"""Bits of the number of a large box along each axis: the Earth is 12,742 km through."""

SPARE = 1024
"""Rows for those who come later. When they are full everyone is arranged anew: see bench_pairing for what it takes."""

FIRST = 400
"""Who is weighed before anything is known of the cheapest."""

_MORE = 8
"""In one step at most so many times as many as before are weighed: the ball may shrink meanwhile."""

_SLACK = 1e-6
"""What rounding takes from a bound, or tells a table from a rule, must not hide anybody."""

_METRE = 1e-3
"""What rounding takes from how near a box is: with squares of lengths up to a tenth of it."""

_ANY_TIME = Terms(datetime(1, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class _Level:
    """Boxes of one size that are not empty.

    middle  of each, as a vector; size: the square of its length, and 1
    radius  how far from it anyone in the box lives at most, in kilometres
    first   the places of those in box i are from `first[i]` until `first[i + 1]`
    """

    middle: Numbers
    size: Numbers
    radius: Numbers
    first: Indices

    def near(self, here: Numbers, which: Indices | slice = ALL) -> Numbers:
        """How near somebody in each of these boxes can live, in kilometres as the mole digs."""
        middle, size, radius = (rows_of(each, which) for each in (self.middle, self.size, self.radius))
        return EARTH_KM * np.sqrt(np.maximum(0.0, size - 2 * (middle @ here))) - radius - _METRE

    def inside(self, which: Indices) -> Indices:
        """The places of those in these boxes."""
        first, many = self.first[which], self.first[which + 1] - self.first[which]
        ends = np.cumsum(many)
        return np.repeat(first - ends + many, many) + np.arange(ends[-1] if len(ends) else 0)


@dataclass(frozen=True, slots=True)
class Boxes:
    """Free buddies whose place is known. What is in it never changes; `plus` and `minus` make another.

    helpers   by row. They and the columns grow at their end, and only for newer ones
    many      rows of this one; the first `boxed` of them stand in boxes
    gone      rows of those who are not in it any more
    dreamt    the dream of all
    """

    keys: Keys
    helpers: list[Helper]
    columns: Crowd
    many: int
    boxed: int
    gone: AbstractSet[int]
    dreamt: Helper
    small: _Level
    large: _Level

    def plus(self, helper: Helper) -> "Boxes | None":
        """With one more, in the next row; None where there is no row left, or they have a key that nobody had."""
        if self.many == len(self.columns) or not self.keys.keys() >= all_of(helper) | helper.asks:
            return None
        row = buddies([helper], self.keys, _ANY_TIME)
        for name, column in self.columns.columns.items():
            column[self.many] = row.columns[name][0]
        self.columns.people[self.many] = self.many
        self.helpers.append(helper)
        return self._changed(self.many + 1, self.gone, dream([self.dreamt, helper]))

    def minus(self, row: int) -> "Boxes":
        """Without the one in this row."""
        return self._changed(self.many, self.gone | {row}, self.dreamt)

    def _changed(self, many: int, gone: AbstractSet[int], dreamt: Helper) -> "Boxes":
        return replace(self, many=many, gone=gone, dreamt=dreamt)

    def best(self, wish: Wish, terms: Terms, skip: Collection[int]) -> Iterator[tuple[Helper, Verdict]]:
        """As `Pool.best`."""
        floor = least(wish, self.dreamt, 0.0, terms)
        if wish.at is None or floor is None or any(rule(wish, ANY_HELPER, terms) for rule in OF_WISH):
            return
        search = _Search(self, wish, terms, floor)
        while (found := search.next()) is not None:
            exact = []
            for row in found:
                helper = self.helpers[row]
                if row not in self.gone and helper.id not in skip and forbidden(wish, helper, terms) is None:
                    exact.append((cost(wish, helper, terms), helper.id, helper))
            for price, _, helper in sorted(exact):
                yield helper, Verdict(price, reasons(wish, helper, terms))


class _Few(Block):
    """A wish and some of those in boxes. Who it is and whom it is kept apart from is asked of those only who would be
    told of; what else is left out was asked of everyone here before."""

    settled = (rules.oneself, rules.apart, rules.consent, *ALONE)


class _Search:
    """One wish's way through the boxes."""

    def __init__(self, boxes: Boxes, wish: Wish, terms: Terms, floor: float) -> None:
        self._boxes = boxes
        self._weight = terms.weights.get("distance", 1.0)
        self._floor = floor
        here = np.array(wish.at)
        large = np.flatnonzero(boxes.large.near(here) <= terms.reach_km)
        small = boxes.large.inside(large)
        near = boxes.small.near(here, small)
        small, near = small[near <= terms.reach_km], near[near <= terms.reach_km]
        order = np.argsort(near)
        self._small, self._near = small[order], near[order]
        self._until = np.cumsum(boxes.small.first[self._small + 1] - boxes.small.first[self._small])
        self._opened = 0
        self._sides = Sides((wish,), boxes.helpers, terms)
        extra = sorted((all_of(wish) | wish.asks) - boxes.keys.keys())
        keys = {**boxes.keys, **{key: bit for bit, key in enumerate(extra, len(boxes.keys))}} if extra else boxes.keys
        self._seeking = seekers((wish,), keys, terms)
        self._rows, self._costs = self._weighed(np.arange(boxes.boxed, boxes.many))

    def next(self) -> list[int] | None:
        """The rows of those who may be cheapest of all that are left, as far as tables tell; None: nobody is left."""
        while True:
            cheapest = self._costs.min(initial=np.inf)
            if cheapest < np.inf:
                alike, last = self._alike(cheapest)
                if last < self._bound():
                    found: list[int] = self._rows[alike].tolist()
                    self._costs[alike] = np.inf
                    return found
            if self._opened == len(self._small):
                return None
            self._open(cheapest)

    def _alike(self, cheapest: float) -> tuple[Truths, float]:
        """Who costs as much, or so little more that only the rules can tell; and what nobody else costs."""
        alike = self._costs <= cheapest + _SLACK
        while True:
            last = float(self._costs[alike].max()) + _SLACK
            more = self._costs <= last
            if more.sum() == alike.sum():
                return alike, last
            alike = more

    def _bound(self) -> float:
        """The least that anyone costs who was not weighed yet."""
        if self._opened == len(self._small):
            return np.inf
        return self._floor + self._weight * max(0.0, float(self._near[self._opened]))

    def _open(self, cheapest: float) -> None:
        """Weighs everyone in the ball of those who could be as cheap, or where that is large some of them."""
        seen = int(self._until[self._opened - 1]) if self._opened else 0
        until = int(np.searchsorted(self._until, max(FIRST, _MORE * seen))) + 1
        if self._opened and cheapest < np.inf and self._weight > 0:
            ball = (cheapest + 2 * _SLACK - self._floor) / self._weight
            until = min(until, int(np.searchsorted(self._near, ball, "right")))
        until = max(until, self._opened + 1)
        rows = self._boxes.small.inside(self._small[self._opened : until])
        self._opened = min(until, len(self._small))
        weighed, costs = self._weighed(rows)
        self._rows, self._costs = np.concatenate((self._rows, weighed)), np.concatenate((self._costs, costs))

    def _weighed(self, rows: Indices) -> tuple[Indices, Numbers]:
        """Those of them whom the tables allow, and what each costs."""
        if not len(rows):
            return rows, np.zeros(0)
        block = _Few(self._sides, self._seeking, self._boxes.columns.part(rows))
        allowed = np.flatnonzero(block.allowed[0])
        return rows[allowed], block.costs[0, allowed]


# --- arranging them ---------------------------------------------------------------------------------------------


def arranged(helpers: Sequence[Helper], before: Boxes | None = None) -> Boxes:
    """These, and those of `before`; who can be asked by nobody at all, away or not, is to be left out by the caller."""
    kept = [row for row in range(before.many) if row not in before.gone] if before else []
    everyone = [*(before.helpers[row] for row in kept), *helpers] if before else [*helpers]
    keys = {**before.keys} if before else {}
    for key in keys_of(helpers):
        keys.setdefault(key, len(keys))
    columns = buddies(helpers, keys, _ANY_TIME)
    if before is not None:
        columns = _together(before.columns.part(np.array(kept, np.int64)), columns)
    boxes = _box_numbers(columns.at)
    order = np.argsort(boxes, kind="stable")
    at, boxes = columns.at[order], boxes[order]
    large, small = _level(at, boxes >> 3 * _FINE), _level(at, boxes)
    inside = np.searchsorted(small.first, large.first)
    return Boxes(
        keys=keys,
        helpers=[everyone[row] for row in order.tolist()],
        columns=_spaced(columns, order),
        many=len(everyone),
        boxed=len(everyone),
        gone=frozenset(),
        dreamt=dream([*([before.dreamt] if before else []), *helpers]),
        small=small,
        large=replace(large, first=inside),
    )


def _together(ones: Crowd, others: Crowd) -> Crowd:
    """All of them. Who came first may have fewer words of bits."""
    columns = {}
    for name, other in others.columns.items():
        one = ones.columns[name][ones.rows]
        if one.ndim == 2 and one.shape[1] < other.shape[1]:
            one = np.pad(one, ((0, 0), (0, other.shape[1] - one.shape[1])))
        columns[name] = np.concatenate((one, other))
    return Crowd(columns)


def _spaced(columns: Crowd, order: Indices) -> Crowd:
    """In this order, with rows for those who come later."""
    spaced = {}
    for name, column in columns.columns.items():
        spaced[name] = np.zeros((len(order) + SPARE, *column.shape[1:]), column.dtype)
        spaced[name][: len(order)] = column[order]
    spaced["people"][:] = np.arange(len(order) + SPARE)
    return Crowd(spaced)


def _box_numbers(at: Numbers) -> Indices:
    """The small box in which each lives: all of a large one follow each other."""
    along = ((at + 1.0) * (EARTH_KM / SMALL_KM)).astype(np.int64)
    number = np.zeros(len(at), np.int64)
    for bits, part in ((_WIDE, along >> _FINE), (_FINE, along & ((1 << _FINE) - 1))):
        for axis in range(3):
            number = (number << bits) + part[:, axis]
    return number


def _level(at: Numbers, boxes: Indices) -> _Level:
    """The boxes of those who live there, in the order of their numbers."""
    starts = np.flatnonzero(np.diff(boxes, prepend=-1))
    first = np.append(starts, len(boxes))
    if not len(starts):
        return _Level(np.zeros((0, 3)), np.zeros(0), np.zeros(0), first)
    many = np.diff(first)
    middle = np.add.reduceat(at, starts) / many[:, None]
    apart = at - np.repeat(middle, many, axis=0)
    far = EARTH_KM * np.sqrt((apart * apart).sum(axis=1))
    return _Level(middle, (middle * middle).sum(axis=1) + 1.0, np.maximum.reduceat(far, starts), first)
