"""`doorstep run` is killed at each of nine points between an event and the record of its answer, so often on SQLite and
on Postgres, against Telegram's stand-in: nothing may be lost or taken twice, and only what had no answer comes twice.

    python tests/benchmarks/bench_deaths.py [TIMES] [sqlite|postgres]        # 200 on both unless told otherwise

Several bots die side by side, each with a database and a platform of its own: most of a death is waiting for a birth.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


from tests.bot.deaths import POINTS
from tests.bot.dying import dying, unexplained
from tests.databases import server

LANES = 4
"""Bots at a time."""


async def _in_lanes(folder: Path, url: Callable[[Path], str], times: int) -> Counter[str]:
    shares = [len(range(lane, times, LANES)) for lane in range(min(LANES, times))]
    lanes = [folder / str(lane) for lane in range(len(shares))]
    for lane in lanes:
        lane.mkdir()
    async with asyncio.TaskGroup() as group:
        done = [group.create_task(dying(*each)) for each in zip(lanes, map(url, lanes), shares, strict=True)]
    return sum((each.result() for each in done), Counter[str]())


def measure(name: str, url: Callable[[Path], str], times: int) -> bool:
    """Prints what came of it; whether everything held."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        twice = asyncio.run(_in_lanes(Path(folder), url, times))
    seconds = time.monotonic() - begun
    print(
        f"{name}: {times} times at each of {len(POINTS)} points in {seconds:.0f} s: nothing lost, no turn twice; twice"
    )
    print("  came, by point: " + ", ".join(f"{point} {twice[point]}" for point in POINTS), flush=True)
    return not unexplained(twice)


def main() -> None:
    """Raises AssertionError at the first that is lost or taken twice."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    wanted = sys.argv[2:] or ["sqlite", "postgres"]
    held = True
    if "sqlite" in wanted:
        held = measure("SQLite", lambda lane: f"sqlite:///{lane}/doorstep.db", times)
    if "postgres" in wanted:
        with server() as postgres:
            held = measure("Postgres", lambda _: postgres.create(), times) and held
    sys.exit(0 if held else "messages came twice although no answer was lost")


if __name__ == "__main__":
    main()
