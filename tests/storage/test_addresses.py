from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from flows.model import Say
from storage.people import Person
from storage.store import Store, Transaction
from tests.storage.given import by_address, someone

Does = Callable[[Transaction, Person, Person], Awaitable[object]]


async def test_one_of_several_addresses_is_preferred_and_messages_go_there(store: Store) -> None:
    ana = await someone(store)

    async def work(tx: Transaction) -> list[tuple[str, bool]]:
        await tx.people.add_address(ana.id, "web", "web", "w")
        first, second = await tx.addresses.of(ana.id)
        assert (first.place, second.place) == (("telegram", "main", "100"), ("web", "web", "w"))
        await tx.addresses.prefer(ana.id, second.id)
        return [(each.address, each.preferred) for each in await tx.addresses.of(ana.id)]

    assert await store.run(work) == [("100", False), ("w", True)]
    loaded = await store.run(lambda tx: tx.people.load(ana.id))
    assert loaded is not None
    assert (loaded.person.channel, loaded.person.preferred) == ("web", True)
    there = await by_address(store, "100")
    assert there is not None
    assert (there.id, there.channel, there.preferred) == (ana.id, "telegram", False)


async def test_an_address_of_somebody_else_is_never_preferred(store: Store) -> None:
    ana, bo = await someone(store, "ana"), await someone(store, "bo")
    await store.run(lambda tx: tx.addresses.prefer(ana.id, bo.address_id))
    (theirs,) = await store.run(lambda tx: tx.addresses.of(bo.id))
    assert (theirs.id, theirs.preferred) == (bo.address_id, True)


async def _hosts(tx: Transaction, ana: Person, other: Person) -> None:
    await tx.actions.add(
        title="Walk", starts_at=tx.now, ends_at=tx.now + timedelta(hours=1), zone="UTC", host_id=ana.id
    )


@pytest.mark.parametrize(
    "does",
    [
        lambda tx, ana, other: tx.consents.record(ana.id, "keep", "May I keep that?", 1),
        lambda tx, ana, other: tx.people.block(other.id, ana.id),
        lambda tx, ana, other: tx.people.save(ana.id, {}, role="buddy"),
        lambda tx, ana, other: tx.cards.add("human", f"person:{ana.id}", ana.id, {}),
        _hosts,
    ],
)
async def test_who_has_done_more_than_write_is_somebody(store: Store, does: Does) -> None:
    ana, other = await someone(store, "ana"), await someone(store, "other")

    async def work(tx: Transaction) -> tuple[bool, bool]:
        await tx.cards.add("failed_send", f"person:{ana.id}", ana.id, {})
        await tx.outbox.add(ana, ana.address_id, None, [Say("Hello")])
        before = await tx.addresses.only_wrote(ana.id)
        await does(tx, ana, other)
        return before, await tx.addresses.only_wrote(ana.id)

    assert await store.run(work) == (True, False)
