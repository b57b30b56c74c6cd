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
