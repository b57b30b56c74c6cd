"""The code of an hour: another one each hour, good for a day, and nothing that can be guessed from others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.codes import code, is_good, new_secret
from storage.actions import PUBLISHED, Action

STARTS = datetime(2026, 6, 6, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACTION = Action(
    7, "Clean-up", "", "", "Leeds", "", "", STARTS, STARTS + 3 * HOUR, "UTC", None, 0, 0, "secret 20469", PUBLISHED,
    None, "", STARTS,
)  # fmt: skip


def test_it_does_not_change_while_people_arrive_and_then_does_each_hour() -> None:
    arriving = {code(ACTION, STARTS + timedelta(minutes=minutes)) for minutes in (-60, -10, 0, 10, 29)}
    assert arriving == {"4712"}
    later = [code(ACTION, STARTS + timedelta(minutes=30) + hours * HOUR) for hours in range(4)]
    assert len({"4712", *later}) == 5


@given(st.integers(-60, 20 * 60), st.integers(0, 24 * 60))
def test_typed_late_it_is_good_for_a_day(said: int, late: int) -> None:
    heard = code(ACTION, STARTS + timedelta(minutes=said))
    assert is_good(ACTION, heard, STARTS + timedelta(minutes=said + late))


def test_after_a_day_it_is_not_and_for_strangers_after_an_hour() -> None:
    said = STARTS + 2 * HOUR
    heard = code(ACTION, said)
    assert not is_good(ACTION, heard, said + 26 * HOUR)
    assert is_good(ACTION, heard, said + HOUR, HOUR)
    assert not is_good(ACTION, heard, said + 3 * HOUR, HOUR)


@pytest.mark.parametrize("typed", ["4712", " 4 7 1 2", "47l2", "the code is 4712.", "four seven one two", "４７１２"])
def test_it_is_heard_however_it_is_typed(typed: str) -> None:
    assert is_good(ACTION, typed, STARTS)


@pytest.mark.parametrize("typed", ["", "   ", "4711", "47122", "0000", "ñ", "\0", "four"])
def test_anything_else_is_not(typed: str) -> None:
    assert not is_good(ACTION, typed, STARTS)


def test_other_actions_have_other_codes() -> None:
    assert new_secret() != new_secret()
    assert len({code(replace(ACTION, secret=new_secret()), STARTS) for _ in range(40)}) > 30
