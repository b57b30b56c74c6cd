"""What all tables are made of."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Dialect,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlmodel import Field, SQLModel

KEYS_SCHEMA = "doorstep_keys"
"""Where Postgres keeps the person keys; SQLite has a file of its own for them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 UTC. Raises ValueError for a naive one."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """What goes into the database."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """What comes out of it."""
        return None if value is None else moment(value)


def micros(value: datetime) -> int:
    """Microseconds since 1970 UTC. Raises ValueError for a datetime without a time zone."""
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone: pass an aware datetime")
    return (value - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """The aware UTC datetime of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


class Row(SQLModel):
    """What all tables share: names of constraints that are the same on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_by_%(column_0_N_name)s",
            "uq": "%(table_name)s_one_%(column_0_N_name)s",
            "fk": "%(table_name)s_%(column_0_name)s",
            "pk": "%(table_name)s_key",
        }
    )


# SQLite numbers rows by itself only where the column is called exactly INTEGER.
ID = BigInteger().with_variant(Integer(), "sqlite")


def identity() -> Any:
    """The number of a row, which the database gives."""
    return Field(default=None, primary_key=True, sa_type=ID)


def at(**options: Any) -> Any:
    """A moment."""
    return Field(sa_type=Moment, **options)


def of(target: str, **options: Any) -> Any:
    """The number of a row elsewhere."""
    return Field(sa_type=BigInteger, foreign_key=target, **options)


def number(**options: Any) -> Any:
    """A whole number of up to 64 bits."""
    return Field(sa_type=BigInteger, **options)


def words(**options: Any) -> Any:
    """A text; empty where there is none."""
    return Field(default="", sa_type=Text, **options)


def when(condition: str) -> dict[str, Any]:
    """What makes an index hold only rows of which this is true."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def table(model: type[Row]) -> Table:
    """The table of a model."""
    made: Table = model.__table__  # type: ignore[attr-defined]
    return made
