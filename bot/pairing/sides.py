"""Many supporters and many buddies weighed at once, as tables of numbers: for batches, where asking `rules` of each two
would take minutes.

The rules stay the truth: a test holds every table here against them, and `assign` asks them again about each pair it
makes. A rule without a table here is asked pair by pair, so that a new one is right at once and quick once it has one.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from bot.cells import EARTH_KM
from bot.pairing import rules
from bot.pairing.crowd import ALONE, Bits, Counts, Crowd, Indices, Keys, Numbers, Truths, buddies, keys_of, seekers
from bot.pairing.rules import HARD, SOFT, Hard, Helper, Soft, Terms, Wish

SHORT = 0.02
"""Of chords up to so many radii of the Earth (127 km) two terms more tell the arc to a thousandth of a millimetre."""


def distances(ones: Numbers, others: Numbers) -> Numbers:
    """Kilometres over the ground from each of `ones` to each of `others` (vectors as `cells.point` makes them)."""
    squares = np.zeros((len(ones), len(others)))
    apart = np.empty_like(squares)
    for axis in range(3):
        np.subtract.outer(ones[:, axis], others[:, axis], out=apart)
        squares += np.square(apart, out=apart)
    chords = np.sqrt(squares, out=apart)
    far = np.flatnonzero(squares > SHORT * SHORT)
    arcs = 2 * EARTH_KM * np.arcsin(np.minimum(1.0, chords.ravel()[far] / 2))
    # An arcsine for each of them would take as long as all the rest.
    terms = squares * (EARTH_KM * 3 / 640)
    terms += EARTH_KM / 24
    terms *= squares
    terms += EARTH_KM
    chords *= terms
    chords.ravel()[far] = arcs
    return chords


OF_WISH: tuple[Hard, ...] = (rules.consent, rules.adults)
"""Hard rules by which nobody at all may be introduced to somebody."""


@dataclass(frozen=True)
class Sides:
    """Both sides of a batch, as people and as columns."""

    wishes: Sequence[Wish]
    helpers: Sequence[Helper]
    terms: Terms

    @cached_property
    def keys(self) -> Keys:
        """A bit for each key that anyone has."""
        return keys_of((*self.wishes, *self.helpers))

    @cached_property
    def seeking(self) -> Crowd:
        """The supporters."""
        return seekers(self.wishes, self.keys, self.terms)

    @cached_property
    def helping(self) -> Crowd:
        """The buddies."""
        return buddies(self.helpers, self.keys, self.terms)

    @cached_property
    def floors(self) -> Numbers:
        """The least that anyone can cost each supporter who lives next door; infinite: nobody may be introduced to
        them."""
        dreamt = replace(rules.dream(self.helpers), adult=True)
        dream = buddies([dreamt], self.keys, self.terms)
        block = _NextDoor(Sides(self.wishes, (dreamt,), self.terms), self.seeking, dream)
        never = np.logical_or.reduce(
            [np.broadcast_to(block.never(rule), block.far.shape) for rule in (*OF_WISH, rules.speech)]
        )
        floors: Numbers = np.where(never, np.inf, block.costs)[:, 0]
        return floors

    @cached_property
    def apart(self) -> Mapping[int, list[int]]:
        """Positions of supporters, each with those of the buddies they are never introduced to."""
        apart: dict[int, list[int]] = defaultdict(list)
        wish_at = {each.id: place for place, each in enumerate(self.wishes)}
        helper_at = {each.id: place for place, each in enumerate(self.helpers)}
        for place, wish in enumerate(self.wishes):
            apart[place] += (helper_at[other] for other in wish.not_with if other in helper_at)
        for place, helper in enumerate(self.helpers):
            for other in helper.not_with:
                if other in wish_at:
                    apart[wish_at[other]].append(place)
        return {place: others for place, others in apart.items() if others}


@dataclass(frozen=True)
class Block:
    """Some supporters against some buddies. Every table has a row for each supporter, a column for each buddy (or one
    row or column for all)."""

    sides: Sides
    seeking: Crowd
    helping: Crowd
    settled: ClassVar[Collection[Hard]] = ()
    """Rules of which it is known that none stands against anybody here, or that are asked later."""

    @cached_property
    def far(self) -> Numbers:
        """Kilometres; NaN where either lives nowhere."""
        return distances(self.seeking.at, self.helping.at)

    @cached_property
    def allowed(self) -> Truths:
        """Whether no hard rule stands against them."""
        allowed = np.ones((len(self.seeking), len(self.helping)), bool)
        for rule in HARD:
            if rule in self.settled:
                continue
            never = self.never(rule)
            if never.size > 1 or never.all():
                allowed &= ~never
        return allowed

    @cached_property
    def costs(self) -> Numbers:
        """What `rules.cost` says, whether allowed or not; NaN where either lives nowhere."""
        total = np.zeros((len(self.seeking), len(self.helping)))
        for rule in SOFT:
            weight = self.sides.terms.weights.get(rule.__name__, 1.0)
            costs = COSTS[rule](self) if rule in COSTS else self._ask_costs(rule)
            total += costs if weight == 1.0 else weight * costs
        return total

    def never(self, rule: Hard) -> Truths:
        """Where a hard rule says never."""
        return NEVERS[rule](self) if rule in NEVERS else self._ask_never(rule)

    def _ask_never(self, rule: Hard) -> Truths:
        terms = self.sides.terms
        return np.array([[rule(w, h, terms) is not None for h in self._helpers] for w in self._wishes], bool)

    def _ask_costs(self, rule: Soft) -> Numbers:
        terms = self.sides.terms
        return np.array([[rule(w, h, terms)[0] for h in self._helpers] for w in self._wishes], float)

    @property
    def _wishes(self) -> list[Wish]:
        return [self.sides.wishes[each] for each in self.seeking.people]

    @property
    def _helpers(self) -> list[Helper]:
        return [self.sides.helpers[each] for each in self.helping.people]


class _NextDoor(Block):
    """They live next door to each other, wherever that is."""

    @cached_property
    def far(self) -> Numbers:
        return np.zeros((len(self.seeking), len(self.helping)))


def _shared(ones: Bits, others: Bits) -> Counts:
    """How many keys each two have in common."""
    words = [np.bitwise_count(np.bitwise_and.outer(*each)) for each in zip(ones.T, others.T, strict=False)]
    total: Counts = words[0] if len(words) == 1 else np.sum(words, axis=0, dtype=np.uint16)
    return total


def _none_shared(ones: Bits, others: Bits) -> Truths:
    """Whether each two have no key in common."""
    words = [np.bitwise_and.outer(*each) == 0 for each in zip(ones.T, others.T, strict=False)]
    none: Truths = words[0] if len(words) == 1 else np.logical_and.reduce(words)
    return none


def _lacking(asked: Bits, given: Bits) -> Indices:
    """How many of the asked keys each two lack."""
    lacking: Indices = np.bitwise_count(asked).sum(axis=1, dtype=np.int64)[:, None] - _shared(asked, given)
    return lacking


def _nowhere() -> Truths:
    return np.zeros((1, 1), bool)


def _oneself(block: Block) -> Truths:
    ones, others = block.seeking.ids, block.helping.ids
    if not len(ones) or not len(others) or ones.max() < others.min() or others.max() < ones.min():
        return _nowhere()
    return np.equal.outer(ones, others)


def _apart(block: Block) -> Truths:
    """Few of them ever are, so only their rows are looked at."""
    kept = block.sides.apart
    rows = [(row, kept[place]) for row, place in enumerate(block.seeking.people.tolist()) if place in kept]
    apart = np.zeros((len(block.seeking) if rows else 1, len(block.helping)), bool)
    for row, others in rows:
        apart[row] = np.isin(block.helping.people, others)
    return apart


def _may_not(column: int) -> Callable[[Block], Truths]:
    """Nearly always everybody may."""

    def never(block: Block) -> Truths:
        ones, others = block.seeking.may[:, column], block.helping.may[:, column]
        return _nowhere() if ones.all() and others.all() else ~np.logical_and.outer(ones, others)

    return never


def _not_adult(block: Block) -> Truths:
    return _may_not(1)(block) if block.sides.terms.minimum_age > 0 else _nowhere()


def _unreached(block: Block) -> Truths:
    # NaN is not within anything
    return ~(block.far <= block.sides.terms.reach_km)


def _alone(rule: Hard) -> Callable[[Block], Truths]:
    column = ALONE.index(rule)
    return lambda block: block.helping.stops[:, column][None, :]


def _asked(block: Block) -> Numbers:
    if not (block.seeking.asks.any() or block.helping.asks.any()):
        return np.zeros((1, 1))
    missing = _lacking(block.seeking.asks, block.helping.whole) + _lacking(block.helping.asks, block.seeking.whole).T
    return np.asarray(rules.NOT_AS_ASKED * missing, np.float64)


def _in_common(most: float, column: str) -> Callable[[Block], Numbers]:
    def costs(block: Block) -> Numbers:
        things = _shared(getattr(block.seeking, column), getattr(block.helping, column))
        return np.asarray(most / (things + np.uint16(1)), np.float64)

    return costs


def _other_language(block: Block) -> Numbers:
    return np.asarray(rules.OTHER_LANGUAGE * _none_shared(block.seeking.first, block.helping.languages), np.float64)


NEVERS: Mapping[Hard, Callable[[Block], Truths]] = {
    rules.oneself: _oneself,
    rules.apart: _apart,
    rules.consent: _may_not(0),
    rules.adults: _not_adult,
    **{rule: _alone(rule) for rule in ALONE},
    rules.here: lambda block: (block.helping.away > block.sides.terms.now.timestamp())[None, :],
    rules.speech: lambda block: _none_shared(block.seeking.languages, block.helping.languages),
    rules.reach: _unreached,
}

COSTS: Mapping[Soft, Callable[[Block], Numbers]] = {
    rules.interests: _in_common(rules.NO_INTEREST, "interests"),
    rules.times: _in_common(rules.NO_TIME, "times"),
    rules.distance: lambda block: block.far,
    rules.language: _other_language,
    rules.load: lambda block: block.helping.charge[None, :],
    rules.waiting: lambda block: block.seeking.charge[:, None],
    rules.asked: _asked,
}
