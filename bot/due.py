"""What is due now, and the clock that asks: conversations, flows that begin by themselves, answers that never came."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from bot.changed_actions import all_were_told, tell_of_change, whom_to_tell
from bot.forgetting import forget
from bot.handover import Handover
from bot.moments import Moments
from bot.others import leave
from bot.pairing import patience
from bot.pairing.batch import Batch
from bot.turn import Turns
from storage.errors import Burned, KeyDestroyed, StorageError
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

BATCH = 200
"""Conversations taken from one look; while a look comes back full, the next follows at once."""

AT_ONCE = 32
"""Turns under way at the same time, so that they share what a commit costs and still let people's own through."""

EVERY = 1.0
"""Seconds between two looks."""

GOODBYE = timedelta(seconds=45)
"""How long a goodbye may hold up that somebody is forgotten, where it cannot be sent."""

SILENT_AFTER = timedelta(hours=48)
"""How long two who were introduced may write nothing until the supporter is asked about it."""

SWEEP = timedelta(minutes=1)
"""How often those who wait for a buddy are looked at, should one be free by now."""

ROUNDS = 5
"""Newcomers whom one buddy is asked about in one sweep at most."""


OVERLAP = timedelta(minutes=1)
"""How much of the time before is looked at again: clocks differ, and what began earlier may be committed later."""


class DueClock:
    """Asks every second what is due, and lets it happen."""

    def __init__(
        self,
        store: Store,
        turns: Turns,
        clock: Callable[[], datetime],
        handover: Handover,
        moments: Moments,
        batch: Batch,
    ) -> None:
        self._store = store
        self._turns = turns
        self._clock = clock
        self._handover = handover
        self._moments = moments
        self._batch = batch
        self._swept: datetime | None = None
        self._closed_keys = clock()

    async def run(self) -> None:
        """Ticks until it is cancelled. A tick that lasts longer than a second is followed by one, not by many."""
        while True:
            if not await self.tick():
                await asyncio.sleep(EVERY)

    async def tick(self) -> bool:
        """Everything that is due by now happens, each thing once; a database that is away is asked again.

        True: so many are to be reminded at once that more of them wait for the next tick.
        """
        try:
            await self._close_keys()
            await self._forget_the_leaving()
            await self._handover.drain()
            await self._conversations()
            await self._store.run(self._notice)
            await self._think_of_those_who_wait()
            await self._sweep()
            await self._tell_of_changes()
            await self._handover.drain()
            return await self._moments.tick()
        except Burned:
            raise
        except StorageError as error:
            log.warning("what is due waits, for the database is away: %s", type(error).__name__)
            return False

    async def _close_keys(self) -> None:
        """Of those whom another process has forgotten."""
        since, now = self._closed_keys - OVERLAP, self._clock()
        await self._store.run(lambda tx: tx.tombstones.close_keys(since))
        self._closed_keys = now

    async def _conversations(self) -> None:
        done: set[int] = set()
        by = self._clock()
        while fresh := [each for each in await self._due(by) if each[0] not in done]:
            done.update(conversation for conversation, _ in fresh)
            for start in range(0, len(fresh), AT_ONCE):
                await self._let(fresh[start : start + AT_ONCE])
            if len(fresh) < BATCH:
                return

    async def _due(self, by: datetime) -> list[tuple[int, int]]:
        async def work(tx: Transaction) -> list[tuple[int, int]]:
            return await tx.conversations.due(BATCH, by)

        return await self._store.run(work)

    async def _let(self, due: list[tuple[int, int]]) -> None:
        turns = [self._turns.due(person_id, conversation_id) for conversation_id, person_id in due]
        for result in await asyncio.gather(*turns, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _sweep(self) -> None:
        """Somebody may be free by now for those who wait."""
        now = self._clock()
        if self._swept is not None and SWEEP > now - self._swept >= timedelta(0):
            return
        self._swept = now
        for _ in range(ROUNDS):
            proposed = await self._batch.sweep()
            # What was proposed is a buddy's load only once their own turn has seen it.
            await self._handover.drain()
            if not proposed:
                return

    async def _think_of_those_who_wait(self) -> None:
        """Who asked for a buddy two days ago is not to think that nobody is there; but nobody is woken for it."""
        if self._moments.quiet():
            return
        for person_id, line in await self._store.read(lambda tx: patience.due(tx, BATCH)):

            async def work(tx: Transaction, person_id: int = person_id, line: int = line) -> None:
                if await tx.moments.begin(patience.STILL_ASKING, "", person_id, str(line)):
                    await leave(tx, person_id, "still_asking", {"line": str(line)}, str(line))

            # Who was forgotten meanwhile is not to hold up the others.
            with suppress(KeyDestroyed):
                await self._store.run(work)

    async def _tell_of_changes(self) -> None:
        """Who signed up for an action that was changed or called off hears of it; again is the same as once."""
        for action in await self._store.read(lambda tx: tx.actions.untold(BATCH)):
            people = await self._store.read(partial(whom_to_tell, action=action))
            for start in range(0, len(people), BATCH):
                await self._store.run(partial(tell_of_change, action=action, people=people[start : start + BATCH]))
            await self._store.run(partial(all_were_told, action=action))

    async def _forget_the_leaving(self) -> None:
        """Those who asked to be forgotten, once their goodbye is on its way: each in a transaction of their own."""
        for person_id in await self._store.read(lambda tx: tx.people.leaving(BATCH, tx.now - GOODBYE)):

            async def work(tx: Transaction, person_id: int = person_id) -> None:
                await forget(tx, person_id)

            await self._store.run(work)

    async def _notice(self, tx: Transaction) -> None:
        """Offers whose time is up, and pairs in which nobody writes: left to a turn of the person it concerns."""
        for pair_id, buddy_id in await tx.pairs.unanswered(BATCH, tx.now):
            await leave(tx, buddy_id, "lapsed", {"pair": str(pair_id)}, f"{pair_id}:{tx.now:%Y-%m-%d}")
        for pair_id, supporter_id, _ in await tx.pairs.untouched(BATCH, tx.now - SILENT_AFTER):
            await leave(
                tx, supporter_id, "happened", {"name": "pair.silent", "pair": str(pair_id)}, f"silent:{pair_id}"
            )
