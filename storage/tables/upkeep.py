"""What the bot keeps for itself: what happened, what it did when, and which process does what."""

from datetime import date, datetime

from sqlalchemy import Index, Text
from sqlmodel import Field

from storage.tables import columns


class LedgerRow(columns.Row, table=True):
    """What happened, for ever. Nothing personal: `person_id` is a number that means nothing once they are forgotten."""

    __tablename__ = "ledger"
    __table_args__ = (Index("ledger_by_what", "what", "at"), Index("ledger_by_person_id", "person_id", "id"))
    id: int | None = columns.identity()
    person_id: int | None = columns.number(default=None)
    what: str = columns.words()
    at: datetime = columns.at()
    flow: str = columns.words()
    subject: str = columns.words()
    detail: str = columns.words()


class JobRow(columns.Row, table=True):
    """A daily job that was begun on this day, by one process."""

    __tablename__ = "jobs"
    name: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)
    done_at: datetime | None = columns.at(default=None)


class LibraryRow(columns.Row, table=True):
    """One version of the flow files: JSON {relative path: text}. The digest is SHA-256, in hexadecimal."""

    __tablename__ = "libraries"
    id: int | None = columns.identity()
    digest: str = columns.words(unique=True)
    created_at: datetime = columns.at()
    files: str = columns.words()


class SettingRow(columns.Row, table=True):
    """What the processes agree on: the library in force, and what tells a wrong key file."""

    __tablename__ = "settings"
    key: str = Field(primary_key=True, sa_type=Text)
    value: str = columns.words()


class LeaseRow(columns.Row, table=True):
    """Who alone polls and sends for an account; `fence` grows with each holder."""

    __tablename__ = "leases"
    name: str = Field(primary_key=True, sa_type=Text)
    holder: str = columns.words()
    fence: int = columns.number()
    since: datetime = columns.at()


LEDGER = columns.table(LedgerRow)
JOBS = columns.table(JobRow)
LIBRARIES = columns.table(LibraryRow)
SETTINGS = columns.table(SettingRow)
LEASES = columns.table(LeaseRow)
