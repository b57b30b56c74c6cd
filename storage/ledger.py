"""The ledger: what happened, for ever. The funnel is counted from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import distinct, func, select, update

from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import LEDGER, micros, moment

_L = LEDGER.c


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    person_id  whom it concerns; None where it is nobody's, and a number without a person once they are forgotten
    flow       the flow in which it happened, or ""
    subject    what it is about, like "pair:12" or "action:3", or ""
    """

    id: int
    person_id: int | None
    what: str
    at: datetime
    flow: str
    subject: str
    detail: str


ADD = Statement(
    lambda insert: insert(LEDGER).values(
        person_id=given("person"), what=given("what"), at=given("at"), flow=given("flow"), subject=given("subject"),
        detail=given("detail"),
    ),
    "person", "what", "at", "flow", "subject", "detail",
)  # fmt: skip
_COUNTS = Statement(
    select(_L.what, func.count(), func.count(distinct(_L.person_id)))
    .where(_L.at >= given("since"), _L.at < given("until"))
    .group_by(_L.what)
    .order_by(_L.what),
    "since",
    "until",
)
_lines = select(_L.id, _L.person_id, _L.what, _L.at, _L.flow, _L.subject, _L.detail)
_OF = Statement(_lines.where(_L.person_id == given("person")).order_by(_L.id), "person")
_FIRST = Statement(
    _lines.where(_L.person_id == given("person"), _L.what == given("what"))
    .order_by(_L.id)
    .limit(constant(1))
    .offset(constant(0)),
    "what",
    "person",
)
_NEWEST = Statement(_lines.order_by(_L.id.desc()).limit(given("most")).offset(constant(0)), "most")
_SUBJECTS = Statement(
    select(func.count(distinct(_L.subject))).where(_L.what == given("what"), _L.subject != constant("")), "what"
)
_first_times = (
    select(func.min(_L.at).label("at"))
    .where(_L.what == given("what"), _L.person_id.is_not(None))
    .group_by(_L.person_id)
    .subquery()
)
_FIRSTS = Statement(
    select(func.count())
    .select_from(_first_times)
    .where(_first_times.c.at >= given("since"), _first_times.c.at < given("until")),
    "what",
    "since",
    "until",
)
_HAND_ON = Statement(
    update(LEDGER).where(_L.person_id == given("person")).values(person_id=given("new_person")), "person", "new_person"
)
_SINCE = Statement(
    # Not `what` itself: SQLite would take its index, and read the lines of everybody to whom it happened.
    select(func.count()).where(
        _L.person_id == given("person"), func.lower(_L.what) == func.lower(given("what", _L.what.type)),
        _L.at > given("since"),
    ),
    "person", "what", "since",
)  # fmt: skip
_DETAILS = Statement(
    select(_L.detail).where(_L.what == given("what"), _L.at > given("since")).order_by(_L.id), "what", "since"
)
_REASONS = Statement(
    select(_L.detail, func.count())
    .where(_L.what == given("what"), _L.at >= given("since"), _L.at < given("until"))
    .group_by(_L.detail)
    .order_by(_L.detail),
    "what", "since", "until",
)  # fmt: skip


class Ledger:
    """The ledger, in one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, person_id: int | None, what: str, flow: str = "", subject: str = "", detail: str = "") -> None:
        """One more line. Nothing personal goes here: it outlives *forget me*."""
        await self._session.later(ADD, person_id, what, self._session.now_micros, flow, subject, detail)

    async def hand_on(self, person_id: int, to: int) -> None:
        """What happened to someone who turned out to be somebody else happened to that one: nobody is counted twice."""
        await self._session.change(_HAND_ON, person_id, to)

    async def times(self, person_id: int, what: str, since: datetime) -> int:
        """How often this happened to them after then."""
        row = await self._session.row(_SINCE, person_id, what, micros(since))
        return int(row[0]) if row else 0

    async def details(self, what: str, since: datetime) -> list[str]:
        """What was noted each time this happened after then, oldest first."""
        return [row[0] for row in await self._session.rows(_DETAILS, what, micros(since))]

    async def counts(self, since: datetime, until: datetime) -> dict[str, tuple[int, int]]:
        """By what happened from `since` until just before `until`: how often, and to how many people."""
        rows = await self._session.rows(_COUNTS, micros(since), micros(until))
        return {what: (lines, people) for what, lines, people in rows}

    async def reasons(self, what: str, since: datetime, until: datetime) -> dict[str, int]:
        """How often this happened from `since` until just before `until`, by what was noted each time."""
        rows = await self._session.rows(_REASONS, what, micros(since), micros(until))
        return {row[0]: row[1] for row in rows}

    async def of(self, person_id: int) -> list[Line]:
        """All that happened to this person, oldest first."""
        return [_line(row) for row in await self._session.rows(_OF, person_id)]

    async def first(self, what: str, person_id: int) -> Line | None:
        """When this happened to this person for the first time; None: never."""
        row = await self._session.row(_FIRST, what, person_id)
        return None if row is None else _line(row)

    async def firsts(self, whats: Iterable[str], since: datetime, until: datetime) -> dict[str, int]:
        """Of each of these: to how many people it happened for the first time ever, from `since` until just before
        `until`."""
        counted = {}
        for what in whats:
            row = await self._session.row(_FIRSTS, what, micros(since), micros(until))
            counted[what] = int(row[0]) if row else 0
        return counted

    async def subjects(self, what: str) -> int:
        """About how many different subjects this happened: "pair.met" counts the connections."""
        row = await self._session.row(_SUBJECTS, what)
        return int(row[0]) if row else 0

    async def newest(self, limit: int) -> list[Line]:
        """The latest lines of everybody, newest first."""
        return [_line(row) for row in await self._session.rows(_NEWEST, limit)]


def _line(row: Sequence[Any]) -> Line:
    id_, person_id, what, at, flow, subject, detail = row
    return Line(id_, person_id, what, moment(at), flow, subject, detail)
