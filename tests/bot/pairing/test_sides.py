"""Many weighed at once: the same, to the last pair, as what the rules say of each two."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.pairing import rules
from bot.pairing import sides as tables
from bot.pairing.rules import HARD, SOFT, Helper, Terms, Wish
from bot.pairing.sides import Block, Sides
from tests.bot.pairing.given import LEEDS, NOW, helpers, terms, wishes

SOME_WISHES = st.lists(wishes, min_size=1, max_size=8)
SOME_HELPERS = st.lists(helpers, min_size=1, max_size=8)


def block(them: Sequence[Wish], others: Sequence[Helper], on: Terms) -> Block:
    sides = Sides([replace(each, id=n) for n, each in enumerate(them, 1)], others, on)
    return Block(sides, sides.seeking, sides.helping)


@settings(max_examples=300, deadline=None)
@given(SOME_WISHES, SOME_HELPERS, terms)
def test_the_tables_say_what_the_rules_say(them: list[Wish], others: list[Helper], on: Terms) -> None:
    table = block(them, [replace(each, id=n) for n, each in enumerate(others, 5)], on)
    for row, wish in enumerate(table.sides.wishes):
        for column, helper in enumerate(table.sides.helpers):
            never = {rule for rule in HARD if np.broadcast_to(table.never(rule), table.allowed.shape)[row, column]}
            assert never == {rule for rule in HARD if rule(wish, helper, on)}
            assert table.allowed[row, column] == (not never)
            if not never:
                assert table.costs[row, column] == pytest.approx(rules.cost(wish, helper, on), abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(SOME_WISHES, SOME_HELPERS, terms)
def test_some_of_them_are_weighed_as_they_are_among_all(them: list[Wish], others: list[Helper], on: Terms) -> None:
    whole = block(them, others, on)
    rows, columns = np.arange(len(them))[::2], np.arange(len(others))[1:]
    part = Block(whole.sides, whole.seeking.part(rows), whole.helping.part(columns))
    np.testing.assert_array_equal(part.allowed, whole.allowed[np.ix_(rows, columns)])
    np.testing.assert_array_equal(part.costs, whole.costs[np.ix_(rows, columns)])


def test_more_keys_than_a_word_has_bits_are_all_counted() -> None:
    many = tuple(f"interest {number}" for number in range(200))
    wish = Wish(1, ("en",), many[:150], many[100:], LEEDS, adult=True, consented=True)
    helper = Helper(2, ("en",), many[50:], many[:120], LEEDS, adult=True, approved=True, capacity=1)
    assert block([wish], [helper], Terms(NOW)).costs[0, 0] == pytest.approx(rules.cost(wish, helper, Terms(NOW)))


def test_a_rule_without_a_table_is_asked_pair_by_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    def even(wish: Wish, helper: Helper, _: Terms) -> str | None:
        return "odd" if (wish.id + helper.id) % 2 else None

    def product(wish: Wish, helper: Helper, _: Terms) -> rules.Cost:
        return 100.0 * wish.id * helper.id, None

    table = block(
        [Wish(1, (), cell=LEEDS), Wish(2, (), cell=LEEDS)],
        [Helper(1, (), cell=LEEDS), Helper(2, (), cell=LEEDS)],
        Terms(NOW),
    )
    before = table.costs
    monkeypatch.setattr(tables, "HARD", (even,))
    monkeypatch.setattr(tables, "SOFT", (*SOFT, product))
    table = Block(table.sides, table.seeking, table.helping)
    assert table.allowed.tolist() == [[True, False], [False, True]]
    assert (table.costs - before).tolist() == [[100.0, 200.0], [200.0, 400.0]]


def test_every_rule_has_a_table() -> None:
    assert {*HARD} == {*tables.NEVERS}
    assert {*SOFT} == {*tables.COSTS}
