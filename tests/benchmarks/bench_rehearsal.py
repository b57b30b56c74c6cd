"""Many small campaigns in which everything goes wrong: in how many did every promise hold?

    python tests/benchmarks/bench_rehearsal.py [SEEDS] [FIRST]        # 1,000 from 1 unless told otherwise

Exit 1 where one does not hold; its seed and what broke are printed as they are found.
"""

import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.places import Places
from bot.rehearse import ZONE, Wanted, rehearse
from flows.reader import STARTER

TOLD_EVERY = 50


def main() -> None:
    """Plays them one after the other."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    places = Places(zone=ZONE)
    places.load()
    begun, broken = time.monotonic(), 0
    faults, checks = Counter[str](), Counter[str]()
    for number, seed in enumerate(range(first, first + seeds), 1):
        found = rehearse(Wanted(6, 3, 4, seed, faults=True), STARTER, places=places)
        faults.update(found.faults)
        checks.update(found.checks)
        if found.broken:
            broken += 1
            print(f"seed {seed}: {found.broken}", flush=True)
        if number % TOLD_EVERY == 0:
            print(f"{number} seeds in {time.monotonic() - begun:.0f} s, {broken} broke a promise", flush=True)
    print(f"{seeds} seeds: {seeds - broken} held, {broken} did not")
    print(f"  {faults.total():,} faults of {len(faults)} kinds; the rarest: {faults.most_common()[-1]}")
    print(f"  {checks.total():,} checks of {len(checks)} promises; the rarest: {checks.most_common()[-1]}")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
