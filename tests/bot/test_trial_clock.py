"""The clock of a trial."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.trial_clock import EVENING, MORNING, NIGHT, TrialClock, pass_time, steps, tomorrow

LONDON, APIA, SANTIAGO = ZoneInfo("Europe/London"), ZoneInfo("Pacific/Apia"), ZoneInfo("America/Santiago")
ZONES = [LONDON, APIA, SANTIAGO, ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")]
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(now=moments, hours=st.integers(1, 24 * 14), zone=st.sampled_from(ZONES))
def test_a_jump_goes_on_hour_by_hour_and_over_nights_at_once(now: datetime, hours: int, zone: ZoneInfo) -> None:
    until = now + timedelta(hours=hours)
    taken = [now, *steps(now, until, zone)]
    assert taken[-1] == until
    for one, other in pairwise(taken):
        assert one < other
        here, there = one.astimezone(zone), other.astimezone(zone)
        if here.date() == there.date() and here.time() >= MORNING and there.time() < NIGHT:
            assert other - one <= timedelta(hours=1)
    for each in taken[1:-1]:
        assert MORNING <= each.astimezone(zone).time() < NIGHT


def test_a_jump_over_a_night_is_one_step_to_the_morning() -> None:
    now = datetime(2026, 11, 21, 20, 30, tzinfo=UTC)
    taken = list(steps(now, datetime(2026, 11, 22, 9, 10, tzinfo=UTC), LONDON))
    assert [each.strftime("%H:%M") for each in taken] == ["08:00", "09:00", "09:10"]


@pytest.mark.parametrize("zone", ZONES)
def test_tomorrow_is_the_evening_of_the_next_day_there(zone: ZoneInfo) -> None:
    now = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    then = tomorrow(now, zone).astimezone(zone)
    assert then.time() == EVENING
    assert then.date() == now.astimezone(zone).date() + timedelta(days=1)


def test_the_clock_never_goes_back() -> None:
    clock = TrialClock()
    before = clock()
    clock.to(before + timedelta(days=2))
    clock.to(before)
    assert clock() >= before + timedelta(days=2)
    clock.reset()
    assert clock() < before + timedelta(days=1)


async def test_everything_happens_before_the_clock_goes_on() -> None:
    clock, told = TrialClock(), []
    start = clock()

    async def happen() -> None:
        told.append(clock())

    shown: list[datetime] = []
    await pass_time(clock, start + timedelta(days=1), LONDON, happen, lambda: shown.append(clock()))
    assert len(told) == len(shown) >= 13
    assert told == sorted(told)
    assert timedelta(days=1) <= clock() - start < timedelta(days=1, minutes=1)
