"""Where people open a chat with the bot: what a code is put behind, so that it is a link they can press."""

from bot.world import World
from flows.exchange import START
from storage.people import Person
from storage.transaction import Transaction


async def found_at(tx: Transaction, channel: str, account: str, start: str) -> None:
    """An account's platform has said how its chat is opened: with this, and a code behind it."""
    name = _setting(channel, account)
    if await tx.settings.get(name) != start:
        await tx.settings.set(name, start)


async def start_at(tx: Transaction, channel: str, account: str) -> str:
    """The same; "" where that platform has no such links, or was never reached."""
    return await tx.settings.get(_setting(channel, account)) or ""


async def start_of(tx: Transaction, world: World, channel: str = "", account: str = "") -> str:
    """What codes are put behind for somebody who knows this account, or none: a link there, else at any other platform,
    else to the chat page; where there is no link at all, what they can write to the bot."""
    for known in ((channel, account), *world.accounts):
        if start := await start_at(tx, *known):
            return start
    address = world.address.rstrip("/")
    return f"{address}/?start=" if address else f"{START} "


async def invitation(tx: Transaction, world: World, person: Person) -> str:
    """The link with which others come by this person's invitation; where there is none, what they can write instead."""
    return await start_of(tx, world, person.channel, person.account) + tx.links.invitation(person.id)


def _setting(channel: str, account: str) -> str:
    return f"chat opens at {channel}:{account}"
