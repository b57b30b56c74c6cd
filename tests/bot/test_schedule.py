"""What is due next: whose turn it is, when it is looked at again, and that nothing is looked at twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.reminders import LOOK_BACK, Reminder, of
from bot.schedule import A_SECOND, AHEAD, INVITE_AGAIN, START, Place, Round, Schedule
from flows.model import Flow, Moment, Starts
from storage.actions import PUBLISHED, Action

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)
ACTION = Action(7, "Rally", "", "", "", "", "", NOON, NOON + HOUR, "UTC", None, 0, 0, "", PUBLISHED, None, "", NOON)


def reminder(
    name: str, hours: int, until: int = 0, who: str = "signed_up", action: Action = ACTION
) -> Reminder[Action]:
    """So many hours from noon, and no more so many hours from noon."""
    moment = Moment("action.start", 0, hours * HOUR, who, until * HOUR)
    return of(Flow(name, "a", {}, starts=Starts(moment=moment)), [action])[0]


def filled(*reminders: Reminder[Action], now: datetime = NOON - HOUR) -> Schedule:
    schedule = Schedule()
    schedule.fill("known", now, reminders)
    return schedule


def names(rounds: list[Round]) -> list[str]:
    return [("late " if each.late else "") + each.reminder.flow.name for each in rounds]


def test_what_is_soonest_too_late_comes_first_and_what_is_late_last() -> None:
    schedule = filled(reminder("long", -3, 2), reminder("past", -9, -2), reminder("short", -2), reminder("later", 1, 3))
    assert names(schedule.due(NOON - HOUR)) == ["short", "long", "late past"]
    assert names(schedule.due(NOON + SECOND)) == ["long", "late past", "late short"]


def test_what_is_late_is_gone_through_once_and_forgotten_in_the_end() -> None:
    schedule = filled(reminder("past", -9, -2))
    (late,) = schedule.due(NOON)
    late.ended(NOON)
    schedule.rest()
    assert schedule.due(NOON + HOUR) == []
    assert filled(reminder("past", -9, -2), now=NOON + LOOK_BACK).due(NOON + LOOK_BACK) == []


def test_where_somebody_was_found_it_is_looked_again_at_once_and_else_the_rarer_the_more_there_are() -> None:
    small, crowd = reminder("small", -2), reminder("crowd", -2, action=replace(ACTION, id=8, going=20 * A_SECOND))
    schedule = filled(small, crowd, reminder("near", -2, who="nearby"))
    now = NOON - HOUR
    for each in schedule.due(now):
        each.found, each.place = True, Place(1, 500)
        each.ended(now)
        assert each.place == START, "an older member who signs up late is behind where the round ended"
    schedule.rest()
    assert sorted(names(schedule.due(now))) == ["crowd", "near", "small"]
    for each in schedule.due(now):
        assert (each.whole, each.found) == (True, False)
        each.ended(now)
    schedule.rest()
    assert names(schedule.due(now)) == ["small"]
    assert sorted(names(schedule.due(now + 19 * SECOND))) == ["small"]
    assert sorted(names(schedule.due(now + 20 * SECOND))) == ["crowd", "small"]
    assert sorted(names(schedule.due(now + INVITE_AGAIN))) == ["crowd", "near", "small"]


def test_it_holds_for_what_it_was_made_from_and_for_a_while() -> None:
    schedule, now = filled(reminder("soon", -2)), NOON - HOUR
    assert schedule.holds("known", now + AHEAD - SECOND)
    assert not schedule.holds("known", now + AHEAD)
    assert not schedule.holds("another", now)
    assert not Schedule().holds(None, now)


def test_made_anew_a_round_goes_on_where_it_was_and_another_time_is_another_round() -> None:
    schedule, now = filled(reminder("soon", -2)), NOON - HOUR
    (before,) = schedule.due(now)
    before.place, before.whole = Place(1, 500), True
    moved = replace(ACTION, starts_at=NOON + HOUR)
    schedule.fill("other", now, [reminder("soon", -2, action=replace(ACTION, title="Fair"))])
    (after,) = schedule.due(now)
    assert (after.place, after.whole, after.reminder.action.title) == (Place(1, 500), True, "Fair")
    schedule.fill("moved", now, [reminder("soon", -2, action=moved)])
    (new,) = schedule.due(now)
    assert (new.place, new.whole) == (Place(0, 0), False)


def test_a_clock_that_was_put_back_begins_all_rounds_anew() -> None:
    schedule, now = filled(reminder("soon", -3)), NOON - HOUR
    (done,) = schedule.due(now)
    done.place = Place(0, 9)
    assert not schedule.holds("known", now - HOUR)
    schedule.fill("known", now - HOUR, [reminder("soon", -3)])
    assert [each.place for each in schedule.due(now - HOUR)] == [Place(0, 0)]
