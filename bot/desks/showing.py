"""A card as a page shows it, and a press of its buttons as a page makes it."""

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.blocking import BLOCK, FREE, MUTE
from bot.console.stage import CardView, Quicker, Refused
from bot.desks.acting import NotDone, Press, TooLate, act
from bot.desks.base import describe, outcome
from bot.desks.reading import body_of
from flows.model import Library
from storage.cards import OPEN, Card
from storage.transaction import Transaction

if TYPE_CHECKING:
    from bot.app import Bot


THREAD = 8
"""Lines of what was written back and forth that stand on a card, the newest, where a desk has no threads."""


async def view(tx: Transaction, card: Card, library: Library, zone: ZoneInfo, *, threads: bool = False) -> CardView:
    """The card in words, its time in this zone. Without `threads` of its own, the desk shows what was written on it."""
    body = await body_of(tx, card, library, zone)
    words = describe(card.kind, body)
    written: tuple[str, ...] = ()
    if words.replies and not threads:
        name = str(body.get("person") or "They")
        written = tuple(f"{by or name}: {text}" for by, text in await tx.desks.thread(card, THREAD))
    return CardView(
        id=card.id,
        title=words.title,
        lines=(*words.lines, *written),
        buttons=words.buttons,
        replies=words.replies,
        open=card.state == OPEN,
        urgent=card.urgent,
        outcome=outcome(card.state, card.acted_by),
        at=card.created_at.astimezone(zone),
    )


async def press(bot: "Bot", pressed: Press) -> str:
    """Acts, and lets what that leaves for people be taken: what it did, in a sentence. Raises Refused, Quicker."""
    try:
        said = await bot.store.run(lambda tx: act(tx, bot.world, pressed))
    except TooLate as why:
        raise Quicker(str(why)) from why
    except NotDone as why:
        raise Refused(str(why)) from why
    if pressed.button in (MUTE, BLOCK, FREE):
        # Not in a moment but now; and the card shows how they stand.
        await bot.handover.drain()
    bot.handover.poke()
    bot.stir()
    return said
