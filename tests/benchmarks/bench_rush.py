"""100,000 reminders due at one second, from the clock that finds them to the platform that takes them, while people
write: how long that takes, whether what is sooner too late goes out first, and how long who writes waits for an answer.

The whole bot runs as in `doorstep run`, with a platform that answers after 30 ms and an account that may send 1,000 a
second. Half of the people come to an action in half an hour, the other half to one in two hours. An answer's time is
from when somebody wrote until the platform was given the answer; beside it, in the same run, is that of the same people
before anything was due.

    python tests/benchmarks/bench_rush.py [postgresql://… [how many]]      # SQLite (FULL) unless told otherwise
"""

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Awaitable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.app import Bot, open_bot
from bot.channels.base import Inbound, Outbound, Receipt, Receive
from bot.group import Group
from bot.sender import utc_now
from bot.world import World
from flows.limits import Limits, Rate
from flows.model import Said
from storage.actions import PUBLISHED
from storage.store import Transaction
from tests.bot.talking import ALWAYS, write

DUE, AT_ONCE, BEFORE = 100_000, 500, 5.0
ANSWERS_AFTER, BETWEEN = 0.03, 0.1
PAID = Rate(1000)
"""Telegram's paid broadcasts: python-telegram-bot's constants.FloodLimit.PAID_MESSAGES_PER_SECOND."""
SOON, LATER = timedelta(minutes=30), timedelta(hours=2)
_STARTS = "{{moment: action.start, offset: -{}, who: signed_up, until: 5 minutes before}}"
_SAY = "'{{ action.title }} begins at {{ action.starts | time }}.'"
FLOWS = {
    name: f"flow: {name}\nstarts: {_STARTS.format(offset)}\nstart: a\nstates:\n  a: {{say: {_SAY}, end: a}}\n"
    for name, offset in {"soon": "30 minutes", "later": "2 hours"}.items()
}


class Platform:
    """Takes everything; remembers when each answer came, and which reminders came in which order."""

    name, account, limits = "telegram", "main", Limits(4096, None, None, account=PAID)

    def __init__(self, many: int) -> None:
        self.answered: dict[str, float] = {}
        self.reminders: list[str] = []
        self.all_there = asyncio.Event()
        self._many = many

    async def listen(self, receive: Receive) -> None:
        await asyncio.Event().wait()

    async def send(self, message: Outbound) -> Receipt:
        if message.address.startswith("live"):
            self.answered.setdefault(message.address, time.perf_counter())
        else:
            self.reminders.append(message.say.text.partition(" ")[0])
            if len(self.reminders) == self._many:
                self.all_there.set()
        await asyncio.sleep(ANSWERS_AFTER)
        return Receipt(f"{message.id}")


class Ahead:
    """A clock that begins to be ahead when it is told to."""

    def __init__(self) -> None:
        self.by = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.by


async def signed_up(bot: Bot, many: int, at: datetime) -> None:
    """Half of so many people come to an action half an hour after `at`, the others to one two hours after."""

    async def join(tx: Transaction, start: int, number: int) -> None:
        for each in range(start, start + AT_ONCE):
            person = await tx.people.add("telegram", "main", f"p{each}", "en")
            await tx.actions.sign_up(number, person.id, "yes")

    for half, (title, ahead) in enumerate({"later": LATER, "soon": SOON}.items()):
        number = await bot.store.run(partial(_published, title=title, starts=at + ahead))
        for start in range(half * many // 2, (half + 1) * many // 2, AT_ONCE):
            await bot.store.run(partial(join, start=start, number=number))


async def _published(tx: Transaction, title: str, starts: datetime) -> int:
    ends = starts + timedelta(hours=1)
    return await tx.actions.add(title=title, starts_at=starts, ends_at=ends, zone="UTC", state=PUBLISHED)


async def writing(bot: Bot, wrote: dict[str, float], name: str) -> None:
    """Somebody new writes, ten times a second."""
    for number in itertools.count():
        who = f"live {name} {number}"
        wrote[who] = time.perf_counter()
        await bot.turns.receive(Inbound("telegram", "main", who, f"{who}:1", Said("help")))
        await asyncio.sleep(BETWEEN)


async def waits(bot: Bot, platform: Platform, name: str, until: Awaitable[object]) -> str:
    """How long those who wrote until then waited for their answers."""
    wrote: dict[str, float] = {}
    task = asyncio.create_task(writing(bot, wrote, name))
    await until
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await asyncio.sleep(1)
    took = sorted(platform.answered[who] - at for who, at in wrote.items() if who in platform.answered)
    told = [took[len(took) // 2], took[len(took) * 99 // 100], took[-1]]
    missing = len(wrote) - len(took)
    words = ", ".join(
        f"{what} {each * 1e3:,.0f} ms" for what, each in zip(("median", "p99", "longest"), told, strict=True)
    )
    return f"{len(took):,} people, {words}, {missing} without an answer a second later"


async def main(url: str, folder: Path, many: int) -> None:
    """Prints it all."""
    clock, platform = Ahead(), Platform(many)
    write(folder / "flows", {**ALWAYS, **FLOWS})
    async with open_bot(url, folder / "key", folder / "flows", World(Group(quiet=None)), clock) as bot:
        at = utc_now() + timedelta(days=1)
        await signed_up(bot, many, at)
        tasks = [asyncio.create_task(each) for each in (*bot.attach(platform), *bot.always())]
        print(f"before anything is due, answers: {await waits(bot, platform, 'before', asyncio.sleep(BEFORE))}")
        answers = asyncio.create_task(waits(bot, platform, "meanwhile", platform.all_there.wait()))
        worked, begun = time.process_time(), time.perf_counter()
        clock.by = at - utc_now()
        await platform.all_there.wait()
        took, worked = time.perf_counter() - begun, time.process_time() - worked
        print(f"meanwhile, answers:              {await answers}")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    each = f"{many / took:,.0f}/s ({worked / many * 1e6:,.0f} µs of a processor each, answers included)"
    print(f"{many:,} reminders due at one second were sent in {took:,.1f} s, {each}")
    print(
        f"of the first half, those sooner too late: {platform.reminders[: many // 2].count('soon') / (many // 2):.2%}"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        at = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{name}/bench.db"
        asyncio.run(main(at, Path(name), int(sys.argv[2]) if len(sys.argv) > 2 else DUE))
