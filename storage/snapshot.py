"""Reading a whole database as it is at one moment, by the numbers and texts that are stored."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import BigInteger, Connection, NullPool, Table, TableClause, column, create_engine, table
from sqlalchemy.exc import SQLAlchemyError

from storage import schema, sqlite
from storage.errors import NeedsMigration, StorageUnavailable
from storage.tables import Moment

SLICE = 500
"""How many rows are fetched or written at once."""


def plain(original: Table) -> TableClause:
    """The same table with moments as the numbers they are stored as."""
    kinds = {each.name: BigInteger() if isinstance(each.type, Moment) else each.type for each in original.columns}
    return table(original.name, *(column(name, kind) for name, kind in kinds.items()), schema=original.schema)


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """A connection that sees one moment of a database of this version, and delays nobody."""
    path = schema.existing_path(url)
    try:
        if path is None:
            engine = create_engine(schema.parsed(url), poolclass=NullPool, isolation_level="REPEATABLE READ")
        else:
            engine = create_engine("sqlite://", creator=lambda: sqlite.connect(path, writes=False), poolclass=NullPool)
        if schema.needs_migration(url):
            raise NeedsMigration
        with engine.connect() as connection:
            if path is not None:
                connection.exec_driver_sql("BEGIN")
            yield connection.execution_options(yield_per=SLICE)
            connection.rollback()
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise StorageUnavailable(str(error)) from error
