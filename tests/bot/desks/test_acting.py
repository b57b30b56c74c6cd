"""What the buttons of cards do, on a real bot."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.desks.acting import NotDone, Press, act
from bot.desks.base import APPROVE, DECLINE, DONE, REPLY
from bot.world import World
from storage.audit import COORDINATOR
from storage.pairs import OFFERED, REFUSED, WANTED
from storage.store import Store, Transaction
from tests.databases import Watch

WORLD = World()


async def someone(tx: Transaction, name: str, role: str = "") -> int:
    person = await tx.people.add("web", "web", name, "en")
    await tx.people.save(person.id, {"name": name}, role=role)
    return person.id


async def press(store: Store, card: int, button: str, text: str = "") -> str:
    return await store.run(
        lambda tx: act(tx, WORLD, Press(card=card, button=button, text=text, role=COORDINATOR, by="Kim", name="Kim"))
    )


async def left(store: Store) -> list[tuple[int, str, dict[str, object]]]:
    """What waits for whom: (person, kind, body)."""
    waiting = await store.run(lambda tx: tx.inbox.untaken(20))
    return [(event.person_id, event.kind, dict(event.body)) for event in waiting]


async def asked_to_be_buddy(store: Store) -> tuple[int, int]:
    async def work(tx: Transaction) -> tuple[int, int]:
        person = await someone(tx, "Sam", "buddy")
        return person, await tx.cards.add("buddy_to_approve", f"person:{person}", person, {"capacity": 1})

    return await store.run(work)


async def wanted(store: Store, watch: Watch) -> tuple[int, int, int, int]:
    async def work(tx: Transaction) -> tuple[int, int, int, int]:
        ana, sam = await someone(tx, "Ana"), await someone(tx, "Sam", "buddy")
        pair = await tx.pairs.propose(ana, sam, WANTED, 1.0, [], watch.now + timedelta(days=1))
        assert pair is not None
        return ana, sam, pair, await tx.cards.add("match_to_approve", f"pair:{pair}", ana, {"pair": str(pair)})

    return await store.run(work)


async def test_a_buddy_who_is_approved_hears_of_it(store: Store, watch: Watch) -> None:
    person, card = await asked_to_be_buddy(store)
    await press(store, card, APPROVE)
    buddy = await store.run(lambda tx: tx.buddies.get(person))
    assert buddy is not None
    assert buddy.approved_at == watch.now
    assert await left(store) == [(person, "happened", {"name": "buddy.approved"})]


async def test_a_buddy_who_is_not_approved_stays_a_supporter_and_hears_nothing(store: Store) -> None:
    person, card = await asked_to_be_buddy(store)
    await press(store, card, DECLINE)
    assert await store.run(lambda tx: tx.buddies.get(person)) is None
    assert await left(store) == []


async def test_every_press_that_did_something_is_in_the_audit_trail(store: Store) -> None:
    _, card = await asked_to_be_buddy(store)
    with pytest.raises(NotDone):
        await press(store, card, "nonsense")
    await press(store, card, APPROVE)
    trail = await store.read(lambda tx: tx.audit.newest(9))
    assert [(each.role, each.by, each.what, each.subject) for each in trail] == [
        ("coordinator", "Kim", "buddy_to_approve: approve", f"card:{card}")
    ]


async def test_an_approved_match_asks_the_buddy(store: Store, watch: Watch) -> None:
    _, sam, pair_id, card = await wanted(store, watch)
    await press(store, card, APPROVE)
    pair = await store.run(lambda tx: tx.pairs.get(pair_id))
    assert pair is not None
    assert (pair.state, pair.answer_by) == (OFFERED, watch.now + WORLD.pairing.answer_within)
    assert await left(store) == [(sam, "happened", {"name": "pair.offered", "pair": str(pair_id)})]


async def test_a_match_that_is_declined_lets_the_supporter_be_looked_after(store: Store, watch: Watch) -> None:
    ana, _, pair_id, card = await wanted(store, watch)
    await press(store, card, DECLINE)
    pair = await store.run(lambda tx: tx.pairs.get(pair_id))
    assert pair is not None
    assert pair.state == REFUSED
    assert await left(store) == [(ana, "search", {"pair": str(pair_id)})]


async def test_an_approved_action_is_published_and_a_declined_one_is_not(store: Store, watch: Watch) -> None:
    async def propose(tx: Transaction, title: str) -> tuple[int, int, int]:
        host = await someone(tx, title)
        starts = watch.now + timedelta(days=3)
        action = await tx.actions.add(title=title, starts_at=starts, ends_at=starts, zone="UTC", host_id=host)
        return host, action, await tx.cards.add("action_proposed", f"action:{action}", host, {"title": title})

    yes_host, yes, yes_card = await store.run(lambda tx: propose(tx, "Picnic"))
    no_host, no, no_card = await store.run(lambda tx: propose(tx, "Party"))
    await press(store, yes_card, APPROVE)
    await press(store, no_card, DECLINE)
    assert [action.title for action in await store.run(lambda tx: tx.actions.upcoming(5))] == ["Picnic"]
    assert await left(store) == [
        (yes_host, "happened", {"name": "action.published", "action": str(yes)}),
        (no_host, "happened", {"name": "action.cancelled", "action": str(no)}),
    ]


async def test_an_answer_goes_to_the_person_and_an_empty_one_nowhere(store: Store) -> None:
    async def ask(tx: Transaction) -> tuple[int, int]:
        ana = await someone(tx, "Ana")
        return ana, await tx.cards.add("human", f"person:{ana}", ana, {"about": "my dog"})

    ana, card = await store.run(ask)
    with pytest.raises(NotDone, match="Write an answer"):
        await press(store, card, REPLY, "   ")
    await press(store, card, REPLY, " Bring him! ")
    assert await left(store) == [(ana, "replied", {"text": "Bring him!", "name": "Kim"})]
    shown = await store.run(lambda tx: tx.cards.get(card))
    assert shown is not None
    assert (shown.state, shown.acted_by) == (REPLY, "Kim")


async def test_two_who_press_at_once_make_one_action(store: Store) -> None:
    person, card = await asked_to_be_buddy(store)
    pressed = await asyncio.gather(*(press(store, card, APPROVE) for _ in range(5)), return_exceptions=True)
    refused = [each for each in pressed if isinstance(each, NotDone)]
    assert len(refused) == 4
    assert "quicker" in str(refused[0])
    assert await left(store) == [(person, "happened", {"name": "buddy.approved"})]


async def test_what_cannot_be_done_changes_nothing(store: Store, watch: Watch) -> None:
    _, _, pair_id, card = await wanted(store, watch)
    with pytest.raises(NotDone, match="no such button"):
        await press(store, card, REPLY, "hello")
    with pytest.raises(NotDone, match="gone"):
        await press(store, card + 7, DONE)

    async def declined(tx: Transaction) -> None:
        pair = await tx.pairs.lock(pair_id)
        assert pair is not None
        await tx.pairs.save(replace(pair, state="ended"))

    await store.run(declined)
    with pytest.raises(NotDone, match="not waiting"):
        await press(store, card, APPROVE)
    shown = await store.run(lambda tx: tx.cards.get(card))
    assert shown is not None
    assert shown.state == "open"
    assert await left(store) == []


async def test_done_closes_every_card(store: Store) -> None:
    async def tell(tx: Transaction) -> int:
        ana = await someone(tx, "Ana")
        return await tx.cards.add("told", "conversation:1", ana, {"about": "no buddy yet"})

    card = await store.run(tell)
    await press(store, card, DONE)
    shown = await store.run(lambda tx: tx.cards.get(card))
    assert shown is not None
    assert shown.state == DONE
