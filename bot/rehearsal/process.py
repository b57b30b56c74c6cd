"""The bot of a rehearsal as a process: it is born, works in one sequence, is killed, and is born again."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from random import Random

from bot.app import Bot, open_bot
from bot.channels.base import Inbound
from bot.rehearsal.clock import WorldClock
from bot.rehearsal.disk import Disk, Killed, SteppedWriter
from bot.rehearsal.network import Network
from bot.retention import Retention
from bot.sender import Sender
from bot.world import World
from storage.errors import StorageError

DATABASE = "rehearsal.db"
"""The database's file, in the rehearsal's folder."""

TRIES = 50
"""How often it is tried to start a process while the database is away."""

PAUSE = 5.0
"""Seconds between two tries."""


class Process:
    """One process after the other on the same database. Nothing of it runs but what is called."""

    def __init__(
        self, folder: Path, flows: Path, world: World, clock: WorldClock, disk: Disk, networks: Sequence[Network],
        chance: Random,
    ) -> None:  # fmt: skip
        self.bot: Bot
        self.database = folder / DATABASE
        self._key, self._flows, self._world, self._clock = folder / "rehearsal.key", flows, world, clock
        self._disk, self._networks, self._chance = disk, networks, chance
        self._stack = AsyncExitStack()
        self._retention: Retention

    async def start(self) -> None:
        """Opens the database; what a predecessor left claimed is known to be doubtful."""
        for _ in range(TRIES):
            try:
                return await self._start()
            except StorageError:
                await self._stack.aclose()
                await asyncio.sleep(PAUSE)
        raise StorageError("the database did not come back")

    async def _start(self) -> None:
        self._stack = AsyncExitStack()
        self._disk.dead = False
        writer = partial(SteppedWriter, disk=self._disk)
        opening = open_bot(f"sqlite:///{self.database}", self._key, self._flows, self._world, self._clock, writer)
        self.bot = await self._stack.enter_async_context(opening)
        for network in self._networks:
            sender = Sender(self.bot.store, network, self._clock, self._chance.random)
            self.bot.senders[network.name, network.account] = sender
            await sender.begin()
        self._retention = Retention(self.bot.store, self._clock)

    async def die(self) -> None:
        """Whatever it had in its memory is gone."""
        self._disk.calm()
        self._disk.dead = True
        try:
            await self._stack.aclose()
        except Killed:
            return

    async def stop(self) -> None:
        """Ends as a process that was told to."""
        await self._stack.aclose()

    async def receive(self, inbound: Inbound) -> None:
        """Takes what a platform hands over. Raises StorageError, Killed."""
        await self.bot.turns.receive(inbound)

    async def tick(self) -> None:
        """What is due happens. Raises Killed."""
        await self.bot.due.tick()

    async def catch_up(self) -> None:
        """What turns have left for others is taken. Raises StorageError, Killed."""
        await self.bot.handover.drain()
        await self.bot.free.catch_up()

    async def daily(self) -> None:
        """What is done once a day. Raises StorageError, Killed."""
        await self._retention.delete()
        await self.bot.free.refresh()

    async def pass_once(self, network: Network) -> int:
        """One pass of a network's sender; how many messages it claimed. Raises Killed."""
        return await self.bot.senders[network.name, network.account].pass_once()
