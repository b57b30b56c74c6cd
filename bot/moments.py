"""Flows that begin by themselves: each tick asks which of them are due for whom, and begins those not yet begun."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from bot import reminders
from bot.actions import lies_near
from bot.companions import line_of
from bot.libraries import Libraries
from bot.reminders import NEARBY, Reminder
from bot.restraint import is_reminder
from bot.schedule import AHEAD, Place, Round, Schedule
from bot.turn import Turns
from bot.world import World
from flows.model import Flow, Library, Moment
from storage import together
from storage.actions import Action
from storage.errors import StorageUnavailable, StoreClosed
from storage.inbox import TRIES
from storage.pairs import BUDDY, SUPPORTER
from storage.store import Store
from storage.together import NotTogether
from storage.transaction import Transaction

log = logging.getLogger(__name__)

BATCH = 500
"""People that are looked up at once."""

MOST = 2_000
"""Flows of one tick: then everything else that is due has its turn, and the next tick goes on."""

AT_ONCE = 2
"""Transactions under way at the same time, each of several people's turns: people's own come between them."""

NEWS_AGAIN = timedelta(seconds=10)
"""How long, at most, the ledger is not asked while it has no new line: what happened long ago may be due by now, and
on Postgres an older line may be committed after a newer one."""

_GROUPS: Mapping[str, Sequence[str | None]] = {
    # Whether there is a pair, their own turn finds out.
    "both": ("signed_up", "host"),
    BUDDY: (BUDDY, "host who is a buddy"),
    **{who: (who,) for who in ("signed_up", "maybe", "attended", "missed", "host", SUPPORTER)},
}
"""By whom a moment of an action is for: the groups of people to look at."""


class _Due(NamedTuple):
    """One flow to begin with some people; `late`: it no longer makes sense, and is only to be reported."""

    people: Sequence[int]
    flow: str
    subject: str
    occurrence: str
    late: bool = False


class Moments:
    """Begins what is due. Nothing is written ahead: late sign-ups, moved actions and edited flows just work."""

    def __init__(
        self, store: Store, turns: Turns, libraries: Libraries, world: World, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._turns = turns
        self._libraries = libraries
        self._world = world
        self._clock = clock
        self._schedule = Schedule()
        self._news: tuple[object, datetime] | None = None
        self._tries: Counter[tuple[int, str, str, str]] = Counter()
        self._alone: dict[str, int] = {}
        """Flows whose beginning needs a transaction for each person, with the version of the library they are of."""

    async def tick(self) -> bool:
        """Begins what is due by now, what somebody did first, then reminders: those that are soonest too late first.

        Whether more is due: of one tick there are about `MOST`. What breaks with one person leaves the others.
        """
        actions, line = await self._store.run(lambda tx: tx.moments.stand())
        library, now, done = self._libraries.current, self._clock(), 0
        if self._may_be_news((library.version, line), now):
            done += await self._begin_news(library, (library.version, line), now)
        if not self._schedule.holds((library.version, actions), now):
            found = await self._store.read(partial(_reminders, library=library))
            self._schedule.fill((library.version, actions), now, found)
        ended: set[Round] = set()
        while rounds := [each for each in self._schedule.due(now) if each not in ended]:
            for each, people, place in await self._store.read(partial(self._look, rounds=rounds)):
                done += await self._remind(each, people)
                if place is None:
                    each.ended(now)
                    ended.add(each)
                else:
                    each.place = place
            self._schedule.rest()
            if done >= MOST:
                return True
        return False

    def quiet(self) -> bool:
        """Whether these are hours in which nobody is written to by themselves."""
        group, now = self._world.group, self._clock()
        return group.quiet is not None and group.quiet.next_allowed(now, group.zone) > now

    # --- what has happened ---

    def _may_be_news(self, known: object, now: datetime) -> bool:
        if self._news is None:
            return True
        before, at = self._news
        return before != known or not timedelta(0) <= now - at < NEWS_AGAIN

    async def _begin_news(self, library: Library, known: object, now: datetime) -> int:
        """Begins what the ledger says has happened."""
        flows = [each for each in _by_themselves(library) if reminders.column(_moment(each)) is None]
        begun, found = 0, False
        while flows:
            due = await self._store.read(partial(self._happened, flows=flows))
            full = []
            for flow in flows:
                done = await self._let(due[flow.name])
                begun, found = begun + done, found or bool(due[flow.name])
                if done and len(due[flow.name]) == BATCH:
                    full.append(flow)
            flows = full
        self._news = None if found else (known, now)
        return begun

    async def _happened(self, tx: Transaction, flows: Iterable[Flow]) -> dict[str, list[_Due]]:
        return {flow.name: await self._happened_for(tx, flow) for flow in flows}

    async def _happened_for(self, tx: Transaction, flow: Flow) -> list[_Due]:
        moment, now, zone = _moment(flow), tx.now, self._world.group.zone
        found: list[_Due] = []
        of_pair = moment.happening.startswith("pair.")
        role = moment.who if of_pair and moment.who in (SUPPORTER, BUDDY) else ""
        for person_id, subject, number, at in await tx.moments.happened(
            line_of(moment), flow.name, *reminders.window(moment, now), BATCH, role,
            quiet_too=flow.urgent, reminded_too=flow.urgent or not is_reminder(moment),
        ):  # fmt: skip
            if reminders.due_at(moment, at, zone) > now:
                continue
            late = reminders.until_at(moment, at, zone) < now
            found.append(_Due([person_id], flow.name, subject, str(number), late))
        return found

    # --- what the time of an action brings ---

    async def _look(self, tx: Transaction, rounds: Iterable[Round]) -> list[tuple[Round, list[int], Place | None]]:
        """About `BATCH` people of these rounds, and how far each has got with them; None: to its end."""
        found, left = [], BATCH
        for each in rounds:
            people, place = await self._people(tx, each, left)
            found.append((each, people, place))
            left -= len(people)
            if left <= 0:
                break
        return found

    async def _people(self, tx: Transaction, each: Round, most: int) -> tuple[list[int], Place | None]:
        if each.groups is None:
            each.groups = await self._groups(tx, each)
        group, after = each.place
        people: list[int] = []
        for number, which in enumerate(each.groups[group:], group):
            people += await _of_group(tx, each, which, after, most - len(people))
            if len(people) >= most:
                return people, Place(number, people[-1])
            after = 0
        return people, None

    async def _groups(self, tx: Transaction, each: Round) -> Sequence[str | None]:
        """What a round goes through. Those nearby by where they live, so that nobody far away is looked at."""
        if each.who != NEARBY:
            return _GROUPS.get(each.who, ())
        if each.late and each.reminder.due_at < await tx.library.since():
            # Flows that were written since have invited nobody in vain.
            return ()
        cell = each.reminder.action.cell
        if not cell:
            return (None,)
        reach = self._world.pairing.reach_km
        return [district for district in await tx.moments.districts() if lies_near(district, cell, reach)]

    async def _remind(self, each: Round, people: Sequence[int]) -> int:
        flow, subject, occurrence = (
            each.reminder.flow.name,
            f"action:{each.reminder.action.id}",
            each.reminder.occurrence,
        )
        each.found = each.found or bool(people)
        some = [people[start : start + together.MOST] for start in range(0, len(people), together.MOST)]
        return await self._let([_Due(many, flow, subject, occurrence, each.late) for many in some])

    # --- with somebody ---

    async def _let(self, due: Sequence[_Due]) -> int:
        """Begins these; how many there were to begin."""
        waiting = iter(due)

        async def some() -> int:
            return sum([await self._begin(each) for each in waiting])

        return sum(await asyncio.gather(*(some() for _ in due[:AT_ONCE])))

    async def _begin(self, due: _Due) -> int:
        """Together, where that can be; else one after the other."""
        about = (due.flow, due.subject, due.occurrence)
        if len(due.people) > 1 and self._alone.get(due.flow) != self._libraries.current.version:
            try:
                return await self._turns.moments(due.people, *about, late=due.late)
            except (StorageUnavailable, StoreClosed):
                return 0  # It is asked for again at the next tick.
            except NotTogether:
                self._alone[due.flow] = self._libraries.current.version
            except Exception:
                # Whose turn it was that broke shows once each has a transaction of their own.
                log.exception("flow %s could not begin by itself with several people together", due.flow)
        return sum([await self._begin_alone(person_id, *about, due.late) for person_id in due.people])

    async def _begin_alone(self, person_id: int, flow: str, subject: str, occurrence: str, late: bool) -> bool:
        try:
            return await self._turns.moment(person_id, flow, subject, occurrence, late=late)
        except (StorageUnavailable, StoreClosed):
            return False
        except Exception as error:
            log.exception("flow %s could not begin by itself", flow)
            await self._broke((person_id, flow, subject, occurrence), type(error).__name__)
            return False

    async def _broke(self, due: tuple[int, str, str, str], error: str) -> None:
        """What breaks at every tick would be asked for at every tick, and at last nothing else."""
        self._tries[due] += 1
        if self._tries[due] < TRIES:
            return
        del self._tries[due]
        await self._turns.bury_moment(*due, error)


async def _of_group(tx: Transaction, each: Round, group: str | None, after: int, most: int) -> list[int]:
    reminder = each.reminder
    about = (reminder.action.id, reminder.flow.name, reminder.occurrence)
    # Once everyone was looked at, so that what is held back is counted; from then on only who can be reminded.
    awake = each.whole and not each.late and not reminder.flow.urgent
    # Whoever signed up, or came to the bot, when it was too late already has missed nothing.
    by = reminder.until_at if each.late else None
    if each.who != NEARBY:
        return await tx.moments.concerned(*about, str(group), most, by, after=after, awake=awake)
    return await tx.moments.nearby(*about, group, most, by, after=after, awake=awake)


async def _reminders(tx: Transaction, library: Library) -> list[Reminder[Action]]:
    """All that the times of actions bring from what is late until a while ahead."""
    found: list[Reminder[Action]] = []
    for flow in _by_themselves(library):
        column = reminders.column(_moment(flow))
        if column is not None:
            window = reminders.window(_moment(flow), tx.now, AHEAD)
            found += reminders.of(flow, await tx.actions.between(*window, column=column))
    return found


def _by_themselves(library: Library) -> Iterable[Flow]:
    return (flow for flow in library.flows.values() if flow.starts.moment)


def _moment(flow: Flow) -> Moment:
    assert flow.starts.moment is not None, "only flows that begin by themselves are asked for"
    return flow.starts.moment
