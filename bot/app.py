"""The only place where things are wired together."""

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI

from bot import reach
from bot.attachments import StoredFiles
from bot.channels import web_files
from bot.channels.base import Channel, Everywhere, Report, Telling
from bot.channels.kinds import KINDS, Around, Remote
from bot.channels.web import Web
from bot.config import Config
from bot.console.app import build, serve
from bot.console.rehearsal import Rehearsals
from bot.desks.contract import Desk
from bot.desks.kinds import DESKS
from bot.desks.live import LiveDesk
from bot.desks.noticing import Noticing
from bot.desks.office import Office
from bot.desks.posting import Posting
from bot.desks.showing import view
from bot.due import DueClock
from bot.handover import Handover
from bot.health import Health, parts_of
from bot.held import while_held
from bot.history import StoredHistory
from bot.libraries import Libraries
from bot.log import place
from bot.long_quiet import Quiet
from bot.memory import StoredMemory
from bot.menu import menu
from bot.moments import Moments
from bot.newer import watch
from bot.pairing.batch import Batch
from bot.pairing.free import FreeBuddies
from bot.retention import Retention
from bot.sender import Sender, utc_now
from bot.told import told_of
from bot.turn import Taken, Turns
from bot.world import World
from flows import phrases
from flows.model import NOTHING
from storage import key_file
from storage.errors import Burned, NewerDatabase, StorageError
from storage.pairs import BUDDY
from storage.store import Store
from storage.writer import Writer, Writes

log = logging.getLogger(__name__)


ORDERLY = 7.0
"""Seconds in which each part ends once it was told to; the longest is a sender's, with messages on their way."""


class Broke(Exception):
    """Something that must run for as long as the bot does has broken or ended; the message says what and where."""


@dataclass(slots=True)
class Bot:
    """A store, the library in force, and what takes turns on them; `channels` come and go with their senders.

    heard    called after each turn that was stored
    stirred  called after each turn, and after each press at a desk: cards may be others now
    """

    store: Store
    libraries: Libraries
    turns: Turns
    clock: Callable[[], datetime]
    world: World
    handover: Handover
    due: DueClock
    free: FreeBuddies
    batch: Batch
    senders: dict[tuple[str, str], Sender] = field(default_factory=dict)
    heard: list[Callable[[], None]] = field(default_factory=list)
    stirred: list[Callable[[], None]] = field(default_factory=list)

    def attach(self, channel: Channel) -> list[Coroutine[Any, Any, None]]:
        """What must run for a channel: its ears, and the sender of its account.

        Of all processes on a database one sends for an account; it alone listens too, unless the platform may call any.
        """
        sender = Sender(self.store, channel, self.clock)
        self.senders[channel.name, channel.account] = sender
        if isinstance(channel, Telling):
            channel.told = told_of(self.store, channel, self.clock)
        lease = f"{channel.name}:{channel.account}"
        if isinstance(channel, Everywhere) and channel.everywhere:
            return [channel.listen(self.turns.receive), while_held(self.store, lease, sender.run)]
        return [while_held(self.store, lease, sender.run, lambda _: channel.listen(self.turns.receive))]

    def attach_desk(self, desk: Desk, report: Report) -> list[Coroutine[Any, Any, None]]:
        """What must run for a desk: what it hears, and what it shows.

        Of all processes on a database one shows; it alone listens too, unless the platform may call any.
        """
        library, zone = self.libraries, ZoneInfo(self.world.group.zone)
        shows, hears = parts_of(report)
        posting = Posting(self.store, desk, lambda tx, card: view(tx, card, library.current, zone, threads=True), shows)
        self.stirred.append(posting.poke)
        office, lease = Office(self, desk.name, hears), f"desk:{desk.name}"
        if isinstance(desk, Everywhere) and desk.everywhere:
            return [desk.listen(office), while_held(self.store, lease, posting.run)]
        return [while_held(self.store, lease, posting.run, lambda _: desk.listen(office))]

    async def places_ready(self) -> None:
        """Names of places can be looked up."""
        if not self.world.places.ready:
            await asyncio.to_thread(self.world.places.load)

    def stir(self) -> None:
        """Cards may be others now than they were."""
        _call(self.stirred)

    def always(self) -> list[Coroutine[Any, Any, None]]:
        """What must run besides channels: edited flows, what is due, what people leave for each other, free buddies."""
        return [
            self.libraries.watch(),
            self.due.run(),
            self.handover.run(),
            self.free.run(),
            self.batch.run(),
        ]

    def taken(self, taken: Taken) -> None:
        """A turn was stored: its sender, whom it left something for, and the pages may look."""
        if taken.stopped:
            for each in self.senders.values():
                each.stopped(taken.person.id)
        if sender := self.senders.get((taken.person.channel, taken.person.account)):
            sender.poke()
        if taken.left:
            self.handover.poke()
        if taken.person.role == BUDDY:
            self.free.changed(taken.person.id)
        _call(self.heard)
        _call(self.stirred)


