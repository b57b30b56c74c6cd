import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from storage.actions import PROPOSED, PUBLISHED, Action
from storage.errors import NotFound
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import someone


async def action(store: Store, watch: Watch, starts: timedelta = timedelta(days=2), **more: Any) -> int:
    """A published clean-up of two hours."""
    begins = watch.now + starts
    given = {"title": "River clean-up", "ends_at": begins + timedelta(hours=2), "state": PUBLISHED, **more}
    return await store.run(lambda tx: tx.actions.add(starts_at=begins, zone="Europe/London", **given))


async def found(store: Store, action_id: int) -> Action:
    got = await store.read(lambda tx: tx.actions.get(action_id))
    assert got is not None
    return got


async def sign_up(store: Store, action_id: int, person_id: int, kind: str = "yes", bringing: int = 0) -> str:
    return await store.run(lambda tx: tx.actions.sign_up(action_id, person_id, kind, bringing))


async def people(store: Store, count: int) -> list[int]:
    return [(await someone(store, f"address {number}")).id for number in range(count)]


async def test_what_was_added_is_found_again(store: Store, watch: Watch) -> None:
    host = await someone(store)
    begins = watch.now + timedelta(days=3)
    everything: dict[str, Any] = {
        "title": "Repair café", "what": "Mend what is broken", "kind": "training", "district": "Leeds",
        "cell": "88195da49bfffff", "address": "1 Mill Lane", "starts_at": begins,
        "ends_at": begins + timedelta(hours=3), "zone": "Europe/London", "capacity": 12, "goal": 10, "secret": "kettle",
        "state": PUBLISHED, "host_id": host.id, "campaign": "Mend week", "materials": "https://example.org/repair",
    }  # fmt: skip
    number = await store.run(lambda tx: tx.actions.add(**everything))
    assert await found(store, number) == Action(id=number, going=0, published_at=watch.now, **everything)
    assert await store.read(lambda tx: tx.actions.get(number + 1)) is None


async def test_only_what_is_published_is_listed_by_time(store: Store, watch: Watch) -> None:
    later = await action(store, watch, timedelta(days=5))
    over = await action(store, watch, timedelta(days=-1))
    on = await action(store, watch, timedelta(hours=-1))
    await action(store, watch, timedelta(days=1), state=PROPOSED)
    listed = await store.read(lambda tx: tx.actions.upcoming(10))
    assert [each.id for each in listed] == [on, later]
    assert [each.id for each in await store.read(lambda tx: tx.actions.upcoming(1))] == [on]
    assert len(await store.read(lambda tx: tx.actions.newest(10))) == 4

    async def between(since: datetime, until: datetime, column: str) -> list[int]:
        found = await store.read(lambda tx: tx.actions.between(since, until, column=column))
        return [each.id for each in found]

    start = watch.now - timedelta(days=1)
    assert await between(start, start, "starts_at") == [over]
    assert await between(start, watch.now, "starts_at") == [over, on]
    assert await between(watch.now, watch.now + timedelta(hours=1), "ends_at") == [on]
    assert await between(start - timedelta(days=1), start - timedelta(seconds=1), "starts_at") == []


async def test_a_change_touches_only_what_it_names(store: Store, watch: Watch) -> None:
    number = await action(store, watch, state=PROPOSED, campaign="Spring")
    before = await found(store, number)
    assert before.published_at is None
    watch.forward(timedelta(hours=1))
    await store.run(lambda tx: tx.actions.change(number, state=PUBLISHED, capacity=5, campaign="Summer"))
    changed = await found(store, number)
    assert (changed.state, changed.capacity, changed.campaign) == (PUBLISHED, 5, "Summer")
    assert changed.published_at == watch.now
    assert (changed.title, changed.starts_at) == (before.title, before.starts_at)
    watch.forward(timedelta(hours=1))
    moved = before.starts_at + timedelta(days=1)
    await store.run(lambda tx: tx.actions.change(number, state=PUBLISHED, starts_at=moved, capacity=None))
    again = await found(store, number)
    assert again.published_at == changed.published_at
    assert (again.starts_at, again.capacity) == (moved, None)
    with pytest.raises(TypeError, match="going"):
        await store.run(lambda tx: tx.actions.change(number, going=100))
    with pytest.raises(NotFound):
        await store.run(lambda tx: tx.actions.change(number + 1, title="Nothing"))


