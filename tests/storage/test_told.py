"""What platforms tell later, and what waits until people write."""

from datetime import timedelta

import pytest

from flows.model import Say
from storage.people import Person
from storage.sending import AGAIN, CLOSED, KNOCK, SENT, Claimed, Outcome
from storage.store import Store
from storage.told import Undelivered
from tests.databases import Watch
from tests.storage.given import CHANNEL, by_address, says, someone

LATER = timedelta(days=3)


async def claim(store: Store) -> list[Claimed]:
    return await store.run(lambda tx: tx.outbox.claim(*CHANNEL, 100, "me"))


async def settle(store: Store, message: Claimed, state: str, **more: object) -> None:
    await store.run(lambda tx: tx.outbox.settle([Outcome(message, state, **more)]))  # type: ignore[arg-type]


async def told(store: Store, message: Claimed, receipt: str) -> Undelivered | None:
    return await store.run(lambda tx: tx.told.refused(message.id, *CHANNEL, receipt))


async def states(store: Store, person: Person) -> list[tuple[str, str]]:
    sent = await store.run(lambda tx: tx.outbox.history(person.id, 0, 100))
    return [(each.state, each.reason) for each in sent]


async def sent(store: Store, person: Person, *texts: str) -> list[Claimed]:
    """Messages that the platform took, with receipts r0, r1, …"""
    await says(store, person, texts)
    taken = []
    for number in range(len(texts)):
        (message,) = await claim(store)
        await settle(store, message, SENT, receipt=f"r{number}")
        taken.append(message)
    return taken


async def test_what_was_in_doubt_has_arrived_and_is_not_sent_again(store: Store, watch: Watch) -> None:
    person = await someone(store)
    await says(store, person, ["hello"])
    (message,) = await claim(store)
    await settle(store, message, AGAIN, reason="lost", at=watch.now, doubtful=True)
    await store.run(lambda tx: tx.told.arrived(message.id, *CHANNEL, "r1"))
    assert await states(store, person) == [("sent", "")]
    assert await claim(store) == []


async def test_what_is_told_of_a_message_that_never_left_or_of_another_account_changes_nothing(store: Store) -> None:
    person = await someone(store)
    await says(store, person, ["hello"])
    (number,) = [each.id for each in await store.run(lambda tx: tx.outbox.history(person.id, 0, 1))]
    await store.run(lambda tx: tx.told.arrived(number, *CHANNEL, "r1"))
    await store.run(lambda tx: tx.told.arrived(number, CHANNEL[0], "other", "r1"))
    assert await states(store, person) == [("waiting", "")]


async def test_only_the_very_message_that_was_sent_can_have_failed(store: Store) -> None:
    person = await someone(store)
    (message,) = await sent(store, person, "hello")
    assert await told(store, message, "of another life") is None
    assert await told(store, message, "r0") == Undelivered(person.id, person.address_id, 0, waits=False)
    await store.run(lambda tx: tx.told.failed(message.id, "blocked"))
    assert await states(store, person) == [("failed", "blocked")]
    assert await told(store, message, "r0") is None


async def test_what_did_not_arrive_goes_out_again_in_its_place(store: Store, watch: Watch) -> None:
    person = await someone(store)
    first, _ = await sent(store, person, "one", "two")
    await says(store, person, ["three"])
    await store.run(lambda tx: tx.told.again(first.id, watch.now, "busy"))
    (again,) = await claim(store)
    assert (again.say.text, again.tries, again.maybe_sent) == ("one", 1, False)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_of_several_that_wait_until_they_write_one_is_knocked_for(
    store: Store, watch: Watch, order: tuple[int, ...]
) -> None:
    person = await someone(store)
    messages = await sent(store, person, "one", "two")
    knocked = []
    for number in order:
        await store.run(lambda tx, at=number: tx.told.closed(messages[at].id, person.address_id))  # type: ignore[misc]
        for each in await claim(store):
            assert each.closed == KNOCK
            knocked.append(each.say.text)
            await settle(store, each, AGAIN, reason=CLOSED, at=watch.now + LATER)
    assert knocked == [["one", "two"][order[0]]]
    assert await states(store, person) == [("waiting", CLOSED), ("waiting", CLOSED)]
    assert await store.run(lambda tx: tx.told.heard(person.id, *CHANNEL))
    (one,) = await claim(store)
    assert (one.say.text, one.closed) == ("one", "")
    await settle(store, one, SENT)
    assert not await store.run(lambda tx: tx.told.heard(person.id, *CHANNEL))


async def test_whoever_does_not_write_is_not_waited_for_for_ever(store: Store, watch: Watch) -> None:
    person = await someone(store)
    await says(store, person, ["hello"])
    (message,) = await claim(store)
    await settle(store, message, AGAIN, reason=CLOSED, at=watch.now + LATER)
    await says(store, person, ["and"])
    assert await claim(store) == []
    watch.forward(LATER)
    (late,) = await claim(store)
    assert (late.say.text, late.closed) == ("hello", CLOSED)


async def test_it_is_known_that_a_message_confirms_a_stop(store: Store) -> None:
    person = await someone(store)
    await store.run(lambda tx: tx.people.save(person.id, {}, status="stopped"))
    await store.run(lambda tx: tx.outbox.add(person, person.address_id, None, [Say("Done.")], always=True))
    (message,) = await claim(store)
    assert message.last


async def test_whoever_has_another_address_now_is_the_same_person_and_gets_there_what_waited(store: Store) -> None:
    person = await someone(store, "GB.1")
    await says(store, person, ["hello"])
    await store.run(lambda tx: tx.addresses.move(*CHANNEL, "GB.1", "GB.2"))
    moved = await by_address(store, "GB.2")
    assert moved is not None
    assert moved.id == person.id
    assert await by_address(store, "GB.1") is None
    (message,) = await claim(store)
    assert message.address == "GB.2"


@pytest.mark.parametrize("knocked", [False, True])
async def test_who_writes_before_it_is_recorded_that_something_waits_for_that_gets_it(
    store: Store, watch: Watch, knocked: bool
) -> None:
    person = await someone(store)
    assert not await store.run(lambda tx: tx.told.heard(person.id, *CHANNEL))
    await says(store, person, ["news"])
    (message,) = await claim(store)
    if knocked:
        await store.run(lambda tx: tx.told.closed(message.id, person.address_id))
        (message,) = await claim(store)
        assert message.closed == KNOCK
    assert await store.run(lambda tx: tx.told.heard(person.id, *CHANNEL)), "it is on its way"
    await settle(store, message, AGAIN, reason=CLOSED, at=watch.now + LATER)
    assert await states(store, person) == [("waiting", "")]
    (again,) = await claim(store)
    assert again.say == Say("news")
    await settle(store, again, AGAIN, reason=CLOSED, at=watch.now + LATER)
    assert await claim(store) == [], "since then they have not written"


async def test_who_writes_while_a_message_is_on_its_way_does_not_hurry_what_the_platform_puts_off(
    store: Store, watch: Watch
) -> None:
    person = await someone(store)
    await says(store, person, ["news"])
    (message,) = await claim(store)
    assert await store.run(lambda tx: tx.told.heard(person.id, *CHANNEL))
    await settle(store, message, AGAIN, reason="too many", at=watch.now + LATER)
    assert await states(store, person) == [("waiting", "too many")]
    assert await claim(store) == []
