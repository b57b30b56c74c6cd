"""What flows know of actions: who may see what, and lists that people can read and press."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.actions import LONGEST, MOST, NAMES, cut, facts_of, labels_of, lists, until_then
from bot.cells import cell_at
from bot.do.base import Turn
from bot.group import Group
from bot.world import World
from flows.model import Library, Option, Value
from storage.actions import CANCELLED, PROPOSED, PUBLISHED, TRAINING, Action
from storage.signups import MAYBE, YES
from storage.store import Store
from storage.transaction import Transaction

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
"""As `watch` has it: a Monday."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEEDS, BRADFORD, LONDON = cell_at(53.80, -1.55), cell_at(53.79, -1.75), cell_at(51.51, -0.13)
GROUP = Group(zone="Europe/London", languages=("en", "es"), quiet=None)

Work = Callable[[Transaction], Awaitable[Any]]


async def person(tx: Transaction, who: str, name: str = "", cell: str = "", **fields: Value) -> int:
    """Somebody new; their number."""
    added = await tx.people.add("web", "web", who, str(fields.get("language") or "en"))
    await tx.people.save(added.id, {"name": name or who, **fields}, district=cell)
    return added.id


async def turn_of(tx: Transaction, person_id: int) -> Turn:
    """A turn of theirs."""
    found = await tx.people.get(person_id)
    assert found is not None
    return Turn(tx=tx, world=World(GROUP), library=Library({}), person=found, fields=dict(found.fields))


async def action(tx: Transaction, title: str = "Clean-up", days: float = 5, **more: Any) -> int:
    """An action in so many days, published, in Leeds."""
    starts = more.pop("starts_at", NOW + timedelta(days=days))
    told = {
        "title": title, "starts_at": starts, "ends_at": starts + 2 * HOUR, "zone": "Europe/London",
        "district": "Leeds", "cell": LEEDS, "address": "1 Park Row",
        "secret": "secret 20469", "state": PUBLISHED, **more,
    }  # fmt: skip
    return await tx.actions.add(**told)


async def known(tx: Transaction, person_id: int, action_id: int) -> Mapping[str, Value]:
    found = await tx.actions.get(action_id)
    assert found is not None
    return await facts_of(await turn_of(tx, person_id), found)


async def shown(tx: Transaction, person_id: int, name: str) -> tuple[Option, ...]:
    return (await lists(await turn_of(tx, person_id), (name,)))[name]


def test_the_clock_of_these_tests_is_that_of_the_store(watch: Any) -> None:
    assert watch.now == NOW


# --- facts -----------------------------------------------------------------------------------------------------


async def test_all_that_anyone_may_know(store: Store) -> None:
    async def work(tx: Transaction) -> Mapping[str, Value]:
        host = await person(tx, "omar", "Omar", phone="+44 1")
        number = await action(
            tx, what="We clean the park.", kind="clean-up", capacity=10, goal=20, host_id=host, campaign="Spring"
        )
        gloves, _ = await tx.actions.add_need(number, "gloves"), await tx.actions.add_need(number, "tea", 2)
        await tx.actions.claim(gloves, host)
        ana = await person(tx, "ana")
        await tx.actions.sign_up(number, host, YES, 3)
        return await known(tx, ana, number)

    assert dict(await store.run(work)) == {
        "title": "Clean-up",
        "what": "We clean the park.",
        "kind": "clean-up",
        "campaign": "Spring",
        "district": "Leeds",
        "starts": NOW + 5 * DAY,
        "ends": NOW + 5 * DAY + 2 * HOUR,
        "bring": ("gloves", "tea"),
        "open_needs": ("tea",),
        "my_needs": (),
        "host": "Omar",
        "going": 4,
        "goal": 20,
        "places_left": 6,
        "until_then": "in 5 days",
        "campaign_going": 4,
        "campaign_goal": 20,
        "campaign_confirmed": 0,
    }


async def test_the_address_is_for_those_who_come(store: Store) -> None:
    async def work(tx: Transaction) -> list[Value]:
        number = await action(tx, capacity=2)
        people = [await person(tx, who) for who in ("yes", "maybe", "waits", "cancelled", "stranger")]
        yes, maybe, waits, cancelled, _ = people
        await tx.actions.sign_up(number, cancelled, YES)
        await tx.actions.cancel(number, cancelled)
        await tx.actions.sign_up(number, yes, YES, 1)
        await tx.actions.sign_up(number, maybe, MAYBE)
        assert await tx.actions.sign_up(number, waits, YES) == "waiting_list"
        return [(await known(tx, each, number)).get("address") for each in people]

    assert await store.run(work) == ["1 Park Row", "1 Park Row", None, None, None]


