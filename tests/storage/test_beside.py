"""Commands beside a running bot: several stores on one SQLite file, in one process and in several."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import schema, sqlite
from storage.errors import DatabaseInUse, StorageUnavailable
from storage.store import Store
from tests.databases import Database, Watch
from tests.storage.given import by_address, looked_up, put_down, someone

OTHER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from storage.store import Store
from tests.storage.given import put_down

async def main(url, key, count):
    store = await Store.open(url, Path(key), clock=lambda: datetime.now(UTC), alone=False)
    print("open", flush=True)
    for number in range(count):
        await put_down(store, f"other {number}")
    await store.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("CREATE TABLE IF NOT EXISTS held (n)")
print("open", flush=True)
while True:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO held VALUES (?)", [(n,) for n in range(500)])
    connection.execute("COMMIT")
"""


@pytest.fixture
async def beside(store: Store, database: Database, watch: Watch) -> AsyncIterator[Store]:
    """A second store on the database of `store`."""
    second = await Store.open(database.url, database.key, clock=watch, alone=False)
    yield second
    await second.close()


def other(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another process, once it has the database open."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


async def test_two_stores_write_at_once_and_nobody_loses(store: Store, beside: Store) -> None:
    works = [put_down(each, f"{name} {n}") for n in range(100) for name, each in (("one", store), ("two", beside))]
    await asyncio.gather(*works)
    for number in range(100):
        assert await looked_up(beside, f"one {number}") == "done"
        assert await looked_up(store, f"two {number}") == "done"


async def test_people_made_by_either_are_known_to_both(store: Store, beside: Store) -> None:
    made = await asyncio.gather(*(someone((store, beside)[n % 2], f"{n}") for n in range(40)))
    assert len({person.id for person in made}) == 40
    for number, person in enumerate(made):
        for each in (store, beside):
            found = await by_address(each, f"{number}")
            assert found is not None
            assert found.id == person.id
    await beside.run(lambda tx: tx.people.save(made[0].id, {"name": "Ana"}))
    found = await by_address(store, "0")
    assert found is not None
    assert found.fields == {"name": "Ana"}


async def test_another_process_writes_at_once_and_nobody_loses(store: Store, database: Database) -> None:
    process = await asyncio.to_thread(other, OTHER, database.url, database.key, 200)
    with process:
        await asyncio.gather(*(put_down(store, f"mine {number}") for number in range(200)))
        assert await asyncio.to_thread(process.wait, 60) == 0
    for number in range(200):
        assert await looked_up(store, f"mine {number}") == "done"
        assert await looked_up(store, f"other {number}") == "done"


async def test_a_writer_is_let_in_though_the_other_commits_without_a_pause(tmp_path: Path, watch: Watch) -> None:
    path = tmp_path / "doorstep.db"
    store = await Store.open(f"sqlite:///{path}", tmp_path / "key", clock=watch)
    process = await asyncio.to_thread(other, HOLDER, path)
    with process:
        try:
            longest = 0.0
            for number in range(25):
                begun = time.monotonic()
                await put_down(store, f"{number}")
                longest = max(longest, time.monotonic() - begun)
        finally:
            process.kill()
    await store.close()
    assert longest < sqlite.PATIENCE / 2


async def test_a_database_that_is_never_let_go_is_told_and_keeps_nothing(
    tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "doorstep.db"
    store = await Store.open(f"sqlite:///{path}", tmp_path / "key", clock=watch)
    monkeypatch.setattr(sqlite, "PATIENCE", 0.2)
    holder = sqlite.connect(path, writes=True)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="locked"):
        await put_down(store, "mine")
    holder.execute("ROLLBACK")
    holder.close()
    assert await looked_up(store, "mine") is None
    await put_down(store, "mine")
    await store.close()


async def test_a_second_bot_on_the_same_file_is_refused_and_a_command_is_not(tmp_path: Path, watch: Watch) -> None:
    url, key = f"sqlite:///{tmp_path / 'doorstep.db'}", tmp_path / "key"
    command = await Store.open(url, key, clock=watch, alone=False)
    bot = await Store.open(url, key, clock=watch)
    with pytest.raises(DatabaseInUse):
        await Store.open(url, key, clock=watch)
    second = await Store.open(url, key, clock=watch, alone=False)
    for store in (command, bot, second):
        await put_down(store, "x")
        await store.close()


async def test_a_command_migrates_only_what_nobody_has_open(
    tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, key = f"sqlite:///{tmp_path / 'doorstep.db'}", tmp_path / "key"
    bot = await Store.open(url, key, clock=watch)
    with schema.connection(url) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(DatabaseInUse):
        await Store.open(url, key, clock=watch, alone=False)
    await bot.close()
    migrated: list[str] = []
    monkeypatch.setattr(schema, "migrate", migrated.append)
    await (await Store.open(url, key, clock=watch, alone=False)).close()
    assert migrated == [url]
