"""Durable turns per second on both databases: one, two and four processes, few people and many, and a slow disk.

    python tests/benchmarks/bench_rates.py [people ...]      # 1000 and 100000 unless told otherwise

Beside them, in the same run: plain asyncpg that writes the same three rows of a turn in five round trips (begin, event,
conversation, message, commit), on one connection and on as many as ours has, and bare `sqlite3` with a commit for each.
SQLite has one process that writes, always.

On a slow disk every flush takes 2 ms more: SQLite's commits sleep for so long in the thread that commits, as they would
wait for the disk; Postgres has `commit_delay`, which does the same to whoever flushes, also where nobody else is in a
transaction (`commit_siblings = 0`).
"""

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import asyncpg
import psycopg

from bot.app import open_bot
from bot.world import World
from storage.postgres import CONNECTIONS
from storage.schema import parsed
from storage.sqlite import connect
from storage.writer import Writer
from tests.benchmarks.bench_turns import FLOW, IN_FLIGHT, doorstep_turn
from tests.databases import Postgres, server

PROCESSES = (1, 2, 4)
TURNS = 8_000
ONE_BY_ONE = 1_000
FLUSH = 0.002
"""Seconds that a flush of the slow disk takes longer."""

BODY = b"x" * 250


class SlowDisk(Writer):
    """The writer on a disk whose every flush takes longer."""

    def _connect(self, path: Path) -> sqlite3.Connection:
        return connect(path, writes=True, factory=SlowCommits)


class SlowCommits(sqlite3.Connection):
    """A connection whose commits take longer."""

    def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
        done = super().execute(sql, parameters)  # type: ignore[arg-type]
        if sql == "COMMIT":
            time.sleep(FLUSH)
        return done


class Rate(NamedTuple):
    """Turns a second, and the microseconds of processor time that each took us; without what a server takes."""

    turns: float
    each: float


# --- one process of ours ---------------------------------------------------------------------------------------


async def work(url: str, folder: Path, people: int, first: int, last: int, place: int, of: int, slow: bool) -> None:
    """Takes its share of these turns as soon as it is told to, and says when it began and ended."""
    writer = SlowDisk if slow else Writer
    async with open_bot(url, folder / "ours.key", folder / "flows", World(), writer=writer) as bot:
        turn, numbers = doorstep_turn(bot), iter(range(first + place, last, of))

        async def one() -> None:
            for number in numbers:
                await turn(*said(number, people))

        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        begun, worked = time.time(), time.process_time()
        await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
        print(json.dumps([begun, time.time(), time.process_time() - worked]), flush=True)


