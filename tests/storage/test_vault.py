import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from flows.model import Say
from storage import key_file
from storage.errors import BadKeyFile, KeyDestroyed, KeyFileExists, KeyFileMissing, OtherKeys, SealBroken, WrongKey
from storage.sqlite import keys_path
from storage.store import Store, Transaction
from storage.vault import Seal, Vault
from tests.databases import Database, Watch
from tests.storage.given import CHANNEL, by_address, someone, talk

CANARIES = {
    "name": "Canary-Name-7f3a",
    "field": "canary-field-91bc",
    "address": "canary-address-22de",
    "answer": "canary-answer-5c5c",
    "held": "canary-held-0a0a",
    "asked": "canary-asked-e4e4",
    "said": "canary-said-6b6b",
    "body": "canary-body-d1d1",
    "button": "canary-button-c3c3",
}


async def live(store: Store) -> int:
    """Someone whose every word is a canary."""
    person = await someone(store, CANARIES["address"])

    async def work(tx: Transaction) -> None:
        await tx.people.save(person.id, {"name": CANARIES["name"], "interests": (CANARIES["field"],)})
        conversation = talk(
            asked=CANARIES["asked"], answers={"a": CANARIES["answer"]}, held={"h": (CANARIES["held"],)}, picked=("x",)
        )
        await tx.conversations.add(person.id, conversation, None)
        await tx.inbox.take("telegram", "1", person.id, "said", {"text": CANARIES["said"]})
        say = Say(CANARIES["body"], tried=CANARIES["button"])
        await tx.outbox.add(person, person.address_id, None, [say])

    await store.run(work)
    return person.id


async def test_nothing_personal_can_be_read_in_the_files(tmp_path: Path, watch: Watch) -> None:
    path = tmp_path / "doorstep.db"
    store = await Store.open(f"sqlite:///{path}", tmp_path / "doorstep.key", clock=watch)
    await live(store)

    def found() -> set[str]:
        assert {file.name for file in tmp_path.iterdir()} >= {"doorstep.db", "doorstep.keys.db"}
        everything = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"telegram" in everything, "the files are those that hold the rows"
        return {name for name, canary in CANARIES.items() if canary.encode() in everything}

    assert found() == set()
    await store.close()
    assert found() == set()


async def test_nothing_personal_can_be_read_in_postgres(
    postgres: object, request: pytest.FixtureRequest, tmp_path: Path, watch: Watch
) -> None:
    import psycopg

    url = request.getfixturevalue("postgres").create()
    store = await Store.open(url, tmp_path / "doorstep.key", clock=watch)
    await live(store)
    await store.close()
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        text = ""
        for (table,) in tables.fetchall():
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()
            text += repr(rows)
    assert "telegram" in text
    assert {name for name, canary in CANARIES.items() if canary in text} == set()


async def test_a_destroyed_key_is_in_no_file(tmp_path: Path, watch: Watch) -> None:
    path = tmp_path / "doorstep.db"
    store = await Store.open(f"sqlite:///{path}", tmp_path / "doorstep.key", clock=watch)
    number = await live(store)
    await someone(store, "another")
    with sqlite3.connect(keys_path(path)) as connection:
        (wrapped,) = connection.execute("SELECT wrapped FROM person_keys WHERE person_id = ?", (number,)).fetchone()
    connection.close()

    def kept() -> list[str]:
        return [file.name for file in tmp_path.iterdir() if wrapped in file.read_bytes()]

    assert kept()
    await store.run(lambda tx: tx.people.forget(number))
    assert kept() == []
    await store.close()


async def test_a_backup_of_the_data_cannot_be_read_for_who_was_forgotten_since(tmp_path: Path, watch: Watch) -> None:
    path, key = tmp_path / "doorstep.db", tmp_path / "doorstep.key"
    store = await Store.open(f"sqlite:///{path}", key, clock=watch)
    number = await live(store)
    await someone(store, "who stays")
    await store.close()
    backup = path.read_bytes()
    store = await Store.open(f"sqlite:///{path}", key, clock=watch)
    await store.run(lambda tx: tx.people.forget(number))
    await store.close()
    path.write_bytes(backup)
    store = await Store.open(f"sqlite:///{path}", key, clock=watch)
    with pytest.raises(KeyDestroyed):
        await store.run(lambda tx: tx.people.lock_and_load(*CHANNEL, CANARIES["address"]))
    await store.close()


