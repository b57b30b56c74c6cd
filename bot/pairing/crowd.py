"""People as columns, so that many are weighed at once: see `bot.pairing.sides`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt

from bot.pairing import rules
from bot.pairing.rules import Hard, Helper, Terms, Wish

Numbers = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Bits = npt.NDArray[np.unsignedinteger[Any]]
Counts = npt.NDArray[np.unsignedinteger[Any]]
AnyTable = npt.NDArray[Any]
Table = TypeVar("Table", bound=AnyTable)

ALL = slice(None)
"""Every row."""

ANY_WISH, ANY_HELPER = Wish(-1, (), adult=True, consented=True), Helper(-2, (), adult=True)
"""For rules that look at one of the two only."""

WORD = 64
"""Bits of a word."""

_NEVER_AWAY = -np.inf

ALONE: tuple[Hard, ...] = (rules.approved, rules.active, rules.room)
"""Hard rules that look at the buddy only, and at no clock."""


def rows_of(column: Table, rows: Indices | slice) -> Table:
    """These rows of a column. For rows named one by one `take` needs a third of what an index needs."""
    return cast(Table, column[rows] if isinstance(rows, slice) else column.take(rows, axis=0))


class Column(Generic[Table]):
    """A column of a crowd, drawn from the whole one when it is first looked at: few of them are, for a part."""

    def __set_name__(self, owner: type["Crowd"], name: str) -> None:
        self._name = name

    def __get__(self, crowd: "Crowd", owner: type["Crowd"]) -> Table:
        found = crowd.drawn.get(self._name)
        if found is None:
            found = crowd.drawn[self._name] = rows_of(crowd.columns[self._name], crowd.rows)
        return cast(Table, found)


class Crowd:
    """People as columns; row i is person i. Words of bits stand for sets of keys.

    people  positions in what the crowd was made of
    at      vectors as `cells.point` makes them; NaN where no place is known
    first   the language they are spoken to first
    whole   all that may be asked of them; asks: what they ask
    may     whether consented, adult
    stops   for each rule of `ALONE`, whether it says never
    away    the second until which a buddy is away; -inf where they are here
    charge  what a soft rule costs that looks at them only: `load` of a buddy, `waiting` of a supporter
    """

    __slots__ = ("columns", "drawn", "rows")

    people = Column[Indices]()
    ids = Column[Indices]()
    at = Column[Numbers]()
    languages = Column[Bits]()
    first = Column[Bits]()
    interests = Column[Bits]()
    times = Column[Bits]()
    whole = Column[Bits]()
    asks = Column[Bits]()
    may = Column[Truths]()
    stops = Column[Truths]()
    away = Column[Numbers]()
    charge = Column[Numbers]()

    def __init__(self, columns: Mapping[str, AnyTable], rows: Indices | slice = ALL) -> None:
        """These rows of all people's columns."""
        self.columns = columns
        self.rows = rows
        self.drawn: dict[str, AnyTable] = {}

    def __len__(self) -> int:
        return len(self.rows) if isinstance(self.rows, np.ndarray) else len(self.people)

    def part(self, which: Indices | Truths | slice) -> "Crowd":
        """Some of them."""
        if not isinstance(which, slice) and which.dtype == bool:
            which = np.flatnonzero(which)
        if self.rows is ALL:
            return Crowd(self.columns, cast(Indices | slice, which))
        if isinstance(which, slice):
            # Whoever takes one slice takes the others too: what is drawn once is enough for all.
            return Crowd(_Drawn(self), which)
        rows = np.arange(len(self.columns["people"]))[self.rows] if isinstance(self.rows, slice) else self.rows
        return Crowd(self.columns, rows[which])


class _Drawn(Mapping[str, AnyTable]):
    """The columns of some people of a crowd, each drawn when it is first wanted."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def __getitem__(self, name: str) -> AnyTable:
        return cast(AnyTable, getattr(self._crowd, name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._crowd.columns)

    def __len__(self) -> int:
        return len(self._crowd.columns)


Keys = Mapping[str, int]
"""A bit for each key."""


def keys_of(everyone: Iterable[Wish | Helper]) -> Keys:
    """A bit for each key that any of them has, or asks for."""
    keys = {key: None for each in everyone for key in sorted(rules.all_of(each) | each.asks)}
    return {key: bit for bit, key in enumerate(keys)}


def seekers(wishes: Sequence[Wish], keys: Keys, terms: Terms) -> Crowd:
    """Supporters as columns."""
    waited = [rules.waiting(each, ANY_HELPER, terms)[0] for each in wishes]
    none = np.full(len(wishes), _NEVER_AWAY)
    return _crowd(wishes, keys, np.zeros((len(wishes), len(ALONE)), bool), none, waited)


def buddies(helpers: Sequence[Helper], keys: Keys, terms: Terms) -> Crowd:
    """Buddies as columns. Of the terms only those matter that `load` and the rules of `ALONE` look at: none."""
    stops = [[rule(ANY_WISH, each, terms) is not None for rule in ALONE] for each in helpers]
    away = [each.away_until.timestamp() if each.away_until else _NEVER_AWAY for each in helpers]
    loads = [rules.load(ANY_WISH, each, terms)[0] for each in helpers]
    return _crowd(helpers, keys, np.array(stops, bool).reshape(-1, len(ALONE)), np.array(away, float), loads)


def _crowd(
    people: Sequence[Wish] | Sequence[Helper], keys: Keys, stops: Truths, away: Numbers, charge: Sequence[float]
) -> Crowd:
    return Crowd(
        {
            "people": np.arange(len(people)),
            "ids": np.array([each.id for each in people], np.int64),
            "at": np.array([each.at or (np.nan,) * 3 for each in people], float).reshape(-1, 3),
            "languages": _bits(keys, [each.languages for each in people]),
            "first": _bits(keys, [each.languages[:1] for each in people]),
            "interests": _bits(keys, [each.interests for each in people]),
            "times": _bits(keys, [each.times for each in people]),
            "whole": _bits(keys, [rules.all_of(each) for each in people]),
            "asks": _bits(keys, [each.asks for each in people]),
            "may": np.array([(each.consented, each.adult) for each in people], bool).reshape(-1, 2),
            "stops": stops,
            "away": away,
            "charge": np.array(charge, float),
        }
    )


def _bits(keys: Keys, sets: Sequence[Iterable[str]]) -> Bits:
    """A row of words for each set. What somebody has that has no bit, nobody can have in common with them."""
    words = len(keys) // WORD + 1
    word = np.uint32 if len(keys) <= WORD // 2 else np.uint64
    known: dict[tuple[str, ...], int] = {}
    which = np.fromiter((known.setdefault(each, len(known)) for each in map(tuple, sets)), np.int64, len(sets))
    rows = np.array([_row(keys, each, words) for each in known], word).reshape(-1, words)
    return cast(Bits, rows[which])


def _row(keys: Keys, each: tuple[str, ...], words: int) -> list[int]:
    number = sum(1 << keys[key] for key in set(each) if key in keys)
    return [(number >> (WORD * word)) & ((1 << WORD) - 1) for word in range(words)]
