"""Deleting message bodies that are old enough, a slice at a time."""

from itertools import takewhile

from sqlalchemy import Column, Table, null, select, update

from storage.session import Session
from storage.settings import Settings
from storage.statements import Statement, constant, given


class Bodies:
    """The bodies of one table, whose rows are numbered in the order they were made.

    A mark in `settings` remembers how far they are deleted: no index is kept up to date in every turn for this.
    """

    def __init__(self, table: Table, made_at: Column[int]) -> None:
        number = table.c.id
        self._mark = f"{table.name} bodies deleted to"
        self._next = Statement(
            select(number, made_at)
            .where(number > given("after"))
            .order_by(number)
            .limit(given("most"))
            .offset(constant(0)),
            "after",
            "most",
        )
        self._empty = Statement(
            update(table).where(number > given("after"), number <= given("last")).values(sealed=null()), "after", "last"
        )

    async def delete(self, session: Session, before: int, limit: int) -> int:
        """Empties the next rows made before then; how many they were."""
        settings = Settings(session)
        after = int(await settings.get(self._mark) or 0)
        rows = await session.rows(self._next, after, limit)
        old = list(takewhile(lambda row: row[1] < before, rows))
        if old:
            await session.change(self._empty, after, old[-1][0])
            await settings.set(self._mark, str(old[-1][0]))
        return len(old)
