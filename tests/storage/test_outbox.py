import asyncio
from dataclasses import fields
from datetime import timedelta

import pytest

from flows.model import Say, Shown
from storage.errors import NotFound
from storage.outbox import BROADCAST, LIVE, Claimed
from storage.sending import AGAIN, FAILED, HELD, SENT, Outcome
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import CHANNEL, claimed, says, settle, someone, talk

FULL = Say(
    "Which? 🌱", (Shown("a", "A"), Shown("b", "B")), question=3, many=True, picked=("a",), expect="place",
    attach="picture:hall.jpg", replaces=True, tried="welcome/hello/warm", button="Done", names=(2,), leave="Stop",
)  # fmt: skip


async def claim(store: Store, limit: int = 100) -> list[Claimed]:
    return await store.run(lambda tx: tx.outbox.claim(*CHANNEL, limit, "tester"))


async def settled(store: Store, outcome: Outcome) -> None:
    await store.run(lambda tx: tx.outbox.settle([outcome]))


async def states(store: Store, person_id: int) -> list[str]:
    return [each.state for each in await store.run(lambda tx: tx.outbox.history(person_id, 0, 100))]


async def test_every_field_of_a_message_survives(store: Store) -> None:
    person, _ = await someone(store), await someone(store, "200")
    assert all(getattr(FULL, field.name) != field.default for field in fields(Say)), "a new field must survive too"
    await store.run(lambda tx: tx.outbox.add(person, person.address_id, None, [FULL]))
    message = (await claim(store))[0]
    assert message.say == FULL
    assert (message.address, message.person_id, message.replaces, message.maybe_sent) == ("100", person.id, "", False)


