"""Another wrapping key while the bot runs: everybody is read all the time, whatever breaks and when."""

import asyncio
import base64
import os
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from storage import copies, key_copies, key_file, rotation
from storage.errors import BadKeyFile, KeyDestroyed, KeyFileExists, OldKeyFile, WrongKey
from storage.key_file import Keys
from storage.store import Store, Transaction
from tests.databases import Database, Watch
from tests.storage.given import by_address, someone

OLD = "# Doorstep's key, as its first version wrote it.\n" + base64.b64encode(bytes(range(32))).decode() + "\n"
MANY = 7


@pytest.fixture
def old_file(database: Database) -> Path:
    """A key file that holds one key, as the first version made them."""
    database.key.write_text(OLD)
    return database.key


async def named(store: Store, name: str) -> int:
    """Somebody of this name, who is written to at an address of the same name."""
    person = await someone(store, name)
    await store.run(lambda tx: tx.people.save(person.id, {"name": name}))
    return person.id


async def names(store: Store, many: int = MANY) -> list[object]:
    """What everybody is called, found by their address."""
    found = [await by_address(store, f"{number}") for number in range(many)]
    return [person.fields.get("name") if person else None for person in found]


async def rotated(database: Database) -> int:
    await asyncio.to_thread(rotation.prepare, database.url, database.key)
    return await asyncio.to_thread(rotation.rewrap, database.url, database.key)


EVERYBODY = [f"{number}" for number in range(MANY)]
Reopen = Callable[[], Awaitable[Store]]


async def test_all_are_read_before_and_after_and_the_file_of_before_opens_nobody(
    old_file: Path, database: Database, reopen: Reopen
) -> None:
    store = await reopen()
    for name in EVERYBODY:
        await named(store, name)
    before = key_file.read(old_file)
    for time in (2, 3):
        assert await rotated(database) == MANY
        keys = key_file.read(database.key)
        assert (keys.index, keys.common, list(keys.wrapping)) == (before.index, before.common, [time])
        assert keys.wrapping[time] != before.wrapping[1]
        assert await names(store) == EVERYBODY, "by who had all keys open"
        assert await names(await reopen()) == EVERYBODY
        store = await reopen()
    assert database.key.with_name(f"{database.key.name}.before-2").read_text() == OLD
    database.key.write_text(OLD)
    with pytest.raises(OldKeyFile, match="keys rotate"):
        await reopen()


async def test_a_process_that_was_there_before_reads_and_keeps_people_with_the_new_key(
    old_file: Path, database: Database, reopen: Reopen
) -> None:
    store = await reopen()
    for name in EVERYBODY[:3]:
        await named(store, name)
    await rotated(database)
    store._vault.drop_all()
    assert await names(store, 3) == EVERYBODY[:3]
    for name in EVERYBODY[3:]:
        await named(store, name)
    assert await names(await reopen()) == EVERYBODY
    assert not any(wrapped[:1] == b"\x01" for _, wrapped, _ in key_copies.keys_of(database.url))


async def test_a_process_that_cannot_read_the_new_file_keeps_nobody_until_it_can(
    old_file: Path, database: Database, reopen: Reopen
) -> None:
    store = await reopen()
    await named(store, "0")
    await rotated(database)
    new = database.key.read_text()
    database.key.unlink()
    with pytest.raises(OldKeyFile):
        await named(store, "1")
    store._vault.drop_all()
    with pytest.raises(OldKeyFile):
        await names(store, 1)
    database.key.write_text(new)
    await named(store, "1")
    assert await names(await reopen(), 2) == ["0", "1"]


def _killed(database: Database, point: str) -> None:
    """Rotates in a process that is killed at this point."""

    def die(*_: object) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        try:
            patch = pytest.MonkeyPatch()
            if point == "copied":
                patch.setattr(key_file, "replace_with", die)
            rotation.prepare(database.url, database.key)
            if point == "given":
                die()
            if point == "marked":
                patch.setattr(rotation, "_anew", die)
            if point == "wrapped":
                patch.setattr(key_file, "replace_with", die)
            patch.setattr(rotation, "SLICE", 3)
            rotation.rewrap(database.url, database.key, progress=die if point == "half" else lambda _: None)
            if point == "done":
                die()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL, point


@pytest.mark.parametrize("point", ["copied", "given", "marked", "half", "wrapped", "done"])
async def test_whoever_is_killed_while_rotating_leaves_all_readable_and_the_next_goes_on(
    old_file: Path, database: Database, reopen: Reopen, point: str
) -> None:
    store = await reopen()
    for name in EVERYBODY[:-1]:
        await named(store, name)
    await asyncio.to_thread(_killed, database, point)
    await named(store, EVERYBODY[-1])
    store._vault.drop_all()
    assert await names(store) == EVERYBODY, "by who runs"
    assert await names(await reopen()) == EVERYBODY, "and by who begins"
    assert await rotated(database) == MANY
    assert list(key_file.read(database.key).wrapping) == [3 if point == "done" else 2]
    assert await names(await reopen()) == EVERYBODY
    prefix = b"\x02\x00" + bytes([3 if point == "done" else 2])
    assert {bytes(wrapped[:3]) for _, wrapped, _ in key_copies.keys_of(database.url)} == {prefix}


