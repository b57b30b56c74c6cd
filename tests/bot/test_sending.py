"""What platforms ask of a sender: their pace, their waits, and what is done about answers that were lost."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.channels.base import Outbound, Receipt
from bot.sender import IN_FLIGHT, Sender, utc_now
from bot.verdict import LONGEST_PAUSE, LOST
from flows.limits import Limits, Rate
from storage.cards import Card
from storage.errors import LeaseLost
from storage.leases import Lease
from storage.outbox import BROADCAST
from storage.store import Store, Transaction
from tests.bot.talking import Recorder, failed
from tests.bot.test_sender import begun, put, rows, running, sent, states
from tests.databases import Watch
from tests.waiting import PATIENCE, until

PLAIN = Limits(4096, None, None)
"""A platform with nothing to look up, which shows a message as often as it is sent."""


@dataclass
class Asked(Recorder):
    """A platform that tells what became of a message: a receipt, that it has not arrived, or that it cannot tell."""

    known: list[Receipt | Exception | None] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    async def settled(self, message: Outbound) -> Receipt | None:
        self.asked.append(message.id)
        answer = self.known.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def all_that_is_due(sender: Sender, watch: Watch, passes: int = 10) -> None:
    for _ in range(passes):
        while await sender.pass_once():
            pass
        watch.forward(LONGEST_PAUSE)


async def cards(store: Store) -> list[Card]:
    return await store.run(lambda tx: tx.cards.open(10))


# --- whose turn it is


async def test_a_live_message_goes_before_all_broadcasts_that_wait_for_the_pace(store: Store) -> None:
    channel = Recorder(limits=Limits(4096, None, None, account=Rate(20)))
    for number in range(60):
        await put(store, f"p{number}", "news", priority=BROADCAST)
    async with running(Sender(store, channel, utc_now)) as sender:
        await until(lambda: sent(channel, 5))
        await put(store, "ana", "answer")
        sender.poke()
        before = len(channel.sent)
        await until(lambda: ("ana", "answer") in channel.sent)
    assert channel.sent.index(("ana", "answer")) <= before + 2


async def test_a_live_message_finds_a_place_while_broadcasts_hang(store: Store) -> None:
    arrive = asyncio.Event()
    channel = Recorder(answers=[arrive] * 80)
    for number in range(80):
        await put(store, f"p{number}", "news", priority=BROADCAST)
    async with running(Sender(store, channel, utc_now)) as sender:
        await until(lambda: begun(channel, 40))
        await asyncio.sleep(0.1)
        channel.answers.clear()
        assert len(channel.outbound) < IN_FLIGHT
        await put(store, "ana", "answer")
        sender.poke()
        await until(lambda: ("ana", "answer") in channel.sent)
        arrive.set()


async def test_a_chat_gets_its_messages_as_slowly_as_its_platform_asks(store: Store, watch: Watch) -> None:
    channel = Recorder(limits=Limits(4096, None, None, chat=Rate(1)))
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one", "two", "three")
    await put(store, "ben", "b")
    for after, texts in ((0, ["one", "b"]), (0.9, []), (0.2, ["two"]), (0.2, []), (1, ["three"])):
        watch.forward(timedelta(seconds=after))
        before = len(channel.sent)
        while await sender.pass_once():
            pass
        assert [text for _, text in channel.sent[before:]] == texts


async def test_an_account_sends_no_more_than_its_pace_in_virtual_time(store: Store, watch: Watch) -> None:
    channel = Recorder(limits=Limits(4096, None, None, account=Rate(2)))
    sender = Sender(store, channel, watch)
    for number in range(8):
        await put(store, f"p{number}", "news", priority=BROADCAST)
    counts = []
    for _ in range(5):
        before = len(channel.sent)
        while await sender.pass_once():
            pass
        counts.append(len(channel.sent) - before)
        watch.forward(timedelta(seconds=0.6))
    assert counts == [1, 1, 1, 1, 1]


# --- waits


async def test_a_wait_for_everyone_holds_back_everyone(store: Store, watch: Watch) -> None:
    channel = Recorder(answers=[failed(retry_after=timedelta(seconds=30), everyone=True)])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one")
    await sender.pass_once()
    await put(store, "ben", "b")
    watch.forward(timedelta(seconds=29))
    assert await sender.pass_once() == 0
    watch.forward(timedelta(seconds=1))
    while await sender.pass_once():
        pass
    assert sorted(channel.sent) == [("ana", "one"), ("ben", "b")]


async def test_a_live_message_waits_with_its_chat_that_a_broadcast_was_told_to_wait_for(
    store: Store, watch: Watch
) -> None:
    channel = Recorder(answers=[failed(retry_after=timedelta(seconds=30))])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "news", priority=BROADCAST)
    await sender.pass_once()
    await put(store, "ana", "answer")
    assert await sender.pass_once() == 0
    watch.forward(timedelta(seconds=30))
    while await sender.pass_once():
        pass
    assert [text for _, text in channel.sent] == ["answer", "news"]


async def test_while_a_platform_is_away_one_message_at_a_time_tries_its_luck(store: Store, watch: Watch) -> None:
    channel = Recorder(answers=[failed() for _ in range(500)])
    sender = Sender(store, channel, watch)
    for number in range(100):
        await put(store, f"p{number}", "news", priority=BROADCAST)
    await sender.pass_once()
    begun = len(channel.outbound)
    for minutes in range(1, 21):
        await sender.pass_once()
        assert len(channel.outbound) <= begun + minutes
        watch.forward(timedelta(minutes=1))
    assert begun < len(channel.outbound)
    channel.answers.clear()
    await all_that_is_due(sender, watch)
    assert len(channel.sent) == len(set(channel.sent)) == 100


async def test_pauses_are_those_of_the_chance_given(store: Store, watch: Watch) -> None:
    channel = Recorder(answers=[failed()])
    sender = Sender(store, channel, watch, chance=lambda: 0.8)
    await put(store, "ana", "one")
    await sender.pass_once()
    watch.forward(timedelta(seconds=0.39))
    assert await sender.pass_once() == 0
    watch.forward(timedelta(seconds=0.02))
    assert await sender.pass_once() == 1


# --- answers that were lost


async def test_with_nothing_to_look_up_it_is_sent_once_more_and_then_held_for_coordinators(
    store: Store, watch: Watch
) -> None:
    channel = Recorder(limits=PLAIN, answers=[failed(unknown=True), failed(unknown=True)])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one", "two")
    await all_that_is_due(sender, watch)
    assert [(each.say.text, each.maybe_sent) for each in channel.outbound] == [
        ("one", False), ("one", True), ("two", False),
    ]  # fmt: skip
    assert [(row.state, row.reason) for row in await rows(store)] == [("held", LOST), ("sent", "")]
    assert [card.kind for card in await cards(store)] == ["held_send"]


async def test_a_send_that_never_returns_has_lost_its_answer(
    store: Store, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.deliver.PATIENCE", 0.05)
    channel = Recorder(limits=PLAIN, answers=[60.0, TimeoutError()])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one")
    await all_that_is_due(sender, watch)
    assert [each.maybe_sent for each in channel.outbound] == [False, True]
    assert [(row.state, row.reason) for row in await rows(store)] == [("held", LOST)]


async def test_what_is_seen_once_anyway_is_sent_until_there_is_an_answer(store: Store, watch: Watch) -> None:
    channel = Recorder(answers=[failed(unknown=True) for _ in range(5)])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one")
    await all_that_is_due(sender, watch)
    assert len({message.id for message in channel.outbound}) == 1
    assert len(channel.outbound) == 6
    assert await states(store) == ["sent"]


async def test_what_has_arrived_is_not_sent_again(store: Store, watch: Watch) -> None:
    channel = Asked(limits=PLAIN, answers=[failed(unknown=True)], known=[Receipt("17")])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one")
    await all_that_is_due(sender, watch)
    assert len(channel.outbound) == len(channel.asked) == 1
    assert await states(store) == ["sent"]


async def test_what_has_not_arrived_is_sent_again_and_what_is_not_known_yet_is_asked_later(
    store: Store, watch: Watch
) -> None:
    later = failed(retry_after=timedelta(seconds=60))
    channel = Asked(limits=PLAIN, answers=[failed(unknown=True)], known=[later, None])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one")
    await all_that_is_due(sender, watch)
    assert len(channel.asked) == 2
    assert len(channel.outbound) == 2
    assert await states(store) == ["sent"]


async def test_who_is_killed_twice_over_a_message_sends_it_no_third_time(store: Store, watch: Watch) -> None:
    channel = Recorder(limits=PLAIN)
    await put(store, "ana", "one", "two")
    for number in range(2):
        killed = f"killed {number}"
        (message,) = await store.run(lambda tx, killed=killed: tx.outbox.claim("web", "web", 10, killed))  # type: ignore[misc]
        assert (message.maybe_sent, message.once_more) == (number == 1, False)
        await store.run(lambda tx: tx.outbox.release("web", "web"))
    await all_that_is_due(Sender(store, channel, watch), watch, 2)
    assert channel.sent == [("ana", "two")]
    assert await states(store) == ["held", "sent"]


# --- what coordinators see


async def test_a_failed_send_is_one_card_without_contact_details(store: Store, watch: Watch) -> None:
    channel = Recorder(answers=[failed(final=True), failed(final=True)])
    channel.answers[1].reason = "chat of 5550100 is gone"  # type: ignore[union-attr]
    sender = Sender(store, channel, watch)
    await put(store, "5550100", "one", "two")
    await all_that_is_due(sender, watch, 1)
    (card,) = await cards(store)
    assert (card.kind, dict(card.body)) == ("failed_send", {"channel": "web", "reason": "chat of … is gone"})


async def test_what_fails_for_someone_forgotten_meanwhile_is_recorded_all_the_same(store: Store, watch: Watch) -> None:
    channel = Recorder()
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one")

    async def send(message: Outbound) -> Receipt:
        await store.run(_forget)
        raise failed(final=True)

    channel.send = send  # type: ignore[method-assign]
    await sender.pass_once()
    assert await cards(store) == []
    assert sender._landed == []


async def _forget(tx: Transaction) -> None:
    person = await tx.people.by_address("web", "web", "ana")
    assert person is not None
    await tx.people.forget(person.id)


# --- who may send


async def test_nothing_is_claimed_once_another_process_sends_and_what_landed_is_still_recorded(
    store: Store, watch: Watch
) -> None:
    channel = Recorder()
    await put(store, "ana", "one", "two")
    lease = Lease("web:web", await store.run(lambda tx: tx.leases.take("web:web", "me")))
    take = channel.send

    async def send(message: Outbound) -> Receipt:
        await store.run(lambda tx: tx.leases.take("web:web", "another"))
        return await take(message)

    channel.send = send  # type: ignore[method-assign]
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(Sender(store, channel, watch).run(lease), PATIENCE)
    assert channel.sent == [("ana", "one")]
    assert await states(store) == ["sent", "waiting"]


async def test_who_has_lost_its_lease_releases_nothing(store: Store, watch: Watch) -> None:
    await put(store, "ana", "one")
    await store.run(lambda tx: tx.outbox.claim("web", "web", 10, "another"))
    lease = Lease("web:web", await store.run(lambda tx: tx.leases.take("web:web", "me")))
    await store.run(lambda tx: tx.leases.take("web:web", "another"))
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(Sender(store, Recorder(), watch).run(lease), PATIENCE)
    assert await states(store) == ["claimed"]


async def test_what_is_claimed_while_the_sender_is_stopped_is_put_back_and_not_doubted(
    store: Store, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(store, "ana", "one")
    run, stopping = store.run, asyncio.Event()

    async def slowly(work: Callable[[Transaction], Awaitable[object]]) -> object:
        found = await run(work)
        if found:
            stopping.set()
            await asyncio.sleep(0.05)
        return found

    monkeypatch.setattr(store, "run", slowly)
    channel = Recorder()
    async with running(Sender(store, channel, watch)):
        await asyncio.wait_for(stopping.wait(), PATIENCE)
    monkeypatch.undo()
    assert channel.outbound == []
    assert await states(store) == ["waiting"]
    async with running(Sender(store, channel, watch)):
        await until(lambda: sent(channel, 1))
    assert not channel.outbound[0].maybe_sent


async def test_what_was_claimed_before_a_process_froze_is_not_begun_when_it_wakes(
    store: Store, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sender.FRESH", -1.0)
    channel = Recorder()
    await put(store, "ana", "one")
    async with running(Sender(store, channel, watch)):
        await asyncio.sleep(0.3)
    assert channel.outbound == []
    monkeypatch.undo()
    async with running(Sender(store, channel, watch)):
        await until(lambda: sent(channel, 1))
    assert not channel.outbound[0].maybe_sent
