"""Ten thousand people say *stop* while messages to them wait, are claimed or are on the wire, on SQLite and on
Postgres: nothing but the confirmation may be begun after that.

    python tests/benchmarks/bench_stops.py [PEOPLE]        # 10,000 unless told otherwise
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


from tests.bot.stops import races
from tests.databases import server


def measure(name: str, url: str, folder: Path, people: int) -> bool:
    """Prints a line; whether the promise held."""
    begun = time.monotonic()
    told = asyncio.run(races(url, folder, people))
    got = ", ".join(f"{count}: {told.before[count]}" for count in sorted(told.before))
    print(
        f"{name}: {people} times stop in {time.monotonic() - begun:.0f} s; begun after it: {len(told.late)}; behind "
        f"its confirmation: {len(told.behind)}\n  people who had got so many messages by then: {got}",
        flush=True,
    )
    return not told.late and not told.behind


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two, server() as postgres:
        held = measure("SQLite", f"sqlite:///{one}/doorstep.db", Path(one), people)
        held = measure("Postgres", postgres.create(), Path(two), people) and held
    sys.exit(0 if held else "something was sent after a stop")


if __name__ == "__main__":
    main()
