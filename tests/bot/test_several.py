"""Several processes on one Postgres take every turn once, and each person's in order."""

import tempfile
from pathlib import Path

import pytest

from tests.bot.several import Size, together
from tests.bot.test_postgres_away import Server
from tests.databases import Postgres


@pytest.mark.slow
async def test_two_processes_of_which_one_is_killed_and_one_frozen_take_every_turn_once_and_in_order(
    postgres: Postgres, tmp_path: Path
) -> None:
    # Not below pytest's own folder, which a server that runs as somebody else cannot enter.
    with tempfile.TemporaryDirectory(prefix="doorstep-server-") as folder:
        server = Server(Path(folder))
        try:
            size = Size(processes=2, people=200, words=10, restarts=2, hurried=True)
            seconds, again = await together(size, tmp_path, server)
        finally:
            server.close()
    assert again > 0, "people did meet processes that were away"
    print(f"\n{size.people * size.words} words in {seconds:.0f} s")
