"""`doorstep run` as a process of its own, and visitors who talk with it over HTTP as a browser does."""

import asyncio
import json
import random
import secrets
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from bot import app
from bot.config import read_config
from tests.bot.nursery import finish
from tests.waiting import PATIENCE

PASSPHRASE = "the blue door"
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens on just now: below those that the system gives to connections, one of which could take
    it before the server has begun, or while it is begun again (even one that finds itself there)."""
    while True:
        port = 15_000 + secrets.randbelow(17_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def write_config(folder: Path, url: str, port: int, flows: dict[str, str], more: str = "") -> Path:
    """A configuration with these flows, and a key file `doorstep.key` beside it; people are written to at any hour."""
    (folder / "flows" / "library").mkdir(parents=True, exist_ok=True)
    for name, text in flows.items():
        (folder / "flows" / "library" / f"{name}.yaml").write_text(text)
    config = folder / "config.toml"
    config.write_text(f"""
[org]
name = "Neighbours"
[storage]
url = {json.dumps(url)}
[server]
port = {port}
passphrase = {json.dumps(PASSPHRASE)}
[reminders]
quiet_hours = ""
{more}""")
    return config


async def command(*arguments: str, **options: Any) -> Process:
    """The command `doorstep`, begun."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", *arguments, cwd=ROOT, stdin=options.pop("stdin", None), stdout=PIPE, **options
    )


async def finished(*arguments: str, said: str = "") -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command that ends by itself, and reads what is `said` on its stdin."""
    return await asyncio.to_thread(finish, arguments, said.encode())


@asynccontextmanager
async def running_here(config: Path) -> AsyncIterator[None]:
    """`doorstep run` in the loop of the test, once it listens. Where it ends by itself, so does this."""
    from nicegui import app as pages  # half a second, which whoever begins processes does not need

    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    # NiceGUI has one app in a process, and wants to be put together before its first answer.
    pages.middleware_stack = None
    pages.user_middleware.clear()
    running = asyncio.create_task(app.run(read_config(config), listening.set_result))
    try:
        running.add_done_callback(lambda ended: listening.done() or listening.cancel())
        await listening
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


class Visitor:
    """Someone at the chat page, who sends a message again until it was taken, and follows what comes back."""

    def __init__(self, client: httpx.AsyncClient, name: str) -> None:
        self.client = client
        self.name = name
        self.taken: list[str] = []
        self.lines: list[dict[str, Any]] = []
        self.refused = 0
        self._cursor = ""

    @property
    def heard(self) -> list[str]:
        """What the bot said, in the order in which it came."""
        return [line["text"] for line in self.lines if not line["mine"]]

    @property
    def said(self) -> list[str]:
        """What they said themselves, as the page shows it."""
        return [line["text"] for line in self.lines if line["mine"]]

    async def enter(self) -> None:
        """Gives the passphrase and opens the chat."""
        answer = await self._ask("POST", "/enter", data={"passphrase": PASSPHRASE})
        assert answer.status_code == 303, answer.text
        await self._ask("POST", "/chat/open")

    async def say(self, text: str, event: str = "", **more: Any) -> None:
        """Says it; returns once it was taken."""
        event = event or f"{self.name}-{len(self.taken)}"
        answer = await self._ask("POST", "/chat/messages", json={"event": event, "text": text} | more)
        assert answer.status_code == 200, answer.text
        self.taken.append(text)

    async def look(self) -> None:
        """Reads what is new."""
        answer = await self._ask("GET", "/chat/messages", params={"after": self._cursor})
        assert answer.status_code == 200, answer.text
        self.lines += answer.json()["messages"]
        self._cursor = answer.json()["cursor"]

    async def look_without_waiting(self) -> None:
        """Reads the newest lines anew: what stands there beside what was heard came too often, or too late."""
        answer = await self._ask("POST", "/chat/open")
        known = {line["id"] for line in self.lines}
        self.lines += [line for line in answer.json()["messages"] if line["id"] not in known]

    async def hear(self, count: int) -> list[str]:
        """What the bot said, once it is so much."""
        async with asyncio.timeout(PATIENCE):
            while len(self.heard) < count:
                await self.look()
        return self.heard

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        while True:
            try:
                answer = await self.client.request(method, path, **more)
            except httpx.TransportError:
                self.refused += 1
            else:
                if answer.status_code != 503:
                    return answer
                self.refused += 1
            await asyncio.sleep(random.uniform(0.01, 0.04))


async def ready_says(port: int, beginning: str) -> list[str]:
    """The lines of /readyz, which is green, once one of them begins like this."""
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient(timeout=PATIENCE) as client:
        while True:
            answer = await client.get(f"http://127.0.0.1:{port}/readyz")
            assert answer.status_code == 200
            lines = answer.text.splitlines()
            if any(line.startswith(beginning) for line in lines):
                return lines
            await asyncio.sleep(0.02)


@asynccontextmanager
async def visitor(port: int, name: str) -> AsyncIterator[Visitor]:
    """A visitor who has come in."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
        someone = Visitor(client, name)
        await someone.enter()
        yield someone
