"""Nobody collects first names, and whoever seems to is looked at by coordinators."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch

MONDAY = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
async def leeds(store: Store, watch: Watch) -> Neighbourhood:
    watch.now = MONDAY
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    return here


async def flagged(here: Neighbourhood) -> list[str]:
    """What the cards say that ask coordinators to look at someone."""
    found = await here.store.run(lambda tx: tx.cards.open(50))
    return [str(card.body["about"]) for card in found if card.kind == "flagged"]


async def test_nobody_is_told_more_than_three_first_names_in_a_month(leeds: Neighbourhood) -> None:
    names = ("sam", "kit", "lee", "bo")
    for name in names:
        await leeds.buddy(name)
    await leeds.says("ana", "hello", *ANSWERS)
    for _ in range(4):
        asked = [name for name in names if leeds.heard[name] and "Ana" in leeds.heard[name][-1]]
        for name in asked:
            await leeds.says(name, "yes")
        told = await leeds.says("ana", "another", "Yes please")
    assert any("A person of Leeds Together will write to you" in text for text in told)
    known = [pair for pair in await leeds.pairs("ana") if pair.introduced_at]
    assert len(known) == 3
    await leeds.hours(2)
    assert len(await leeds.pairs("ana")) == 3, "nor later in that month, by the clock"
    leeds.watch.forward(timedelta(days=31))
    await leeds.settle()
    await leeds.says("ana", "another")
    assert len(await leeds.pairs("ana")) == 4


async def test_a_buddy_who_looks_at_one_newcomer_after_the_other_is_flagged(leeds: Neighbourhood) -> None:
    await leeds.buddy("sam", capacity=9)
    for number in range(5):
        assert await flagged(leeds) == []
        await leeds.says(f"p{number}", "hello", *ANSWERS)
        await leeds.says("sam", "no")
    assert await flagged(leeds) == ["has said no to 5 newcomers within a month"]


async def test_who_leaves_and_comes_back_again_and_again_is_flagged(leeds: Neighbourhood) -> None:
    await leeds.says("ana", "hello", *ANSWERS)
    for times in range(1, 5):
        await leeds.says("ana", "stop", "start")
        assert await flagged(leeds) == ([f"has left and come back {times} times within a month"] if times > 2 else [])


async def test_who_moves_from_town_to_town_is_flagged_and_who_moves_once_is_not(leeds: Neighbourhood) -> None:
    await leeds.says("ana", "hello", *ANSWERS)
    for times, town in enumerate(("York", "Bradford", "Sheffield"), 1):
        await leeds.says("ana", "start", "Change answers", "1", town, "Saturdays", "yes")
        assert (await leeds.loaded("ana")).person.fields["place"] == town
        wanted = [f"has changed where they live {times} times within a month"] if times > 2 else []
        assert await flagged(leeds) == wanted
