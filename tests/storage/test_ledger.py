from datetime import timedelta

from storage.ledger import Line
from storage.store import Store
from tests.databases import Watch


async def add(store: Store, person_id: int | None, what: str, subject: str = "") -> None:
    await store.run(lambda tx: tx.ledger.add(person_id, what, "welcome", subject, "to a friend"))


async def test_a_persons_lines_are_theirs_in_the_order_in_which_they_happened(store: Store, watch: Watch) -> None:
    await add(store, 1, "wrote first")
    await add(store, 2, "wrote first")
    begun = watch.now
    watch.forward(timedelta(hours=1))
    await add(store, 1, "pair.met", "pair:7")
    lines = await store.read(lambda tx: tx.ledger.of(1))
    assert lines == [
        Line(lines[0].id, 1, "wrote first", begun, "welcome", "", "to a friend"),
        Line(lines[1].id, 1, "pair.met", watch.now, "welcome", "pair:7", "to a friend"),
    ]
    assert lines[0].id < lines[1].id


async def test_the_newest_lines_are_of_everybody(store: Store) -> None:
    for person_id, what in [(1, "wrote first"), (None, "forgotten"), (2, "wrote first")]:
        await add(store, person_id, what)
    newest = await store.read(lambda tx: tx.ledger.newest(2))
    assert [(line.person_id, line.what) for line in newest] == [(2, "wrote first"), (None, "forgotten")]


async def test_the_first_time_is_the_first_of_that_person_and_that_happening(store: Store, watch: Watch) -> None:
    await add(store, 2, "checkin.made", "action:1")
    await add(store, 1, "signup.made", "action:1")
    watch.forward(timedelta(days=1))
    await add(store, 1, "checkin.made", "action:2")
    first = watch.now
    watch.forward(timedelta(days=1))
    await add(store, 1, "checkin.made", "action:3")
    line = await store.read(lambda tx: tx.ledger.first("checkin.made", 1))
    assert line is not None
    assert (line.at, line.subject) == (first, "action:2")
    assert await store.read(lambda tx: tx.ledger.first("checkin.made", 3)) is None


async def test_connections_are_counted_once_for_both(store: Store) -> None:
    for person_id, pair in [(1, "pair:1"), (2, "pair:1"), (1, "pair:2"), (3, "pair:2"), (1, "pair:1")]:
        await add(store, person_id, "pair.met", pair)
    await add(store, 4, "pair.introduced", "pair:3")
    await add(store, 4, "pair.met")
    assert await store.read(lambda tx: tx.ledger.subjects("pair.met")) == 2
    assert await store.read(lambda tx: tx.ledger.subjects("pair.ended")) == 0


async def test_only_who_did_it_for_the_first_time_counts_as_a_first(store: Store, watch: Watch) -> None:
    await add(store, 1, "checkin.made")
    watch.forward(timedelta(days=1))
    since = watch.now
    for person_id in (1, 2, 2):
        await add(store, person_id, "checkin.made")
    await add(store, None, "checkin.made")
    await add(store, 1, "pair.met")
    watch.forward(timedelta(days=1))
    until = watch.now
    await add(store, 3, "checkin.made")
    whats = ["checkin.made", "pair.met", "buddy.approved"]
    firsts = await store.read(lambda tx: tx.ledger.firsts(whats, since, until))
    assert firsts == {"checkin.made": 1, "pair.met": 1, "buddy.approved": 0}


async def test_counts_are_of_lines_and_of_people_in_a_span_without_its_end(store: Store, watch: Watch) -> None:
    since = watch.now
    for person_id in (1, 1, 2):
        await add(store, person_id, "began")
    watch.forward(timedelta(days=1))
    until = watch.now
    await add(store, 3, "began")
    assert await store.read(lambda tx: tx.ledger.counts(since, until)) == {"began": (3, 2)}
