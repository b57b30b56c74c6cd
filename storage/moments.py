"""Moments: for whom a flow begins by itself, and that it begins once."""

from datetime import datetime

from sqlalchemy import ColumnElement, Select, Text, and_, cast, exists, func, or_, select, update

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
_NEVER = 2**62
"""As microseconds: later than any `quiet_until` or `reminded_until`."""

_awake = and_(
    or_(_P.quiet_until.is_(None), _P.quiet_until <= given("awake", _P.quiet_until.type)),
    or_(_P.reminded_until.is_(None), _P.reminded_until <= given("free", _P.reminded_until.type)),
)
_happened = (
    select(_L.person_id, _L.subject, _L.id, _L.at)
    .select_from(LEDGER.join(PEOPLE, _P.id == _L.person_id))
    .where(
        _L.what == given("happening"), _L.at >= given("since"), _L.at <= given("until"),
        _P.status == constant(ACTIVE), _awake, ~_begun_since,
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
    role: Statement(happened, "happening", "flow", "since", "until", "awake", "free", "most")
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
        .where(
            action == given("action"), person > given("after"), _P.status == constant(ACTIVE), _awake, ~begun
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


_will_come = (_S.kind == constant(YES), _S.state == constant(GOING))
_CONCERNED = {
    "signed_up": _signed(*_will_come),
    "maybe": _signed(_S.kind == constant(MAYBE)),
    "attended": _signed(_S.checked_in_at.is_not(None)),
    "missed": _signed(*_will_come, _S.checked_in_at.is_(None)),
    "host": _concerned(select(_A.host_id).select_from(ACTIONS).where(_A.created_at <= given("by")), _A.host_id, _A.id),
}


_QUIET = Statement(
    update(PEOPLE).where(_P.id == given("person")).values(quiet_until=given("new_until")), "person", "new_until"
)
_REMINDED = Statement(
    update(PEOPLE).where(_P.id == given("person")).values(reminded_until=given("new_until")), "person", "new_until"
)
_REMINDERS = Statement(
    select(_L.at)
    .where(_L.person_id == given("person"), _L.what == constant("reminded"), _L.at >= given("since"))
    .order_by(_L.at),
    "person",
    "since",
)
_NEWEST = Statement(
    select(func.max(_L.id)).where(
        _L.person_id == given("person"), _L.what == given("happening"), _L.subject == given("subject")
    ),
    "person",
    "happening",
    "subject",
)

FOR_ACTIONS = frozenset(_CONCERNED)
"""For whom a moment of an action can be."""


class Moments:
    """The moments, in one transaction. Only people who may be written to are named: who has stopped is not."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def begin(self, flow: str, subject: str, person_id: int, occurrence: str) -> bool:
        """A flow begins for this person, about this subject. False: this very occurrence has begun it before."""
        return await self._session.change(_BEGIN, flow, subject, person_id, occurrence, self._session.now_micros) == 1

    async def happened(
        self, happening: str, flow: str, since: datetime, until: datetime, limit: int, role: str = "",
        *, quiet_too: bool = True, reminded_too: bool = True,
    ) -> list[tuple[int, str, int, datetime]]:  # fmt: skip
        """(person, subject, line, when) of the ledger's lines of this happening in this span, its ends included, that
        have not begun the flow (`occurrence` is the line's number, as text); the oldest first.

        `role` "supporter" or "buddy": only of who is that in the pair it is about. Raises KeyError for any other word.
        Unless `quiet_too`, without those who are in their quiet hours; unless `reminded_too`, without those who are to
        have no reminder now (`quiet`, `rest`).
        """
        marks = self._marks(quiet_too, reminded_too)
        rows = await self._session.rows(_HAPPENED[role], happening, flow, micros(since), micros(until), *marks, limit)
        return [(person_id, subject, line, moment(at)) for person_id, subject, line, at in rows]

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

        `by`: only those who were so by then. `awake`: only those who can be reminded now (`quiet`, `rest`). Raises
        KeyError for any other word.
        """
        until = self._session.now_micros if by is None else micros(by)
        marks = self._marks(not awake, not awake)
        rows = await self._session.rows(
            _CONCERNED[who], action_id, flow, f"action:{action_id}", occurrence, until, after, *marks, limit
        )  # fmt: skip
        return [row[0] for row in rows]

    async def quiet(self, person_id: int, until: datetime) -> None:
        """Their quiet hours last until then: nothing that begins by itself is looked at before."""
        await self._session.change(_QUIET, person_id, micros(until))

    async def rest(self, person_id: int, until: datetime) -> None:
        """They have had a reminder, or enough of them: none is looked at before then."""
        await self._session.change(_REMINDED, person_id, micros(until))

    async def reminders(self, person_id: int, since: datetime) -> list[datetime]:
        """When they had reminders from then on, the first first."""
        return [moment(at) for (at,) in await self._session.rows(_REMINDERS, person_id, micros(since))]

    async def newest(self, person_id: int, happening: str, subject: str) -> int:
        """The newest line of the ledger on which this happened to them about this; 0 where there is none."""
        row = await self._session.row(_NEWEST, person_id, happening, subject)
        return int(row[0] or 0) if row else 0

    def _marks(self, quiet_too: bool, reminded_too: bool) -> tuple[int, int]:
        now = self._session.now_micros
        return _NEVER if quiet_too else now, _NEVER if reminded_too else now
