"""Names of towns, as people write them."""

import random
import time as stopwatch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cells import between, cell_at, point
from bot.districts import District
from bot.places import LONGEST, Place, Places
from bot.towns import Town

LEEDS = (53.79648, -1.54785)


@pytest.fixture(scope="module")
def british() -> Places:
    return Places(zone="Europe/London")


@pytest.fixture(scope="module")
def anywhere() -> Places:
    return Places(zone="UTC")


@pytest.fixture(scope="module")
def whole(anywhere: Places) -> list[Town]:
    """Every town there is."""
    asked = anywhere.load()._ask(
        "SELECT id, name, full_name, country, region, lat, lon, people, zone FROM towns ORDER BY id"
    )
    return [Town(*row) for row in asked]


@pytest.fixture(scope="module")
def every(whole: list[Town]) -> list[Town]:
    """Some thousands of towns from everywhere, large and small."""
    assert len(whole) > 200_000
    return random.Random(7).sample(whole, 3000) + sorted(whole, key=lambda town: -town.people)[:500]


def name(places: Places, text: str) -> str | None:
    place = places.read(text)
    return place.name if place is not None else None


# --- what is understood ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["münchen", "Munich", "Мюнхен", "MUNCHEN", "Muenchen", "München, Deutschland", "뮌헨"])
def test_a_name_is_understood_in_any_language_case_and_script(british: Places, text: str) -> None:
    assert name(british, text) == "Munich"


@pytest.mark.parametrize(
    ("text", "town"),
    [
        *((text, "Leeds") for text in ("leeds ", "LEEDS", "near Leeds", "I live in Leeds", "i'm from leeds!", "Лидс")),
        *((text, "Leeds") for text in ("Leeds UK", "Leeds, UK", "Leeds, United Kingdom", "Leeds England", "Leeds, GB")),
        *((text, "Leeds") for text in ("Leeds LS6", "Leeds LS6 2AB", "LS6, Leeds", "Headingley, Leeds")),
        *((text, "Leeds") for text in ("Leeds city centre", "Leeds please", "central Leeds", "Leeds, West Yorkshire")),
        ("Leeds West Yorkshire", "Leeds"),
        ("Horsforth, Leeds", "Horsforth"),
        ("St. Andrews", "Saint Andrews"),
        ("st andrews", "Saint Andrews"),
        ("Saint Andrews", "Saint Andrews"),
        ("Stoke on Trent", "Stoke-on-Trent"),
        ("kings lynn", "King's Lynn"),
        ("Gijón", "Gijón"),
        ("gijon", "Gijón"),
        ("Xixón", "Gijón"),
        ("Xixón/Gijón", "Gijón"),
        ("cerca de Xixón", "Gijón"),
        ("A Coruña", "A Coruña"),
        ("東京", "Tokyo"),
        ("القاهرة", "Cairo"),
        ("Κως", "Kos"),
        ("10115 Berlin", "Berlin"),
        ("NYC", "New York City"),
        ("Tuebingen", "Tübingen"),
    ],
)
def test_a_name_is_understood_as_people_write_it(british: Places, text: str, town: str) -> None:
    found = name(british, text)
    assert found is not None
    assert found.partition(",")[0] == town


@pytest.mark.parametrize(
    ("text", "town"),
    [
        *(
            ("Mancester", "Manchester"),
            ("Birmingam", "Birmingham"),
            ("Edinborough", "Edinburgh"),
            *(("Glasgo", "Glasgow"), ("Sutton Coldfied", "Sutton Coldfield"), ("Putey", "Putney")),
        ),
        *(("Liverpol", "Liverpool"), ("Sheffeild", "Sheffield"), ("Lodnon", "London"), ("Notingham", "Nottingham")),
        *(
            ("Barcelna", "Barcelona"),
            ("near Bradfrod", "Bradford"),
            ("Mancester, UK", "Manchester"),
            ("Belfst", "Belfast"),
        ),
    ],
)
def test_a_name_is_understood_misspelt(british: Places, text: str, town: str) -> None:
    found = name(british, text)
    assert found is not None
    assert found.partition(",")[0] == town


