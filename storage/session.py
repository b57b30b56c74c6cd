"""What a transaction needs of a database, and no more: run a statement, keep a person's key."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Table

from storage.statements import Statement

Arguments = Sequence[Any]


class Session(Protocol):
    """One connection in one transaction. Moments go in and come out as microseconds.

    now         when this transaction began: aware UTC
    now_micros  the same, as it is stored
    """

    now: datetime
    now_micros: int

    async def rows(self, statement: Statement, *arguments: Any) -> Sequence[Sequence[Any]]:
        """All rows of a query."""
        ...

    async def row(self, statement: Statement, *arguments: Any) -> Sequence[Any] | None:
        """The first row of a query, or of an insert's RETURNING."""
        ...

    async def change(self, statement: Statement, *arguments: Any) -> int:
        """Runs an insert, update or delete; how many rows it touched."""
        ...

    async def change_many(self, statement: Statement, many: Sequence[Arguments]) -> None:
        """The same statement for each of these."""
        ...

    async def numbers(self, table: Table, many: int) -> Sequence[int]:
        """So many numbers that no row of this table has, for rows of this transaction; each is given once."""
        ...

    async def later(
        self, statement: Statement, *arguments: Any, otherwise: type[Exception] | None = None, about: str = ""
    ) -> None:
        """Like `change`, at the latest before the next query or the commit: nobody waits for each of several.

        Where it touched no row, `otherwise(about)` is raised, here or wherever it was run.
        """
        ...

    async def wrapped_key(self, person_id: int) -> bytes | None:
        """A person's wrapped key; None when it was destroyed."""
        ...

    async def wrapped_keys(self, people: Sequence[int]) -> Sequence[tuple[int, bytes]]:
        """The wrapped keys of these people, as far as they have one."""
        ...

    async def keep_key(self, person_id: int, wrapped: bytes) -> None:
        """Keeps a new person's key, at the latest when this transaction commits."""
        ...

    async def destroy_key(self, person_id: int) -> None:
        """Destroys a person's key when this transaction commits."""
        ...
