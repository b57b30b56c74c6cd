import asyncio
from datetime import timedelta

import pytest

from flows.model import Say, Value
from storage.errors import KeyDestroyed, NotFound
from storage.people import Known, Loaded, Person
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import CHANNEL, someone, take, talk
from tests.waiting import PATIENCE


async def loaded(store: Store, address: str = "100") -> Loaded | None:
    return await store.run(lambda tx: tx.people.lock_and_load(*CHANNEL, address))


async def test_a_stranger_is_nobody(store: Store) -> None:
    await someone(store, "100")
    assert await loaded(store, "101") is None
    assert await store.run(lambda tx: tx.people.lock_and_load("telegram", "other", "100")) is None
    assert await store.run(lambda tx: tx.people.by_address("slack", "main", "100")) is None


async def test_a_person_is_found_by_address_and_by_number(store: Store, watch: Watch) -> None:
    person = await someone(store)
    assert (person.status, person.language, person.created_at) == ("active", "en", watch.now)
    assert (person.channel, person.account) == CHANNEL
    assert await store.run(lambda tx: tx.people.by_address(*CHANNEL, "100")) == person
    assert await store.run(lambda tx: tx.people.get(person.id)) == person
    assert await store.run(lambda tx: tx.people.load(person.id)) == Loaded(person, (), 0)
    assert await loaded(store) == Loaded(person, (), 0)


async def test_fields_come_back_as_they_were_saved(store: Store) -> None:
    person = await someone(store)
    fields: dict[str, Value] = {
        "name": "Zoë 🌱",
        "interests": ("climate", "food"),
        "adult": True,
        "capacity": 3,
        "half": 0.5,
        "x": None,
    }

    async def save(tx: Transaction) -> None:
        await tx.people.save(person.id, fields, role="supporter", district="Leeds")
        await tx.people.save(person.id, fields, status="paused", language="es")

    await store.run(save)
    found = await loaded(store)
    assert found is not None
    assert found.person.fields == fields
    assert (found.person.role, found.person.district) == ("supporter", "Leeds")
    assert (found.person.status, found.person.language) == ("paused", "es")


async def test_saving_replaces_all_fields(store: Store) -> None:
    person = await someone(store)
    await store.run(lambda tx: tx.people.save(person.id, {"name": "Ana", "place": "Leeds"}))
    await store.run(lambda tx: tx.people.save(person.id, {"name": "Ana"}))
    found = await loaded(store)
    assert found is not None
    assert found.person.fields == {"name": "Ana"}


async def test_a_turn_loads_the_open_conversations_and_the_library_in_force(store: Store) -> None:
    person = await someone(store)

    async def begin(tx: Transaction) -> tuple[int, int, int]:
        first = await tx.conversations.add(person.id, talk("one"), None)
        ended = await tx.conversations.add(person.id, talk("two"), None)
        await tx.conversations.end(person.id, talk("two").with_(id=ended), "done")
        third = await tx.conversations.add(person.id, talk("three"), None)
        return first, third, await tx.library.activate({"welcome.yaml": "flow: welcome"})

    first, third, library = await store.run(begin)
    found = await loaded(store)
    assert found is not None
    assert [(each.id, each.state) for each in found.conversations] == [(first, "one"), (third, "three")]
    assert found.library == library


async def test_two_first_messages_at_once_make_one_person(store: Store) -> None:
    async def first_contact(tx: Transaction) -> Person:
        found = await tx.people.lock_and_load(*CHANNEL, "100")
        return found.person if found else await tx.people.add(*CHANNEL, "100", "en")

    people = await asyncio.gather(*(store.run(first_contact) for _ in range(12)))
    assert len({person.id for person in people}) == 1


async def test_turns_of_one_person_never_lose_each_others_work(store: Store) -> None:
    person = await someone(store)
    number = await store.run(lambda tx: tx.conversations.add(person.id, talk(misses=0), None))

    async def one_more(tx: Transaction) -> None:
        found = await tx.people.lock_and_load(*CHANNEL, "100")
        assert found is not None
        conversation = found.conversations[0]
        await tx.conversations.save(person.id, conversation.with_(misses=conversation.misses + 1), None)

    await asyncio.gather(*(store.run(one_more) for _ in range(40)))
    found = await loaded(store)
    assert found is not None
    assert [(each.id, each.misses) for each in found.conversations] == [(number, 40)]


