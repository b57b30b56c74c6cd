"""Flows that begin by themselves: each tick asks which of them are due for whom, and begins those not yet begun."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from bot import reminders
from bot.libraries import Libraries
from bot.reminders import Reminder
from bot.restraint import is_reminder
from bot.turn import Turns
from bot.world import World
from flows.model import Flow, Moment
from storage.actions import Action
from storage.errors import StorageUnavailable, StoreClosed
from storage.inbox import TRIES
from storage.moments import FOR_ACTIONS
from storage.pairs import BUDDY, SUPPORTER
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

BATCH = 500
"""People that are looked up at once."""

MOST = 2_000
"""Flows of one tick: then everything else that is due has its turn, and the next tick goes on."""

_BOTH = ("signed_up", "host")
"""Whom to look at where a moment of an action is for both of a pair: whether there is one, their own turn finds out."""

AT_ONCE = 32


class _Due(NamedTuple):
    """One flow to begin with one person; `late`: it no longer makes sense, and is only to be reported."""

    person_id: int
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
        self._looked: datetime | None = None
        self._tries: Counter[_Due] = Counter()

    async def tick(self) -> bool:
        """Begins what is due by now, what somebody did first, then reminders: those that are soonest too late first.

        Whether more is due: of one tick there are about `MOST`. What breaks with one person leaves the others.
        """
        flows = [flow for flow in self._libraries.current.flows.values() if flow.starts.moment]
        now = self._clock()
        done = 0
        for flow in flows:
            if flow.starts.moment and flow.starts.moment.happening not in reminders.COLUMNS:
                done += await self._news(flow)
        for late in (False, True):
            for each in await self._store.read(partial(_reminders, flows=flows, late=late)):
                done += await self._remind(each, late=late)
                if done >= MOST:
                    return True
        self._looked = now
        return False

    async def _news(self, flow: Flow) -> int:
        """Begins what the ledger says has happened."""
        begun = 0
        while due := await self._store.read(lambda tx: self._happened(tx, flow)):
            done = await self._let(due)
            begun += done
            if not done or len(due) < BATCH:
                break
        return begun

    def quiet(self) -> bool:
        """Whether these are hours in which nobody is written to by themselves."""
        group, now = self._world.group, self._clock()
        return group.quiet is not None and group.quiet.next_allowed(now, group.zone) > now

    async def _remind(self, each: Reminder[Action], *, late: bool) -> int:
        """Begins one flow of one action with all whom it is for; how many that were."""
        moment = _moment(each.flow)
        subject, begun = f"action:{each.action.id}", 0
        # Once everyone is looked at, so that what is held back is counted; from then on only who can be reminded.
        awake = not late and not each.flow.urgent and self._looked is not None and each.due_at <= self._looked
        for who in _BOTH if moment.who == "both" else (moment.who,):
            after = 0
            look = partial(_people, each=each, who=who, late=late, awake=awake)
            while people := await self._store.read(partial(look, after=after)):
                due = [_Due(person_id, each.flow.name, subject, each.occurrence, late) for person_id in people]
                begun += await self._let(due)
                after = people[-1]
                if len(people) < BATCH or begun >= MOST:
                    break
        return begun

    async def _let(self, due: Sequence[_Due]) -> int:
        done = 0
        for start in range(0, len(due), AT_ONCE):
            done += sum(await asyncio.gather(*(self._begin(each) for each in due[start : start + AT_ONCE])))
        return done

    async def _begin(self, due: _Due) -> bool:
        try:
            return await self._turns.moment(due.person_id, due.flow, due.subject, due.occurrence, late=due.late)
        except (StorageUnavailable, StoreClosed):
            return False  # It is asked for again at the next tick.
        except Exception as error:
            log.exception("flow %s could not begin by itself", due.flow)
            await self._broke(due, type(error).__name__)
            return False

    async def _broke(self, due: _Due, error: str) -> None:
        """What breaks at every tick would be asked for at every tick, and at last nothing else."""
        self._tries[due] += 1
        if self._tries[due] < TRIES:
            return
        del self._tries[due]
        await self._turns.bury_moment(due.person_id, due.flow, due.subject, due.occurrence, error)

    async def _happened(self, tx: Transaction, flow: Flow) -> list[_Due]:
        moment, now, zone = _moment(flow), tx.now, self._world.group.zone
        since, _ = reminders.late_window(moment, now)
        _, until = reminders.action_window(moment, now)
        found: list[_Due] = []
        of_pair = moment.happening.startswith("pair.")
        role = moment.who if of_pair and moment.who in (SUPPORTER, BUDDY) else ""
        for person_id, subject, number, at in await tx.moments.happened(
            moment.happening, flow.name, since, until, BATCH, role,
            quiet_too=flow.urgent, reminded_too=flow.urgent or not is_reminder(moment),
        ):  # fmt: skip
            if reminders.due_at(moment, at, zone) > now:
                continue
            late = reminders.until_at(moment, at, zone) < now
            found.append(_Due(person_id, flow.name, subject, str(number), late))
        return found


async def _reminders(tx: Transaction, flows: Sequence[Flow], late: bool) -> list[Reminder[Action]]:
    """Which flows of which actions are due (or too late), what is too late soonest first."""
    found: list[Reminder[Action]] = []
    for flow in flows:
        moment = _moment(flow)
        column = reminders.COLUMNS.get(moment.happening)
        if column is None or not {moment.who, "signed_up" if moment.who == "both" else ""} & FOR_ACTIONS:
            continue
        window = (reminders.late_window if late else reminders.action_window)(moment, tx.now)
        actions = await tx.actions.between(*window, column=column)
        found += (reminders.late if late else reminders.due)([flow], actions, tx.now)
    return sorted(found, key=lambda each: each.until_at)


async def _people(tx: Transaction, each: Reminder[Action], who: str, after: int, late: bool, awake: bool) -> list[int]:
    # Whoever signed up when it was too late already has missed nothing.
    by = each.until_at if late else None
    return await tx.moments.concerned(
        each.action.id, each.flow.name, each.occurrence, who, BATCH, by, after=after, awake=awake
    )


def _moment(flow: Flow) -> Moment:
    assert flow.starts.moment is not None, "only flows that begin by themselves are asked for"
    return flow.starts.moment
