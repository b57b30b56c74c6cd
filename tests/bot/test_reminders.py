"""Reminders: in every zone and on every night the clocks change, never skipped, doubled, or a minute off."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.reminders import LOOK_BACK, Reminder, due_at, occurrence, of, until_at, window
from flows.model import Flow, Moment, Starts
from flows.reader import STARTER, read_folder
from flows.times import QuietHours, offset
from flows.times import zone as zone_named

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
ZONES = sorted(available_timezones())
TELLING = ["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll",
           "America/Havana", "Asia/Gaza", "America/Nuuk", "Pacific/Apia", "Asia/Kathmandu"]  # fmt: skip
"""Zones whose clocks change by half an hour, by two hours, at midnight, or four times a year, and one without."""


@dataclass(frozen=True)
class Act:
    """An action, as far as reminders know one."""

    starts_at: datetime
    zone: str = "UTC"
    lasts: timedelta = 2 * HOUR

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + self.lasts

    @property
    def published_at(self) -> datetime:
        return self.starts_at - 30 * DAY


def moment(offset_: str = "0", until: str | None = None, happening: str = "action.start") -> Moment:
    """A moment as an organizer writes it."""
    away = offset(offset_)
    end = offset(until) if until else None
    assert away is not None
    return Moment(happening, away.days, away.rest, "signed_up", end.length if end else None)


def flow(name: str, *args: str, **more: str) -> Flow:
    return Flow(name, "a", {}, starts=Starts(moment=moment(*args, **more)))


def local(zone: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0, fold: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone), fold=fold)


# --- when ------------------------------------------------------------------------------------------------------


def test_a_day_before_is_the_same_time_of_day_however_long_that_day_is() -> None:
    for month, day in ((3, 29), (10, 25)):
        starts = local("Europe/Madrid", 2026, month, day, 10)
        assert due_at(moment("-1 day"), starts, "Europe/Madrid") == local("Europe/Madrid", 2026, month, day - 1, 10)


def test_hours_are_real_ones_over_the_change() -> None:
    starts = local("Europe/Madrid", 2026, 3, 29, 4)
    assert due_at(moment("-2 hours"), starts, "Europe/Madrid") == local("Europe/Madrid", 2026, 3, 29, 1)


def test_a_time_that_is_skipped_moves_forward_by_the_gap() -> None:
    starts = local("Europe/Madrid", 2026, 3, 30, 2, 30)
    assert due_at(moment("-1 day"), starts, "Europe/Madrid") == local("Europe/Madrid", 2026, 3, 29, 3, 30)


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    starts = local("Europe/Madrid", 2026, 10, 26, 2, 30)
    assert due_at(moment("-1 day"), starts, "Europe/Madrid") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = local("Europe/Madrid", 2026, 10, 25, 2, 30, fold=1)
    assert due_at(moment("0"), second, "Europe/Madrid") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_days_and_hours_count_days_first() -> None:
    starts = local("America/New_York", 2026, 3, 9, 1)
    assert due_at(moment("-1 day 30 minutes"), starts, "America/New_York") == local(
        "America/New_York", 2026, 3, 8, 0, 30
    )


def test_the_zone_of_the_action_counts_whatever_zone_its_time_is_written_in() -> None:
    starts = local("Europe/Madrid", 2026, 3, 29, 10)
    assert due_at(moment("-1 day"), starts.astimezone(UTC), "Europe/Madrid") == starts.astimezone(UTC) - 23 * HOUR
    assert due_at(moment("-1 day"), starts.astimezone(UTC), "Nowhere/Such") == starts.astimezone(UTC) - 24 * HOUR


def test_until_is_counted_from_what_happens_and_is_never_before_it_is_due() -> None:
    starts = local("Europe/Madrid", 2026, 3, 29, 10)
    assert until_at(moment("-1 day", "2 hours before"), starts, "Europe/Madrid") == starts - 2 * HOUR
    tight = moment("-1 day", "-1 day")
    assert until_at(tight, starts, "Europe/Madrid") == due_at(tight, starts, "Europe/Madrid")


def test_without_until_what_comes_before_ends_at_it_and_what_comes_after_may_be_late() -> None:
    starts = datetime(2026, 6, 6, 10, tzinfo=UTC)
    assert until_at(moment("-1 day"), starts, "UTC") == starts
    assert until_at(moment("1 day"), starts, "UTC") == starts + DAY + LOOK_BACK
    assert until_at(moment("0"), starts, "UTC") == starts + LOOK_BACK


# --- which -----------------------------------------------------------------------------------------------------

SATURDAY = datetime(2026, 6, 6, 10, tzinfo=UTC)


def due(flows: list[Flow], acts: list[Act], now: datetime) -> list[Reminder[Act]]:
    return [each for flow_ in flows for each in of(flow_, acts) if each.is_due(now)]


def late(flows: list[Flow], acts: list[Act], now: datetime) -> list[Reminder[Act]]:
    return [each for flow_ in flows for each in of(flow_, acts) if each.is_late(now)]


def names(found: list[Reminder[Act]]) -> list[str]:
    return [each.flow.name for each in found]


def test_what_is_due_is_due_from_its_minute_to_its_until() -> None:
    flows = [flow("day_before", "-1 day", "2 hours before")]
    act = Act(SATURDAY)
    second = timedelta(seconds=1)
    for now, expected in (
        (SATURDAY - DAY - second, []),
        (SATURDAY - DAY, ["day_before"]),
        (SATURDAY - 2 * HOUR, ["day_before"]),
        (SATURDAY - 2 * HOUR + second, []),
    ):
        assert names(due(flows, [act], now)) == expected
        assert names(late(flows, [act], now)) == ([] if now <= SATURDAY - 2 * HOUR else ["day_before"])


def test_what_was_missed_is_reported_for_a_while_and_never_due_as_well() -> None:
    flows = [flow("day_before", "-1 day", "2 hours before")]
    missed = SATURDAY - 2 * HOUR
    assert names(late(flows, [Act(SATURDAY)], missed + LOOK_BACK)) == ["day_before"]
    assert late(flows, [Act(SATURDAY)], missed + LOOK_BACK + HOUR) == []


def test_the_end_of_an_action_is_its_own_moment() -> None:
    flows = [flow("day_after", "1 day", happening="action.end")]
    act = Act(SATURDAY, lasts=3 * HOUR)
    assert due(flows, [act], SATURDAY + DAY + 3 * HOUR - timedelta(seconds=1)) == []
    assert names(due(flows, [act], SATURDAY + DAY + 3 * HOUR)) == ["day_after"]


def test_moments_of_the_ledger_and_flows_without_one_are_left_alone() -> None:
    flows = [flow("met", happening="pair.met"), Flow("help", "a", {})]
    assert due(flows, [Act(SATURDAY)], SATURDAY) == late(flows, [Act(SATURDAY)], SATURDAY + DAY) == []


def test_an_action_moved_within_its_day_is_told_of_tomorrow_once_but_of_the_new_hour() -> None:
    later = SATURDAY + 2 * HOUR
    day_before, two_hours = moment("-1 day"), moment("-2 hours")
    assert occurrence(day_before, SATURDAY, "UTC") == occurrence(day_before, later, "UTC")
    assert occurrence(day_before, SATURDAY, "UTC") != occurrence(day_before, SATURDAY + 7 * DAY, "UTC")
    assert occurrence(two_hours, SATURDAY, "UTC") != occurrence(two_hours, later, "UTC")


def test_the_day_that_tells_occurrences_apart_is_that_of_the_zone() -> None:
    late_evening = local("America/Los_Angeles", 2026, 6, 6, 23)
    assert occurrence(moment("-1 day"), late_evening.astimezone(UTC), "America/Los_Angeles") == "2026-06-06"


OFFSETS = [
    "-3 days",
    "-1 day",
    "-1 day 2 hours",
    "-2 hours",
    "-1 hour",
    "0",
    "30 minutes",
    "1 day",
    "5 days",
    "-7 days",
]
UNTILS = [None, "2 hours before", "-30 minutes", "3 days"]

moments = st.builds(
    moment,
    st.sampled_from(OFFSETS), st.sampled_from(UNTILS), st.sampled_from(["action.start", "action.end"]),
)  # fmt: skip
times = st.datetimes(datetime(2020, 1, 2), datetime(2037, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, times, st.timedeltas(-20 * DAY, 20 * DAY), st.timedeltas(0 * DAY, DAY), st.sampled_from(ZONES))
# A week in which the clocks go back is an hour longer, and by chance hardly anybody looks in that hour.
@example(moment("-7 days"), datetime(2026, 10, 26, 9, tzinfo=UTC), -7 * DAY - HOUR, 0 * DAY, "Europe/Madrid")
def test_the_window_holds_everything_that_is_late_or_due_until_then(
    what: Moment, happened_at: datetime, away: timedelta, ahead: timedelta, zone: str
) -> None:
    now = happened_at + away
    begins, ends = due_at(what, happened_at, zone), until_at(what, happened_at, zone)
    assert begins <= ends
    if begins <= now + ahead and now <= ends + LOOK_BACK:
        since, until = window(what, now, ahead)
        assert since <= happened_at <= until


@given(moments, times, st.sampled_from(ZONES), st.lists(st.timedeltas(timedelta(seconds=1), 3 * DAY), max_size=60))
def test_however_the_clock_jumps_each_begins_once_or_is_reported_once(
    what: Moment, happened_at: datetime, zone: str, jumps: list[timedelta]
) -> None:
    act, flows = Act(happened_at, zone), [Flow("f", "a", {}, starts=Starts(moment=what))]
    now = happened_at - 12 * DAY
    begun: dict[str, datetime] = {}
    missed: dict[str, datetime] = {}
    ticks = [now := now + jump for jump in [*jumps, *[2 * DAY] * 20]]
    for tick in ticks:
        for each in due(flows, [act], tick):
            begun.setdefault(each.occurrence, tick)
        for each in late(flows, [act], tick):
            if each.occurrence not in begun:
                missed.setdefault(each.occurrence, tick)
    assert len(begun) + len(missed) == 1
    at = act.starts_at if what.happening == "action.start" else act.ends_at
    first = ticks[bisect_left(ticks, due_at(what, at, zone))]
    if first <= until_at(what, at, zone):
        assert list(begun.values()) == [first]
    else:
        assert list(missed.values()) == [first]


# --- every zone, every transition ------------------------------------------------------------------------------


BESIDE = 8 * DAY
"""How far around a change is looked at, at most."""

HALF_DAYS = [SINCE - BESIDE + count * (DAY / 2) for count in range((UNTIL - SINCE + 2 * BESIDE) // (DAY / 2) + 1)]


@lru_cache(None)
def clocks(zone: str) -> tuple[timedelta | None, ...]:
    """What the clocks of a zone are ahead of UTC by, every half a day of these years and a little beyond."""
    info = ZoneInfo(zone)
    return tuple([at.astimezone(info).utcoffset() for at in HALF_DAYS])


@lru_cache(None)
def transitions(zone: str) -> tuple[datetime, ...]:
    """Every moment from 2020 to 2037, and a little beyond, at which the clocks of a zone change."""
    info, ahead = ZoneInfo(zone), clocks(zone)
    found = []
    for number, (at, end) in enumerate(pairwise(HALF_DAYS)):
        if ahead[number] != ahead[number + 1]:
            low, high = at, end
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                same = middle.astimezone(info).utcoffset() == at.astimezone(info).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high.replace(microsecond=0))
    return tuple(found)


def wall(at: datetime, info: ZoneInfo) -> datetime:
    return at.astimezone(info).replace(tzinfo=None)


def first_with(clock: datetime, info: ZoneInfo) -> datetime:
    """The first moment at which the clocks of a zone show this, or what it becomes where they skip it: found by
    trying the differences from UTC in force around it, without what `datetime` knows of gaps and folds."""
    around = clock.replace(tzinfo=UTC)
    in_force = {(around + step * HOUR / 2).astimezone(info).utcoffset() or timedelta(0) for step in range(-72, 73)}
    shown = [around - each for each in in_force if wall(around - each, info) == clock]
    if shown:
        return min(shown)
    # Skipped: read with the difference of before the gap, the clocks show the same so much later.
    return next(around - each for each in sorted(in_force) if wall(around - each, info) > clock)


def checked(zone: str) -> Iterator[tuple[datetime, int]]:
    """Actions around every change of a zone, so that what lies days before or after falls on it and beside it."""
    for change in (each for each in transitions(zone) if SINCE <= each < UNTIL):
        for days in (-3, -1, 0, 1, 5):
            for minutes in (-150, -61, -60, -30, -1, 0, 1, 29, 30, 59, 60, 90, 121):
                yield change - days * DAY + timedelta(minutes=minutes), days


def check(zone: str) -> int:
    info = ZoneInfo(zone)
    count = 0
    for starts, days in checked(zone):
        what = Moment("action.start", days, who="signed_up")
        at = due_at(what, starts, zone)
        expected = starts if days == 0 else first_with(wall(starts, info) + days * DAY, info)
        assert at == expected, (zone, starts, days)
        hours = Moment("action.start", days, timedelta(hours=-2))
        assert due_at(hours, starts, zone) == at - 2 * HOUR
        count += 1
    return count


def test_around_every_change_of_the_clocks_no_reminder_is_a_minute_off() -> None:
    sample = [*TELLING, *ZONES[::40]]
    assert sum(check(zone) for zone in sample) > 10_000


@pytest.mark.slow
def test_around_every_change_of_the_clocks_in_every_zone_no_reminder_is_a_minute_off() -> None:
    assert [str(zone_named(zone)) for zone in ZONES] == ZONES
    alike = defaultdict(list)
    for zone in ZONES:
        alike[clocks(zone), transitions(zone)].append(zone)
    # Zones that change at the same moments to the same difference from UTC are one clock under several names.
    assert sum(check(names_[0]) * len(names_) for names_ in alike.values()) > 300_000


def test_what_speaks_of_tomorrow_is_never_heard_on_the_day_itself() -> None:
    quiet = QuietHours.read("21:00-08:00")
    told = read_folder(STARTER).library.flows["day_before"].starts.moment
    assert quiet is not None
    assert told is not None
    for hour in range(24):
        begins = local("Europe/London", 2026, 6, 13, hour, 59)
        due, last = (at(told, begins, "Europe/London") for at in (due_at, until_at))
        for minutes in range(0, (last - due) // timedelta(minutes=1) + 1, 5):
            heard = quiet.next_allowed(due + timedelta(minutes=minutes), "Europe/London")
            assert heard > last or heard.astimezone(begins.tzinfo).day == 12
