"""`doorstep run` is killed at each of nine points between an event and the record of its answer, so often on SQLite and
on Postgres, against Telegram's stand-in: nothing may be lost or taken twice, and only what had no answer comes twice.

    python tests/benchmarks/bench_deaths.py [TIMES]        # 200 unless told otherwise
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


from tests.bot.deaths import POINTS
from tests.bot.dying import dying, unexplained
from tests.databases import server


def measure(name: str, url: str, folder: Path, times: int) -> bool:
    """Prints a line; whether everything held."""
    begun = time.monotonic()
    twice = asyncio.run(dying(folder, url, times))
    seconds = time.monotonic() - begun
    print(
        f"{name}: {times} times at each of {len(POINTS)} points in {seconds:.0f} s: nothing lost, no turn twice; twice"
    )
    print("  came, by point: " + ", ".join(f"{point} {twice[point]}" for point in POINTS), flush=True)
    return not unexplained(twice)


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two, server() as postgres:
        held = measure("SQLite", f"sqlite:///{one}/doorstep.db", Path(one), times)
        held = measure("Postgres", postgres.create(), Path(two), times) and held
    sys.exit(0 if held else "messages came twice although no answer was lost")


if __name__ == "__main__":
    main()