def said(number: int, people: int) -> tuple[int, int]:
    """Who speaks in the turn of this number, and at which step. Every second person is a step ahead: both questions are
    answered equally often, whether a thousand turns are each person's next or the next of few of them."""
    if number < people:
        return number, 0
    ahead, later = 2 * (number - people) + 1, number - people - people // 2
    return (ahead, 1) if later < 0 else (later % people, later // people + 1 + later % people % 2)


class Ours:
    """Turns on one database, by any number of processes; `done` of them so far."""

    def __init__(self, url: str, folder: Path, people: int) -> None:
        self.url, self.folder, self.people, self.done = url, folder, people, 0
        (folder / "flows/library").mkdir(parents=True)
        (folder / "flows/library/bench.yaml").write_text(FLOW)
        self.rate(1, people + people // 2)

    def rate(self, processes: int, turns: int, *, slow: bool = False) -> Rate:
        """Turns of so many processes together; each has people of its own, as order asks for."""
        first, self.done = self.done, self.done + turns
        asked = [self.url, str(self.folder), *map(str, (self.people, first, self.done))]
        workers = [
            subprocess.Popen(
                [sys.executable, __file__, "work", *asked, str(place), str(processes), str(int(slow))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for place in range(processes)
        ]  # fmt: skip
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        times = [json.loads(worker.communicate()[0]) for worker in workers]
        seconds = max(ended for _, ended, _ in times) - min(begun for begun, _, _ in times)
        return Rate(turns / seconds, sum(worked for _, _, worked in times) / turns * 1e6)


# --- what others do --------------------------------------------------------------------------------------------

TABLES = (
    "CREATE TABLE plain_inbox (id {id}, event TEXT UNIQUE, body {bytes})",
    "CREATE TABLE plain_conversations (id {id}, body {bytes})",
    "CREATE TABLE plain_outbox (id {id}, person BIGINT, body {bytes})",
)


async def plain(url: str, people: int, connections: int, turns: int) -> Rate:
    """The rows of so many turns a second, by asyncpg in five round trips each."""
    plain_url = parsed(url).set(drivername="postgresql").render_as_string(hide_password=False)
    pool = await asyncpg.create_pool(plain_url, min_size=connections, max_size=connections)
    async with pool.acquire() as connection:
        await connection.execute("DROP TABLE IF EXISTS plain_inbox, plain_conversations, plain_outbox")
        for table in TABLES:
            await connection.execute(table.format(id="BIGSERIAL PRIMARY KEY", bytes="BYTEA"))
        await connection.executemany("INSERT INTO plain_conversations (body) VALUES ($1)", [(BODY,)] * people)
    numbers = iter(range(turns))

    async def one() -> None:
        async with pool.acquire() as connection:
            for number in numbers:
                person = number % people
                await connection.execute("BEGIN")
                await connection.execute("INSERT INTO plain_inbox (event, body) VALUES ($1, $2)", f"{number}", BODY)
                await connection.execute("UPDATE plain_conversations SET body = $1 WHERE id = $2", BODY, person + 1)
                await connection.execute("INSERT INTO plain_outbox (person, body) VALUES ($1, $2)", person, BODY)
                await connection.execute("COMMIT")

    begun, worked = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(connections)))
    found = Rate(turns / (time.perf_counter() - begun), (time.process_time() - worked) / turns * 1e6)
    await pool.close()
    return found


def bare(file: Path, people: int, turns: int, *, slow: bool) -> Rate:
    """The same rows, by `sqlite3` with a commit for each turn."""
    factory = SlowCommits if slow else sqlite3.Connection
    connection = sqlite3.connect(file, isolation_level=None, factory=factory)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    for table in TABLES:
        connection.execute(table.format(id="INTEGER PRIMARY KEY", bytes="BLOB"))
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO plain_conversations (body) VALUES (?)", [(BODY,)] * people)
    connection.execute("COMMIT")
    begun, worked = time.perf_counter(), time.process_time()
    for number in range(turns):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO plain_inbox (event, body) VALUES (?, ?)", (f"{number}", BODY))
        connection.execute("UPDATE plain_conversations SET body = ? WHERE id = ?", (BODY, number % people + 1))
        connection.execute("INSERT INTO plain_outbox (person, body) VALUES (?, ?)", (number % people, BODY))
        connection.execute("COMMIT")
    return Rate(turns / (time.perf_counter() - begun), (time.process_time() - worked) / turns * 1e6)


# --- the table -------------------------------------------------------------------------------------------------


@contextmanager
def slow_flushes(url: str) -> Iterator[None]:
    """Postgres on a disk whose every flush takes longer."""
    change(url, commit_delay=f"{FLUSH * 1e6:.0f}", commit_siblings="0")
    try:
        yield
    finally:
        change(url, commit_delay="0", commit_siblings="5")


def change(url: str, **settings: str) -> None:
    """Sets these for the whole server."""
    plain_url = parsed(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain_url, autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute(f"ALTER SYSTEM SET {name} = {value}".encode())
        connection.execute("SELECT pg_reload_conf()")


def line(what: str, rate: Rate, against: Rate | None = None) -> float:
    """Prints a rate, and how often ours, `against` which it stands, holds it; how many turns a second it is."""
    times = f"  ours: {against.turns / rate.turns:.2f} times" if against else ""
    print(f"  {what:<50}{rate.turns:9,.0f}/s{rate.each:9,.0f} µs CPU{times}", flush=True)
    return rate.turns


def on_sqlite(people: int, folder: Path) -> float:
    """Prints what one file takes; turns a second of one process."""
    print(f"\nSQLite (WAL, FULL), {people:,} people")
    ours = Ours(f"sqlite:///{folder / 'ours.db'}", folder, people)
    one, slow = ours.rate(1, TURNS), ours.rate(1, TURNS, slow=True)
    line("doorstep", one)
    line("bare sqlite3, a commit each", bare(folder / "bare.db", people, ONE_BY_ONE, slow=False), one)
    line("doorstep, 2 ms more for every flush", slow)
    line("bare sqlite3, a commit each, 2 ms more", bare(folder / "slow.db", people, ONE_BY_ONE, slow=True), slow)
    return one.turns


def on_postgres(people: int, folder: Path, postgres: Postgres) -> float:
    """Prints what one server takes; turns a second of one process."""
    print(f"\nPostgres, {people:,} people")
    url = postgres.create()
    # The server of the tests flushes nothing.
    change(url, fsync="on", synchronous_commit="on", full_page_writes="on")
    ours = Ours(url, folder, people)
    rates = {count: ours.rate(count, TURNS) for count in PROCESSES}
    for count, rate in rates.items():
        line(f"doorstep, processes: {count}", rate)
    for connections in (1, CONNECTIONS):
        other = asyncio.run(plain(url, people, connections, TURNS))
        line(f"plain asyncpg, five round trips, {connections} at once", other, rates[1])
    with slow_flushes(url):
        slow = ours.rate(1, TURNS)
        line("doorstep, 2 ms more for every flush", slow)
        line("plain asyncpg, one by one, 2 ms more", asyncio.run(plain(url, people, 1, ONE_BY_ONE)), slow)
    return rates[1].turns


def main() -> None:
    """Measures, for each number of people."""
    rates: dict[str, list[float]] = {"SQLite": [], "Postgres": []}
    crowds = [int(number) for number in sys.argv[1:]] or [1_000, 100_000]
    with server() as postgres:
        for people in crowds:
            with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
                rates["SQLite"].append(on_sqlite(people, Path(one)))
                rates["Postgres"].append(on_postgres(people, Path(two), postgres))
    for database, found in rates.items():
        print(f"{database}: {crowds[-1]:,} people at {found[-1] / found[0]:.2f} of the rate of {crowds[0]:,}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        url, folder, *numbers = sys.argv[2:]
        people, first, last, place, of, slow = map(int, numbers)
        asyncio.run(work(url, Path(folder), people, first, last, place, of, bool(slow)))
    else:
        main()