async def test_signing_up_again_is_the_same_as_once(store: Store, watch: Watch) -> None:
    number = await action(store, watch, capacity=3)
    (ana,) = await people(store, 1)
    for _ in range(2):
        assert await sign_up(store, number, ana) == "signed_up"
    assert (await found(store, number)).going == 1
    signup = await store.read(lambda tx: tx.actions.signup(number, ana))
    assert signup is not None
    assert (signup.kind, signup.state, signup.bringing, signup.at) == ("yes", "going", 0, watch.now)


async def test_who_says_it_differently_later_changes_their_places(store: Store, watch: Watch) -> None:
    number = await action(store, watch, capacity=3)
    (ana,) = await people(store, 1)
    for kind, bringing, outcome, going in [
        ("maybe", 0, "signed_up", 0),
        ("yes", 1, "signed_up", 2),
        ("yes", 2, "signed_up", 3),
        ("yes", 3, "full", 3),
        ("yes", 0, "signed_up", 1),
        ("maybe", 0, "signed_up", 0),
    ]:
        assert await sign_up(store, number, ana, kind, bringing) == outcome
        assert (await found(store, number)).going == going


async def test_more_than_there_is_room_for_keep_the_places_they_had(store: Store, watch: Watch) -> None:
    number = await action(store, watch, capacity=3)
    ana, ben = await people(store, 2)
    assert await sign_up(store, number, ana) == "signed_up"
    assert await sign_up(store, number, ben, "yes", 1) == "signed_up"
    assert await sign_up(store, number, ana, "yes", 1) == "full"
    signup = await store.read(lambda tx: tx.actions.signup(number, ana))
    assert signup is not None
    assert (signup.state, signup.bringing) == ("going", 0)
    assert (await found(store, number)).going == 3


async def test_nobody_signs_up_for_what_is_over_or_not_published(store: Store, watch: Watch) -> None:
    (ana,) = await people(store, 1)
    over = await action(store, watch, timedelta(days=-1))
    proposed = await action(store, watch, state=PROPOSED)
    assert await sign_up(store, over, ana) == "past"
    assert await sign_up(store, proposed, ana) == "gone"
    assert await sign_up(store, proposed + 1, ana) == "gone"
    assert await store.read(lambda tx: tx.actions.signups_of(ana)) == []


async def test_the_last_place_is_given_once_however_many_want_it(store: Store, watch: Watch) -> None:
    number = await action(store, watch, capacity=5)
    many = await people(store, 12)
    outcomes = await asyncio.gather(*(sign_up(store, number, each) for each in many))
    assert sorted(outcomes) == ["signed_up"] * 5 + ["waiting_list"] * 7
    assert (await found(store, number)).going == 5
    states = [each.state for each in await store.read(lambda tx: tx.actions.people(number))]
    assert sorted(states) == ["going"] * 5 + ["waiting"] * 7


async def test_a_party_that_can_never_fit_is_not_made_to_wait(store: Store, watch: Watch) -> None:
    number = await action(store, watch, capacity=2)
    ana, ben = await people(store, 2)
    assert await sign_up(store, number, ana, "yes", 2) == "full"
    assert await store.read(lambda tx: tx.actions.signup(number, ana)) is None
    assert await sign_up(store, number, ben, "maybe", 2) == "signed_up"


async def test_a_free_place_goes_to_who_has_waited_longest_and_fits(store: Store, watch: Watch) -> None:
    number = await action(store, watch, capacity=2)
    ana, family, ben, gone = await people(store, 4)
    assert await sign_up(store, number, ana, "yes", 1) == "signed_up"
    for waits, bringing in [(gone, 0), (family, 1), (ben, 0)]:
        watch.forward(timedelta(minutes=1))
        assert await sign_up(store, number, waits, "yes", bringing) == "waiting_list"
    await store.run(lambda tx: tx.people.save(gone, {}, status="stopped"))

    async def next_waiting() -> int | None:
        return await store.read(lambda tx: tx.actions.next_waiting(number))

    assert await next_waiting() is None
    assert await sign_up(store, number, ana) == "signed_up"
    assert await next_waiting() == ben
    assert await store.run(lambda tx: tx.actions.cancel(number, ana))
    assert await next_waiting() == family
    assert await sign_up(store, number, family, "yes", 1) == "signed_up"
    assert await next_waiting() is None
    assert (await found(store, number)).going == 2
    watch.forward(timedelta(days=3))
    assert await store.run(lambda tx: tx.actions.cancel(number, family))
    assert await next_waiting() is None


