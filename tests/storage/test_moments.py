import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storage import ledger, moments
from storage.actions import PUBLISHED
from storage.concerned import _DISTRICTS, _IN_DISTRICT
from storage.statements import Statement
from storage.store import Store, Transaction
from tests.databases import Watch
from tests.storage.given import someone


async def people(store: Store, count: int) -> list[int]:
    return [(await someone(store, f"address {number}")).id for number in range(count)]


async def action(store: Store, watch: Watch, **more: Any) -> int:
    starts = watch.now + timedelta(days=1)
    return await store.run(
        lambda tx: tx.actions.add(
            title="Clean-up", starts_at=starts, ends_at=starts + timedelta(hours=2), zone="UTC", state=PUBLISHED, **more
        )
    )


async def begin(store: Store, flow: str, subject: str, person_id: int, occurrence: str) -> bool:
    return await store.run(lambda tx: tx.moments.begin(flow, subject, person_id, occurrence))


async def concerned(store: Store, action_id: int, who: str, occurrence: str = "-1 day", limit: int = 10) -> list[int]:
    return await store.read(lambda tx: tx.moments.concerned(action_id, "day_before", occurrence, who, limit))


async def happened(store: Store, watch: Watch, limit: int = 10) -> list[tuple[int, str]]:
    """(person, subject) of whom `met` may begin for: of the last day, up to now."""
    until = watch.now
    rows = await store.read(lambda tx: tx.moments.happened("pair.met", "met", until - timedelta(days=1), until, limit))
    return [(person_id, subject) for person_id, subject, _, _ in rows]


async def test_a_moment_begins_once_however_many_ask_at_once(store: Store) -> None:
    (ana,) = await people(store, 1)
    began = await asyncio.gather(*(begin(store, "met", "pair:1", ana, "7") for _ in range(12)))
    assert sorted(began) == [False] * 11 + [True]


async def test_another_flow_subject_person_or_occurrence_begins_too(store: Store) -> None:
    ana, ben = await people(store, 2)
    for flow, subject, person_id, occurrence in [
        ("met", "pair:1", ana, "7"),
        ("again", "pair:1", ana, "7"),
        ("met", "pair:2", ana, "7"),
        ("met", "pair:1", ben, "7"),
        ("met", "pair:1", ana, "8"),
    ]:
        assert await begin(store, flow, subject, person_id, occurrence)
        assert not await begin(store, flow, subject, person_id, occurrence)


async def test_a_beginning_that_failed_may_begin_again(store: Store) -> None:
    (ana,) = await people(store, 1)

    async def fails(tx: Transaction) -> None:
        assert await tx.moments.begin("met", "pair:1", ana, "7")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.run(fails)
    assert await begin(store, "met", "pair:1", ana, "7")


async def test_what_happened_is_found_until_its_flow_has_begun(store: Store, watch: Watch) -> None:
    ana, ben = await people(store, 2)
    for person_id in (ana, ben):
        await store.run(lambda tx, whom=person_id: tx.ledger.add(whom, "pair.met", subject="pair:1"))  # type: ignore[misc]
    await store.run(lambda tx: tx.ledger.add(ana, "pair.shared", subject="pair:1"))
    rows = await store.read(lambda tx: tx.moments.happened("pair.met", "met", tx.now, tx.now, 10))
    lines = [line.id for line in await store.read(lambda tx: tx.ledger.newest(3))][::-1]
    assert rows == [(ana, "pair:1", lines[0], watch.now), (ben, "pair:1", lines[1], watch.now)]
    assert await begin(store, "met", "pair:1", ana, str(lines[0]))
    assert await begin(store, "other", "pair:1", ben, str(lines[1]))
    assert await happened(store, watch) == [(ben, "pair:1")]
    await store.run(lambda tx: tx.ledger.add(ana, "pair.met", subject="pair:1"))
    assert await happened(store, watch) == [(ben, "pair:1"), (ana, "pair:1")]


async def test_what_happened_outside_the_span_is_left_out_and_the_oldest_comes_first(
    store: Store, watch: Watch
) -> None:
    (ana,) = await people(store, 1)
    for number in range(4):
        await store.run(lambda tx, which=number: tx.ledger.add(ana, "pair.met", subject=f"pair:{which}"))  # type: ignore[misc]
        watch.forward(timedelta(hours=12))
    watch.now -= timedelta(hours=12)
    assert await happened(store, watch) == [(ana, "pair:1"), (ana, "pair:2"), (ana, "pair:3")]
    assert await happened(store, watch, limit=1) == [(ana, "pair:1")]
    watch.now -= timedelta(microseconds=1)
    assert await happened(store, watch) == [(ana, "pair:1"), (ana, "pair:2")]


