"""The buddies in memory: as good as asking everyone, and quicker."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from random import Random
from threading import Thread

import h3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bot.pairing import rules
from bot.pairing.crowd import Crowd
from bot.pairing.pool import Pool
from bot.pairing.rules import Helper, Terms, Verdict, Wish, weigh
from bot.pairing.sides import Block, Sides
from tests.bot.pairing.given import GIJON, HORSFORTH, LEEDS, NOW, helpers, terms, wishes

TERMS = Terms(NOW, reach_km=25)
ANA = Wish(1000, ("en",), ("climate",), ("saturday",), LEEDS, adult=True, consented=True)
BEN = Helper(2, ("en",), ("climate",), ("saturday",), LEEDS, adult=True, approved=True, capacity=3)


def scan(them: Collection[Helper], wish: Wish, on: Terms, skip: Collection[int] = ()) -> list[tuple[Helper, Verdict]]:
    """What asking everyone finds."""
    found = [(helper, weigh(wish, helper, on)) for helper in them if helper.id not in skip]
    allowed = [(helper, verdict) for helper, verdict in found if isinstance(verdict, Verdict)]
    return sorted(allowed, key=lambda pair: (pair[1].cost, pair[0].id))


@settings(max_examples=300, deadline=None)
@given(st.lists(helpers, max_size=25, unique_by=lambda each: each.id), wishes, terms, st.sets(st.integers(1, 40)))
def test_it_finds_what_asking_everyone_finds_in_the_same_order(
    them: list[Helper], wish: Wish, on: Terms, skip: set[int]
) -> None:
    assert list(Pool(them).best(wish, on, skip)) == scan(them, wish, on, skip)


def around(cell: str, rings: int) -> Sequence[str]:
    return sorted(h3.grid_disk(cell, rings))


def city(seed: int, many: int) -> list[Helper]:
    """Buddies who live as close together as in a big city."""
    random, cells = Random(seed), around(LEEDS, 16)

    def some(*keys: str) -> tuple[str, ...]:
        return tuple(random.sample(keys, random.randint(1, 3)))

    return [
        Helper(
            number, some("en", "es", "de"), some("climate", "housing", "food", "water"),
            some("saturday", "sunday", "weekday_evening"), random.choice(cells), adult=True, approved=True,
            capacity=3, load=random.randint(0, 3),
        )
        for number in range(many)
    ]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), wishes, terms)
def test_in_a_dense_city_too(seed: int, wish: Wish, on: Terms) -> None:
    them = city(seed, 400)
    here = replace(wish, cell=LEEDS, consented=True, adult=True)
    assert list(Pool(them).best(here, on)) == scan(them, here, on)


def test_the_best_of_many_is_found_by_looking_at_few(monkeypatch: pytest.MonkeyPatch) -> None:
    them, looked_at, weighed = city(1, 3000), list[int](), list[int]()

    def looking(wish: Wish, helper: Helper, on: Terms) -> str | None:
        looked_at.append(helper.id)
        return rules.forbidden(wish, helper, on)

    def weighing(sides: Sides, seeking: Crowd, helping: Crowd) -> Block:
        weighed.append(len(helping))
        return Block(sides, seeking, helping)

    pool = Pool(them)
    monkeypatch.setattr("bot.pairing.boxes.forbidden", looking)
    monkeypatch.setattr("bot.pairing.boxes.Block", weighing)
    assert list(islice(pool.best(ANA, TERMS), 1)) == scan(them, ANA, TERMS)[:1]
    assert len(looked_at) < 10
    assert sum(weighed) < len(them) / 5


class Changes(RuleBasedStateMachine):
    """A pool that is changed in any order, beside a plain dictionary that is."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool()
        self.plain: dict[int, Helper] = {}

    @rule(helper=helpers)
    def put(self, helper: Helper) -> None:
        self.pool.put(helper)
        self.plain[helper.id] = helper

    @rule(number=st.integers(1, 40))
    def drop(self, number: int) -> None:
        self.pool.drop(number)
        self.plain.pop(number, None)

    @rule(them=st.lists(helpers, max_size=8))
    def refresh(self, them: list[Helper]) -> None:
        self.pool.refresh(them)
        self.plain = {helper.id: helper for helper in them}

    @rule(wish=wishes, on=terms)
    def search(self, wish: Wish, on: Terms) -> None:
        assert list(self.pool.best(wish, on)) == scan(self.plain.values(), wish, on)

    @invariant()
    def knows_as_many(self) -> None:
        assert len(self.pool) == len(self.plain)


def test_it_stays_right_however_it_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    # so that there is no row left now and then
    monkeypatch.setattr("bot.pairing.boxes.SPARE", 3)
    run_state_machine_as_test(Changes, settings=settings(max_examples=60, stateful_step_count=25, deadline=None))


def test_more_interests_than_a_word_has_bits_come_one_by_one() -> None:
    pool, them = Pool(), [replace(BEN, id=n, interests=(f"interest {n}", "climate")) for n in range(1, 90)]
    for each in them:
        pool.put(each)
    wish = replace(ANA, interests=("interest 70", "interest 200"), asks=frozenset({"interest 3", "interest 300"}))
    assert list(pool.best(wish, TERMS)) == scan(them, wish, TERMS)


def test_among_equals_the_older_number_comes_first() -> None:
    pool = Pool([replace(BEN, id=number) for number in (9, 3, 7)])
    assert [helper.id for helper, _ in pool.best(ANA, TERMS)] == [3, 7, 9]


def test_who_is_skipped_is_not_found() -> None:
    pool = Pool([BEN, replace(BEN, id=3)])
    assert [helper.id for helper, _ in pool.best(ANA, TERMS, skip={2})] == [3]


def test_who_moves_is_found_where_they_are_now_and_only_once() -> None:
    pool = Pool([BEN])
    pool.put(replace(BEN, cell=HORSFORTH))
    assert [helper.cell for helper, _ in pool.best(ANA, TERMS)] == [HORSFORTH]
    pool.put(replace(BEN, cell=GIJON))
    assert list(pool.best(ANA, TERMS)) == []
    pool.put(replace(BEN, cell=""))
    pool.put(BEN)
    assert [helper.cell for helper, _ in pool.best(ANA, TERMS)] == [LEEDS]


def test_a_search_sees_the_buddies_as_they_were_when_it_began() -> None:
    pool = Pool([replace(BEN, id=number, load=number % 3) for number in range(1, 31)])
    search = pool.best(ANA, TERMS)
    first = next(search)
    for number in range(1, 31):
        pool.drop(number)
    assert len([first, *search]) == 30
    assert list(pool.best(ANA, TERMS)) == []


def test_someone_without_a_place_finds_nobody() -> None:
    assert list(Pool([BEN, replace(BEN, id=3, cell="")]).best(replace(ANA, cell=""), TERMS)) == []


def test_changing_in_one_thread_and_searching_in_others_goes_well() -> None:
    steady = [replace(BEN, id=number, cell=cell) for number, cell in enumerate(around(LEEDS, 2), start=100)]
    pool = Pool(steady)
    going = True
    wrong: list[object] = []

    def search() -> None:
        while going:
            found = {helper.id for helper, _ in pool.best(ANA, TERMS)}
            if not found >= {helper.id for helper in steady}:
                wrong.append(found)

    threads = [Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(300):
        pool.put(replace(BEN, id=number % 7, away_until=NOW + timedelta(days=number % 2)))
        pool.drop(number % 5)
    going = False
    for thread in threads:
        thread.join()
    assert wrong == []
