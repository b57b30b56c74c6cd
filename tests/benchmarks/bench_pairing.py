"""Pairing at size: everyone at once (seconds, memory, how many, what it costs), and one by one among many buddies.

python tests/benchmarks/bench_pairing.py
Each batch runs in a process of its own, for its peak memory. What is compared was measured in the same run.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.cells import cell_at, point
from bot.pairing.assign import Assigned, greedy, optimal
from bot.pairing.edges import GRID
from bot.pairing.pool import Pool
from bot.pairing.rules import Helper, Terms, Verdict, Wish, weigh
from bot.pairing.sides import Sides

SIZES = ((1_000, 100), (10_000, 1_000), (100_000, 10_000))
LAYOUTS = ("country", "city")
"""Sixty towns of very different sizes; or all in one city, where everybody is near everybody."""

BUDDIES = (10_000, 100_000)
SEARCHES, SCANS, CHANGES = 2_000, 5, 5_000
TERMS = Terms(datetime(2026, 3, 2, 10, tzinfo=UTC))

INTERESTS = ("climate", "housing", "food", "water", "care", "transport", "energy", "culture")
TIMES = tuple(f"{day}-{part}" for day in ("weekday", "sat", "sun") for part in ("morning", "afternoon", "evening"))
LANGUAGES = ("en", "es", "de", "pl", "ur")


def people(supporters: int, buddies: int, layout: str, seed: int = 1) -> tuple[list[Wish], list[Helper]]:
    """A group in which three in ten have another language first, and a buddy takes one to five."""
    random = Random(seed)
    towns = [(random.uniform(50.5, 55), random.uniform(-4, 0.5)) for _ in range(60)]
    if layout == "city":
        towns = [(53.8, -1.55)]
    sizes = [1 / (place + 1) ** 0.8 for place in range(len(towns))]

    def someone() -> dict[str, Any]:
        lat, lon = random.choices(towns, sizes)[0]
        lat, lon = lat + random.gauss(0, 0.06), lon + random.gauss(0, 0.1)
        first = ("en",) if random.random() < 0.7 else ()
        rest = random.sample(LANGUAGES[1:], random.choices((0, 1, 2), (6, 3, 1))[0])
        return {
            "languages": (*first, *rest) or ("es",),
            "interests": tuple(random.sample(INTERESTS, random.randint(1, 4))),
            "times": tuple(random.sample(TIMES, random.randint(1, 4))),
            "cell": cell_at(lat, lon),
            "exact": point(lat, lon),
            "adult": random.random() < 0.98,
        }

    return (
        [Wish(number, consented=True, **someone()) for number in range(supporters)],
        [
            Helper(supporters + number, approved=True, capacity=random.choice((1, 2, 3, 3, 5)), **someone())
            for number in range(buddies)
        ],
    )


def batch(supporters: int, buddies: int, layout: str, method: str) -> dict[str, float]:
    """One batch in this process: its figures."""
    sides = Sides(*people(supporters, buddies, layout), TERMS)
    before = _peak()
    begun, used = time.perf_counter(), time.process_time()
    found = _assigned(sides, method)
    return {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - used,
        "edges": len(found.edges),
        "paired": len(found.pairs),
        "cost": found.total / GRID,
        "peak": _peak(),
        "before": before,
    }


def _assigned(sides: Sides, method: str) -> Assigned:
    if method == "greedy":
        return greedy(sides, lambda _: None)
    if method == "all edges":
        return optimal(sides, lambda _: None, most=10**9)
    return optimal(sides, lambda _: None, best=60) if method == "60 best" else optimal(sides, lambda _: None)


def _peak() -> float:
    """Megabytes that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def batches() -> None:
    print(f"{'supporters':>10} {'buddies':>7} {'layout':<8} {'method':<9} {'seconds':>8} {'of CPU':>7} {'peak MB':>8} "
          f"{'before':>7} {'edges':>10} {'paired':>7} {'share':>6} {'total cost':>12} {'to the best':>11}")  # fmt: skip
    for supporters, buddies in SIZES:
        for layout in LAYOUTS:
            rows = {}
            for method in ("60 best" if supporters > 10_000 else "all edges", "optimal", "greedy"):
                asked = (sys.executable, __file__, str(supporters), str(buddies), layout, method)
                done = subprocess.run(asked, check=True, capture_output=True, text=True)
                row = rows[method] = json.loads(done.stdout)
                first = next(iter(rows.values()))
                ratio = f"{row['cost'] / first['cost']:.5f}" if row["paired"] == first["paired"] else "fewer paired"
                cells = (
                    f"{supporters:>10,} {buddies:>7,} {layout:<8} {method:<9}",
                    f"{row['seconds']:>8.2f} {row['cpu']:>7.2f}",
                    f"{row['peak']:>8.0f} {row['before']:>7.0f} {row['edges']:>10,} {row['paired']:>7,}",
                    f"{row['paired'] / supporters:>6.1%} {row['cost']:>12,.0f} {ratio:>11}",
                )
                print(*cells, flush=True)


def online() -> None:
    """One newcomer after another among many buddies of one city."""
    print(f"\n{'buddies':>8} {'layout':<8} {'p50 ms':>7} {'p99 ms':>7} {'a scan, ms':>10} {'as cheap as the scan':>20} "
          f"{'made in s':>9} {'changed in ms':>13}")  # fmt: skip
    for many in BUDDIES:
        for layout in LAYOUTS:
            wishes, helpers = people(SEARCHES, many, layout)
            begun = time.perf_counter()
            pool = Pool(helpers)
            made = time.perf_counter() - begun
            begun = time.perf_counter()
            for helper in helpers[:CHANGES]:
                pool.put(replace(helper, load=helper.load ^ 1))
            change = (time.perf_counter() - begun) / CHANGES
            pool.refresh(helpers)
            for wish in wishes[:20]:
                _search(pool, wish)
            took = [_search(pool, wish)[0] for wish in wishes]
            cuts = quantiles(took, n=100)
            scans = [_scan(helpers, wish) for wish in wishes[:SCANS]]
            right = sum(_search(pool, wish)[1] == cost for wish, (_, cost) in zip(wishes, scans, strict=False))
            slow = sum(seconds for seconds, _ in scans) / SCANS
            print(f"{many:>8,} {layout:<8} {cuts[49] * 1e3:>7.2f} {cuts[98] * 1e3:>7.2f} {slow * 1e3:>10.0f} "
                  f"{right:>15} of {SCANS} {made:>9.2f} {change * 1e3:>13.3f}", flush=True)  # fmt: skip


def _search(pool: Pool, wish: Wish) -> tuple[float, float | None]:
    begun = time.perf_counter()
    found = next(pool.best(wish, TERMS), None)
    return time.perf_counter() - begun, found[1].cost if found else None


def _scan(helpers: Sequence[Helper], wish: Wish) -> tuple[float, float | None]:
    begun = time.perf_counter()
    verdicts = [verdict for helper in helpers if isinstance(verdict := weigh(wish, helper, TERMS), Verdict)]
    best = min((verdict.cost for verdict in verdicts), default=None)
    return time.perf_counter() - begun, best


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(batch(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])))
    else:
        batches()
        online()
