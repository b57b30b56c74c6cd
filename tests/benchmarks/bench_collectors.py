"""A hundred people who would collect the first names of buddies, for thirty virtual days: by asking for another and
another, leaving and coming back, having themselves forgotten, moving, declining, with several phones and new accounts.

    python tests/benchmarks/bench_collectors.py [PEOPLE] [DAYS]        # 100 and 30 unless told otherwise
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


from bot.pairing.harvest import MOST_NAMES
from storage.store import Store
from tests.bot.collectors import Town, collectors
from tests.databases import Watch

BUDDIES = 120


async def measure(people: int, days: int, folder: Path) -> bool:
    """Prints what they were told; whether it is no more than it may be."""
    watch, begun = Watch(), time.monotonic()
    store = await Store.open(f"sqlite:///{folder}/doorstep.db", folder / "doorstep.key", clock=watch)
    try:
        town = Town(store, watch)
        await town.move_in(BUDDIES)
        some = collectors(town, people)
        await town.pass_days(some, days)
    finally:
        await store.close()
    told: dict[str, list[int]] = defaultdict(list)
    for each in some:
        told[each.trick] += [len(town.told(who)) for who in each.accounts]
    fine = [text for each in some for who in each.accounts for text in town.too_fine(who)]
    print(f"{people} people among {BUDDIES} buddies for {days} days in {time.monotonic() - begun:.0f} s")
    for trick, names in told.items():
        print(f"  {trick}: names told, by account: {dict(sorted(Counter(names).items()))}")
    print(f"  places finer than a district, or contacts: {len(fine)}; on the desk:")
    for words, times in town.shown.most_common():
        print(f"    {times} x {words}")
    return not fine and max(map(max, told.values())) <= MOST_NAMES


def main() -> None:
    people, days = [*map(int, sys.argv[1:3]), 100, 30][:2] if len(sys.argv) > 2 else (100, 30)
    with tempfile.TemporaryDirectory() as folder:
        held = asyncio.run(measure(people, days, Path(folder)))
    sys.exit(0 if held else "somebody was told too much")


if __name__ == "__main__":
    main()
