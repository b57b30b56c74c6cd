"""People say *stop* while messages to them wait, are claimed and are on the wire: what is sent after that."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bot.app import Bot, open_bot
from bot.channels.base import Inbound, Outbound, Receipt, Receive
from bot.group import Group
from bot.sender import Sender, utc_now
from bot.world import World
from flows.limits import Limits
from flows.model import Said, Say
from storage.outbox import BROADCAST, LIVE
from storage.store import Transaction
from tests.bot.neighbourhood import places
from tests.bot.talking import ALWAYS, write
from tests.waiting import PATIENCE

AT_ONCE, QUEUED = 50, 6
"""People who say it together, and messages that wait for each."""

WITHIN, ON_THE_WIRE = 0.1, 0.003
"""Seconds within which they say it, which is about as long as their messages take; and that one takes at most."""

PLAIN = Limits(4096, None, None)
CONFIRMED = "Done."
"""How the confirmation begins."""


@dataclass
class Wire:
    """A platform. `sent` is what it was given, by address; `late` what of it after the *stop* of that address was
    taken, but for the confirmation. The message of `holds` of an address is on the wire until its *stop* was taken."""

    name: str = "web"
    account: str = "web"
    limits: Limits = PLAIN
    sent: dict[str, list[str]] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    holds: dict[str, int] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    stopped: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    confirmed: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    async def listen(self, receive: Receive) -> None:
        await asyncio.Event().wait()

    async def send(self, message: Outbound) -> Receipt:
        text = message.say.text
        got, stopped = self.sent.setdefault(message.address, []), self.stopped[message.address]
        got.append(text)
        if stopped.is_set() and not text.startswith(CONFIRMED):
            self.late.append(text)
        if text.startswith(CONFIRMED):
            self.confirmed[message.address].set()
        if len(got) == self.holds.get(message.address):
            self.held[message.address].set()
            await stopped.wait()
        await asyncio.sleep(random.uniform(0, ON_THE_WIRE))
        return Receipt(str(message.id))


@dataclass(frozen=True)
class Told:
    """What became of it. `before` is how many people got so many of their messages; `late` what was begun after a
    *stop* was taken, and `behind` what came behind its confirmation."""

    before: Counter[int]
    late: list[str]
    behind: list[list[str]]


async def races(url: str, folder: Path, many: int) -> Told:
    """So many people say *stop*, each once, to a bot on this empty database. `folder` takes its key and its flows.

    Half of them say it at some moment, the others while one of their messages is on the wire, be it the first or the
    last one.
    """
    write(folder / "flows", ALWAYS)
    wire, world = Wire(), World(Group(quiet=None), places=places())
    async with open_bot(url, folder / "doorstep.key", folder / "flows", world) as bot:
        sender = bot.senders[wire.name, wire.account] = Sender(bot.store, wire, utc_now)
        sending = asyncio.create_task(sender.run())
        for first in range(0, many, AT_ONCE):
            people = [f"p{number}" for number in range(first, min(first + AT_ONCE, many))]
            wire.holds |= {who: 1 + number % QUEUED for number, who in enumerate(people[1::2])}
            await bot.store.run(partial(_queue, people=people))
            sender.poke()
            await asyncio.gather(*[_stop(bot, wire, who) for who in people])
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    behind = [texts for texts in wire.sent.values() if not texts[-1].startswith(CONFIRMED)]
    return Told(Counter(len(texts) - 1 for texts in wire.sent.values()), wire.late, behind)


async def _queue(tx: Transaction, people: Sequence[str]) -> None:
    for who in people:
        person = await tx.people.add("web", "web", who, "en")
        for number in range(QUEUED):
            priority = LIVE if number % 2 else BROADCAST
            await tx.outbox.add(person, person.address_id, None, [Say(f"News {number}")], priority=priority)


async def _stop(bot: Bot, wire: Wire, who: str) -> None:
    if who in wire.holds:
        await wire.held[who].wait()
    else:
        await asyncio.sleep(random.uniform(0, WITHIN))
    await bot.turns.receive(Inbound("web", "web", who, f"stop {who}", Said("stop")))
    wire.stopped[who].set()
    await asyncio.wait_for(wire.confirmed[who].wait(), PATIENCE)
