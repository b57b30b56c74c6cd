"""Signing up, cancelling and bringing, as people do it: in turns of a conversation."""

import asyncio

import pytest

from bot.do.actions import move_up
from bot.do.base import Turn
from storage.store import Transaction
from tests.bot.do.members import DAY, HOUR, Make, action, comes, found, says, signup

# --- coming ----------------------------------------------------------------------------------------------------


async def test_who_signs_up_is_told_the_address_and_counted_with_those_they_bring(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=5)
    assert await comes(talk, "ana", others=2) == "Come to Calle Mayor 1."
    assert (await found(talk, number)).going == 3
    assert await talk.ledger("signup.made") == 1


async def test_a_maybe_takes_no_place_and_becomes_a_yes(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=1)
    assert await comes(talk, "ana", "maybe") == "Come to Calle Mayor 1."
    assert (await found(talk, number)).going == 0
    assert await comes(talk, "bo") == "Come to Calle Mayor 1."
    assert await talk.ledger("signup.made") == 2


async def test_when_all_places_are_taken_they_wait_and_are_no_sign_up_yet(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=1)
    await comes(talk, "ana")
    assert await comes(talk, "bo") == "All 1 places are taken."
    assert await talk.ledger("signup.made") == 1
    kept = await signup(talk, number, "bo")
    assert kept is not None
    assert kept.state == "waiting"


async def test_more_than_there_are_places_is_full(bot: Make) -> None:
    talk = await bot()
    await action(talk, capacity=2)
    assert await comes(talk, "ana", others=2) == "Not so many places."
    assert await talk.ledger("signup.made") == 0


async def test_what_is_over_by_the_time_they_answer_is_too_late(bot: Make) -> None:
    talk = await bot()
    await action(talk)
    await says(talk, "ana", "hey", "join in", "1", "yes")
    talk.watch.forward(6 * DAY)
    assert await says(talk, "ana", "0") == "Too late."


@pytest.mark.parametrize(("said", "others"), [("0", 0), ("three", 3), ("-2", 0), ("1000000", 50)])
async def test_how_many_others_is_read_kindly(bot: Make, said: str, others: int) -> None:
    talk = await bot()
    number = await action(talk)
    await says(talk, "ana", "hey", "join in", "1", "yes", said)
    kept = await signup(talk, number, "ana")
    assert kept is not None
    assert kept.bringing == others


async def test_many_at_once_take_no_more_places_than_there_are(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=3)
    people = [f"p{each}" for each in range(10)]
    for text in ("hey", "join in", "1", "yes", "0"):
        await asyncio.gather(*(talk.say(text, who) for who in people))
    assert (await found(talk, number)).going == 3
    assert await talk.ledger("signup.made") == 3


# --- not coming ------------------------------------------------------------------------------------------------


async def test_who_cancels_is_not_counted_any_more(bot: Make) -> None:
    talk = await bot()
    number = await action(talk)
    await comes(talk, "ana", others=1)
    await comes(talk, "bo")
    assert await says(talk, "ana", "stay home", "1") == "1 still come."
    assert await signup(talk, number, "ana") is None
    assert await talk.ledger("signup.cancelled") == 1
    assert await says(talk, "ana", "stay home") == "There is none."


async def test_a_place_that_is_free_goes_to_who_has_waited_longest(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=2)
    await comes(talk, "ana", others=1)
    for who in ("bo", "cem", "dee"):
        talk.watch.forward(HOUR)
        await comes(talk, who)
    await says(talk, "ana", "stay home", "1")
    await talk.tick()
    assert sorted(await talk.send()) == [("bo", "A place is free."), ("cem", "A place is free.")]
    assert (await found(talk, number)).going == 2
    kept = await signup(talk, number, "dee")
    assert kept is not None
    assert kept.state == "waiting"
    assert await talk.ledger("signup.made") == 3


async def test_who_waits_moves_up_once_if_there_is_room(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=1)
    for who in ("ana", "bo"):
        await comes(talk, who)

    async def up(tx: Transaction) -> bool:
        bo = await tx.people.by_address("web", "web", "bo")
        assert bo is not None
        library = talk.libraries.current
        return await move_up(Turn(tx=tx, world=talk.world, library=library, person=bo, fields={}), number)

    assert not await talk.store.run(up)
    await says(talk, "ana", "stay home", "1")
    assert [await talk.store.run(up) for _ in range(2)] == [True, False]
    assert (await found(talk, number)).going == 1
    assert await talk.ledger("signup.made") == 2


async def test_who_brings_fewer_makes_room_too(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, capacity=2)
    await comes(talk, "ana", others=1)
    await comes(talk, "bo")
    assert await says(talk, "ana", "alone", "1") == "1 places left."
    await talk.tick()
    assert await talk.hears("bo") == ["A place is free."]
    assert (await found(talk, number)).going == 2


async def test_who_says_again_that_they_come_brings_as_many_as_before(bot: Make) -> None:
    talk = await bot()
    number = await action(talk)
    await comes(talk, "ana", others=2)
    await says(talk, "ana", "again", "1")
    assert (await found(talk, number)).going == 3
    assert await talk.ledger("signup.made") == 1


async def test_nobody_is_told_of_a_place_when_nobody_waits(bot: Make) -> None:
    talk = await bot()
    await action(talk, capacity=2)
    await comes(talk, "ana")
    await says(talk, "ana", "stay home", "1")
    await talk.tick()
    assert await talk.send() == []
    assert await talk.ledger("signup.place_free") == 0


# --- bringing --------------------------------------------------------------------------------------------------


async def test_what_someone_brings_is_open_again_when_they_give_it_back_or_cancel(bot: Make) -> None:
    talk = await bot()
    number = await action(talk)
    need = await talk.store.run(lambda tx: tx.actions.add_need(number, "gloves"))
    for who in ("ana", "bo"):
        await comes(talk, who)

    async def claimed() -> int:
        (kept,) = await talk.store.run(lambda tx: tx.actions.needs(number))
        assert kept.id == need
        return kept.claimed

    assert await says(talk, "ana", "take along", "gloves") == "Thank you! Sure?"
    assert await claimed() == 1
    assert await says(talk, "bo", "take along") == "All is there."
    assert await says(talk, "ana", "no") == "Somebody else will."
    assert await claimed() == 0
    assert await says(talk, "bo", "take along", "1", "yes") == "Fine."
    await says(talk, "bo", "stay home", "1")
    assert await claimed() == 0


async def test_two_who_would_bring_the_last_one_are_told_apart(bot: Make) -> None:
    talk = await bot()
    number = await action(talk)
    await talk.store.run(lambda tx: tx.actions.add_need(number, "gloves"))
    for who in ("ana", "bo"):
        await comes(talk, who)
        await says(talk, who, "take along")
    assert await says(talk, "ana", "1") == "Thank you! Sure?"
    assert await says(talk, "bo", "1") == "Somebody else brings it."
