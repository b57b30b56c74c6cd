from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from flows.model import Say
from storage import schema
from storage.actions import PROPOSED, PUBLISHED, Action
from storage.pairs import INTRODUCED, OFFERED, WANTED, Pair
from storage.people import Person
from storage.store import Store, Transaction
from storage.tables import PAIRS, Row
from tests.databases import Database, Watch
from tests.storage.given import someone, talk


async def pair_of(store: Store, supporter_id: int, buddy_id: int, state: str) -> Pair:
    async def work(tx: Transaction) -> Pair | None:
        number = await tx.pairs.propose(supporter_id, buddy_id, state, 1, ["both climate"], None)
        assert number is not None
        return await tx.pairs.get(number)

    pair = await store.run(work)
    assert pair is not None
    return pair


async def action(store: Store, watch: Watch, days: int = 1, **more: Any) -> int:
    starts = watch.now + timedelta(days=days)
    given = {"title": "Clean-up", "zone": "UTC", "state": PUBLISHED, **more}
    return await store.run(lambda tx: tx.actions.add(starts_at=starts, ends_at=starts + timedelta(hours=2), **given))


async def got(store: Store, action_id: int) -> Action:
    found = await store.run(lambda tx: tx.actions.get(action_id))
    assert found is not None
    return found


async def test_open_pairs_end_on_either_side_and_the_others_are_named(store: Store, watch: Watch) -> None:
    ana, ben, cleo, dora = [(await someone(store, address)).id for address in "1234"]
    supported = await pair_of(store, ana, ben, INTRODUCED)
    serving = await pair_of(store, cleo, ana, OFFERED)
    wanted = await pair_of(store, dora, ana, WANTED)
    others = await pair_of(store, cleo, ben, OFFERED)
    watch.forward(timedelta(days=1))
    ended = await store.run(lambda tx: tx.people.forget(ana))
    assert sorted((pair.id, pair.state, pair.other(ana)) for pair in ended) == [
        (supported.id, INTRODUCED, ben),
        (serving.id, OFFERED, cleo),
        (wanted.id, WANTED, dora),
    ]
    now = await store.run(lambda tx: tx.pairs.of(ana))
    assert {(pair.state, pair.why, pair.ended_at, pair.reasons) for pair in now} == {
        ("ended", "forgotten", watch.now, ())
    }
    assert await store.run(lambda tx: tx.pairs.get(others.id)) == others


async def test_a_pair_that_was_over_stays_as_it_was_but_for_the_reasons(store: Store, database: Database) -> None:
    ana, ben, cleo = [(await someone(store, address)).id for address in "123"]
    over = replace(await pair_of(store, ana, ben, "declined"), why="not free")
    kept = await pair_of(store, cleo, ben, "declined")
    await store.run(lambda tx: tx.pairs.save(over))
    assert await store.run(lambda tx: tx.people.forget(ana)) == []
    assert await store.run(lambda tx: tx.pairs.get(over.id)) == replace(over, reasons=())
    with schema.connection(database.url) as connection:
        sealed = connection.execute(select(PAIRS.c.id, PAIRS.c.sealed.is_(None))).all()
    assert {tuple(row) for row in sealed} == {(over.id, True), (kept.id, False)}


async def test_places_and_needs_are_free_again_but_not_what_is_over(store: Store, watch: Watch) -> None:
    ana, ben = [(await someone(store, address)).id for address in "12"]
    soon, full, past = [await action(store, watch, days) for days in (2, 3, 1)]

    async def work(tx: Transaction) -> tuple[int, int]:
        await tx.actions.change(full, capacity=1)
        rope, gloves = await tx.actions.add_need(soon, "rope"), await tx.actions.add_need(soon, "gloves", 2)
        for person_id, bringing in ((ana, 2), (ben, 0)):
            for each in (soon, past):
                assert await tx.actions.sign_up(each, person_id, "yes", bringing) == "signed_up"
            await tx.actions.claim(gloves, person_id)
        assert await tx.actions.sign_up(full, ben, "yes", 0) == "signed_up"
        assert await tx.actions.sign_up(full, ana, "yes", 0) == "waiting_list"
        await tx.actions.claim(rope, ana)
        await tx.actions.give_back(rope, ana)
        await tx.actions.claim(rope, ben)
        return rope, gloves

    await store.run(work)
    watch.forward(timedelta(days=1, hours=12))
    await store.run(lambda tx: tx.people.forget(ana))
    assert [(await got(store, each)).going for each in (soon, full, past)] == [1, 1, 4]
    needs = await store.run(lambda tx: tx.actions.needs(soon))
    assert [(need.what, need.claimed) for need in needs] == [("rope", 1), ("gloves", 1)]
    assert [signup.person_id for signup in await store.run(lambda tx: tx.actions.people(soon))] == [ben]


