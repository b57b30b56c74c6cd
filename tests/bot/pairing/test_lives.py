"""Every order of what two people and the coordinators can do with a pair, and the same by two processes at once."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest

from storage import postgres
from storage.pairs import Pair, Pairs
from storage.store import Store
from tests.bot.pairing.lives import ANA, BEN, HESITATION, SAM, Life
from tests.databases import Database, Watch
from tests.waiting import PATIENCE

DEPTH = 8
BEFORE = {
    "nobody asked": [],
    "offered": [(ANA, "ask")],
    "introduced": [(ANA, "ask"), (SAM, "yes")],
}
"""What has happened when a race begins."""

RACES = [
    ("nobody asked", (ANA, "ask"), (BEN, "ask")),
    *(("offered", (ANA, one), (SAM, other)) for one, other in (
        ("stop", "yes"), ("forget", "yes"), ("stop", "no"), ("stop", "step down"),
    )),
    ("offered", (BEN, "ask"), (SAM, "no")),
    *(("introduced", (ANA, one), (SAM, other)) for one, other in (
        ("share", "wrong"), ("report", "met"), ("another", "end"), ("stop", "stop"), ("forget", "forget"),
    )),
]  # fmt: skip
"""Two who do something at the same time that concerns the same pair, or the same place. The second hesitates."""

LONG = 0.03
"""Seconds: longer than the other one takes, who would be overwritten by it were the pair not locked."""


Moment = tuple[list[sqlite3.Connection], datetime, tuple[tuple[str, str], ...]]
"""A copy of the database, the time, and the steps that led there."""


class Snapshots:
    """Brings an SQLite database, and that of its keys, back to what they were."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._files = [file for file in folder.glob("doorstep*") if _is_database(file)]
        self._store = store

    def taken(self) -> list[sqlite3.Connection]:
        found = []
        for file in self._files:
            found.append(sqlite3.connect(":memory:"))
            with closing(sqlite3.connect(file)) as source:
                source.backup(found[-1])
        return found

    def restore(self, taken: list[sqlite3.Connection]) -> None:
        for file, copy in zip(self._files, taken, strict=True):
            with closing(sqlite3.connect(file)) as target:
                copy.backup(target)
        assert self._store._backend is not None
        self._store._backend._vault.drop_all()


def _is_database(file: Path) -> bool:
    return file.read_bytes()[:6] == b"SQLite"


@pytest.mark.slow("minutes")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_no_order_of_what_two_people_do_breaks_a_promise(store: Store, watch: Watch, database: Database) -> None:
    watch.now = datetime(2026, 6, 1, 9, 0, tzinfo=watch.now.tzinfo)
    life = Life(store, watch, approval=True)
    await life.begin()
    assert database.path is not None
    snapshots = Snapshots(database.path.parent, store)
    edge: list[tuple[list[sqlite3.Connection], datetime, tuple[tuple[str, str], ...]]] = [
        (snapshots.taken(), watch.now, ())
    ]
    seen = {await life.key()}
    for _ in range(DEPTH):
        found = []
        for content, now, path in edge:
            snapshots.restore(content)
            for step in await life.possible():
                watch.now = now
                snapshots.restore(content)
                await life.here.free.refresh()
                await life.take(*step)
                broken = await life.broken()
                assert not broken, (broken, (*path, step))
                key = await life.key()
                if key not in seen:
                    seen.add(key)
                    found.append((snapshots.taken(), watch.now, (*path, step)))
        edge = found
    assert len(seen) > 200


@pytest.mark.slow
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_two_processes_at_once_break_no_promise_and_never_wait_for_each_other(
    store: Store,
    watch: Watch,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Else a turn that a deadlock ended is run again, and nobody hears of it.
    again = tuple(error for error in postgres._AGAIN if error is not asyncpg.DeadlockDetectedError)
    monkeypatch.setattr(postgres, "_AGAIN", again)
    save = Pairs.save

    async def later(pairs: Pairs, pair: Pair) -> None:
        await asyncio.sleep(HESITATION.get())
        await save(pairs, pair)

    monkeypatch.setattr(Pairs, "save", later)
    other = await Store.open(database.url, database.key, clock=watch)
    try:
        life, beside = (Life(each, watch, approval=False) for each in (store, other))
        await beside.here.libraries.begin()
        beside.hesitates = LONG
        for number, (state, one, another) in enumerate(RACES):
            await life.begin(f"{number}")
            beside.people = life.people
            for step in BEFORE[state]:
                await life.take(*step)
            await beside.here.free.refresh()
            states = [(pair.buddy_id, pair.state) for pair in await life.here.pairs(f"{ANA}{number}")]
            assert states == ([] if state == "nobody asked" else [(life.people[SAM], state)])
            # A deadlock that Postgres finds (after a second) is an error here, one that it does not find a time-out.
            async with asyncio.timeout(PATIENCE):
                life.meeting = beside.meeting = asyncio.Barrier(2)
                await asyncio.gather(life.do(*one), beside.do(*another))
                await asyncio.gather(life.follow(), beside.follow())
                await asyncio.gather(life.sweep(), beside.sweep())
            broken = await life.broken()
            assert not broken, (broken, state, one, another)
            for who in (ANA, BEN, SAM):  # or the next Ana is introduced to this Sam
                await life.do(who, "stop")
                await life.follow()
        assert not [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    finally:
        await other.close()
