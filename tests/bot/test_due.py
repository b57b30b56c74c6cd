"""What is due: once, in time, and never in the way of the rest."""

import asyncio
from datetime import timedelta

import pytest

from bot.due import BATCH
from storage.store import Transaction
from tests.bot.conftest import Talking
from tests.bot.test_turn import PLACE
from tests.waiting import PATIENCE


async def test_many_that_are_due_at_once_each_come_once(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    people = [f"p{number}" for number in range(BATCH + 40)]
    await asyncio.gather(*(talk.say("hello", who) for who in people))
    await talk.send()
    talk.watch.forward(timedelta(hours=3))
    await asyncio.gather(talk.tick(), talk.tick())
    assert sorted(await talk.send()) == sorted((who, "No rush.") for who in people)
    await talk.tick()
    assert await talk.send() == []


async def test_a_tick_that_comes_days_late_fires_each_reminder_once(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    await talk.say("hello")
    await talk.hears()
    talk.watch.forward(timedelta(days=9))
    for _ in range(3):
        await talk.tick()
    assert await talk.hears() == ["No rush."]
    assert (await talk.loaded()).conversations == ()


async def test_who_left_the_state_in_time_hears_no_reminder(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    await talk.say("hello")
    await talk.say("Leeds")
    await talk.hears()
    talk.watch.forward(timedelta(days=2))
    await talk.tick()
    assert await talk.hears() == []


@pytest.mark.parametrize("status", ["stopped", "paused"])
async def test_those_who_may_not_be_written_to_do_not_hold_up_the_rest(talking: Talking, status: str) -> None:
    talk = await talking({"place": PLACE})
    silent = [f"s{number}" for number in range(BATCH + 5)]
    await asyncio.gather(*(talk.say("hello", who) for who in silent))

    async def silence(tx: Transaction) -> None:
        for who in silent:
            person = await tx.people.by_address("web", "web", who)
            assert person is not None
            await tx.people.save(person.id, person.fields, status=status)

    await talk.store.run(silence)
    talk.watch.forward(timedelta(seconds=1))
    await talk.say("hello", "ana")
    await talk.send()
    talk.watch.forward(timedelta(hours=2))
    async with asyncio.timeout(PATIENCE):
        await talk.tick()
    assert await talk.send() == [("ana", "No rush.")]


async def test_the_goodbye_comes_before_everything_is_forgotten(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    for text in ("hello", "forget me", "yes"):
        await talk.say(text)
    await talk.tick()
    assert await talk.person() is not None, "the goodbye is not sent yet"
    assert "deleted" in (await talk.hears())[-1]
    await talk.tick()
    assert await talk.person() is None


async def test_a_goodbye_that_cannot_be_sent_holds_up_forgetting_for_a_minute_at_most(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    for text in ("hello", "forget me", "yes"):
        await talk.say(text)
    talk.watch.forward(timedelta(minutes=1))
    await talk.tick()
    assert await talk.person() is None


async def test_who_writes_again_while_leaving_is_a_stranger_at_once(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    for text in ("hello", "forget me", "yes"):
        await talk.say(text, name="Ana")
    before = await talk.person()
    await talk.say("hello again")
    after = await talk.person()
    assert before is not None
    assert after is not None
    assert after.id != before.id
    assert after.fields == {}
    assert await talk.hears() == ["Which town?"]
    assert await talk.ledger("forgotten") == 1
