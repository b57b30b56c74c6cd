"""What names or quotes somebody else opens only while they have a key."""

import asyncio
from pathlib import Path

import pytest

from flows.model import Say
from storage import key_file, layers, transfer
from storage.errors import KeyDestroyed
from storage.people import Person
from storage.store import Store, Transaction
from tests.databases import Database, Watch
from tests.storage.given import claimed, someone


async def three(store: Store) -> tuple[Person, Person, Person]:
    return await someone(store, "1"), await someone(store, "2"), await someone(store, "3")


async def named(store: Store, watch: Watch) -> tuple[Person, Person]:
    """Ana, and Sam, who is named in what was said to her, left for her, and said yes to by her."""
    ana, sam, _ = await three(store)

    async def work(tx: Transaction) -> None:
        says = [Say("Sam says hello", names=(sam.id,)), Say("No names here")]
        await tx.outbox.add(ana, ana.address_id, None, says)
        await tx.inbox.put("bot", "1", ana.id, "relayed", {"text": "Hello", "name": "Sam", "names": (sam.id,)})
        await tx.consents.record(ana.id, "contact", "May I give this to Sam?", 1, [sam.id])

    await store.run(work)
    return ana, sam


async def read(store: Store, ana: Person) -> list[object]:
    async def work(tx: Transaction) -> list[object]:
        sent = [each.say.text if each.say else None for each in await tx.outbox.history(ana.id, 0, 9)]
        events = [each.body.get("text") for each in await tx.inbox.history(ana.id, 9)]
        return [*sent, *events, *(words for _, words, _ in await tx.consents.of(ana.id))]

    return await store.read(work)


async def test_it_goes_with_whoever_it_names_and_all_else_stays(store: Store, watch: Watch) -> None:
    ana, sam = await named(store, watch)
    assert await read(store, ana) == ["Sam says hello", "No names here", "Hello", "May I give this to Sam?"]
    await store.run(lambda tx: tx.people.forget(sam.id))
    assert await read(store, ana) == [None, "No names here", None, ""]


async def test_what_was_not_sent_yet_is_dropped_and_holds_up_nothing(store: Store, watch: Watch) -> None:
    ana, sam = await named(store, watch)
    await store.run(lambda tx: tx.people.forget(sam.id))
    assert await claimed(store) == ["No names here"]
    history = await store.run(lambda tx: tx.outbox.history(ana.id, 0, 9))
    assert [(each.state, each.reason) for each in history] == [("dropped", "forgotten"), ("claimed", "")]


async def test_an_export_and_an_import_elsewhere_keep_whom_it_names(
    store: Store, watch: Watch, database: Database, tmp_path: Path
) -> None:
    ana, sam = await named(store, watch)
    folder, other, key = tmp_path / "sheets", f"sqlite:///{tmp_path}/elsewhere.db", tmp_path / "other.key"
    key_file.create(key)
    await asyncio.to_thread(transfer.export, database.url, database.key, folder)
    await asyncio.to_thread(transfer.import_all, other, key, folder)
    there = await Store.open(other, key, clock=watch)
    assert (await read(there, ana))[:3] == ["Sam says hello", "No names here", "Hello"]
    await there.run(lambda tx: tx.people.forget(sam.id))
    assert (await read(there, ana))[:3] == [None, "No names here", None]
    await there.close()


async def test_several_layers_open_in_their_order_and_each_is_needed(store: Store) -> None:
    ana, sam, kim = await three(store)
    field = b"outbox.sealed"

    async def work(tx: Transaction) -> None:
        session, vault = tx._session, tx.people._vault
        sealed = await layers.close(session, vault, ana.id, field, b"{}", [sam.id, kim.id, ana.id])
        assert await layers.opened(session, vault, ana.id, field, sealed) == b"{}"
        seals = {each: await vault.of(session, each) for each in (sam.id, kim.id)}
        packed = (await vault.of(session, ana.id)).open(field, sealed)
        assert layers.unwrapped(field, packed, seals.get) == b"{}"
        for gone in seals:
            assert layers.unwrapped(field, packed, {**seals, gone: None}.get) is None
        await vault.forget(session, kim.id)
        with pytest.raises(KeyDestroyed):
            await layers.opened(session, vault, ana.id, field, sealed)

    await store.run(work)
