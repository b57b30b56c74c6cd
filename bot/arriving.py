"""Who writes: someone who is known, by whatever address, or a stranger; and what they said, as it is taken."""

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from bot import joining, other_phone
from bot.channels.base import Inbound
from bot.forgetting import forget
from bot.group import Group
from flows.model import Said, Value
from flows.words import tidy
from storage.errors import SeenBefore
from storage.people import LEAVING, Loaded
from storage.transaction import Transaction

LONGEST = 20_000
"""Characters of one message that are read; the rest is cut. No platform here allows more in a message of a person."""

AN_INSTANT = timedelta(microseconds=1)


class Come(NamedTuple):
    """Someone who wrote; whether they never did before, and whether nobody knew of them."""

    loaded: Loaded
    first: bool = False
    stranger: bool = False


async def who(tx: Transaction, group: Group, inbound: Inbound, said: Said) -> Come:
    """Who writes, locked. Someone who is leaving and writes again is a stranger from now on.

    Raises SeenBefore where they were forgotten after they had written this.
    """
    loaded = await known(tx, inbound)
    if await _forgotten_since(tx, inbound, loaded):
        raise SeenBefore
    if loaded is not None and loaded.person.status == LEAVING:
        await forget(tx, loaded.person.id, inbound.at and inbound.at - AN_INSTANT)
        loaded = None
    if loaded is not None:
        return Come(loaded)
    expected = await joining.joined(tx, inbound, said) or await other_phone.comes(tx, inbound, said)
    if expected is not None:
        return Come(expected, first=True)
    return Come(await _added(tx, group, inbound), first=True, stranger=True)


async def known(tx: Transaction, inbound: Inbound) -> Loaded | None:
    """Who writes, locked, if they are known, be it by the address that they had before."""
    channel, account = inbound.channel, inbound.account
    loaded = await tx.people.lock_and_load(channel, account, inbound.address)
    if loaded is not None or not inbound.formerly:
        return loaded
    loaded = await tx.people.lock_and_load(channel, account, inbound.formerly)
    if loaded is not None:
        await tx.addresses.move(channel, account, inbound.formerly, inbound.address)
    return loaded


def source(inbound: Inbound) -> str:
    """Where it came from, as the inbox names it: "telegram:main"."""
    return f"{inbound.channel}:{inbound.account}"


def tidied(said: Said) -> Said:
    """The same without what nobody sees, and no longer than anybody writes."""
    if said.text.isascii() and said.text.isprintable() and len(said.text) <= LONGEST:
        return said
    place = None if said.place is None else tidy(said.place[:200])
    return replace(said, text=tidy(said.text[:LONGEST]), place=place)


def body(said: Said) -> dict[str, Value]:
    """The same, as the inbox keeps it."""
    kept: dict[str, Value] = {"text": said.text}
    if said.choice is not None:
        kept.update(choice=said.choice, question=said.question, conversation=said.conversation)
    if said.place or said.photo:
        kept.update(place=said.place or "", photo=said.photo)
    return kept


async def _added(tx: Transaction, group: Group, inbound: Inbound) -> Loaded:
    language = group.language(inbound.language)
    person = await tx.people.add(inbound.channel, inbound.account, inbound.address, language)
    name = _first_name(inbound.name)
    await tx.people.save(person.id, {"name": name} if name else {})
    await tx.ledger.add(person.id, "wrote first")
    added = await tx.people.load(person.id)
    assert added is not None, "a person was added a moment ago"
    return added


async def _forgotten_since(tx: Transaction, inbound: Inbound, loaded: Loaded | None) -> bool:
    """Whether whoever wrote this was forgotten after they had written it, and before it came."""
    if inbound.at is None or (loaded is not None and loaded.person.created_at <= inbound.at):
        return False
    return await tx.tombstones.refuses(inbound.channel, inbound.account, inbound.address, inbound.at)


def _first_name(name: str) -> str:
    """The first word of what a platform calls someone, as plain text of a bearable length."""
    return next(iter(tidy(name[:200]).split()), "")[:40]
