"""Destroying every person's key, so that nobody in a database can ever be read again."""

import sqlite3
from contextlib import closing
from datetime import datetime

from sqlalchemy import NullPool, create_engine, delete, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from storage import schema, sqlite
from storage.errors import NeedsMigration, StorageUnavailable
from storage.snapshot import plain
from storage.tables import KEYS_SCHEMA, PERSON_KEYS, TOMBSTONES, micros
from storage.tombstones import EVERYBODY
from storage.vault import MARK


def burn(url: str, now: datetime) -> int:
    """Destroys the person keys of a database, also while processes are on it: those stop within seconds. How many.

    Copies of the keys, and a Postgres server's own archives, are out of its reach. Broken off in between, it can be
    done again. Raises NoDatabase, NeedsMigration, StorageUnavailable.
    """
    path = schema.existing_path(url)
    try:
        if schema.needs_migration(url):
            raise NeedsMigration
        if path is None:
            return _on_postgres(url, now)
        with closing(sqlite.connect(sqlite.keys_path(path), writes=True)) as keys:
            sqlite.begin(keys)
            many = keys.execute("DELETE FROM person_keys WHERE person_id <> ?", (MARK,)).rowcount
            keys.execute("DELETE FROM person_keys")
            keys.execute("COMMIT")
            keys.execute("VACUUM")
            keys.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with schema.connection(url) as opened:
            opened.execute(insert(plain(TOMBSTONES)).values(_mark(now)))
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise StorageUnavailable(str(error)) from error
    return many


def _on_postgres(url: str, now: datetime) -> int:
    with schema.connection(url) as opened:
        people = select(func.count()).select_from(PERSON_KEYS).where(PERSON_KEYS.c.person_id != MARK)
        many = opened.execute(people).scalar_one()
        opened.execute(delete(PERSON_KEYS))
        opened.execute(insert(plain(TOMBSTONES)).values(_mark(now)))
    engine = create_engine(schema.parsed(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with closing(engine.connect()) as opened:
        # Or the deleted rows would stay in the table's file until their place is wanted.
        opened.execute(text(f"VACUUM FULL {KEYS_SCHEMA}.person_keys"))
    return int(many)


def _mark(now: datetime) -> dict[str, object]:
    at = micros(now)
    return {"person_id": EVERYBODY, "channel": "", "account": "", "blind": b"", "at": at, "made_at": at}
