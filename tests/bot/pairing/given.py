"""Supporters and buddies as hypothesis imagines them: few keys and places, so that they often have things in common."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from bot.cells import cell_at
from bot.pairing.rules import SOFT, Helper, Terms, Wish
from storage.people import ACTIVE, LEAVING

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LEEDS = cell_at(53.7965, -1.5479)
HORSFORTH = cell_at(53.8376, -1.6358)
MANCHESTER = cell_at(53.4809, -2.2374)
GIJON = cell_at(43.5357, -5.6615)

_points = st.builds(cell_at, st.floats(53.3, 54.1), st.floats(-2.4, -0.9))
_antimeridian = st.builds(cell_at, st.floats(-17.1, -16.5), st.one_of(st.floats(179.6, 180), st.floats(-180, -179.6)))
_pole = st.builds(cell_at, st.floats(89.7, 90), st.floats(-180, 180))
cells = st.one_of(st.sampled_from([LEEDS, HORSFORTH, MANCHESTER, GIJON, ""]), _points, _points, _antimeridian, _pole)


def keys(*names: str, least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), min_size=least, max_size=4, unique=True).map(tuple)


moments = st.integers(-40, 40).map(lambda days: NOW + timedelta(days=days, hours=days % 24))
some_ids = st.frozensets(st.integers(1, 12), max_size=3)
mostly = st.sampled_from([True] * 9 + [False])
traits = st.frozensets(st.sampled_from(["woman", "parent", "over_60"]), max_size=2)
asks = st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(["woman", "parent", "climate"]), max_size=2))

languages = keys("en", "es", "de", least=1)
interests = keys("climate", "housing", "food", "water")
times = keys("saturday", "sunday", "weekday_evening")

wishes = st.builds(
    Wish, id=st.integers(1, 12), languages=languages, interests=interests, times=times, cell=cells, adult=mostly,
    consented=mostly, waiting_since=st.none() | moments, joined=st.none() | moments, not_with=some_ids, traits=traits,
    asks=asks,
)  # fmt: skip
helpers = st.builds(
    Helper, id=st.integers(1, 40), languages=languages, interests=interests, times=times, cell=cells, adult=mostly,
    approved=mostly, away_until=st.one_of(st.none(), st.none(), moments), capacity=st.integers(0, 4),
    load=st.integers(0, 3), status=st.sampled_from([ACTIVE] * 6 + [LEAVING]), joined=st.none() | moments,
    not_with=some_ids, consented=mostly, traits=traits, asks=asks,
)  # fmt: skip
weights = st.dictionaries(st.sampled_from([rule.__name__ for rule in SOFT]), st.sampled_from([0.0, 0.5, 1, 7.0]))
terms = st.builds(
    Terms, now=st.just(NOW), reach_km=st.sampled_from([0.0, 5.0, 25.0, 60.0, 25_000.0]),
    minimum_age=st.sampled_from([18, 18, 0]), weights=weights,
)  # fmt: skip
