"""The stage of `doorstep try`: a real bot on a database of its own, as the page shows it."""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot import example
from bot.channels.base import Inbound
from bot.channels.web import Line, Web
from bot.console.stage import DESK, NEWCOMER, CardView, Funnel, Jump, Phone, Refused, Standing
from bot.desks.acting import NotDone, Press, act
from bot.desks.base import describe, outcome
from bot.desks.reading import body_of
from bot.example import Example
from bot.group import Group
from bot.history import StoredHistory
from bot.log import place
from bot.places import Places
from bot.sender import utc_now
from bot.trial_clock import TrialClock, pass_time, tomorrow
from bot.world import World
from flows.draw import svg
from flows.model import Library
from storage.actions import Action
from storage.errors import StorageError
from storage.pairs import OPEN
from storage.people import Loaded
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
MOST_LINES = 20_000
PATIENCE = 5.0
"""Seconds in which messages decided on the way are sent."""

STEPS = (
    ("hello", "wrote first"),
    ("asked", "asked for a buddy"),
    ("introduced", "pair.introduced"),
    ("signed up", "signup.made"),
    ("came", "checkin.made"),
    ("met", "pair.met"),
)
"""The funnel: what it says, and what the ledger says."""

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
            if any(each.address == address for each in self._examples):
                return
            said = await bot.store.read(lambda tx: _place_of(tx, address))
            if not said:
                return
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
        loaded = await self._store.read(lambda tx: _loaded(tx, whose))
        if loaded is None:
            return ()
        newest_first = sorted(loaded.conversations, key=lambda each: (each.entered_at, each.id), reverse=True)
        return tuple(Standing(each.flow, each.state) for each in newest_first)

    async def _follow(self) -> None:
        """Keeps the buddy's phone that of the one who was asked last."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            with suppress(StorageError):
                before = self._spotlight
                await self._look_at_people()
                if self._spotlight != before:
                    self._tell()

    async def _look_at_people(self) -> None:
        self._examples, self._spotlight = await self._store.read(_people)

    # --- the funnel and the desk

    async def funnel(self) -> Funnel:
        """Newcomers only: the example people are no success."""
        examples = {each.id for each in self._examples}

        async def work(tx: Transaction) -> Funnel:
            reached: dict[str, set[int]] = {}
            for line in await tx.ledger.newest(MOST_LINES):
                if line.person_id is not None and line.person_id not in examples:
                    reached.setdefault(line.what, set()).add(line.person_id)
            steps = tuple((label, len(reached.get(what, ()))) for label, what in STEPS)
            return Funnel(steps, await tx.ledger.subjects("pair.met"))

        return await self._store.read(work)

    async def cards(self, limit: int) -> tuple[CardView, ...]:
        """The newest cards, in words."""
        zone, library = ZoneInfo(self.zone()), self._library

        async def work(tx: Transaction) -> tuple[CardView, ...]:
            shown = []
            for card in await tx.cards.newest(limit):
                words = describe(card.kind, await body_of(tx, card, library))
                is_open, said = card.state == "open", outcome(card.state, card.acted_by)
                at = card.created_at.astimezone(zone)
                shown.append(
                    CardView(
                        card.id, words.title, words.lines, words.buttons, words.replies, is_open, card.urgent, said, at
                    )
                )
            return tuple(shown)

        return await self._store.read(work)

    async def act(self, card: int, button: str, text: str) -> str:
        """Presses a button of a card."""
        bot = self.bot
        press = Press(card=card, button=button, text=text, by=YOU)
        try:
            said = await bot.store.run(lambda tx: act(tx, bot.world, press))
        except NotDone as why:
            raise Refused(str(why)) from why
        bot.handover.poke()
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
        mine = await self._store.read(lambda tx: _actions(tx, address)) if address else []
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
                mine = await self._store.read(lambda tx: _actions(tx, address)) if address else []
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


def world_here(address: str) -> World:
    """The world of a trial: this machine's zone, and English and Spanish spoken.

    There are no quiet hours, so that somebody who tries it at night is answered; a jump of the clock keeps them.
    """
    zone = _zone_here()
    org = {"name": "Your group", "bot_name": "Doorstep", "time_zone": zone}
    places = Places(zone=zone)
    places.begin()
    return World(Group(org, zone, ("en", "es"), None), address=address, places=places)


def _zone_here() -> str:
    """The IANA name of this machine's zone; UTC where it does not say."""
    named = os.environ.get("TZ", "").removeprefix(":")
    linked = Path("/etc/localtime").resolve().as_posix().partition("zoneinfo/")[2]
    for zone in filter(None, (named, linked)):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(zone).key
    return "UTC"


def forget(folder: Path) -> None:
    """Deletes what a trial kept in this folder."""
    for file in folder.glob("try.*"):
        file.unlink()


async def _loaded(tx: Transaction, address: str) -> Loaded | None:
    person = await tx.people.by_address("web", "web", address)
    return await tx.people.load(person.id) if person else None


async def _place_of(tx: Transaction, address: str) -> str:
    """Where this visitor says they live, also while it is not kept yet; "" where they have not said."""
    loaded = await _loaded(tx, address)
    if loaded is None:
        return ""
    said = [loaded.person.fields.get("place"), *(each.held.get("place") for each in loaded.conversations)]
    return next((str(each) for each in said if each), "")


async def _people(tx: Transaction) -> tuple[tuple[Example, ...], Example | None]:
    """The example people, and whose phone is shown: who was asked last, or else the first who came last."""
    examples = await example.known(tx)
    newest, shown = 0, next((each for each in reversed(examples) if each.name == example.FIRST), None)
    for each in examples:
        for pair in await tx.pairs.of(each.id):
            if pair.state in OPEN and pair.buddy_id == each.id and pair.id > newest:
                newest, shown = pair.id, each
    return examples, shown


async def _actions(tx: Transaction, address: str) -> list[Action]:
    """All that this visitor signed up for, also what has begun."""
    person = await tx.people.by_address("web", "web", address)
    return [action for action, _ in await tx.actions.signups_of(person.id)] if person else []
