"""From the outbox to one account of a channel: claim, send with no transaction open, record what came of it."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot.channels.base import Channel, Outbound, Receipt, SendFailed
from storage.errors import StorageUnavailable
from storage.outbox import Claimed
from storage.store import Store
from storage.transaction import Transaction

T = TypeVar("T")

log = logging.getLogger(__name__)

IN_FLIGHT = 64
"""Messages on their way to a platform at once: each of another chat, so that a slow one holds up nobody else."""

MOST_TRIES = 300
"""Attempts before a message is given up: with the pauses below about a day, which a platform's worst outage lasts."""

BROKEN_TRIES = 6
"""The same where our own channel breaks over a message: that is no outage."""

LONGEST_PAUSE = timedelta(minutes=5)

IDLE = 1.0
"""Seconds between two looks when nobody said that there is something to send."""

GRACE = 5.0
"""Seconds that messages under way have to arrive when the sender is stopped."""

_Landed = tuple[Claimed, Receipt | SendFailed]


class Sender:
    """Sends what waits for one account. There is one sender for each account."""

    def __init__(self, store: Store, channel: Channel, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._channel = channel
        self._clock = clock
        self._poked = asyncio.Event()
        self._holder = f"{channel.name}:{channel.account}"
        self._flying: set[asyncio.Task[_Landed]] = set()

    def poke(self) -> None:
        """There may be something to send now."""
        self._poked.set()

    async def run(self) -> None:
        """Sends until it is cancelled. What a killed predecessor left claimed is settled first."""
        await self._patiently(self._release)
        try:
            while True:
                self._poked.clear()
                claimed = await self._patiently(self._claim)
                self._flying |= {asyncio.create_task(self._send(message)) for message in claimed}
                if not claimed:
                    await self._landing_or_poke()
                elif len(self._flying) >= IN_FLIGHT:
                    await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
                else:
                    await asyncio.sleep(0)
                await self._patiently(self._record)
        finally:
            await self._land()

    async def pass_once(self) -> int:
        """One pass over what may be sent now, until all of it has landed; how many messages it claimed."""
        claimed = await self._claim()
        self._flying |= {asyncio.create_task(self._send(message)) for message in claimed}
        if self._flying:
            await asyncio.wait(self._flying)
            await self._patiently(self._record)
        return len(claimed)

    async def _claim(self) -> list[Claimed]:
        room = IN_FLIGHT - len(self._flying)
        if room <= 0:
            return []

        async def work(tx: Transaction) -> list[Claimed]:
            return await tx.outbox.claim(self._channel.name, self._channel.account, room, self._holder)

        return await self._store.run(work)

    async def _release(self) -> None:
        async def work(tx: Transaction) -> None:
            await tx.outbox.release(self._channel.name, self._channel.account)

        await self._store.run(work)

    async def _send(self, message: Claimed) -> _Landed:
        channel = self._channel
        outbound = Outbound(
            message.id, channel.name, channel.account, message.address, message.conversation_id or 0, message.say,
            message.replaces, message.maybe_sent,
        )  # fmt: skip
        try:
            return message, await channel.send(outbound)
        except SendFailed as failed:
            return message, failed
        except Exception as error:
            log.exception("channel %s broke while sending", channel.name)
            return message, SendFailed(type(error).__name__, final=message.tries + 1 >= BROKEN_TRIES)

    async def _record(self) -> None:
        """Stores what came of the messages that have landed. They are forgotten here only once that is stored."""
        landed = {task for task in self._flying if task.done()}
        if not landed:
            return
        now = self._clock()

        async def work(tx: Transaction) -> None:
            for message, result in [task.result() for task in landed]:
                if isinstance(result, Receipt):
                    await tx.outbox.sent(message.id, result.reference)
                elif result.unknown:
                    await tx.outbox.unknown(message.id)
                elif result.final or message.tries + 1 >= MOST_TRIES:
                    await tx.outbox.failed(message.id, result.reason)
                else:
                    pause = result.retry_after or _pause(message.tries)
                    await tx.outbox.retry(message.id, now + pause, result.reason)

        await self._store.run(work)
        self._flying -= landed

    async def _landing_or_poke(self) -> None:
        """Waits until a message has landed, or somebody pokes, or for a while."""
        poke = asyncio.create_task(self._poked.wait())
        try:
            await asyncio.wait({poke, *self._flying}, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            poke.cancel()

    async def _land(self) -> None:
        """What is under way may still arrive, and be recorded; the rest is for the next sender to find out."""
        if self._flying:
            _, late = await asyncio.wait(self._flying, timeout=GRACE)
            for task in late:
                task.cancel()
            self._flying -= late
            try:
                await self._record()
            except StorageUnavailable:
                log.warning("what was sent last on %s could not be recorded", self._channel.name)

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """Runs a step; while the database is away, waits and tries again."""
        while True:
            try:
                return await step()
            except StorageUnavailable:
                log.warning("what is to be sent on %s waits, for the database is away", self._channel.name)
                await asyncio.sleep(IDLE)


def _pause(tries: int) -> timedelta:
    """Doubling from half a second, up to five minutes, with jitter so that not all come back at once."""
    seconds = min(0.5 * 2 ** min(tries, 20), LONGEST_PAUSE.total_seconds())
    return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311


def utc_now() -> datetime:
    """The present, aware UTC."""
    return datetime.now(UTC)
