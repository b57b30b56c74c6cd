"""The audit trail: who looked at people's data or decided about them. Lines are only ever added."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import AUDIT, moment

_A = AUDIT.c

COORDINATOR, ORGANIZER = "coordinator", "organizer"
"""Who works at a desk, and who has the machine's command line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    role     COORDINATOR or ORGANIZER
    by       as their desk calls them, or the machine: a name that they gave themselves, where they are not known
    what     like "looked at the buddies", or a card's kind and the button: "human: reply"
    subject  what it is about, like "card:12" or "person:3", or ""
    """

    at: datetime
    role: str
    by: str
    what: str
    subject: str


_ADD = Statement(
    lambda insert: insert(AUDIT).values(
        who=given("who"), what=given("what"), subject=given("subject"), at=given("at")
    ),
    "who", "what", "subject", "at",
)  # fmt: skip
_NEWEST = Statement(
    select(_A.at, _A.who, _A.what, _A.subject).order_by(_A.id.desc()).limit(given("most")).offset(constant(0)), "most"
)


class Audit:
    """The audit trail, in one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, role: str, by: str, what: str, subject: str = "") -> None:
        """One more line. No name but the coordinator's own goes here, for it outlives *forget me*."""
        await self._session.change(_ADD, f"{role}:{by}", what, subject, self._session.now_micros)

    async def newest(self, limit: int) -> list[Entry]:
        """The latest lines, newest first."""
        rows = await self._session.rows(_NEWEST, limit)
        return [
            Entry(moment(at), who.partition(":")[0], who.partition(":")[2], what, subject)
            for at, who, what, subject in rows
        ]
