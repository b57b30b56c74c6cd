"""Durations, offsets, zones and quiet hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.times import LONGEST, Offset, QuietHours, duration, looks_like_duration, offset, zone

YEAR = datetime(2026, 1, 1, tzinfo=UTC)
NIGHT = QuietHours.read("21:00-08:00")
NAP = QuietHours.read("13:00-15:00")


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("2 days", timedelta(days=2)),
        ("1 hour 30 minutes", timedelta(minutes=90)),
        ("1 hour, 30 min", timedelta(minutes=90)),
        ("1 week and 1 day", timedelta(days=8)),
        ("90 Seconds", timedelta(seconds=90)),
        ("1 day 1 day", timedelta(days=2)),
    ],
)
def test_a_duration_is_read(written: str, length: timedelta) -> None:
    assert duration(written) == length


@pytest.mark.parametrize(
    "written", ["", "0 days", "-1 day", "two days", "2", "2 months", "1 dayish", "9999999 weeks", "1 day" * 50]
)
def test_what_is_no_duration_is_none(written: str) -> None:
    assert duration(written) is None


@given(st.text(alphabet="0123456789 dayshourminweko,and", max_size=200))
def test_whatever_is_written_a_duration_is_above_zero_and_bounded(written: str) -> None:
    length = duration(written)
    assert length is None or timedelta(0) < length <= LONGEST


def test_what_looks_like_a_duration_begins_with_a_digit_or_a_sign() -> None:
    assert looks_like_duration("-2 dayz")
    assert not looks_like_duration("pair.met")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("-1 day", Offset(-1, timedelta(0))),
        ("2 hours before", Offset(0, -timedelta(hours=2))),
        ("+1 week 30 minutes", Offset(7, timedelta(minutes=30))),
        ("1 day after", Offset(1, timedelta(0))),
        ("0", Offset(0, timedelta(0))),
        ("-1 day before", None),
        ("soon", None),
        ("9999999 days", None),
    ],
)
def test_an_offset_keeps_its_calendar_days_apart(written: str, read: Offset | None) -> None:
    assert offset(written) == read


def test_the_length_of_an_offset_counts_days_of_24_hours() -> None:
    assert Offset(-1, -timedelta(hours=2)).length == -timedelta(hours=26)


def test_a_zone_that_is_not_there_is_utc() -> None:
    assert zone("Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert {zone(""), zone("Mars"), zone("../etc/passwd"), zone("a\0b")} == {UTC}


@pytest.mark.parametrize(
    ("quiet", "at", "allowed"),
    [
        (NIGHT, "2026-06-01T20:59", "2026-06-01T20:59"),
        (NIGHT, "2026-06-01T21:00", "2026-06-02T08:00"),
        (NIGHT, "2026-06-02T07:59", "2026-06-02T08:00"),
        (NIGHT, "2026-06-02T08:00", "2026-06-02T08:00"),
        (NAP, "2026-06-01T14:00", "2026-06-01T15:00"),
        (NAP, "2026-06-01T12:59", "2026-06-01T12:59"),
        (QuietHours.read("10:00-10:00"), "2026-06-01T10:00", "2026-06-01T10:00"),
    ],
)
def test_what_falls_into_quiet_hours_waits_for_their_end(quiet: QuietHours, at: str, allowed: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    moment = datetime.fromisoformat(at).replace(tzinfo=berlin).astimezone(UTC)
    assert quiet.next_allowed(moment, "Europe/Berlin") == datetime.fromisoformat(allowed).replace(tzinfo=berlin)


def test_quiet_hours_end_by_the_clock_on_the_night_it_changes() -> None:
    assert NIGHT
    eve = datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert NIGHT.next_allowed(eve, "Europe/Berlin") == datetime(2026, 3, 29, 6, tzinfo=UTC)


@given(
    st.integers(0, 365 * 24 * 60).map(lambda minutes: YEAR + timedelta(minutes=minutes)), st.sampled_from([NIGHT, NAP])
)
def test_the_allowed_moment_is_never_before_and_is_itself_allowed(moment: datetime, quiet: QuietHours) -> None:
    allowed = quiet.next_allowed(moment, "America/New_York")
    assert moment <= allowed <= moment + timedelta(hours=12)
    assert quiet.next_allowed(allowed, "America/New_York") == allowed


def test_no_quiet_hours_are_none_and_nonsense_is_refused() -> None:
    assert QuietHours.read("  ") is None
    for nonsense in ("late", "21:00", "25:00-08:00"):
        with pytest.raises(ValueError, match=r".+"):
            QuietHours.read(nonsense)
