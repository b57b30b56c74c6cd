"""A bot without processes and pages: turns on a store, flows in a folder, a channel that writes down what it sends."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bot.channels.base import Inbound, Outbound, Receipt, Receive, SendFailed
from bot.due import DueClock
from bot.handover import Handover
from bot.libraries import Libraries
from bot.moments import Moments
from bot.pairing.batch import Batch
from bot.pairing.free import FreeBuddies
from bot.sender import Sender
from bot.turn import Taken, Turns
from bot.world import World
from flows.limits import WEB, Limits
from flows.model import Said
from flows.reader import STARTER
from storage.people import Loaded, Person
from storage.store import Store, Transaction
from tests.databases import Watch

ALWAYS = {
    name: (STARTER / "library" / f"{name}.yaml").read_text("utf-8")
    for name in "always export forget_me help human language privacy report stop".split()
}
"""The flows that belong to everyone: stop, help, forget me and so on."""


@dataclass
class Recorder:
    """A channel that takes every message, or does with it what `answers` says, in order: it fails, or takes so many
    seconds, or until the event. Whoever writes from an address in `gone` has blocked us there."""

    name: str = "web"
    account: str = "web"
    limits: Limits = WEB
    sent: list[tuple[str, str]] = field(default_factory=list)
    outbound: list[Outbound] = field(default_factory=list)
    answers: list[Exception | float | asyncio.Event | None] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    async def listen(self, receive: Receive) -> None:
        await asyncio.Event().wait()

    async def send(self, message: Outbound) -> Receipt:
        if message.address in self.gone:
            raise SendFailed("they have blocked this bot", final=True)
        answer = self.answers.pop(0) if self.answers else None
        self.outbound.append(message)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        elif answer is not None:
            await asyncio.sleep(answer)
        self.sent.append((message.address, message.say.text))
        return Receipt(f"r{message.id}")


class Talk:
    """People who talk with a bot on a store. Everyone is called by the address they write from."""

    def __init__(self, store: Store, watch: Watch, folder: Path, world: World) -> None:
        self.store, self.watch, self.folder, self.world = store, watch, folder, world
        self.libraries = Libraries(store, folder)
        self.pokes: list[tuple[str, str]] = []
        self.turns = Turns(
            store, self.libraries, world, lambda taken: self.pokes.append((taken.person.channel, taken.person.account))
        )
        self.channel = Recorder()
        self.sender = Sender(store, self.channel, watch)
        self.handover = Handover(store, self.turns)
        self.moments = Moments(store, self.turns, self.libraries, world, watch)
        self.batch = Batch(store, self.turns, world)
        self.clock = DueClock(store, self.turns, watch, self.handover, self.moments, self.batch)
        self.free = FreeBuddies(store, world.pool)
        self._events = count(1)

    def _taken(self, taken: Taken) -> None:
        self.pokes.append((taken.person.channel, taken.person.account))

    async def say(self, text: str, who: str = "ana", event: str = "", **more: Any) -> str:
        """They say it; the event's id."""
        told = {name: more.pop(name) for name in ("name", "language", "at") if name in more}
        event = event or f"e{next(self._events)}"
        await self.turns.receive(Inbound("web", "web", who, event, Said(text, **more), **told))
        return event

    async def send(self) -> list[tuple[str, str]]:
        """Sends all that may be sent now; (to whom, what)."""
        before = len(self.channel.sent)
        while await self.sender.pass_once():
            pass
        return self.channel.sent[before:]

    async def hears(self, who: str = "ana") -> list[str]:
        """What is sent to them now."""
        return [text for address, text in await self.send() if address == who]

    async def tick(self) -> None:
        """Everything due happens, and the leaving are forgotten."""
        await self.clock.tick()

    def tries(self, count: int) -> int:
        """How often a work runs that breaks so often: SQLite's writer runs it again outside its group."""
        return count if self.store._path is None else 2 * count

    async def person(self, who: str = "ana") -> Person | None:
        return await self.store.run(lambda tx: tx.people.by_address("web", "web", who))

    async def loaded(self, who: str = "ana") -> Loaded:
        found = await self.store.run(lambda tx: tx.people.lock_and_load("web", "web", who))
        assert found is not None
        return found

    async def ledger(self, what: str) -> int:
        """How often this happened."""

        async def work(tx: Transaction) -> dict[str, tuple[int, int]]:
            return await tx.ledger.counts(self.watch.now.replace(year=2000), self.watch.now.replace(year=2100))

        return (await self.store.run(work)).get(what, (0, 0))[0]


def write(folder: Path, flows: Mapping[str, str]) -> None:
    """Flow files, in a folder that holds `library/`."""
    (folder / "library").mkdir(parents=True, exist_ok=True)
    for name, text in flows.items():
        (folder / "library" / f"{name}.yaml").write_text(text, "utf-8")


def failed(**how: Any) -> SendFailed:
    """A platform's refusal."""
    return SendFailed("refused", **how)
