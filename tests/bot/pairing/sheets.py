"""Random groups: as people the rules know, and as the spreadsheet they would be."""

import csv
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from random import Random
from typing import NamedTuple

from bot.cells import point
from bot.pairing.rules import Helper, Terms, Wish
from bot.pairing.sides import Sides
from tests.bot.pairing.given import NOW

TERMS = Terms(NOW)


class Someone(NamedTuple):
    """One row of a sheet, before it is written."""

    id: str
    role: str
    adult: bool
    languages: tuple[str, ...]
    interests: tuple[str, ...]
    times: tuple[str, ...]
    lat: float
    lon: float
    capacity: int
    blocks: tuple[str, ...]


def group(random: Random, supporters: int, buddies: int, *, wide: float = 0.25) -> list[Someone]:
    """People around Leeds, `wide` degrees each way; few keys, so that they have things in common, and few places."""
    ids = [f"s{number}" for number in range(supporters)] + [f"b{number}" for number in range(buddies)]

    def some(least: int, *keys: str) -> tuple[str, ...]:
        return tuple(random.sample(keys, random.randint(least, min(3, len(keys)))))

    return [
        Someone(
            each,
            "supporter" if place < supporters else "buddy",
            random.random() < 0.9,
            some(1, "en", "es", "de", "ur"),
            some(0, "climate", "housing", "food", "water", "care"),
            some(0, "sat-morning", "sun-evening", "weekday-evening", "weekday-noon"),
            round(53.8 + random.uniform(-wide, wide), 4),
            round(-1.55 + random.uniform(-wide, wide), 4),
            random.choice((0, 1, 1, 2, 3)),
            tuple(random.sample(ids, min(len(ids), random.choice((0, 0, 0, 1, 2))))),
        )
        for place, each in enumerate(ids)
    ]


def written(file: Path, them: list[Someone]) -> Path:
    """Their sheet."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        sheet = csv.writer(opened)
        sheet.writerow((*Someone._fields, "name"))
        for each in them:
            adult = "yes" if each.adult else "no"
            lists = (";".join(each.languages), ";".join(each.interests), ";".join(each.times))
            sheet.writerow(
                (each.id, each.role, adult, *lists, each.lat, each.lon, each.capacity, ";".join(each.blocks), "")
            )
    return file


def sides(them: list[Someone], terms: Terms = TERMS) -> Sides:
    """They themselves, with their place in the list as number."""
    places = {each.id: place for place, each in enumerate(them)}
    wishes, helpers = [], []
    for place, each in enumerate(them):
        keys, at = (each.languages, each.interests, each.times), point(each.lat, each.lon)
        apart = frozenset(places[other] for other in each.blocks)
        if each.role == "supporter":
            wishes.append(Wish(place, *keys, adult=each.adult, consented=True, not_with=apart, exact=at))
        else:
            helpers.append(
                Helper(place, *keys, adult=each.adult, approved=True, capacity=each.capacity, not_with=apart, exact=at)
            )
    return Sides(wishes, helpers, terms)


def may(one: Someone, other: Someone, reach_km: float = 25.0) -> bool:
    """The hard rules of section 6, said once more in other words."""
    apart = other.id in one.blocks or one.id in other.blocks
    spoken = set(one.languages) & set(other.languages)
    return one.adult and other.adult and not apart and bool(spoken) and haversine(one, other) <= reach_km


def haversine(one: Someone, other: Someone) -> float:
    """Kilometres, by the formula of navigators."""
    a, b, c, d = map(radians, (one.lat, one.lon, other.lat, other.lon))
    return 2 * 6371.0088 * asin(sqrt(sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2))