async def test_the_code_and_the_address_are_for_the_host(store: Store) -> None:
    async def work(tx: Transaction) -> list[tuple[Value, Value]]:
        host, ana = await person(tx, "omar"), await person(tx, "ana")
        number = await action(tx, host_id=host)
        await tx.actions.sign_up(number, ana, YES)
        return [
            (facts.get("code"), facts.get("address")) for facts in [await known(tx, p, number) for p in (host, ana)]
        ]

    assert await store.run(work) == [("4712", "1 Park Row"), (None, "1 Park Row")]


async def test_a_host_who_was_forgotten_has_no_name(store: Store) -> None:
    async def work(tx: Transaction) -> tuple[int, int]:
        host, ana = await person(tx, "omar"), await person(tx, "ana")
        return ana, await action(tx, host_id=host)

    ana, number = await store.run(work)

    async def forget(tx: Transaction) -> None:
        found = await tx.people.by_address("web", "web", "omar")
        assert found is not None
        await tx.people.forget(found.id)

    await store.run(forget)
    facts = await store.run(lambda tx: known(tx, ana, number))
    assert "host" not in facts


async def test_what_is_not_counted_is_absent(store: Store) -> None:
    async def work(tx: Transaction) -> Mapping[str, Value]:
        return await known(tx, await person(tx, "ana"), await action(tx))

    facts = await store.run(work)
    assert not {"goal", "places_left", "what", "kind", "campaign", "host", "code", "address"} & set(facts)
    assert facts["going"] == 0


ACTION = Action(
    1,
    "Clean-up",
    "",
    "",
    "Leeds",
    LEEDS,
    "",
    NOW,
    NOW + HOUR,
    "Europe/London",
    None,
    0,
    0,
    "",
    PUBLISHED,
    None,
    "",
    NOW,
)


@pytest.mark.parametrize(
    ("left", "language", "expected"),
    [
        (5 * DAY, "en", "in 5 days"), (6 * DAY, "en", "in 6 days"), (20 * DAY, "en", "in 20 days"),
        (DAY, "en", "in 1 day"), (2 * HOUR, "en", "in 2 hours"), (30 * timedelta(minutes=1), "en", "in 30 minutes"),
        (timedelta(seconds=20), "en", "in 1 minute"), (timedelta(0), "en", ""), (-HOUR, "en", ""),
        (3 * DAY, "es", "dentro de 3 días"), (2 * HOUR, "es", "dentro de 2 horas"), (DAY, "xx", "in 1 day"),
    ],
)  # fmt: skip
def test_how_long_it_is_until_then(left: timedelta, language: str, expected: str) -> None:
    assert until_then(replace(ACTION, starts_at=NOW + left), NOW, language) == expected


def test_days_until_then_are_those_of_the_calendar() -> None:
    thursday_evening, saturday = datetime(2026, 3, 5, 22, tzinfo=UTC), datetime(2026, 3, 7, 9, tzinfo=UTC)
    assert until_then(replace(ACTION, starts_at=saturday), thursday_evening, "en") == "in 2 days"
    assert until_then(replace(ACTION, starts_at=saturday), saturday - 10 * HOUR, "en") == "in 10 hours"
    in_auckland = replace(ACTION, starts_at=saturday, zone="Pacific/Auckland")
    assert until_then(in_auckland, saturday - 23 * HOUR, "en") == "in 1 day"


# --- lists -----------------------------------------------------------------------------------------------------


async def test_near_someone_is_what_lies_within_reach_soonest_first(store: Store) -> None:
    async def work(tx: Transaction) -> list[list[str]]:
        await action(tx, "late", 9)
        await action(tx, "soon", 2, cell=BRADFORD)
        await action(tx, "far", 3, cell=LONDON)
        await action(tx, "nowhere", 4, cell="")
        here, nobody_knows = await person(tx, "ana", cell=LEEDS), await person(tx, "bo")
        near = [await shown(tx, each, "actions_near_me") for each in (here, nobody_knows)]
        return [[str(option.facts["action"]["title"]) for option in options] for options in near]

    assert await store.run(work) == [["soon", "nowhere", "late"], ["soon", "far", "nowhere", "late"]]


