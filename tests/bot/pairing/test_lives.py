"""Every order of what two people and the coordinators can do with a pair, and the same by two processes at once."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from storage.store import Store
from tests.bot.pairing.lives import ANA, MORE, SAM, STEPS, Life
from tests.databases import Database, Watch

DEPTH = 8
LIVES, ROUNDS = 8, 6
RACED = [each for each in (*STEPS, *MORE) if each[0] != "nobody"] + [(SAM, "yes")] * 4


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


@pytest.mark.slow
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
    store: Store, watch: Watch, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    other = await Store.open(database.url, database.key, clock=watch)
    try:
        life, beside = (Life(each, watch, approval=False) for each in (store, other))
        await beside.here.libraries.begin()
        chance = Random(5)
        for life_number in range(LIVES):
            await life.begin(f"{life_number}")
            beside.people = life.people
            await beside.here.free.refresh()
            await life.take(ANA, "ask")
            for _ in range(ROUNDS):
                # A deadlock that Postgres finds is an error here, and one that it does not find a time-out.
                async with asyncio.timeout(20):
                    await asyncio.gather(*(each.take(*chance.choice(RACED)) for each in (life, beside)))
            await life.take("nobody", "silence")
            broken = await life.broken()
            assert not broken, broken
        assert not [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    finally:
        await other.close()
