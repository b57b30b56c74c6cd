"""One campaign from its first morning to its last echo, in one sequence: the same seed is the same campaign."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeVar

from bot.channels.base import Outbound
from bot.log import place
from bot.rehearsal import account
from bot.rehearsal.agenda import Agenda
from bot.rehearsal.answers import Meant
from bot.rehearsal.audit import Audit
from bot.rehearsal.clock import WorldClock
from bot.rehearsal.coordinators import Coordinators
from bot.rehearsal.disk import FULL, GONE, LOCKED, Disk, Killed
from bot.rehearsal.edits import Edits
from bot.rehearsal.faults import EVENT, PASS, TICK, Faults
from bot.rehearsal.life import DAY, MINUTE, Life
from bot.rehearsal.network import Network, networks
from bot.rehearsal.observer import Event, Observer
from bot.rehearsal.people import by_name, crowd
from bot.rehearsal.process import Process
from bot.rehearsal.sight import Sight
from bot.world import World
from flows.model import Said
from storage.errors import StorageError
from storage.sqlite import keys_path
from storage.tables import micros

T = TypeVar("T")

TICK_EVERY = 30 * MINUTE
"""Seconds between two looks at what is due. The real clock looks every second; nobody in a rehearsal can tell."""

AFTERMATH = 2 * DAY
"""How long it goes on after the last day, with nothing going wrong any more, so that all comes to rest."""

KEPT = timedelta(days=31)
"""So much later, no body of a message may be there."""

MOST_PASSES = 2_000
"""Passes of one sender in a row, before something is wrong with it."""

PATIENT = 4
"""Passes in a row that send nothing, before what is due must be waiting for a reason."""

_STEP = 0.035
"""Seconds that a sender waits for its own pace, about."""

_FIRST_OF_CHATS = """SELECT min(due_at) FROM outbox o WHERE state = 'waiting' AND channel = ? AND NOT EXISTS (
    SELECT 1 FROM outbox e WHERE e.address_id = o.address_id AND e.state IN ('waiting', 'claimed')
    AND (e.priority, e.id) < (o.priority, o.id))"""

_TROUBLE = {"database_locked": LOCKED, "database_full": FULL, "database_gone": GONE}


class Campaign:
    """Everything and everybody of one campaign. `told` hears of each day that is over."""

    def __init__(
        self, folder: Path, world: World, clock: WorldClock, *, supporters: int, buddies: int, days: int, seed: int,
        faults: bool, told: Callable[[int], None],
    ) -> None:  # fmt: skip
        people = crowd(supporters, buddies, days, seed)
        self.people = by_name(people)
        self.days, self.clock = days, clock
        self.faults = Faults(Random(f"{seed}: faults"), faults)
        self.observer = Observer(self.people, clock)
        self._by_address = {person.address: person for person in people}
        self._disk, self._agenda = Disk(), Agenda()
        self._networks = networks(clock, self.faults, self._disk, self)
        self._by_network = {network.name: network for network in self._networks}
        chance = Random(f"{seed}: sender")
        self.process = Process(folder, folder / "flows", world, clock, self._disk, self._networks, chance)
        self.life = Life(self.people, self._by_network, self._agenda, clock.seconds, self._handed)
        self.coordinators = Coordinators(self, Random(f"{seed}: coordinators"))
        self._edits = Edits(folder / "flows", Random(f"{seed}: edits"))
        self._audit = Audit(self.observer, clock, clock.seconds)
        self._told = told
        self._flush_at = float("inf")
        self._waiting: list[Event] = []
        for network in self._networks:
            network.on_the_wire = self._stop_on_the_wire

    # --- the whole of it

    async def run(self, counted: Callable[[], Awaitable[T]]) -> T:
        """Plays it, and answers with what was counted then. What broke is in the observer's book."""
        await self._born()
        self.life.begin()
        self._begin_clockwork()
        await self._play(self.days * DAY)
        self.faults.end()
        self._edits.restore()
        await self._play(self.days * DAY + AFTERMATH)
        await self._rest()
        # Bodies go 31 days later; the funnel stays.
        if not self.observer.book.broken:
            self._audit.final()
            await self._much_later()
        try:
            return await counted()
        finally:
            self.observer.sight.close()
            await self.process.stop()

    def _begin_clockwork(self) -> None:
        self._agenda.add(TICK_EVERY, self._tick)
        self._agenda.add(DAY, self._day)
        self.coordinators.begin(self._agenda)

    async def _play(self, until: float) -> None:
        while not self.observer.book.broken and self._agenda.next() <= until:
            at, happens = self._agenda.take()
            await self.clock.until(at)
            await self.alive(happens)
            await self._settle()

    async def _rest(self) -> None:
        """Nobody writes any more; what is decided goes out."""
        for person in self.people.values():
            person.gone = True
        end = self.clock.seconds() + DAY
        while not self.observer.book.broken and self._agenda.next() <= end:
            at, happens = self._agenda.take()
            await self.clock.until(at)
            await self.alive(happens)
            await self._settle()
        await self._all_out(end + DAY)

    async def _all_out(self, end: float) -> None:
        """Nothing happens any more; what was decided last still waits for its moment."""
        while not self.observer.book.broken and self.clock.seconds() + (wait := self._until_due()) <= end:
            await self.clock.until(self.clock.seconds() + max(wait, 1.0))
            await self._settle()
        # A message that fails at last leaves word of it, which is taken like any other.
        await self._settle()

    async def _much_later(self) -> None:
        self.clock.wrong += KEPT
        await self.alive(self.process.tick)
        await self.alive(self.process.daily)
        self._audit.much_later()

    async def alive(self, does: Callable[[], Awaitable[object]]) -> bool:
        """Does something in the process; where that is killed over it, the next one is born. Whether it was done."""
        try:
            await does()
        except Killed:
            await self._reborn()
            return False
        except StorageError:
            return False
        except Exception as error:
            self.observer.book.wrong("the bot broke", place(error))
            return False
        return True

    async def _born(self) -> None:
        await self.process.start()
        self.observer.sight = Sight(self.process.database, keys_path(self.process.database))

    async def _reborn(self) -> None:
        self.observer.sendings.pauses_forgotten()
        while True:
            await self.process.die()
            await self.clock.until(self.clock.seconds() + self.faults.number(1, 90))
            try:
                return await self.process.start()
            except Killed:
                continue

    # --- what people do reaches the bot

    def _handed(self, event: Event) -> None:
        self._agenda.add(self.clock.seconds() + 0.3, lambda: self._receive(event))

    async def _receive(self, event: Event) -> None:
        fault = self.faults.draw(EVENT)
        if fault == "reordered_event":
            # What they do next overtakes it.
            self.faults.happened(fault)
            self._again(event, self.faults.number(1, 240))
            return
        self._befall(fault)
        event.tries += bool(fault)
        before, taken = self.observer.before(event), False
        try:
            await self.process.receive(event.inbound)
            taken = True
        finally:
            if self._disk.calm():
                self.faults.happened(fault)
            self.observer.after(event, before, taken=taken)
            if not taken:
                self._again(event, self.faults.number(1, 60))
        if fault == "duplicate_event":
            self.faults.happened(fault)
            self._again(event, self.faults.number(1, 7200))

    def _again(self, event: Event, seconds: float) -> None:
        event.tries += 1
        self._agenda.add(self.clock.seconds() + seconds, lambda: self._receive(event))

    def _befall(self, fault: str) -> None:
        """Whatever the disk is to do while an event is taken."""
        if fault == "killed_on_receipt":
            self._disk.kill_in = 1
        elif fault == "killed_in_turn":
            self._disk.kill_in = self.faults.number(3, 14)
        elif fault == "killed_before_commit":
            self._disk.kill_before = True
        elif fault == "killed_after_commit":
            self._disk.kill_after = True
        elif fault in _TROUBLE:
            self._disk.trouble, self._disk.for_now = _TROUBLE[fault], self.faults.number(1, 3)

    async def _stop_on_the_wire(self, address: str) -> bool:
        """They say *stop* while a message to them is under way."""
        person = self._by_address[address]
        if person.fate not in ("stops", "comes back") or person.gone:
            return False
        event = self.life.event(person, Meant(Said("stop")))
        before = self.observer.before(event)
        await self.process.receive(event.inbound)
        self.observer.after(event, before, taken=True)
        return True

    # --- the bot's own clockwork

    async def _tick(self) -> None:
        self._agenda.add(self.clock.seconds() + TICK_EVERY, self._tick)
        fault = self.faults.draw(TICK)
        if fault.startswith("clock"):
            self._jump(fault)
        elif fault.startswith("flows"):
            await self._edit(fault)
        elif fault == "killed_in_tick":
            self._disk.kill_in = self.faults.number(1, 12)
        elif fault in _TROUBLE:
            self._disk.trouble, self._disk.for_now = _TROUBLE[fault], self.faults.number(1, 3)
        try:
            await self.process.tick()
        finally:
            if self._disk.calm():
                self.faults.happened(fault)
        self._audit.pairs()

    def _jump(self, fault: str) -> None:
        self.faults.happened(fault)
        hours = {"clock_hour_ahead": 1, "clock_hour_back": -1, "clock_day_ahead": 24}[fault]
        self.clock.wrong += timedelta(hours=hours)
        self.observer.sendings.pauses_forgotten()

    async def _edit(self, fault: str) -> None:
        edited = self._edits.well() if fault == "flows_edited" else self._edits.badly()
        before = self.process.bot.libraries.current.version
        await self.process.bot.libraries.refresh()
        in_force = self.process.bot.libraries.current.version != before
        if not edited:
            self.observer.book.check(account.EXACTLY_ONCE, not in_force, "flows with mistakes came into force")
            self._edits.restore()
            await self.process.bot.libraries.refresh()
        if edited == in_force:
            self.faults.happened(fault)

    async def _day(self) -> None:
        at = self.clock.seconds()
        self._agenda.add(at + DAY, self._day)
        await self.process.daily()
        self._audit.daily()
        self._told(min(round(at / DAY), self.days))

    # --- after each thing that happens

    async def _settle(self) -> None:
        """What it left for others is taken, and what may go out goes out."""
        await self.alive(self.process.catch_up)
        for network in self._networks:
            await self.alive(partial(self._send, network))
        self._plan_flush()

    async def _send(self, network: Network) -> None:
        idle = 0
        for _ in range(MOST_PASSES):
            if self._next_due(network.name) > 0:
                break
            if await self._pass(network):
                idle = 0
            elif idle < PATIENT and not self.observer.book.broken:
                idle += 1
                await self.clock.until(self.clock.seconds() + _STEP)
            else:
                break
            if self._agenda.next() <= self.clock.seconds():
                return
        if idle or self.observer.sendings.refused():
            self.observer.sendings.all_sent(network, micros(self.clock()))

    async def _pass(self, network: Network) -> int:
        fault = self.faults.draw(PASS)
        if fault:
            self._disk.kill_in = self.faults.number(1, 4)
        try:
            return await self.process.pass_once(network)
        finally:
            if self._disk.calm() and fault:
                self.faults.happened(fault)

    def _next_due(self, network: str) -> float:
        """Seconds until something of this network is due; infinite where nothing waits."""
        due = self.observer.sight.one(_FIRST_OF_CHATS, network)
        return float("inf") if due is None else max((due - micros(self.clock())) / 1e6, 0)

    def _until_due(self) -> float:
        """Seconds until something of any network is due; infinite where nothing waits."""
        return min(self._next_due(network.name) for network in self._networks)

    def _plan_flush(self) -> None:
        """What is not due yet, or must wait, goes out later without anything else happening."""
        wait = self._until_due()
        if wait == float("inf"):
            return
        at = self.clock.seconds() + max(wait, 1.0)
        if self._flush_at <= self.clock.seconds() or at < self._flush_at:
            self._flush_at = at
            self._agenda.add(at, self._flush)

    async def _flush(self) -> None:
        """Nothing but what follows anything that happens."""

    # --- what the network tells

    def begins(self, network: Network, message: Outbound) -> None:
        """A message is about to be sent."""
        self.observer.sendings.begins(network, message)

    def arrives(self, network: Network, message: Outbound) -> None:
        """Somebody sees a message."""
        person = self._by_address[message.address]
        self.observer.sendings.arrives(network, message)
        self.observer.arrived(network, message, person)
        self.life.sees(person, message)

    def lost(self, message: Outbound) -> None:
        """An answer will not come."""
        self.observer.sendings.lost(message)

    def paused(self, network: Network, address: str, until: float) -> None:
        """A platform has refused."""
        self.observer.sendings.paused(network, address, until)
