"""Trainings that spread: a cohort goes through them together, and who was there hosts the next, with its materials."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.codes import code
from bot.cohorts import cohort_words
from bot.desks.acting import Press, act
from bot.desks.base import APPROVE
from bot.new_actions import NewAction, add_action
from storage.actions import Action, Hosted
from storage.audit import COORDINATOR
from storage.store import Store, Transaction
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
FIRST = NOW + 5 * DAY
COHORT, PAGES = "First aid, spring", "https://example.org/first-aid"


@pytest.fixture
async def here(store: Store, watch: Watch) -> Neighbourhood:
    watch.now = NOW
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    return here


async def meetings(here: Neighbourhood, many: int = 3, **more: Any) -> list[int]:
    """A cohort of a training that meets on so many Saturdays; the numbers of its sessions."""
    cell = here._cell()

    async def work(tx: Transaction) -> list[int]:
        told = {
            "title": "First aid", "kind": "training", "materials": PAGES, "cohort": COHORT, "district": "Leeds",
            "cell": cell, "bring": ("a blanket",), **more,
        }  # fmt: skip
        times = [FIRST + number * WEEK for number in range(many)]
        return [
            await add_action(tx, NewAction(starts_at=at, ends_at=at + 2 * HOUR, **told), "Europe/London")
            for at in times
        ]

    return await here.store.run(work)


async def came(here: Neighbourhood, who: str, number: int) -> None:
    """They come to this session, with the code that is said there."""
    await later(here, (await found(here, number)).starts_at + HOUR / 12)
    heard = await here.says(who, "code", code(await found(here, number), here.watch.now))
    assert "Good that you're there! Enjoy it." in heard


async def later(here: Neighbourhood, at: datetime) -> None:
    """It is that late by now."""
    here.watch.now = at
    await here.settle()


async def found(here: Neighbourhood, number: int) -> Action:
    action = await here.store.run(lambda tx: tx.actions.get(number))
    assert action is not None
    return action


async def lists(here: Neighbourhood, who: str) -> dict[int, str]:
    """What they are on the list of, and how."""
    person = (await here.loaded(who)).person.id
    signups = await here.store.run(lambda tx: tx.actions.signups_of(person))
    return {action.id: signup.state for action, signup in signups}


async def joins(here: Neighbourhood, who: str) -> list[str]:
    await here.says(who, "hello", *ANSWERS[:-1], "Not now", "yes")
    return await here.says(who, "1", "yes")


async def test_who_comes_once_has_a_place_in_all_that_follow_and_hears_when(here: Neighbourhood) -> None:
    sessions = await meetings(here)
    heard = await joins(here, "ana")
    assert heard[-2] == (
        "It goes on with the same people, and you have a place each time: Saturday 14 March, 10:00 and "
        "Saturday 21 March, 10:00. If you can't come to one of them, write *can't come*."
    )
    assert await lists(here, "ana") == dict.fromkeys(sessions, "going")
    words = await here.store.run(lambda tx: cohort_words(tx, COHORT))
    assert words == "1 person goes through it together, 0 of 3 sessions are over"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_only_the_next_session_of_a_cohort_is_offered(here: Neighbourhood) -> None:
    await meetings(here)
    await here.says("ana", "hello", *ANSWERS[:-1], "Not now")
    person = (await here.loaded("ana")).person
    assert person is not None
    offered = [say for say in await here.says("ana", "yes") if say.startswith("Which of these")]
    assert len(offered) == 1
    newest = await here.store.run(lambda tx: tx.outbox.newest(person.id, 5))
    choices = [each.say.choices for each in newest if each.say is not None and each.say.text == offered[0]]
    assert [shown.label for shown in choices[-1]] == ["Sat 7 Mar, Leeds"]


async def test_whoever_leaves_once_keeps_the_rest_and_whoever_leaves_for_good_none(here: Neighbourhood) -> None:
    first, second, third = await meetings(here, capacity=1)
    await joins(here, "ana")
    await here.says("ana", "skip", "can't come", "1", "Only this time", "no")
    assert await lists(here, "ana") == {second: "going", third: "going"}
    await here.says("ana", "actions", "1", "yes", "skip")
    assert await lists(here, "ana") == dict.fromkeys((first, second, third), "going")
    assert "waiting list" in (await joins(here, "ben"))[-1]
    assert await lists(here, "ben") == {first: "waiting"}
    await here.says("ana", "can't come", "1", "All of them", "no")
    assert await lists(here, "ana") == {}
    # Who waited has the place, and with it those of the sessions that follow.
    assert await lists(here, "ben") == dict.fromkeys((first, second, third), "going")


async def test_what_was_cancelled_of_a_cohort_is_not_signed_up_for_again(here: Neighbourhood) -> None:
    first, _, third = await meetings(here)
    await joins(here, "ana")
    await here.says("ana", "skip", "can't come", "2", "Only this time", "no")
    assert await lists(here, "ana") == {first: "going", third: "going"}
    # "I'll be there" three days before says yes once more.
    await later(here, FIRST - 3 * DAY + HOUR)
    await here.says("ana", "I'll be there")
    assert await lists(here, "ana") == {first: "going", third: "going"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_maybe_joins_no_cohort_before_it_is_a_yes(here: Neighbourhood) -> None:
    sessions = await meetings(here)
    await here.says("ana", "hello", *ANSWERS[:-1], "Not now", "yes")
    await here.says("ana", "1", "maybe")
    assert await lists(here, "ana") == {sessions[0]: "going"}
    await later(here, FIRST - 3 * DAY + HOUR)
    await here.says("ana", "I'll come")
    assert await lists(here, "ana") == dict.fromkeys(sessions, "going")


async def test_who_was_at_a_training_hosts_the_next_with_its_materials_and_is_a_trainer(here: Neighbourhood) -> None:
    first, second = await meetings(here, 2)
    await joins(here, "ana")
    await came(here, "ana", first)
    await later(here, FIRST + 3 * DAY)
    assert not any("Would you pass it on" in text for text in here.heard["ana"])
    await came(here, "ana", second)
    words = await here.store.run(lambda tx: cohort_words(tx, COHORT))
    assert words == "1 person goes through it together, 1 of 2 sessions are over, 1 was at it"
    await later(here, FIRST + WEEK + DAY + 6 * HOUR)
    await later(here, FIRST + WEEK + 2 * DAY + 3 * HOUR)
    assert any(text.startswith("You were at First aid, Ana. Would you pass it on") for text in here.heard["ana"])
    heard = await here.says("ana", "yes")
    assert heard[-2:] == [
        f"Here is what helps: {PAGES}",
        'Where will First aid be? Write the town too, like "Canal Road 12, Leeds".',
    ]
    heard = await here.says("ana", "Canal Road 12, Leeds", "in 12 days", "11:00", "skip", "skip")
    assert any(text.startswith("Thank you, Ana!") for text in heard)

    async def approved(tx: Transaction) -> str:
        card = next(each for each in await tx.cards.open(20) if each.kind == "action_proposed")
        return await act(tx, here.world, Press(card=card.id, button=APPROVE, role=COORDINATOR, by="Kim"))

    assert await here.store.run(approved) == "It is published, and people near it see it."
    person = (await here.loaded("ana")).person.id
    (hosted,) = await here.store.run(lambda tx: tx.actions.hosted_by(person))
    assert (hosted.title, hosted.kind, hosted.materials, hosted.state) == ("First aid", "training", PAGES, "published")
    assert [need.what for need in await here.store.run(lambda tx: tx.actions.needs(hosted.id))] == ["a blanket"]
    await here.settle()
    assert f"What helps whoever hosts this: {PAGES}" in here.heard["ana"]
    assert await here.store.run(lambda tx: tx.actions.hosted(person)) == Hosted()
    here.watch.now = hosted.ends_at
    assert await here.store.run(lambda tx: tx.actions.hosts()) == {person: Hosted(1, 1)}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_whoever_was_at_no_training_can_host_none(here: Neighbourhood) -> None:
    await meetings(here, 1)
    await joins(here, "ana")
    heard = await here.says("ana", "skip", "train")
    assert heard[-1].startswith("Whoever has been at a training can host the next one, and you haven't yet.")