async def test_what_is_over_or_not_public_or_theirs_already_is_not_offered(store: Store) -> None:
    async def work(tx: Transaction) -> list[str]:
        ana = await person(tx, "ana", cell=LEEDS)
        await action(tx, "over", -1)
        await action(tx, "proposed", state=PROPOSED)
        await action(tx, "cancelled", state=CANCELLED)
        await action(tx, "goes on", starts_at=NOW - HOUR)
        await tx.actions.sign_up(await action(tx, "hers"), ana, MAYBE)
        return [str(each.facts["action"]["title"]) for each in await shown(tx, ana, "actions_near_me")]

    assert await store.run(work) == ["goes on"]


async def test_a_list_is_never_longer_than_people_read(store: Store) -> None:
    async def work(tx: Transaction) -> dict[str, tuple[Option, ...]]:
        ana = await person(tx, "ana", cell=LEEDS)
        for number in range(MOST + 3):
            await action(tx, f"other {number}", 3)
            mine = await action(tx, f"mine {number}", 4)
            await tx.actions.sign_up(mine, ana, YES)
            await tx.actions.add_need(mine, "tea")
            await tx.actions.claim(await tx.actions.add_need(mine, "cups"), ana)
            await action(tx, f"training {number}", -4, kind=TRAINING, host_id=ana)
        return await lists(await turn_of(tx, ana))

    found = await store.run(work)
    assert found.keys() == set(NAMES)
    assert found.pop("not_checked_in") == ()
    assert {name: len(options) for name, options in found.items()} == dict.fromkeys(found, MOST)
    for options in found.values():
        labels = [option.label for option in options]
        assert len({option.id for option in options}) == len(set(labels)) == MOST
        assert all(0 < len(label) <= LONGEST for label in labels), labels


async def test_a_host_can_tell_two_of_one_name_apart_and_sees_first_names_only(store: Store) -> None:
    async def work(tx: Transaction) -> tuple[tuple[str, ...], tuple[Option, ...]]:
        sam = await person(tx, "sam")
        number, other = [await action(tx, title, host_id=sam) for title in ("hers", "other")]
        for name, who in (("Ana", "a1"), ("Ana", "a2"), ("Cleo", "a3"), ("Kim", "a4")):
            came = await person(tx, who, name=name)
            await tx.actions.sign_up(number, came, YES)
        await tx.actions.check_in(number, came)
        hosts = await lists(await turn_of(tx, sam), ("not_checked_in",), [number, other])
        theirs = await lists(await turn_of(tx, came), ("not_checked_in",), [number])
        assert {line.action for line in hosts["not_checked_in"]} == {str(number)}
        return tuple(line.label for line in hosts["not_checked_in"]), theirs["not_checked_in"]

    assert await store.run(work) == (("Ana", "Ana (2)", "Cleo"), ())


async def test_two_of_one_name_are_told_apart_by_what_a_host_sees_at_the_door(store: Store) -> None:
    async def work(tx: Transaction) -> list[str]:
        sam = await person(tx, "sam")
        number = await action(tx, host_id=sam)
        cake = await tx.actions.add_need(number, "cake")
        for who, others in (("a1", 0), ("a2", 2), ("a3", 1), ("Ben", 3)):
            comes = await person(tx, who, name="Ana" if who != "Ben" else who)
            await tx.actions.sign_up(number, comes, YES, others)
            if who == "a3":
                await tx.actions.claim(cake, comes)
        found = await lists(await turn_of(tx, sam), ("not_checked_in",), [number])
        return [line.label for line in found["not_checked_in"]]

    assert await store.run(work) == ["Ana", "Ana +2", "Ana, cake", "Ben"]


async def test_only_the_lists_that_are_wanted_are_made(store: Store) -> None:
    async def work(tx: Transaction) -> dict[str, tuple[Option, ...]]:
        return await lists(await turn_of(tx, await person(tx, "ana")), ("my_actions",))

    assert await store.run(work) == {"my_actions": ()}


async def test_theirs_are_those_to_come_with_the_address(store: Store) -> None:
    async def work(tx: Transaction) -> list[tuple[Value, Value]]:
        ana = await person(tx, "ana")
        for title, more in (("late", {"days": 9}), ("soon", {}), ("off", {"days": 3}), ("over", {"days": 1})):
            number = await action(tx, title, **more)
            await tx.actions.sign_up(number, ana, YES)
            if title == "off":
                await tx.actions.change(number, state=CANCELLED)
            if title == "over":
                await tx.actions.change(number, starts_at=NOW - DAY, ends_at=NOW - 20 * HOUR)
        options = await shown(tx, ana, "my_actions")
        return [(each.facts["action"]["title"], each.facts["action"]["address"]) for each in options]

    assert await store.run(work) == [("soon", "1 Park Row"), ("late", "1 Park Row")]