@pytest.mark.parametrize(
    "text",
    [
        *("I don't know", "nowhere", "yes", "No.", "asdf", "asdfgh", "qwertyuiop", "idk", "later", "please", "hello"),
        *(
            "what?",
            "12345",
            "???",
            "🙂",
            "",
            "  ",
            "x",
            "aaaa",
            "my name is Ana",
            "no sé",
            "weiß nicht",
            "je ne sais pas",
        ),
        *(
            "не знаю",
            "不知道",
            "the moon",
            "none of your business",
            "I would rather not say",
            "LS6",
            "LS6 2AB",
            "library",
        ),
        *("weekend", "evening", "meeting", "because", "monday", "water", "climate", "in a flat", "near you"),
        *("month", "music", "dancing", "trees", "angry"),
        "Leeds " * 30,
    ],
)
def test_what_is_no_place_is_none(british: Places, text: str) -> None:
    assert british.read(text) is None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=LONGEST + 20))
def test_any_text_at_all_is_read_without_a_complaint(text: str) -> None:
    places = Places(zone="Europe/London")
    assert places.read(text) is None or places.read(text) == places.candidates(text)[0]


# --- which of several ------------------------------------------------------------------------------------------


def test_the_groups_own_area_comes_before_far_and_larger_ones() -> None:
    assert name(Places(near="Hartford, Connecticut"), "springfield") == "Springfield"
    near = Places(near="Hartford, Connecticut").read("springfield")
    assert near is not None
    assert (round(near.lat), round(near.lon)) == (42, -73)
    assert name(Places(country="US"), "Leeds") == "Leeds, Alabama"
    assert name(Places(zone="America/Chicago"), "paris") == "Paris, Texas"
    assert name(Places(zone="Europe/Madrid"), "Córdoba") == "Córdoba"
    assert name(Places(zone="America/Argentina/Cordoba"), "Córdoba") == "Córdoba"


def test_who_is_asked_and_who_is_not() -> None:
    def asked(places: Places, text: str) -> list[str]:
        return [place.full_name for place in places.candidates(text)]

    german = Places(zone="Europe/Berlin")
    assert asked(german, "Frankfurt") == ["Frankfurt am Main, Germany", "Frankfurt (Oder), Germany"]
    assert asked(Places(zone="Europe/Berlin", near="Potsdam"), "Frankfurt")[0] == "Frankfurt (Oder), Germany"
    assert asked(Places(zone="Europe/Berlin", near="Mainz"), "Frankfurt") == ["Frankfurt am Main, Germany"]
    assert asked(german, "Berlin") == ["Berlin, Germany"]
    # Newton was called so once, and nobody calls it so now.
    assert asked(Places(country="US"), "Cambridge, MA") == ["Cambridge, Massachusetts"]
    assert [place.name for place in german.candidates("Frankfurt am Main, Germany")] == ["Frankfurt am Main"]


def test_a_group_in_a_place_that_nobody_knows_is_told_so_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    assert name(Places(zone="Europe/London", near="Xyzzyville"), "Leeds") == "Leeds"
    assert "[org] place: there is no place of that name" in caplog.text


def test_without_an_area_of_its_own_the_larger_town_comes_first(anywhere: Places) -> None:
    assert name(anywhere, "Leeds") == "Leeds"
    assert name(anywhere, "Paris") == "Paris"
    assert name(anywhere, "Springfield") == "Springfield, Missouri"


def test_where_a_town_is_can_be_said(anywhere: Places) -> None:
    told = ("Springfield, Illinois", "Springfield Illinois", "springfield IL", "Springfield, IL, USA")
    assert {name(anywhere, text) for text in told} == {"Springfield, Illinois"}
    newport = ("Newport Wales", "Newport, Wales", "Newport in Wales", "the Newport in Wales", "Newport, Gales")
    assert {name(anywhere, text) for text in newport} == {"Newport, Wales"}
    assert name(anywhere, "Paris, Texas") == name(anywhere, "paris texas") == "Paris, Texas"
    assert name(anywhere, "Cordoba, España") == name(anywhere, "Córdoba, Spain") == "Córdoba, Spain"


def test_what_a_name_can_mean_is_told_the_best_first_and_each_apart(anywhere: Places) -> None:
    found = anywhere.candidates("springfield", 4)
    assert [place.name for place in found][:3] == [
        "Springfield, Missouri", "Springfield, Massachusetts", "Springfield, Illinois"
    ]  # fmt: skip
    assert len({place.name for place in found}) == len({place.cell for place in found}) == 4
    assert anywhere.candidates("nowhere") == []


