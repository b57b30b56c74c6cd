"""Whoever would collect the first names of buddies is told three in a month, and coordinators hear of it.

All hundred of them over a month are `tests/benchmarks/bench_collectors.py`.
"""

import pytest

from bot.pairing.harvest import ASKED_ON, BEGAN_ANEW, MOST, MOST_NAMES, MOVED, RESUMED
from storage.store import Store
from tests.bot.collectors import TRICKS, Town, collectors
from tests.databases import Watch

DAYS, BUDDIES = 14, 24


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_whatever_they_try_nobody_is_told_more_than_three_names_and_the_desk_hears_of_it(
    store: Store, watch: Watch
) -> None:
    town = Town(store, watch)
    await town.move_in(BUDDIES)
    people = collectors(town, len(TRICKS))
    await town.pass_days(people, DAYS)
    told = {who: len(town.told(who)) for each in people for who in each.accounts}
    assert max(told.values()) == MOST_NAMES, told
    assert not [text for who in told for text in town.too_fine(who)]
    seen = {what: MOST[what][1].replace("{many}", "…") for what in (ASKED_ON, BEGAN_ANEW, MOVED, RESUMED)}
    assert [what for what, words in seen.items() if words not in town.shown] == []
    assert "it felt wrong" in town.shown, "of who declines each of them"
