"""What the processes agree on, by name."""

from sqlalchemy import select

from storage.session import Session
from storage.statements import Statement, given
from storage.tables import SETTINGS

_GET = Statement(select(SETTINGS.c.value).where(SETTINGS.c.key == given("name")), "name")
_SET = Statement(
    lambda insert: (
        insert(SETTINGS)
        .values(key=given("name"), value=given("value"))
        .on_conflict_do_update(index_elements=["key"], set_={"value": given("value", SETTINGS.c.value.type)})
    ),
    "name",
    "value",
)


class Settings:
    """The settings of one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, key: str) -> str | None:
        """The value; None where it was never set."""
        row = await self._session.row(_GET, key)
        return None if row is None else str(row[0])

    async def set(self, key: str, value: str) -> None:
        """Sets it, whatever it was."""
        await self._session.change(_SET, key, value)
