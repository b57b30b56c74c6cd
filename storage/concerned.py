"""Whom a moment of an action is for: those who have to do with it, and those whom it invites."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from storage.pairs import BUDDY
from storage.people import ACTIVE
from storage.session import Session
from storage.signups import GOING, MAYBE, YES
from storage.statements import Statement, constant, given
from storage.tables import ACTIONS, CONSENTS, LEDGER, PEOPLE, SIGNUPS, STARTED, micros

_A, _C, _L, _P, _S, _T = ACTIONS.c, CONSENTS.c, LEDGER.c, PEOPLE.c, SIGNUPS.c, STARTED.c

_NEVER = 2**62
"""As microseconds: later than any `quiet_until` or `reminded_until`."""

AWAKE = and_(
    or_(_P.quiet_until.is_(None), _P.quiet_until <= given("awake", _P.quiet_until.type)),
    or_(_P.reminded_until.is_(None), _P.reminded_until <= given("free", _P.reminded_until.type)),
)
"""Who can be written to by themselves now: `Concerned._marks` gives both moments."""


def unbegun(person: ColumnElement[int]) -> ColumnElement[bool]:
    return ~exists(
        select(constant(1))
        .select_from(STARTED)
        .where(
            _T.flow == given("flow"),
            _T.subject == given("subject"),
            _T.person_id == person,
            _T.occurrence == given("occurrence"),
        )
    )


def _concerned(
    people: Select[tuple[int]], person: ColumnElement[int], action: ColumnElement[int], *conditions: ColumnElement[bool]
) -> Statement:
    return Statement(
        people.join(PEOPLE, _P.id == person)
        .where(
            action == given("action"), person > given("after"), _P.status == constant(ACTIVE), AWAKE,
            unbegun(person), *conditions,
        )
        .order_by(person)
        .limit(given("most")).offset(constant(0)),
        "action", "flow", "subject", "occurrence", "by", "after", "awake", "free", "most",
    )  # fmt: skip


def _signed(*conditions: ColumnElement[bool]) -> Statement:
    signups = (
        select(_S.person_id).select_from(SIGNUPS).where(_S.cancelled_at.is_(None), _S.at <= given("by"), *conditions)
    )
    return _concerned(signups, _S.person_id, _S.action_id)


def _host(*conditions: ColumnElement[bool]) -> Statement:
    hosts = select(_A.host_id).select_from(ACTIONS).where(_A.created_at <= given("by"))
    return _concerned(hosts, _A.host_id, _A.id, *conditions)


_will_come = (_S.kind == constant(YES), _S.state == constant(GOING))
_CONCERNED = {
    "signed_up": _signed(*_will_come),
    "maybe": _signed(_S.kind == constant(MAYBE)),
    "attended": _signed(_S.checked_in_at.is_not(None)),
    "missed": _signed(*_will_come, _S.checked_in_at.is_(None)),
    "host": _host(),
    "supporter": _signed(*_will_come, _P.role != constant(BUDDY)),
    "buddy": _signed(*_will_come, _P.role == constant(BUDDY)),
    "host who is a buddy": _host(_P.role == constant(BUDDY)),
}


def _nearby(*conditions: ColumnElement[bool], named: Sequence[str] = ()) -> Statement:
    agreed = exists(
        select(constant(1))
        .select_from(CONSENTS)
        .where(_C.person_id == _P.id, _C.withdrawn_at.is_(None), _C.at <= given("by"))
    )
    has_part = exists(
        select(constant(1))
        .select_from(SIGNUPS)
        .where(_S.action_id == given("action"), _S.person_id == _P.id, _S.cancelled_at.is_(None))
    )
    hosts = exists(select(constant(1)).select_from(ACTIONS).where(_A.id == given("action"), _A.host_id == _P.id))
    return Statement(
        select(_P.id)
        .where(
            _P.id > given("after"), _P.status == constant(ACTIVE), AWAKE, *conditions, agreed, ~has_part, ~hosts,
            unbegun(_P.id),
        )
        .order_by(_P.id)
        .limit(given("most")).offset(constant(0)),
        "action", "flow", "subject", "occurrence", "by", "after", "awake", "free", "most", *named,
    )  # fmt: skip


_EVERYWHERE = _nearby()
_IN_DISTRICT = _nearby(_P.district == given("district"), named=["district"])
_first = select(func.min(_P.district).label("name")).where(_P.status == constant(ACTIVE)).cte("here", recursive=True)
_next = PEOPLE.alias("further")
_here = _first.union_all(
    # From each to the next by the index: as many steps as there are districts, however many live there.
    select(
        select(func.min(_next.c.district))
        .where(_next.c.status == constant(ACTIVE), _next.c.district > _first.c.name)
        .scalar_subquery()
    ).where(_first.c.name.is_not(None))
)
_DISTRICTS = Statement(select(_here.c.name).where(_here.c.name.is_not(None)))


class Concerned:
    """The people of a moment, in one transaction. Only who may be written to is named: who has stopped is not."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def concerned(
        self, action_id: int, flow: str, occurrence: str, who: str, limit: int, by: datetime | None = None,
        *, after: int = 0, awake: bool = False,
    ) -> list[int]:  # fmt: skip
        """The people of an action for whom this occurrence has not begun the flow (about "action:ID"), by number, from
        behind `after`.

        signed_up  have a place: neither maybe nor on the waiting list
        maybe      said that they might come
        attended   have checked in
        missed     had a place and have not checked in
        host       the host
        supporter  those of `signed_up` who are no buddies
        buddy      those of `signed_up` who are
        host who is a buddy

        `by`: only those who were so by then. `awake`: only those who can be reminded now (`quiet`, `rest`). Raises
        KeyError for any other word.
        """
        until = self._session.now_micros if by is None else micros(by)
        marks = self._marks(not awake, not awake)
        rows = await self._session.rows(
            _CONCERNED[who], action_id, flow, f"action:{action_id}", occurrence, until, after, *marks, limit
        )  # fmt: skip
        return [row[0] for row in rows]

    async def nearby(
        self, action_id: int, flow: str, occurrence: str, district: str | None, limit: int, by: datetime | None = None,
        *, after: int = 0, awake: bool = False,
    ) -> list[int]:  # fmt: skip
        """The same of those who live in a district ("": who named none; None: wherever they live), agreed to something
        and still do, and have no part in the action: neither a sign-up that stands nor as its host. `by`: only those
        who had agreed by then."""
        until = self._session.now_micros if by is None else micros(by)
        place = (
            action_id,
            flow,
            f"action:{action_id}",
            occurrence,
            until,
            after,
            *self._marks(not awake, not awake),
            limit,
        )
        if district is None:
            rows = await self._session.rows(_EVERYWHERE, *place)
        else:
            rows = await self._session.rows(_IN_DISTRICT, *place, district)
        return [row[0] for row in rows]

    async def districts(self) -> list[str]:
        """Where those live who may be written to, each district once; "" where somebody named none."""
        return [row[0] for row in await self._session.rows(_DISTRICTS)]

    def _marks(self, quiet_too: bool, reminded_too: bool) -> tuple[int, int]:
        now = self._session.now_micros
        return _NEVER if quiet_too else now, _NEVER if reminded_too else now
