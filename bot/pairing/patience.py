"""Whoever asked for a buddy hears of it again within two days, whatever the flows say and whoever does not answer."""

from datetime import timedelta

from bot.do.base import Turn
from bot.outcome import say_to
from flows import phrases
from flows.model import Say
from storage.pairs import INTRODUCED
from storage.people import ACTIVE
from storage.transaction import Transaction

ASKED = "asked for a buddy"
"""What the ledger says of it."""

STILL_ASKING = "(still asking)"
"""Stands where the name of a flow does among what has begun: no flow is called so."""

AFTER = timedelta(hours=33)
"""So long after they asked. Eleven hours of night may follow (21:00-08:00), and two days are not over."""

LATE = timedelta(days=7)
"""After a longer stand-still nobody is told any more; coordinators see who waits."""


async def due(tx: Transaction, limit: int) -> list[tuple[int, int]]:
    """(person, line of the ledger) of those who asked so long ago and have not been thought of since."""
    lines = await tx.moments.happened(ASKED, STILL_ASKING, tx.now - LATE, tx.now - AFTER, limit)
    return [(person_id, line) for person_id, _, line, _ in lines]


async def think_of(turn: Turn, line: int) -> None:
    """Tells them that they are not forgotten, if they still wait; once, however often they asked."""
    tx, me = turn.tx, turn.person.id
    if turn.person.status != ACTIVE:
        return
    states = {pair.state for pair in await tx.pairs.open_of(me) if pair.supporter_id == me}
    newest = max(each.id for each in await tx.ledger.of(me) if each.what == ASKED)
    waits = bool(states) or await tx.buddies.waiting_since(me) is not None
    if line == newest and waits and INTRODUCED not in states:
        await say_to(turn, None, [Say(turn.words(phrases.STILL_ASKING))])
