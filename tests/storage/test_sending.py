"""The outbox as a sender sees it: what may be sent now, and what may be said of it later, and by whom."""

from datetime import timedelta

import pytest

from flows.model import Say
from storage.outbox import BROADCAST, Claimed
from storage.sending import AGAIN, FAILED, HELD, SENT, Outcome
from storage.store import Store, Transaction
from storage.vault import Seal
from tests.databases import Watch
from tests.storage.given import CHANNEL, claimed, says, someone, talk


async def claim(store: Store, holder: str = "me", limit: int = 100) -> list[Claimed]:
    return await store.run(lambda tx: tx.outbox.claim(*CHANNEL, limit, holder))


async def settle(store: Store, *outcomes: Outcome) -> None:
    await store.run(lambda tx: tx.outbox.settle(outcomes))


async def release(store: Store) -> None:
    await store.run(lambda tx: tx.outbox.release(*CHANNEL))


async def history(store: Store, person_id: int) -> list[tuple[str, str]]:
    sent = await store.run(lambda tx: tx.outbox.history(person_id, 0, 100))
    return [(each.state, each.reason) for each in sent]


async def test_many_outcomes_are_stored_together(store: Store, watch: Watch) -> None:
    people = [await someone(store, f"{number}") for number in range(4)]
    for person in people:
        await says(store, person, ["hello"])
    one, two, three, four = await claim(store)
    later = watch.now + timedelta(seconds=5)
    await settle(
        store,
        Outcome(one, SENT, receipt="r1"),
        Outcome(two, FAILED, reason="gone"),
        Outcome(three, HELD, reason="lost"),
        Outcome(four, AGAIN, reason="busy", at=later),
    )
    assert [await history(store, person.id) for person in people] == [
        [("sent", "")], [("failed", "gone")], [("held", "lost")], [("waiting", "busy")],
    ]  # fmt: skip
    watch.forward(timedelta(seconds=5))
    (again,) = await claim(store)
    assert (again.id, again.tries, again.maybe_sent, again.once_more) == (four.id, 1, False, False)


async def test_a_doubtful_message_stays_doubtful_and_the_second_try_is_known(store: Store, watch: Watch) -> None:
    await says(store, await someone(store), ["hello"])
    (first,) = await claim(store)
    await settle(store, Outcome(first, AGAIN, reason="lost", at=watch.now, doubtful=True))
    (second,) = await claim(store)
    assert (second.maybe_sent, second.once_more) == (True, False)
    await settle(store, Outcome(second, AGAIN, reason="refused", at=watch.now, doubtful=True))
    (third,) = await claim(store)
    assert (third.maybe_sent, third.once_more) == (True, False), "the second try was refused: it has not arrived"
    await release(store)
    (fourth,) = await claim(store)
    assert (fourth.maybe_sent, fourth.once_more) == (True, True)


async def test_who_was_asleep_says_nothing_of_what_another_has_claimed_since(store: Store, watch: Watch) -> None:
    person = await someone(store)
    await says(store, person, ["hello"])
    (asleep,) = await claim(store, "asleep")
    await release(store)
    (awake,) = await claim(store, "awake")
    for outcome in (Outcome(asleep, FAILED, reason="x"), Outcome(asleep, AGAIN, at=watch.now, reason="y")):
        await settle(store, outcome)
        assert (await history(store, person.id))[0][0] == "claimed"
    await settle(store, Outcome(awake, SENT, receipt="r"))
    assert await history(store, person.id) == [("sent", "")]


async def test_what_was_released_and_claimed_by_nobody_may_still_be_told_sent(store: Store) -> None:
    person = await someone(store)
    await says(store, person, ["hello"])
    (message,) = await claim(store)
    await release(store)
    await settle(store, Outcome(message, SENT, receipt="r"))
    assert await history(store, person.id) == [("sent", "")]


async def test_broadcasts_have_a_limit_of_their_own_and_live_messages_do_not(store: Store) -> None:
    for number in range(4):
        await says(store, await someone(store, f"a{number}"), [f"news {number}"], priority=BROADCAST)
        await says(store, await someone(store, f"b{number}"), [f"live {number}"])

    async def work(tx: Transaction) -> list[str]:
        return [each.say.text for each in await tx.outbox.claim(*CHANNEL, 100, "me", broadcasts=1)]

    assert await store.run(work) == ["live 0", "live 1", "live 2", "live 3", "news 0"]


async def test_a_chat_that_must_wait_is_put_off_and_holds_back_no_other(store: Store, watch: Watch) -> None:
    slow, quick = await someone(store, "1"), await someone(store, "2")
    await says(store, slow, ["s1", "s2"])
    await says(store, quick, ["q1"])
    until = watch.now + timedelta(seconds=1)

    async def work(tx: Transaction) -> list[str]:
        found = await tx.outbox.claim(
            *CHANNEL, 1, "me", wait=lambda chat: until if chat == slow.address_id and tx.now < until else None
        )
        return [each.say.text for each in found]

    assert await store.run(work) == ["q1"]
    assert await store.run(work) == []
    watch.forward(timedelta(seconds=1))
    assert await store.run(work) == ["s1"]


async def test_all_that_waits_for_someone_who_stopped_goes_at_once(store: Store) -> None:
    person = await someone(store)
    await says(store, person, [str(number) for number in range(100)])
    await store.run(lambda tx: tx.people.save(person.id, {}, status="stopped"))
    assert await claim(store, limit=1) == []
    assert {state for state, _ in await history(store, person.id)} == {"dropped"}


async def test_a_damaged_message_holds_up_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    original = Seal.close

    def damaged(self: Seal, field: bytes, plain: bytes) -> bytes:
        sealed = original(self, field, plain)
        return sealed[:-1] + bytes([sealed[-1] ^ 1])

    monkeypatch.setattr(Seal, "close", damaged)
    await says(store, ana, ["damaged"])
    monkeypatch.undo()
    await says(store, ana, ["whole"])
    await says(store, ben, ["hello"])
    assert await claimed(store) == ["hello", "whole"]
    assert await claimed(store) == [], "it is not looked at again"


async def test_what_may_have_arrived_is_not_rewritten(store: Store, watch: Watch) -> None:
    person = await someone(store)
    number = await store.run(lambda tx: tx.conversations.add(person.id, talk(), None))

    async def say(text: str, replaces: bool = True) -> None:
        what = Say(text, question=1, replaces=replaces)
        await store.run(lambda tx: tx.outbox.add(person, person.address_id, number, [what]))

    await say("first", replaces=False)
    (message,) = await claim(store)
    await settle(store, Outcome(message, AGAIN, reason="lost", at=watch.now, doubtful=True))
    await say("second")
    await say("third")
    assert await claimed(store) == ["first"]
    await store.run(lambda tx: tx.told.arrived(message.id, *CHANNEL, "r1"))
    (change,) = await claim(store)
    assert (change.say.text, change.replaces) == ("third", "r1")
