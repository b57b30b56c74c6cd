"""Moments: for whom a flow begins by itself, and that it begins once."""

from datetime import datetime

from sqlalchemy import ColumnElement, Text, cast, exists, func, select, update

from storage.actions import CHANGES
from storage.concerned import AWAKE, Concerned
from storage.pairs import BUDDY, SUPPORTER
from storage.people import ACTIVE
from storage.statements import Statement, constant, given
from storage.tables import LEDGER, PAIRS, PEOPLE, SETTINGS, STARTED, micros, moment

_L, _P, _T = LEDGER.c, PEOPLE.c, STARTED.c

BEGIN = Statement(
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
BEGUN = Statement(
    select(_T.at).where(
        _T.flow == given("flow"), _T.subject == given("subject"), _T.person_id == given("person"),
        _T.occurrence == given("occurrence"),
    ),
    "flow", "subject", "person", "occurrence",
)  # fmt: skip
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
        _P.status == constant(ACTIVE), AWAKE, ~_begun_since,
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


_STAND = Statement(
    select(
        select(SETTINGS.c.value).where(SETTINGS.c.key == constant(CHANGES)).scalar_subquery(),
        select(func.max(_L.id)).scalar_subquery(),
    )
)


QUIET = Statement(
    update(PEOPLE).where(_P.id == given("person")).values(quiet_until=given("new_until")), "person", "new_until"
)
REMINDED = Statement(
    update(PEOPLE).where(_P.id == given("person")).values(reminded_until=given("new_until")), "person", "new_until"
)
REMINDERS = Statement(
    select(_L.at)
    # Not `what` itself: SQLite would take its index, and read the reminders that everybody had.
    .where(_L.person_id == given("person"), func.lower(_L.what) == constant("reminded"), _L.at >= given("since"))
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


class Moments(Concerned):
    """The moments, in one transaction. Only people who may be written to are named: who has stopped is not."""

    __slots__ = ()

    async def stand(self) -> tuple[int, int]:
        """How often an action was made or changed, and the number of the newest line of the ledger. While both are as
        they were, nothing has happened that a moment could count from."""
        row = await self._session.row(_STAND)
        assert row is not None
        return int(row[0] or 0), row[1] or 0

    async def begin(self, flow: str, subject: str, person_id: int, occurrence: str) -> bool:
        """A flow begins for this person, about this subject. False: this very occurrence has begun it before."""
        return await self._session.change(BEGIN, flow, subject, person_id, occurrence, self._session.now_micros) == 1

    async def begun(self, flow: str, subject: str, person_id: int, occurrence: str) -> bool:
        """Whether this very occurrence has begun it before."""
        return await self._session.row(BEGUN, flow, subject, person_id, occurrence) is not None

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

    async def quiet(self, person_id: int, until: datetime) -> None:
        """Their quiet hours last until then: nothing that begins by itself is looked at before."""
        await self._session.change(QUIET, person_id, micros(until))

    async def rest(self, person_id: int, until: datetime) -> None:
        """They have had a reminder, or enough of them: none is looked at before then."""
        await self._session.change(REMINDED, person_id, micros(until))

    async def reminders(self, person_id: int, since: datetime) -> list[datetime]:
        """When they had reminders from then on, the first first."""
        return [moment(at) for (at,) in await self._session.rows(REMINDERS, person_id, micros(since))]

    async def newest(self, person_id: int, happening: str, subject: str) -> int:
        """The newest line of the ledger on which this happened to them about this; 0 where there is none."""
        row = await self._session.row(_NEWEST, person_id, happening, subject)
        return int(row[0] or 0) if row else 0
