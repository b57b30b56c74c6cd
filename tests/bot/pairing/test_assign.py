"""Everyone assigned together: as scipy would, within what the rules allow, and nobody left out who could be paired."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from bot.pairing import rules
from bot.pairing import sides as tables
from bot.pairing.assign import Assigned, greedy, optimal
from bot.pairing.edges import GRID, Edges
from bot.pairing.left import why_left
from bot.pairing.sides import Sides
from tests.bot.pairing.sheets import TERMS, Someone, group, may, sides

NEVER = 10**9
"""More than three hundred of the dearest pairs together."""


def quiet(_: int) -> None:
    """Hears of no progress."""


@pytest.mark.parametrize("most", [10**6, 200])
def test_progress_ends_at_everybody_and_never_goes_beyond(most: int) -> None:
    both = sides(group(Random(2), 600, 60))
    nowhere = [replace(each, exact=None) if place % 7 == 0 else each for place, each in enumerate(both.wishes)]
    heard: list[int] = []
    assert optimal(Sides(nowhere, both.helpers, TERMS), heard.append, most=most).edges.pruned is (most == 200)
    done = np.cumsum(heard)
    assert (done[-1], done.max(), done.min() >= 0) == (600, 600, True)


def judged(both: Sides, edges: Edges) -> tuple[int, int]:
    """How many can be paired, and what that costs at least, as scipy finds it: one column for each place of a buddy."""
    columns = [buddy for buddy, each in enumerate(both.helpers) for _ in range(each.capacity)]
    if not columns or not both.wishes:
        return 0, 0
    dense = np.full((len(both.wishes), len(both.helpers)), NEVER)
    dense[edges.supporter, edges.buddy] = edges.cost
    table = dense[:, columns]
    chosen = table[linear_sum_assignment(table)]
    return int((chosen < NEVER).sum()), int(chosen[chosen < NEVER].sum())


def broken(them: list[Someone], both: Sides, found: Assigned) -> list[str]:
    """Every hard rule that an assignment breaks."""
    pairs = [(them[both.wishes[s].id], them[both.helpers[b].id]) for s, b, _ in found.pairs]
    wrong = [f"{one.id}-{other.id}" for one, other in pairs if not may(one, other)]
    many = Counter(other for _, other in pairs)
    wrong += [f"{each.id} has {count}" for each, count in many.items() if count > each.capacity]
    return wrong + [one for one, count in Counter(one.id for one, _ in pairs).items() if count > 1]


groups = st.builds(
    lambda seed, supporters, buddies, wide: group(Random(seed), supporters, buddies, wide=wide),
    st.integers(0, 10**9), st.integers(0, 220), st.integers(0, 80), st.sampled_from([0.05, 0.25, 0.6]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(groups)
def test_as_many_are_paired_and_as_cheaply_as_scipy_finds_possible(them: list[Someone]) -> None:
    both = sides(them)
    found = optimal(both, quiet)
    assert (len(found.pairs), found.total) == judged(both, found.edges)
    assert not found.edges.pruned


@settings(max_examples=40, deadline=None)
@given(groups)
def test_the_edges_are_all_pairs_that_may_be_each_once(them: list[Someone]) -> None:
    both = sides(them)
    edges = optimal(both, quiet).edges
    listed = Counter(zip(edges.supporter.tolist(), edges.buddy.tolist(), strict=True))
    allowed = {
        (s, b)
        for s, wish in enumerate(both.wishes)
        for b, helper in enumerate(both.helpers)
        if helper.capacity and may(them[wish.id], them[helper.id])
    }
    assert set(listed) == allowed
    assert set(listed.values()) <= {1}


@settings(max_examples=60, deadline=None)
@given(groups, st.integers(1, 4))
def test_nobody_is_left_out_because_only_the_cheapest_pairs_were_kept(them: list[Someone], best: int) -> None:
    both = sides(them)
    found = optimal(both, quiet, most=0, best=best)
    assert found.edges.pruned == bool(len(found.edges))
    assert len(found.pairs) == len(optimal(both, quiet).pairs)
    assert (len(found.pairs), found.total) == judged(both, found.edges)


@settings(max_examples=40, deadline=None)
@given(groups, st.integers(1, 6), st.sampled_from([{}, {"distance": 0.0}, {"distance": 7.0, "interests": 0.5}]))
def test_the_cheapest_that_are_kept_are_the_cheapest_there_are(
    them: list[Someone], best: int, weights: dict[str, float]
) -> None:
    both = sides(them, rules.Terms(TERMS.now, weights=weights))
    whole, few = greedy(both, quiet).edges, greedy(both, quiet, most=0, best=best).edges
    for supporter in range(len(both.wishes)):
        cheapest = sorted(whole.cost[whole.supporter == supporter].tolist())[:best]
        assert sorted(few.cost[few.supporter == supporter].tolist()) == cheapest


@settings(max_examples=60, deadline=None)
@given(groups)
def test_one_by_one_is_never_better_than_all_together(them: list[Someone]) -> None:
    both = sides(them)
    each, all_ = greedy(both, quiet), optimal(both, quiet)
    assert broken(them, both, each) == []
    assert len(each.pairs) <= len(all_.pairs)
    if len(each.pairs) == len(all_.pairs):
        assert each.total >= all_.total


@pytest.mark.slow
def test_hard_rules_hold_in_ten_thousand_groups() -> None:
    for seed in range(10_000):
        random = Random(seed)
        them = group(random, random.randint(1, 7), random.randint(1, 5), wide=random.choice((0.1, 0.3)))
        both = sides(them)
        assert broken(them, both, optimal(both, quiet)) == [], seed


def test_hard_rules_hold_in_large_groups_too() -> None:
    for seed in range(20):
        them = group(Random(seed), 200, 60)
        both = sides(them)
        assert broken(them, both, optimal(both, quiet)) == [], seed


def test_the_longest_waiting_are_served_where_not_all_can_be() -> None:
    them = group(Random(3), 40, 4, wide=0.01)
    both = sides([each._replace(adult=True, languages=("en",), blocks=(), interests=(), times=()) for each in them])
    waited = [
        replace(each, waiting_since=TERMS.now - timedelta(days=30 if place % 2 else 1))
        for place, each in enumerate(both.wishes)
    ]
    both = Sides(waited, both.helpers, TERMS)
    served = {supporter for supporter, _, _ in optimal(both, quiet).pairs}
    assert served
    assert {supporter % 2 for supporter in served} == {1}


def test_a_table_that_counts_unlike_its_rule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    both = sides(group(Random(1), 30, 10))
    monkeypatch.setattr(tables, "COSTS", {**tables.COSTS, rules.distance: lambda block: block.far + 1})
    with pytest.raises(AssertionError, match="unlike a rule"):
        optimal(both, quiet)


@settings(max_examples=40, deadline=None)
@given(groups)
def test_everyone_who_is_left_hears_why(them: list[Someone]) -> None:
    both = sides(them)
    found = optimal(both, quiet)
    left = np.flatnonzero(found.chosen < 0).tolist()
    had = np.zeros(len(both.wishes), bool)
    had[found.edges.supporter] = True
    why = why_left(both, left, had)
    assert set(why) == set(left)
    for place, sentence in why.items():
        me = them[both.wishes[place].id]
        near = [other for other in them if other.role == "buddy" and may_reach(me, other)]
        if not me.adult:
            assert sentence == "not known to be an adult"
        elif any(other.capacity and may(me, other) for other in near):
            assert sentence == "all buddies within 25 km who fit have been given to others"
        elif not near:
            assert sentence == "no buddy within 25 km"
        else:
            assert "25 km" in sentence


def may_reach(one: Someone, other: Someone) -> bool:
    twin = one._replace(adult=True, languages=("en",), blocks=())
    return may(twin, other._replace(adult=True, languages=("en",), blocks=()))


def test_costs_are_counted_on_a_grid_of_thousandths() -> None:
    both = sides(group(Random(5), 60, 20))
    found = optimal(both, quiet)
    for supporter, buddy, thousandths in found.pairs:
        exact = rules.cost(both.wishes[supporter], both.helpers[buddy], both.terms)
        assert abs(exact - thousandths / GRID) <= 0.5 / GRID + 1e-9
