"""When a flow that begins by itself is due: pure, and the same for every zone and every night the clocks change.

A moment lies some calendar days, and then some hours and minutes, before or after something that happens. Days are
those of the zone in which it happens: the day before 10:00 is 10:00, however long that day was. Where that time is
skipped the clocks' gap is added to it, where it comes twice the first is meant. Hours and minutes are real ones.

Nothing is written ahead. Whoever asks remembers, under flow, subject, person and `occurrence`, what has begun.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, Protocol, TypeVar

from flows.model import Flow, Moment
from flows.times import zone

LOOK_BACK = timedelta(days=14)
"""How long a moment without `until` may begin after it fell due, and how long one that was missed can be reported."""

SLACK = timedelta(hours=26)
"""More than any calendar days differ from as many times 24 hours: a whole day was skipped once, where a country
changed sides of the date line."""

COLUMNS = {"action.start": "starts_at", "action.end": "ends_at"}
"""Which time of an action each of these moments counts from. All others are known from the ledger."""


class Timed(Protocol):
    """What is asked of an action: its times (aware), and the IANA name of its zone."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def zone(self) -> str: ...


A = TypeVar("A", bound=Timed)


class Reminder(NamedTuple, Generic[A]):
    """A flow that an action begins, for those its moment is for.

    occurrence  tells this time from another one, should the action be moved
    due_at, until_at  the first and the last moment at which it may begin (aware UTC)
    """

    flow: Flow
    action: A
    occurrence: str
    due_at: datetime
    until_at: datetime


def due_at(moment: Moment, happened_at: datetime, zone_name: str) -> datetime:
    """When (aware UTC) this moment is due, for something that happens at `happened_at` (aware) in this zone."""
    at = happened_at.astimezone(UTC)
    if moment.days:
        local = happened_at.astimezone(zone(zone_name)) + timedelta(days=moment.days)
        at = local.replace(fold=0).astimezone(UTC)
    return at + moment.offset


def until_at(moment: Moment, happened_at: datetime, zone_name: str) -> datetime:
    """The last moment (aware UTC) at which it still makes sense to begin; never before it is due.

    Without `until`: what should come before something comes before it or not at all, and what comes after it may be
    late by `LOOK_BACK`.
    """
    due = due_at(moment, happened_at, zone_name)
    return max(due, happened_at.astimezone(UTC) + _until(moment))


def occurrence(moment: Moment, happened_at: datetime, zone_name: str) -> str:
    """Which time of something moved this is: the local day for moments that count days, else the minute.

    Moved by an hour, nobody is told twice "it is tomorrow"; but "it is in two hours" is said again, for it is news.
    """
    if moment.days:
        return happened_at.astimezone(zone(zone_name)).date().isoformat()
    return f"{happened_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def action_window(moment: Moment, now: datetime) -> tuple[datetime, datetime]:
    """Since and until when something must happen (both included) for its moment to be due now; a little more."""
    return now - max(_until(moment), _length(moment)) - SLACK, now - _length(moment) + SLACK


def late_window(moment: Moment, now: datetime) -> tuple[datetime, datetime]:
    """The same for moments that are past their `until`, and not for longer than `LOOK_BACK`."""
    end = max(_until(moment), _length(moment))
    return now - end - LOOK_BACK - SLACK, now - end + SLACK


def due(flows: Iterable[Flow], actions: Iterable[A], now: datetime) -> list[Reminder[A]]:
    """What these actions begin now, the longest due first. Who has begun it already is the caller's to know."""
    return [each for each in _reminders(flows, actions) if each.due_at <= now <= each.until_at]


def late(flows: Iterable[Flow], actions: Iterable[A], now: datetime) -> list[Reminder[A]]:
    """What these actions should have begun, and no longer makes sense: for those it was for when it still did, and
    who did not get it, it is to be reported and never sent."""
    return [each for each in _reminders(flows, actions) if each.until_at < now <= each.until_at + LOOK_BACK]


def _reminders(flows: Iterable[Flow], actions: Iterable[A]) -> list[Reminder[A]]:
    all_actions = list(actions)
    found: list[Reminder[A]] = []
    for flow in flows:
        moment = flow.starts.moment
        if moment is None or moment.happening not in COLUMNS:
            continue
        for action in all_actions:
            at: datetime = getattr(action, COLUMNS[moment.happening])
            place = (moment, at, action.zone)
            found.append(Reminder(flow, action, occurrence(*place), due_at(*place), until_at(*place)))
    return sorted(found, key=lambda each: each.due_at)


def _length(moment: Moment) -> timedelta:
    return timedelta(days=moment.days) + moment.offset


def _until(moment: Moment) -> timedelta:
    if moment.until is not None:
        return moment.until
    length = _length(moment)
    return timedelta(0) if length < timedelta(0) else length + LOOK_BACK