async def test_a_sealed_field_does_not_open_elsewhere_or_damaged() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = AESGCM(bytes(32))
    mine, yours = Seal(key, 1), Seal(key, 2)
    sealed = mine.close(b"people.sealed", b"Ana")
    assert mine.open(b"people.sealed", sealed) == b"Ana"
    assert mine.close(b"people.sealed", b"Ana") != sealed
    for seal, field, changed in (
        (yours, b"people.sealed", sealed),
        (mine, b"outbox.sealed", sealed),
        (mine, b"people.sealed", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (mine, b"people.sealed", b"\x02" + sealed[1:]),
        (mine, b"people.sealed", sealed[:5]),
        (mine, b"people.sealed", b""),
    ):
        with pytest.raises(SealBroken, match=field.decode()):
            seal.open(field, changed)


def test_a_blind_index_tells_people_accounts_and_groups_apart() -> None:
    one, other = Vault(key_file.derived(bytes(32))), Vault(key_file.derived(b"1" * 32))
    assert one.blind("telegram", "main", "7") == Vault(key_file.derived(bytes(32))).blind("telegram", "main", "7")
    blinds = [
        vault.blind(*parts) for vault in (one, other) for parts in (("t", "m", "7"), ("t", "m", "8"), ("t", "n", "7"))
    ]
    assert len({*blinds}) == 6
    assert {len(blind) for blind in blinds} == {32}


def test_a_key_file_is_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "doorstep.key"
    key_file.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert before.startswith("# Doorstep's key.")
    keys = key_file.read(path)
    assert len({keys.index, keys.common, *keys.wrapping.values()}) == 3
    with pytest.raises(KeyFileExists):
        key_file.create(path)
    assert path.read_text() == before


@pytest.mark.parametrize("content", ["", "# only a comment\n", "c2hvcnQ=\n", "not base64!\n", "ключ\n"])
def test_a_bad_key_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.key"
    path.write_text(content, "utf-8")
    with pytest.raises(BadKeyFile, match=r"bad\.key"):
        key_file.read(path)


async def test_a_missing_key_file_is_made_only_while_nobody_is_in_the_database(
    database: Database, watch: Watch
) -> None:
    store = await Store.open(database.url, database.key, clock=watch)
    await someone(store)
    await store.close()
    database.key.rename(database.key.with_suffix(".away"))
    with pytest.raises(KeyFileMissing):
        await Store.open(database.url, database.key, clock=watch)
    assert not database.key.exists()
    database.key.with_suffix(".away").rename(database.key)
    await (await Store.open(database.url, database.key, clock=watch)).close()


async def test_a_key_file_is_missed_also_where_nobody_came_yet(database: Database, watch: Watch) -> None:
    await (await Store.open(database.url, database.key, clock=watch)).close()
    other = database.key.with_suffix(".other")
    with pytest.raises(KeyFileMissing):
        await Store.open(database.url, other, clock=watch)
    assert not other.exists(), "no key is left that opens nothing"


async def test_the_key_file_of_another_group_is_refused(database: Database, watch: Watch, tmp_path: Path) -> None:
    await (await Store.open(database.url, database.key, clock=watch)).close()
    other = tmp_path / "other.key"
    key_file.create(other)
    with pytest.raises(WrongKey):
        await Store.open(database.url, other, clock=watch)
    await (await Store.open(database.url, database.key, clock=watch)).close()


async def test_the_person_keys_of_another_group_are_refused(watch: Watch, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    for file in (ours, theirs):
        await (await Store.open(f"sqlite:///{file}", file.with_suffix(".key"), clock=watch)).close()
    keys_path(theirs).replace(keys_path(ours))
    with pytest.raises(OtherKeys):
        await Store.open(f"sqlite:///{ours}", ours.with_suffix(".key"), clock=watch)


async def test_more_people_than_keys_are_remembered_can_be_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store._vault, "_remembered", 2)
    monkeypatch.setattr("storage.vault._AT_HAND", 1)
    people = [await someone(store, str(number)) for number in range(5)]

    async def name(tx: Transaction, person_id: int) -> None:
        await tx.people.save(person_id, {"name": str(person_id)})

    for person in people:
        await store.run(partial(name, person_id=person.id))
    for number, person in enumerate(people):
        found = await by_address(store, str(number))
        assert found is not None
        assert found.fields == {"name": str(person.id)}
    assert (len(store._vault._known), len(store._vault._at_hand)) == (2, 1)


async def test_keys_opened_together_are_those_opened_one_by_one_and_a_damaged_one_hides_no_other(store: Store) -> None:
    people = [(await someone(store, f"{number}")).id for number in range(4)]
    await store.run(lambda tx: tx.people.save(people[0], {"name": "Ana"}))
    await store.run(lambda tx: tx.people.forget(people[3]))

    async def work(tx: Transaction) -> list[str]:
        session, vault = tx._session, store._vault
        vault.drop_all()
        original = session.wrapped_keys

        async def damaged(ids: list[int]) -> list[tuple[int, bytes]]:
            return [(each, key if each != people[1] else key[:-1] + b"?") for each, key in await original(ids)]

        vault_session = SimpleNamespace(wrapped_keys=damaged)
        await vault.open(vault_session, people)
        opened = ["open" if each in vault._known else "closed" for each in people]
        person = await tx.people.get(people[0])
        assert person is not None
        assert person.fields["name"] == "Ana"
        return opened

    assert await store.run(work) == ["open", "closed", "open", "closed"]


def test_a_nonce_is_never_given_twice_in_threads_and_in_forks() -> None:
    seal = Seal(AESGCM(bytes(32)), 1)

    def many() -> list[bytes]:
        return [seal.close(b"t.f", b"")[1:13] for _ in range(2_000)]

    with ThreadPoolExecutor(4) as threads:
        given = [nonce for each in threads.map(lambda _: many(), range(4)) for nonce in each]
    reads, writes = os.pipe()
    if not (child := os.fork()):
        os.write(writes, b"".join(many()))
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        theirs = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    given += [theirs[at : at + 12] for at in range(0, len(theirs), 12)] + many()
    assert len(given) == len(set(given)) == 12_000
