import pytest

from storage.errors import NotFound, SeenBefore
from storage.merging import MOST, Part, fits, merged
from storage.store import Store, Transaction
from tests.storage.given import looked_up, someone, take, talk

INSERT = "INSERT INTO a (x, y) VALUES ($1::BIGINT, $2::VARCHAR) ON CONFLICT DO NOTHING"
UPDATE = "UPDATE b SET x=$1::BIGINT WHERE b.id = $2::BIGINT AND b.x != $1::BIGINT"


def test_each_part_keeps_its_own_arguments() -> None:
    text, arguments = merged([Part(INSERT, (1, "one")), Part(UPDATE, (2, 3))])
    assert arguments == [1, "one", 2, 3]
    assert "part0 AS (INSERT INTO a (x, y) VALUES ($1::BIGINT, $2::VARCHAR) ON CONFLICT DO NOTHING RETURNING 1)" in text
    assert "part1 AS (UPDATE b SET x=$3::BIGINT WHERE b.id = $4::BIGINT AND b.x != $3::BIGINT RETURNING 1)" in text


def test_one_table_is_changed_once_in_a_statement_and_no_statement_grows_for_ever() -> None:
    parts = [Part(INSERT, ())]
    assert fits(parts, Part(UPDATE, ()))
    assert not fits(parts, Part("INSERT INTO a (y) VALUES ($1::VARCHAR)", ()))
    assert not fits(parts, Part("DELETE FROM a WHERE a.x = $1::BIGINT", ()))
    assert not fits([Part(f"DELETE FROM t{number}", ()) for number in range(MOST)], Part(UPDATE, ()))


async def test_what_runs_later_is_seen_by_the_next_query_and_kept_in_order(store: Store) -> None:
    ana = await someone(store)

    async def work(tx: Transaction) -> list[str]:
        for town in ("Leeds", "York", "Hull"):
            await tx.people.save(ana.id, {"town": town})
            await tx.ledger.add(ana.id, f"moved to {town}")
        return [line.what for line in await tx.ledger.of(ana.id)]

    assert await store.run(work) == ["moved to Leeds", "moved to York", "moved to Hull"]
    loaded = await store.run(lambda tx: tx.people.load(ana.id))
    assert loaded is not None
    assert loaded.person.fields == {"town": "Hull"}


async def test_an_event_that_was_here_before_undoes_all_that_came_with_it(store: Store) -> None:
    ana = await someone(store)
    assert await take(store, ana.id, "7")

    async def again(tx: Transaction) -> None:
        await tx.settings.set("before", "it")
        await tx.inbox.take("telegram", "7", ana.id, "said", {})
        await tx.ledger.add(ana.id, "said it twice")

    with pytest.raises(SeenBefore):
        await store.run(again)
    assert await looked_up(store, "before") is None
    assert await store.run(lambda tx: tx.ledger.of(ana.id)) == []


async def test_what_is_not_there_is_named_when_it_is_saved(store: Store) -> None:
    ana = await someone(store)
    with pytest.raises(NotFound, match="open conversation 77 of person 1"):
        await store.run(lambda tx: tx.conversations.save(ana.id, talk().with_(id=77), None))
