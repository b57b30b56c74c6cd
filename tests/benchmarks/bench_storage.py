"""What one turn costs in storage, and what it would cost by other ways; prints microseconds per turn.

    python tests/benchmarks/bench_storage.py [--postgres URL] [--turns N]

A turn here is: load the person and their conversation, open them, write 1 inbox row, 1 conversation and 2 outbox rows,
sealed. The other ways write the same four rows, without opening or sealing anything.
"""

import argparse
import asyncio
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import asyncpg
import psycopg
from sqlalchemy import create_engine, event, update
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from flows.model import Caller, Conversation, Say, Shown
from storage.schema import parsed
from storage.store import Store, Transaction
from storage.tables import CONVERSATIONS, INBOX, OUTBOX, ConversationRow, InboxRow, OutboxRow

PEOPLE = 5000
FLIGHT = 64

SAYS = [
    Say("Thank you, Leeds is where 42 of us are. One more question, then you will know someone near you."),
    Say("May I introduce you to one volunteer?", (Shown("yes", "Yes please"), Shown("no", "Not now")), question=3),
]


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)


class Measured:
    """Wall-clock and processor time of a stretch of turns."""

    def __init__(self, name: str, turns: int) -> None:
        self._name = name
        self._turns = turns

    def __enter__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu()

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.perf_counter() - self._wall, _cpu() - self._cpu
        each = 1e6 / self._turns
        print(f"{self._name:58s} {self._turns / wall:9,.0f}/s  {wall * each:8.1f} µs wall  {cpu * each:8.1f} µs CPU")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def flight(turns: int, turn: Callable[[int], Awaitable[object]], in_flight: int) -> None:
    """Keeps so many turns under way."""
    numbers = iter(range(turns))

    async def worker() -> None:
        for number in numbers:
            await turn(number)

    await asyncio.gather(*(worker() for _ in range(in_flight)))


async def fill(store: Store) -> None:
    """People who have begun a conversation."""

    async def add(number: int) -> None:
        async def work(tx: Transaction) -> None:
            person = await tx.people.add("telegram", "main", str(number), "en")
            await tx.people.save(person.id, {"name": "Ana", "interests": ("climate", "food"), "place": "Leeds"})
            trail = (Caller("welcome", "hello"), Caller("welcome", "interests"))
            conversation = Conversation(0, "welcome", 1, "place", tx.now, 2, "Which town are you near?", trail=trail)
            await tx.conversations.add(person.id, conversation, None)

        await store.run(work)

    await flight(PEOPLE, add, FLIGHT)


async def turns(store: Store, name: str, count: int, in_flight: int) -> None:
    """The turn, as `bot/turn.py` takes it."""

    async def turn(number: int) -> None:
        async def work(tx: Transaction) -> None:
            loaded = await tx.people.lock_and_load("telegram", "main", str(number % PEOPLE))
            assert loaded is not None
            person = loaded.person
            await tx.inbox.take("telegram/main", f"{name}{number}", person.id, "said", {"text": "Leeds"})
            conversation = loaded.conversations[0].with_(state="consent", question=3, entered_at=tx.now)
            await tx.conversations.save(person.id, conversation, tx.now + timedelta(days=1))
            await tx.outbox.add(person, person.address_id, conversation.id, SAYS)

        await store.run(work)

    with Measured(name, count):
        await flight(count, turn, in_flight)


def rows(number: int) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """The same four rows, for the other ways."""
    at, sealed = now(), bytes(250)
    outbox = {
        "person_id": 1,
        "address_id": 1,
        "channel": "telegram",
        "account": "main",
        "conversation_id": 1,
        "question": 1,
        "sealed": sealed,
        "priority": 0,
        "always": False,
        "created_at": at,
        "due_at": at,
        "state": "waiting",
        "claimed_by": "",
        "tries": 0,
        "receipt": "",
        "reason": "",
    }
    inbox = {
        "source": "other",
        "event": str(number),
        "person_id": 1,
        "kind": "said",
        "sealed": sealed,
        "arrived_at": at,
        "taken_at": at,
        "tries": 0,
        "error": "",
    }
    return inbox, {"state": "consent", "sealed": sealed, "entered_at": at, "next_due": at}, [outbox, outbox]


