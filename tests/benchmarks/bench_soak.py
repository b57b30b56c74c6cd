"""`doorstep run` with 20 events a second for so many minutes: does its memory grow, and how late is its event loop?

    python tests/benchmarks/bench_soak.py [MINUTES]        # 60 unless told otherwise

Memory is flat where the last quarter holds at most 5 % more than the second one did: the first fills caches.
"""

import asyncio
import re
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parents[2]))

import httpx

from tests.bot.nursery import nursery
from tests.bot.running import Visitor, free_port, visitor, write_config
from tests.bot.test_killed import CHAIN

RATE, VISITORS = 20, 40
GROWS, LATE = 1.05, 0.05
"""Bounds: of memory, and in seconds of the event loop's 99th percentile."""


def memory(pid: int) -> float:
    """Resident, in MiB."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024


async def late(client: httpx.AsyncClient) -> float:
    """The share of looks at which the event loop was later than it may be."""
    text = (await client.get("/metrics")).text
    known = dict(re.findall(r'doorstep_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)', text))
    return 1 - float(known[str(LATE)]) / float(known["+Inf"])


async def talk(people: list[Visitor], minutes: float, sample: list[float], pid: int) -> None:
    """Everyone in turn, at the rate; one second after the other is sampled."""
    loop = asyncio.get_running_loop()
    begun, under_way = loop.time(), set[asyncio.Task[None]]()
    for number in range(int(minutes * 60 * RATE)):
        await asyncio.sleep(max(0.0, begun + number / RATE - loop.time()))
        someone = people[number % len(people)]
        task = asyncio.create_task(someone.say("word", event=f"{someone.name}-{number}"))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        if number % RATE == 0:
            sample.append(memory(pid))
    await asyncio.gather(*under_way)


async def soak(folder: Path, minutes: float) -> bool:
    """Prints what it found; whether it is within bounds."""
    port, sample = free_port(), list[float]()
    config = write_config(folder, f"sqlite:///{folder}/doorstep.db", port, {"chain": CHAIN})
    async with nursery() as born, AsyncExitStack() as stack:
        child = await born.ready(config)
        people = [await stack.enter_async_context(visitor(port, f"v{number}")) for number in range(VISITORS)]
        await talk(people, minutes, sample, child.pid)
        share = await late(people[0].client)
        child.terminate()
        await child.wait()
    quarter = len(sample) // 4
    before, after = mean(sample[quarter : 2 * quarter]), mean(sample[-quarter:])
    print(f"{minutes:g} minutes, {RATE} events/s: {before:.1f} MiB, then {after:.1f} MiB ({after / before - 1:+.1%})")
    print(f"  event loop later than {LATE * 1000:.0f} ms at {share:.2%} of looks (p99: below 1 %)")
    return after <= before * GROWS and share < 0.01


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if asyncio.run(soak(Path(folder), minutes)) else "not within bounds")


if __name__ == "__main__":
    main()
