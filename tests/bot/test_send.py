from datetime import timedelta
from typing import Any

import pytest

from bot import own_phone
from bot.group import Group
from bot.send import Audience, BadQuery, NoPhoneYet, audience, first_message, leave
from bot.world import World
from flows.model import Library, Value
from flows.reader import read_files
from storage.store import Store, Transaction
from tests.databases import Watch

WORLD = World(Group(languages=("en", "es"), quiet=None))

FLOWS = {
    "library/saturday.yaml": """
flow: saturday
start: who
states:
  who:
    decide:
      - {when: "'climate' in me.interests", go: river}
      - {else: quiet}
  river:
    ask: "{{ me.name }}, shall we clean the river?"
    choices: {yes: {label: Yes please, go: bye}, no: {label: Not now, go: bye}}
    save: me.river
  quiet: {do: tell_coordinators, go: bye}
  bye: {say: Bye., end: bye}
""",
    "library/about.yaml": """
flow: about
start: tell
states:
  tell: {say: "See you at {{ action.title }}.", end: told}
""",
}


@pytest.fixture(scope="module")
def library() -> Library:
    return read_files(FLOWS).library


async def person(store: Store, name: str, channel: str = "web", status: str = "active", **fields: Value) -> int:
    """Someone who agreed to be written to."""

    async def work(tx: Transaction) -> int:
        added = await tx.people.add(channel, "main", name, "en")
        known: dict[str, Any] = {"name": name, "consented": ("keep",), **fields}
        await tx.people.save(added.id, known, status=status)
        return added.id

    return await store.run(work)


async def meant(store: Store, query: str, library: Library) -> Audience:
    return await store.read(lambda tx: audience(tx, query, library, WORLD))


async def names(store: Store, query: str, library: Library) -> list[str]:
    return [str(each.fields["name"]) for each in (await meant(store, query, library)).people]


@pytest.mark.parametrize(
    ("query", "who"),
    [
        ('district == "Leeds"', ["Ana", "Ben"]),
        ('district == "Leeds" && language == "es"', ["Ben"]),
        ("'food' in interests", ["Ben", "Cleo"]),
        ("meetings > 0", ["Cleo"]),
        ("meetings == 0", ["Ana", "Ben"]),
        ("adult && !has_buddy", ["Ana"]),
        ('adult == "yes"', ["Ana"]),
        ('channel == "telegram"', ["Cleo"]),
        ('role == "supporter"', ["Ana", "Ben", "Cleo"]),
        ('joined > timestamp("2000-01-01T00:00:00Z") && name.startsWith("A")', ["Ana"]),
        ('river == "yes"', ["Cleo"]),
        ("false", []),
    ],
)
async def test_a_query_is_over_what_is_known_of_each(
    store: Store, library: Library, query: str, who: list[str]
) -> None:
    await person(store, "Ana", place="Leeds", adult="yes")
    await person(store, "Ben", place="Leeds", language="es", interests=("food",))
    await person(store, "Cleo", "telegram", place="York", interests=("climate", "food"), meetings=2, river="yes")
    assert await names(store, query, library) == who


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('distric == "Leeds"', "column 1: `distric` is not known (did you mean `district`?)"),
        ('name == "x" && district == 3', "column 25: `==` does not go with"),
        ("district ==", "column"),
        ("name", "true or false"),
        ('me.name == "Ana"', "`me.name` is not known (write it without `me.`)"),
        ("signed_up:99", "no action `99`"),
        ("signed_up:²", "no action `²`"),
        ("", "column"),
    ],
)
async def test_a_query_that_cannot_be_asked_says_where(store: Store, library: Library, query: str, said: str) -> None:
    with pytest.raises(BadQuery) as bad:
        await meant(store, query, library)
    assert said in str(bad.value)


