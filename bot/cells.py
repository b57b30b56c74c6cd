"""Districts: H3 cells about 1 km across, and how far apart they are. Nothing finer is kept of where people live."""

from functools import lru_cache
from math import asin, cos, radians, sin, sqrt

import h3

RESOLUTION = 8
"""Of the H3 cells that are kept: 0.7 square kilometres each."""

EARTH_KM = 6371.0088
"""The mean radius of the Earth."""

Point = tuple[float, float, float]


def cell_at(lat: float, lon: float) -> str:
    """The cell in which a point lies; degrees. Raises ValueError where there is no such point."""
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise ValueError(f"there is no point at latitude {lat}, longitude {lon}")
    return str(h3.latlng_to_cell(lat, lon, RESOLUTION))


def km(cell_a: str, cell_b: str) -> float | None:
    """How far apart the centres of two H3 cells are, as the crow flies; None where either is no cell."""
    a, b = point_of(cell_a), point_of(cell_b)
    return None if a is None or b is None else between(a, b)


def between(a: Point, b: Point) -> float:
    """Kilometres between two points as the crow flies."""
    x, y, z = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return 2 * EARTH_KM * asin(min(1.0, sqrt(x * x + y * y + z * z) / 2))


def point(lat: float, lon: float) -> Point:
    """A point, in degrees, as a vector of length 1 from the centre of the Earth: distances are quick to compute so."""
    phi, theta = radians(lat), radians(lon)
    return cos(phi) * cos(theta), cos(phi) * sin(theta), sin(phi)


@lru_cache(maxsize=1 << 17)
def point_of(cell: str) -> Point | None:
    """The centre of an H3 cell; None where it is none."""
    return point(*h3.cell_to_latlng(cell)) if len(cell) == 15 and h3.is_valid_cell(cell) else None
