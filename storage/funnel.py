"""The funnel: how many people came how far from online to offline, and how many connections came of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, distinct, exists, func, or_, select

from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import ADDRESSES, LEDGER, PAIRS, PEOPLE, micros, moment

MET = "pair.met"

_L, _P = LEDGER.c, PEOPLE.c
_SPAN = ("since", "until")


def _ledger(what: str) -> Select[Any]:
    """When this first happened to each person."""
    first = func.min(_L.at).label("at")
    return select(first).where(_L.what == constant(what), _L.person_id.is_not(None)).group_by(_L.person_id)


def _pairs(column: str) -> Select[Any]:
    """When each supporter first came so far with somebody: buddies are not counted, for they did not come for that."""
    first = func.min(PAIRS.c[column]).label("at")
    return select(first).where(PAIRS.c[column].is_not(None)).group_by(PAIRS.c.supporter_id)


def _again() -> Select[Any]:
    """When each supporter who met somebody met for the second time: the same one, another, or a newcomer of theirs."""
    turn = func.row_number().over(partition_by=_L.person_id, order_by=(_L.at, _L.id))
    met = exists(
        select(constant(1))
        .select_from(PAIRS)
        .where(PAIRS.c.supporter_id == _L.person_id, PAIRS.c.met_at.is_not(None))
        .correlate(LEDGER)
    )
    meetings = select(_L.at.label("at"), turn.label("turn")).where(_L.what == constant(MET), met).subquery()
    return select(meetings.c.at).where(meetings.c.turn == constant(2))


def _counted(firsts: Select[Any]) -> Statement:
    within = firsts.subquery()
    return Statement(
        select(func.count())
        .select_from(within)
        .where(within.c.at >= given("since"), within.c.at < given("until")),
        *_SPAN,
    )  # fmt: skip


STEPS: Mapping[str, Statement] = {
    "wrote_first": _counted(_ledger("wrote first")),
    "asked_for_a_buddy": _counted(_ledger("asked for a buddy")),
    "offered": _counted(_pairs("offered_at")),
    "introduced": _counted(_pairs("introduced_at")),
    "signed_up": _counted(_ledger("signup.made")),
    "came": _counted(_ledger("checkin.made")),
    "met": _counted(_pairs("met_at")),
    "met_again": _counted(_again()),
}
"""The steps in their order, by name."""

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
    .select_from(PEOPLE.join(ADDRESSES, ADDRESSES.c.person_id == _P.id))
    .where(
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
