"""What coordinators are shown without anybody's turn: matches that stall, who comes to an action, flows that were
refused, and the week, every morning. Each is noticed once, whoever is killed meanwhile, and in whatever process."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.actions import has_confirmed
from bot.cohorts import cohort_words
from bot.desks.base import MOVES
from bot.desks.reading import day
from bot.desks.week import week
from bot.libraries import Libraries
from flows.model import Value
from storage.actions import CANCELLED, Action
from storage.campaigns import Totals
from storage.cards import NOTICE, OVER, PAST
from storage.errors import KeyDestroyed, StorageError
from storage.signups import WAITING
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two looks at who comes and at the flows."""
SELDOM = timedelta(minutes=1)
"""How often the rest is looked at."""

STALLED_AFTER = timedelta(days=4)
"""How long two who were introduced may write nothing until coordinators see it; the supporter was asked by then."""
ASKED_BY = timedelta(days=2)
"""How long coordinators have until it is urgent."""

COMING = timedelta(days=14)
"""How long before it begins an action has a card of its own."""
AFTERWARDS = timedelta(hours=12)
"""How long after its end that card still changes: who came may be added late."""

MORNING = time(9)
"""When the digest comes, in the group's zone."""
NO_MORE = time(21)
"""When it does not make sense any more, where the bot was away all day."""

BATCH = 100
LINES = 10
"""Mistakes of flows that a card lists."""


class Noticing:
    """One in each process: what two of them notice is one card all the same."""

    def __init__(self, store: Store, libraries: Libraries, zone: ZoneInfo, clock: Callable[[], datetime]) -> None:
        self._store, self._libraries, self._zone, self._clock = store, libraries, zone, clock
        self._looked: datetime | None = None
        self._refused: tuple[str, ...] | None = None

    async def run(self) -> None:
        """Looks until it is cancelled; while the database is away, it waits."""
        while True:
            try:
                await self.tick()
            except StorageError as error:
                log.warning("coordinators are told later, for the database is away: %s", type(error).__name__)
            await asyncio.sleep(EVERY)

    async def tick(self) -> None:
        """Notices all there is by now."""
        await self._flows()
        await self._turnout()
        now = self._clock()
        if self._looked is not None and SELDOM > now - self._looked >= timedelta(0):
            return
        self._looked = now
        await self._stalled()
        await self._digest()

    # --- matches in which nothing moves

    async def _stalled(self) -> None:
        found = await self._store.read(lambda tx: tx.pairs.stalled(BATCH, tx.now - STALLED_AFTER))
        moving = await self._store.read(lambda tx: tx.pairs.moving())
        for pair_id, supporter_id in found:

            async def add(tx: Transaction, pair_id: int = pair_id, supporter_id: int = supporter_id) -> None:
                body = {"pair": str(pair_id), "about": f"nobody has written for {STALLED_AFTER.days} days"}
                await tx.cards.add("stalled", f"pair:{pair_id}", supporter_id, body, due_at=tx.now + ASKED_BY)

            try:
                await self._store.run(add)
            except KeyDestroyed:
                continue  # They were forgotten meanwhile.
        for card_id, together in moving:

            async def close(tx: Transaction, card_id: int = card_id, together: bool = together) -> None:
                await tx.cards.act(card_id, MOVES if together else OVER, "")

            await self._store.run(close)

        async def overdue(tx: Transaction) -> None:
            await tx.cards.overdue("stalled")

        await self._store.run(overdue)

    # --- who comes

    async def _turnout(self) -> None:
        """A card for each action that comes soon, has just been, or has a card: it shows the numbers as they are."""

        async def look(tx: Transaction) -> dict[str, dict[str, Value] | None]:
            shown = {card.subject: card.body for card in await tx.cards.current("turnout")}
            since, until = tx.now - AFTERWARDS, tx.now + COMING
            actions = {each.id: each for each in await tx.actions.between(since, tx.now + COMING, column="ends_at")}
            actions = {number: each for number, each in actions.items() if each.starts_at <= until}
            joined = any(each.campaign for each in actions.values())
            totals = {each.name: each for each in await tx.campaigns.totals()} if joined else {}
            bodies: dict[str, dict[str, Value] | None] = {}
            for each in actions.values():
                bodies[f"action:{each.id}"] = await _numbers(tx, each, totals.get(each.campaign), self._zone)
            return {
                subject: bodies.get(subject)
                for subject in (*shown, *(each for each in bodies if each not in shown))
                if bodies.get(subject) != shown.get(subject)
            }

        changed = await self._store.read(look)
        for subject, body in changed.items():

            async def write(tx: Transaction, subject: str = subject, body: dict[str, Value] | None = body) -> None:
                if body is not None:
                    await tx.cards.add("turnout", subject, None, body, state=NOTICE)
                elif card := await tx.cards.about("turnout", subject):
                    await tx.cards.act(card.id, await _end(tx, subject), "")

            await self._store.run(write)

    # --- flows

    async def _flows(self) -> None:
        problems = tuple(map(str, self._libraries.problems))
        if problems == self._refused:
            return

        async def work(tx: Transaction) -> None:
            card = await tx.cards.about("flow_refused", "flows")
            if problems:
                lines = problems[:LINES]
                more = (f"and {len(problems) - LINES} more: `doorstep check` lists them",) if problems[LINES:] else ()
                await tx.cards.add("flow_refused", "flows", None, {"lines": (*lines, *more)})
            elif card is not None:
                await tx.cards.act(card.id, "mended", "")

        await self._store.run(work)
        self._refused = problems

    # --- every morning

    async def _digest(self) -> None:
        here = self._clock().astimezone(self._zone)
        if not MORNING <= here.time() < NO_MORE:
            return
        today = here.date()

        async def work(tx: Transaction) -> None:
            if not await tx.jobs.begin("digest", today):
                return
            for card in await tx.cards.current("digest"):
                await tx.cards.act(card.id, PAST, "")
            told = await week(tx, self._zone)
            coming = ("In the next seven days:", *told.coming) if told.coming else ("No action in the next seven days",)
            title = f"{here:%A} {here.day} {here:%B}: {told.headline}"
            body = {"title": title, "lines": (*told.lines, *coming)}
            await tx.cards.add("digest", f"day:{today.isoformat()}", None, body, state=NOTICE)
            await tx.jobs.done("digest", today)

        await self._store.run(work)


async def _numbers(tx: Transaction, action: Action, totals: Totals | None, zone: ZoneInfo) -> dict[str, Value]:
    people = await tx.actions.people(action.id)
    return {
        "title": action.title,
        "when": day(action.starts_at, ZoneInfo(action.zone) if action.zone else zone),
        "district": action.district,
        "going": action.going,
        "goal": action.goal,
        "confirmed": sum(has_confirmed(action, each) for each in people) or "",
        "campaign": await _together(tx, totals) if totals else "",
        "places": action.capacity or 0,
        "waiting": sum(each.state == WAITING for each in people) or "",
        "came": sum(each.checked_in_at is not None for each in people) if action.starts_at <= tx.now else "",
    }


async def _together(tx: Transaction, totals: Totals) -> str:
    if totals.cohort:
        return f"{totals.name}: {await cohort_words(tx, totals.name)}"
    of = f" of {totals.goal:,} hoped for" if totals.goal else ""
    return f"{totals.name}, all together: {totals.going:,}{of}, {totals.confirmed:,} confirmed"


async def _end(tx: Transaction, subject: str) -> str:
    action = await tx.actions.get(int(subject.partition(":")[2]))
    return CANCELLED if action is None or action.state == CANCELLED else OVER
