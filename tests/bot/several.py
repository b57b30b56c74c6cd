"""Several `doorstep run` on one Postgres, and people who write to any of them while all kinds of things happen."""

import asyncio
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from storage import leases
from storage.schema import migrate
from tests.bot.nursery import Child, Nursery, nursery
from tests.bot.running import Visitor, free_port, write_config
from tests.bot.test_killed import CHAIN, replies
from tests.bot.test_postgres_away import Server
from tests.waiting import PATIENCE

AT_ONCE = 48
"""People who write at the same time."""

HURRIED = 4.0
"""Seconds of silence after which a hurried process loses what it holds: see `hurried_leases`."""

NO_ANSWER = 5.0
"""Seconds after which who has no answer asks another process."""


@dataclass(frozen=True)
class Size:
    """How much of it: processes, people, words of each, restarts of Postgres; `hurried` where leases are short."""

    processes: int
    people: int
    words: int
    restarts: int
    hurried: bool = False


@dataclass
class Course:
    """How far it is: words that were taken, and how often somebody had to ask again."""

    words: int
    taken: int = 0
    asked_again: int = 0

    async def until(self, share: float) -> None:
        """Returns once so much of all has been said."""
        while self.taken < share * self.words:  # noqa: ASYNC110 - what is awaited happens in other processes
            await asyncio.sleep(0.05)


class Somebody(Visitor):
    """Someone each of whose requests goes to any of the processes, the next try to another."""

    ports: tuple[int, ...] = ()

    async def say(self, text: str, event: str = "", **more: object) -> None:
        self.client.base_url = httpx.URL(f"http://127.0.0.1:{random.choice(self.ports)}")
        await super().say(text, event, **more)


async def lives(number: int, ports: tuple[int, ...], words: int, course: Course) -> None:
    """Says all their words, and hears what whoever is taken once and in order hears."""
    name = f"p{number}"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{random.choice(ports)}", timeout=NO_ANSWER) as client:
        someone = Somebody(client, name)
        someone.ports = ports
        await someone.enter()
        for word in range(words):
            await someone.say(f"word {word}", event=f"{name}-{word}")
            course.taken += 1
        async with asyncio.timeout(2 * PATIENCE):
            while len(someone.heard) < words:
                await someone.look_without_waiting()
                await asyncio.sleep(0.1)
        assert someone.said == [f"word {word}" for word in range(words)], name
        assert someone.heard == replies(words), name
        course.asked_again += someone.refused


async def people(size: Size, ports: tuple[int, ...], course: Course) -> None:
    """All of them, so many at a time."""
    left: Iterator[int] = iter(range(size.people))

    async def some() -> None:
        for number in left:
            await lives(number, ports, size.words, course)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())


class Trouble:
    """What happens to the processes and to Postgres, spread over all that is said."""

    def __init__(self, born: Nursery, server: Server, configs: list[Path], children: list[Child], silence: float):
        self._born, self._server, self._configs, self._children = born, server, configs, children
        self._silence = silence

    async def comes(self, restarts: int, course: Course) -> None:
        """Postgres is restarted so often; now and then the first process is killed, or the second one frozen."""
        for number in range(restarts):
            await course.until((number + 1) / (restarts + 1))
            await asyncio.to_thread(self._server.control, "-m", "fast", "restart")
            if number % 4 == 0:
                await self._kill()
            if number % 8 == 1:
                await self._freeze()

    async def _kill(self) -> None:
        self._children[0].kill()
        assert await self._children[0].wait() == -signal.SIGKILL
        self._children[0] = await self._born.ready(self._configs[0])

    async def _freeze(self) -> None:
        """For longer than its lease lasts. What it had begun is undone before it wakes: it writes nothing of that."""
        self._children[1].send_signal(signal.SIGSTOP)
        frozen = time.time()
        await asyncio.sleep(self._silence * 1.5 + 1)
        with psycopg.connect(self._server.uri) as look:
            open_since = "SELECT state, wait_event, query FROM pg_stat_activity WHERE xact_start < to_timestamp(%s)"
            held = look.execute(open_since, (frozen,)).fetchall()
            assert not held, f"a frozen process holds what it had begun: {held}"
        self._children[1].send_signal(signal.SIGCONT)


async def together(size: Size, folder: Path, server: Server) -> tuple[float, int]:
    """How many seconds it took, and how often people had to ask again.

    Raises AssertionError where something was lost, taken twice, or out of order, or a process did not stop in time.
    """
    ports = tuple(free_port() for _ in range(size.processes))
    configs = []
    for port in ports:
        config = write_config(folder, server.uri, port, {"chain": CHAIN})
        configs.append(config.rename(folder / f"{port}.toml"))
    migrate(server.uri)
    course, silence = Course(size.people * size.words), HURRIED if size.hurried else leases.SILENCE
    async with nursery(*(["tests.bot.hurried_leases"] if size.hurried else [])) as born:
        children = [await born.ready(config) for config in configs]
        trouble = Trouble(born, server, configs, children, silence)
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(people(size, ports, course))
            group.create_task(trouble.comes(size.restarts, course))
        seconds = time.monotonic() - begun
        for child in children:
            child.terminate()
        codes = [await asyncio.wait_for(child.wait(), PATIENCE) for child in children]
    assert codes == [0] * size.processes, codes
    return seconds, course.asked_again
