"""Postgres: one connection in one transaction. The keys are in a schema of their own, in the same transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Table, delete, exists, func, select

from storage.errors import OldKeyFile
from storage.merging import Part, fits, merged
from storage.session import Arguments
from storage.statements import Statement, constant, given
from storage.tables import PERSON_KEYS, micros
from storage.vault import MARK, generation

_NUMBERS = "SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2)"

_KEYS = PERSON_KEYS.c
_KEY = Statement(select(_KEYS.wrapped).where(_KEYS.person_id == given("person")), "person")
_KEYS_OF = Statement(
    select(_KEYS.person_id, _KEYS.wrapped).where(_KEYS.person_id == func.any(given("people", ARRAY(BigInteger)))),
    "people",
)
_MARK = PERSON_KEYS.alias("mark").c
# The database itself refuses what was wrapped by a key that is in force no more, by whoever was frozen meanwhile.
_in_force = ~exists().where(_MARK.person_id == constant(MARK), _MARK.wrapped > given("generation", _KEYS.wrapped.type))
_row = given("person", _KEYS.person_id.type), given("wrapped", _KEYS.wrapped.type), given("at", BigInteger)
_COLUMNS = ["person_id", "wrapped", "created_at"]
_KEEP = Statement(
    lambda insert: insert(PERSON_KEYS).from_select(_COLUMNS, select(*_row).where(_in_force)),
    "person", "wrapped", "at", "generation",
)  # fmt: skip
_DESTROY = Statement(delete(PERSON_KEYS).where(_KEYS.person_id == given("person")), "person")


class PostgresSession:
    """A session on Postgres. The keys are in a schema of their own, in the same transaction."""

    def __init__(self, connection: Any, *, writes: bool) -> None:
        self.now: datetime
        self.now_micros = 0
        self.destroyed: list[int] = []
        self._connection = connection
        self._writes = writes
        self._later: list[Part] = []

    def begin(self, now: datetime) -> None:
        """Another work begins."""
        self.now = now
        self.now_micros = micros(now)
        self.destroyed = []

    async def rows(self, statement: Statement, *arguments: Any) -> Sequence[Sequence[Any]]:
        await self.flush()
        found: Sequence[Sequence[Any]] = await self._connection.fetch(*self._call(statement, arguments))
        return found

    async def row(self, statement: Statement, *arguments: Any) -> Sequence[Any] | None:
        await self.flush()
        found: Sequence[Any] | None = await self._connection.fetchrow(*self._call(statement, arguments))
        return found

    async def change(self, statement: Statement, *arguments: Any) -> int:
        await self.flush()
        said: str = await self._connection.execute(*self._call(statement, arguments))
        return int(said.rpartition(" ")[2])

    async def change_many(self, statement: Statement, many: Sequence[Arguments]) -> None:
        if len(many) == 1:
            await self.later(statement, *many[0])
        else:
            await self.flush()
            text, arrange = statement.postgres
            await self._connection.executemany(text, [arrange(each) for each in many] if arrange else many)

    async def later(
        self, statement: Statement, *arguments: Any, otherwise: type[Exception] | None = None, about: str = ""
    ) -> None:
        text, arrange = statement.postgres
        part = Part(text, arrange(arguments) if arrange else arguments, otherwise, about)
        if not fits(self._later, part):
            await self.flush()
        self._later.append(part)

    async def flush(self) -> None:
        """Runs what was to be run later, in one round trip."""
        if self._later:
            parts, self._later = self._later, []
            text, arguments = merged(parts)
            touched = await self._connection.fetchrow(text, *arguments)
            for part, count in zip(parts, touched, strict=True):
                if not count and part.otherwise is not None:
                    raise part.otherwise(part.about)

    async def numbers(self, table: Table, many: int) -> Sequence[int]:
        await self.flush()
        return [row[0] for row in await self._connection.fetch(_NUMBERS, table.name, many)]

    async def wrapped_key(self, person_id: int) -> bytes | None:
        row = await self.row(_KEY, person_id)
        return None if row is None else row[0]

    async def wrapped_keys(self, people: Sequence[int]) -> Sequence[tuple[int, bytes]]:
        return [(person_id, wrapped) for person_id, wrapped in await self.rows(_KEYS_OF, people)]

    async def keep_key(self, person_id: int, wrapped: bytes) -> None:
        if not await self.change(_KEEP, person_id, wrapped, self.now_micros, generation(wrapped)):
            raise OldKeyFile

    async def destroy_key(self, person_id: int) -> None:
        await self.change(_DESTROY, person_id)
        self.destroyed.append(person_id)

    def _call(self, statement: Statement, arguments: Arguments) -> tuple[Any, ...]:
        text, arrange = statement.postgres if self._writes else statement.postgres_unlocked
        return (text, *(arrange(arguments) if arrange else arguments))
