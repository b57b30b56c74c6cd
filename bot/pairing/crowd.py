"""Many supporters and many buddies weighed at once, as tables of numbers: for batches, where asking `rules` of each two
would take minutes.

The rules stay the truth: a test holds every table here against them, and `assign` asks them again about each pair it
makes. A rule without a table here is asked pair by pair, so that a new one is right at once and quick once it has one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.cells import EARTH_KM
from bot.pairing import rules
from bot.pairing.rules import HARD, SOFT, Hard, Helper, Soft, Terms, Wish

Numbers = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.unsignedinteger[Any]]

ANY_WISH, ANY_HELPER = Wish(-1, ()), Helper(-2, ())
"""For rules that look at one of the two only."""

_ALONE: tuple[Hard, ...] = (rules.approved, rules.active, rules.here, rules.room)
"""Hard rules that look at the buddy only."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """People as columns; row i is person i. Words of bits stand for sets of keys.

    people  positions in what the crowd was made of
    at      vectors as `cells.point` makes them; NaN where no place is known
    first   the language they are spoken to first
    whole   all that may be asked of them; asks: what they ask
    may     whether consented, adult
    stops   for each rule of `_ALONE`, whether it says never
    charge  what a soft rule costs that looks at them only: `load` of a buddy, `waiting` of a supporter
    """

    people: Indices
    ids: Indices
    at: Numbers
    languages: Bits
    first: Bits
    interests: Bits
    times: Bits
    whole: Bits
    asks: Bits
    may: Truths
    stops: Truths
    charge: Numbers

    def __len__(self) -> int:
        return len(self.people)

    def part(self, which: Indices | Truths | slice) -> "Crowd":
        """Some of them."""
        return Crowd(*(getattr(self, column.name)[which] for column in fields(self)))


@dataclass(frozen=True)
class Sides:
    """Both sides of a batch, as people and as columns."""

    wishes: Sequence[Wish]
    helpers: Sequence[Helper]
    terms: Terms

    @cached_property
    def seeking(self) -> Crowd:
        """The supporters."""
        waited = [rules.waiting(each, ANY_HELPER, self.terms)[0] for each in self.wishes]
        return self._crowd(self.wishes, np.array(waited, float), np.zeros((len(self.wishes), len(_ALONE)), bool))

    @cached_property
    def helping(self) -> Crowd:
        """The buddies."""
        loads = [rules.load(ANY_WISH, each, self.terms)[0] for each in self.helpers]
        stops = [[rule(ANY_WISH, each, self.terms) is not None for rule in _ALONE] for each in self.helpers]
        return self._crowd(self.helpers, np.array(loads, float), np.array(stops, bool).reshape(-1, len(_ALONE)))

    def _crowd(self, people: Sequence[Wish] | Sequence[Helper], charge: Numbers, stops: Truths) -> Crowd:
        return Crowd(
            people=np.arange(len(people)),
            ids=np.array([each.id for each in people], np.int64),
            at=np.array([each.at or (np.nan,) * 3 for each in people], float).reshape(-1, 3),
            languages=self._bits([each.languages for each in people]),
            first=self._bits([each.languages[:1] for each in people]),
            interests=self._bits([each.interests for each in people]),
            times=self._bits([each.times for each in people]),
            whole=self._bits([rules.all_of(each) for each in people]),
            asks=self._bits([each.asks for each in people]),
            may=np.array([(each.consented, each.adult) for each in people], bool).reshape(-1, 2),
            stops=stops,
            charge=charge,
        )

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

    @cached_property
    def _keys(self) -> Mapping[str, int]:
        """A bit for each key that anyone has."""
        everyone: Iterable[Wish | Helper] = (*self.wishes, *self.helpers)
        keys = {key: None for each in everyone for key in sorted(rules.all_of(each) | each.asks)}
        return {key: bit for bit, key in enumerate(keys)}

    def _bits(self, sets: Sequence[Iterable[str]]) -> Bits:
        words = len(self._keys) // 64 + 1
        known: dict[tuple[str, ...], list[int]] = {}
        rows = [known.get(keys) or known.setdefault(keys, self._row(keys, words)) for keys in map(tuple, sets)]
        return np.array(rows, np.uint64).reshape(-1, words)

    def _row(self, keys: tuple[str, ...], words: int) -> list[int]:
        number = sum(1 << self._keys[key] for key in set(keys))
        return [(number >> (64 * word)) & ((1 << 64) - 1) for word in range(words)]


@dataclass(frozen=True)
class Block:
    """Some supporters against some buddies. Every table has a row for each supporter, a column for each buddy (or one
    row or column for all)."""

    sides: Sides
    seeking: Crowd
    helping: Crowd

    @cached_property
    def far(self) -> Numbers:
        """Kilometres; NaN where either lives nowhere."""
        far = np.zeros((len(self.seeking), len(self.helping)))
        for axis in range(3):
            apart = np.subtract.outer(self.seeking.at[:, axis], self.helping.at[:, axis])
            far += np.square(apart, out=apart)
        np.sqrt(far, out=far)
        np.arcsin(np.minimum(1.0, np.multiply(far, 0.5, out=far), out=far), out=far)
        return np.multiply(far, 2 * EARTH_KM, out=far)

    @cached_property
    def allowed(self) -> Truths:
        """Whether no hard rule stands against them."""
        allowed = np.ones((len(self.seeking), len(self.helping)), bool)
        for rule in HARD:
            allowed &= ~self.never(rule)
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


def _shared(ones: Bits, others: Bits) -> Counts:
    """How many keys each two have in common."""
    words = [np.bitwise_count(np.bitwise_and.outer(ones[:, i], others[:, i])) for i in range(ones.shape[1])]
    total: Counts = words[0] if len(words) == 1 else np.sum(words, axis=0, dtype=np.uint16)
    return total


def _lacking(asked: Bits, given: Bits) -> Indices:
    """How many of the asked keys each two lack."""
    lacking: Indices = np.bitwise_count(asked).sum(axis=1, dtype=np.int64)[:, None] - _shared(asked, given)
    return lacking


def _apart(block: Block) -> Truths:
    """Few of them ever are, so only their rows are looked at."""
    kept = block.sides.apart
    rows = [(row, kept[place]) for row, place in enumerate(block.seeking.people.tolist()) if place in kept]
    apart = np.zeros((len(block.seeking) if rows else 1, len(block.helping)), bool)
    for row, others in rows:
        apart[row] = np.isin(block.helping.people, others)
    return apart


def _not_adult(block: Block) -> Truths:
    adult = np.logical_and.outer(block.seeking.may[:, 1], block.helping.may[:, 1])
    return ~adult if block.sides.terms.minimum_age > 0 else np.zeros_like(adult)


def _unreached(block: Block) -> Truths:
    # NaN is not within anything
    return ~(block.far <= block.sides.terms.reach_km)


def _alone(rule: Hard) -> Callable[[Block], Truths]:
    column = _ALONE.index(rule)
    return lambda block: block.helping.stops[:, column][None, :]


def _asked(block: Block) -> Numbers:
    if not (block.seeking.asks.any() or block.helping.asks.any()):
        return np.zeros((1, 1))
    missing = _lacking(block.seeking.asks, block.helping.whole) + _lacking(block.helping.asks, block.seeking.whole).T
    return np.asarray(rules.NOT_AS_ASKED * missing, np.float64)


def _in_common(most: float, column: str) -> Callable[[Block], Numbers]:
    def costs(block: Block) -> Numbers:
        things = _shared(getattr(block.seeking, column), getattr(block.helping, column))
        by_count = np.array([rules.in_common(most, count) for count in range(int(things.max(initial=0)) + 1)])
        return by_count[things]

    return costs


NEVERS: Mapping[Hard, Callable[[Block], Truths]] = {
    rules.oneself: lambda block: np.equal.outer(block.seeking.ids, block.helping.ids),
    rules.apart: _apart,
    rules.consent: lambda block: ~np.logical_and.outer(block.seeking.may[:, 0], block.helping.may[:, 0]),
    rules.adults: _not_adult,
    **{rule: _alone(rule) for rule in _ALONE},
    rules.speech: lambda block: _shared(block.seeking.languages, block.helping.languages) == 0,
    rules.reach: _unreached,
}

COSTS: Mapping[Soft, Callable[[Block], Numbers]] = {
    rules.interests: _in_common(rules.NO_INTEREST, "interests"),
    rules.times: _in_common(rules.NO_TIME, "times"),
    rules.distance: lambda block: block.far,
    rules.language: lambda block: rules.OTHER_LANGUAGE * (_shared(block.seeking.first, block.helping.languages) == 0),
    rules.load: lambda block: block.helping.charge[None, :],
    rules.waiting: lambda block: block.seeking.charge[:, None],
    rules.asked: _asked,
}
