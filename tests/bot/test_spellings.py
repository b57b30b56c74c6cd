"""How names of places are written and misspelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.spellings import NOWHERE, bared, is_slip, key, near_sounds, sound


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("St. Ives", "saint-ives"),
        ("Saint-Étienne", "St Etienne"),
        ("L'Aquila", "laquila"),
        ("St. Pölten", "Sankt Polten"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert key(one) == key(other) != ""


@given(st.text())
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert key(key(text)) == key(text)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("lodnon", "london"), ("livepool", "liverpool"), ("bradfrod", "bradford"), ("glasgo", "glasgow")],
)
def test_a_slip_leads_to_a_sound_that_is_near(wrong: str, right: str) -> None:
    assert sound(right) in near_sounds(sound(wrong))


@given(st.text("bdfgjklmnprst", min_size=3, max_size=9), st.data())
def test_every_sound_one_slip_away_is_near(heard: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(heard) - 1))
    letter = data.draw(st.sampled_from("bdfgjklmnprst"))
    near = near_sounds(heard)
    assert {
        heard,
        heard[:at] + heard[at + 1 :],
        heard[:at] + letter + heard[at:],
        heard[:at] + letter + heard[at + 1 :],
    } <= near


def test_a_slip_is_small_and_not_in_the_first_letter() -> None:
    assert is_slip("mancester", "manchester", 1)
    assert is_slip("edinborough", "edinburgh", 3)
    assert not is_slip("meeting", "weeting", 1)
    assert not is_slip("water", "wetter", 2)


def test_the_words_around_a_name_are_left_out() -> None:
    assert [" ".join(left) for left in bared(("i", "live", "in", "central", "leeds", "please"))][-1] == "leeds"
    assert list(bared(("leeds",))) == [("leeds",)]


def test_words_that_are_only_around_names_are_left() -> None:
    assert list(bared(("in",))) == [("in",)]
    assert all(left for left in bared(("near", "town")))


def test_what_people_write_instead_of_a_place_is_known_as_it_is_compared() -> None:
    assert {"yes", "i dont know", "no se", "не знаю"} <= NOWHERE
