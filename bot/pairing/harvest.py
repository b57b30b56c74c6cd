"""Nobody collects people: how many first names someone is told, and what looks as if somebody tried."""

from collections.abc import Mapping

from bot.do.base import Turn
from storage.pairs import GATHERED
from storage.tombstones import MONTH

MOST_NAMES = 3
"""First names of buddies that a supporter is told in a month, by being introduced, or welcomed among others."""

DECLINED, MOVED, RESUMED, FLOODED = "declined a newcomer", "moved", "resumed", "flooded"
ASKED_ON, BEGAN_ANEW = "asked for more names", "began anew for more names"
"""What the ledger says of what is counted here."""

MOST: Mapping[str, tuple[int, str]] = {
    DECLINED: (5, "has said no to {many} newcomers within a month"),
    MOVED: (3, "has changed where they live {many} times within a month"),
    RESUMED: (3, "has left and come back {many} times within a month"),
    ASKED_ON: (3, "was told three first names within a month, and has asked for more {many} times"),
    BEGAN_ANEW: (1, "was told first names within a month, had everything deleted, and asks for more"),
    FLOODED: (2, "has written far too much at once {many} times within a month"),
}
"""So often within a month, and coordinators are asked to look. Nobody is kept from it: there can be good reasons."""


async def knows_enough(turn: Turn) -> bool:
    """Whether this person was told as many first names within a month as anyone is."""
    return sum(await _names(turn)) >= MOST_NAMES


async def one_is_left(turn: Turn) -> bool:
    """Whether they may be told a name, and one more after that: whoever is welcomed among others keeps the last one
    for a buddy of their own."""
    return sum(await _names(turn)) < MOST_NAMES - 1


async def asked_on(turn: Turn, flow: str) -> None:
    """They know enough, and asked for more: whether or not they were forgotten in between, coordinators hear of it."""
    _, before = await _names(turn)
    await noticed(turn, BEGAN_ANEW if before else ASKED_ON, flow)


async def _names(turn: Turn) -> tuple[int, int]:
    """How many first names they were told within a month: since they are known, and before they were forgotten."""
    since, me = turn.tx.now - MONTH, turn.person.id
    told = [
        pair.introduced_at or (pair.created_at if pair.state == GATHERED else None)
        for pair in await turn.tx.pairs.of(me)
        if pair.supporter_id == me
    ]
    return sum(at is not None and at > since for at in told), await turn.tx.tombstones.told(me, since)


async def noticed(turn: Turn, what: str, flow: str = "", subject: str = "") -> None:
    """It is in the ledger; where it happened too often by now, coordinators get a card, or the one there is changes."""
    tx, me = turn.tx, turn.person.id
    await tx.ledger.add(me, what, flow, subject)
    most, sentence = MOST[what]
    many = await tx.ledger.times(me, what, tx.now - MONTH)
    if many >= most:
        await tx.cards.add("flagged", f"person:{me}:{what}", me, {"about": sentence.replace("{many}", str(many))})
