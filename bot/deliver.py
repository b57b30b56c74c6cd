"""One message to its platform, and what came of it."""

import asyncio
import logging
from contextlib import suppress

from bot.channels.base import Asking, Channel, Outbound, Receipt, SendFailed
from bot.others import leave
from bot.verdict import LOST, Broken
from storage.errors import KeyDestroyed
from storage.sending import CLOSED, HELD, KNOCK, Claimed, Outcome
from storage.transaction import Transaction

log = logging.getLogger(__name__)

PATIENCE = 90.0
"""Seconds after which a channel that has not come back lost its answer: longer than any platform's library waits."""

UNHEARD = "they have not written for so long that it makes no sense any more"


async def deliver(channel: Channel, message: Claimed) -> Receipt | SendFailed:
    """Sends it; where it may have arrived before, what the channel's rule says."""
    outbound = Outbound(
        message.id, channel.name, channel.account, message.address, message.conversation_id or 0, message.say,
        message.replaces, message.maybe_sent, message.closed == KNOCK, message.last,
    )  # fmt: skip
    if message.closed == CLOSED:
        return SendFailed(UNHEARD, final=True)
    if message.once_more and not isinstance(channel, Asking) and not channel.limits.once:
        return SendFailed(LOST, final=True, unknown=True)
    try:
        async with asyncio.timeout(PATIENCE):
            if message.maybe_sent and isinstance(channel, Asking):
                return await channel.settled(outbound) or await channel.send(outbound)
            return await channel.send(outbound)
    except SendFailed as failed:
        return failed
    except TimeoutError:
        return SendFailed("no answer came", unknown=True)
    except Exception as error:
        log.exception("channel %s broke while sending", channel.name)
        return Broken(type(error).__name__, message.tries)


async def show_undelivered(tx: Transaction, channel: str, outcome: Outcome) -> None:
    """A card for coordinators about what did not reach someone, or may not have: of each person one of either, with
    the newest reason."""
    kind = "held_send" if outcome.state == HELD else "failed_send"
    await show(tx, kind, outcome.message.person_id, channel, outcome.reason)
    if outcome.gone:
        await unreached(tx, outcome.message.person_id, outcome.message.address_id, outcome.message.id)


async def unreached(tx: Transaction, person_id: int, address_id: int, message_id: int) -> None:
    """They cannot be reached at this address: nobody waits for an answer of theirs, and nobody is introduced to them,
    until they write or something reaches them again."""
    await tx.addresses.unreached(address_id)
    with suppress(KeyDestroyed):
        await leave(tx, person_id, "unreached", {}, f"{message_id}")


async def show(tx: Transaction, kind: str, person_id: int, channel: str, reason: str) -> None:
    """Such a card, by their number."""
    try:
        await tx.cards.add(kind, f"person:{person_id}", person_id, {"channel": channel, "reason": reason})
    except KeyDestroyed:
        return  # They were forgotten meanwhile: there is nobody to write to.
