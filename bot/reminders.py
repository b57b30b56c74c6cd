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

NEARBY = "nearby"
"""Whom a moment is for that invites: those to whom the action is nothing yet."""

_COLUMNS = {"action.start": "starts_at", "action.end": "ends_at"}


class Timed(Protocol):
    """What is asked of an action: its times (aware), and the IANA name of its zone."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def published_at(self) -> datetime | None: ...
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

    def is_due(self, now: datetime) -> bool:
        """Whether it begins now. Who has begun it already is the caller's to know."""
        return self.due_at <= now <= self.until_at

    def is_late(self, now: datetime) -> bool:
        """Whether it should have begun, and no longer makes sense: for those it was for when it still did, and who did
        not get it, it is to be reported and never sent."""
        return self.until_at < now <= self.until_at + LOOK_BACK


def column(moment: Moment) -> str | None:
    """Which time of an action this moment counts from; None: it is known from the ledger.

    Publishing is news to the host by the ledger; for those nearby it is a time of the action, as its beginning is.
    """
    if moment.happening == "action.published" and moment.who == NEARBY:
        return "published_at"
    return _COLUMNS.get(moment.happening)


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


def window(moment: Moment, now: datetime, ahead: timedelta = timedelta(0)) -> tuple[datetime, datetime]:
    """Since and until when something must happen (both included) for its moment to be due or late now, or until then;
    a little more."""
    last = max(_until(moment), _length(moment))
    return now - last - LOOK_BACK - SLACK, now + ahead - _length(moment) + SLACK


def of(flow: Flow, actions: Iterable[A]) -> list[Reminder[A]]:
    """What a flow has to do with these actions; nothing, where its moment is none of an action's times."""
    moment = flow.starts.moment
    counted = column(moment) if moment is not None else None
    if moment is None or counted is None:
        return []
    found: list[Reminder[A]] = []
    for action in actions:
        at: datetime | None = getattr(action, counted)
        if at is not None:
            place = (moment, at, action.zone)
            found.append(Reminder(flow, action, occurrence(*place), due_at(*place), until_at(*place)))
    return found


def _length(moment: Moment) -> timedelta:
    return timedelta(days=moment.days) + moment.offset


def _until(moment: Moment) -> timedelta:
    if moment.until is not None:
        return moment.until
    length = _length(moment)
    return timedelta(0) if length < timedelta(0) else length + LOOK_BACK
