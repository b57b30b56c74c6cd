"""From what someone writes to the bot's answer on the wire, on every platform: `doorstep run` on SQLite, 20 events a
second. The stand-ins are in this process, so their own work is in the numbers; on Matrix a real Synapse's is.

    python tests/benchmarks/bench_replies.py [telegram whatsapp slack matrix]
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.talkers import PLATFORMS
from tests.bot.nursery import nursery
from tests.bot.running import free_port, write_config
from tests.bot.test_killed import CHAIN

PEOPLE, EVENTS, RATE = 100, 600, 20
SETTLING = 5.0
"""Seconds after the last of them."""


async def measure(platform: str) -> None:
    """Prints p50 and p99 in milliseconds."""
    async with PLATFORMS[platform](PEOPLE) as people, nursery(f"bot.channels.{platform}") as born:
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            url, chain = f"sqlite:///{folder}/d.db", {"chain": CHAIN}
            process = await born.ready(write_config(Path(folder), url, port, chain, people.config(port)))
            # Who comes for the first time makes more work, on Matrix a room is joined: that is another number.
            for number in range(PEOPLE):
                await people.say(number, "hello")
                await asyncio.sleep(1 / RATE)
            await asyncio.sleep(SETTLING)
            loop = asyncio.get_running_loop()
            began = loop.time()
            saying = set()
            for number in range(EVENTS):
                await asyncio.sleep(max(0.0, began + number / RATE - loop.time()))
                saying.add(asyncio.create_task(people.say(number % PEOPLE, f"word {number}")))
            await asyncio.gather(*saying)
            await asyncio.sleep(SETTLING)
            await people.look()
            process.terminate()
            await process.wait()
    took = [
        heard - said
        for those, these in zip(people.said, people.heard, strict=True)
        for (said, _), (heard, _) in list(zip(those, these, strict=False))[1:]
    ]
    cuts = [cut * 1000 for cut in quantiles(took, n=100)]
    print(f"{platform:9} {len(took)} of {EVENTS} answered at {RATE}/s: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms")


async def main(platforms: list[str]) -> None:
    """One platform after the other."""
    for platform in platforms or PLATFORMS:
        await measure(platform)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
