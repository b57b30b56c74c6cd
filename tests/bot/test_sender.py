"""From the outbox to a channel: order, refusals, and a database that goes away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial

import pytest

from bot.sender import Sender
from bot.verdict import BROKEN_TRIES, LONGEST_PAUSE, MOST_TRIES
from flows.model import Say
from storage.errors import StorageUnavailable
from storage.outbox import BROADCAST, LIVE, Sent
from storage.store import Store, Transaction
from tests.bot.talking import Recorder, failed
from tests.databases import Watch
from tests.waiting import PATIENCE, until


@asynccontextmanager
async def running(sender: Sender) -> AsyncIterator[Sender]:
    task = asyncio.create_task(sender.run())
    try:
        yield sender
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def put(store: Store, who: str, *texts: str, priority: int = LIVE) -> None:
    """Messages that wait for someone."""

    async def work(tx: Transaction) -> None:
        person = await tx.people.by_address("web", "web", who) or await tx.people.add("web", "web", who, "en")
        await tx.outbox.add(person, person.address_id, None, [Say(text) for text in texts], priority=priority)

    await store.run(work)


async def rows(store: Store, who: str = "ana") -> list[Sent]:
    async def work(tx: Transaction) -> list[Sent]:
        person = await tx.people.by_address("web", "web", who)
        assert person is not None
        return await tx.outbox.newest(person.id, 100)

    return await store.run(work)


async def states(store: Store, who: str = "ana") -> list[str]:
    return [row.state for row in await rows(store, who)]


def begun(channel: Recorder, count: int) -> bool:
    """So many messages have been handed to it."""
    return len(channel.outbound) >= count


def sent(channel: Recorder, count: int) -> bool:
    """So many messages have got through."""
    return len(channel.sent) >= count


async def test_each_chat_keeps_its_order_though_some_sends_are_slow(store: Store, watch: Watch) -> None:
    channel = Recorder(answers=[0.03, None, 0.01, None, None, 0.02] * 10)
    people = [f"p{number}" for number in range(8)]
    for who in people:
        await put(store, who, *(f"{who} {number}" for number in range(5)))
    async with running(Sender(store, channel, watch)):
        await until(lambda: sent(channel, 40))
    for who in people:
        assert [text for to, text in channel.sent if to == who] == [f"{who} {number}" for number in range(5)]


async def test_one_slow_message_holds_up_nobody_else(store: Store, watch: Watch) -> None:
    arrives = asyncio.Event()
    channel = Recorder(answers=[arrives])
    await put(store, "slow", "one")
    async with running(Sender(store, channel, watch)) as sender:
        await until(lambda: begun(channel, 1))
        for number in range(20):
            await put(store, "quick", f"{number}")
            sender.poke()
        await until(lambda: sent(channel, 20))
        arrives.set()
    assert [to for to, _ in channel.sent] == [*["quick"] * 20, "slow"]


async def test_what_is_under_way_when_the_sender_stops_still_arrives_and_is_recorded(
    store: Store, watch: Watch
) -> None:
    channel = Recorder(answers=[0.2])
    await put(store, "ana", "one", "two")
    async with running(Sender(store, channel, watch)):
        await until(lambda: begun(channel, 1))
    assert await states(store) == ["sent", "waiting"]


async def test_a_poke_is_heeded_at_once(store: Store, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.sender.IDLE", 2 * PATIENCE)  # who looks by itself comes too late
    channel = Recorder()
    async with running(Sender(store, channel, watch)) as sender:
        for number in range(5):
            await put(store, "ana", f"{number}")
            sender.poke()
            await until(partial(sent, channel, number + 1))
            await asyncio.sleep(0.05)


async def test_a_platform_that_says_when_is_obeyed_and_only_that_chat_waits(store: Store, watch: Watch) -> None:
    channel = Recorder(answers=[failed(retry_after=timedelta(seconds=30))])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one", "two")
    await sender.pass_once()
    await put(store, "ben", "b")
    await sender.pass_once()
    assert channel.sent == [("ben", "b")]
    watch.forward(timedelta(seconds=29))
    assert await sender.pass_once() == 0
    watch.forward(timedelta(seconds=1))
    while await sender.pass_once():
        pass
    assert channel.sent == [("ben", "b"), ("ana", "one"), ("ana", "two")]


async def test_what_is_refused_for_good_is_kept_as_failed_and_the_next_goes_out(store: Store, watch: Watch) -> None:
    channel = Recorder(answers=[failed(final=True)])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one", "two")
    while await sender.pass_once():
        pass
    assert [(row.state, row.reason) for row in await rows(store)] == [("failed", "refused"), ("sent", "")]


async def test_an_outage_of_half_a_day_loses_nothing(store: Store, watch: Watch) -> None:
    channel = Recorder(answers=[failed() for _ in range(MOST_TRIES)])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one", "two")
    end = watch.now + timedelta(hours=12)
    while watch.now < end:
        await sender.pass_once()
        watch.forward(timedelta(minutes=7))
    channel.answers.clear()
    watch.forward(LONGEST_PAUSE)
    while await sender.pass_once():
        pass
    assert channel.sent == [("ana", "one"), ("ana", "two")]


async def test_a_channel_that_breaks_over_a_message_gives_it_up_and_goes_on(
    store: Store, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    channel = Recorder(answers=[KeyError("Ana's secret") for _ in range(BROKEN_TRIES)])
    sender = Sender(store, channel, watch)
    await put(store, "ana", "one", "two")
    for _ in range(BROKEN_TRIES + 2):
        await sender.pass_once()
        watch.forward(LONGEST_PAUSE)
    assert [(row.state, row.reason) for row in await rows(store)] == [("failed", "KeyError"), ("sent", "")]


async def test_while_the_database_is_away_nothing_is_sent_twice_and_then_it_goes_on(
    store: Store, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = Recorder()
    run, away = store.run, [0]

    async def sometimes(work: Callable[[Transaction], Awaitable[object]]) -> object:
        if channel.sent and away[0] < 2:
            away[0] += 1
            raise StorageUnavailable
        return await run(work)

    await put(store, "ana", "one", "two")
    monkeypatch.setattr(store, "run", sometimes)
    monkeypatch.setattr("bot.sender.IDLE", 0.05)
    async with running(Sender(store, channel, watch)):
        await until(lambda: sent(channel, 2))
        await asyncio.sleep(0.2)
    assert channel.sent == [("ana", "one"), ("ana", "two")]
    assert await states(store) == ["sent", "sent"]


async def test_what_a_killed_sender_had_claimed_goes_out_and_the_channel_is_told_so(store: Store, watch: Watch) -> None:
    await put(store, "ana", "one", "two")
    await store.run(lambda tx: tx.outbox.claim("web", "web", 10, "killed"))
    channel = Recorder()
    async with running(Sender(store, channel, watch)):
        await until(lambda: sent(channel, 2))
    assert [(message.say.text, message.maybe_sent) for message in channel.outbound] == [("one", True), ("two", False)]


async def test_the_confirmation_of_a_stop_waits_for_nothing_that_is_dropped(store: Store, watch: Watch) -> None:
    await put(store, "ana", *(f"news {number}" for number in range(30)), priority=BROADCAST)

    async def stop(tx: Transaction) -> None:
        person = await tx.people.by_address("web", "web", "ana")
        assert person is not None
        await tx.people.save(person.id, {}, status="stopped")
        await tx.outbox.add(person, person.address_id, None, [Say("Done.")], priority=BROADCAST, always=True)

    await store.run(stop)
    channel = Recorder()
    assert await Sender(store, channel, watch).pass_once() == 1
    assert channel.sent == [("ana", "Done.")]
