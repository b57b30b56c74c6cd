"""What channels know again after a restart."""

import sqlite3
from contextlib import closing
from pathlib import Path

from storage.store import Store
from tests.databases import Watch


async def test_what_was_kept_is_known_by_whose_it_is_and_its_name(store: Store) -> None:
    await store.run(lambda tx: tx.memory.set("matrix main", "token", "syt_first"))
    await store.run(lambda tx: tx.memory.set("matrix main", "token", "syt_second"))
    assert await store.read(lambda tx: tx.memory.get("matrix main", "token")) == "syt_second"
    assert await store.read(lambda tx: tx.memory.get("matrix north", "token")) == ""
    assert await store.read(lambda tx: tx.memory.get("matrix main", "place")) == ""


async def test_neither_the_text_nor_its_name_can_be_read_in_the_database(tmp_path: Path, watch: Watch) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/d.db", tmp_path / "key", clock=watch)
    await store.run(lambda tx: tx.memory.set("matrix main", "ghost @whatsapp_4917", "!room:server"))
    await store.close()
    with closing(sqlite3.connect(tmp_path / "d.db")) as connection:
        written = repr(connection.execute("SELECT key, value FROM settings WHERE key LIKE 'memory %'").fetchall())
    assert written.count("memory ") == 1
    assert not any(secret in written for secret in ("4917", "room", "ghost", "matrix"))
