"""What an exchange came to, stored: conversations, fields, messages, ledger."""

from bot.channels import LIMITS
from bot.channels.render import split
from flows.exchange import Exchange
from flows.model import NOTHING, Library, Say, Value
from storage.people import Person
from storage.transaction import Transaction

_SHORTEST = 4096
"""Characters of one message where a channel's own limit is not known."""


async def keep(
    tx: Transaction, person: Person, fields: dict[str, Value], exchange: Exchange, *, always: bool = False
) -> None:
    """Stores it all; `always`: what is said goes out although they have stopped."""
    for number in exchange.changed:
        conversation = exchange.conversations[number]
        if number in exchange.ended:
            await tx.conversations.end(person.id, conversation, exchange.ended[number])
            await tx.ledger.add(person.id, "ended", conversation.flow, detail=exchange.ended[number])
        else:
            await tx.conversations.save(person.id, conversation, exchange.next_due[number])
    if fields != person.fields:
        await tx.people.save(person.id, fields)
    by_conversation: list[tuple[int, list[Say]]] = []
    for number, say in exchange.said:
        if not by_conversation or by_conversation[-1][0] != number:
            by_conversation.append((number, []))
        by_conversation[-1][1].append(say)
        if say.tried:
            await tx.ledger.add(person.id, "tried", exchange.conversations[number].flow, detail=say.tried)
    for number, says in by_conversation:
        await say_to(tx, person, number or None, says, always=always)


async def say_to(
    tx: Transaction, person: Person, conversation: int | None, says: list[Say], *, always: bool = False
) -> None:
    """Decides to send messages to where a person is; a text too long for that channel becomes several."""
    most = LIMITS[person.channel].text if person.channel in LIMITS else _SHORTEST
    parts = [part for say in says for part in split(say, most)]
    await tx.outbox.add(person, person.address_id, conversation, parts, always=always)


def own_words(library: Library, language: str, sentence: str) -> list[Say]:
    """A sentence that belongs to no flow, in someone's language."""
    return [Say(library.translations.get(language, NOTHING).get(sentence, sentence))]
