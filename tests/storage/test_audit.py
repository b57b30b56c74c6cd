"""Who looked at people's data, or decided about them."""

from storage.audit import COORDINATOR, ORGANIZER, Audit, Entry
from storage.store import Store
from tests.databases import Watch


async def test_lines_come_back_as_they_were_added_the_newest_first(store: Store, watch: Watch) -> None:
    await store.run(lambda tx: tx.audit.add(COORDINATOR, "Kim: the first", "human: done", "card:3"))
    await store.run(lambda tx: tx.audit.add(ORGANIZER, "root", "listed everybody"))
    assert await store.read(lambda tx: tx.audit.newest(5)) == [
        Entry(watch.now, ORGANIZER, "root", "listed everybody", ""),
        Entry(watch.now, COORDINATOR, "Kim: the first", "human: done", "card:3"),
    ]
    assert len(await store.read(lambda tx: tx.audit.newest(1))) == 1


def test_nothing_changes_or_deletes_a_line() -> None:
    assert {name for name in vars(Audit) if not name.startswith("_")} == {"add", "newest"}
