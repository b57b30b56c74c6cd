"""`doorstep run` dies at each of nine points, with somebody new writing at each of these moments."""

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import select

from storage.schema import connection
from storage.sending import UNSETTLED
from storage.tables import OUTBOX
from tests.bot.deaths import ANSWER_LOST, POINTS, order, ordered
from tests.bot.nursery import Child, Nursery, nursery
from tests.bot.running import free_port, write_config
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_bot import BotAccount
from tests.bot.standins.telegram_chats import Chat
from tests.bot.test_killed import CHAIN, replies
from tests.waiting import PATIENCE, until

HELD_BACK = 0.15
"""Seconds for which the platform keeps its answers to itself where somebody dies on the wire."""


_UNSETTLED = select(OUTBOX.c.id, OUTBOX.c.state, OUTBOX.c.claimed_by, OUTBOX.c.due_at).where(UNSETTLED)


async def dying(folder: Path, url: str, times: int) -> Counter[str]:
    """Dies at each point so often; how many messages came twice, by the point at which their sender died.

    Raises AssertionError where a message is lost, a turn is taken twice, or a process does not die where it should.
    """
    twice: Counter[str] = Counter()
    async with TelegramServer() as server, nursery("bot.channels.telegram", "tests.bot.deaths") as born:
        bot = server.bot("1:one")
        section = f'[channels.telegram]\ntoken = "1:one"\napi_base = "{server.url}"\n'
        config = write_config(folder, url, free_port(), {"chain": CHAIN}, section)
        people: list[tuple[str, Chat]] = []
        child = await born.ready(config)
        for number, point in enumerate(each for each in POINTS for _ in range(times)):
            chat = bot.chat(100 + number, f"P{number}")
            people.append((point, chat))
            bot.hang = HELD_BACK if point == "on the wire" else 0
            child = await _one(born, config, child, chat, point)
            await _recorded(url)
        bot.hang = 0
        await _both_words(bot, [chat for _, chat in people])
        child.terminate()
        assert await asyncio.wait_for(child.wait(), PATIENCE) == 0
        for point, chat in people:
            heard = [message["text"] for message in chat.sent]
            assert list(dict.fromkeys(heard)) == replies(2), (point, heard)
            twice[point] += len(heard) - 2
    return twice


def unexplained(twice: Counter[str]) -> dict[str, int]:
    """Messages that came twice although no answer was lost, by point."""
    return {point: count for point, count in twice.items() if count and point not in ANSWER_LOST}


async def _one(born: Nursery, config: Path, child: Child, chat: Chat, point: str) -> Child:
    order(config.parent, point)
    chat.say("word 0")
    assert await asyncio.wait_for(child.wait(), PATIENCE) == -signal.SIGKILL, f"it did not die: {point}"
    assert not ordered(config.parent)
    child = await born.ready(config)
    await until(lambda: chat.sent)
    return child


async def _recorded(url: str) -> None:
    """What became of every message is written down: who dies too late dies all the same, and that would be counted."""

    def unsettled() -> list[Any]:
        with connection(url) as opened:
            return list(
                opened.execute(select(OUTBOX.c.id, OUTBOX.c.state, OUTBOX.c.tries, OUTBOX.c.due_at).where(UNSETTLED))
            )

    left: list[Any] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while left := await asyncio.to_thread(unsettled):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"nobody writes down what became of {left} ({time.time():.0f})") from None


async def _both_words(bot: BotAccount, chats: list[Chat]) -> None:
    """Everyone says another word: who was taken twice hears something else."""
    await asyncio.sleep(1)
    for chat in chats:
        chat.say("word 1")
    async with asyncio.timeout(PATIENCE + len(chats) / 10):
        while not all(len({message["text"] for message in chat.sent}) >= 2 for chat in chats):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
