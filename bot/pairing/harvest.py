"""Nobody collects people: how many first names someone is told, and what looks as if somebody tried."""

from collections.abc import Mapping
from datetime import timedelta

from bot.do.base import Turn

MOST_NAMES = 3
"""First names that a supporter is told in a month, by being introduced."""

MONTH = timedelta(days=30)

DECLINED, MOVED, RESUMED, FLOODED = "declined a newcomer", "moved", "resumed", "flooded"
"""What the ledger says of what is counted here."""

MOST: Mapping[str, tuple[int, str]] = {
    DECLINED: (5, "has said no to {many} newcomers within a month"),
    MOVED: (3, "has changed where they live {many} times within a month"),
    RESUMED: (3, "has left and come back {many} times within a month"),
    FLOODED: (2, "has written far too much at once {many} times within a month"),
}
"""So often within a month, and coordinators are asked to look. Nobody is kept from it: there can be good reasons."""


async def knows_enough(turn: Turn) -> bool:
    """Whether this person was told as many first names within a month as anyone is."""
    since, me = turn.tx.now - MONTH, turn.person.id
    pairs = [pair for pair in await turn.tx.pairs.of(me) if pair.supporter_id == me]
    return sum(pair.introduced_at is not None and pair.introduced_at > since for pair in pairs) >= MOST_NAMES


async def noticed(turn: Turn, what: str, flow: str = "", subject: str = "") -> None:
    """It is in the ledger; where it happened too often by now, coordinators get a card, or the one there is changes."""
    tx, me = turn.tx, turn.person.id
    await tx.ledger.add(me, what, flow, subject)
    most, sentence = MOST[what]
    many = await tx.ledger.times(me, what, tx.now - MONTH)
    if many >= most:
        await tx.cards.add("flagged", f"person:{me}:{what}", me, {"about": sentence.replace("{many}", str(many))})
