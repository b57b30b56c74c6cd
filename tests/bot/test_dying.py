"""Killed at each of nine points between an event and the record of its answer: nothing lost, nothing taken twice."""

from pathlib import Path

import pytest

from tests.bot.deaths import POINTS
from tests.bot.dying import dying, unexplained


@pytest.mark.slow
async def test_killed_at_every_point_it_loses_nothing_and_says_twice_only_what_had_no_answer(tmp_path: Path) -> None:
    twice = await dying(tmp_path, f"sqlite:///{tmp_path}/doorstep.db", times=3)
    assert set(twice) == set(POINTS)
    assert unexplained(twice) == {}
    assert twice["answered"] > 0, "it did die after the platform had it"
