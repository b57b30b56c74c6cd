"""500 names of places as people type them, written down by hand and not taken from any list of towns.

`place_names.csv`: what is typed; the town that is meant, its country and its middle in degrees; and the kind of name:
in another script or language, misspelt, short for another, with where it is, a district, or in a sentence.
"""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cells import between, point
from bot.places import Places
from bot.towns import Towns

NEAR_KM = 30.0
"""What is understood lies so near to the middle of the town: its districts do too."""

NAMES = list(csv.DictReader((Path(__file__).parent / "place_names.csv").read_text("utf-8").splitlines()))


def understood(places: Places, row: dict[str, str]) -> str:
    """Whether what is meant comes first, is among what they are asked to choose from, or neither."""
    meant = point(float(row["lat"]), float(row["lon"]))
    near = [between(meant, point(each.lat, each.lon)) <= NEAR_KM for each in places.candidates(row["typed"])]
    return "first" if near[:1] == [True] else "among" if any(near) else "failed"


def test_they_are_500_and_no_two_are_the_same() -> None:
    assert len({row["typed"] for row in NAMES}) == len(NAMES) == 500


@pytest.mark.parametrize(
    ("country_of", "first", "together"),
    [
        pytest.param(lambda row: row["country"], 428, 429, id="by a group of that country"),
        pytest.param(lambda row: "", 413, 415, id="by a group of no country"),
    ],
)
def test_no_fewer_of_them_are_understood_than_were(
    monkeypatch: pytest.MonkeyPatch, country_of: Callable[[dict[str, str]], str], first: int, together: int
) -> None:
    index = Towns()
    monkeypatch.setattr("bot.places.Towns", lambda: index)
    groups = {country: Places(country=country) for country in map(country_of, NAMES)}
    came = [(understood(groups[country_of(row)], row), row) for row in NAMES]
    counted = Counter(how for how, _ in came)
    failed = "".join(f"\n  {how}: {row['typed']} ({row['town']}, {row['kind']})" for how, row in came if how != "first")
    assert counted["first"] >= first, f"{counted['first']} of 500 come first:{failed}"
    assert counted["first"] + counted["among"] >= together, f"{counted} of 500:{failed}"
