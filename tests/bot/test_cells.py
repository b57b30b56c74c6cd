"""Districts, and how far apart they are."""

from math import asin, cos, radians, sin, sqrt

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cells import EARTH_KM, cell_at, km

points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(points, points)
def test_the_distance_is_the_great_circle_between_the_middles(a: tuple[float, float], b: tuple[float, float]) -> None:
    one, other = cell_at(*a), cell_at(*b)
    (lat1, lon1), (lat2, lon2) = (map(radians, h3.cell_to_latlng(cell)) for cell in (one, other))
    haversine = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    assert km(one, other) == pytest.approx(2 * EARTH_KM * asin(min(1, sqrt(haversine))), abs=1e-3)
    assert km(one, other) == km(other, one)


@given(points)
def test_a_district_is_about_a_kilometre_across(at: tuple[float, float]) -> None:
    cell = cell_at(*at)
    assert km(cell, cell) == 0
    assert 0.3 < max(km(cell, other) or 0 for other in h3.grid_disk(cell, 1)) < 1.5


@pytest.mark.parametrize("cell", ["", "nowhere", "8928308280fffffff", "Leeds"])
def test_from_what_is_no_cell_there_is_no_distance(cell: str) -> None:
    assert km(cell, cell_at(0, 0)) is None
    assert km(cell_at(0, 0), cell) is None


@pytest.mark.parametrize(("lat", "lon"), [(90.1, 0), (-90.1, 0), (0, 180.1), (float("nan"), 0), (0, float("inf"))])
def test_a_point_that_is_none_is_refused(lat: float, lon: float) -> None:
    with pytest.raises(ValueError, match="no point"):
        cell_at(lat, lon)