async def test_what_happened_to_both_is_found_for_one_role_in_that_pair(store: Store, watch: Watch) -> None:
    ana, ben, cleo = await people(store, 3)

    async def work(tx: Transaction) -> None:
        for supporter, buddy in ((ana, ben), (ben, cleo)):
            pair = await tx.pairs.propose(supporter, buddy, "introduced", 0, (), None)
            for person_id in (supporter, buddy):
                await tx.ledger.add(person_id, "pair.met", subject=f"pair:{pair}")
        await tx.ledger.add(ana, "pair.met", subject="action:1")

    await store.run(work)
    now = watch.now

    async def of(role: str) -> list[tuple[int, str]]:
        rows = await store.read(lambda tx: tx.moments.happened("pair.met", "met", now, now, 10, role))
        return [(person_id, subject) for person_id, subject, _, _ in rows]

    assert await of("supporter") == [(ana, "pair:1"), (ben, "pair:2")]
    assert await of("buddy") == [(ben, "pair:1"), (cleo, "pair:2")]
    assert len(await of("")) == 5


@pytest.mark.parametrize("status", ["stopped", "paused", "leaving", "forgotten"])
async def test_who_may_not_be_written_to_is_not_named_and_hides_nobody(store: Store, watch: Watch, status: str) -> None:
    ana, ben = await people(store, 2)
    shared = await action(store, watch)
    for person_id in (ana, ben):
        await store.run(lambda tx, whom=person_id: tx.ledger.add(whom, "pair.met", subject="pair:1"))  # type: ignore[misc]
        await store.run(lambda tx, whom=person_id: tx.actions.sign_up(shared, whom, "yes", 0))  # type: ignore[misc]
    if status == "forgotten":
        await store.run(lambda tx: tx.people.forget(ana))
    else:
        await store.run(lambda tx: tx.people.save(ana, {}, status=status))
    assert await happened(store, watch, limit=1) == [(ben, "pair:1")]
    assert await concerned(store, shared, "signed_up", limit=1) == [ben]


async def test_each_word_names_its_people(store: Store, watch: Watch) -> None:
    host, comes, may, waits, came, cancelled, maybe_came = await people(store, 7)
    shared = await action(store, watch, capacity=2, host_id=host)
    other = await action(store, watch, host_id=comes)

    async def work(tx: Transaction) -> None:
        for person_id in (comes, came, waits):
            await tx.actions.sign_up(shared, person_id, "yes", 0)
        for person_id in (may, maybe_came, cancelled):
            await tx.actions.sign_up(shared, person_id, "maybe", 0)
        await tx.actions.cancel(shared, cancelled)
        await tx.actions.check_in(shared, came)
        await tx.actions.check_in(shared, maybe_came)
        await tx.actions.sign_up(other, cancelled, "yes", 0)

    await store.run(work)
    assert await concerned(store, shared, "signed_up") == [comes, came]
    assert await concerned(store, shared, "maybe") == [may, maybe_came]
    assert await concerned(store, shared, "attended") == [came, maybe_came]
    assert await concerned(store, shared, "missed") == [comes]
    assert await concerned(store, shared, "host") == [host]
    with pytest.raises(KeyError):
        await concerned(store, shared, "everybody")


async def test_who_has_begun_it_is_not_concerned_again_but_for_another_occurrence(store: Store, watch: Watch) -> None:
    everyone = await people(store, 4)
    shared, other = await action(store, watch), await action(store, watch)
    for person_id in everyone:
        await store.run(lambda tx, whom=person_id: tx.actions.sign_up(shared, whom, "yes", 0))  # type: ignore[misc]
    assert await concerned(store, shared, "signed_up", limit=2) == everyone[:2]
    assert await begin(store, "day_before", f"action:{shared}", everyone[0], "-1 day")
    assert await begin(store, "another_flow", f"action:{shared}", everyone[1], "-1 day")
    assert await begin(store, "day_before", f"action:{other}", everyone[2], "-1 day")
    assert await concerned(store, shared, "signed_up") == everyone[1:]
    assert await concerned(store, shared, "signed_up", occurrence="moved") == everyone


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (moments.REMINDERS, "ledger_by_person_id"), (moments._NEWEST, "ledger_by_person_id"),
        (ledger._SINCE, "ledger_by_person_id"), (_IN_DISTRICT, "people_by_district"),
        (_DISTRICTS, "people_by_district"),
    ],
)  # fmt: skip
def test_what_is_asked_for_each_of_thousands_reads_no_lines_and_no_people_but_theirs(
    migrated: Path, statement: Statement, index: str
) -> None:
    text = statement.sqlite.text
    with closing(sqlite3.connect(migrated)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {text}", [None] * text.count("?")).fetchall()
    read = [step for _, _, _, step in plan if step.split()[0] in ("SEARCH", "SCAN") and step.split()[1] != "here"]
    assert all("USING" in step for step in read), read
    assert index in read[0]
