"""`doorstep chat`: one person, one terminal, the real engine on a real database."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from bot.app import Bot, open_bot, together
from bot.channels.render import numbered
from bot.channels.terminal import ADDRESS, Terminal
from bot.world import World
from storage.store import Store
from storage.transaction import Transaction

PATIENCE = 5.0
"""Seconds to wait for the answers to the last line, when the input has ended."""

_REMEMBERED = 4


def database(folder: Path, flows: Path) -> Path:
    """Where the chat with these flows is kept: chats with other flows have files of their own."""
    return folder / f"chat-{hashlib.sha256(str(flows.resolve()).encode()).hexdigest()[:12]}.db"


async def chat(
    folder: Path, flows: Path, source: TextIO, show: Callable[[str], None], note: Callable[[str], None]
) -> None:
    """Talks until the input ends. `show` gets what the bot says, `note` what is said about the chat itself."""
    file = database(folder, flows)
    async with open_bot(f"sqlite:///{file}", file.with_suffix(".key"), flows, World()) as bot:
        for problem in bot.libraries.problems:
            note(f"not in force: {problem}")
        await _remember(bot, show, note)
        terminal = Terminal(show, lambda: _settled(bot.store), source)
        listens, sends = bot.attach(terminal)
        await together(listens, sends, *bot.always())


async def _remember(bot: Bot, show: Callable[[str], None], note: Callable[[str], None]) -> None:
    """Shows the end of the conversation so far, after a restart."""

    async def work(tx: Transaction) -> list[str]:
        person = await tx.people.by_address(Terminal.name, Terminal.account, ADDRESS)
        if person is None:
            return []
        sent = await tx.outbox.newest(person.id, _REMEMBERED)
        return [numbered(each.say) for each in sent if each.say is not None and each.state == "sent"]

    said = await bot.store.read(work)
    if said:
        note("Here is where we were. `doorstep chat --new` begins anew.")
        for text in said:
            show(text)
    else:
        note("Write anything to begin; Ctrl-D ends.")


async def _settled(store: Store) -> None:
    """Waits until all that was decided is on the screen, so that an answer stands before the next line is read."""

    async def work(tx: Transaction) -> bool:
        return await tx.outbox.oldest_unsent() is None

    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        if await store.read(work):
            return
        await asyncio.sleep(0.02)
