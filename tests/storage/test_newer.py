"""A newer Doorstep migrates a Postgres while this one is on it, and the other way round."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from storage import schema
from storage.errors import NewerDatabase
from storage.store import Store, Transaction
from tests.databases import Database, Postgres, Watch
from tests.storage.given import someone
from tests.waiting import PATIENCE

NEWER = "UPDATE alembic_version SET version_num = '9999'"


def change(url: str, *statements: str) -> None:
    """What a newer version's migration does."""
    with psycopg.connect(url) as connection:
        for statement in (*statements, NEWER):
            connection.execute(statement)


async def test_a_turn_goes_on_beside_newer_tables_that_it_fits(
    postgres: Postgres, tmp_path: Path, watch: Watch
) -> None:
    url = postgres.create()
    store = await Store.open(url, tmp_path / "key", clock=watch)
    await someone(store, "1")
    assert not await store.newer()
    change(url, "ALTER TABLE people ADD COLUMN shoe_size INTEGER", "CREATE INDEX more ON people (shoe_size)")
    await someone(store, "2")
    assert await store.newer()
    await store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE people RENAME COLUMN status TO state",
        "ALTER TABLE people ADD COLUMN must INT NOT NULL DEFAULT 0; ALTER TABLE people ALTER must DROP DEFAULT",
    ],
)
async def test_a_turn_that_does_not_fit_newer_tables_is_undone_and_says_so(
    postgres: Postgres, tmp_path: Path, watch: Watch, statement: str
) -> None:
    url = postgres.create()
    store = await Store.open(url, tmp_path / "key", clock=watch)
    await someone(store, "1")
    change(url, *statement.split("; "))
    with pytest.raises(NewerDatabase):
        await someone(store, "2")
    with pytest.raises(NewerDatabase):
        await store.newer()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM people").fetchone() == (1,)
    await store.close()


async def test_a_newer_database_is_neither_opened_nor_migrated(database: Database, watch: Watch) -> None:
    await (await Store.open(database.url, database.key, clock=watch)).close()
    with schema.connection(database.url) as connection:
        connection.exec_driver_sql(NEWER)
    with pytest.raises(NewerDatabase, match="newer Doorstep"):
        await Store.open(database.url, database.key, clock=watch)
    with pytest.raises(NewerDatabase):
        await Store.migrate(database.url)


async def test_turns_do_not_wait_for_long_behind_a_migration_that_waits_for_a_long_look(
    postgres: Postgres, tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCKED", 0.2)
    monkeypatch.setattr(schema, "PAUSE", 0.2)
    url = postgres.create()
    store = await Store.open(url, tmp_path / "key", clock=watch)
    ana = await someone(store)
    with schema.connection(url) as connection:
        # As before the newest migration that changes a table which every turn uses.
        connection.exec_driver_sql("ALTER TABLE people DROP COLUMN zone, DROP COLUMN quiet_until")
        connection.exec_driver_sql("ALTER TABLE people DROP COLUMN reminded_until")
        connection.exec_driver_sql(
            "DROP INDEX posted_lines_by_reference, inbox_dead, actions_untold, actions_by_ends_at, people_by_district"
        )
        connection.exec_driver_sql("ALTER TABLE actions DROP COLUMN sequence, DROP COLUMN told, DROP COLUMN materials")
        connection.exec_driver_sql("ALTER TABLE actions DROP COLUMN changed_at")
        connection.exec_driver_sql("ALTER TABLE actions RENAME COLUMN secret TO code")
        connection.exec_driver_sql("ALTER TABLE campaigns DROP COLUMN cohort")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0004'")

    async def turn(tx: Transaction) -> None:
        await tx.ledger.add(ana.id, "looked")

    with psycopg.connect(url) as looking:
        looking.execute("SELECT count(*) FROM people").fetchall()
        migrating = asyncio.create_task(Store.migrate(url))
        for _ in range(20):
            await asyncio.wait_for(store.run(turn), 2)
            await asyncio.sleep(0.05)
        assert not migrating.done(), "somebody looks still"
        looking.rollback()
    await asyncio.wait_for(migrating, PATIENCE)
    assert not await Store.needs_migration(url)
    await store.close()
