"""Whether the tables are there and of this version, and making them so."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, NullPool, create_engine, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, OperationalError

from storage.errors import NewerDatabase, NoDatabase
from storage.tables import SETTINGS

_LOCK = 7203461120
"""The number of the advisory lock that lets one process migrate at a time."""

LOCKED = 1.0
"""Seconds for which a migration waits for a table that somebody reads: all turns wait behind it so long."""

_TAKEN = ("55P03", "40P01")
"""lock_not_available and deadlock_detected: postgresql.org/docs/current/errcodes-appendix.html. To load their classes
takes a tenth of a second, at each start on SQLite too."""

ROUNDS, PAUSE = 60, 2.0
"""How often it tries to get its tables, and the seconds in between, in which turns go on."""

_MIGRATIONS = Path(__file__).parent / "migrations"

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


def existing_path(url: str) -> Path | None:
    """The same of a database that is there. Raises NoDatabase where the file is missing."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise NoDatabase(str(path))
    return path


@contextmanager
def connection(url: str) -> Iterator[Connection]:
    """A plain SQLAlchemy connection, in a transaction that commits on clean exit; blocking."""
    engine = create_engine(parsed(url), poolclass=NullPool)
    try:
        with engine.begin() as opened:
            yield opened
    finally:
        engine.dispose()


def setting(url: str, key: str) -> str | None:
    """What the database itself knows under this name; None also where there is no table yet."""
    with connection(url) as opened:
        if not inspect(opened).has_table("settings"):
            return None
        return opened.execute(select(SETTINGS.c.value).where(SETTINGS.c.key == key)).scalar()


def is_empty(url: str) -> bool:
    """Whether the database was never migrated."""
    return _revision(url) is None


def needs_migration(url: str) -> bool:
    """Whether the tables are missing or of an older version. Raises NewerDatabase."""
    found = _revision(url)
    if found is not None and found > newest():
        raise NewerDatabase(f"tables {found} there, {newest()} here")
    return found != newest()


def newest() -> str:
    """The revision of the newest migration: its file's name begins with it, so that no start has to load Alembic."""
    return max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def migrate(url: str) -> None:
    """Brings the tables to this version, in one transaction.

    On Postgres turns may go on meanwhile: they wait for what is being changed, and never for long for somebody else who
    has it. Raises NewerDatabase; OperationalError where its tables never got free.
    """
    if not needs_migration(url):
        return
    for left in reversed(range(ROUNDS)):
        try:
            _migrate(url)
            break
        except OperationalError as error:
            if not left or getattr(error.orig, "sqlstate", "") not in _TAKEN:
                raise
        time.sleep(PAUSE)


def _migrate(url: str) -> None:
    from alembic import command  # half as slow to load as all the rest of a start
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with connection(url) as opened:
        if opened.dialect.name == "postgresql":
            opened.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            opened.execute(text(f"SET LOCAL lock_timeout = {int(LOCKED * 1000)}"))
        config.attributes["connection"] = opened
        command.upgrade(config, "head")


def _revision(url: str) -> str | None:
    with connection(url) as opened:
        if not inspect(opened).has_table("alembic_version"):
            return None
        return opened.execute(text("SELECT version_num FROM alembic_version")).scalar()
