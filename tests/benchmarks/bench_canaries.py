"""A thousand people with recognisable names, numbers and texts play the journey, on SQLite and on Postgres: how many of
them can be read in the database, its log, the bot's log at DEBUG, the metrics, the cards, and, once they are forgotten,
in a backup made before.

    python tests/benchmarks/bench_canaries.py [PEOPLE]     # 1,000 unless told otherwise
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


from storage.store import Store
from tests.bot.canaries import everything, flock, forgotten_in_backups, found, logging_all
from tests.databases import Database, Watch, server


async def look(database: Database, folder: Path, people: int) -> int:
    """Raises AssertionError where anybody can be read; how many bytes were logged."""
    watch = Watch()
    store = await Store.open(database.url, database.key, clock=watch)
    try:
        flown = await flock(store, watch, people // 2)
        with logging_all() as logged:
            await everything(flown, database, logged)
            await forgotten_in_backups(flown, database, folder, database.key)
        written = logged.getvalue().encode()
        assert found(written) == set()
        return len(written)
    finally:
        await store.close()


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two, server() as postgres:
        path = Path(one, "doorstep.db")
        for name, database in (
            ("SQLite", Database(f"sqlite:///{path}", Path(one, "doorstep.key"), path)),
            ("Postgres", Database(postgres.create(), Path(two, "doorstep.key"), None)),
        ):
            begun = time.monotonic()
            logged = asyncio.run(look(database, database.key.parent, people))
            seconds = time.monotonic() - begun
            print(f"{name}: {people:,} people in {seconds:.0f} s, {logged:,} bytes of log: nobody read", flush=True)


if __name__ == "__main__":
    main()
