"""From the outbox to one account of a channel: claim, send with no transaction open, record what came of it.

What has landed is recorded, and what may begin is claimed, in one transaction for many (a pass). A claimed message goes
out at once, so that whoever stops is not written to afterwards: nothing is claimed far ahead of the account's pace.
"""

import asyncio
import heapq
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot.channels.base import Asking, Channel, Receipt, SendFailed
from bot.deliver import deliver, show_undelivered
from bot.verdict import verdict
from bot.waits import Waits
from storage.errors import LeaseLost, StorageError, StorageUnavailable
from storage.leases import Lease
from storage.sending import AGAIN, BROADCAST, FAILED, HELD, SENT, Claimed, Outcome
from storage.store import Store
from storage.transaction import Transaction

T = TypeVar("T")

log = logging.getLogger(__name__)

IN_FLIGHT = 64
"""Messages on their way to a platform at once: each of another chat, so that a slow one holds up nobody else."""

BROADCASTS = 56
"""How many of them may be broadcasts: a live conversation always finds a place."""

GROUP, GATHER = 32, 0.004
"""So many that have landed are recorded together, or what has landed within so many seconds."""

STEP = 0.005
"""Seconds between two passes, and how far ahead of its moment a message is claimed, where the pace is quicker."""

FRESH = 5.0
"""Seconds after which a claimed message is not begun any more: this process was frozen, and may not be the sender."""

IDLE = 0.5
"""Seconds between two looks when nobody said that there is something to send."""

GRACE = 5.0
"""Seconds that messages under way have to arrive when the sender is stopped."""

_ROUNDING = 0.001
"""Seconds that are no reason to wait: the moment at which a chat is free again was stored less exactly."""


