"""People who talk with a bot that is killed again and again."""

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bot.nursery import Nursery

LIFE = 0.7
"""Seconds that a process lives once it is ready."""


async def killed_again_and_again(
    born: Nursery, config: Path, kills: int, people: Sequence[Callable[[str], object]], more: float
) -> list[int]:
    """How many words ("word 0", "word 1", …) each of them has said by the end, when nobody listens.

    Each says a word around each life, and, as often as `more` says (0.2: in one of five), one more right behind it: by
    lives and not by seconds, so that there are as many words on a busy machine.
    """
    said = [0] * len(people)

    async def talk(number: int) -> None:
        await asyncio.sleep(random.uniform(0, 2 * LIFE))
        for _ in range(1 + (random.random() < more)):
            people[number](f"word {said[number]}")
            said[number] += 1

    for _ in range(kills):
        talking = [asyncio.create_task(talk(number)) for number in range(len(people))]
        process = await born.ready(config)
        await asyncio.sleep(LIFE)
        process.kill()
        await process.wait()
        await asyncio.gather(*talking)
    return said
