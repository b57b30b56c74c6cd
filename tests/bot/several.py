"""Several `doorstep run` on one Postgres, and people who write to any of them while all kinds of things happen."""

import asyncio
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from storage.leases import SILENCE
from storage.schema import migrate
from tests.bot.nursery import Child, Nursery, nursery
from tests.bot.running import Visitor, lasting_port, write_config
from tests.bot.test_killed import CHAIN, replies
from tests.bot.test_postgres_away import Server

AT_ONCE = 48
"""People who write at the same time."""


@dataclass(frozen=True)
class Size:
    """How much of it: processes, people, words of each, restarts of Postgres."""

    processes: int
    people: int
    words: int
    restarts: int


class Somebody(Visitor):
    """Someone each of whose requests goes to any of the processes, the next try to another."""

    ports: tuple[int, ...] = ()

    async def say(self, text: str, event: str = "", **more: object) -> None:
        self.client.base_url = httpx.URL(f"http://127.0.0.1:{random.choice(self.ports)}")
        await super().say(text, event, **more)


async def lives(number: int, ports: tuple[int, ...], words: int) -> int:
    """Says all their words, and hears what whoever is taken once and in order hears; how often it had to ask again."""
    name = f"p{number}"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{random.choice(ports)}", timeout=10) as client:
        someone = Somebody(client, name)
        someone.ports = ports
        await someone.enter()
        for word in range(words):
            await someone.say(f"word {word}", event=f"{name}-{word}")
        async with asyncio.timeout(120):
            while len(someone.heard) < words:
                await someone.look_without_waiting()
                await asyncio.sleep(0.1)
        assert someone.said == [f"word {word}" for word in range(words)], name
        assert someone.heard == replies(words), name
        return someone.refused


async def people(size: Size, ports: tuple[int, ...]) -> int:
    """All of them, so many at a time; how often they had to ask again."""
    left: Iterator[int] = iter(range(size.people))

    async def some() -> int:
        return sum([await lives(number, ports, size.words) for number in left])

    return sum(await asyncio.gather(*(some() for _ in range(AT_ONCE))))


async def trouble(born: Nursery, server: Server, configs: list[Path], children: list[Child], size: Size) -> None:
    """The first is killed and begun again, the second stopped past its lease, and Postgres restarted, in turn."""
    for number in range(size.restarts):
        await asyncio.sleep(random.uniform(0.5, 2))
        await asyncio.to_thread(server.control, "-m", "fast", "restart")
        if number % 4 == 0:
            children[0].kill()
            await children[0].wait()
            children[0] = await born.ready(configs[0])
        if number % 8 == 1:
            children[1].send_signal(signal.SIGSTOP)
            await asyncio.sleep(SILENCE + 2)
            children[1].send_signal(signal.SIGCONT)


async def together(size: Size, folder: Path, server: Server) -> tuple[float, int]:
    """How many seconds it took, and how often people had to ask again.

    Raises AssertionError where something was lost, taken twice, or out of order, or a process did not stop in time.
    """
    ports = tuple(lasting_port() for _ in range(size.processes))
    configs = []
    for port in ports:
        config = write_config(folder, server.uri, port, {"chain": CHAIN})
        configs.append(config.rename(folder / f"{port}.toml"))
    migrate(server.uri)
    async with nursery() as born:
        children = [await born.ready(config) for config in configs]
        begun = time.monotonic()
        talking = asyncio.create_task(people(size, ports))
        troubling = asyncio.create_task(trouble(born, server, configs, children, size))
        await asyncio.gather(talking, troubling)
        seconds = time.monotonic() - begun
        for child in children:
            child.terminate()
        codes = [await asyncio.wait_for(child.wait(), 10) for child in children]
    assert codes == [0] * size.processes, codes
    return seconds, talking.result()
