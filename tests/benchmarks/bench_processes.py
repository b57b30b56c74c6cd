"""Several `doorstep run` on one Postgres, people who write to any of them: one is killed again and again, one frozen
for longer than its lease lasts, Postgres restarted. Every turn is taken once, and each person's in order.

    python tests/benchmarks/bench_processes.py [--processes 4] [--people 5000] [--words 20] [--restarts 20]
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bot.several import Size, together
from tests.bot.test_postgres_away import Server


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("processes", 4), ("people", 5_000), ("words", 20), ("restarts", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    size = Size(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as data:
        server = Server(Path(data))
        try:
            seconds, again = asyncio.run(together(size, Path(folder), server))
        finally:
            server.close()
    events = size.people * size.words
    print(f"{size.processes} processes, {size.people} people: {events} events, {events / seconds:.0f} a second")
    print(f"  {size.restarts} restarts of Postgres; asked again {again} times; every turn once and in order")


if __name__ == "__main__":
    main()
