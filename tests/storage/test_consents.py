from datetime import timedelta

from flows.model import Say
from storage.sending import SENT, Outcome
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import AT, someone

WORDS = "May I introduce you to one volunteer near you?"


async def consents(store: Store, person_id: int) -> list[tuple[str, str]]:
    async def work(tx: Transaction) -> list[tuple[str, str]]:
        return [(to, words) for to, words, _ in await tx.consents.of(person_id)]

    return await store.run(work)


async def test_a_consent_keeps_its_words_and_its_time(store: Store, watch: Watch) -> None:
    person = await someone(store)

    async def work(tx: Transaction) -> None:
        await tx.consents.record(person.id, "pair", WORDS, 3)
        ((to, words, at),) = await tx.consents.of(person.id)
        assert (to, words, at) == ("pair", WORDS, tx.now)

    await store.run(work)


async def test_a_consent_taken_back_is_no_longer_in_force_and_others_stay(store: Store) -> None:
    person = await someone(store)

    async def work(tx: Transaction) -> None:
        await tx.consents.record(person.id, "pair", WORDS, 3)
        await tx.consents.record(person.id, "contact", WORDS, 3)
        await tx.consents.withdraw(person.id, "pair")

    await store.run(work)
    assert await consents(store, person.id) == [("contact", WORDS)]


async def test_consents_of_others_are_not_touched(store: Store) -> None:
    first, second = await someone(store, "1"), await someone(store, "2")

    async def work(tx: Transaction) -> None:
        for person in (first, second):
            await tx.consents.record(person.id, "pair", WORDS, 3)
        await tx.consents.withdraw(first.id, "pair")

    await store.run(work)
    assert await consents(store, first.id) == []
    assert await consents(store, second.id) == [("pair", WORDS)]


async def test_those_who_are_leaving_are_found_once_their_goodbye_is_settled(store: Store) -> None:
    person = await someone(store)

    async def leave(tx: Transaction) -> None:
        await tx.people.save(person.id, {}, status="leaving")
        await tx.outbox.add(person, person.address_id, None, [Say("Goodbye")])

    async def leaving(tx: Transaction) -> list[int]:
        return await tx.people.leaving(10, AT - timedelta(days=3650))

    async def send(tx: Transaction) -> None:
        (message,) = await tx.outbox.claim(person.channel, person.account, 10, "tester")
        await tx.outbox.settle([Outcome(message, SENT, "1")])

    await store.run(leave)
    assert await store.run(leaving) == []
    await store.run(send)
    assert await store.run(leaving) == [person.id]


async def test_a_goodbye_that_never_goes_out_keeps_nobody_here(store: Store) -> None:
    person = await someone(store)

    async def leave(tx: Transaction) -> None:
        await tx.people.save(person.id, {}, status="leaving")
        await tx.outbox.add(person, person.address_id, None, [Say("Goodbye")])

    async def leaving(tx: Transaction) -> list[int]:
        return await tx.people.leaving(10, tx.now + timedelta(seconds=1))

    await store.run(leave)
    assert await store.run(leaving) == [person.id]
