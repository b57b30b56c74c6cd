"""Keeps a desk in step with the database: posts cards, changes them in place, writes into their threads.

What is to be done is read from the database each time, one thing after the other, so that nothing is lost when the
process is. A post is written down before it begins: where its answer was lost, the platform is asked whether it is
there, if it can tell, and else it is posted again.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from bot.channels.base import Report, SendFailed
from bot.console.stage import CardView
from bot.desks.contract import Desk, Finding, Missing
from bot.log import place
from bot.pace import Pace
from bot.verdict import back_off
from storage.cards import Card
from storage.errors import LeaseLost, StorageError
from storage.leases import Lease
from storage.posted import Line, Posted
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

EVERY = 3.0
"""Seconds until it looks by itself: another process may have acted."""
BREATH = 0.2
"""Seconds between two looks, however much happens."""
ANEW = 60.0
"""Seconds until the words of all cards are read again: a person's name may be another by now."""
LOOKED_AT = 50
"""Things to do that are read at once."""
STANDING = 300
"""Cards whose words are read again; what is older changes only where the card itself does."""
PATIENCE = 60.0
"""Seconds after which an answer counts as lost."""

Show = Callable[[Transaction, Card], Awaitable[CardView]]
"""A card in words."""

_Job = Callable[[], Awaitable[None]]


