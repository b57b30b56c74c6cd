import asyncio
from datetime import date, timedelta

from sqlalchemy import select

from storage import schema
from storage.store import Store
from storage.tables import JOBS
from tests.databases import Database, Watch

DAY = date(2026, 3, 2)


async def begin(store: Store, name: str = "digest", day: date = DAY) -> bool:
    return await store.run(lambda tx: tx.jobs.begin(name, day))


async def test_a_job_begins_once_a_day_however_many_ask_at_once(store: Store) -> None:
    began = await asyncio.gather(*(begin(store) for _ in range(12)))
    assert sorted(began) == [False] * 11 + [True]


async def test_another_job_or_another_day_is_not_the_same(store: Store) -> None:
    assert await begin(store)
    assert await begin(store, "retention")
    assert await begin(store, day=DAY + timedelta(days=1))
    assert not await begin(store, day=DAY + timedelta(days=1))


async def test_a_job_that_is_done_says_when_and_does_not_begin_again(
    store: Store, database: Database, watch: Watch
) -> None:
    assert await begin(store)
    assert await begin(store, day=DAY + timedelta(days=1))
    watch.forward(timedelta(minutes=3))
    await store.run(lambda tx: tx.jobs.done("digest", DAY))
    assert not await begin(store)
    with schema.connection(database.url) as connection:
        rows = connection.execute(select(JOBS.c.name, JOBS.c.day, JOBS.c.done_at).order_by(JOBS.c.day)).all()
    assert [tuple(row) for row in rows] == [("digest", DAY, watch.now), ("digest", DAY + timedelta(days=1), None)]
