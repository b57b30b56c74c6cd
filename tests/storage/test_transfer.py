import asyncio
import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from flows.model import Say
from storage import key_file, schema, transfer
from storage.errors import NotAnExport, NotEmpty
from storage.pairs import INTRODUCED
from storage.store import Store, Transaction
from storage.tables import JOBS
from tests.databases import Database, Watch
from tests.storage.given import CHANNEL, someone, take
from tests.storage.test_copies import Fresh, fresh, live

__all__ = ["fresh"]

ODD = ("=1+1", "'quoted", "@room", "-5", 'two\nlines, "quoted"', "half a pair \ud800", "\t", "ü🌱\0end", "")


async def filled(store: Store, database: Database, watch: Watch) -> int:
    """A bit of everything, with texts that spreadsheets and files are known to break; somebody's number."""
    ana = await live(store, watch)
    ben, gone = [(await someone(store, name)).id for name in ("ben", "gone")]
    for number, text in enumerate(ODD):
        await take(store, ana, f"odd {number}", text)

    async def work(tx: Transaction) -> None:
        await tx.people.save(ben, {"name": "=HYPERLINK(1)", "odd": ODD})
        assert await tx.pairs.propose(ana, ben, INTRODUCED, 1.25, ["both climate"], watch.now) is not None
        await tx.people.block(ben, gone)

    await store.run(work)
    await store.run(lambda tx: tx.people.forget(gone))
    with schema.connection(database.url) as connection:
        connection.execute(insert(JOBS).values(name="digest", day=date(2026, 3, 2)))
    return ana


def sheets(folder: Path) -> dict[str, list[list[str]]]:
    """Every sheet of an export, its rows in any order."""
    read = {}
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as opened:
            read[file.stem] = sorted(csv.reader(opened))
    return read


async def test_what_is_exported_and_imported_elsewhere_under_another_key_is_the_same(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path
) -> None:
    ana = await filled(store, database, watch)
    first, second, key = tmp_path / "first", tmp_path / "second", tmp_path / "other.key"
    rows = await asyncio.to_thread(transfer.export, database.url, database.key, first)
    assert rows > 25
    key_file.create(key)
    other = fresh()
    assert await asyncio.to_thread(transfer.import_all, other.url, key, first) == rows
    assert await asyncio.to_thread(transfer.export, other.url, key, second) == rows
    assert sheets(first) == sheets(second)
    there = await Store.open(other.url, key, clock=watch)
    try:
        here = await store.run(lambda tx: tx.people.lock_and_load(*CHANNEL, "100"))
        loaded = await there.run(lambda tx: tx.people.lock_and_load(*CHANNEL, "100"))
        assert here is not None
        assert loaded == here._replace(library=0), "its flows come from the folder there"
        assert here.person.id == ana
        (message,) = await there.run(lambda tx: tx.outbox.claim(*CHANNEL, 10, "tester"))
        assert message.say == Say("Where do you live?")
        (pair,) = await there.run(lambda tx: tx.pairs.of(ana))
        assert pair.reasons == ("both climate",)
        newcomer = await someone(there, "new")
        assert newcomer.id > ana, "numbers go on"
    finally:
        await there.close()


async def test_a_spreadsheet_can_read_it_and_takes_nothing_for_a_formula(
    store: Store, database: Database, watch: Watch, tmp_path: Path
) -> None:
    await filled(store, database, watch)
    await asyncio.to_thread(transfer.export, database.url, database.key, tmp_path / "out")
    read = sheets(tmp_path / "out")
    assert "keys" not in " ".join(read)
    cells = [cell for rows in read.values() for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
    assert any('"name":"Ana 🌱"' in cell for cell in cells)
    assert any("2026-" in cell and cell.endswith("+00:00") for cell in cells)
    for file in (tmp_path / "out").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


async def test_into_a_folder_or_a_database_that_holds_something_nothing_is_written(
    store: Store, database: Database, watch: Watch, tmp_path: Path
) -> None:
    await live(store, watch)
    out = tmp_path / "out"
    await asyncio.to_thread(transfer.export, database.url, database.key, out)
    with pytest.raises(FileExistsError):
        await asyncio.to_thread(transfer.export, database.url, database.key, out)
    await store.close()
    with pytest.raises(NotEmpty):
        await asyncio.to_thread(transfer.import_all, database.url, database.key, out)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("people.csv", lambda text: "", "people.csv: its columns"),
        ("people.csv", lambda text: text.replace("+00:00", " o'clock", 1), "people.csv, row 2"),
        ("actions.csv", lambda text: text + "1,2\n", "actions.csv, row 3"),
        ("outbox.csv", None, "outbox.csv is missing"),
    ],
)
async def test_what_was_changed_is_refused_with_file_and_row_and_nothing_is_imported(
    store: Store, database: Database, watch: Watch, fresh: Fresh, tmp_path: Path, file: str, change: object, said: str
) -> None:
    await live(store, watch)
    out = tmp_path / "out"
    await asyncio.to_thread(transfer.export, database.url, database.key, out)
    if callable(change):
        (out / file).write_text(change((out / file).read_text("utf-8")), "utf-8")
    else:
        (out / file).unlink()
    other = fresh()
    with pytest.raises(NotAnExport, match=said):
        await asyncio.to_thread(transfer.import_all, other.url, database.key, out)
    there = await Store.open(other.url, database.key, clock=watch)
    assert await there.run(lambda tx: tx.people.page(0, 10)) == []
    await there.close()


async def test_an_hour_later_the_same_export_is_the_same(
    store: Store, database: Database, watch: Watch, tmp_path: Path
) -> None:
    await filled(store, database, watch)
    await asyncio.to_thread(transfer.export, database.url, database.key, tmp_path / "one")
    watch.forward(timedelta(hours=1))
    await asyncio.to_thread(transfer.export, database.url, database.key, tmp_path / "two")
    assert sheets(tmp_path / "one") == sheets(tmp_path / "two")
