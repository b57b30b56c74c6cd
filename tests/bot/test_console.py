"""The console in a real browser, against a real server with a bot that echoes.

Run as a script this file is that server, so that it can be killed and started again.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels.base import Inbound, Outbound
from bot.channels.web import Line, Web
from bot.console.app import build, serve
from bot.console.stage import Standing
from flows.model import Say, Shown

FLOWS = {"welcome": ("hello", "interests", "place", "done"), "plan_to_meet": ("ask", "agreed")}
TOPICS = (Shown("climate", "🌱 Climate action"), Shown("housing", "🏠 Tenants and housing"), Shown("food", "🥕 Food"))
YES_NO = (Shown("yes", "Yes please"), Shown("no", "Not now"))
PASSPHRASE = "a blue door"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Bot:
    """Keeps every line in a file; echoes; asks a question of one choice, then one of many."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.web = Web(self)
        self.watchers: set[Callable[[], None]] = set()
        self.where: dict[str, Standing] = {}
        self.refused: tuple[str, ...] = ()

    async def history(self, address: str, after: str, limit: int) -> tuple[list[Line], str]:
        rows = self._rows(address)
        start = int(after) if after else max(0, len(rows) - limit)
        rows = rows[start : start + limit]
        return rows, str(start + len(rows))

    async def receive(self, inbound: Inbound) -> None:
        rows = self._rows(inbound.address)
        if any(row.id == inbound.event for row in rows):
            return
        said = inbound.said
        mine = _line(inbound.event, said.text, mine=True)
        rows.append(replace(mine, question=said.question, conversation=said.conversation))
        rows += self._answers(inbound, len(rows))
        await asyncio.to_thread(self._keep, inbound.address, rows)
        await self.web.send(Outbound(1, "web", "web", inbound.address, 1, Say("")))
        for watcher in tuple(self.watchers):
            watcher()

    def _answers(self, inbound: Inbound, count: int) -> list[Line]:
        said, number = inbound.said, count
        if said.text == "break":
            self.refused = ("library/welcome.yaml:12:5: error: no state is called `plase` [missing-target]",)
        if said.text == "start":
            self._stand(inbound, "welcome", "place")
            ask = "May I introduce you to *one volunteer* near you?"
            return [replace(_line(f"b{count}", ask), choices=YES_NO, question=number, conversation=7)]
        if said.text == "many":
            self._stand(inbound, "welcome", "interests")
            ask = "What would you like to do with others?"
            return [
                replace(_line(f"b{count}", ask), choices=TOPICS, many=True, question=number, conversation=7),
            ]
        self._stand(inbound, "plan_to_meet" if said.choice else "welcome", "agreed" if said.choice else "hello")
        chosen = f" [{json.dumps(said.choice)}]" if said.choice is not None else ""
        return [_line(f"b{count}", f"You said: {said.text}{chosen}")]

    def _stand(self, inbound: Inbound, flow: str, state: str) -> None:
        self.where[inbound.address] = Standing(flow, state)

    def _rows(self, address: str) -> list[Line]:
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        return [_read(row) for row in kept.get(address, [])]

    def _keep(self, address: str, rows: list[Line]) -> None:
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        kept[address] = [asdict(row) | {"at": row.at.isoformat()} for row in rows]
        half = self.file.with_suffix(".half")
        half.write_text(json.dumps(kept))
        half.replace(self.file)

    # --- the stage

    async def standing(self, address: str) -> tuple[Standing, ...]:
        return (self.where[address],) if address in self.where else ()

    def flow_names(self) -> tuple[str, ...]:
        return tuple(FLOWS)

    def picture(self, flow: str) -> str:
        return _picture(flow)

    def problems(self) -> tuple[str, ...]:
        return self.refused

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.watchers.add(callback)
        return lambda: self.watchers.discard(callback)


def _line(key: str, text: str, mine: bool = False) -> Line:
    return Line(key, mine, text, (), False, (), None, None, "", False, datetime.now(UTC))


def _read(row: dict[str, Any]) -> Line:
    choices = tuple(Shown(**choice) for choice in row["choices"])
    return Line(
        **row | {"choices": choices, "picked": tuple(row["picked"]), "at": datetime.fromisoformat(row["at"])},
    )


def _picture(flow: str) -> str:
    boxes = "".join(
        f'<g id="state-{name}" class="ds-state" data-state="{name}"><rect x="20" y="{20 + 90 * place}" width="180"'
        f' height="60" rx="10" fill="none" stroke="currentColor"/><text x="40" y="{55 + 90 * place}"'
        f' fill="currentColor">{name}</text></g>'
        for place, name in enumerate(FLOWS[flow])
    )
    size = f'width="220" height="{90 * len(FLOWS[flow]) + 20}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" data-flow="{flow}">{boxes}</svg>'


async def _main(file: str, port: str, kind: str) -> None:
    bot = Bot(Path(file))
    stage = bot if kind == "trial" else None
    app = build(bot.web, stage, PASSPHRASE if kind == "guarded" else None, b"k" * 32)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    listening = asyncio.create_task(bot.web.listen(bot.receive))
    serving = asyncio.create_task(serve(app, "127.0.0.1", int(port), lambda port: print("ready", port, flush=True)))
    await stopped.wait()
    for task in (serving, listening):
        task.cancel()
    await asyncio.gather(serving, listening, return_exceptions=True)
    print("stopped", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
