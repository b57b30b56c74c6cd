"""`doorstep run` is killed (SIGKILL) at random moments while people talk with it, on every platform; counted from
outside: is an answer missing, was a turn taken twice, did anything come twice, and where it did, how far from a kill it
was on the wire for the first time.

Platforms' published paces are kept as they are. Only what is waited for by the minute is shortened: the minute in which
WhatsApp may still say what became of a message to 2 seconds, and Slack's minute before an event is brought again.

    python tests/benchmarks/bench_kills.py [CONVERSATIONS [telegram whatsapp slack matrix]]
"""

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.talkers import PLATFORMS, People
from tests.bot.nursery import Nursery, nursery
from tests.bot.running import free_port, write_config
from tests.bot.test_killed import CHAIN, replies

CONVERSATIONS = 100
WORDS = 3
"""That each says, the next one when they have heard the answer; on Matrix after a while."""
AT_ONCE = 40
"""Conversations that go on at the same time."""
SHORTEST_LIFE = 0.1
"""Seconds from ready to the kill; the longest is the platform's."""
PATIENCE = 600.0
SETTLING = 5.0
ONCE = ("slack", "matrix")
"""Where nothing may come twice: it is looked up before it is sent again, or the platform knows it."""


async def converse(people: People, number: int, room: asyncio.Semaphore) -> None:
    async with room:
        for word in range(WORDS):
            await people.say(number, f"word {word}")
            if people.told is None:
                await asyncio.sleep(random.uniform(0.5, 1.5))
            else:
                await people.until_heard(number, word + 1)


async def kill_meanwhile(
    born: Nursery, config: Path, longest: float, talking: "asyncio.Future[list[None]]"
) -> list[float]:
    """The moments of the kills, until everybody has said everything."""
    kills = []
    while not talking.done():
        process = await born.ready(config)
        await asyncio.sleep(random.uniform(SHORTEST_LIFE, longest))
        kills.append(time.time())
        process.kill()
        await process.wait()
    return kills


async def answered(people: People) -> None:
    """Returns once each has heard as much as they said, or nobody believes in it any more."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        await people.look()
        if all(len({text for _, text in heard}) >= WORDS for heard in people.heard):
            break
        await asyncio.sleep(2.0)
    await asyncio.sleep(SETTLING)
    await people.look()


def doubled(people: People, kills: list[float]) -> list[float]:
    """Of each message that came twice: seconds between its first coming and the nearest kill, before it or after: what
    is in a socket still arrives when its sender is gone."""
    gaps = []
    for heard in people.heard:
        first: dict[str, float] = {}
        for at, text in heard:
            if text in first:
                gaps.append(min(abs(kill - first[text]) for kill in kills))
            first.setdefault(text, at)
    return gaps


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


async def measure(platform: str, conversations: int) -> bool:
    """Prints what was counted; whether it is as it must be."""
    began = time.monotonic()
    async with PLATFORMS[platform](conversations) as people:
        made = time.monotonic() - began
        modules = [f"bot.channels.{platform}", *filter(None, [people.hurried])]
        async with nursery(*modules) as born:
            with tempfile.TemporaryDirectory() as folder:
                port = free_port()
                url, chain = f"sqlite:///{folder}/d.db", {"chain": CHAIN}
                config = write_config(Path(folder), url, port, chain, people.config(port))
                room = asyncio.Semaphore(AT_ONCE)
                talking = asyncio.gather(*(converse(people, number, room) for number in range(conversations)))
                kills = await kill_meanwhile(born, config, people.life, talking)
                await talking
                process = await born.ready(config)
                await answered(people)
                process.terminate()
                await process.wait()
    lost = sum(len(set(replies(WORDS)) - {text for _, text in heard}) for heard in people.heard)
    wrong = sum([*dict.fromkeys(text for _, text in heard)] != replies(WORDS) for heard in people.heard)
    gaps = doubled(people, kills)
    took = time.monotonic() - began - made
    print(
        f"{platform:9} {conversations} conversations of {WORDS} events, {len(kills)} kills in {took:.0f} s: {lost}"
        f" answers missing, {wrong} conversations other than they must be, {len(gaps)} came twice"
        + (f" (first {ms(median(gaps))} from a kill in the middle, {ms(max(gaps))} at most)" if gaps else ""),
        flush=True,
    )
    return not (lost or wrong or (gaps and platform in ONCE))


async def main(conversations: int, platforms: list[str]) -> int:
    """1 where something is not as it must be."""
    sound = [await measure(platform, conversations) for platform in platforms or PLATFORMS]
    return 0 if all(sound) else 1


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else CONVERSATIONS
    sys.exit(asyncio.run(main(number, sys.argv[2:])))
