"""From the outbox to one account of a channel: claim, send with no transaction open, record what came of it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from bot.channels.base import Channel, Outbound, Receipt, SendFailed
from storage.errors import StorageError
from storage.outbox import Claimed
from storage.store import Store
from storage.transaction import Transaction

T = TypeVar("T")

log = structlog.get_logger()

BATCH = 64
"""Messages claimed at once: what one pass may hold between claim and record."""

MOST_TRIES = 8
"""Attempts before a message is given up; with the pauses below that is about two minutes."""

LONGEST_PAUSE = timedelta(minutes=1)

IDLE = 1.0
"""Seconds between two looks when nobody said that there is something to send."""


class Sender:
    """Sends what waits for one account. There is one sender for each account."""

    def __init__(self, store: Store, channel: Channel, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._channel = channel
        self._clock = clock
        self._poked = asyncio.Event()
        self._holder = f"{channel.name}:{channel.account}"

    def poke(self) -> None:
        """There may be something to send now."""
        self._poked.set()

    async def run(self) -> None:
        """Sends until it is cancelled. What a killed predecessor left claimed is settled first."""
        await self._patiently(self._release)
        while True:
            self._poked.clear()
            if not await self._patiently(self.pass_once):
                try:
                    await asyncio.wait_for(self._poked.wait(), IDLE)
                except TimeoutError:
                    continue

    async def pass_once(self) -> int:
        """One pass over what may be sent now; how many messages it claimed."""
        channel = self._channel

        async def claim(tx: Transaction) -> list[Claimed]:
            return await tx.outbox.claim(channel.name, channel.account, BATCH, self._holder)

        claimed = await self._store.run(claim)
        if claimed:
            results = await asyncio.gather(*(self._send(message) for message in claimed))
            await self._record(list(zip(claimed, results, strict=True)))
        return len(claimed)

    async def _release(self) -> None:
        async def work(tx: Transaction) -> None:
            await tx.outbox.release(self._channel.name, self._channel.account)

        await self._store.run(work)

    async def _send(self, message: Claimed) -> Receipt | SendFailed:
        channel = self._channel
        outbound = Outbound(
            message.id, channel.name, channel.account, message.address, message.conversation_id or 0, message.say
        )
        try:
            return await channel.send(outbound)
        except SendFailed as failed:
            return failed
        except Exception as error:
            log.exception("a channel broke while sending", channel=channel.name)
            return SendFailed(type(error).__name__)

    async def _record(self, sent: list[tuple[Claimed, Receipt | SendFailed]]) -> None:
        now = self._clock()

        async def work(tx: Transaction) -> None:
            for message, result in sent:
                if isinstance(result, Receipt):
                    await tx.outbox.sent(message.id, result.reference)
                elif result.unknown:
                    await tx.outbox.unknown(message.id)
                elif result.final or message.tries + 1 >= MOST_TRIES:
                    await tx.outbox.failed(message.id, result.reason)
                else:
                    pause = result.retry_after or _pause(message.tries)
                    await tx.outbox.retry(message.id, now + pause, result.reason)

        while True:
            try:
                await self._store.run(work)
            except StorageError:
                log.warning("what was sent could not be recorded yet", channel=self._channel.name)
                await asyncio.sleep(IDLE)
            else:
                return

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """Runs a step; while the database is away, waits and tries again."""
        while True:
            try:
                return await step()
            except StorageError as error:
                log.warning("the database is away", channel=self._channel.name, error=type(error).__name__)
                await asyncio.sleep(IDLE)


def _pause(tries: int) -> timedelta:
    """Doubling from half a second, up to a minute, with jitter so that not all come back at once."""
    seconds = min(0.5 * 2**tries, LONGEST_PAUSE.total_seconds())
    return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311


def utc_now() -> datetime:
    """The present, aware UTC."""
    return datetime.now(UTC)
