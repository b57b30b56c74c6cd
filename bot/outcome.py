"""What an exchange came to, stored: conversations, fields, messages, ledger."""

from dataclasses import replace

from bot import named
from bot.channels.kinds import LIMITS
from bot.channels.render import split
from bot.do.base import Turn
from bot.pairing import harvest
from bot.reach import invitation
from flows.exchange import Exchange
from flows.model import Conversation, Say, subject_of
from flows.text import show
from storage.actions import Action

_SHORTEST = 4096
"""Characters of one message where a channel's own limit is not known."""


async def keep(turn: Turn, exchange: Exchange, *, always: bool = False, priority: int = 0) -> None:
    """Stores it all; `always`: what is said goes out although they have stopped."""
    tx, person = turn.tx, turn.person
    for number in exchange.changed:
        conversation = exchange.conversations[number]
        if turn.others and conversation.asked:
            conversation = conversation.with_(asked=named.hidden(turn, conversation.asked))
        if number in exchange.ended:
            await tx.conversations.end(person.id, conversation, exchange.ended[number])
            await tx.ledger.add(person.id, "ended", conversation.flow, detail=exchange.ended[number])
        else:
            await tx.conversations.save(person.id, conversation, exchange.next_due[number])
    await keep_fields(turn)
    by_conversation: list[tuple[int, list[Say]]] = []
    for number, say in exchange.said:
        if not by_conversation or by_conversation[-1][0] != number:
            by_conversation.append((number, []))
        by_conversation[-1][1].append(await _about(turn, say, exchange.conversations.get(number)))
        if say.tried:
            await tx.ledger.add(person.id, "tried", exchange.conversations[number].flow, detail=say.tried)
    for number, says in by_conversation:
        await say_to(turn, number or None, says, always=always, priority=priority)


async def _about(turn: Turn, say: Say, conversation: Conversation | None) -> Say:
    """What is attached, about what its conversation is about: "calendar:3" tells whoever shows it later.

    A card is no file, so that every platform can show it: the words follow the text, and the code comes with them.
    """
    if say.attach not in ("calendar", "card", "qr"):
        return say
    which = subject_of(conversation, "action") if conversation else ""
    if say.attach == "qr":
        return replace(say, attach=f"qr:{which}" if which else "qr")
    if say.attach == "calendar":
        return replace(say, attach=f"calendar:{which}" if which else "")
    action = await turn.tx.actions.get(int(which)) if which.isascii() and which.isdigit() else None
    return replace(say, text="\n\n".join([say.text, await card(turn, action)]).strip(), attach="qr")


async def card(turn: Turn, action: Action | None) -> str:
    """What people can pass on: an action in four lines, or the group, and the link by which others come. Nothing in it
    is only for those who are signed up."""
    lines = [str(turn.world.group.org.get("name") or "")]
    if action is not None:
        when = show(action.starts_at, "when", turn.language, action.zone)
        lines = [f"*{action.title}*", when, action.district, *lines]
    return "\n".join(line for line in [*lines, await invitation(turn.tx, turn.world, turn.person)] if line)


async def keep_fields(turn: Turn) -> None:
    """Stores what is known of the person, if it changed; a place they named becomes a district about 1 km across."""
    before = turn.person.fields
    if turn.fields == before:
        return
    district, zone = turn.person.district, turn.person.zone
    if turn.fields.get("place") != before.get("place"):
        place = turn.world.place(str(turn.fields.get("place") or ""))
        district, zone = (place.cell, place.zone) if place else ("", "")
        if place is not None:
            # They may have been asked which of several they mean: kept is what everybody there is said to live in.
            turn.fields["place"] = place.name
    await turn.tx.people.save(turn.person.id, turn.fields, district=district, zone=zone)
    if district != turn.person.district and turn.person.district:
        await harvest.noticed(turn, harvest.MOVED)
    turn.person = replace(turn.person, fields=dict(turn.fields), district=district, zone=zone)


async def say_to(
    turn: Turn, conversation: int | None, says: list[Say], *, always: bool = False, priority: int = 0
) -> None:
    """Decides to send messages to where a person is; a text too long for that channel becomes several."""
    person = turn.person
    parts = [named.naming(turn, part) for say in says for part in split(say, longest_text(person.channel))]
    turn.said += len(parts)
    await turn.tx.outbox.add(
        person, person.address_id, conversation, parts, turn.not_before, priority, always=always
    )  # fmt: skip


def longest_text(channel: str) -> int:
    """Characters that one message of a channel can hold."""
    return LIMITS[channel].text if channel in LIMITS else _SHORTEST
