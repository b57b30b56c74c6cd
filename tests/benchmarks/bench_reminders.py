"""What reminders cost: asking what is due, beginning 10,000 at one second, a look when a million lie ahead, and going
through 100,000 people for those who live near an action.

Beside it, in the same run, APScheduler's own job store on SQLite does the same: looks for what is due among jobs that
lie ahead, and runs those that are due at once, each written down as a bare row. It has a tenth as many, for it takes
minutes over 10,000; and it is not waited for longer than `PATIENCE`. The last line is a ratio of processor time, which
a busy machine does not stretch; a whole reminder (engine, sealed message, ledger) beside a bare row.

    python tests/benchmarks/bench_reminders.py [postgresql://…]      # SQLite (FULL) unless told otherwise
"""

import asyncio
import itertools
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

from bot.actions import lies_near
from bot.cells import cell_at
from bot.group import Group
from bot.world import World
from storage import schema
from storage.actions import PUBLISHED
from storage.store import Store, Transaction
from storage.tables import PEOPLE, SIGNUPS
from tests.bot.talking import ALWAYS, Talk, write
from tests.databases import Watch

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
FLOWS, ACTIONS_AHEAD, AHEAD, FAR, DUE, LOOKS = 20, 200, 100_000, 1_000_000, 10_000, 200
PEOPLE_HERE, FAR_AWAY, DISTRICTS = 2_000, 98_000, 1_000
JOBS, PATIENCE = 1_000, 30
LEEDS, LONDON = (53.80, -1.55), (51.51, -0.13)


def flow(number: int) -> str:
    starts = f"{{moment: action.start, offset: -{number + 1} hours, who: signed_up, until: 30 minutes before}}"
    say = '"{{ action.title }} begins {{ action.until_then }}."'
    return f"flow: r{number}\nstarts: {starts}\nstart: a\nstates:\n  a: {{say: {say}, end: a}}\n"


def people(first: int, many: int) -> list[dict[str, object]]:
    """Rows of people without keys: nobody of them is written to while this is measured."""
    row = {
        "created_at": NOW,
        "language": "en",
        "role": "",
        "status": "active",
        "district": "",
        "capacity": 0,
        "load": 0,
    }
    return [{**row, "load": 0, "id": first + each} for each in range(many)]


async def ahead(store: Store, url: str, signups: int, starts_at: datetime, first_person: int) -> None:
    """So many sign-ups for `ACTIONS_AHEAD` actions, one an hour from then on."""

    async def published(tx: Transaction) -> list[int]:
        at = [starts_at + timedelta(hours=number) for number in range(ACTIONS_AHEAD)]
        return [
            await tx.actions.add(
                title="Clean-up", starts_at=each, ends_at=each + timedelta(hours=2), zone="Europe/London",
                state=PUBLISHED,
            )
            for each in at
        ]  # fmt: skip

    actions, many = await store.run(published), signups // 10
    share = signups // ACTIONS_AHEAD
    rows = [
        {"action_id": action, "person_id": first_person + (number * share + each) % many, "kind": "yes",
         "state": "going", "bringing": 0, "at": NOW}
        for number, action in enumerate(actions) for each in range(share)
    ]  # fmt: skip
    await asyncio.to_thread(_insert, url, people(first_person, many), rows)


def _insert(url: str, people: list[dict[str, object]], signups: list[dict[str, object]]) -> None:
    with schema.connection(url) as connection:
        connection.execute(insert(PEOPLE), people)
        for start in range(0, len(signups), 20_000):
            connection.execute(insert(SIGNUPS), signups[start : start + 20_000])
        connection.commit()


