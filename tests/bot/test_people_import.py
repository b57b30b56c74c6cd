from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.group import Group
from bot.people_import import Newcomer, add_people, doubles, read_people
from bot.sheets import BadSheet
from flows.model import Library
from flows.reader import STARTER, read_folder
from storage.store import Store
from tests.databases import Watch

GROUP = Group(languages=("en", "es"))


@dataclass(frozen=True)
class Place:
    name: str
    cell: str


class Towns:
    """Leeds, and nothing else."""

    def read(self, text: str) -> Place | None:
        return Place("Leeds", "88195da49bfffff") if text.casefold() == "leeds" else None


@pytest.fixture(scope="module")
def library() -> Library:
    return read_folder(STARTER).library


def read(tmp_path: Path, library: Library, *lines: str) -> tuple[Newcomer, ...]:
    file = tmp_path / "people.csv"
    file.write_text("\n".join(lines), "utf-8")
    return read_people(file, GROUP, library, Towns())[0]


def test_a_row_becomes_what_flows_know_of_a_person(tmp_path: Path, library: Library) -> None:
    head = "name,language,role,place,interests,times,adult"
    first, second = read(
        tmp_path, library, head, 'Ana,ES,Supporter,leeds,"🌱 Climate action; FOOD, climate",,Yes', "Sam,,buddy,,,,"
    )
    assert first.fields == {
        "name": "Ana", "language": "es", "place": "Leeds", "adult": "yes", "interests": ("climate", "food"),
    }  # fmt: skip
    assert (first.role, first.district, first.row) == ("", "88195da49bfffff", 2)
    assert second.fields == {"name": "Sam", "language": "en"}
    assert (second.role, second.district) == ("buddy", "")
    assert first.code != second.code
    assert len(first.code) >= 12


def test_every_wrong_cell_is_named_by_row_and_column(tmp_path: Path, library: Library) -> None:
    head = "name,language,role,place,interests,adult"
    with pytest.raises(BadSheet) as bad:
        read(tmp_path, library, head, "Ana,en,,Leeds,,", ",fr,boss,Narnia,climbing,maybe", f"{'x' * 41},,,,,")
    problems = bad.value.problems
    assert [problem.partition(":")[0] for problem in problems] == [
        "row 3, column language", "row 3, column role", "row 3, column name", "row 3, column place",
        "row 3, column adult", "row 3, column interests", "row 4, column name",
    ]  # fmt: skip
    assert "`fr` is none of en, es" in problems[0]
    assert "`Narnia`" in problems[3]


def test_of_very_many_wrong_cells_the_first_are_named(tmp_path: Path, library: Library) -> None:
    with pytest.raises(BadSheet) as bad:
        read(tmp_path, library, "name,adult", *(f"Ana {number},perhaps" for number in range(50)))
    assert len(bad.value.problems) == 21
    assert bad.value.problems[-1] == "and 30 more"


async def test_whoever_is_imported_can_come_with_their_code(
    store: Store, watch: Watch, tmp_path: Path, library: Library
) -> None:
    ana, sam = read(tmp_path, library, "name,place,role", "Ana,Leeds,", "Sam,,buddy")
    await store.run(lambda tx: add_people(tx, [ana, sam], 3))
    watch.forward(timedelta(days=89))
    number = await store.run(lambda tx: tx.links.use(ana.code))
    assert number is not None
    (known,) = await store.read(lambda tx: tx.people.page(number - 1, 1))
    assert (known.fields, known.district) == (ana.fields, ana.district)
    other = await store.run(lambda tx: tx.links.use(sam.code))
    assert other is not None
    await store.run(lambda tx: tx.people.add_address(other, "web", "web", "sam"))
    buddy = await store.run(lambda tx: tx.buddies.get(other))
    assert buddy is not None
    assert (buddy.capacity, buddy.approved_at) == (3, watch.now - timedelta(days=89))


async def test_the_same_name_and_place_look_imported_already(store: Store, tmp_path: Path, library: Library) -> None:
    await store.run(lambda tx: add_people(tx, read(tmp_path, library, "name,place", "Ana,Leeds", "Ben,"), 3))
    again = read(tmp_path, library, "name,place", "ANA,leeds", "Ana,", "Ben,", "Ben,Leeds", "Cleo,")
    assert [each.row for each in await store.read(lambda tx: doubles(tx, again))] == [2, 4]
