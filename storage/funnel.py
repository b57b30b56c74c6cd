"""The funnel: how many people came how far from online to offline, and how many connections came of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Text, and_, case, cast, distinct, exists, func, or_, select, union_all

from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import ACTIONS, ADDRESSES, LEDGER, PAIRS, PEOPLE, micros, moment

MET, SIGNED_UP = "pair.met", "signup.made"

_L, _P = LEDGER.c, PEOPLE.c
_SPAN = ("since", "until")


def _ledger(what: str) -> Select[Any]:
    """Each person, and when this first happened to them."""
    first = func.min(_L.at).label("at")
    return (
        select(_L.person_id.label("person_id"), first)
        .where(_L.what == constant(what), _L.person_id.is_not(None))
        .group_by(_L.person_id)
    )


def _pairs(column: str) -> Select[Any]:
    """Each supporter, and when they first came so far with somebody: buddies are not counted, for they did not come
    for that."""
    first = func.min(PAIRS.c[column]).label("at")
    return (
        select(PAIRS.c.supporter_id.label("person_id"), first)
        .where(PAIRS.c[column].is_not(None))
        .group_by(PAIRS.c.supporter_id)
    )


def _introduced() -> Select[Any]:
    """Each supporter, and when they first heard of a buddy's yes: a turn of their own, after the buddy's."""
    subject = constant("pair:") + cast(PAIRS.c.id, Text)
    return (
        select(_L.person_id.label("person_id"), func.min(_L.at).label("at"))
        .select_from(PAIRS.join(LEDGER, and_(_L.person_id == PAIRS.c.supporter_id, _L.subject == subject)))
        .where(_L.what == constant("pair.introduced"))
        .group_by(_L.person_id)
    )


def _planned() -> Select[Any]:
    """Each supporter, and when they first had something ahead with a buddy they know: both are down for one action (or
    the buddy hosts it), or they have swapped contact details. What they arrange elsewhere nobody here knows."""
    mine, theirs = LEDGER.alias("mine"), LEDGER.alias("theirs")
    signed_up, since = constant(SIGNED_UP), PAIRS.c.introduced_at
    known = mine.join(PAIRS, and_(PAIRS.c.supporter_id == mine.c.person_id, mine.c.what == signed_up))
    both = known.join(theirs, and_(theirs.c.person_id == PAIRS.c.buddy_id, theirs.c.what == signed_up))
    hosted = known.join(ACTIONS, mine.c.subject == constant("action:") + cast(ACTIONS.c.id, Text))
    ways = union_all(
        select(PAIRS.c.supporter_id, _later(since, mine.c.at, theirs.c.at).label("at"))
        .select_from(both)
        .where(since.is_not(None), mine.c.subject == theirs.c.subject),
        select(PAIRS.c.supporter_id, _later(since, mine.c.at).label("at"))
        .select_from(hosted)
        .where(since.is_not(None), ACTIONS.c.host_id == PAIRS.c.buddy_id),
        select(PAIRS.c.supporter_id, _later(PAIRS.c.supporter_shared_at, PAIRS.c.buddy_shared_at).label("at"))
        .where(PAIRS.c.supporter_shared_at.is_not(None), PAIRS.c.buddy_shared_at.is_not(None)),
    ).subquery()  # fmt: skip
    return select(ways.c.supporter_id.label("person_id"), func.min(ways.c.at).label("at")).group_by(ways.c.supporter_id)


def _later(first: Any, *others: Any) -> Any:
    """The latest of these moments: the two databases have different names for it."""
    for other in others:
        first = case((first >= other, first), else_=other)
    return first


def _again() -> Select[Any]:
    """Each supporter who met somebody, and when they met for the second time: the same one, another, or a newcomer of
    theirs."""
    turn = func.row_number().over(partition_by=_L.person_id, order_by=(_L.at, _L.id))
    met = exists(
        select(constant(1))
        .select_from(PAIRS)
        .where(PAIRS.c.supporter_id == _L.person_id, PAIRS.c.met_at.is_not(None))
        .correlate(LEDGER)
    )
    meetings = (
        select(_L.person_id.label("person_id"), _L.at.label("at"), turn.label("turn"))
        .where(_L.what == constant(MET), met)
        .subquery()
    )
    return select(meetings.c.person_id, meetings.c.at).where(meetings.c.turn == constant(2))


def _counted(firsts: Select[Any]) -> Statement:
    within = firsts.subquery()
    return Statement(
        select(func.count())
        .select_from(within)
        .where(within.c.at >= given("since"), within.c.at < given("until")),
        *_SPAN,
    )  # fmt: skip


def _took(step: Select[Any], before: Select[Any]) -> Statement:
    """The median of the time between two steps of those who took both, the later one within a span."""
    now, then = step.subquery("step"), before.subquery("before")
    span = now.c.at - then.c.at
    spans = (
        select(
            span.label("span"),
            func.row_number().over(order_by=span).label("turn"),
            func.count().over().label("many"),
        )
        .select_from(now.join(then, then.c.person_id == now.c.person_id))
        .where(now.c.at >= given("since"), now.c.at < given("until"), now.c.at >= then.c.at)
        .subquery()
    )
    middle = [(spans.c.many + constant(1)) // constant(2), (spans.c.many + constant(2)) // constant(2)]
    return Statement(select(func.avg(spans.c.span)).where(or_(*(spans.c.turn == each for each in middle))), *_SPAN)


_FIRSTS: Mapping[str, Select[Any]] = {
    "wrote_first": _ledger("wrote first"),
    "asked_for_a_buddy": _ledger("asked for a buddy"),
    "offered": _pairs("offered_at"),
    "accepted": _pairs("introduced_at"),
    "introduced": _introduced(),
    "planned": _planned(),
    "signed_up": _ledger(SIGNED_UP),
    "came": _ledger("checkin.made"),
    "met": _pairs("met_at"),
    "met_again": _again(),
}

STEPS: Mapping[str, Statement] = {name: _counted(firsts) for name, firsts in _FIRSTS.items()}
"""The steps in their order, by name."""

COUNTED_FROM: Mapping[str, str] = {
    "asked_for_a_buddy": "wrote_first",
    "offered": "asked_for_a_buddy",
    "accepted": "offered",
    "introduced": "accepted",
    "planned": "introduced",
    "signed_up": "wrote_first",
    "came": "signed_up",
    "met": "introduced",
    "met_again": "met",
}
"""From which step the time that a step took is counted. Many meet without a plan, so that is not on the way to it."""

_TOOK = {name: _took(_FIRSTS[name], _FIRSTS[before]) for name, before in COUNTED_FROM.items()}

_CONNECTIONS = _counted(
    select(func.min(_L.at).label("at"))
    .where(_L.what == constant(MET), _L.subject != constant(""))
    .group_by(_L.subject)
)  # fmt: skip
_WAITING = Statement(
    select(func.count())
    .select_from(PEOPLE)
    .where(_P.waiting_since.is_not(None), _P.status == constant("active"))
)  # fmt: skip
_WAITING_SINCE = Statement(
    select(func.min(_P.waiting_since)).where(_P.waiting_since.is_not(None), _P.status == constant("active"))
)
_FREE = Statement(
    select(func.count(distinct(_P.id)))
    .select_from(PEOPLE.join(ADDRESSES, and_(ADDRESSES.c.person_id == _P.id, ADDRESSES.c.preferred)))
    .where(
        ADDRESSES.c.blocked_at.is_(None),
        _P.role == constant("buddy"),
        _P.status == constant("active"),
        _P.approved_at.is_not(None),
        or_(_P.away_until.is_(None), _P.away_until <= given("now")),
        _P.load < _P.capacity,
    ),
    "now",
)


class Funnel:
    """The funnel, in one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def reached(self, since: datetime, until: datetime) -> dict[str, int]:
        """Of each of `STEPS`: how many people took it for the first time from `since` until just before `until`."""
        return {name: await self._count(step, micros(since), micros(until)) for name, step in STEPS.items()}

    async def took(self, since: datetime, until: datetime) -> dict[str, timedelta]:
        """Of each step in `COUNTED_FROM`: how long half of the people needed at most, of those who took it for the
        first time from `since` until just before `until`. A step that nobody took is absent."""
        found = {}
        for name, median in _TOOK.items():
            row = await self._session.row(median, micros(since), micros(until))
            if row is not None and row[0] is not None:
                found[name] = timedelta(microseconds=int(row[0]))
        return found

    async def connections(self, since: datetime, until: datetime) -> int:
        """How many pairs first said, both, that they met, from `since` until just before `until`."""
        return await self._count(_CONNECTIONS, micros(since), micros(until))

    async def waiting(self) -> int:
        """How many people wait for a buddy now."""
        return await self._count(_WAITING)

    async def waiting_since(self) -> datetime | None:
        """Since when whoever waits longest for a buddy does; None where nobody waits."""
        row = await self._session.row(_WAITING_SINCE)
        return None if row is None or row[0] is None else moment(row[0])

    async def free_buddies(self) -> int:
        """How many buddies could take one more newcomer now."""
        return await self._count(_FREE, self._session.now_micros)

    async def _count(self, statement: Statement, *arguments: int) -> int:
        row = await self._session.row(statement, *arguments)
        return int(row[0]) if row else 0
