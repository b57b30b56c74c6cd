"""What most tests of storage begin with."""

from collections.abc import Sequence
from datetime import UTC, datetime

from flows.model import Conversation, Say
from storage.errors import SeenBefore
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
                await tx.told.arrived(message.id, *CHANNEL, f"receipt {message.id}")

    await store.run(work)


async def by_address(store: Store, address: str) -> Person | None:
    """Who writes from there."""
    return await store.run(lambda tx: tx.people.by_address(*CHANNEL, address))


async def put_down(store: Store, key: str, value: str = "done") -> None:
    """One small work that writes."""
    await store.run(lambda tx: tx.settings.set(key, value))


async def looked_up(store: Store, key: str) -> str | None:
    """What it wrote."""
    return await store.run(lambda tx: tx.settings.get(key))


async def take(store: Store, person_id: int, event: str, text: str = "", source: str = "telegram") -> bool:
    """An event of this person, taken at once. False: it was here before."""

    async def work(tx: Transaction) -> None:
        await tx.people.load(person_id)
        await tx.inbox.take(source, event, person_id, "said", {"text": text})

    try:
        await store.run(work)
    except SeenBefore:
        return False
    return True
