"""How many messages a second the whole sender sends (claimed with consent looked at again, opened, sent, recorded), and
how well it keeps a platform's pace.

The channel answers at once in the first part; beside it, in the same run, is the bare loop over the same channel with
no outbox. In the second part it answers after 30 ms, as platforms do, and the account has a pace. Lateness is how long
after the moment at which the pace allowed it a message left, while all of them waited from the beginning; the fullest
second is what a platform would count.

    python tests/benchmarks/bench_sender.py [postgresql://…]      # SQLite (FULL) unless told otherwise
"""

import asyncio
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.channels.base import Outbound, Receipt, Receive
from bot.pace import Pace
from bot.sender import IN_FLIGHT, Sender, utc_now
from flows.limits import TELEGRAM_ACCOUNT, Limits, Rate
from flows.model import Say
from storage.outbox import BROADCAST
from storage.store import Store, Transaction

MESSAGES = 10_000
PER_WORK = 500
TEXT = "Saturday at eleven we plant trees by the canal. Bring gloves if you have some. Will you come along?"
ANSWERS_AFTER = 0.03
SECONDS = 10

PAID = Rate(1000)
"""Telegram's paid broadcasts: python-telegram-bot's constants.FloodLimit.PAID_MESSAGES_PER_SECOND."""


class Platform:
    """A platform that takes everything, so many seconds after it was sent, and remembers when that was."""

    name, account = "bench", "main"

    def __init__(self, after: float = 0, rate: Rate | None = None) -> None:
        self.limits = Limits(4096, None, None, account=rate)
        self.after = after
        self.begun: list[float] = []
        self.waiting = self.most = 0

    async def listen(self, receive: Receive) -> None:
        await asyncio.Event().wait()

    async def send(self, message: Outbound) -> Receipt:
        self.begun.append(time.time())
        if self.after:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            await asyncio.sleep(self.after)
            self.waiting -= 1
        return Receipt(f"{message.id}")


async def wait_for(store: Store, count: int, begin: int = 0) -> None:
    """So many people, each with a broadcast that waits."""
    for start in range(begin, begin + count, PER_WORK):

        async def work(tx: Transaction, start: int = start) -> None:
            for number in range(start, min(start + PER_WORK, begin + count)):
                person = await tx.people.add("bench", "main", f"{number}", "en")
                await tx.outbox.add(person, person.address_id, None, [Say(TEXT)], priority=BROADCAST)

        await store.run(work)


async def bare(platform: Platform, count: int) -> float:
    """Messages a second of a loop, as many in flight as the sender has, that keeps nothing."""
    waiting = iter([Outbound(each, "bench", "main", f"{each}", 0, Say(TEXT)) for each in range(count)])

    async def one() -> None:
        for message in waiting:
            await platform.send(message)

    begun = time.perf_counter()
    await asyncio.gather(*(asyncio.create_task(one()) for _ in range(IN_FLIGHT)))
    return count / (time.perf_counter() - begun)


class Watched(Pace):
    """A pace that remembers when each message might have left."""

    def __init__(self, rate: Rate | None) -> None:
        super().__init__(rate)
        self.allowed: list[float] = []

    def take(self, now: float) -> float:
        self.allowed.append(self.next(float("-inf")))
        return super().take(now)


async def whole(store: Store, platform: Platform, count: int, pace: Pace | None = None) -> tuple[float, float]:
    """Messages a second of the sender until all is recorded, and what share of a core that took."""
    sender = Sender(store, platform, utc_now)
    sender._waits.pace = pace or sender._waits.pace
    begun, used = time.perf_counter(), time.process_time()
    async with store.lease("bench:main") as lease:
        sending = asyncio.create_task(sender.run(lease))
        await all_sent(store, platform, count)
        took, used = time.perf_counter() - begun, time.process_time() - used
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
    assert len(platform.begun) == count, "each once"
    return count / took, used / took


async def all_sent(store: Store, platform: Platform, count: int) -> None:
    """Returns once so many were sent, and all is recorded; looks as rarely as it can."""
    while True:
        if len(platform.begun) >= count and not await store.read(lambda tx: tx.outbox.oldest_unsent()):
            return
        await asyncio.sleep(0.02)


async def at_once(store: Store) -> None:
    """Prints the first part."""
    alone = await bare(Platform(), MESSAGES * 10)
    await wait_for(store, MESSAGES)
    rate, share = await whole(store, Platform(), MESSAGES)
    print("\na channel that answers at once    messages/s      share of a core    µs of it each")
    print(f"  bare loop, nothing kept        {alone:12,.0f}")
    print(f"  whole sender                   {rate:12,.0f} {share:15.0%} {share / rate * 1e6:17,.0f}")
    print(f"  whole sender over bare loop    {rate / alone:12.3f}")


async def paced(store: Store, rate: Rate, begin: int) -> None:
    """Prints one line of the second part."""
    count = int(rate.messages / rate.seconds * SECONDS)
    await wait_for(store, count, begin)
    platform = Platform(ANSWERS_AFTER, rate)
    pace = Watched(rate)
    _, share = await whole(store, platform, count, pace)
    late = sorted(begun - allowed for begun, allowed in zip(platform.begun[1:], pace.allowed[1:], strict=True))
    fullest, oldest = 0, 0
    for number, at in enumerate(platform.begun):
        while platform.begun[oldest] <= at - rate.seconds:
            oldest += 1
        fullest = max(fullest, number - oldest + 1)
    p50, p99 = late[len(late) // 2] * 1000, late[len(late) * 99 // 100] * 1000
    reached = (count - 1) / (platform.begun[-1] - platform.begun[0])
    print(
        f"  {rate.messages:5,}/s {reached:10,.1f} {fullest:15,} {p50:12.2f} {p99:10.2f} {share:14.0%}"
        f" {platform.most:12}"
    )


async def main() -> None:
    """Runs all of it."""
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/bench.db"
        store = await Store.open(url, Path(folder, "bench.key"), clock=utc_now)
        try:
            await at_once(store)
            print("\na pace      reached   fullest second   late p50 ms     p99 ms   share of a core   in flight")
            await paced(store, TELEGRAM_ACCOUNT, MESSAGES)
            await paced(store, PAID, 2 * MESSAGES)
        finally:
            await store.close()


if __name__ == "__main__":
    asyncio.run(main())
