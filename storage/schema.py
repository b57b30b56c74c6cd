"""Whether the tables are there and of this version, and making them so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, NullPool, create_engine, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError

from storage.tables import PEOPLE

_LOCK = 7203461120
"""The number of the advisory lock that lets one process migrate at a time."""

_EXPECTED = "[storage] url must be sqlite:///FILE or postgresql://…"


def parsed(url: str) -> URL:
    """The database's address for SQLAlchemy. Raises ValueError for what is neither SQLite nor Postgres."""
    try:
        address = make_url(url)
    except ArgumentError:
        raise ValueError(_EXPECTED) from None
    name = address.get_backend_name()
    if name == "sqlite" and address.database not in (None, "", ":memory:"):
        return address.set(drivername="sqlite")
    if name == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    raise ValueError(_EXPECTED)


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite database; None for Postgres."""
    address = parsed(url)
    return Path(address.database or "") if address.get_backend_name() == "sqlite" else None


@contextmanager
def connection(url: str) -> Iterator[Connection]:
    """A plain SQLAlchemy connection, in a transaction that commits on clean exit; blocking."""
    engine = create_engine(parsed(url), poolclass=NullPool)
    try:
        with engine.begin() as opened:
            yield opened
    finally:
        engine.dispose()


def holds_people(url: str) -> bool:
    """Whether anybody is in the database."""
    with connection(url) as opened:
        if not inspect(opened).has_table("people"):
            return False
        return opened.execute(select(PEOPLE.c.id).limit(1)).first() is not None


def is_empty(url: str) -> bool:
    """Whether the database was never migrated."""
    return _revision(url) is None


def needs_migration(url: str) -> bool:
    """Whether the tables are missing or of another version."""
    return _revision(url) != ScriptDirectory.from_config(_config()).get_current_head()


def migrate(url: str) -> None:
    """Brings the tables to this version, in one transaction."""
    with connection(url) as opened:
        if opened.dialect.name == "postgresql":
            opened.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config = _config()
        config.attributes["connection"] = opened
        command.upgrade(config, "head")


def _revision(url: str) -> str | None:
    with connection(url) as opened:
        return MigrationContext.configure(opened).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
