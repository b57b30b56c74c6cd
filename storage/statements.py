"""Statements written once in SQLAlchemy, compiled once per database, and run by its bare driver.

SQLAlchemy's own execution costs several times what the database does; the turn cannot afford it.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Dialect, Executable, Select, Table, bindparam, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.visitors import iterate

Build = Callable[[Any], Executable]
"""Builds a statement from the database's own `insert`, which knows ON CONFLICT."""


class Compiled(NamedTuple):
    """`arrange` turns the arguments as they are passed into those the text wants; None: they are the same."""

    text: str
    arrange: Callable[[Sequence[Any]], Sequence[Any]] | None


class Statement:
    """One statement; `names` are its parameters, in the order in which callers pass them.

    locks        tables whose rows a query locks on Postgres; SQLite has one writer and needs no locks
    skip_locked  rows that are locked already are passed over
    """

    def __init__(
        self, what: Executable | Build, *names: str, locks: Sequence[Table] = (), skip_locked: bool = False
    ) -> None:
        self._what = what
        self._names = names
        self._locks = locks
        self._skip_locked = skip_locked

    @cached_property
    def reads(self) -> frozenset[Table] | None:
        """The tables that a query reads, where it changes and locks nothing; else None."""
        if not isinstance(self._what, Select) or self._locks:
            return None
        return frozenset(each for each in iterate(self._what) if isinstance(each, Table))

    @cached_property
    def sqlite(self) -> Compiled:
        """For `sqlite3`."""
        return self._compiled(sqlite.dialect(paramstyle="qmark"), sqlite.insert)

    @cached_property
    def postgres(self) -> Compiled:
        """For asyncpg, in a transaction that may write."""
        if not self._locks:
            return self.postgres_unlocked
        assert isinstance(self._what, Select)
        # Not the stronger FOR UPDATE: rows that other people's turns insert for this person must not wait for it.
        locking = self._what.with_for_update(key_share=True, of=self._locks, skip_locked=self._skip_locked)
        return Statement(locking, *self._names).postgres_unlocked

    @cached_property
    def postgres_unlocked(self) -> Compiled:
        """For asyncpg, in a transaction that only reads."""
        return self._compiled(asyncpg.dialect(), postgresql.insert)  # type: ignore[no-untyped-call]

    def _compiled(self, dialect: Dialect, insert: Any) -> Compiled:
        what = self._what if isinstance(self._what, Executable) else self._what(insert)
        compiled: Any = what.compile(  # type: ignore[attr-defined]
            dialect=dialect, compile_kwargs={"render_postcompile": True}
        )
        wanted = list(compiled.positiontup)
        if set(wanted) != set(self._names):
            raise TypeError(f"parameters are {wanted}, named were {list(self._names)}: {compiled}")
        if wanted == list(self._names):
            return Compiled(str(compiled), None)
        places = [self._names.index(name) for name in wanted]
        return Compiled(str(compiled), itemgetter(*places))


def given(name: str, like: Any = None) -> BindParameter[Any]:
    """A parameter; `like` is the type it has where its place does not tell."""
    return bindparam(name, None, type_=like, required=False)


def constant(value: str | int) -> BindParameter[Any]:
    """A value written into the text, so that partial indexes are seen to fit.

    `offset(constant(0))` stands beside every limit because SQLAlchemy adds a parameter of its own for SQLite else.
    """
    return literal(value, literal_execute=True)