async def test_only_active_people_who_consented_are_written_to_and_the_others_counted(
    store: Store, library: Library
) -> None:
    ana = await person(store, "Ana")
    for number, status in enumerate(("stopped", "stopped", "leaving", "paused")):
        await person(store, f"Other {number}", status=status)
    await person(store, "Dan", consented=())
    gone = await person(store, "Eve")
    await store.run(lambda tx: tx.people.forget(gone))
    await store.run(lambda tx: tx.people.invite("en", {"name": "Finn", "consented": ("keep",)}))
    found = await meant(store, "true", library)
    assert [each.id for each in found.people] == [ana]
    assert found.left_out == {
        "asked the bot to stop": 2,
        "are on their way out": 2,
        "have not agreed to anything yet": 1,
        "have not come to the bot yet": 1,
    }


async def test_those_signed_up_are_those_who_said_yes_and_have_a_place(
    store: Store, library: Library, watch: Watch
) -> None:
    people = [await person(store, name) for name in ("Ana", "Ben", "Cleo", "Dan")]
    at = watch.now + timedelta(days=1)

    async def work(tx: Transaction) -> int:
        number = await tx.actions.add(
            title="River", starts_at=at, ends_at=at, zone="UTC", capacity=1, state="published"
        )
        for each, kind in zip(people, ("yes", "maybe", "yes"), strict=False):
            await tx.actions.sign_up(number, each, kind)
        return number

    number = await store.run(work)
    found = await meant(store, f"signed_up:{number}", library)
    assert [each.id for each in found.people] == people[:1]
    assert found.action == number
    words = await store.read(lambda tx: first_message(tx, "about", found.people[0], library, WORLD, number))
    assert words == "See you at River."


async def test_ones_own_phone_needs_no_consent_but_has_to_be_known(store: Store, library: Library) -> None:
    ana = await person(store, "Ana", consented=())
    with pytest.raises(NoPhoneYet):
        await meant(store, "me", library)

    async def mine(tx: Transaction) -> bool:
        await own_phone.expect(tx, "me 0123456789")
        return await own_phone.claim(tx, "me 0123456789", ana)

    assert await store.run(mine)
    assert [each.id for each in (await meant(store, "me", library)).people] == [ana]
    await store.run(lambda tx: tx.people.save(ana, {}, status="stopped"))
    assert (await meant(store, "me", library)).people == []
    await store.run(lambda tx: tx.people.forget(ana))
    with pytest.raises(NoPhoneYet):
        await meant(store, "me", library)


async def test_the_first_message_is_what_that_person_would_read_and_changes_nothing(
    store: Store, library: Library
) -> None:
    ana = await person(store, "Ana", interests=("climate",))
    ben = await person(store, "Ben")
    shown = {}
    for number in (ana, ben):
        found = await store.read(lambda tx, who=number: tx.people.get(who))  # type: ignore[misc]
        assert found is not None
        shown[number] = await store.read(
            lambda tx, who=found: first_message(tx, "saturday", who, library, WORLD, None)  # type: ignore[misc]
        )
    assert shown[ana] == "Ana, shall we clean the river?\n[Yes please]\n[Not now]"
    assert shown[ben] == ""
    loaded = await store.run(lambda tx: tx.people.load(ana))
    assert loaded is not None
    assert loaded.conversations == ()


async def test_everyone_gets_it_once_under_one_name_however_often_it_is_sent(store: Store, library: Library) -> None:
    for number in range(60):
        await person(store, f"Person {number}")
    found = await meant(store, "true", library)
    forgotten = found.people[3].id
    await store.run(lambda tx: tx.people.forget(forgotten))
    told: list[int] = []
    first = Audience(found.people[:10], action=7)
    assert await leave(store, "june", "saturday", first, told.append, 0) == 9
    assert await leave(store, "june", "saturday", found, told.append, 0) == 50
    assert await leave(store, "june", "saturday", found, told.append, 0) == 0
    assert told == [10, 25, 50, 60, 25, 50, 60]
    waiting = await store.read(lambda tx: tx.inbox.untaken(100))
    assert len(waiting) == 59
    assert {(each.source, each.kind) for each in waiting} == {("send:june", "begin")}
    assert waiting[0].body == {"flow": "saturday", "broadcast": True, "action": "7"}
    assert waiting[0].event == str(waiting[0].person_id)
    assert await leave(store, "july", "saturday", first, told.append, 0) == 9
