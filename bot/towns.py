"""The towns of the world, read from the file that `bot.towns_file` makes: by name, by sound, by where they are."""

import sqlite3
from threading import Lock
from typing import Any, NamedTuple

import h3
import orjson

from bot import towns_file
from bot.cells import Point, between, point
from bot.towns_file import TILE

_CERTAIN_KM = 20.0
"""Within each further ring of tiles lies at least everything that is so much farther away."""

_COLUMNS = "t.id, t.name, t.full_name, t.country, t.region, t.lat, t.lon, t.people, t.zone"
_BY_KEY = f"SELECT {_COLUMNS}, n.kind FROM names n JOIN towns t ON t.id = n.town WHERE n.key = ?"  # noqa: S608
_IN_REGION = f"SELECT {_COLUMNS} FROM regions r JOIN towns t ON t.id = r.town WHERE r.key = ?"  # noqa: S608
_SOUNDING = "SELECT DISTINCT key FROM sounds WHERE sound IN (SELECT value FROM json_each(?))"
_IN_TILES = f"SELECT {_COLUMNS} FROM towns t WHERE t.tile IN (SELECT value FROM json_each(?))"  # noqa: S608
_ALL = f"SELECT {_COLUMNS} FROM towns t"  # noqa: S608


class Town(NamedTuple):
    """A town.

    full_name  a name that no other town has; country: two letters; region: a code, a state's in the United States
    lat, lon   degrees; people: how many live there
    zone       IANA name of its time zone; "" where that is not known
    """

    id: int
    name: str
    full_name: str
    country: str
    region: str
    lat: float
    lon: float
    people: int
    zone: str = ""

    @property
    def at(self) -> Point:
        """Where it is, for computing distances."""
        return point(self.lat, self.lon)


class Towns:
    """All towns. Any thread may ask. Raises OSError where the file can be neither found nor made."""

    def __init__(self) -> None:
        path = towns_file.find()
        self._asking = Lock()
        self._db = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)

    def named(self, key: str) -> list[tuple[Town, int]]:
        """Those of which `key` (of `bot.spellings`) is a name, each with the kind of name (`bot.towns_file`) it is."""
        return [(Town(*row[:-1]), row[-1]) for row in self._ask(_BY_KEY, key)]

    def sounding(self, sounds: set[str]) -> list[str]:
        """The keys of names that sound like one of `sounds` (of `bot.spellings`)."""
        return [key for (key,) in self._ask(_SOUNDING, orjson.dumps(sorted(sounds)).decode())]

    def areas(self, key: str) -> list[tuple[str, str]]:
        """What a country or region of this name is: the country's letters, and a region's code or ""."""
        return self._ask("SELECT country, region FROM areas WHERE key = ?", key)

    def region(self, key: str) -> list[Town]:
        """The largest towns of each region or county of this name, the largest first."""
        return sorted((Town(*row) for row in self._ask(_IN_REGION, key)), key=lambda each: (-each.people, each.id))

    def country_of(self, zone: str) -> str:
        """The two letters of the country in which most people by this time zone live; "" where nobody does."""
        return next((country for (country,) in self._ask("SELECT country FROM zones WHERE zone = ?", zone)), "")

    def nearest(self, lat: float, lon: float) -> Town:
        """The town nearest to a point."""
        here, tile = point(lat, lon), h3.latlng_to_cell(lat, lon, TILE)
        for rings in (1, 2, 4, 8, 16):
            rows = self._ask(_IN_TILES, orjson.dumps(h3.grid_disk(tile, rings)).decode())
            far, town = _nearest(here, rows)
            if far <= rings * _CERTAIN_KM:
                assert town is not None, "a distance is of something"
                return town
        town = _nearest(here, self._ask(_ALL))[1]
        assert town is not None, "there are towns"
        return town

    def _ask(self, question: str, *given: str) -> list[Any]:
        with self._asking:
            return self._db.execute(question, given).fetchall()


def _nearest(here: Point, rows: list[Any]) -> tuple[float, Town | None]:
    return min(((between(here, town.at), town) for town in map(Town._make, rows)), default=(float("inf"), None))