async def test_two_people_writing_to_each_other_at_once_both_succeed(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")

    async def relay(number: int) -> None:
        me, other = (ana, ben) if number % 2 else (ben, ana)

        async def work(tx: Transaction) -> None:
            await tx.people.load(me.id)
            await tx.inbox.put("relay", str(number), other.id, "said", {"text": "hello"})
            await tx.outbox.add(me, me.address_id, None, [Say("passed on")])

        await store.run(work)

    await asyncio.wait_for(asyncio.gather(*(relay(number) for number in range(40))), PATIENCE)
    assert len(await store.run(lambda tx: tx.inbox.untaken(100))) == 40


async def test_who_is_forgotten_cannot_be_read_again(store: Store) -> None:
    person = await someone(store)

    async def live(tx: Transaction) -> None:
        await tx.people.save(person.id, {"name": "Ana"})
        await tx.inbox.take("telegram", "1", person.id, "said", {"text": "hello"})
        await tx.conversations.add(person.id, talk(), tx.now)
        await tx.outbox.add(person, person.address_id, None, [Say("hello")])

    await store.run(live)
    await store.run(lambda tx: tx.people.forget(person.id))
    assert await loaded(store) is None
    assert await store.run(lambda tx: tx.people.load(person.id)) is None
    assert [each.say for each in await store.run(lambda tx: tx.outbox.history(person.id, 0, 10))] == [None]
    assert [dict(each.body) for each in await store.run(lambda tx: tx.inbox.history(person.id, 10))] == [{}]
    assert await store.run(lambda tx: tx.conversations.standing()) == []
    with pytest.raises(KeyDestroyed):
        await store.run(lambda tx: tx.people.save(person.id, {"name": "Ana"}))
    with pytest.raises(KeyDestroyed):
        await store.read(lambda tx: tx.inbox.take("telegram", "2", person.id, "said", {}))


async def test_an_event_of_someone_forgotten_still_counts_as_seen_and_they_may_come_back(store: Store) -> None:
    person = await someone(store)
    await store.run(lambda tx: tx.inbox.take("telegram", "1", person.id, "said", {"text": "forget me"}))
    await store.run(lambda tx: tx.people.forget(person.id))
    again = await someone(store)
    assert again.id != person.id
    assert not await take(store, again.id, "1")


async def test_forgetting_that_fails_forgets_nothing(store: Store) -> None:
    person = await someone(store)
    await store.run(lambda tx: tx.people.save(person.id, {"name": "Ana"}))

    async def half(tx: Transaction) -> None:
        await tx.people.forget(person.id)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.run(half)
    found = await loaded(store)
    assert found is not None
    assert found.person.fields == {"name": "Ana"}


async def test_a_number_given_again_after_a_failure_has_a_key_of_its_own(store: Store) -> None:
    async def fails(tx: Transaction) -> None:
        person = await tx.people.add(*CHANNEL, "100", "en")
        await tx.people.save(person.id, {"name": "Nobody"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.run(fails)
    person = await someone(store)
    await store.run(lambda tx: tx.people.save(person.id, {"name": "Ana"}))
    found = await store.read(lambda tx: tx.people.get(person.id))
    assert found is not None
    assert found.fields == {"name": "Ana"}


async def test_nobody_is_saved_who_is_not_there(store: Store) -> None:
    person = await someone(store)
    with pytest.raises(KeyDestroyed):
        await store.run(lambda tx: tx.people.save(person.id + 1, {}))
    with pytest.raises(NotFound):
        await store.run(lambda tx: tx.conversations.save(person.id, talk().with_(id=77), None))


async def test_time_is_that_of_the_clock_at_the_beginning(store: Store, watch: Watch) -> None:
    before = watch.now
    watch.forward(timedelta(hours=3))

    async def work(tx: Transaction) -> bool:
        return tx.now == before + timedelta(hours=3)

    assert await store.run(work)


async def test_who_was_invited_is_known_but_can_be_loaded_only_once_they_have_an_address(store: Store) -> None:
    invited = await store.run(lambda tx: tx.people.invite("es", {"name": "Ana"}, "buddy"))
    assert await store.run(lambda tx: tx.people.load(invited)) is None
    assert await store.run(lambda tx: tx.people.add_address(invited, *CHANNEL, "100"))
    found = await loaded(store)
    assert found is not None
    assert (found.person.id, found.person.role, found.person.language) == (invited, "buddy", "es")
    assert found.person.fields == {"name": "Ana"}
    assert await store.run(lambda tx: tx.people.get(invited)) == found.person


async def test_a_second_address_is_theirs_too_and_the_first_stays_preferred(store: Store) -> None:
    person = await someone(store)
    assert await store.run(lambda tx: tx.people.add_address(person.id, "slack", "main", "U1"))
    other = await store.run(lambda tx: tx.people.by_address("slack", "main", "U1"))
    assert other is not None
    assert (other.id, other.channel, other.account) == (person.id, "slack", "main")
    assert other.address_id != person.address_id
    assert await store.run(lambda tx: tx.people.get(person.id)) == person


async def test_an_address_is_one_persons(store: Store) -> None:
    ana, ben = await someone(store, "1"), await someone(store, "2")
    assert not await store.run(lambda tx: tx.people.add_address(ana.id, *CHANNEL, "2"))
    found = await loaded(store, "2")
    assert found is not None
    assert found.person == ben


async def test_everyone_but_the_forgotten_is_listed_page_by_page(store: Store, watch: Watch) -> None:
    ana, ben, cleo = [await someone(store, address) for address in "123"]
    await store.run(lambda tx: tx.people.save(ana.id, {"name": "Ana"}, role="supporter", district="cell"))
    await store.run(lambda tx: tx.people.save(cleo.id, {}, status="stopped", language="es"))
    await store.run(lambda tx: tx.people.forget(ben.id))
    invited = await store.run(lambda tx: tx.people.invite("en", {}))
    first = await store.read(lambda tx: tx.people.page(0, 2))
    assert first == [
        Known(ana.id, watch.now, "en", "supporter", "active", "cell", {"name": "Ana"}),
        Known(cleo.id, watch.now, "es", "", "stopped", "", {}),
    ]
    rest = await store.read(lambda tx: tx.people.page(cleo.id, 2))
    assert [each.id for each in rest] == [invited]
    assert await store.read(lambda tx: tx.people.page(invited, 2)) == []


async def test_a_block_holds_in_both_directions(store: Store) -> None:
    ana, ben, cleo = [(await someone(store, address)).id for address in "123"]
    for _ in range(2):
        await store.run(lambda tx: tx.people.block(ana, ben))
    await store.run(lambda tx: tx.people.block(ben, ana))
    await store.run(lambda tx: tx.people.block(cleo, ana))
    assert await store.run(lambda tx: tx.people.blocked(ana)) == {ben, cleo}
    assert await store.run(lambda tx: tx.people.blocked(ben)) == {ana}
    assert await store.run(lambda tx: tx.people.blocked(cleo)) == {ana}