def bare(path: Path, count: int, group: int) -> None:
    """sqlite3 alone."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    inbox, change, outbox = rows(0)
    texts = [
        f"INSERT INTO inbox ({', '.join(inbox)}) VALUES ({', '.join('?' * len(inbox))})",
        "UPDATE conversations SET state = ?, sealed = ?, entered_at = ?, next_due = ? WHERE id = 1",
        f"INSERT INTO outbox ({', '.join(outbox[0])}) VALUES ({', '.join('?' * len(outbox[0]))})",
    ]
    values = [[7 if isinstance(v, datetime) else v for v in row.values()] for row in (inbox, change, outbox[0])]
    with Measured(f"sqlite3 alone, {group} to a commit", count):
        for number in range(count):
            if number % group == 0:
                connection.execute("BEGIN IMMEDIATE")
            values[0][1] = f"bare {group} {number}"
            connection.execute(texts[0], values[0])
            connection.execute(texts[1], values[1])
            connection.executemany(texts[2], [values[2], values[2]])
            if number % group == group - 1:
                connection.execute("COMMIT")
    connection.close()


def core(path: Path, count: int) -> None:
    """SQLAlchemy Core, synchronous."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = FULL"))
    with Measured("SQLAlchemy Core, one to a commit", count):
        for number in range(count):
            inbox, change, outbox = rows(number)
            with engine.begin() as connection:
                connection.execute(INBOX.insert(), inbox | {"source": "core"})
                connection.execute(update(CONVERSATIONS).where(CONVERSATIONS.c.id == 1).values(change))
                connection.execute(OUTBOX.insert(), outbox)
    engine.dispose()


async def orm(path: Path, count: int) -> None:
    """SQLModel's asynchronous session."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    event.listen(engine.sync_engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = FULL"))
    with Measured("SQLModel's async session, one to a commit", count):
        for number in range(count):
            inbox, change, outbox = rows(number)
            async with AsyncSession(engine) as session:
                conversation = await session.get(ConversationRow, 1)
                assert conversation is not None
                for name, value in change.items():
                    setattr(conversation, name, value)
                session.add(InboxRow(**inbox | {"source": "orm"}))
                session.add_all([OutboxRow(**row) for row in outbox])
                await session.commit()
    await engine.dispose()


async def drivers(url: str, count: int) -> None:
    """asyncpg and psycopg, on one connection and the same statements."""
    plain = parsed(url).set(drivername="postgresql").render_as_string(hide_password=False)
    inbox, change, outbox = rows(0)
    plan = [
        (f"INSERT INTO inbox ({', '.join(inbox)}) VALUES (%s)", list(inbox.values())),
        ("UPDATE conversations SET state = %s WHERE id = 1", list(change.values())),
        (f"INSERT INTO outbox ({', '.join(outbox[0])}) VALUES (%s)", list(outbox[0].values())),
    ]
    plan = [(text, [7 if isinstance(v, datetime) else v for v in values]) for text, values in plan]

    def filled(text: str, marks: list[str]) -> str:
        if text.startswith("UPDATE"):
            return text.replace("state = %s", ", ".join(f"{c} = {m}" for c, m in zip(change, marks, strict=True)))
        return text.replace("%s", ", ".join(marks))

    numbered = [(filled(text, [f"${i + 1}" for i in range(len(values))]), values) for text, values in plan]
    marked = [(filled(text, ["%s"] * len(values)), values) for text, values in plan]

    connection = await asyncpg.connect(plain)
    with Measured("Postgres: asyncpg, one connection", count):
        for number in range(count):
            await connection.execute("BEGIN")
            numbered[0][1][1] = f"asyncpg {number}"
            await connection.execute(numbered[0][0], *numbered[0][1])
            await connection.execute(numbered[1][0], *numbered[1][1])
            await connection.executemany(numbered[2][0], [numbered[2][1]] * 2)
            await connection.execute("COMMIT")
    await connection.close()
    async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as other:
        with Measured("Postgres: psycopg, one connection", count):
            for number in range(count):
                async with other.transaction():
                    marked[0][1][1] = f"psycopg {number}"
                    await other.execute(marked[0][0], marked[0][1], prepare=True)
                    await other.execute(marked[1][0], marked[1][1], prepare=True)
                    async with other.cursor() as cursor:
                        await cursor.executemany(marked[2][0], [marked[2][1]] * 2)


async def main(arguments: argparse.Namespace) -> None:
    """All of it."""
    count = arguments.turns
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.db")
        store = await Store.open(f"sqlite:///{path}", Path(folder, "bench.key"), clock=now)
        await fill(store)
        await turns(store, f"SQLite, {FLIGHT} in flight", count, FLIGHT)
        await turns(store, "SQLite, one at a time", count // 10, 1)
        await store.close()
        bare(path, count, 1)
        bare(path, count, FLIGHT)
        core(path, count // 10)
        await orm(path, count // 10)
        if arguments.postgres:
            store = await Store.open(arguments.postgres, Path(folder, "postgres.key"), clock=now)
            await fill(store)
            await turns(store, f"Postgres, {FLIGHT} in flight", count // 4, FLIGHT)
            await turns(store, "Postgres, one at a time", count // 10, 1)
            await store.close()
            await drivers(arguments.postgres, count // 10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", default="", help="the address of an empty Postgres database")
    parser.add_argument("--turns", type=int, default=20_000)
    asyncio.run(main(parser.parse_args()))