class Posting:
    """One for each desk. Of all processes one runs it."""

    def __init__(
        self, store: Store, desk: Desk, show: Show, report: Report, chance: Callable[[], float] = random.random
    ) -> None:
        self._store, self._desk, self._show, self._report, self._chance = store, desk, show, report, chance
        self._pace = Pace(desk.pace)
        self._lease: Lease | None = None
        self._stirred = asyncio.Event()
        self._later: dict[str, float] = {}
        self._tries: dict[str, int] = {}
        self._read_after = 0.0

    def poke(self) -> None:
        """There may be something to show."""
        self._stirred.set()

    async def run(self, lease: Lease | None = None) -> None:
        """Shows what there is until it is cancelled. With a lease, as long as that is held: raises LeaseLost."""
        self._lease = lease
        while True:
            self._stirred.clear()
            worked = False
            try:
                worked = await self.pass_once()
            except LeaseLost:
                raise
            except StorageError as away:
                log.warning("desk %s waits, for the database is away: %s", self._desk.name, type(away).__name__)
            except Exception as error:
                # A desk that breaks must not end the bot, and its data not come to the log.
                log.error("desk %s broke: %s", self._desk.name, place(error))  # noqa: TRY400
            if not worked:
                await asyncio.sleep(BREATH)
                # Python 3.11's wait_for loses a cancellation that comes with what it waits for.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._stirred.wait()

    async def pass_once(self) -> bool:
        """Does the next thing that is to be done; False: there is none, or it must wait."""
        now = _now()
        if self._later.get("", 0) > now:
            return False
        if now >= self._read_after:
            await self._read_again()
            self._read_after = now + ANEW
        job = await self._next()
        if job is None:
            return False
        key, work = job
        wait = self._pace.take(now) - now
        if wait > 0:
            await asyncio.sleep(wait)
        try:
            async with asyncio.timeout(PATIENCE):
                await work()
        except SendFailed as failed:
            self._put_off(key, failed)
        except TimeoutError:
            self._put_off(key, SendFailed("no answer came", unknown=True))
        else:
            self._tries.pop(key, None)
            self._later.pop(key, None)
            self._report("")
        return True

    # --- what is to be done

    async def _next(self) -> tuple[str, _Job] | None:
        """The next thing to do: the urgent, then the words people wait for, then the rest."""
        name, now = self._desk.name, _now()
        self._later = {key: at for key, at in self._later.items() if at > now}

        async def work(tx: Transaction) -> tuple[str, _Job] | None:
            unposted = [
                (f"card:{each.card.id}", each) for each in await tx.desks.unposted(name, LOOKED_AT + len(self._later))
            ]
            new = [(key, each) for key, each in unposted if key not in self._later]
            if new and new[0][1].card.urgent:
                return self._posting(new[0][1], await self._show(tx, new[0][1].card))
            for line in await tx.desks.lines(name, LOOKED_AT + len(self._later)):
                if f"line:{line.id}" not in self._later:
                    return self._saying(line)
            for each in await tx.desks.changed(name, LOOKED_AT + len(self._later)):
                if f"change:{each.card.id}" not in self._later:
                    return self._changing(each, await self._show(tx, each.card))
            if new:
                return self._posting(new[0][1], await self._show(tx, new[0][1].card))
            for line_id, reference in await tx.desks.stale_lines(name, LOOKED_AT + len(self._later)):
                if f"stale:{line_id}" not in self._later:
                    return self._taking_back(line_id, reference)
            return None

        return await self._store.read(work)

    def _posting(self, posted: Posted, view: CardView) -> tuple[str, _Job]:
        return f"card:{posted.card.id}", lambda: self._post(posted, view)

    def _saying(self, line: Line) -> tuple[str, _Job]:
        return f"line:{line.id}", lambda: self._say(line)

    def _changing(self, posted: Posted, view: CardView) -> tuple[str, _Job]:
        return f"change:{posted.card.id}", lambda: self._change(posted, view)

    def _taking_back(self, line_id: int, reference: str) -> tuple[str, _Job]:
        return f"stale:{line_id}", lambda: self._take_back(line_id, reference)

    async def _read_again(self) -> None:
        """Finds those whose words are others by now although nobody touched them."""
        name = self._desk.name

        async def look(tx: Transaction) -> list[int]:
            return [
                each.card.id
                for each in await tx.desks.standing(name, STANDING)
                if tx.desks.digest(words_of(await self._show(tx, each.card))) != each.shown
            ]

        for card_id in await self._store.read(look):
            await self._stir(card_id)

    # --- doing it

    async def _post(self, posted: Posted, view: CardView) -> None:
        name, card_id = self._desk.name, posted.card.id
        await self._write(lambda tx: tx.desks.begin(name, card_id))
        found = None
        if posted.begun and isinstance(self._desk, Finding):
            found = await self._desk.find(view, posted.card.created_at)
        try:
            reference = found or await self._desk.post(view)
        except SendFailed as failed:
            if not failed.final or failed.everyone:
                raise
            log.error("desk %s cannot show card %s: %s", name, card_id, failed.reason)  # noqa: TRY400
            reference = ""
        # What was found may show what it was then.
        words = "" if found else words_of(view)
        await self._write(lambda tx: tx.desks.done(name, card_id, reference, words, posted.changes))
        if found:
            await self._stir(card_id)

    async def _change(self, posted: Posted, view: CardView) -> None:
        name, card_id, reference = self._desk.name, posted.card.id, posted.reference
        try:
            await self._desk.change(reference, view)
        except Missing:
            await self._write(lambda tx: tx.desks.lost(name, card_id))
            return
        except SendFailed as failed:
            if not failed.final or failed.everyone:
                raise
            log.error("desk %s cannot change card %s: %s", name, card_id, failed.reason)  # noqa: TRY400
        await self._write(lambda tx: tx.desks.done(name, card_id, reference, words_of(view), posted.changes))

    async def _say(self, line: Line) -> None:
        name, said = self._desk.name, f"{line.by}: {line.text}" if line.by else line.text
        await self._write(lambda tx: tx.desks.begin_line(name, line.id))
        found = None
        if line.begun and isinstance(self._desk, Finding):
            found = await self._desk.find_line(line.reference, line.id)
        try:
            reference = found or await self._desk.say(line.reference, line.id, said)
        except Missing:
            # The card is posted again if it still waits, and the line below it then.
            await self._write(lambda tx: tx.desks.lost(name, line.card_id))
            return
        except SendFailed as failed:
            if not failed.final or failed.everyone:
                raise
            log.error("desk %s cannot show a line of card %s: %s", name, line.card_id, failed.reason)  # noqa: TRY400
            reference = ""
        await self._write(lambda tx: tx.desks.line_done(name, line.id, reference))

    async def _take_back(self, line_id: int, reference: str) -> None:
        if reference:
            try:
                await self._desk.take_back(reference)
            except SendFailed as failed:
                if not failed.final or failed.everyone:
                    raise
        await self._write(lambda tx: tx.desks.line_gone(self._desk.name, line_id))

    async def _stir(self, card_id: int) -> None:
        await self._write(lambda tx: tx.desks.stir(card_id))

    async def _write(self, change: Callable[[Transaction], Awaitable[None]]) -> None:
        async def work(tx: Transaction) -> None:
            if self._lease and not await tx.leases.holds(self._lease):
                raise LeaseLost(f"desk {self._desk.name}")
            await change(tx)

        await self._store.run(work)

    # --- waiting

    def _put_off(self, key: str, failed: SendFailed) -> None:
        now = _now()
        if failed.final and failed.everyone:
            self._report(failed.reason)
        if failed.retry_after is not None:
            pause = failed.retry_after
        else:
            tries = self._tries[key] = self._tries.get(key, 0) + 1
            pause = back_off(min(tries, 8), self._chance) + timedelta(seconds=0.5)
        self._later["" if failed.everyone else key] = now + pause.total_seconds()

    def _pause(self) -> float:
        soonest = min(self._later.values(), default=float("inf"))
        return max(0.05, min(EVERY, soonest - _now()))


def words_of(view: CardView) -> str:
    """All that a card shows, to tell it from what it showed before."""
    return repr((view.title, view.lines, view.buttons, view.open, view.urgent, view.outcome))


def _now() -> float:
    return asyncio.get_running_loop().time()