def _call(callbacks: Sequence[Callable[[], None]]) -> None:
    for callback in callbacks:
        try:
            callback()
        except Exception:
            # A page that breaks must not look like a turn that did.
            log.exception("a page broke")


@asynccontextmanager
async def open_bot(
    url: str,
    key: Path,
    flows: Path,
    world: World,
    clock: Callable[[], datetime] = utc_now,
    writer: Writes = Writer,
) -> AsyncIterator[Bot]:
    """A bot on this database, with the flows of a folder in force. Raises StorageError, BadLibrary."""
    if not world.places.ready:
        world.places.begin()
    store = await Store.open(url, key, clock=clock, writer=writer)
    try:
        libraries = Libraries(store, flows)
        await libraries.begin()
        bot: list[Bot] = []
        turns = Turns(store, libraries, world, lambda person: bot[0].taken(person))  # noqa: PLW0108 - there is none yet
        handover = Handover(store, turns)
        moments = Moments(store, turns, libraries, world, clock)
        batch = Batch(store, turns, world)
        due = DueClock(store, turns, clock, handover, moments, batch)
        free = FreeBuddies(store, world.pool)
        await free.refresh()
        bot.append(Bot(store, libraries, turns, clock, world, handover, due, free, batch))
        yield bot[0]
    finally:
        await store.close()


