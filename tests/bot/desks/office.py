"""A bot with a desk, and people who write to it: what the offices on every platform have in common."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from bot.app import Bot, open_bot
from bot.channels.base import Inbound
from bot.group import Group
from bot.world import World
from flows.model import Said
from flows.reader import STARTER
from storage.store import Transaction
from tests.bot.neighbourhood import places
from tests.bot.talking import Recorder
from tests.databases import Watch


class Office:
    """`phones` hold what people heard, `reports` what the desk says of itself."""

    def __init__(self, bot: Bot, watch: Watch) -> None:
        self.bot, self.watch = bot, watch
        self.phones = Recorder()
        self.reports: list[str] = []
        self._events = count(1)

    async def says(self, who: str, text: str) -> None:
        """Somebody writes to the bot."""
        said = Said(text)
        await self.bot.turns.receive(Inbound("web", "web", who, f"e{next(self._events)}", said, name=who.title()))

    def heard(self, who: str) -> list[str]:
        return [text for address, text in self.phones.sent if address == who]

    async def person(self, name: str, role: str = "", **fields: Any) -> int:
        async def work(tx: Transaction) -> int:
            person = await tx.people.add("web", "web", name.lower(), "en")
            await tx.people.save(person.id, {"name": name, **fields}, role=role)
            return person.id

        return await self.bot.store.run(work)

    async def add(self, kind: str, person: int | None, body: Mapping[str, Any] | None = None, **more: Any) -> int:
        """A card."""
        subject = f"person:{person}"
        number = await self.bot.store.run(lambda tx: tx.cards.add(kind, subject, person, body or {}, **more))
        self.bot.stir()
        return number


def desk_bot(folder: Path, watch: Watch) -> AbstractAsyncContextManager[Bot]:
    """The bot of a group in Leeds. A second one in the same folder is the same bot, begun anew."""
    group = Group(org={"name": "Leeds Together", "bot_name": "Doorstep"}, zone="Europe/London", quiet=None)
    url, key = f"sqlite:///{folder / 'desk.db'}", folder / "desk.key"
    return open_bot(url, key, STARTER, World(group, places=places()), watch)


@asynccontextmanager
async def at_work(works: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """They run meanwhile; what one of them broke by is raised at the end."""
    tasks = [asyncio.create_task(each) for each in works]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
