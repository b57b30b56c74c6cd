from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from bot.cells import between, point
from bot.pairing.rules import Helper, Wish
from bot.pairing.spreadsheet import Listed, read_listed
from bot.sheets import BadSheet
from tests.bot.pairing.sheets import group, sides, written

HEAD = "id,role,name,adult,languages,interests,times,lat,lon,capacity,blocks\n"
GOOD = (
    "s1,supporter,Ana,yes,es;en,Climate; food,sat-morning,53.80,-1.55,,b2\n"
    "b1,buddy,Bo,YES,en,climate,,53.81,-1.56,2,\n"
    "b2,Buddy,,no,en,,,53.82,-1.57,,\n"
)


class Town:
    lat, lon = 53.79, -1.54


class Towns:
    """Knows Leeds, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def read(self, text: str) -> Town | None:
        self.asked += 1
        return Town() if text == "Leeds" else None

    def km_to_town(self, lat: float, lon: float) -> float:
        return between(point(lat, lon), point(Town.lat, Town.lon))


def listed(tmp_path: Path, text: str | bytes) -> Listed:
    file = tmp_path / "people.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_listed(file, Towns(), 3)


def problems(tmp_path: Path, text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(BadSheet) as refused:
        listed(tmp_path, text)
    return refused.value.problems


def test_a_row_becomes_a_person_with_everything_it_says(tmp_path: Path) -> None:
    found = listed(tmp_path, HEAD + GOOD)
    (ana,), (bo, other) = found.wishes, found.helpers
    assert (ana.languages, ana.interests, ana.times) == (("es", "en"), ("climate", "food"), ("sat-morning",))
    assert (ana.adult, ana.consented, ana.at) == (True, True, point(53.80, -1.55))
    assert (bo.capacity, bo.approved, bo.adult) == (2, True, True)
    assert (other.capacity, other.adult, other.not_with) == (3, False, frozenset({ana.id}))
    assert ana.not_with == {other.id}
    assert [found.ids[each] for each in (ana.id, bo.id, other.id)] == ["s1", "b1", "b2"]
    assert found.names[ana.id] == "Ana"


def test_a_whole_group_is_read_as_it_was_written(tmp_path: Path) -> None:
    them = group(Random(4), 30, 10)
    found, meant = read_listed(written(tmp_path / "people.csv", them), Towns(), 3), sides(them)
    rows = {place: place + 2 for place in range(len(them))}
    everyone: list[Wish | Helper] = [*meant.wishes, *meant.helpers]
    apart = {each.id: frozenset(rows[other] for other in each.not_with) for each in everyone}
    both_ways = {
        place: apart[place] | {rows[other] for other in apart if rows[place] in apart[other]} for place in apart
    }
    assert [*found.wishes] == [replace(each, id=rows[each.id], not_with=both_ways[each.id]) for each in meant.wishes]
    assert [*found.helpers] == [replace(each, id=rows[each.id], not_with=both_ways[each.id]) for each in meant.helpers]


@pytest.mark.parametrize(
    "changed",
    [
        ("\ufeff" + HEAD + GOOD).encode(),
        (HEAD + GOOD).replace("\n", "\r\n").encode(),
        (HEAD + GOOD).replace(";", "|").replace(",", ";").replace("|", ",").encode(),
        (HEAD + GOOD).replace(";", "|").replace(",", "\t").replace("|", ";").replace("53.8", "53,8").encode(),
        (HEAD.upper() + GOOD.replace("s1,", " s1 ,")).encode(),
    ],
)
def test_it_reads_the_same_however_it_was_saved(tmp_path: Path, changed: bytes) -> None:
    assert listed(tmp_path, changed) == listed(tmp_path, HEAD + GOOD)


def test_columns_that_nobody_knows_are_reported_and_ids_that_no_row_has(tmp_path: Path) -> None:
    found = listed(tmp_path, HEAD.replace("name", "phone") + GOOD.replace(",b2\n", ",b2;b9\n"))
    assert found.ignored == ("phone",)
    assert found.strangers == ("row 2, column blocks: no row has the id `b9`",)


@pytest.mark.parametrize("column", ["id", "role", "adult", "languages", "lat", "lon"])
def test_a_column_that_is_missing_is_named(tmp_path: Path, column: str) -> None:
    (said,) = problems(tmp_path, HEAD.replace(f"{column},", "other,", 1) + GOOD)
    assert said.startswith(f"row 1 names no column `{column}`")


def test_without_any_place_the_place_is_missed(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "id,role,adult,languages\ns1,supporter,yes,en\n")
    assert said.startswith("row 1 names no column `place`")


@pytest.mark.parametrize(
    ("column", "old", "new", "said"),
    [
        ("id", "b1,", "s1,", "row 3, column id: `s1` stands in row 2 already"),
        ("id", "b1,", ",", "row 3, column id: is empty"),
        ("role", "buddy", "friend", "row 3, column role: `friend`: write supporter or buddy"),
        ("role", "buddy", "", "row 3, column role: is empty: write supporter or buddy"),
        ("adult", "YES", "perhaps", "row 3, column adult: `perhaps`: write yes or no"),
        ("adult", "YES", "", "row 3, column adult: is empty"),
        ("languages", ",en,climate", ",english,climate", "row 3, column languages: `english` is no language"),
        ("lat", "53.81", "north", "row 3, column lat: `north`: write degrees"),
        ("lat", "53.81", "nan", "row 3, column lat: `nan`: write degrees"),
        ("lat", "53.81", "", "row 3, column lat: is empty: write degrees"),
        ("lat", "53.81", "-153.81", "row 3, column lat: `-153.81` is not from -90 to 90: are lat and lon swapped?"),
        ("lon", "-1.56", "181", "row 3, column lon: `181` is not from -180 to 180"),
        ("lon", "-1.56", "1e999", "row 3, column lon: `1e999`: write degrees"),
        ("lat", "53.81,-1.56", "-1.56,53.81", "row 3, column lat: `-1.56`, with lon `53.81`, looks swapped"),
        ("capacity", ",2,", ",-1,", "row 3, column capacity: `-1`: write a whole number"),
        ("capacity", ",2,", ",2.5,", "row 3, column capacity: `2.5`: write a whole number"),
        ("capacity", ",2,", ",9999999999,", "row 3, column capacity: `9999999999`: write a whole number"),
    ],
)
def test_a_wrong_cell_is_named_by_row_and_column(tmp_path: Path, column: str, old: str, new: str, said: str) -> None:
    before, bo = GOOD.split("b1,", 1)
    assert old in "b1," + bo, column
    (only,) = problems(tmp_path, HEAD + before + ("b1," + bo).replace(old, new, 1).replace(",b2\n", ",\n"))
    assert only.startswith(said)


def test_every_wrong_cell_is_named_at_once_up_to_a_page(tmp_path: Path) -> None:
    rows = "".join(f"p{number},friend,,maybe,en,,,53.8,-1.5,,\n" for number in range(30))
    said = problems(tmp_path, HEAD + rows)
    assert len(said) == 21
    assert said[0].startswith("row 2, column role")
    assert said[1].startswith("row 2, column adult")
    assert said[-1] == "and 40 more"


def test_a_place_is_looked_up_once_and_only_where_no_point_is_given(tmp_path: Path) -> None:
    file, towns = tmp_path / "people.csv", Towns()
    rows = "".join(f"s{number},supporter,yes,en,Leeds,,\n" for number in range(5))
    file.write_text(f"id,role,adult,languages,place,lat,lon\n{rows}b1,buddy,yes,en,Nowhere,53.8,-1.5\n")
    found = read_listed(file, towns, 3)
    assert towns.asked == 1
    assert {wish.at for wish in found.wishes} == {point(53.79, -1.54)}
    assert found.helpers[0].at == point(53.8, -1.5)
    (said,) = problems(tmp_path, file.read_text() + "b2,buddy,yes,en,Lieds,,\n")
    assert said.startswith("row 8, column place: `Lieds` is no place that is known")


def test_where_no_town_is_near_anybody_all_rows_are_swapped(tmp_path: Path) -> None:
    rows = "s1,supporter,,yes,en,,,-1.55,53.80,,\nb1,buddy,,yes,en,,,-1.56,53.81,,\n"
    said = problems(tmp_path, HEAD + rows)
    assert said[1] == "row 3, column lat: `-1.56`, with lon `53.81`, looks swapped: so nobody is near a town"
    assert len(said) == 2
    assert (
        len(listed(tmp_path, HEAD + rows.replace("-1.55,53.80", "53,-40").replace("-1.56,53.81", "53,-40")).wishes) == 1
    )


def test_people_all_over_the_world_are_not_taken_for_swapped(tmp_path: Path) -> None:
    random = Random(8)
    rows = "".join(
        f"s{each},supporter,,yes,en,,,{random.uniform(-85, 85)},{random.uniform(-85, 85)},,\n" for each in range(200)
    )
    assert len(listed(tmp_path, HEAD + rows).wishes) == 200


def test_a_swapped_row_is_seen_among_people_of_a_whole_country(tmp_path: Path) -> None:
    random = Random(3)
    india = [f"{random.uniform(9, 30):.4f},{random.uniform(72, 88):.4f}" for _ in range(40)]
    rows = [f"s{number},supporter,,yes,en,,,{each},,\n" for number, each in enumerate(india)]
    assert len(listed(tmp_path, HEAD + "".join(rows)).wishes) == 40
    (said,) = problems(tmp_path, HEAD + "".join(rows) + "x,supporter,,yes,en,,,77.2,28.6,,\n")
    assert said.startswith("row 42, column lat: `77.2`, with lon `28.6`, looks swapped")


def test_someone_whose_place_is_not_known_is_no_mistake(tmp_path: Path) -> None:
    assert listed(tmp_path, HEAD + "s1,supporter,,yes,en,,,,,,\n").wishes[0].at is None
