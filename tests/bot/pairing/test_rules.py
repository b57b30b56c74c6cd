"""The rules of pairing."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cells import km
from bot.pairing import rules
from bot.pairing.rules import HARD, SOFT, Helper, Never, Reason, Terms, Verdict, Wish, dream, least, weigh
from storage.people import ACTIVE, LEAVING, STOPPED
from tests.bot.pairing.given import GIJON, HORSFORTH, LEEDS, MANCHESTER, NOW, helpers, terms, wishes

ANA = Wish(1, ("es", "en"), ("climate", "food"), ("saturday",), LEEDS, adult=True, consented=True)
BEN = Helper(2, ("en",), ("climate",), ("saturday",), LEEDS, adult=True, approved=True, capacity=3)
TERMS = Terms(NOW, reach_km=25)


def price(wish: Wish, helper: Helper, on: Terms = TERMS) -> float:
    verdict = weigh(wish, helper, on)
    assert isinstance(verdict, Verdict), verdict
    return verdict.cost


# --- hard ------------------------------------------------------------------------------------------------------


def test_two_neighbours_with_something_in_common_may_be_introduced() -> None:
    verdict = weigh(ANA, BEN, TERMS)
    assert isinstance(verdict, Verdict)
    assert verdict.reasons[0] == Reason("interests", ("climate",))


@pytest.mark.parametrize(
    ("wish", "helper", "why"),
    [
        (replace(ANA, id=2), BEN, "same person"),
        (replace(ANA, consented=False), BEN, "no consent"),
        (ANA, replace(BEN, consented=False), "no consent"),
        (replace(ANA, adult=False), BEN, "not adult"),
        (ANA, replace(BEN, adult=False), "not adult"),
        (replace(ANA, not_with=frozenset({2})), BEN, "kept apart"),
        (ANA, replace(BEN, not_with=frozenset({1})), "kept apart"),
        (ANA, replace(BEN, approved=False), "not approved"),
        (ANA, replace(BEN, status=LEAVING), "not active"),
        (ANA, replace(BEN, status=STOPPED), "not active"),
        (ANA, replace(BEN, away_until=NOW + timedelta(seconds=1)), "away"),
        (ANA, replace(BEN, load=3), "full"),
        (ANA, replace(BEN, load=4), "full"),
        (ANA, replace(BEN, capacity=0), "full"),
        (ANA, replace(BEN, languages=("de",)), "no common language"),
        (replace(ANA, languages=()), BEN, "no common language"),
        (ANA, replace(BEN, cell=MANCHESTER), "too far"),
        (ANA, replace(BEN, cell=""), "no place"),
        (replace(ANA, cell=""), BEN, "no place"),
        (ANA, replace(BEN, cell="nowhere"), "no place"),
    ],
)
def test_two_who_may_never_be_introduced_are_not_and_it_says_why(wish: Wish, helper: Helper, why: str) -> None:
    assert weigh(wish, helper, TERMS) == Never(why)


def test_who_is_back_today_may_be_asked() -> None:
    assert price(ANA, replace(BEN, away_until=NOW)) == price(ANA, BEN)


def test_children_are_introduced_only_where_the_group_allows_it() -> None:
    assert isinstance(weigh(replace(ANA, adult=False), BEN, replace(TERMS, minimum_age=0)), Verdict)


def test_the_reach_is_the_groups() -> None:
    assert isinstance(weigh(ANA, replace(BEN, cell=MANCHESTER), replace(TERMS, reach_km=60)), Verdict)
    assert weigh(ANA, replace(BEN, cell=HORSFORTH), replace(TERMS, reach_km=7)) == Never("too far")


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.lists(wishes, min_size=5, max_size=5), st.lists(helpers, min_size=5, max_size=5), terms)
def test_no_verdict_ever_breaks_a_hard_rule(some: list[Wish], others: list[Helper], on: Terms) -> None:
    """In 10,000 verdicts at least."""
    for wish, helper in product(some, others):
        allowed_where_it_should_be(wish, helper, on)


def allowed_where_it_should_be(wish: Wish, helper: Helper, on: Terms) -> None:
    """The rules once more, written as one sentence, so that a slip in one of them shows."""
    verdict = weigh(wish, helper, on)
    far = km(wish.cell, helper.cell)
    allowed = (
        wish.consented and helper.consented
        and (on.minimum_age == 0 or (wish.adult and helper.adult))
        and wish.id != helper.id and helper.id not in wish.not_with and wish.id not in helper.not_with
        and set(wish.languages) & set(helper.languages)
        and helper.approved and helper.status == ACTIVE
        and (helper.away_until is None or helper.away_until <= NOW)
        and helper.load < helper.capacity
        and far is not None and far <= on.reach_km
    )  # fmt: skip
    assert isinstance(verdict, Verdict if allowed else Never)


# --- soft ------------------------------------------------------------------------------------------------------


def test_nearer_is_cheaper_by_the_kilometre() -> None:
    far = km(LEEDS, HORSFORTH)
    assert far is not None
    assert far > rules.NEAR_KM
    assert price(ANA, replace(BEN, cell=HORSFORTH)) == pytest.approx(price(ANA, BEN) + far)


def test_only_who_can_walk_there_lives_near() -> None:
    assert Reason("near") in rules.reasons(ANA, BEN, TERMS)
    assert Reason("near") not in rules.reasons(ANA, replace(BEN, cell=HORSFORTH), TERMS)


def test_each_thing_in_common_makes_it_cheaper() -> None:
    wish = replace(ANA, interests=("a", "b", "c"), times=("x", "y"))
    by_interest = [price(wish, replace(BEN, interests=("a", "b", "c")[:n])) for n in range(4)]
    by_time = [price(wish, replace(BEN, times=("x", "y")[:n])) for n in range(3)]
    assert all(later < earlier for prices in (by_interest, by_time) for earlier, later in pairwise(prices))


def test_what_is_in_common_is_told_in_the_order_of_the_one_who_asked() -> None:
    wish = replace(ANA, interests=("food", "water", "climate"), times=("sunday", "saturday"))
    told = rules.reasons(wish, replace(BEN, interests=("climate", "food"), times=("saturday", "sunday")), TERMS)
    assert told[:2] == (Reason("interests", ("food", "climate")), Reason("times", ("sunday", "saturday")))


def test_a_buddy_who_speaks_their_first_language_comes_first() -> None:
    assert price(ANA, replace(BEN, languages=("en", "es"))) < price(ANA, BEN)
    assert Reason("language", ("es", "en")) in rules.reasons(ANA, replace(BEN, languages=("en", "es")), TERMS)


def test_nobody_near_their_cap_is_asked_while_another_idles() -> None:
    by_load = [price(ANA, replace(BEN, capacity=4, load=load)) for load in range(4)]
    assert by_load == sorted(set(by_load))
    assert price(ANA, replace(BEN, capacity=5, load=1)) < price(ANA, replace(BEN, capacity=2, load=1))


def test_who_has_nobody_yet_is_said_to_be_free() -> None:
    assert Reason("free") in rules.reasons(ANA, BEN, TERMS)
    assert Reason("free") not in rules.reasons(ANA, replace(BEN, load=1), TERMS)


def test_who_waited_longer_comes_first_however_long_both_have() -> None:
    days = (0, 1, 2, 7, 30, 200, 201)
    by_wait = [price(replace(ANA, waiting_since=NOW - timedelta(days=n)), BEN) for n in days]
    assert by_wait == sorted(set(by_wait), reverse=True)


def test_a_clock_that_is_behind_makes_nobody_dearer_than_a_newcomer() -> None:
    assert price(replace(ANA, waiting_since=NOW + timedelta(hours=1)), BEN) == price(ANA, BEN)


def test_a_wait_is_told_from_the_second_day_on() -> None:
    assert Reason("waited", ("2",)) in rules.reasons(replace(ANA, waiting_since=NOW - timedelta(days=2)), BEN, TERMS)
    assert "waited" not in {each.code for each in rules.reasons(ANA, BEN, TERMS)}


def test_what_either_asked_for_is_heeded_where_it_can_be() -> None:
    wish = replace(ANA, asks=frozenset({"woman", "climate"}))
    given = price(wish, replace(BEN, traits=frozenset({"woman"})))
    assert given == price(ANA, BEN)
    assert price(wish, BEN) == given + rules.NOT_AS_ASKED
    assert price(ANA, replace(BEN, asks=frozenset({"parent"}))) == given + rules.NOT_AS_ASKED
    assert Reason("asked", ("climate",)) in rules.reasons(wish, BEN, TERMS)


def test_weights_make_a_rule_matter_more_or_not_at_all() -> None:
    far = replace(BEN, cell=HORSFORTH)
    assert price(ANA, far, replace(TERMS, weights={"distance": 0})) == pytest.approx(price(ANA, BEN))
    heavier = price(ANA, far, replace(TERMS, weights={"distance": 2})) - price(ANA, far)
    assert heavier == pytest.approx(km(LEEDS, HORSFORTH))


@settings(max_examples=300, deadline=None)
@given(wishes, helpers, terms)
def test_nothing_costs_less_than_nothing_and_everything_has_a_reason(wish: Wish, helper: Helper, on: Terms) -> None:
    assert all(rule(wish, helper, on)[0] >= 0 for rule in SOFT)
    verdict = weigh(wish, helper, on)
    assert isinstance(verdict, Never) or verdict.reasons


def test_every_rule_has_a_name_of_its_own() -> None:
    assert len({rule.__name__ for rule in (*HARD, *SOFT)}) == len(HARD) + len(SOFT)


# --- bounds ----------------------------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(wishes, st.lists(helpers, min_size=1, max_size=5), terms, st.floats(0, 1), st.integers(0, 5))
def test_nobody_costs_less_than_the_dream_of_them(
    wish: Wish, them: list[Helper], on: Terms, nearer: float, cut: int
) -> None:
    dreamt = dream([dream(them[:cut]), dream(them[cut:])])
    for helper in them:
        verdict = weigh(wish, helper, on)
        if isinstance(verdict, Verdict):
            bound = least(wish, dreamt, (km(wish.cell, helper.cell) or 0) * nearer, on)
            assert bound is not None
            assert bound <= verdict.cost + 1e-9


def test_where_nobody_can_be_asked_there_is_no_least() -> None:
    assert least(ANA, dream([BEN]), 25.1, TERMS) is None
    assert least(ANA, dream([replace(BEN, languages=("de",))]), 0, TERMS) is None
    assert least(ANA, dream([replace(BEN, load=3)]), 0, TERMS) is None
    assert least(ANA, dream([]), 0, TERMS) is None


def test_places_far_away_are_too_far() -> None:
    assert weigh(replace(ANA, cell=GIJON), BEN, replace(TERMS, reach_km=1000)) == Never("too far")