async def test_a_maybe_gives_no_place_back_and_a_cancelled_place_only_once(store: Store, watch: Watch) -> None:
    ana, ben = [(await someone(store, address)).id for address in "12"]
    shared, left = await action(store, watch), await action(store, watch)

    async def work(tx: Transaction) -> None:
        await tx.actions.sign_up(shared, ana, "maybe", 3)
        await tx.actions.sign_up(left, ana, "yes", 0)
        for each in (shared, left):
            await tx.actions.sign_up(each, ben, "yes", 0)
        await tx.actions.cancel(left, ana)

    await store.run(work)
    await store.run(lambda tx: tx.people.forget(ana))
    assert [(await got(store, each)).going for each in (shared, left)] == [1, 1]


async def test_what_they_host_goes_on_without_a_host_and_what_they_proposed_does_not(
    store: Store, watch: Watch
) -> None:
    ana, ben = [(await someone(store, address)).id for address in "12"]
    words: dict[str, Any] = {"title": "Tea at mine", "what": "Tea", "address": "1 Mill Lane"}
    hosted = await action(store, watch, host_id=ana, **words)
    proposed = await action(store, watch, host_id=ana, state=PROPOSED, **words)
    others = await action(store, watch, host_id=ben, state=PROPOSED, **words)
    before = await got(store, hosted), await got(store, others)
    await store.run(lambda tx: tx.people.forget(ana))
    assert await got(store, hosted) == replace(before[0], host_id=None)
    assert await got(store, others) == before[1]
    gone = await got(store, proposed)
    assert (gone.state, gone.title, gone.what, gone.address, gone.host_id) == ("cancelled", "", "", "", None)


async def test_cards_about_them_are_closed_and_empty_and_what_others_reported_stays(store: Store, watch: Watch) -> None:
    ana, ben, cleo = [(await someone(store, address)).id for address in "123"]
    pair = await pair_of(store, ben, ana, INTRODUCED)
    other = await pair_of(store, ben, cleo, INTRODUCED)
    body = {"words": "Ana is late"}

    async def work(tx: Transaction) -> dict[str, int]:
        numbers = {
            "hers": await tx.cards.add("human", f"person:{ana}", ana, body),
            "acted": await tx.cards.add("buddy_to_approve", f"person:{ana}", ana, body),
            "her report": await tx.cards.add("report", "pair:77", ana, body, urgent=True),
            "pair": await tx.cards.add("match", f"pair:{pair.id}", ben, body),
            "his report": await tx.cards.add("report", f"pair:{pair.id}", ben, body, urgent=True),
            "other": await tx.cards.add("match", f"pair:{other.id}", ben, body),
        }
        assert await tx.cards.act(numbers["acted"], "approved", "Dora")
        return numbers

    numbers = await store.run(work)
    watch.forward(timedelta(hours=1))
    await store.run(lambda tx: tx.people.forget(ana))
    cards = {card.id: card for card in await store.run(lambda tx: tx.cards.newest(10))}
    left = {name: (cards[number].state, dict(cards[number].body)) for name, number in numbers.items()}
    assert left == {
        "hers": ("forgotten", {}),
        "acted": ("approved", {}),
        "her report": ("open", {}),
        "pair": ("forgotten", {}),
        "his report": ("open", body),
        "other": ("open", body),
    }
    assert cards[numbers["hers"]].acted_at == watch.now


