import asyncio
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import Session, select

from storage import key_file, schema
from storage.errors import NeedsMigration
from storage.store import Store
from storage.tables import KEYS_SCHEMA, PersonRow, Row, micros, moment
from tests.databases import Database, Watch
from tests.storage.given import someone


@pytest.fixture
def url(database: Database, request: pytest.FixtureRequest) -> str:
    """The address of a database that was never migrated."""
    if database.path is not None:
        return f"sqlite:///{database.path.with_name('new.db')}"
    fresh: str = request.getfixturevalue("postgres").create(template="template0")
    return fresh


async def test_the_migrations_make_exactly_the_tables(url: str) -> None:
    assert await Store.needs_migration(url)
    await Store.migrate(url)
    assert not await Store.needs_migration(url)
    with schema.connection(url) as connection:
        postgres = connection.dialect.name == "postgresql"
        options = {
            "include_schemas": postgres,
            "include_name": lambda name, kind, _: kind != "schema" or name in (None, KEYS_SCHEMA),
            "include_object": lambda thing, *_: postgres or getattr(thing, "schema", None) is None,
            "compare_server_default": True,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Row.metadata) == []


async def test_opening_an_empty_database_makes_its_tables(url: str, tmp_path: Path, watch: Watch) -> None:
    store = await Store.open(url, tmp_path / "new.key", clock=watch)
    assert (await someone(store)).id == 1
    await store.close()


async def test_two_processes_may_open_an_empty_postgres_at_once(
    request: pytest.FixtureRequest, tmp_path: Path, watch: Watch
) -> None:
    url = request.getfixturevalue("postgres").create(template="template0")
    key = tmp_path / "new.key"
    key_file.create(key)
    stores = await asyncio.gather(*(Store.open(url, key, clock=watch) for _ in range(3)))
    for store in stores:
        await store.close()


async def test_an_older_postgres_asks_for_a_migration_and_an_older_sqlite_gets_it(
    database: Database, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await Store.open(database.url, database.key, clock=watch)
    await someone(store)
    await store.close()
    with schema.connection(database.url) as connection:
        connection.execute(text("DROP TABLE audit"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))

    def one_step(url: str) -> None:
        with schema.connection(url) as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": schema.newest()})

    monkeypatch.setattr(schema, "migrate", one_step)
    if database.path is None:
        with pytest.raises(NeedsMigration, match="doorstep migrate"):
            await Store.open(database.url, database.key, clock=watch)
    else:
        await (await Store.open(database.url, database.key, clock=watch)).close()
        assert not await Store.needs_migration(database.url)


async def test_the_tables_can_be_used_through_sqlmodel_with_aware_datetimes(store: Store, database: Database) -> None:
    person = await someone(store)
    with schema.connection(database.url) as connection, Session(connection) as session:
        row = session.exec(select(PersonRow)).one()
        assert (row.id, row.created_at) == (person.id, person.created_at)
        assert row.created_at.tzinfo is UTC


def test_moments_keep_their_microseconds_and_refuse_to_be_naive() -> None:
    at = datetime(1969, 7, 20, 20, 17, 40, 123457, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert moment(micros(at)) == at
    assert moment(micros(datetime.max.replace(tzinfo=UTC))) == datetime.max.replace(tzinfo=UTC)
    with pytest.raises(ValueError, match="time zone"):
        micros(datetime(2026, 3, 1))  # noqa: DTZ001 - this is what must be refused


def test_the_migrations_are_found_wherever_the_package_is_installed(tmp_path: Path) -> None:
    root = Path(schema.__file__).parents[1]
    for package in ("flows", "storage"):
        shutil.copytree(root / package, tmp_path / "installed" / package)
    script = "from storage import schema; schema.migrate('sqlite:///new.db'); print(schema.__file__)"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path))
    assert not schema.needs_migration(f"sqlite:///{elsewhere / 'new.db'}")
