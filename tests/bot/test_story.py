from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot import story
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import someone


async def named(store: Store, name: str) -> int:
    person = await someone(store, name)
    await store.run(lambda tx: tx.people.save(person.id, {"name": name}))
    return person.id


async def pair(store: Store, supporter: int, buddy: int) -> str:
    number = await store.run(
        lambda tx: tx.pairs.propose(supporter, buddy, "introduced", 1.0, (), tx.now + timedelta(days=1))
    )
    return f"pair:{number}"


async def told(store: Store, person: int) -> list[str]:
    found = await store.read(lambda tx: story.of(tx, person))
    assert found is not None
    return [sentence for _, sentence in found.lines]


async def test_a_life_is_told_in_order_with_names_and_without_words_nobody_knows(store: Store, watch: Watch) -> None:
    ana, sam = await named(store, "Ana"), await named(store, "Sam")
    subject = await pair(store, ana, sam)

    async def happen(tx: Transaction) -> None:
        at = tx.now + timedelta(days=1)
        action = await tx.actions.add(title="River clean-up", starts_at=at, ends_at=at, zone="UTC")
        lines = [
            ("wrote first", ""), ("began", ""), ("person.joined", ""), ("asked for a buddy", ""), ("some.new.word", ""),
            ("pair.introduced", subject), ("signup.made", f"action:{action}"), ("pair.met", subject),
            ("pair.met", subject), ("signup.made", "action:999"),
        ]  # fmt: skip
        for what, about in lines:
            await tx.ledger.add(ana, what, subject=about)

    await store.run(happen)
    assert await told(store, ana) == [
        "wrote first",
        "said yes to being remembered",
        "asked for a buddy",
        "was introduced to Sam",
        "signed up for River clean-up",
        "met Sam",
        "met Sam again",
        "signed up for an action",
    ]
    found = await store.read(lambda tx: story.of(tx, ana))
    assert found is not None
    assert found.lines[0][0] == watch.now


async def test_nobody_is_named_whose_key_is_gone(store: Store) -> None:
    ana, sam = await named(store, "Ana"), await named(store, "Sam")
    subject = await pair(store, ana, sam)
    for person in (ana, sam):
        await store.run(lambda tx, who=person: tx.ledger.add(who, "pair.met", subject=subject))  # type: ignore[misc]
    await store.run(lambda tx: tx.people.forget(sam))
    assert await told(store, ana) == ["met someone"]
    found = await store.read(lambda tx: story.of(tx, sam))
    assert found is not None
    assert found.person is None
    assert [sentence for _, sentence in found.lines] == ["met Ana"]


async def test_a_pair_of_others_names_nobody(store: Store) -> None:
    ana, sam, eve = [await named(store, name) for name in ("Ana", "Sam", "Eve")]
    subject = await pair(store, ana, sam)
    await store.run(lambda tx: tx.ledger.add(eve, "pair.met", subject=subject))
    assert await told(store, eve) == ["met someone"]


async def test_a_number_that_nobody_has_is_no_story_and_one_just_invited_is(store: Store) -> None:
    invited = await store.run(lambda tx: tx.people.invite("en", {"name": "Ola"}))
    found = await store.read(lambda tx: story.of(tx, invited))
    assert found is not None
    assert found.person is not None
    assert found.person.fields["name"] == "Ola"
    assert found.lines == ()
    assert await store.read(lambda tx: story.of(tx, invited + 1)) is None


def test_a_moment_is_told_in_its_zone_and_with_its_year_once_that_is_past() -> None:
    at = datetime(2026, 6, 1, 9, 2, tzinfo=UTC).astimezone(ZoneInfo("Europe/London"))
    assert story.when(at, at) == "Mon 1 June, 10:02"
    assert story.when(at, at.replace(year=2027)) == "Mon 1 June 2026, 10:02"
