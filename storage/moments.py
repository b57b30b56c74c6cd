"""Moments: for whom a flow begins by itself, and that it begins once."""

from datetime import datetime

from sqlalchemy import ColumnElement, Select, Text, cast, exists, select

from storage.pairs import BUDDY, SUPPORTER
from storage.people import ACTIVE
from storage.session import Session
from storage.signups import GOING, MAYBE, YES
from storage.statements import Statement, constant, given
from storage.tables import ACTIONS, LEDGER, PAIRS, PEOPLE, SIGNUPS, STARTED, micros, moment

_A, _L, _P, _S, _T = ACTIONS.c, LEDGER.c, PEOPLE.c, SIGNUPS.c, STARTED.c

_BEGIN = Statement(
    lambda insert: (
        insert(STARTED)
        .values(
            flow=given("flow"),
            subject=given("subject"),
            person_id=given("person"),
            occurrence=given("occurrence"),
            at=given("at"),
        )
        .on_conflict_do_nothing(index_elements=["flow", "subject", "person_id", "occurrence"])
    ),
    "flow",
    "subject",
    "person",
    "occurrence",
    "at",
)
_begun_since = exists(
    select(constant(1))
    .select_from(STARTED)
    .where(
        _T.flow == given("flow"),
        _T.subject == _L.subject,
        _T.person_id == _L.person_id,
        _T.occurrence == cast(_L.id, Text),
    )
)
_happened = (
    select(_L.person_id, _L.subject, _L.id, _L.at)
    .select_from(LEDGER.join(PEOPLE, _P.id == _L.person_id))
    .where(
        _L.what == given("happening"), _L.at >= given("since"), _L.at <= given("until"),
        _P.status == constant(ACTIVE), ~_begun_since,
    )
    .order_by(_L.at, _L.id)
    .limit(given("most")).offset(constant(0))
)  # fmt: skip


def _in_role(person: ColumnElement[int]) -> ColumnElement[bool]:
    return exists(
        select(constant(1))
        .select_from(PAIRS)
        .where(person == _L.person_id, _L.subject == constant("pair:") + cast(PAIRS.c.id, Text))
    )


_HAPPENED = {
    role: Statement(happened, "happening", "flow", "since", "until", "most")
    for role, happened in {
        "": _happened,
        SUPPORTER: _happened.where(_in_role(PAIRS.c.supporter_id)),
        BUDDY: _happened.where(_in_role(PAIRS.c.buddy_id)),
    }.items()
}


def _concerned(people: Select[tuple[int]], person: ColumnElement[int], action: ColumnElement[int]) -> Statement:
    begun = exists(
        select(constant(1))
        .select_from(STARTED)
        .where(
            _T.flow == given("flow"),
            _T.subject == given("subject"),
            _T.person_id == person,
            _T.occurrence == given("occurrence"),
        )
    )
    return Statement(
        people.join(PEOPLE, _P.id == person)
        .where(action == given("action"), _P.status == constant(ACTIVE), ~begun)
        .order_by(person)
        .limit(given("most")).offset(constant(0)),
        "action", "flow", "subject", "occurrence", "by", "most",
    )  # fmt: skip


def _signed(*conditions: ColumnElement[bool]) -> Statement:
    signups = (
        select(_S.person_id).select_from(SIGNUPS).where(_S.cancelled_at.is_(None), _S.at <= given("by"), *conditions)
    )
    return _concerned(signups, _S.person_id, _S.action_id)


_will_come = (_S.kind == constant(YES), _S.state == constant(GOING))
_CONCERNED = {
    "signed_up": _signed(*_will_come),
    "maybe": _signed(_S.kind == constant(MAYBE)),
    "attended": _signed(_S.checked_in_at.is_not(None)),
    "missed": _signed(*_will_come, _S.checked_in_at.is_(None)),
    "host": _concerned(select(_A.host_id).select_from(ACTIONS).where(_A.created_at <= given("by")), _A.host_id, _A.id),
}


class Moments:
    """The moments, in one transaction. Only people who may be written to are named: who has stopped is not."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def begin(self, flow: str, subject: str, person_id: int, occurrence: str) -> bool:
        """A flow begins for this person, about this subject. False: this very occurrence has begun it before."""
        return await self._session.change(_BEGIN, flow, subject, person_id, occurrence, self._session.now_micros) == 1

    async def happened(
        self, happening: str, flow: str, since: datetime, until: datetime, limit: int, role: str = ""
    ) -> list[tuple[int, str, int, datetime]]:
        """(person, subject, line, when) of the ledger's lines of this happening in this span, its ends included, that
        have not begun the flow (`occurrence` is the line's number, as text); the oldest first.

        `role` "supporter" or "buddy": only of who is that in the pair it is about. Raises KeyError for any other word.
        """
        rows = await self._session.rows(_HAPPENED[role], happening, flow, micros(since), micros(until), limit)
        return [(person_id, subject, line, moment(at)) for person_id, subject, line, at in rows]

    async def concerned(
        self, action_id: int, flow: str, occurrence: str, who: str, limit: int, by: datetime | None = None
    ) -> list[int]:
        """The people of an action for whom this occurrence has not begun the flow (about "action:ID").

        signed_up  have a place: neither maybe nor on the waiting list
        maybe      said that they might come
        attended   have checked in
        missed     had a place and have not checked in
        host       the host

        `by`: only those who were so by then. Raises KeyError for any other word.
        """
        until = self._session.now_micros if by is None else micros(by)
        rows = await self._session.rows(
            _CONCERNED[who], action_id, flow, f"action:{action_id}", occurrence, until, limit
        )  # fmt: skip
        return [row[0] for row in rows]
