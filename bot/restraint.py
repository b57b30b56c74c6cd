"""When somebody may be written to by themselves: never in their quiet hours, and not with one reminder after another.

What somebody did or said is answered, whatever else they had: a yes, a free place, a change. A *reminder* is what only
the passing of time begins, or an invitation. Of those one may follow another after `GAP` only, so that two that fall
together become one and later the other; and they come on no more days of a week than the group wants. Nothing is held
back about an action on its own day from those who have to do with it: they would stand at the wrong door. Nor on the
day after: whether two people met is what everything is counted by, and they remember it then.
"""

from datetime import datetime, time, timedelta
from typing import NamedTuple

from bot.do.base import Turn
from bot.reminders import NEARBY, column
from flows.model import Flow, Moment
from flows.times import zone

GAP = timedelta(hours=1)
"""Between two reminders to one person."""

WEEK = timedelta(days=7)

OWN_DAY = timedelta(hours=12)
"""How long before its beginning nothing is held back about an action."""

DAY_AFTER = timedelta(hours=40)
"""How long after its end nothing is: what is due a day and some hours after it can fall into somebody's night."""

QUIET, JUST_HAD_ONE, WEEKLY_CAP = "quiet hours", "just had one", "weekly cap"
"""Why something is held back, as the ledger has it."""

HELD_BACK, TOO_LATE = "held back", "too late"
"""What the ledger says of what did not begin when it was due, and of what did not begin at all; why is its detail."""

_TIME_PASSES = frozenset({"action.start", "action.end", "pair.silent", "person.quiet"})
"""Happenings that nobody does."""


class Hold(NamedTuple):
    """Why a flow may not begin now, and until when (aware UTC)."""

    why: str
    until: datetime


def is_reminder(moment: Moment) -> bool:
    """Whether it is time that begins a flow, or that there is something to invite them to, and not what they or
    somebody they have to do with did a moment ago."""
    return moment.happening in _TIME_PASSES or bool(moment.days or moment.offset) or invites(moment)


def invites(moment: Moment) -> bool:
    """Whether it is about an action in which whom it is for has no part."""
    return moment.who == NEARBY and column(moment) is not None


async def hold(turn: Turn, flow: Flow, subject: str) -> Hold | None:
    """What stands against beginning this flow by itself now, were it not urgent; None: nothing."""
    moment = flow.starts.moment
    held = None
    if moment is not None and is_reminder(moment):
        held = await _reminded(turn, "" if invites(moment) else subject)
    until = quiet_until(turn)
    return held or (Hold(QUIET, until) if until is not None else None)


async def _reminded(turn: Turn, subject: str) -> Hold | None:
    """Whether the reminders they have had stand in the way of another one now."""
    now = turn.tx.now
    had = await turn.tx.moments.reminders(turn.person.id, now - WEEK)
    if not had and turn.world.group.weekly_cap > 0:
        return None
    if had and now < had[-1] + GAP:
        return Hold(JUST_HAD_ONE, had[-1] + GAP)
    here = zone(turn.zone)
    today = now.astimezone(here).date()
    days = {at.astimezone(here).date() for at in had}
    if len(days) < turn.world.group.weekly_cap or today in days or await _of_these_days(turn, subject):
        return None
    tomorrow = datetime.combine(today + timedelta(days=1), time(), tzinfo=here)
    return Hold(WEEKLY_CAP, max(now, tomorrow.astimezone(now.tzinfo)))


def quiet_until(turn: Turn) -> datetime | None:
    """When this person may be written to again; None: now."""
    quiet, now = turn.world.group.quiet, turn.tx.now
    if quiet is None:
        return None
    allowed = quiet.next_allowed(now, turn.zone)
    return allowed if allowed > now else None


async def keep(turn: Turn, flow: Flow, subject: str, held: Hold) -> None:
    """Holds this flow back: it is asked for again once the time for it has come, if it still makes sense then."""
    if held.why == QUIET:
        await turn.tx.moments.quiet(turn.person.id, held.until)
    else:
        await turn.tx.moments.rest(turn.person.id, held.until)
    await turn.tx.ledger.add(turn.person.id, HELD_BACK, flow.name, subject, held.why)


async def begun(turn: Turn, flow: Flow, subject: str, overridden: Hold | None) -> None:
    """This flow has begun by itself, and said something: reminders count, and so does an urgent one that broke in."""
    moment = flow.starts.moment
    if overridden is not None:
        await turn.tx.ledger.add(turn.person.id, "urgent", flow.name, subject, overridden.why)
    elif moment is not None and is_reminder(moment) and not flow.urgent:
        await turn.tx.ledger.add(turn.person.id, "reminded", flow.name, subject)
        await turn.tx.moments.rest(turn.person.id, turn.tx.now + GAP)


async def _of_these_days(turn: Turn, subject: str) -> bool:
    what, _, number = subject.partition(":")
    action = await turn.tx.actions.get(int(number)) if what == "action" and number.isdigit() else None
    return action is not None and action.starts_at - OWN_DAY <= turn.tx.now <= action.ends_at + DAY_AFTER
