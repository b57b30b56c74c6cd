"""The heart: `doorstep run` is killed again and again while people talk with it, and nothing is lost or doubled.

Everything is counted from outside, as visitors see it over HTTP.
"""

import asyncio
import random
import signal
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from tests.bot.nursery import Nursery, nursery
from tests.bot.running import Visitor, free_port, visitor, write_config
from tests.databases import Database
from tests.waiting import PATIENCE

KILLS = 200
"""On each database."""
VISITORS = 5
SHORTEST_LIFE, LONGEST_LIFE = 0.03, 0.3
"""Seconds that a process may live once it is ready."""

CHAIN = """
flow: chain
about: Each answer is told back, so that a turn that is lost or taken twice shows.
starts: {first_contact: true}
start: odd

states:
  odd:
    ask: "Odd. Before that you said <{{ answers.even }}>."
    expect: text
    save: odd
    go: even
  even:
    ask: "Even. Before that you said <{{ answers.odd }}>."
    expect: text
    save: even
    go: odd
"""


def replies(count: int) -> list[str]:
    """What someone must hear who has said word 0, word 1, … so often."""
    before = ["", *(f"word {number}" for number in range(1, count))]
    return [f"{'Even' if number % 2 else 'Odd'}. Before that you said <{word}>." for number, word in enumerate(before)]


async def talk(someone: Visitor, enough: asyncio.Event, was_taken: asyncio.Event) -> None:
    """One word after the other, each as soon as the one before was taken; some are sent again all the same."""
    while not enough.is_set():
        number = len(someone.taken)
        await someone.say(f"word {number}", event=f"{someone.name}-{number}")
        was_taken.set()
        if random.random() < 0.2:
            await someone.say(f"word {number}", event=f"{someone.name}-{number}")
            someone.taken.pop()
        if number == 0 or random.random() < 0.3:
            await someone.look()
        await asyncio.sleep(random.uniform(0, 0.01))


async def kill_again_and_again(
    born: Nursery, config: Path, people: list[Visitor], was_taken: asyncio.Event
) -> list[int]:
    """Kills the bot while people talk; how many words had been taken at each of these moments.

    Half of them are random, and three of four of these come after a first word, however busy the machine is; the other
    half are the very moment in which somebody was told that a word was taken.
    """
    taken = []

    async def next_word() -> None:
        was_taken.clear()
        await asyncio.wait_for(was_taken.wait(), PATIENCE)

    for number in range(KILLS):
        process = await born.ready(config)
        if number % 8 in {0, 2, 4}:
            await next_word()
        await asyncio.sleep(random.uniform(SHORTEST_LIFE, LONGEST_LIFE))
        if number % 2:
            await next_word()
        process.kill()
        assert await process.wait() == -signal.SIGKILL, "it ended by itself"
        taken.append(sum(len(someone.taken) for someone in people))
    return taken


@pytest.mark.slow("minutes")
async def test_killed_two_hundred_times_it_loses_and_doubles_nothing(database: Database, tmp_path: Path) -> None:
    port = free_port()
    config = write_config(tmp_path, database.url, port, {"chain": CHAIN})
    enough, was_taken = asyncio.Event(), asyncio.Event()
    async with nursery() as born, AsyncExitStack() as stack:
        first = await born.ready(config)
        people = [await stack.enter_async_context(visitor(port, f"v{number}")) for number in range(VISITORS)]
        talking = [asyncio.create_task(talk(someone, enough, was_taken)) for someone in people]
        first.kill()
        await first.wait()
        taken = await kill_again_and_again(born, config, people, was_taken)
        last = await born.ready(config)
        enough.set()
        await asyncio.wait_for(asyncio.gather(*talking), PATIENCE)
        for someone in people:
            with suppress(TimeoutError):  # what is missing is said below
                await someone.hear(len(someone.taken))
        await asyncio.sleep(1)
        for someone in people:
            await asyncio.wait_for(someone.look_without_waiting(), PATIENCE)
        for someone in people:
            expected = [f"word {number}" for number in range(len(someone.taken))]
            assert someone.taken == expected
            assert someone.said == expected, Counter(someone.said) - Counter(expected)
            assert someone.heard == replies(len(expected))
        last.terminate()
        assert await asyncio.wait_for(last.wait(), PATIENCE) == 0
    during = sum(later > before for before, later in zip([0, *taken], taken, strict=False))
    assert during >= 0.8 * KILLS, "too few of them while people talked"
    assert sum(someone.refused for someone in people) > KILLS
    print(f"\n{KILLS} kills, {during} of them after words were taken; {taken[-1]} words")
