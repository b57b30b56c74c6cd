import asyncio
from datetime import timedelta

from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import someone, take


async def fail(store: Store, event_id: int) -> None:
    await store.run(lambda tx: tx.inbox.failed(event_id, "ZeroDivisionError"))


async def test_an_event_that_comes_many_times_at_once_counts_once(store: Store) -> None:
    person = await someone(store)
    took = await asyncio.gather(*(take(store, person.id, "7") for _ in range(20)))
    assert sorted(took) == [False] * 19 + [True]


async def test_the_same_number_from_another_source_is_another_event(store: Store) -> None:
    person = await someone(store)
    for source in ("telegram/main", "telegram/second", "slack/main"):
        assert await take(store, person.id, "7", source=source)


async def test_an_event_whose_turn_failed_was_not_seen(store: Store) -> None:
    person = await someone(store)

    async def fails(tx: Transaction) -> None:
        await tx.inbox.take("telegram", "7", person.id, "said", {})
        raise ZeroDivisionError

    for _ in range(2):
        try:
            await store.run(fails)
        except ZeroDivisionError:
            continue
        raise AssertionError
    assert await take(store, person.id, "7")


async def test_what_is_put_waits_in_order_until_it_is_taken_once(store: Store, watch: Watch) -> None:
    person = await someone(store)

    async def put(tx: Transaction) -> None:
        await tx.inbox.take("telegram", "1", person.id, "said", {"text": "taken at once"})
        for number in (5, 6):
            assert await tx.inbox.put("pair", f"{number}:offered", person.id, "happened", {"list": ("a", "b"), "n": 1})
        assert not await tx.inbox.put("pair", "5:offered", person.id, "happened", {})

    await store.run(put)
    waiting = await store.run(lambda tx: tx.inbox.untaken(10))
    assert [(each.source, each.event, each.kind) for each in waiting] == [
        ("pair", "5:offered", "happened"),
        ("pair", "6:offered", "happened"),
    ]
    assert waiting[0].body == {"list": ("a", "b"), "n": 1}
    assert waiting[0].arrived_at == watch.now
    assert len(await store.run(lambda tx: tx.inbox.untaken(1))) == 1
    number = waiting[0].id
    took = await asyncio.gather(*(store.run(lambda tx: tx.inbox.taken(number)) for _ in range(8)))
    assert sorted(took) == [False] * 7 + [True]
    assert [each.event for each in await store.run(lambda tx: tx.inbox.untaken(10))] == ["6:offered"]


async def test_an_event_is_tried_three_times_and_then_left_alone(store: Store) -> None:
    person = await someone(store)
    await store.run(lambda tx: tx.inbox.put("pair", "5", person.id, "happened", {}))
    for tries in range(3):
        waiting = await store.run(lambda tx: tx.inbox.untaken(10))
        assert [each.tries for each in waiting] == [tries]
        await fail(store, waiting[0].id)
    assert await store.run(lambda tx: tx.inbox.untaken(10)) == []
    assert not await store.run(lambda tx: tx.inbox.taken(waiting[0].id))
    assert not await store.run(lambda tx: tx.inbox.put("pair", "5", person.id, "happened", {}))


async def test_history_is_of_one_person_newest_first(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    for number in range(4):
        person = ben if number == 2 else ana
        await take(store, person.id, str(number), str(number))
    history = await store.read(lambda tx: tx.inbox.history(ana.id, 2))
    assert [each.body["text"] for each in history] == ["3", "1"]


async def test_old_bodies_are_deleted_and_their_events_stay_seen(store: Store, watch: Watch) -> None:
    person = await someone(store)
    for number in range(5):
        await take(store, person.id, str(number), str(number))
        watch.forward(timedelta(days=1))
    before = watch.now - timedelta(days=2)
    deleted = []
    while (many := await store.run(lambda tx: tx.inbox.delete_bodies(before, 2))) > 0:
        deleted.append(many)
    assert deleted == [2, 1]
    history = await store.run(lambda tx: tx.inbox.history(person.id, 10))
    assert [dict(each.body) for each in history] == [{"text": "4"}, {"text": "3"}, {}, {}, {}]
    assert not await take(store, person.id, "0")


async def test_whatever_people_type_comes_back(store: Store) -> None:
    person = await someone(store)
    texts = ["\ud83d half a pair", "nul \0 here", "\u2028", '"quoted" \\ back', "👩‍👩‍👧", "x" * 100_000, ""]
    for number, text in enumerate(texts):
        assert await take(store, person.id, str(number), text)
    history = await store.run(lambda tx: tx.inbox.history(person.id, 10))
    assert [each.body["text"] for each in reversed(history)] == texts
    huge = {"text": "", "number": 10**40}
    await store.run(lambda tx: tx.inbox.take("t", "huge", person.id, "said", huge))
    assert (await store.run(lambda tx: tx.inbox.history(person.id, 1)))[0].body == huge
