"""A bot that echoes, behind the web channel: what the tests of the pages talk with.

Run as a script this file is its server, with the chat page, so that it can be killed and started again.
"""

import asyncio
import json
import signal
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from bot.channels.base import Inbound, Outbound
from bot.channels.web import Line, Web
from bot.console.app import build, serve
from flows.model import Say, Shown

TOPICS = (Shown("climate", "🌱 Climate action"), Shown("housing", "🏠 Tenants and housing"), Shown("food", "🥕 Food"))
YES_NO = (Shown("yes", "Yes please"), Shown("no", "Not now"))
PASSPHRASE = "a blue door"


class Bot:
    """Keeps every line in a file; echoes; asks a question of one choice, then one of many."""

    def __init__(self, file: Path, **web: Any) -> None:
        self.file = file
        self.web = Web(self, **web)

    async def history(self, address: str, after: str, limit: int) -> tuple[list[Line], str]:
        rows = self.rows(address)
        start = int(after) if after else max(0, len(rows) - limit)
        rows = rows[start : start + limit]
        return rows, str(start + len(rows))

    async def receive(self, inbound: Inbound) -> None:
        rows = self.rows(inbound.address)
        if any(row.id == inbound.event for row in rows):
            return
        said = inbound.said
        mine = line(inbound.event, said.text, mine=True)
        rows.append(replace(mine, question=said.question, conversation=said.conversation))
        rows += self.answers(inbound, len(rows))
        await asyncio.to_thread(self.keep, inbound.address, rows)
        await self.web.send(Outbound(1, "web", "web", inbound.address, 1, Say("")))

    def answers(self, inbound: Inbound, count: int) -> list[Line]:
        """What the bot says to it; they have `count` lines by now."""
        said, number = inbound.said, count
        if said.text == "start":
            self.stand(inbound.address, "welcome", "place")
            ask = "May I introduce you to *one volunteer* near you?"
            return [replace(line(f"b{count}", ask), choices=YES_NO, question=number, conversation=7)]
        if said.text == "change":
            first = replace(line(f"b{count}", "Which?"), choices=TOPICS, question=number, conversation=7)
            return [first, replace(first, id=f"c{count}", text="Which now?", choices=YES_NO, replaces=True)]
        if said.text == "many":
            self.stand(inbound.address, "welcome", "interests")
            ask = "What would you like to do with others?"
            return [
                replace(line(f"b{count}", ask), choices=TOPICS, many=True, question=number, conversation=7),
            ]
        self.stand(inbound.address, "plan_to_meet" if said.choice else "welcome", "agreed" if said.choice else "hello")
        chosen = f" [{json.dumps(said.choice)}]" if said.choice is not None else ""
        return [line(f"b{count}", f"You said: {said.text}{chosen}")]

    def stand(self, address: str, flow: str, state: str) -> None:
        """They are there now."""

    def rows(self, address: str) -> list[Line]:
        """All that was said here."""
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        return [_read(row) for row in kept.get(address, [])]

    def keep(self, address: str, rows: list[Line]) -> None:
        """From now on this is all that was said here."""
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        kept[address] = [asdict(row) | {"at": row.at.isoformat()} for row in rows]
        half = self.file.with_suffix(".half")
        half.write_text(json.dumps(kept))
        half.replace(self.file)


def line(key: str, text: str, mine: bool = False) -> Line:
    """A plain line."""
    return Line(key, mine, text, (), False, (), None, None, "", False, datetime.now(UTC))


def _read(row: dict[str, Any]) -> Line:
    choices = tuple(Shown(**choice) for choice in row["choices"])
    return Line(
        **row | {"choices": choices, "picked": tuple(row["picked"]), "at": datetime.fromisoformat(row["at"])},
    )


async def until_terminated(app: FastAPI, bot: Bot, port: int) -> None:
    """Serves and listens; says "ready PORT" on stdout, and "stopped" once SIGTERM has ended it."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    listening = asyncio.create_task(bot.web.listen(bot.receive))
    serving = asyncio.create_task(serve(app, "127.0.0.1", port, lambda port: print("ready", port, flush=True)))
    await stopped.wait()
    for task in (serving, listening):
        task.cancel()
    await asyncio.gather(serving, listening, return_exceptions=True)
    print("stopped", flush=True)


async def _main(file: str, port: str, kind: str) -> None:
    bot = Bot(Path(file))
    app = build(bot.web, None, PASSPHRASE if kind == "guarded" else None, b"k" * 32)
    await until_terminated(app, bot, int(port))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
