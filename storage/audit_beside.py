"""A line in the audit trail of a database that need not open: its keys may be lost, or about to be."""

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from storage import schema
from storage.errors import NeedsMigration, StorageUnavailable
from storage.snapshot import plain
from storage.tables import AUDIT, micros


def note(url: str, now: datetime, role: str, by: str, what: str) -> None:
    """As `Audit.add`, at this moment. Raises NoDatabase, NeedsMigration, StorageUnavailable."""
    schema.existing_path(url)
    try:
        if schema.needs_migration(url):
            raise NeedsMigration
        with schema.connection(url) as opened:
            line = {"who": f"{role}:{by}", "what": what, "subject": "", "at": micros(now)}
            opened.execute(insert(plain(AUDIT)).values(line))
    except SQLAlchemyError as error:
        raise StorageUnavailable(str(error)) from error
