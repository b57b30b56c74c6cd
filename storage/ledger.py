"""The ledger: what happened, for ever. The funnel is counted from it."""

from datetime import datetime

from sqlalchemy import distinct, func, select

from storage.session import Session
from storage.statements import Statement, given
from storage.tables import LEDGER, micros

_L = LEDGER.c

_ADD = Statement(
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


class Ledger:
    """The ledger, in one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, person_id: int | None, what: str, flow: str = "", subject: str = "", detail: str = "") -> None:
        """One more line. Nothing personal goes here: it outlives *forget me*."""
        await self._session.change(_ADD, person_id, what, self._session.now_micros, flow, subject, detail)

    async def counts(self, since: datetime, until: datetime) -> dict[str, tuple[int, int]]:
        """By what happened from `since` until just before `until`: how often, and to how many people."""
        rows = await self._session.rows(_COUNTS, micros(since), micros(until))
        return {what: (lines, people) for what, lines, people in rows}
