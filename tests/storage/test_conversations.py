from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.model import Caller, Conversation
from storage.errors import NotFound
from storage.store import Store, Transaction
from storage.tables import CONVERSATIONS
from storage.values import pack, unpack
from tests.databases import Watch
from tests.storage.given import AT, CHANNEL, someone, talk

FULL: dict[str, Any] = {
    "question": 4,
    "asked": "Which town are you near?",
    "answers": {"adults": 3, "list": ("a", "b"), "when": AT, "yes": True, "nothing": None, "half": 0.5},
    "offered": ("7", "9"),
    "picked": ("climate",),
    "misses": 2,
    "fired": ("1 day",),
    "callers": (Caller("always", "help"), Caller("welcome", "place")),
    "held": {"interests": ("food", "housing"), "place": "Leeds"},
    "trail": (Caller("welcome", "hello"),),
    "about": {"pair": "5"},
}


async def only(store: Store) -> Conversation:
    found = await store.run(lambda tx: tx.people.lock_and_load(*CHANNEL, "100"))
    assert found is not None
    return found.conversations[0]


async def test_every_field_survives(store: Store) -> None:
    person = await someone(store)
    columns = {"id", "flow", "version", "state", "entered_at"}
    assert set(Conversation._fields) == columns | set(FULL), "a new field must survive too"
    whole = talk(**FULL)
    number = await store.run(lambda tx: tx.conversations.add(person.id, whole, None))
    back = await only(store)
    assert back == whole.with_(id=number)
    assert isinstance(back.answers["list"], tuple)


async def test_a_save_changes_everything_and_an_end_closes_it(store: Store) -> None:
    person = await someone(store)
    number = await store.run(lambda tx: tx.conversations.add(person.id, talk(**FULL), None))
    moved = Conversation(number, "other", 2, "waiting", AT + timedelta(days=1))
    await store.run(lambda tx: tx.conversations.save(person.id, moved, None))
    assert await only(store) == moved
    await store.run(lambda tx: tx.conversations.end(person.id, moved, "introduced"))
    found = await store.run(lambda tx: tx.people.load(person.id))
    assert found is not None
    assert found.conversations == ()
    with pytest.raises(NotFound):
        await store.run(lambda tx: tx.conversations.save(person.id, moved, None))


async def test_nobody_saves_the_conversation_of_another(store: Store) -> None:
    ana, ben = await someone(store, "100"), await someone(store, "101")
    number = await store.run(lambda tx: tx.conversations.add(ana.id, talk(), None))
    with pytest.raises(NotFound):
        await store.run(lambda tx: tx.conversations.save(ben.id, talk("stolen").with_(id=number), None))
    assert (await only(store)).state == "hello"


async def test_what_is_due_comes_longest_overdue_first_and_no_more_than_asked_for(store: Store, watch: Watch) -> None:
    person = await someone(store)
    numbers = {}

    async def add(tx: Transaction) -> None:
        for minutes in (30, 10, 20, 90):
            numbers[minutes] = await tx.conversations.add(person.id, talk(), watch.now + timedelta(minutes=minutes))
        await tx.conversations.add(person.id, talk(), None)
        ended = await tx.conversations.add(person.id, talk(), watch.now)
        await tx.conversations.end(person.id, talk().with_(id=ended), "done")

    await store.run(add)
    by = watch.now + timedelta(minutes=30)
    due = await store.run(lambda tx: tx.conversations.due(10, by))
    assert due == [(numbers[minutes], person.id) for minutes in (10, 20, 30)]
    assert await store.run(lambda tx: tx.conversations.due(2, by)) == due[:2]
    await store.run(lambda tx: tx.conversations.save(person.id, talk().with_(id=numbers[10]), None))
    assert await store.run(lambda tx: tx.conversations.due(10, by)) == due[1:]


async def test_standing_counts_open_conversations_only(store: Store) -> None:
    ana, ben = await someone(store, "100"), await someone(store, "101")

    async def add(tx: Transaction) -> None:
        await tx.conversations.add(ana.id, talk("place"), None)
        await tx.conversations.add(ben.id, talk("place"), None)
        await tx.conversations.add(ben.id, talk("hello"), None)
        ended = await tx.conversations.add(ben.id, talk("hello"), None)
        await tx.conversations.end(ben.id, talk("hello").with_(id=ended), "done")

    await store.run(add)
    standing = [("welcome", "hello", 1), ("welcome", "place", 2)]
    assert await store.run(lambda tx: tx.conversations.standing()) == standing
    assert await store.read(lambda tx: tx.conversations.standing()) == standing


async def test_a_moment_without_a_time_zone_is_refused(store: Store) -> None:
    person = await someone(store)
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - this is what must be refused
    with pytest.raises(ValueError, match="time zone"):
        await store.run(lambda tx: tx.conversations.add(person.id, talk(), naive))
    with pytest.raises(ValueError, match="time zone"):
        await store.run(lambda tx: tx.conversations.add(person.id, talk(answers={"when": naive}), None))
    elsewhere = datetime(2026, 3, 1, 12, tzinfo=UTC).astimezone()
    await store.run(lambda tx: tx.conversations.add(person.id, talk(), elsewhere))


def test_numbers_of_any_size_and_halves_of_characters_survive() -> None:
    values = {"big": 10**40, "small": -(2**63), "half": "\ud83d", "part": 0.1, "word": "ÅngströmЖ☂", "list": ("a", "b")}
    assert unpack(pack(values)) == values
    assert unpack(pack({"at": AT})) == {"at": AT}


async def test_a_number_is_given_once_though_no_row_was_written_for_it_yet(store: Store) -> None:
    async def work(tx: Transaction) -> list[int]:
        session = tx.conversations._session
        return [*await session.numbers(CONVERSATIONS, 3), *await session.numbers(CONVERSATIONS, 3)]

    given = await store.run(work)
    assert len(set(given)) == 6