# --- names that stay -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "near", "step"),
    [("", "", 1), ("Europe/London", "", 4), ("Asia/Shanghai", "", 4), ("", "Worcester, Massachusetts", 4)],
)
def test_every_name_that_is_told_is_read_as_the_same_place(every: list[Town], zone: str, near: str, step: int) -> None:
    places = Places(zone=zone, near=near)
    wrong = []
    for town in every[::step]:
        place = places.at(town.lat, town.lon)
        if places.read(place.name) != place or places.read(place.name.upper()) != place:
            wrong.append(place)
    assert wrong == []


def test_what_is_read_is_read_again_as_the_same_place(anywhere: Places, every: list[Town]) -> None:
    told = [place for town in every[::5] for place in anywhere.candidates(town.name, 3)]
    assert len(told) > 500
    assert [place for place in told if anywhere.read(place.name) != place] == []


def test_nearly_every_town_is_understood_by_its_own_name(anywhere: Places, every: list[Town]) -> None:
    unread = [town.name for town in every if anywhere.read(town.name) is None]
    assert len(unread) <= len(every) * 0.002, unread


# --- points ----------------------------------------------------------------------------------------------------


def test_a_place_is_never_finer_than_a_district(british: Places) -> None:
    place = british.at(53.8123456, -1.5623456)
    assert place == british.read(place.name)
    assert place.cell == cell_at(place.lat, place.lon)
    assert (place.lat, place.lon) != (53.8123456, -1.5623456)


def test_a_point_is_the_nearest_named_place(anywhere: Places, whole: list[Town]) -> None:
    at = [(town, town.at) for town in whole]
    spots = [LEEDS, (0.0, 0.0), (23.0, 12.0)]
    spots += [(-16.8, 179.99), (-16.8, -179.99), (90.0, 0.0), (-90.0, 0.0), (64.1, -21.9)]
    for lat, lon in spots:
        here = point(lat, lon)
        nearest = min(at, key=lambda each: between(here, each[1]))[0]
        assert anywhere.load().nearest(lat, lon) == nearest


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (0, 181), (float("nan"), 0)])
def test_a_point_that_is_none_is_refused(anywhere: Places, lat: float, lon: float) -> None:
    with pytest.raises(ValueError, match="no point"):
        anywhere.at(lat, lon)


# --- loading ---------------------------------------------------------------------------------------------------


def test_nothing_is_loaded_before_it_is_wanted() -> None:
    places = Places(zone="Europe/London")
    assert not places.ready
    places.begin().join(120)
    assert places.ready


def test_once_made_it_is_there_at_once_and_answers_quickly(every: list[Town]) -> None:
    begun = stopwatch.perf_counter()
    places = Places(zone="Europe/London")
    places.load()
    assert stopwatch.perf_counter() - begun < 1
    begun = stopwatch.process_time()
    for town in every[:500]:
        places.read(town.name)
    assert (stopwatch.process_time() - begun) / 500 < 0.005


# --- a group's own districts -----------------------------------------------------------------------------------

OWN = (
    District("Headingley", 53.8194, -1.5810, ("LS6", "Heado")),
    District("Centre", 53.797, -1.5437),
    District("Otley, Leeds", 53.9058, -1.6936),
)


@pytest.fixture(scope="module")
def ours() -> Places:
    return Places(OWN, zone="Europe/London")


@pytest.mark.parametrize(
    ("text", "district"),
    [
        *((text, "Headingley") for text in ("headingley", "in Headingley", "LS6", "Heado", "Headingly")),
        ("Headingley, Leeds", "Headingley"),
        *((text, "Centre") for text in ("centre", "CENTRE")),
        ("otley leeds", "Otley, Leeds"),
        ("Leeds", "Leeds"),
        ("Leeds LS6", "Leeds"),
    ],
)
def test_a_groups_own_names_come_first(ours: Places, text: str, district: str) -> None:
    found = name(ours, text)
    assert found is not None
    assert found == district


def test_a_groups_own_districts_are_read_again_as_the_same_and_found_by_points(ours: Places) -> None:
    for own in OWN:
        place = ours.at(own.lat + 0.001, own.lon)
        assert place == Place(own.name, cell_at(own.lat, own.lon), own.lat, own.lon, "Europe/London")
        assert ours.read(place.name) == place


def test_a_town_that_a_district_is_named_after_says_where_it_is(ours: Places, anywhere: Places) -> None:
    town = anywhere.read("Headingley, Canada")
    assert town is not None
    assert ours.at(town.lat, town.lon).name == "Headingley, Canada"
    assert ours.read("Headingley, Canada") == ours.at(town.lat, town.lon)
