import asyncio
import gzip
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, select, text
from sqlalchemy.exc import OperationalError

from flows.model import Say
from storage import copies, key_copies, key_file, schema, sqlite
from storage.errors import (
    DatabaseInUse,
    KeyDestroyed,
    KeyFileMissing,
    KeysMissing,
    NoDatabase,
    NotACopy,
    NotEmpty,
    NotOverwritten,
    OtherVersion,
    StorageError,
    StorageUnavailable,
    WrongKey,
)
from storage.snapshot import plain
from storage.store import Store, Transaction
from storage.tables import JOBS
from tests.databases import Database, Watch
from tests.storage.given import CHANNEL, put_down, someone, take, talk

Fresh = Callable[[], Database]


@pytest.fixture(params=["sqlite", "postgres"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path, database: Database) -> Fresh:
    """Makes another database, empty, of either kind, for the same group key."""

    def make() -> Database:
        if request.param == "postgres":
            return Database(request.getfixturevalue("postgres").create(), database.key, None)
        path = tmp_path / "other" / "doorstep.db"
        path.parent.mkdir(exist_ok=True)
        return Database(f"sqlite:///{path}", database.key, path)

    return make


async def live(store: Store, watch: Watch) -> int:
    """Someone with a bit of everything; their number."""
    ana = await someone(store)

    async def work(tx: Transaction) -> None:
        await tx.people.save(
            ana.id, {"name": "Ana 🌱", "interests": ("food", "climate")}, language="es", district="Leeds"
        )
        await tx.conversations.add(ana.id, talk("place", question=3, answers={"n": 2.5}), watch.now + timedelta(days=1))
        await tx.inbox.take("telegram", "1", ana.id, "said", {"text": "hello"})
        await tx.outbox.add(ana, ana.address_id, None, [Say("Where do you live?")])
        await tx.consents.record(ana.id, "pair", "Yes please", 1)
        await tx.ledger.add(ana.id, "wrote first")
        begins = watch.now + timedelta(days=2)
        number = await tx.actions.add(
            title="River", starts_at=begins, ends_at=begins, zone="UTC", state="published", campaign="Spring"
        )
        await tx.actions.sign_up(number, ana.id, "yes", 1)
        await tx.cards.add("human", "person:1", ana.id, {"text": "help"}, urgent=True)
        await tx.library.activate({"library/a.yaml": "flow: a 🌱"})

    await store.run(work)
    return ana.id


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(each.name for each in folder.iterdir())


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables that are backed up."""
    with schema.connection(url) as connection:
        rows = {each.name: connection.execute(select(plain(each))).all() for each in copies.tables()}
    return {name: sorted((tuple(row) for row in found), key=repr) for name, found in rows.items()}


async def test_what_was_backed_up_is_there_again_in_either_database(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path
) -> None:
    ana = await live(store, watch)
    with schema.connection(database.url) as connection:
        connection.execute(insert(JOBS).values(name="digest", day=date(2026, 3, 2)))
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    rows = await asyncio.to_thread(copies.backup, database.url, file)
    assert await asyncio.to_thread(key_copies.backup_keys, database.url, keys) == 1
    before = contents(database.url)
    assert rows == sum(map(len, before.values())) > 12
    other = fresh()
    assert await asyncio.to_thread(copies.restore, other.url, file, other.key, keys) == rows
    assert contents(other.url) == before
    restored = await Store.open(other.url, other.key, clock=watch)
    loaded = await restored.run(lambda tx: tx.people.load(ana))
    here = await store.run(lambda tx: tx.people.load(ana))
    assert loaded == here
    (message,) = await restored.run(lambda tx: tx.outbox.claim(*CHANNEL, 10, "tester"))
    assert message.say.text == "Where do you live?"
    assert not await take(restored, ana, "1")
    assert (await someone(restored, "200")).id > ana
    await restored.close()


async def test_the_keys_are_not_in_the_backup_and_without_them_nothing_opens(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path
) -> None:
    await live(store, watch)
    file = tmp_path / "backup.gz"
    await asyncio.to_thread(copies.backup, database.url, file)
    written = gzip.decompress(file.read_bytes())
    assert b"person_keys" not in written
    assert b"Ana" not in written
    other = fresh()
    await asyncio.to_thread(copies.restore, other.url, file, other.key)
    with pytest.raises(KeysMissing, match="--keys"):
        await Store.open(other.url, other.key, clock=watch)


async def test_it_opens_although_everybody_in_an_old_backup_was_forgotten_since(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path
) -> None:
    ana = await live(store, watch)
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    await asyncio.to_thread(copies.backup, database.url, file)
    await store.run(lambda tx: tx.people.forget(ana))
    assert await asyncio.to_thread(key_copies.backup_keys, database.url, keys) == 0
    other = fresh()
    await asyncio.to_thread(copies.restore, other.url, file, other.key, keys)
    assert await asyncio.to_thread(key_copies.keyless, other.url) == [ana]
    restored = await Store.open(other.url, other.key, clock=watch)
    with pytest.raises(KeyDestroyed):
        await restored.run(lambda tx: tx.people.load(ana))
    await restored.close()


async def test_whoever_was_forgotten_is_unreadable_in_an_old_backup(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path
) -> None:
    ana, ben = await live(store, watch), await someone(store, "2")
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    await asyncio.to_thread(key_copies.backup_keys, database.url, keys)
    await asyncio.to_thread(copies.backup, database.url, file)
    await store.run(lambda tx: tx.people.forget(ana))
    assert await asyncio.to_thread(key_copies.backup_keys, database.url, keys) == 1
    other = fresh()
    await asyncio.to_thread(copies.restore, other.url, file, other.key, keys)
    restored = await Store.open(other.url, other.key, clock=watch)
    with pytest.raises(KeyDestroyed):
        await restored.run(lambda tx: tx.people.load(ana))
    assert await restored.run(lambda tx: tx.people.load(ben.id)) is not None
    await restored.close()


async def test_a_backup_is_of_one_moment_while_others_write(
    store: Store, database: Database, fresh: Fresh, tmp_path: Path
) -> None:
    """Each turn writes a person and a ledger line: a backup between the two would have more of one."""
    person = await someone(store)

    async def both(tx: Transaction) -> None:
        count = int(await tx.settings.get("count") or 0)
        await tx.ledger.add(person.id, "counted")
        await tx.settings.set("count", str(count + 1))

    async def write() -> None:
        while not done:
            await store.run(both)

    done: list[bool] = []
    writing = asyncio.create_task(write())
    for number in range(5):
        await asyncio.to_thread(copies.backup, database.url, tmp_path / f"backup{number}.gz")
    done.append(True)
    await writing
    other = fresh()
    counted = []
    for number in range(5):
        await asyncio.to_thread(copies.restore, other.url, tmp_path / f"backup{number}.gz", other.key)
        found = contents(other.url)
        lines = sum(1 for row in found["ledger"] if "counted" in row)
        assert ("count", str(lines)) in [tuple(row) for row in found["settings"]] or lines == 0
        counted.append(lines)
        with schema.connection(other.url) as connection:
            for each in reversed(copies.tables()):
                connection.execute(delete(each))
    assert counted == sorted(counted)
    assert counted[-1] > 0


async def test_only_an_empty_database_is_filled(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path
) -> None:
    await live(store, watch)
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    await asyncio.to_thread(copies.backup, database.url, file)
    await asyncio.to_thread(key_copies.backup_keys, database.url, keys)
    other = fresh()
    second = await Store.open(other.url, other.key, clock=watch)
    await put_down(second, "x")
    await second.close()
    before = contents(other.url)
    with pytest.raises(NotEmpty):
        await asyncio.to_thread(copies.restore, other.url, file, other.key, keys)
    assert contents(other.url) == before


async def test_keys_that_are_there_are_kept(store: Store, database: Database, watch: Watch, tmp_path: Path) -> None:
    """The data was lost, the keys were not: they are newer than any copy."""
    ana = await live(store, watch)
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    await asyncio.to_thread(copies.backup, database.url, file)
    await asyncio.to_thread(key_copies.backup_keys, database.url, keys)
    await store.close()
    if database.path is not None:
        for lost in ("doorstep.db", "doorstep.db-wal", "doorstep.db-shm"):
            database.path.with_name(lost).unlink(missing_ok=True)
    else:
        with schema.connection(database.url) as connection:
            for each in reversed(copies.tables()):
                connection.execute(delete(each))
    with pytest.raises(NotEmpty, match="person keys"):
        await asyncio.to_thread(copies.restore, database.url, file, database.key, keys)
    await asyncio.to_thread(copies.restore, database.url, file, database.key)
    restored = await Store.open(database.url, database.key, clock=watch)
    assert await restored.run(lambda tx: tx.people.load(ana)) is not None
    await restored.close()


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-30])


def _without_end(file: Path) -> None:
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join(lines[:-1])))


def _short_row(file: Path) -> None:
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    row = next(number for number, line in enumerate(lines) if line.startswith(b"["))
    file.write_bytes(gzip.compress(b"".join([*lines[:row], b"[1]\n", *lines[row + 1 :]])))


def _unknown_table(file: Path) -> None:
    written = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(written.replace(b'"table": "people"', b'"table": "person_keys"')))


def _older(file: Path) -> None:
    written = gzip.decompress(file.read_bytes())
    revision = f'"revision": "{schema.newest()}"'.encode()
    file.write_bytes(gzip.compress(written.replace(revision, b'"revision": "0000"')))


SPOILT: list[tuple[Callable[[Path], object], type[StorageError]]] = [
    (_cut, NotACopy),
    (_without_end, NotACopy),
    (_short_row, NotACopy),
    (_unknown_table, NotACopy),
    (_older, OtherVersion),
    (lambda file: file.write_bytes(b"SQLite format 3\0"), NotACopy),
    (lambda file: file.write_bytes(b""), NotACopy),
    (lambda file: file.write_bytes(gzip.compress(b"{}\n")), NotACopy),
]


async def test_a_damaged_backup_leaves_the_database_empty(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path
) -> None:
    await live(store, watch)
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    await asyncio.to_thread(copies.backup, database.url, file)
    await asyncio.to_thread(key_copies.backup_keys, database.url, keys)
    good, other = file.read_bytes(), fresh()
    for spoil, error in SPOILT:
        spoil(file)
        with pytest.raises(error):
            await asyncio.to_thread(copies.restore, other.url, file, other.key, keys)
        file.write_bytes(good)
    with pytest.raises(NotACopy):
        await asyncio.to_thread(copies.restore, other.url, file, other.key, file)
    assert await asyncio.to_thread(copies.restore, other.url, file, other.key, keys) > 0


async def test_a_backup_needs_the_key_it_was_made_with(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path
) -> None:
    await live(store, watch)
    file, wrong = tmp_path / "backup.gz", tmp_path / "wrong.key"
    await asyncio.to_thread(copies.backup, database.url, file)
    other = fresh()
    with pytest.raises(KeyFileMissing):
        await asyncio.to_thread(copies.restore, other.url, file, wrong)
    key_file.create(wrong)
    with pytest.raises(WrongKey):
        await asyncio.to_thread(copies.restore, other.url, file, wrong)
    assert await asyncio.to_thread(copies.restore, other.url, file, other.key) > 0


async def test_a_database_that_a_bot_has_open_is_not_filled(
    store: Store, database: Database, watch: Watch, tmp_path: Path
) -> None:
    file = tmp_path / "backup.gz"
    await asyncio.to_thread(copies.backup, database.url, file)
    with pytest.raises(DatabaseInUse if database.path else NotEmpty):
        await asyncio.to_thread(copies.restore, database.url, file, database.key)


async def test_where_there_is_no_database_none_is_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'nowhere.db'}"
    with pytest.raises(NoDatabase):
        copies.backup(url, tmp_path / "backup.gz")
    with pytest.raises(NoDatabase):
        key_copies.backup_keys(url, tmp_path / "keys.copy")
    assert names(tmp_path) == []


async def test_a_copy_is_for_its_owner_only_and_replaces_the_one_before(
    store: Store, database: Database, tmp_path: Path
) -> None:
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    for number in range(2):
        await someone(store, f"{number}")
        await asyncio.to_thread(copies.backup, database.url, file)
        assert await asyncio.to_thread(key_copies.backup_keys, database.url, keys) == number + 1
    for each in (file, keys):
        assert each.stat().st_mode & 0o777 == 0o600
    assert not [name for name in names(tmp_path) if name.startswith(".")]


async def test_nothing_else_is_ever_overwritten(store: Store, database: Database, tmp_path: Path) -> None:
    await someone(store)
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Ana")
    precious = [letter]
    if database.path is not None:
        precious += [database.path, sqlite.keys_path(database.path)]
    for file in precious:
        before = file.read_bytes()
        with pytest.raises(NotOverwritten):
            await asyncio.to_thread(copies.backup, database.url, file)
        with pytest.raises(NotOverwritten):
            await asyncio.to_thread(key_copies.backup_keys, database.url, file)
        assert file.read_bytes() == before


async def test_a_disk_that_is_full_leaves_the_copy_before(store: Store, database: Database, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk."""
    person = await someone(store)
    folder = tmp_path / "copies"
    folder.mkdir()
    file = folder / "backup.gz"
    await asyncio.to_thread(copies.backup, database.url, file)
    before = file.read_bytes()

    async def much(tx: Transaction) -> None:
        for number in range(300):
            await tx.inbox.take("telegram", f"{number}", person.id, "said", {"text": os.urandom(1000).hex()})

    await store.run(much)
    code = """
import resource, sys
from pathlib import Path
from storage import copies
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    copies.backup(sys.argv[1], Path(sys.argv[2]))
except OSError as error:
    sys.exit(error.strerror)
"""
    arguments = [sys.executable, "-c", code, database.url, str(file)]
    done = await asyncio.to_thread(subprocess.run, arguments, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "File too large"
    assert names(folder) == ["backup.gz"]
    assert file.read_bytes() == before


async def test_when_the_end_fails_the_keys_are_taken_out_again(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await live(store, watch)
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    await asyncio.to_thread(copies.backup, database.url, file)
    await asyncio.to_thread(key_copies.backup_keys, database.url, keys)
    other = fresh()

    def full(_: Connection) -> None:
        raise OperationalError("COMMIT", {}, sqlite3.OperationalError("database or disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(Connection, "commit", full)
        with pytest.raises(StorageUnavailable, match="full"):
            await asyncio.to_thread(copies.restore, other.url, file, other.key, keys)
    assert key_copies.keys_of(other.url) == []
    await asyncio.to_thread(copies.restore, other.url, file, other.key, keys)
    restored = await Store.open(other.url, other.key, clock=watch)
    assert await restored.run(lambda tx: tx.people.load(ana)) is not None
    await restored.close()


async def test_numbers_go_on_after_the_highest(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path
) -> None:
    for number in range(5):
        await someone(store, f"{number}")
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    await asyncio.to_thread(copies.backup, database.url, file)
    await asyncio.to_thread(key_copies.backup_keys, database.url, keys)
    other = fresh()
    await asyncio.to_thread(copies.restore, other.url, file, other.key, keys)
    with schema.connection(other.url) as connection:
        connection.execute(text("INSERT INTO ledger (what, at, flow, subject, detail) VALUES ('x', 1, '', '', '')"))
    restored = await Store.open(other.url, other.key, clock=watch)
    assert (await someone(restored, "new")).id == 6
    await restored.close()
