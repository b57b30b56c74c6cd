"""Nothing of anybody can be read where it must not be: not in the database, the logs, the figures, on cards; and once
they are forgotten, in no backup."""

from base64 import b64encode
from pathlib import Path

import pytest

from storage.store import Store
from tests.bot.canaries import Canary, everything, flock, forgotten_in_backups, found, logging_all
from tests.databases import Database, Watch


def test_the_search_finds_what_is_there() -> None:
    ana = Canary(42)
    for text in (ana.name, ana.address, ana.contact, ana.says("text"), ana.name.upper()):
        assert found(f"before {text} after".encode()) == {42}
    for length in range(3):
        plain = b"." * length + ana.name.encode()
        for coded in (plain.hex().encode(), b64encode(plain)):
            with pytest.raises(AssertionError):
                found(coded)


@pytest.mark.parametrize("pairs", [6, pytest.param(30, marks=pytest.mark.slow)])
async def test_nobody_can_be_read_anywhere_and_who_is_forgotten_in_no_backup(
    pairs: int, store: Store, watch: Watch, database: Database, tmp_path: Path
) -> None:
    flown = await flock(store, watch, pairs)
    with logging_all() as logged:
        await everything(flown, database, logged)
        await forgotten_in_backups(flown, database, tmp_path, database.key)
    assert found(logged.getvalue().encode()) == set()