async def test_only_the_oldest_of_each_chat_may_be_claimed(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    await says(store, ana, ["a1", "a2"])
    await says(store, ben, ["b1"])
    await says(store, ana, ["a3"])
    assert await claimed(store) == ["a1", "b1"]
    assert await claimed(store) == []
    await settle(store, ana)
    assert await claimed(store) == ["a2"]
    await settle(store, ana)
    assert await claimed(store) == ["a3"]


async def test_a_message_that_waits_for_another_try_holds_back_its_chat_only(store: Store, watch: Watch) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    await says(store, ana, ["a1", "a2"])
    first = (await claim(store))[0]
    later = watch.now + timedelta(seconds=30)
    await settled(store, Outcome(first, AGAIN, reason="too many", at=later))
    await says(store, ben, ["b1"])
    assert await claimed(store) == ["b1"]
    watch.forward(timedelta(seconds=30))
    again = await claim(store)
    assert [(each.say.text, each.tries, each.maybe_sent) for each in again] == [("a1", 1, False)]


async def test_nothing_is_sent_before_it_is_due(store: Store, watch: Watch) -> None:
    person = await someone(store)
    await says(store, person, ["later"], due_at=watch.now + timedelta(hours=1))
    assert await claimed(store) == []
    watch.forward(timedelta(hours=1))
    assert await claimed(store) == ["later"]


async def test_a_live_message_overtakes_a_broadcast_that_has_not_begun(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    await says(store, ana, ["news for a"], priority=BROADCAST)
    await says(store, ben, ["news for b"], priority=BROADCAST)
    await says(store, ana, ["answer for a"], priority=LIVE)
    assert await claimed(store, 1) == ["answer for a"]
    assert await claimed(store) == ["news for b"]
    await settle(store, ana)
    assert await claimed(store) == ["news for a"]


async def test_a_live_message_waits_for_a_broadcast_that_has_begun(store: Store) -> None:
    person = await someone(store)
    await says(store, person, ["news"], priority=BROADCAST)
    assert await claimed(store) == ["news"]
    await says(store, person, ["answer"])
    assert await claimed(store) == []
    await settle(store, person)
    assert await claimed(store) == ["answer"]


async def test_nothing_is_claimed_for_who_has_stopped_but_the_confirmation(store: Store) -> None:
    person = await someone(store)
    await says(store, person, ["one", "two"])

    async def stop(tx: Transaction) -> None:
        await tx.people.save(person.id, {}, status="stopped")
        await tx.outbox.add(person, person.address_id, None, [Say("You will hear no more.")], always=True)

    await store.run(stop)
    texts: list[str] = []
    for _ in range(3):
        texts += await claimed(store)
    assert texts == ["You will hear no more."]
    assert await states(store, person.id) == ["dropped", "dropped", "claimed"]


async def test_no_claim_succeeds_after_a_stop_has_committed(store: Store) -> None:
    person = await someone(store)
    await says(store, person, [str(number) for number in range(30)])
    stopped = asyncio.Event()
    late: list[str] = []

    async def send() -> None:
        for _ in range(60):
            already = stopped.is_set()
            texts = await claimed(store)
            late.extend(texts if already else [])
            await settle(store, person)

    async def stop() -> None:
        await asyncio.sleep(0.01)
        await store.run(lambda tx: tx.people.save(person.id, {}, status="stopped"))
        stopped.set()

    await asyncio.gather(send(), stop())
    assert late == []
    assert "dropped" in await states(store, person.id)


async def test_two_claims_at_once_never_share_a_message(store: Store) -> None:
    for number in range(20):
        await says(store, await someone(store, str(number)), [str(number)])
    taken = [text for texts in await asyncio.gather(*(claimed(store, 5) for _ in range(8))) for text in texts]
    while more := await claimed(store):
        taken += more
    assert sorted(taken, key=int) == [str(number) for number in range(20)]


async def test_an_account_claims_only_its_own(store: Store) -> None:
    person = await someone(store)
    await says(store, person, ["hello"])
    assert await store.run(lambda tx: tx.outbox.claim("telegram", "second", 10, "tester")) == []
    assert await store.run(lambda tx: tx.outbox.claim("slack", "main", 10, "tester")) == []
    assert await claimed(store) == ["hello"]


async def test_what_a_killed_sender_left_waits_again_and_is_known_to_be_doubtful(store: Store) -> None:
    person = await someone(store)
    await says(store, person, ["hello"])
    assert await claimed(store) == ["hello"]
    await store.run(lambda tx: tx.outbox.release("telegram", "second"))
    assert await claim(store) == []
    await store.run(lambda tx: tx.outbox.release(*CHANNEL))
    assert [(each.say.text, each.maybe_sent) for each in await claim(store)] == [("hello", True)]


@pytest.mark.parametrize("outcome", [FAILED, HELD, SENT])
async def test_a_settled_message_lets_its_chat_go_on(store: Store, outcome: str, watch: Watch) -> None:
    person = await someone(store)
    await says(store, person, ["one", "two"])
    message = (await claim(store))[0]
    await settled(store, Outcome(message, outcome, reason="why"))
    assert await claimed(store) == ["two"]
    history = await store.read(lambda tx: tx.outbox.history(person.id, 0, 10))
    assert [each.state for each in history] == [outcome, "claimed"]
    assert history[0].sent_at == (watch.now if outcome == "sent" else None)
    assert await store.read(lambda tx: tx.outbox.history(person.id, message.id, 10)) == history[1:]


async def test_a_change_of_a_message_that_still_waits_takes_its_place(store: Store) -> None:
    person = await someone(store)
    number = await store.run(lambda tx: tx.conversations.add(person.id, talk(), None))
    asked = Say("which?", (Shown("a", "A"),), question=1)

    async def ask_and_toggle(tx: Transaction) -> None:
        await tx.outbox.add(person, person.address_id, number, [asked])
        for picked in (("a",), ("a", "b")):
            await tx.outbox.add(
                person, person.address_id, number, [Say("which?", question=1, picked=picked, replaces=True)]
            )

    await store.run(ask_and_toggle)
    messages = await claim(store)
    assert [(each.say.picked, each.replaces) for each in messages] == [(("a", "b"), "")]


async def test_changes_of_a_sent_message_become_one_that_names_its_receipt(store: Store) -> None:
    person = await someone(store)
    number = await store.run(lambda tx: tx.conversations.add(person.id, talk(), None))

    async def say(*picked: str, replaces: bool) -> None:
        what = Say("which?", question=1, picked=picked, replaces=replaces)
        await store.run(lambda tx: tx.outbox.add(person, person.address_id, number, [what]))

    await say(replaces=False)
    original = (await claim(store))[0]
    await settled(store, Outcome(original, SENT, "message 17"))
    await say("a", replaces=True)
    await say("a", "b", replaces=True)
    change = await claim(store)
    assert [(each.say.picked, each.replaces) for each in change] == [(("a", "b"), "message 17")]
    await settled(store, Outcome(change[0], SENT))
    await say(replaces=True)
    assert [each.replaces for each in await claim(store)] == ["message 17"]


async def test_nothing_is_written_to_the_address_of_another(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    with pytest.raises(NotFound):
        await store.run(lambda tx: tx.outbox.add(ana, ben.address_id, None, [Say("hello")]))


async def test_the_oldest_unsent_is_known(store: Store, watch: Watch) -> None:
    person = await someone(store)
    assert await store.run(lambda tx: tx.outbox.oldest_unsent()) is None
    first = watch.now
    await says(store, person, ["one"])
    watch.forward(timedelta(minutes=1))
    await says(store, person, ["two"])
    assert await store.run(lambda tx: tx.outbox.oldest_unsent()) == first
    await claimed(store)
    await settle(store, person)
    assert await store.run(lambda tx: tx.outbox.oldest_unsent()) == watch.now


async def test_old_bodies_are_deleted_and_what_still_waits_fails(store: Store, watch: Watch) -> None:
    person = await someone(store)
    await says(store, person, ["sent", "waiting"])
    await claimed(store)
    await settle(store, person)
    watch.forward(timedelta(days=31))
    await says(store, person, ["new"])
    before = watch.now - timedelta(days=30)
    assert await store.run(lambda tx: tx.outbox.delete_bodies(before)) == 2
    assert await store.run(lambda tx: tx.outbox.delete_bodies(before)) == 0
    history = await store.run(lambda tx: tx.outbox.history(person.id, 0, 10))
    assert [(each.say and each.say.text, each.state) for each in history] == [
        (None, "sent"),
        (None, "failed"),
        ("new", "waiting"),
    ]
    assert await claimed(store) == ["new"]
