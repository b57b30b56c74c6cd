import asyncio
from datetime import timedelta

from storage.store import Store
from tests.databases import Watch
from tests.storage.given import someone


async def test_a_card_comes_back_as_it_was_written(store: Store, watch: Watch) -> None:
    ana = await someone(store)
    body = {"name": "Ana", "reasons": ("climate", "saturdays"), "since": watch.now}
    number = await store.run(lambda tx: tx.cards.add("match", "pair:12", ana.id, body))
    card = await store.read(lambda tx: tx.cards.get(number))
    assert card is not None
    assert (card.kind, card.subject, card.person_id, card.body) == ("match", "pair:12", ana.id, body)
    assert (card.urgent, card.state, card.created_at) == (False, "open", watch.now)
    assert (card.acted_at, card.acted_by) == (None, "")
    assert await store.read(lambda tx: tx.cards.get(number + 1)) is None


async def test_of_one_kind_about_one_subject_there_is_one_open_card(store: Store, watch: Watch) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    first = await store.run(lambda tx: tx.cards.add("stalled", "pair:1", ana.id, {"hours": 48}))
    watch.forward(timedelta(days=1))
    again = await store.run(lambda tx: tx.cards.add("stalled", "pair:1", ben.id, {"hours": 72}, urgent=True))
    assert again == first
    (card,) = await store.read(lambda tx: tx.cards.open(10))
    assert (card.person_id, card.body, card.urgent) == (ben.id, {"hours": 72}, True)
    assert card.created_at == watch.now - timedelta(days=1)
    others = [("stalled", "pair:2"), ("match", "pair:1")]
    for kind, subject in others:
        await store.run(lambda tx, kind=kind, subject=subject: tx.cards.add(kind, subject, ana.id, {}))  # type: ignore[misc]
    assert len(await store.read(lambda tx: tx.cards.open(10))) == 3
    assert await store.run(lambda tx: tx.cards.act(first, "looked at", "Eve"))
    new = await store.run(lambda tx: tx.cards.add("stalled", "pair:1", ana.id, {"hours": 96}))
    assert new != first


async def test_two_who_act_at_once_are_one(store: Store, watch: Watch) -> None:
    ana = await someone(store)
    number = await store.run(lambda tx: tx.cards.add("human", f"person:{ana.id}", ana.id, {}))
    watch.forward(timedelta(minutes=5))

    async def act(by: str) -> bool:
        return await store.run(lambda tx: tx.cards.act(number, "taken", by))

    acted = await asyncio.gather(*(act(by) for by in ("Eve", "Finn", "Gus")))
    assert sorted(acted) == [False, False, True]
    card = await store.read(lambda tx: tx.cards.get(number))
    assert card is not None
    assert card.acted_by == ("Eve", "Finn", "Gus")[acted.index(True)]
    assert (card.state, card.acted_at) == ("taken", watch.now)
    assert await store.read(lambda tx: tx.cards.open(10)) == []


async def test_the_urgent_wait_first_and_the_newest_are_shown_whatever_became_of_them(store: Store) -> None:
    ana = await someone(store)
    numbers = []
    for subject, urgent in [("a", False), ("b", False), ("c", True)]:
        numbers.append(
            await store.run(lambda tx, s=subject, u=urgent: tx.cards.add("report", s, ana.id, {}, u))  # type: ignore[misc]
        )
    one, two, three = numbers
    assert [card.id for card in await store.read(lambda tx: tx.cards.open(10))] == [three, one, two]
    assert [card.id for card in await store.read(lambda tx: tx.cards.open(1))] == [three]
    await store.run(lambda tx: tx.cards.act(three, "done", "Eve"))
    assert [card.id for card in await store.read(lambda tx: tx.cards.newest(2))] == [three, two]


async def test_the_settled_are_shown_by_when_somebody_acted(store: Store, watch: Watch) -> None:
    ana = await someone(store)
    numbers = [
        await store.run(lambda tx, s=subject: tx.cards.add("report", s, ana.id, {}))  # type: ignore[misc]
        for subject in "abcd"
    ]
    for number in (numbers[2], numbers[0], numbers[1]):
        watch.forward(timedelta(minutes=1))
        await store.run(lambda tx, n=number: tx.cards.act(n, "done", "Eve"))  # type: ignore[misc]
    assert [card.id for card in await store.read(lambda tx: tx.cards.settled(10))] == [
        numbers[1],
        numbers[0],
        numbers[2],
    ]
    assert [card.id for card in await store.read(lambda tx: tx.cards.settled(1))] == [numbers[1]]


async def test_the_card_of_someone_forgotten_stays_without_its_body(store: Store) -> None:
    ana = await someone(store)
    number = await store.run(lambda tx: tx.cards.add("told", "person:1", ana.id, {"name": "Ana"}))
    await store.run(lambda tx: tx.people.forget(ana.id))
    card = await store.read(lambda tx: tx.cards.get(number))
    assert card is not None
    assert card.body == {}
