"""The desk of `doorstep run`: what coordinators see of the bot that is open, and do."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot import stats
from bot.console.stage import CardView, Funnel, Refused, Sight, Wrong
from bot.desks.acting import Press
from bot.desks.office import Office
from bot.desks.showing import press, view
from bot.log import place
from bot.new_actions import BadCells
from bot.people import TALKS
from bot.roles import Who
from storage.cards import OPEN, Card
from storage.errors import StorageError
from storage.transaction import Transaction

if TYPE_CHECKING:
    from bot.app import Bot

log = logging.getLogger(__name__)

OPEN_SHOWN, SETTLED_SHOWN, COMING_SHOWN = 40, 12, 24
WEEK = 7
"""Days."""

EVERY = 3.0
"""Seconds until it looks by itself: another process may have acted."""
BREATH = 0.3
"""Seconds between two looks, however much happens."""
PATIENCE = 2.0
"""Seconds in which it must be noted that somebody looks; NiceGUI gives a page three."""
SHARE = 20
"""Counting the funnel takes at most this part of the time: one in so many."""
ANEW = 60.0
"""Seconds until the words of cards are read again: a person's name may be another by now."""

AWAY = "The database is away just now, so nothing was done. Try again in a moment."
BROKEN = "That could not be done. Whoever runs this bot finds out why in its log."


class LiveDesk:
    """One for all who look: it looks once for all of them, and not at all while nobody does."""

    def __init__(self, bot: "Bot") -> None:
        self._bot = bot
        self._sight: Sight | None = None
        self._stats: stats.Stats | None = None
        self._count_after = self._read_after = 0.0
        self._known: dict[int, tuple[Card, CardView]] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._watched, self._stirred = asyncio.Event(), asyncio.Event()
        bot.stirred.append(self._stirred.set)

    def sight(self) -> Sight | None:
        """What was seen last."""
        return self._sight

    async def opened(self, who: Who) -> None:
        """Somebody looks from now on."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._bot.store.run(lambda tx: tx.audit.add(who.role, who.name, "looked at the desk's page"))
        except (StorageError, TimeoutError) as away:
            log.warning("the desk is not shown: %s", type(away).__name__)
            raise Refused(AWAY) from away

    async def act(self, card: int, button: str, text: str, who: Who) -> str:
        """Presses a button of a card."""
        pressed = Press(card=card, button=button, text=text, role=who.role, by=who.name, name=who.name)
        try:
            said = await press(self._bot, pressed)
        except StorageError as away:
            log.warning("a card was not acted on: %s", type(away).__name__)
            raise Refused(AWAY) from away
        except Refused:
            raise
        except Exception as error:
            log.error("a card was not acted on: %s", place(error))  # noqa: TRY400 - no data in the log
            raise Refused(BROKEN) from error
        finally:
            self._read_after = 0.0
            self._stirred.set()
        return said

    async def add_action(self, cells: Mapping[str, str], who: Who) -> str:
        """Publishes an action, or a series of them."""
        try:
            return await Office(self._bot, "page", _nothing).add_action(cells, who)
        except BadCells as bad:
            raise Wrong(bad.problems) from bad
        except StorageError as away:
            log.warning("an action was not made: %s", type(away).__name__)
            raise Refused(AWAY) from away
        finally:
            self._stirred.set()

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back whenever the sight is another."""
        self._callbacks.append(callback)
        self._watched.set()
        self._stirred.set()

        def end() -> None:
            self._callbacks.remove(callback)
            if not self._callbacks:
                self._watched.clear()

        return end

    async def run(self) -> None:
        """Looks, as long as somebody watches, until it is cancelled; while the database is away, it waits."""
        while True:
            await self._watched.wait()
            self._stirred.clear()
            before = self._sight
            try:
                await self._look()
            except StorageError as away:
                log.warning("the desk could not look: %s", type(away).__name__)
            except Exception as error:
                # A desk that breaks must not end the bot, and its data not come to the log.
                log.error("the desk broke: %s", place(error))  # noqa: TRY400
            if self._sight != before:
                self._tell()
            await asyncio.sleep(BREATH)
            with suppress(TimeoutError):
                # Python 3.11's wait_for loses a cancellation that comes with what it waits for.
                async with asyncio.timeout(EVERY):
                    await self._stirred.wait()

    def _tell(self) -> None:
        for callback in list(self._callbacks):
            try:
                callback()
            except Exception as error:
                log.error("a page of the desk broke: %s", place(error))  # noqa: TRY400

    async def _look(self) -> None:
        now, store = time.monotonic(), self._bot.store
        if self._stats is None or now >= self._count_after:
            self._stats = await store.read(lambda tx: stats.count(tx, WEEK))
            done = time.monotonic()
            self._count_after = done + (done - now) * SHARE
        if now >= self._read_after:
            self._known, self._read_after = {}, now + ANEW
        counted = self._stats
        waiting, settled, coming = await store.read(self._cards)
        steps = tuple((stats.LABELS[step.name], step.people) for step in counted.funnel)
        self._sight = Sight(
            funnel=Funnel(steps, counted.connections),
            week=counted.period_connections,
            waiting=counted.waiting,
            free=counted.free_buddies,
            open=waiting[:OPEN_SHOWN],
            more=len(waiting) > OPEN_SHOWN,
            settled=settled,
            coming=coming,
        )

    async def _cards(self, tx: Transaction) -> tuple[tuple[CardView, ...], ...]:
        """Those that wait, one more than is shown, those that were settled, and those of the actions to come."""
        library, zone = self._bot.libraries.current, ZoneInfo(self._bot.world.group.zone)
        waiting, settled = await tx.cards.open(OPEN_SHOWN + 1), await tx.cards.settled(SETTLED_SHOWN)
        coming = (await tx.cards.current("turnout"))[:COMING_SHOWN]
        known = {}
        for card in (*waiting, *settled, *coming):
            before = self._known.get(card.id)
            # What is written about a card does not change it.
            fresh = before is not None and before[0] == card and not (card.state == OPEN and card.kind in TALKS)
            shown = before[1] if before and fresh else await view(tx, card, library, zone)
            known[card.id] = card, shown
        self._known = known
        return tuple(tuple(known[card.id][1] for card in cards) for cards in (waiting, settled, coming))


def _nothing(_: str) -> None:
    """A page needs no telling that it hears: who presses sees what comes of it."""
