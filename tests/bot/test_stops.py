"""After *stop* nothing more is begun, whatever waits or is claimed at that moment, on each database."""

from pathlib import Path

from tests.bot.stops import QUEUED, races
from tests.databases import Database

PEOPLE = 100


async def test_after_a_stop_was_taken_only_its_confirmation_is_sent(database: Database, tmp_path: Path) -> None:
    told = await races(database.url, tmp_path, PEOPLE)
    assert told.before.total() == PEOPLE
    assert (told.late, told.behind) == ([], [])
    assert len(told.before) > 1, "they said it at one and the same moment"
    assert sum(told.before[count] for count in range(QUEUED)) > 0, "all was sent before anybody said it"
