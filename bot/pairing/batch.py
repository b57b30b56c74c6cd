"""Everyone who still waits, assigned together now and then: outside any transaction, and by one process of all."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from bot.held import while_held
from bot.pairing import gatherings
from bot.pairing.seeking import helper_of, seeker_wish
from bot.turn import Turns
from bot.world import Pairing, World
from storage.buddies import Buddy, Seeker
from storage.errors import StorageError
from storage.leases import Lease
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

MOST = 10_000
"""People assigned together; who waits longest is among them."""


class Batch:
    """Proposes buddies to those who wait. What it proposes passes every check again, in the turn of whom it is for."""

    def __init__(self, store: Store, turns: Turns, world: World) -> None:
        self._store = store
        self._turns = turns
        self._world = world
        self._mine = True

    async def run(self) -> None:
        """From now on proposes only while no other process does; until it is cancelled."""
        self._mine = False
        await while_held(self._store, "pairing", self._hold)

    async def _hold(self, _: Lease) -> None:
        self._mine = True
        try:
            await asyncio.Event().wait()
        finally:
            self._mine = False

    async def sweep(self) -> int:
        """Proposes to each buddy one newcomer at most, so that nobody is near their limit while another idles; how many
        that were. Whoever still waits is for the next sweep, once what was proposed is known. Raises StorageError."""
        if not self._mine:
            return 0
        now, waiting, buddies = await self._store.read(_look)
        if len(waiting) == 1:
            proposed = {waiting[0].id: 0}
        else:
            proposed = await asyncio.to_thread(proposals, waiting, buddies, self._world.pairing, now)
        for supporter, buddy in proposed.items():
            try:
                await self._turns.let(supporter, "search", {"first": str(buddy)})
            except StorageError:
                raise
            except Exception:
                log.exception("a search broke")
        await self._gather([each for each in waiting if each.id not in proposed], buddies, now)
        # One who waits alone is looked for once, found or not.
        return len(proposed) if len(waiting) > 1 else 0

    async def _gather(self, left: Sequence[Seeker], buddies: Sequence[Buddy], now: datetime) -> None:
        """Coordinators see where several wait, and nobody has room."""
        before = await self._store.read(gatherings.known)
        if len(left) < gatherings.FEWEST and not before.open_:
            return
        proposed, past = await asyncio.to_thread(gatherings.groups, left, buddies, before, self._world.pairing, now)
        if proposed or past:
            await self._store.run(lambda tx: gatherings.show(tx, proposed, past))


async def _look(tx: Transaction) -> tuple[datetime, list[Seeker], list[Buddy]]:
    waiting = await tx.buddies.seekers(MOST)
    return tx.now, waiting, await tx.buddies.all() if len(waiting) > 1 else []


def proposals(waiting: Sequence[Seeker], buddies: Sequence[Buddy], pairing: Pairing, now: datetime) -> dict[int, int]:
    """{supporter: buddy}: as many as can be, each buddy once, at the least cost; present loads and waits are costs."""
    if not waiting or not buddies:
        return {}
    # numpy and OR-Tools: not needed before the first time that several wait
    from bot.pairing.assign import optimal
    from bot.pairing.sides import Sides

    sides = Sides([seeker_wish(each) for each in waiting], [helper_of(each) for each in buddies], pairing.terms(now))
    found = optimal(sides, lambda _: None, each_takes=1)
    return {sides.wishes[supporter].id: sides.helpers[buddy].id for supporter, buddy, _ in found.pairs}
