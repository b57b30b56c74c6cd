"""What most tests of storage begin with."""

from collections.abc import Sequence
from datetime import UTC, datetime

from flows.model import Conversation, Say
from storage.people import Person
from storage.store import Store, Transaction

CHANNEL = ("telegram", "main")
AT = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)


async def someone(store: Store, address: str = "100") -> Person:
    """A new person who writes from there."""

    async def work(tx: Transaction) -> Person:
        return await tx.people.add(*CHANNEL, address, "en")

    return await store.run(work)


def talk(state: str = "hello", **more: object) -> Conversation:
    """A conversation that is not stored yet."""
    return Conversation(0, "welcome", 1, state, AT).with_(**more)


async def says(store: Store, person: Person, texts: Sequence[str], **how: object) -> None:
    """Messages for this person."""

    async def work(tx: Transaction) -> None:
        await tx.outbox.add(person, person.address_id, None, [Say(text) for text in texts], **how)  # type: ignore[arg-type]

    await store.run(work)


async def claimed(store: Store, limit: int = 100) -> list[str]:
    """The texts that may be sent now; they are claimed."""

    async def work(tx: Transaction) -> list[str]:
        return [message.say.text for message in await tx.outbox.claim(*CHANNEL, limit, "tester")]

    return await store.run(work)


async def settle(store: Store, person: Person) -> None:
    """Every message claimed for this person was sent."""

    async def work(tx: Transaction) -> None:
        for message in await tx.outbox.history(person.id, 0, 100):
            if message.state == "claimed":
                await tx.outbox.sent(message.id, f"receipt {message.id}")

    await store.run(work)
