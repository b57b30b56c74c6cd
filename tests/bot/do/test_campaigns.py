"""A campaign, from its link to the list of the action that is nearest."""

from datetime import timedelta

import pytest

from bot.places import Place
from storage.store import Store
from tests.bot.neighbourhood import Neighbourhood, places
from tests.databases import Watch

GOAL = 20


def lies_in(town: str) -> Place:
    place = places().read(town)
    assert place is not None
    return place


@pytest.fixture
async def here(store: Store, watch: Watch) -> Neighbourhood:
    """Two rallies of one campaign at one time, of which more come to the one that is full."""
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    host = await here.buddy("sam", capacity=0)
    for town in ("Bristol", "Bradford"):
        place = lies_in(town)
        await here.action(
            host, watch.now + timedelta(days=5), title=f"Rally in {town}", district=town, cell=place.cell,
            address=f"Main Square, {town}", campaign="Spring",
        )  # fmt: skip
    await here.store.run(lambda tx: tx.campaigns.set_goal("Spring", GOAL))
    return here


async def test_whoever_comes_by_its_link_reads_what_the_nearest_is_and_comes_to_it(here: Neighbourhood) -> None:
    await here.says("ana", "/start campaign-1", "Leeds")
    assert here.heard["ana"][-1].startswith("Shall I put you down for Rally in Bradford?\n\n")
    assert "Main Square, Bradford" in (await here.says("ana", "I'll come", "yes"))[1]
    # To be told that nobody comes, or one, helps nobody; from two on they hear how many come to all places together.
    assert "coming so far" not in "".join(here.heard["ana"])
    await here.says("ben", "/start campaign-1", "Bristol", "I'll come", "yes")
    assert "coming so far" not in "".join(here.heard["ben"])
    assert await here.says("cleo", "/start campaign-1", "Bristol") == [
        "Good that you're here! Which town are you near? Then I show you what is nearest.",
        "Spring: 2 are coming so far, all places together. 20 is what we hope for.",
        here.heard["cleo"][-1],
    ]
    assert here.heard["cleo"][-1].startswith("Shall I put you down for Rally in Bristol?")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_whoever_opens_its_link_again_hears_that_they_are_on_the_list_and_is_asked_nothing(
    here: Neighbourhood,
) -> None:
    # They gave no place, and chose one that is not the soonest of the list.
    await here.says("ana", "/start campaign-1", "skip", "Show me others", "2", "I'll come", "yes", "skip")
    (heard,) = await here.says("ana", "/start campaign-1")
    assert heard.startswith("You're on the list already, Ana:\n\nRally in Bradford\n")
    assert "Main Square, Bradford" in heard
    await here.says("ana", "can't come", "1", "no")
    assert (await here.says("ana", "/start campaign-1"))[-1].startswith("Good that you're here!")
    (asked,) = await here.says("ana", "skip")
    assert asked.startswith("Shall I put you down for Rally in Bristol?")
    assert await here.says("ana", "Maybe") == ["Noted as a maybe. I'll ask you again a few days before."]
    (asked,) = await here.says("ana", "/start campaign-1")
    assert asked.startswith("Shall I put you down for Rally in Bristol?"), "a maybe can become a yes by one press"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_whoever_waits_for_a_place_hears_that_it_is_so_when_they_open_its_link_again(here: Neighbourhood) -> None:
    await here.store.run(lambda tx: tx.actions.change(1, capacity=1))
    await here.store.run(lambda tx: tx.actions.change(2, capacity=1))
    for who in ("ana", "ben"):
        await here.says(who, "/start campaign-1", "Bristol", "I'll come", "yes", "skip")
    await here.says("cleo", "/start campaign-1", "Leeds", "I'll come", "yes", "skip")
    assert any("waiting list" in text for text in here.heard["cleo"])
    (heard,) = await here.says("cleo", "/start campaign-1")
    assert heard.startswith("You're on the waiting list for Rally in Bradford,")