async def test_who_cancels_frees_their_places_and_what_they_would_have_brought(store: Store, watch: Watch) -> None:
    number = await action(store, watch, capacity=4)
    other = await action(store, watch)
    ana, ben = await people(store, 2)
    soup = await store.run(lambda tx: tx.actions.add_need(number, "soup"))
    bread = await store.run(lambda tx: tx.actions.add_need(other, "bread"))
    for where in (number, other):
        await sign_up(store, where, ana, "yes", 2)
    for need in (soup, bread):
        assert await store.run(lambda tx, need=need: tx.actions.claim(need, ana))  # type: ignore[misc]
    assert await store.run(lambda tx: tx.actions.cancel(number, ana))
    assert not await store.run(lambda tx: tx.actions.cancel(number, ana))
    assert not await store.run(lambda tx: tx.actions.cancel(number, ben))
    assert (await found(store, number)).going == 0
    assert await store.run(lambda tx: tx.actions.claim(soup, ben))
    assert not await store.run(lambda tx: tx.actions.claim(bread, ben))
    assert await store.read(lambda tx: tx.actions.people(number)) == []


async def test_who_comes_back_has_lost_their_turn(store: Store, watch: Watch) -> None:
    number = await action(store, watch, capacity=1)
    ana, ben, cleo = await people(store, 3)
    for person in (ana, ben, cleo):
        watch.forward(timedelta(minutes=1))
        await sign_up(store, number, person)
    await store.run(lambda tx: tx.actions.cancel(number, ben))
    watch.forward(timedelta(minutes=1))
    assert await sign_up(store, number, ben) == "waiting_list"
    waiting = await store.read(lambda tx: tx.actions.people(number))
    assert [each.person_id for each in waiting] == [ana, cleo, ben]
    assert waiting[-1].at == watch.now


async def test_someone_checks_in_once_and_only_where_they_signed_up(store: Store, watch: Watch) -> None:
    number = await action(store, watch)
    ana, ben = await people(store, 2)
    await sign_up(store, number, ana, "maybe")
    came = [await store.run(lambda tx, who=who: tx.actions.check_in(number, who)) for who in (ana, ana, ben)]  # type: ignore[misc]
    assert came == [True, False, False]
    assert await store.run(lambda tx: tx.actions.confirm(number, ana))
    assert not await store.run(lambda tx: tx.actions.confirm(number, ben))
    signup = await store.read(lambda tx: tx.actions.signup(number, ana))
    assert signup is not None
    assert (signup.checked_in_at, signup.confirmed_at) == (watch.now, watch.now)


async def test_what_someone_signed_up_for_is_told_in_the_order_of_its_time(store: Store, watch: Watch) -> None:
    (ana,) = await people(store, 1)
    later, sooner, dropped = [await action(store, watch, timedelta(days=days)) for days in (5, 1, 3)]
    for number in (later, sooner, dropped):
        await sign_up(store, number, ana)
    await store.run(lambda tx: tx.actions.cancel(dropped, ana))
    watch.forward(timedelta(days=2))
    mine = await store.read(lambda tx: tx.actions.signups_of(ana))
    assert [(each.id, signup.action_id, each.going) for each, signup in mine] == [
        (sooner, sooner, 1),
        (later, later, 1),
    ]


async def test_what_is_wanted_is_claimed_no_more_often_than_that(store: Store, watch: Watch) -> None:
    number = await action(store, watch)
    many = await people(store, 6)
    need = await store.run(lambda tx: tx.actions.add_need(number, "gloves", 2))
    claimed = await asyncio.gather(*(store.run(lambda tx, who=who: tx.actions.claim(need, who)) for who in many))  # type: ignore[misc]
    assert sorted(claimed) == [False] * 4 + [True] * 2
    bringer, other = many[claimed.index(True)], many[claimed.index(False)]
    assert await store.run(lambda tx: tx.actions.claim(need, bringer))
    (shown,) = await store.read(lambda tx: tx.actions.needs(number))
    assert (shown.id, shown.what, shown.wanted, shown.claimed) == (need, "gloves", 2, 2)
    assert await store.read(lambda tx: tx.actions.claimed(number, bringer)) == [need]

    async def exchange(tx: Transaction) -> tuple[bool, bool, bool, bool, bool]:
        return (
            await tx.actions.give_back(need, other),
            await tx.actions.give_back(need, bringer),
            await tx.actions.give_back(need, bringer),
            await tx.actions.claim(need, other),
            await tx.actions.claim(need, bringer),
        )

    assert await store.run(exchange) == (False, True, False, True, False)
    assert not await store.run(lambda tx: tx.actions.claim(need + 1, bringer))