async def together(until: Coroutine[Any, Any, None], *endless: Coroutine[Any, Any, None]) -> None:
    """Runs all of these until `until` ends, and then ends the others.

    Raises what `until` raises; Broke as soon as one of the others breaks, or ends though it never should.
    """
    main = asyncio.ensure_future(until)
    tasks = {asyncio.ensure_future(task): getattr(task, "__qualname__", "") for task in endless}
    try:
        done, _ = await asyncio.wait({main, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _all_ended({main, *tasks})
    for task in done & tasks.keys():
        error = task.exception()
        if isinstance(error, Burned | NewerDatabase):
            raise error
        raise Broke(f"{tasks[task]} broke: {place(error)}" if error else f"{tasks[task]} ended") from error
    main.result()


async def _all_ended(tasks: set[asyncio.Future[None]]) -> None:
    left = tasks
    while left:
        for task in left:
            task.cancel()
        # A cancellation can get lost where it meets what was waited for: who has lost it is told again.
        _, left = await asyncio.wait(left, timeout=ORDERLY)
    await asyncio.gather(*tasks, return_exceptions=True)


async def run(config: Config, on_ready: Callable[[int], None]) -> None:
    """Everything a configuration asks for, until it is cancelled. `on_ready` gets the port once it listens."""
    _begin_loading(config)
    async with AsyncExitStack() as stack:
        opening = open_bot(config.database_url, config.key_file, config.flows_folder, World.of(config))
        bot = await stack.enter_async_context(opening)
        health = Health(bot.store, bot.clock, lambda: bot.turns.failures)
        bot.heard.append(health.turns.inc)
        remotes = await _remotes(config, bot, health)
        for remote in remotes:
            stack.push_async_callback(remote.close)

        def ready(port: int) -> None:
            health.ready = True
            on_ready(port)

        app, tasks = _console(config, bot, [health.router, *(remote.router for remote in remotes)])
        for remote in remotes:
            tasks += bot.attach(remote)
        for desk in await asyncio.to_thread(_desks, config, remotes):
            tasks += bot.attach_desk(desk, health.desk_reporter(desk.name))
        tasks += [*bot.always(), health.run(), watch(bot.store)]
        tasks.append(Noticing(bot.store, bot.libraries, ZoneInfo(bot.world.group.zone), bot.clock).run())
        tasks.append(Retention(bot.store, bot.clock, config.retention.message_days).run())
        zone, days = ZoneInfo(bot.world.group.zone), config.retention.quiet_person_days
        tasks.append(Quiet(bot.store, bot.turns, zone, bot.clock, days).run())
        await together(serve(app, config.server.host, config.server.port, ready), *tasks)


def _begin_loading(config: Config) -> None:
    """Imports what the configuration needs while the rest starts. Nobody waits for it who ends before."""
    needed = [f"bot.channels.{kind}" for kind in KINDS if getattr(config.channels, kind)]
    for name in [*needed, "bot.console.office"] if config.server.passphrase else needed:
        Thread(target=import_module, args=(name,), name=f"load {name}", daemon=True).start()


async def _remotes(config: Config, bot: Bot, health: Health) -> list[Remote]:
    """The channels of other platforms that the configuration asks for, each account one."""
    places, languages = bot.world.places, bot.world.group.languages
    commands = menu(bot.libraries.current, languages)
    translated = bot.libraries.current.translations.get(languages[0], NOTHING)
    unreadable = translated.get(phrases.UNREADABLE) or phrases.UNREADABLE

    def make() -> list[Remote]:
        return [
            KINDS[kind](
                section,
                account,
                Around(
                    lambda lat, lon: places.at(lat, lon).name,
                    health.reporter(kind, account),
                    StoredFiles(bot.store, bot.world, account, kind),
                    StoredMemory(bot.store, f"{kind} {account}"),
                    config.server.public_url,
                    commands,
                    _reached(bot, kind, account),
                    unreadable=unreadable,
                ),
            )
            for kind in KINDS
            for account, section in getattr(config.channels, kind).items()
        ]

    # In a thread, for a platform's library can take seconds to import.
    return await asyncio.to_thread(make)


def _desks(config: Config, remotes: Sequence[Remote]) -> list[Desk]:
    """Where the configuration has coordinators work, besides the page."""
    return [make(section, remotes) for name, make in DESKS.items() if (section := getattr(config.desks, name))]


def _reached(bot: Bot, channel: str, account: str) -> Callable[[str], Awaitable[None]]:
    async def keep(start: str) -> None:
        try:
            await bot.store.run(lambda tx: reach.found_at(tx, channel, account, start))
        except StorageError as error:
            log.warning("what opens a chat on %s is not kept: %s", channel, type(error).__name__)

    return keep


def _console(config: Config, bot: Bot, routers: Sequence[APIRouter]) -> tuple[FastAPI, list[Coroutine[Any, Any, None]]]:
    """The web pages and the web channel behind the passphrase; without one, health, metrics and webhooks alone.

    routers  what anybody may call
    """
    if not config.server.passphrase:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        for router in routers:
            app.include_router(router)
        return app, []
    origins = (config.server.public_url,) if config.server.public_url else ()
    web = Web(StoredHistory(bot.store, "web"), origins=origins)
    secret = hmac.digest(key_file.read(config.key_file).common, b"doorstep: console sessions", "sha256")
    files = web_files.router(web.visitor, StoredFiles(bot.store, bot.world))
    desk, rehearsals = LiveDesk(bot), Rehearsals(config.flows_folder, "desk", "The desk")
    app = build(
        web,
        None,
        config.server.passphrase,
        secret,
        desk=desk,
        chat_passphrase=config.server.chat_passphrase,
        routers=[*routers, files, rehearsals.router],
        origins=origins,
    )
    return app, [*bot.attach(web), desk.run(), rehearsals.run()]


async def run_trial(folder: Path, flows: Path, port: int, on_ready: Callable[[int], None]) -> None:
    """`doorstep try`: the console with a database of its own in `folder`, until it is cancelled."""
    from bot import trial, trial_world  # drawing is only needed here
    from bot.trial_clock import TrialClock

    clock = TrialClock()
    stage = trial.LiveStage(clock)
    web = Web(stage, phones=(trial.BUDDY_PHONE,), open_as=stage.opens_as)
    # Without a passphrase, another site could have its own name point here and read along.
    files = web_files.router(web.visitor, stage)
    rehearsals = Rehearsals(flows, "./", "The three phones")
    routers = [files, rehearsals.router]
    app = build(web, stage, None, b"", routers=routers, hosts=("127.0.0.1", "localhost"))

    def opening() -> AbstractAsyncContextManager[Bot]:
        here = trial_world.world_here(f"http://127.0.0.1:{port}" if port else "")
        world = replace(here, pictures=flows / "library")
        return open_bot(f"sqlite:///{folder / 'try.db'}", folder / "try.key", flows, world, clock)

    async def trials() -> None:
        """One trial after the other: each that begins anew has an empty database."""
        while True:
            bot = stage.bot
            await together(stage.until_anew(), *stage.attend(web), *bot.always())
            await stack.aclose()
            trial_world.forget(folder)
            await stage.open(await stack.enter_async_context(opening()))

    async with AsyncExitStack() as stack:
        await stage.open(await stack.enter_async_context(opening()))
        await together(serve(app, "127.0.0.1", port, on_ready), trials(), rehearsals.run())