async def nearby(store: Store, url: str) -> float:
    """Milliseconds to go once through those who live near an action, and have had it, among 100,000 people."""
    lat, lon = LEEDS
    here = [cell_at(lat + each % 30 / 200, lon + each // 30 / 200) for each in range(DISTRICTS)]
    lat, lon = LONDON
    away = [cell_at(lat + each % 30 / 200, lon + each // 30 / 200) for each in range(DISTRICTS)]
    rows = people(3_000_000, PEOPLE_HERE) + people(4_000_000, FAR_AWAY)
    for number, row in enumerate(rows):
        row["district"] = (here if number < PEOPLE_HERE else away)[number % DISTRICTS]
    await asyncio.to_thread(_insert, url, rows, [])

    async def work(tx: Transaction) -> int:
        found = 0
        for district in await tx.moments.districts():
            if lies_near(district, here[0], 25):
                found += len(await tx.moments.nearby(1, "r0", "", district, 500))
        return found

    begun = time.perf_counter()
    assert await store.read(work) == 0
    return (time.perf_counter() - begun) * 1e3


async def looks(talk: Talk, count: int = LOOKS) -> float:
    """Microseconds of one look in which nothing is due."""
    await talk.moments.tick()
    begun = time.perf_counter()
    for _ in range(count):
        await talk.moments.tick()
    return (time.perf_counter() - begun) / count * 1e6


async def all_due(talk: Talk, store: Store) -> tuple[float, float, int]:
    """Seconds until everyone's reminder is in the outbox, those of the processor in this process, and how many that
    were."""

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
    waits: list[float] = []
    people_write = asyncio.create_task(_write(talk, waits))
    worked = time.process_time()
    begun = time.perf_counter()
    while await talk.moments.tick():
        pass
    took, worked = time.perf_counter() - begun, time.process_time() - worked
    people_write.cancel()
    await asyncio.gather(people_write, return_exceptions=True)
    waits.sort()
    told = f"median {waits[len(waits) // 2] * 1e3:,.0f} ms, longest {waits[-1] * 1e3:,.0f} ms"
    print(f"meanwhile {len(waits):,} people wrote, and their turns took {told}")
    return took, worked, await talk.ledger("reminded")


async def _write(talk: Talk, waits: list[float]) -> None:
    """Somebody new writes every twentieth of a second; how long each turn took, in seconds."""
    for number in itertools.count():
        begun = time.perf_counter()
        await talk.say("help", who=f"live {number}")
        waits.append(time.perf_counter() - begun)
        await asyncio.sleep(0.05)


def remind(path: str, number: int) -> None:
    """What a job of APScheduler does: a bare row."""
    with sqlite3.connect(path, timeout=60) as db:
        db.execute("INSERT INTO outbox VALUES (?)", (number,))


def apscheduler(folder: Path) -> tuple[float, float, float, int]:
    """Microseconds of one look at `JOBS` ahead; seconds for as many that are due, and those of the processor; how many
    of them ran."""
    rows = str(folder / "rows.db")
    with sqlite3.connect(rows) as db:
        db.execute("CREATE TABLE outbox (number INTEGER)")
    ahead, due = (SQLAlchemyJobStore(f"sqlite:///{folder / name}.db") for name in ("ahead", "due"))
    scheduler = BackgroundScheduler(
        timezone=UTC, jobstores={"ahead": ahead, "due": due}, executors={"default": ThreadPoolExecutor(10)},
        job_defaults={"misfire_grace_time": None},
    )  # fmt: skip
    scheduler.start(paused=True)
    now = datetime.now(UTC)
    for store, at in (("ahead", now + timedelta(days=9)), ("due", now)):
        for number in range(JOBS):
            scheduler.add_job(remind, "date", run_date=at, args=(rows, number), id=str(number), jobstore=store)
    begun = time.perf_counter()
    for _ in range(LOOKS):
        ahead.get_due_jobs(now)
        ahead.get_next_run_time()
    look = (time.perf_counter() - begun) / LOOKS * 1e6
    begun, worked, ran = time.perf_counter(), time.process_time(), 0
    scheduler.resume()
    while ran < JOBS and time.perf_counter() - begun < PATIENCE:
        time.sleep(0.2)
        with sqlite3.connect(rows) as db:
            (ran,) = db.execute("SELECT count(*) FROM outbox").fetchone()
    took, worked = time.perf_counter() - begun, time.process_time() - worked
    scheduler.shutdown(wait=False)
    return look, took, worked, ran


async def main(url: str, folder: Path) -> float:
    """Prints it all; what one of those due at one second took of a processor, in µs."""
    watch = Watch(NOW)
    store = await Store.open(url, folder / "key", clock=watch)
    write(folder / "flows", {**ALWAYS, **{f"r{number}": flow(number) for number in range(FLOWS)}})
    talk = Talk(store, watch, folder / "flows", World(Group(quiet=None)))
    await talk.libraries.begin()
    try:
        print(f"a look, {FLOWS} flows, nothing signed up for    {await looks(talk):>10,.0f} µs")
        await ahead(store, url, AHEAD, NOW + timedelta(days=10), 1_000_000)
        print(f"a look, {AHEAD:,} sign-ups ahead              {await looks(talk):>10,.0f} µs")
        await ahead(store, url, FAR // FLOWS, NOW + timedelta(days=40), 2_000_000)
        many = FLOWS * (FAR // FLOWS + AHEAD)
        print(f"a look, {many:,} reminders ahead           {await looks(talk):>10,.0f} µs")
        print(f"those nearby among {PEOPLE_HERE + FAR_AWAY:,} people           {await nearby(store, url):>10,.0f} ms")
        took, worked, count = await all_due(talk, store)
        each = worked / count * 1e6
        print(f"{count:,} due at one second, in the outbox after {took:>10.2f} s ({each:,.0f} µs of a processor each)")
        return each
    finally:
        await store.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        at = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{name}/bench.db"
        ours = asyncio.run(main(at, Path(name)))
        look, took, worked, ran = apscheduler(Path(name))
        each = worked / max(ran, 1) * 1e6
        print(f"APScheduler: a look, {JOBS:,} jobs ahead           {look:>10,.0f} µs")
        print(f"APScheduler: {ran:,} of {JOBS:,} due at once ran in   {took:>10.2f} s ({each:,.0f} µs each)")
        print(f"what one of ours takes of what one of theirs does {ours / each:>8.2f}")