async def test_the_other_tables_hold_nothing_of_them_and_all_of_the_others(
    store: Store, database: Database, watch: Watch
) -> None:
    ana, ben, cleo = [(await someone(store, address)).id for address in "123"]
    shared = await action(store, watch)

    async def live(tx: Transaction, person_id: int) -> None:
        await tx.actions.sign_up(shared, person_id, "yes", 0)
        await tx.actions.claim(await tx.actions.add_need(shared, "rope"), person_id)
        await tx.moments.begin("met", "pair:1", person_id, "7")
        await tx.links.make(person_id, f"code of {person_id}", tx.now + timedelta(days=1))
        await tx.consents.record(person_id, "pair", "May I introduce you?", 1)
        await tx.ledger.add(person_id, "wrote first")

    for person_id in (ana, ben):
        await store.run(lambda tx, number=person_id: live(tx, number))  # type: ignore[misc]
    await store.run(lambda tx: tx.people.block(ana, cleo))
    await store.run(lambda tx: tx.people.block(ben, ana))
    await store.run(lambda tx: tx.people.block(ben, cleo))
    await store.run(lambda tx: tx.people.forget(ana))
    tables = ("signups", "claims", "started", "links", "consents", "addresses", "blocks")
    with schema.connection(database.url) as connection:
        for table in tables:
            left = connection.execute(text(f"SELECT person_id FROM {table}")).scalars().all()
            assert ana not in left, table
            assert ben in left, table
    assert await store.run(lambda tx: tx.people.blocked(ben)) == {cleo}
    assert [line.what for line in await store.run(lambda tx: tx.ledger.of(ana))] == ["wrote first"]
    assert await store.run(lambda tx: tx.links.use(f"code of {ana}")) is None


async def test_a_buddy_who_is_forgotten_takes_nobody_and_waits_for_nobody(store: Store, watch: Watch) -> None:
    ana, ben = [(await someone(store, address)).id for address in "12"]

    async def work(tx: Transaction) -> None:
        await tx.buddies.serve(ana, role="buddy", capacity=3, approved_at=tx.now, away_until=tx.now)
        for person_id in (ana, ben):
            await tx.buddies.set_waiting(person_id, tx.now)

    await store.run(work)
    await store.run(lambda tx: tx.people.forget(ana))
    assert await store.run(lambda tx: tx.buddies.all()) == []
    assert [each.id for each in await store.run(lambda tx: tx.buddies.seekers(10))] == [ben]


async def test_whoever_is_forgotten_twice_is_forgotten(store: Store) -> None:
    ana, ben = [(await someone(store, address)).id for address in "12"]
    await pair_of(store, ana, ben, INTRODUCED)
    assert len(await store.run(lambda tx: tx.people.forget(ana))) == 1
    assert await store.run(lambda tx: tx.people.forget(ana)) == []


def test_every_table_with_a_person_in_it_is_thought_of_when_one_is_forgotten() -> None:
    persons = {
        table.name
        for table in Row.metadata.tables.values()
        if any(key.column.table.name == "people" for key in table.foreign_keys)
    }
    assert persons == {
        "actions", "addresses", "blocks", "card_lines", "cards", "claims", "consents", "conversations", "inbox",
        "links", "outbox", "pairs", "signups", "started",
    }  # fmt: skip


async def test_numbers_of_messages_and_conversations_are_never_given_again(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")

    async def talks(tx: Transaction, person: Person) -> tuple[int, int]:
        begun = await tx.conversations.add(person.id, talk(), None)
        await tx.outbox.add(person, person.address_id, begun, [Say("hi")])
        [decided] = await tx.outbox.newest(person.id, 1)
        return begun, decided.id

    before = await store.run(lambda tx: talks(tx, ana))
    await store.run(lambda tx: tx.people.forget(ana.id))
    after = await store.run(lambda tx: talks(tx, ben))
    assert after[0] > before[0], "old buttons would be pressed in somebody else's conversation"
    assert after[1] > before[1], "a platform would take it for a message that it has shown already"
    left = await store.run(lambda tx: tx.outbox.newest(ana.id, 5))
    assert [(each.say, each.state) for each in left] == [(None, "dropped")]
