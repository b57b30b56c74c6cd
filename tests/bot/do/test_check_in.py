"""Being there: the code that a host says, as people type it."""

from datetime import timedelta

import pytest

from tests.bot.do.members import DAY, HOUR, NOW, Make, action, comes, found, says, signup


@pytest.mark.parametrize("said", ["4712", "the code is 4712", "4 7 1 2", "four seven one two", "47l2", "47I2", "4712."])
async def test_a_code_is_heard_however_it_is_typed_and_counts_once(bot: Make, said: str) -> None:
    talk = await bot()
    await action(talk, starts_at=NOW + HOUR)
    await comes(talk, "ana")
    for _ in range(2):
        assert await says(talk, "ana", "arrived", said) == "Good to see you, for the 1. time."
    assert await talk.ledger("checkin.made") == 1


async def test_each_action_is_one_more(bot: Make) -> None:
    talk = await bot()
    await action(talk, starts_at=NOW + HOUR)
    await comes(talk, "ana")
    await says(talk, "ana", "arrived", "4712")
    talk.watch.forward(DAY)
    await action(talk, starts_at=NOW + DAY, secret="secret 8426")
    await comes(talk, "ana")
    assert await says(talk, "ana", "arrived", "4712") == "That is not it."
    assert await says(talk, "ana", "arrived", "9001") == "Good to see you, for the 2. time."


@pytest.mark.parametrize(
    ("after_the_start", "answer"),
    [
        (-HOUR - timedelta(seconds=1), "Not now."), (-HOUR, "Good to see you, for the 1. time."),
        (14 * HOUR, "Good to see you, for the 1. time."), (14 * HOUR + timedelta(seconds=1), "Not now."),
    ],
)  # fmt: skip
async def test_there_is_from_an_hour_before_until_twelve_after(
    bot: Make, after_the_start: timedelta, answer: str
) -> None:
    talk = await bot()
    await action(talk)
    await comes(talk, "ana")
    talk.watch.now = NOW + 5 * DAY + after_the_start
    assert await says(talk, "ana", "arrived", "4712") == answer
    assert await talk.ledger("checkin.made") == (answer != "Not now.")


async def test_who_comes_without_having_signed_up_is_there_all_the_same(bot: Make) -> None:
    talk = await bot()
    number = await action(talk, starts_at=NOW, capacity=1)
    await comes(talk, "ana")
    await says(talk, "bo", "hey")
    assert await says(talk, "bo", "arrived", "4712") == "Good to see you, for the 1. time."
    kept = await signup(talk, number, "bo")
    assert kept is not None
    assert kept.checked_in_at == NOW
    assert (await found(talk, number)).going == 1


async def test_of_two_with_the_same_code_it_is_the_one_they_signed_up_for(bot: Make) -> None:
    talk = await bot()
    other = await action(talk, starts_at=NOW)
    hers = await action(talk, starts_at=NOW + timedelta(minutes=30))
    await says(talk, "ana", "hey", "join in", "2", "yes", "0", "arrived", "4712")
    assert await signup(talk, other, "ana") is None
    kept = await signup(talk, hers, "ana")
    assert kept is not None
    assert kept.checked_in_at == NOW


@pytest.mark.parametrize("code", ["", "0000"])
async def test_an_action_without_a_code_cannot_be_guessed(bot: Make, code: str) -> None:
    talk = await bot()
    await action(talk, starts_at=NOW, secret="")
    await comes(talk, "ana")
    assert await says(talk, "ana", "arrived", code or "///") != "Good to see you, for the 1. time."
    assert await talk.ledger("checkin.made") == 0