async def test_needs_are_those_still_open_for_what_they_come_to(store: Store) -> None:
    async def work(tx: Transaction) -> list[tuple[str, Value]]:
        ana, bo = await person(tx, "ana"), await person(tx, "bo")
        hers, other = await action(tx, "hers"), await action(tx, "other")
        await tx.actions.sign_up(hers, ana, YES)
        await tx.actions.add_need(other, "drums")
        await tx.actions.add_need(hers, "gloves")
        taken = await tx.actions.add_need(hers, "tea")
        brought = await tx.actions.add_need(hers, "cups", 5)
        await tx.actions.claim(taken, bo)
        await tx.actions.claim(brought, ana)
        return [(each.label, each.facts["action"]["title"]) for each in await shown(tx, ana, "open_needs")]

    assert await store.run(work) == [("gloves", "hers")]


@pytest.mark.parametrize(
    ("language", "times", "expected"),
    [
        ("en", ("saturday",), ["Sat 7 Mar, 11:00", "Sat 7 Mar, 15:00", "Sat 14 Mar, 11:00"]),
        ("es", ("weekday_evening",), ["mar 3 mar, 18:00", "mié 4 mar, 18:00", "jue 5 mar, 18:00"]),
        ("en", (), ["Tue 3 Mar, 11:00", "Tue 3 Mar, 18:00", "Wed 4 Mar, 11:00"]),
        ("en", ("whenever",), ["Tue 3 Mar, 11:00", "Tue 3 Mar, 18:00", "Wed 4 Mar, 11:00"]),
    ],
)
async def test_possible_times_are_those_they_said(
    store: Store, language: str, times: tuple[str, ...], expected: list[str]
) -> None:
    async def work(tx: Transaction) -> tuple[Option, ...]:
        return await shown(tx, await person(tx, "ana", language=language, times=times), "possible_times")

    options = await store.run(work)
    assert [" ".join(option.label.split()) for option in options][:3] == expected
    assert options[0].id[:10] in {"2026-03-07", "2026-03-03"}


# --- labels ----------------------------------------------------------------------------------------------------


def labelled(*actions: Action, language: str = "en") -> list[str]:
    return labels_of(actions, NOW, language, "Europe/London")


def test_a_label_is_the_day_and_the_place() -> None:
    saturday = replace(ACTION, starts_at=NOW + 5 * DAY)
    assert labelled(saturday) == ["Sat 7 Mar, Leeds"]
    assert labelled(saturday, language="es") == ["sáb 7 mar, Leeds"]
    assert labelled(replace(saturday, district="")) == ["Sat 7 Mar, Clean-up"]


def test_a_long_place_costs_the_month_where_the_day_is_near_and_else_its_end() -> None:
    saturday = replace(ACTION, starts_at=NOW + 5 * DAY, district="Wolverhampton")
    assert labelled(saturday) == ["Sat 7, Wolverhampton"]
    assert labelled(replace(saturday, starts_at=NOW + 40 * DAY)) == ["Sat 11 Apr, Clean-up"]
    assert labelled(replace(saturday, title="", starts_at=NOW + 40 * DAY)) == ["Sat 11 Apr, Wolverh…"]


def test_the_day_is_that_of_the_reader() -> None:
    late = replace(ACTION, starts_at=datetime(2026, 6, 5, 23, 30, tzinfo=UTC))
    assert labelled(late) == ["Sat 6 Jun, Leeds"]


def test_two_at_the_same_day_and_place_are_told_apart() -> None:
    saturday = replace(ACTION, starts_at=NOW + 5 * DAY)
    labels = labelled(*[replace(saturday, title=title) for title in ("Rally", "Clean-up", "Clean-up", "Clean-up", "x")])
    assert len(set(labels)) == 5
    assert labels[:2] == ["Sat 7 Mar, Leeds", "Sat 7, Leeds"]
    assert all(len(label) <= LONGEST for label in labels)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Short", "Short"), ("Exactly twenty chars", "Exactly twenty chars"), ("two\nlines", "two lines"), ("", ""),
        ("Tenants and housing now", "Tenants and housing…"), ("Wolverhamptonshirelands", "Wolverhamptonshirel…"),
        ("Clean the park, then tea", "Clean the park…"),
    ],
)  # fmt: skip
def test_what_is_too_long_is_cut_after_a_word(text: str, expected: str) -> None:
    assert cut(text) == expected
    assert len(cut(text)) <= LONGEST
