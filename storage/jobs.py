"""Jobs that are done once a day, by whichever process comes first."""

from datetime import date

from sqlalchemy import Text, func, update

from storage.session import Session
from storage.statements import Statement, given
from storage.tables import JOBS

# As text and made a date by the database: one driver wants dates, the other can only take texts.
_day = func.date(given("day", Text()))

_BEGIN = Statement(
    # Inline, or SQLAlchemy asks for the day back, which it does not know.
    lambda insert: (
        insert(JOBS).values(name=given("job"), day=_day).on_conflict_do_nothing(index_elements=["name", "day"]).inline()
    ),
    "job",
    "day",
)
_DONE = Statement(update(JOBS).where(JOBS.c.name == given("job"), JOBS.c.day == _day).values(done_at=given("at")),
    "job", "day", "at",
)  # fmt: skip


class Jobs:
    """The daily jobs, in one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def begin(self, name: str, day: date) -> bool:
        """This process does this job of this day. False: it was begun before, here or elsewhere."""
        return await self._session.change(_BEGIN, name, day.isoformat()) == 1

    async def done(self, name: str, day: date) -> None:
        """It is done, now."""
        await self._session.change(_DONE, name, day.isoformat(), self._session.now_micros)