class Sender:
    """Sends what waits for one account. There is one sender for each account.

    clock   the present, aware UTC: every pace and pause is on it
    chance  0 to 1, for the jitter of back-off; a rehearsal fixes it
    """

    def __init__(
        self,
        store: Store,
        channel: Channel,
        clock: Callable[[], datetime],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._channel, self._clock, self._chance = store, channel, clock, chance
        self._asks, self._once = isinstance(channel, Asking), channel.limits.once
        self._waits = Waits(channel.limits, clock, chance)
        self._lease: Lease | None = None
        self._stirred = asyncio.Event()
        self._flying: dict[asyncio.Task[Outcome], Claimed] = {}
        self._landed: list[Outcome] = []
        self._landed_at = self._passed_at = self._takes = 0.0
        self._more = True
        self._later: list[float] = []
        self._stopped: dict[int, float] = {}

    def poke(self) -> None:
        """There may be something to send now."""
        self._more = True
        self._stirred.set()

    def stopped(self, person_id: int) -> None:
        """They have just said *stop*, and it is stored: what was claimed for them before that and has not begun, is not
        begun any more. What is claimed from now on was asked of the database."""
        now = _now()
        self._stopped = {each: at for each, at in self._stopped.items() if now - at <= FRESH} | {person_id: now}

    async def run(self, lease: Lease | None = None) -> None:
        """Sends until it is cancelled. What a predecessor left claimed is settled first.

        With a lease, only as long as that is held: raises LeaseLost where another process has it by now.
        """
        self._lease, self._more = lease, True
        await self._patiently(self.begin)
        try:
            while True:
                for message in await self._claimed():
                    self._launch(message)
                await self._rest()
        finally:
            await self._land()

    async def begin(self) -> None:
        """What a predecessor left claimed waits again, and is known to be doubtful. Only for who sends alone."""
        # What this process itself knows of them counts first.
        await self._record()

        async def work(tx: Transaction) -> None:
            await self._still_mine(tx)
            await tx.outbox.release(self._channel.name, self._channel.account)

        await self._store.run(work)

    async def pass_once(self) -> int:
        """One pass over what may be sent now, one after the other, until it is recorded; how many it claimed."""
        claimed = await self._pass(ahead=False)
        for message in claimed:
            self._waits.pace.take(self._waits.seconds())
            self._landed.append(self._judge(message, await deliver(self._channel, message)))
        await self._patiently(self._record)
        return len(claimed)

    # --- a pass

    async def _claimed(self) -> list[Claimed]:
        """What a pass has claimed. Where the sender is stopped meanwhile, that is put back: it is not on its way."""
        passing = asyncio.ensure_future(self._patiently(self._pass))
        try:
            return await asyncio.shield(passing)
        except asyncio.CancelledError:
            await asyncio.wait({passing}, timeout=GRACE)
            if passing.done() and not passing.cancelled() and passing.exception() is None:
                self._landed += [self._back(message, "the sender was stopped") for message in passing.result()]
            passing.cancel()
            raise

    def _back(self, message: Claimed, reason: str) -> Outcome:
        return Outcome(message, AGAIN, reason=reason, at=self._clock(), doubtful=message.maybe_sent)

    async def _pass(self, ahead: bool = True) -> list[Claimed]:
        """Records what has landed, and claims what may begin."""
        begun = self._passed_at = _now()
        room, landed = self._room(ahead), len(self._landed)
        if room == 0 and not landed:
            return []
        had_more, self._more = self._more, False
        claimed = await self._committed(room)
        self._takes += (min(_now() - begun, 0.02) - self._takes) / 8
        # Without room, what stands behind the landed ones in their chats was not looked for.
        self._more = self._more or (len(claimed) == room if room else had_more or landed > 0)
        return claimed

    async def _committed(self, room: int) -> list[Claimed]:
        outcomes, channel = tuple(self._landed), self._channel
        broadcasts = BROADCASTS - sum(message.priority == BROADCAST for message in self._flying.values())
        now, clock, later = self._waits.seconds(), self._clock(), list[float]()

        def wait(chat: int) -> datetime | None:
            # Nothing of the sender itself may change in here: SQLite runs this in a thread of its own.
            free = self._waits.chats.next(chat)
            if free <= now + _ROUNDING:
                return None
            later.append(free)
            return clock + timedelta(seconds=free - now)

        async def work(tx: Transaction) -> list[Claimed] | None:
            later.clear()
            await tx.outbox.settle(outcomes)
            for outcome in outcomes:
                if outcome.state in {FAILED, HELD} or outcome.shown:
                    await show_undelivered(tx, channel.name, outcome)
                elif outcome.message.unreached and outcome.state == SENT:
                    await tx.addresses.reached(outcome.message.address_id)
            if not room:
                return []
            if self._lease and not await tx.leases.holds(self._lease):
                return None
            return await tx.outbox.claim(
                channel.name, channel.account, room, self._holder(), broadcasts=broadcasts, wait=wait
            )

        claimed = await self._store.run(work)
        del self._landed[: len(outcomes)]
        for moment in later:
            heapq.heappush(self._later, moment)
        if claimed is None:
            raise LeaseLost(channel.name)
        return claimed

    async def _record(self) -> None:
        if self._landed:
            await self._committed(0)

    async def _still_mine(self, tx: Transaction) -> None:
        if self._lease and not await tx.leases.holds(self._lease):
            raise LeaseLost(self._channel.name)

    def _holder(self) -> str:
        account = f"{self._channel.name}:{self._channel.account}"
        return f"{account}#{self._lease.fence}" if self._lease else account

    def _room(self, ahead: bool) -> int:
        """How many messages may be claimed now."""
        now, places = self._waits.seconds(), self._waits.places(len(self._flying), IN_FLIGHT)
        return self._waits.pace.free(now, now + (self._ahead() if ahead else 0), places)

    def _ahead(self) -> float:
        """Where messages follow each other more quickly than passes do, those until the next pass are claimed."""
        return STEP + self._takes if 0 < self._waits.pace.every < STEP else 0

    # --- on the wire

    def _launch(self, message: Claimed) -> None:
        now = self._waits.seconds()
        task = asyncio.create_task(self._fly(message, self._waits.pace.take(now) - now, self._passed_at))
        self._flying[task] = message
        task.add_done_callback(self._arrived)

    async def _fly(self, message: Claimed, wait: float, claimed_at: float) -> Outcome:
        if wait > 0:
            await asyncio.sleep(wait)
        if _now() - claimed_at > FRESH:
            return self._back(message, "claimed too long ago")
        if claimed_at <= self._stopped.get(message.person_id, 0) and not message.last:
            return self._back(message, "they said stop when it was claimed")
        return self._judge(message, await deliver(self._channel, message))

    def _arrived(self, task: asyncio.Task[Outcome]) -> None:
        full = len(self._flying) == IN_FLIGHT
        del self._flying[task]
        if task.cancelled():
            return
        self._landed.append(task.result())
        if len(self._landed) == 1:
            self._landed_at = _now()
        if full or len(self._landed) in {1, GROUP}:
            self._stirred.set()

    def _judge(self, message: Claimed, result: Receipt | SendFailed) -> Outcome:
        now = self._waits.seconds()
        self._waits.heard(message.address_id, result, now)
        outcome = verdict(message, result, self._clock(), self._chance, asks=self._asks, once=self._once)
        if outcome.at is not None:
            heapq.heappush(self._later, now + (outcome.at - self._clock()).total_seconds())
        return outcome

    # --- between passes

    async def _rest(self) -> None:
        """Waits until another pass is worth its transaction; at least lets what was launched begin."""
        await asyncio.sleep(0)
        while (pause := min(self._pauses())) > 0:
            self._stirred.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._stirred.wait()
            except TimeoutError:
                break

    def _pauses(self) -> Iterable[float]:
        """Seconds until each thing that may ask for a pass."""
        loop, now = _now(), self._waits.seconds()
        while self._later and self._later[0] <= now:
            heapq.heappop(self._later)
            self._more = True
        yield self._passed_at + IDLE - loop
        if self._later:
            yield max(self._later[0] - now, 0.001)
        if len(self._landed) >= GROUP:
            yield 0
        elif self._landed:
            yield self._landed_at + GATHER - loop
        if self._more and self._waits.places(len(self._flying), IN_FLIGHT) > 0:
            next_one = self._waits.pace.next(now) - now
            ahead = self._ahead()
            yield max(next_one - ahead, self._passed_at + STEP - loop) if ahead else next_one

    async def _land(self) -> None:
        """What is under way may still arrive, and be recorded; the rest is for the next sender to find out."""
        if self._flying:
            _, late = await asyncio.wait(self._flying, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            await asyncio.sleep(0)
        try:
            await self._record()
        except StorageError:
            log.warning("what was sent last on %s could not be recorded yet", self._channel.name)

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """Runs a step; while the database is away, waits and tries again."""
        while True:
            try:
                return await step()
            except StorageUnavailable:
                log.warning("what is to be sent on %s waits, for the database is away", self._channel.name)
                await asyncio.sleep(IDLE)


def _now() -> float:
    return asyncio.get_running_loop().time()


def utc_now() -> datetime:
    """The present, aware UTC."""
    return datetime.now(UTC)
