"""The stage of `doorstep try`: a real bot on a database of its own, as the page shows it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot import example, trial_sight
from bot.attachments import StoredFiles
from bot.channels.base import Inbound
from bot.channels.web import Line, Web
from bot.channels.web_files import File
from bot.console.stage import DESK, NEWCOMER, CardView, Funnel, Jump, Phone, Refused, Standing
from bot.desks.acting import Press
from bot.desks.showing import press
from bot.example import Example
from bot.history import StoredHistory
from bot.log import place
from bot.sender import utc_now
from bot.trial_clock import TrialClock, pass_time, tomorrow
from flows.draw import svg
from flows.model import Library
from storage.audit import COORDINATOR
from storage.errors import StorageError
from storage.store import Store
from storage.transaction import Transaction

if TYPE_CHECKING:
    from bot.app import Bot

log = logging.getLogger(__name__)

BUDDY_PHONE = "buddy"
YOU = "you"
"""What the desk calls whoever looks at the page."""

AHEAD = "trial: seconds ahead"
NOBODY_YET = "A volunteer lives near you as soon as the newcomer says where that is."

MOST_ROUNDS = 10
"""How often what happened makes more happen at one moment, before the clock goes on."""
PATIENCE = 5.0
"""Seconds in which messages decided on the way are sent."""

AN_HOUR, JUST_BEGUN = timedelta(hours=1), timedelta(minutes=5)


class LiveStage:
    """What the trial page shows and does, on the bot that is open. It is also the web channel's history and ears, so
    that a trial that begins anew, with another database, needs no other page."""

    def __init__(self, clock: TrialClock) -> None:
        self._clock = clock
        self._bot: Bot | None = None
        self._opened, self._anew = asyncio.Event(), asyncio.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._jumping, self._planting = asyncio.Lock(), asyncio.Lock()
        self._examples: tuple[Example, ...] = ()
        self._spotlight: Example | None = None
        self._places: set[str] = set()
        self._stirred = asyncio.Event()

    # --- opening and beginning anew

    async def open(self, bot: "Bot") -> None:
        """From now on this bot is shown. The clock goes on where it was: never back."""
        self._bot = bot
        self._anew.clear()
        ahead = await bot.store.read(lambda tx: tx.settings.get(AHEAD))
        self._clock.to(utc_now() + timedelta(seconds=float(ahead or 0)))
        bot.heard.append(self.changed)
        bot.libraries.on_change(self.changed)
        await self._look_at_people()
        self._opened.set()
        self.changed()

    def attend(self, web: Web) -> list[Coroutine[Any, Any, None]]:
        """What must run for the page: the bot's ears and sender on its phones, and a look at whose the phones are."""
        listening, sending = self.bot.attach(web)
        listening.close()
        return [web.listen(self.receive), sending, self._follow()]

    async def until_anew(self) -> None:
        """Returns once everything is to be forgotten; until `open` there is no bot then."""
        await self._anew.wait()
        self._bot, self._spotlight, self._examples = None, None, ()
        self._places.clear()
        self._clock.reset()

    async def begin_anew(self) -> None:
        """Forgets everything; returns once the new trial is open."""
        async with self._jumping:
            self._opened.clear()
            self._anew.set()
            await self._opened.wait()

    # --- the web channel

    def opens_as(self, phone: str) -> str | None:
        """Whose phone this is, by web address."""
        return self._spotlight.address if phone == BUDDY_PHONE and self._spotlight else None

    async def history(self, address: str, after: str, limit: int) -> tuple[list[Line], str]:
        """What was said so far."""
        return await StoredHistory(self._store, "web").history(address, after, limit)

    async def file(self, address: str, kind: str, about: int) -> File | None:
        """What is attached to a message of theirs."""
        return await StoredFiles(self._store, self.bot.world).file(address, kind, about)

    async def image(self, name: str) -> File | None:
        """A picture that lies beside the flows."""
        return await StoredFiles(self._store, self.bot.world).image(name)

    async def receive(self, inbound: Inbound) -> None:
        """Takes what someone said; where they have just said where they live, people live near them."""
        await self.bot.turns.receive(inbound)
        try:
            await self._plant(inbound.address)
        except Exception as error:
            # Their own words are stored: without example people the trial goes on.
            log.warning("no example people could be added: %s", place(error))

    async def _plant(self, address: str) -> None:
        bot = self.bot
        async with self._planting:
            said = await bot.store.read(lambda tx: trial_sight.place_of(tx, address))
            if not said or said in self._places:
                return
            self._places.add(said)
            where = await asyncio.to_thread(bot.world.places.read, said)
            if where is None:
                return

            async def work(tx: Transaction) -> tuple[Example, ...]:
                return await example.plant(tx, bot.world, self._library, where)

            if await bot.store.run(work):
                await bot.free.refresh()
                await self._look_at_people()
                self.changed()

    # --- who is where

    def phones(self) -> tuple[Phone, ...]:
        """The newcomer's, the buddy's, the desk."""
        buddy = Phone(BUDDY_PHONE, "A buddy", closed=NOBODY_YET)
        if self._spotlight:
            buddy = Phone(BUDDY_PHONE, "A buddy", self._spotlight.name)
        return (Phone(NEWCOMER, "A newcomer"), buddy, Phone(DESK, "The desk"))

    async def standing(self, phone: str, address: str) -> tuple[Standing, ...]:
        """Where the person of this phone stands, newest first."""
        whose = self.opens_as(phone) if phone != NEWCOMER else address
        if not whose:
            return ()
        loaded = await self._store.read(lambda tx: trial_sight.loaded(tx, whose))
        if loaded is None:
            return ()
        newest_first = sorted(loaded.conversations, key=lambda each: (each.entered_at, each.id), reverse=True)
        return tuple(Standing(each.flow, each.state) for each in newest_first)

    async def _follow(self) -> None:
        """Keeps the buddy's phone that of the one who was asked last."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            with suppress(StorageError, Refused):
                before = self._spotlight
                await self._look_at_people()
                if self._spotlight != before:
                    self._tell()

    async def _look_at_people(self) -> None:
        self._examples, self._spotlight = await self._store.read(trial_sight.people)

    async def hint(self, address: str) -> str:
        """What the visitor could do next."""
        return await self._store.read(lambda tx: trial_sight.hint(tx, address)) if address else ""

    # --- the funnel and the desk

    async def funnel(self) -> Funnel:
        """Newcomers only: the example people are no success."""
        examples = {each.id for each in self._examples}
        return await self._store.read(lambda tx: trial_sight.funnel(tx, examples))

    async def cards(self, limit: int) -> tuple[CardView, ...]:
        """The newest cards, in words."""
        library, zone = self._library, ZoneInfo(self.zone())
        return await self._store.read(lambda tx: trial_sight.cards(tx, library, zone, limit))

    async def act(self, card: int, button: str, text: str) -> str:
        """Presses a button of a card."""
        said = await press(self.bot, Press(card=card, button=button, text=text, role=COORDINATOR, by=YOU))
        self.changed()
        return said

    # --- the clock

    def now(self) -> datetime:
        """The trial's present."""
        return self._clock().astimezone(ZoneInfo(self.zone()))

    def zone(self) -> str:
        """The group's zone."""
        return self._bot.world.group.zone if self._bot else "UTC"

    async def jumps(self, address: str) -> tuple[Jump, ...]:
        """An hour, a day, or to the action the visitor signed up for."""
        mine = await self._store.read(lambda tx: trial_sight.actions(tx, address)) if address else []
        ahead = any(action.starts_at > self._clock() for action in mine)
        why = "" if ahead else "it has begun" if mine else "nobody has signed up yet"
        return (Jump("hour", "In an hour"), Jump("tomorrow", "Tomorrow"), Jump("action", "The day of the action", why))

    async def jump(self, key: str, address: str) -> None:
        """Lets time pass."""
        async with self._jumping:
            zone, now = ZoneInfo(self.zone()), self._clock()
            if key == "hour":
                until = now + AN_HOUR
            elif key == "tomorrow":
                until = tomorrow(now, zone)
            else:
                mine = await self._store.read(lambda tx: trial_sight.actions(tx, address)) if address else []
                starts = [action.starts_at for action in mine if action.starts_at > now]
                if not starts:
                    raise Refused("The newcomer has not signed up for anything that is still to come.")
                until = min(starts) + JUST_BEGUN
            await pass_time(self._clock, until, zone, self._happen, self._tell)
            await self._all_sent()
        self.changed()

    async def _happen(self) -> None:
        """All that is due at this moment, and what that leads to."""
        bot, ahead = self.bot, str(self._clock.ahead.total_seconds())
        await bot.store.run(lambda tx: tx.settings.set(AHEAD, ahead))
        before = -1
        for _ in range(MOST_ROUNDS):
            await bot.due.tick()
            await bot.handover.drain()
            await bot.free.catch_up()
            newest = await bot.store.read(lambda tx: tx.ledger.newest(1))
            if not newest or newest[0].id == before:
                return
            before = newest[0].id

    async def _all_sent(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while await self._store.read(lambda tx: tx.outbox.oldest_unsent()):
                    for sender in self.bot.senders.values():
                        sender.poke()
                    await asyncio.sleep(0.02)

    # --- the flows

    def flow_names(self) -> tuple[str, ...]:
        """Every flow in force, those that start by themselves first."""
        flows = self._library.flows.values()
        return tuple(flow.name for flow in sorted(flows, key=lambda flow: (not flow.starts.first_contact, flow.name)))

    def picture(self, flow: str) -> str:
        """The flow as an SVG."""
        return svg(self._library.flows[flow])

    def problems(self) -> tuple[str, ...]:
        """Why an edited file was refused, a line each."""
        return tuple(str(problem) for problem in self.bot.libraries.problems)

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back after each turn and each change of the library."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def changed(self) -> None:
        """Something was stored: whose the phones are may be different, and everyone who watches is told."""
        self._stirred.set()
        self._tell()

    def _tell(self) -> None:
        for callback in list(self._callbacks):
            callback()

    @property
    def bot(self) -> "Bot":
        """The bot that is open. Raises Refused while there is none."""
        if self._bot is None:
            raise Refused("The trial is just beginning anew.")
        return self._bot

    @property
    def _store(self) -> Store:
        return self.bot.store

    @property
    def _library(self) -> Library:
        return self.bot.libraries.current
