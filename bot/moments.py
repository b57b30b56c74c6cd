"""Flows that begin by themselves: each tick asks which of them are due for whom, and begins those not yet begun."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from bot import reminders
from bot.libraries import Libraries
from bot.turn import Turns
from bot.world import World
from flows.model import Flow
from storage.pairs import BUDDY, SUPPORTER
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

BATCH = 500

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

    async def tick(self) -> int:
        """Begins everything due by now; how many flows that were. What breaks with one person leaves the others."""
        flows = [flow for flow in self._libraries.current.flows.values() if flow.starts.moment]
        if self.quiet():
            flows = [flow for flow in flows if flow.urgent]
        begun = 0
        while due := await self._store.read(lambda tx: self._due(tx, flows)):
            done = 0
            for start in range(0, len(due), AT_ONCE):
                turns = (self._begin(each) for each in due[start : start + AT_ONCE])
                done += sum(await asyncio.gather(*turns))
            begun += done
            if not done or len(due) < BATCH:
                break
        return begun

    def quiet(self) -> bool:
        """Whether these are hours in which nobody is written to by themselves."""
        group, now = self._world.group, self._clock()
        return group.quiet is not None and group.quiet.next_allowed(now, group.zone) > now

    async def _begin(self, due: _Due) -> bool:
        try:
            return await self._turns.moment(due.person_id, due.flow, due.subject, due.occurrence, late=due.late)
        except Exception:
            log.exception("flow %s could not begin by itself", due.flow)
            return False

    async def _due(self, tx: Transaction, flows: list[Flow]) -> list[_Due]:
        found: list[_Due] = []
        for flow in flows:
            moment = flow.starts.moment
            assert moment is not None, "only such flows are asked for"
            counted = reminders.COLUMNS.get(moment.happening)
            found += await (self._of_action(tx, flow, counted) if counted else self._of_happening(tx, flow))
        return found[:BATCH]

    async def _of_action(self, tx: Transaction, flow: Flow, column: str) -> list[_Due]:
        moment, now = flow.starts.moment, tx.now
        assert moment is not None, "only such flows are asked for"
        found: list[_Due] = []
        for window, which, late in (
            (reminders.action_window(moment, now), reminders.due, False),
            (reminders.late_window(moment, now), reminders.late, True),
        ):
            actions = await tx.actions.between(*window, column=column)
            for each in which([flow], actions, now):
                # Whoever signed up when it was too late already has missed nothing.
                by = each.until_at if late else None
                subject = f"action:{each.action.id}"
                people: list[int] = []
                for who in _BOTH if moment.who == "both" else (moment.who,):
                    people += await tx.moments.concerned(each.action.id, flow.name, each.occurrence, who, BATCH, by)
                found += [_Due(person_id, flow.name, subject, each.occurrence, late) for person_id in people]
        return found

    async def _of_happening(self, tx: Transaction, flow: Flow) -> list[_Due]:
        moment, now, zone = flow.starts.moment, tx.now, self._world.group.zone
        assert moment is not None, "only such flows are asked for"
        since, _ = reminders.late_window(moment, now)
        _, until = reminders.action_window(moment, now)
        found: list[_Due] = []
        of_pair = moment.happening.startswith("pair.")
        role = moment.who if of_pair and moment.who in (SUPPORTER, BUDDY) else ""
        for person_id, subject, number, at in await tx.moments.happened(
            moment.happening, flow.name, since, until, BATCH, role
        ):
            if reminders.due_at(moment, at, zone) > now:
                continue
            late = reminders.until_at(moment, at, zone) < now
            found.append(_Due(person_id, flow.name, subject, str(number), late))
        return found
