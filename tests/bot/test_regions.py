"""A county or region: named alone, its towns are asked back; behind a town's name, it tells which town is meant."""

import csv
from functools import cache

import pytest

from bot.places import Places
from bot.spellings import key
from bot.towns import Towns
from bot.towns_file import REGIONS

ROWS = list(csv.DictReader(REGIONS.read_text("utf-8").splitlines()))


@cache
def of(country: str) -> Places:
    return Places(country=country)


def names(country: str, text: str) -> list[str]:
    return [place.full_name.partition(",")[0] for place in of(country).candidates(text)]


def test_every_town_that_stands_for_a_region_is_known() -> None:
    towns = Towns()
    for row in ROWS:
        asked = row["towns"].split(";")
        for name in row["names"].split(";"):
            found = [each for each in towns.region(key(name)) if each.country == row["country"]]
            # Where one town stands there, those of its region do.
            assert len(found) >= min(2, len(asked)), (name, found)
            assert len(asked) == 1 or len(found) == len(asked), (name, found)


@pytest.mark.parametrize(
    ("country", "text", "first"),
    [
        ("GB", "Surrey", "Woking"),
        ("GB", "I live in Kent", "Maidstone"),
        ("GB", "West Yorkshire, UK", "Leeds"),
        ("GB", "Co. Durham", "Darlington"),
        ("ES", "Andalucía", "Sevilla"),
        ("ES", "Euskadi", "Bilbao"),
        ("DE", "Bayern", "Munich"),
        ("IE", "County Kerry", "Tralee"),
        ("", "Catalunya", "Barcelona"),
    ],
)
def test_a_region_alone_is_asked_back_as_its_towns(country: str, text: str, first: str) -> None:
    assert names(country, text)[0] == first
    assert len(names(country, text)) > 1
    assert of(country).read(text) is None, "a region is no town, and nobody is put into one unasked"


@pytest.mark.parametrize(
    ("country", "text", "town"),
    [
        ("GB", "Durham", "Durham, England"),
        ("ES", "Madrid", "Madrid, Spain"),
        ("CA", "Surrey", "Surrey, Canada"),
        ("GB", "Newport, Shropshire", "Newport, Wolverhampton"),
        ("GB", "Ashford, Kent", "Ashford, Maidstone"),
        ("ES", "Vigo, Galicia", "Vigo, Spain"),
        ("CA", "london ontario canada", "London, Canada"),
        ("AU", "Perth WA", "Perth, Australia"),
    ],
)
def test_a_town_is_a_town_and_its_region_tells_which(country: str, text: str, town: str) -> None:
    assert [place.full_name for place in of(country).candidates(text)] == [town]