async def test_who_is_forgotten_meanwhile_stays_forgotten(
    old_file: Path, database: Database, reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await reopen()
    people = [await named(store, name) for name in EVERYBODY[:2]]
    loop, anew = asyncio.get_running_loop(), rotation._anew

    def forgetting(*given: object) -> object:
        rows = list(anew(*given))  # type: ignore[arg-type]
        for person_id, _, _ in rows[:1]:
            if database.path is not None:
                asyncio.run_coroutine_threadsafe(store.run(partial(_forget, person_id=person_id)), loop).result(10)
        return iter(rows)

    monkeypatch.setattr(rotation, "_anew", forgetting)
    if database.path is None:
        # There the rows of a slice are held while they are wrapped; between two slices anything may happen.
        await store.run(partial(_forget, person_id=people[0]))
    await rotated(database)
    assert [row[0] for row in key_copies.keys_of(database.url)] == people[1:]
    with pytest.raises(KeyDestroyed):
        await store.run(lambda tx: tx.people.save(people[0], {"name": "back"}))


async def _forget(tx: Transaction, person_id: int) -> None:
    await tx.people.forget(person_id)


async def test_backups_of_before_restore_with_the_keys_of_now_and_copies_of_keys_with_their_own_file(
    old_file: Path, database: Database, reopen: Reopen, watch: Watch, tmp_path: Path
) -> None:
    store = await reopen()
    for name in EVERYBODY:
        await named(store, name)
    data, then, now = tmp_path / "data.gz", tmp_path / "then.db", tmp_path / "now.db"
    await asyncio.to_thread(copies.backup, database.url, data)
    assert await asyncio.to_thread(key_copies.backup_keys, database.url, then) == MANY
    await rotated(database)
    assert await asyncio.to_thread(key_copies.backup_keys, database.url, now) == MANY
    first = database.key.with_name(f"{database.key.name}.before-2")
    for number, (key, keys) in enumerate(((database.key, now), (first, then))):
        url = f"sqlite:///{tmp_path / f'restored {number}.db'}"
        with pytest.raises(WrongKey, match="copy of the person keys"):
            await asyncio.to_thread(copies.restore, url, data, key, then if keys is now else now)
        await asyncio.to_thread(copies.restore, url, data, key, keys)
        restored = await Store.open(url, key, clock=watch)
        assert await names(restored) == EVERYBODY
        await restored.close()


async def test_the_file_of_another_group_rotates_nothing(old_file: Path, database: Database, reopen: Reopen) -> None:
    await named(await reopen(), "0")
    other = database.key.with_name("other.key")
    key_file.create(other)
    before = other.read_text()
    with pytest.raises(WrongKey):
        await asyncio.to_thread(rotation.prepare, database.url, other)
    assert other.read_text() == before


async def test_of_two_machines_that_rotate_the_same_keys_one_is_refused(
    old_file: Path, database: Database, reopen: Reopen, tmp_path: Path
) -> None:
    store = await reopen()
    await named(store, "0")
    (tmp_path / "elsewhere").mkdir()
    theirs = tmp_path / "elsewhere" / "doorstep.key"
    theirs.write_text(OLD)
    await asyncio.to_thread(rotation.prepare, database.url, theirs)
    await rotated(database)
    with pytest.raises(WrongKey, match="another machine"):
        await asyncio.to_thread(rotation.rewrap, database.url, theirs)
    assert await names(await reopen(), 1) == ["0"]


def test_what_an_earlier_version_derived_from_its_one_key_is_derived_for_ever(tmp_path: Path) -> None:
    (tmp_path / "old.key").write_text(OLD)
    keys = key_file.read(tmp_path / "old.key")
    assert [each.hex()[:16] for each in (keys.index, keys.common, keys.wrapping[1])] == GOLDEN


GOLDEN = ["9ecf068f69305872", "4b854039d0444705", "e5313201abd09aa2"]


def test_what_is_written_is_read_and_each_key_is_another(tmp_path: Path) -> None:
    path = tmp_path / "doorstep.key"
    key_file.create(path)
    keys = key_file.read(path).with_another()
    assert len({keys.index, keys.common, *keys.wrapping.values()}) == 4
    key_file.replace_with(path, keys)
    assert key_file.read(path) == keys
    assert path.stat().st_mode & 0o777 == 0o600
    assert key_file.read(path).with_the_newest_alone() == Keys(keys.index, keys.common, {2: keys.wrapping[2]})


def test_a_copy_that_is_kept_overwrites_no_other(tmp_path: Path) -> None:
    path = tmp_path / "doorstep.key"
    key_file.create(path)
    assert key_file.keep_beside(path) == key_file.keep_beside(path) == tmp_path / "doorstep.key.before-2"
    (tmp_path / "doorstep.key.before-2").write_text("precious")
    with pytest.raises(KeyFileExists):
        key_file.keep_beside(path)
    assert (tmp_path / "doorstep.key.before-2").read_text() == "precious"


KEY = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "lines",
    [
        f"index: {KEY}\ncommon: {KEY}",
        f"index: {KEY}\nwrapping 1: {KEY}",
        f"index: {KEY}\ncommon: {KEY}\nwrapping: {KEY}",
        f"index: {KEY}\ncommon: {KEY}\nwrapping x: {KEY}",
        f"index: {KEY}\ncommon: {KEY}\nwrapping 0: {KEY}",
        f"index: {KEY}\ncommon: {KEY}\nwrapping 1: {KEY}\nwrapping 1: {KEY}",
        f"index: {KEY}\ncommon: {KEY}\nwrapping 1: {KEY[:-5]}",
        f"index: {KEY}\ncommon: {KEY}\nwrapping 1: {KEY}\nmore: {KEY}",
        f"{KEY}\n{KEY}",
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, lines: str) -> None:
    (tmp_path / "bad.key").write_text(f"# A comment.\n{lines}\n")
    with pytest.raises(BadKeyFile, match=r"bad\.key"):
        key_file.read(tmp_path / "bad.key")
