"""What reminders cost: asking what is due, beginning 10,000 at one second, and a look when a million lie ahead.

Beside it, in the same run, APScheduler's own job store on SQLite does the same: looks for what is due among jobs that
lie ahead, and runs 10,000 that are due at once, each written down as a bare row.

    python tests/benchmarks/bench_reminders.py [postgresql://…]      # SQLite (FULL) unless told otherwise
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped]
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore  # type: ignore[import-untyped]
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]
from sqlalchemy import insert

sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.group import Group
from bot.world import World
from storage import schema
from storage.actions import PUBLISHED
from storage.store import Store, Transaction
from storage.tables import ACTIONS, PEOPLE, SIGNUPS
from tests.bot.talking import ALWAYS, Talk, write
from tests.databases import Watch

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
FLOWS, ACTIONS_AHEAD, AHEAD, FAR, DUE, LOOKS = 20, 200, 100_000, 1_000_000, 10_000, 50


def flow(number: int) -> str:
    starts = f"{{moment: action.start, offset: -{number + 1} hours, who: signed_up, until: 30 minutes before}}"
    say = '"{{ action.title }} begins {{ action.until_then }}."'
    return f"flow: r{number}\nstarts: {starts}\nstart: a\nstates:\n  a: {{say: {say}, end: a}}\n"


def fill(url: str, signups: int, starts_at: datetime, first_person: int) -> None:
    """Rows without keys: nobody of them is written to while this is measured."""
    people = [
        {"id": first_person + each, "created_at": NOW, "language": "en", "role": "", "status": "active",
         "district": "", "capacity": 0, "load": 0}
        for each in range(signups // 10)
    ]  # fmt: skip
    with schema.connection(url) as connection:
        connection.execute(insert(PEOPLE), people)
        rows = []
        for number in range(ACTIONS_AHEAD):
            at = starts_at + timedelta(hours=number)
            added = connection.execute(
                insert(ACTIONS).values(
                    title="Clean-up", what="", kind="", district="", cell="", address="", starts_at=at,
                    ends_at=at + timedelta(hours=2), zone="Europe/London", going=0, goal=0, secret="", state=PUBLISHED,
                    created_at=NOW, sequence=0, told=0, materials="",
                ).returning(ACTIONS.c.id)
            ).scalar_one()  # fmt: skip
            share = signups // ACTIONS_AHEAD
            rows += [
                {"action_id": added, "person_id": people[(number * share + each) % len(people)]["id"], "kind": "yes",
                 "state": "going", "bringing": 0, "at": NOW}
                for each in range(share)
            ]  # fmt: skip
        for start in range(0, len(rows), 20_000):
            connection.execute(insert(SIGNUPS), rows[start : start + 20_000])
        connection.commit()


async def looks(talk: Talk, count: int = LOOKS) -> float:
    """Microseconds of one look in which nothing is due."""
    await talk.moments.tick()
    begun = time.perf_counter()
    for _ in range(count):
        await talk.moments.tick()
    return (time.perf_counter() - begun) / count * 1e6


async def all_due(talk: Talk, store: Store) -> tuple[float, int]:
    """Seconds until everyone's reminder is in the outbox, and how many that were."""

    async def join(tx: Transaction, start: int, number: int) -> None:
        for each in range(start, start + 500):
            person = await tx.people.add("web", "web", f"p{each}", "en")
            await tx.actions.sign_up(number, person.id, "yes")

    # Of all the flows, the first that is due.
    starts_at = talk.watch.now + timedelta(hours=FLOWS)
    number = await store.run(
        lambda tx: tx.actions.add(
            title="Rally", starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), zone="UTC", state=PUBLISHED
        )
    )
    for start in range(0, DUE, 500):
        await store.run(partial(join, start=start, number=number))
    begun = time.perf_counter()
    while await talk.moments.tick():
        pass
    took = time.perf_counter() - begun
    return took, await talk.ledger("reminded")


def remind(path: str, number: int) -> None:
    """What a job of APScheduler does: a bare row."""
    with sqlite3.connect(path, timeout=60) as db:
        db.execute("INSERT INTO outbox VALUES (?)", (number,))


def apscheduler(folder: Path) -> tuple[float, float, int]:
    """Microseconds of one look at 10,000 jobs ahead; seconds for as many that are due; how many of them ran."""
    rows = str(folder / "rows.db")
    with sqlite3.connect(rows) as db:
        db.execute("CREATE TABLE outbox (number INTEGER)")
    store = SQLAlchemyJobStore(f"sqlite:///{folder / 'jobs.db'}")
    scheduler = BackgroundScheduler(
        timezone=UTC, jobstores={"default": store}, executors={"default": ThreadPoolExecutor(10)},
        job_defaults={"misfire_grace_time": None},
    )  # fmt: skip
    scheduler.start(paused=True)
    later = datetime.now(UTC) + timedelta(days=9)
    for number in range(DUE):
        scheduler.add_job(remind, "date", run_date=later, args=(rows, number), id=str(number))
    begun = time.perf_counter()
    for _ in range(LOOKS):
        store.get_due_jobs(datetime.now(UTC))
        store.get_next_run_time()
    look = (time.perf_counter() - begun) / LOOKS * 1e6
    with sqlite3.connect(folder / "jobs.db") as db:
        db.execute("UPDATE apscheduler_jobs SET next_run_time = ?", (time.time(),))
    begun, ran = time.perf_counter(), 0
    scheduler.resume()
    while ran < DUE and time.perf_counter() - begun < 120:
        time.sleep(0.2)
        with sqlite3.connect(rows) as db:
            (ran,) = db.execute("SELECT count(*) FROM outbox").fetchone()
    took = time.perf_counter() - begun
    scheduler.shutdown(wait=False)
    return look, took, ran


async def main(url: str, folder: Path) -> None:
    watch = Watch(NOW)
    store = await Store.open(url, folder / "key", clock=watch)
    write(folder / "flows", {**ALWAYS, **{f"r{number}": flow(number) for number in range(FLOWS)}})
    talk = Talk(store, watch, folder / "flows", World(Group(quiet=None)))
    await talk.libraries.begin()
    try:
        print(f"a look, {FLOWS} flows, nothing signed up for    {await looks(talk):>10,.0f} µs")
        fill(url, AHEAD, NOW + timedelta(days=10), 1_000_000)
        print(f"a look, {AHEAD:,} sign-ups ahead              {await looks(talk):>10,.0f} µs")
        fill(url, FAR // FLOWS, NOW + timedelta(days=40), 2_000_000)
        ahead = FLOWS * (FAR // FLOWS + AHEAD)
        print(f"a look, {ahead:,} reminders ahead           {await looks(talk):>10,.0f} µs")
        took, count = await all_due(talk, store)
        print(f"{count:,} due at one second, in the outbox after {took:>10.2f} s ({count / took:,.0f}/s)")
    finally:
        await store.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        at = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{name}/bench.db"
        asyncio.run(main(at, Path(name)))
        look, took, ran = apscheduler(Path(name))
        print(f"APScheduler: a look, {DUE:,} jobs ahead          {look:>10,.0f} µs")
        print(f"APScheduler: {ran:,} of {DUE:,} due at once ran in {took:>10.2f} s")
