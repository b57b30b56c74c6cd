"""`doorstep run` as a process: how it begins, what it refuses in one line, and how it ends."""

import asyncio
import re
import signal
import socket
import sqlite3
import sys
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from storage.schema import newest
from storage.vault import MARK
from tests.bot.nursery import begun
from tests.bot.running import Visitor, command, finished, free_port, visitor, write_config
from tests.bot.talking import ALWAYS
from tests.bot.test_killed import CHAIN
from tests.databases import Database, Postgres
from tests.waiting import PATIENCE, until

SECRET = "Xanthippe"
"""What must not be found anywhere once it is forgotten; nor ever in a log."""


def config(tmp_path: Path, port: int = 0, more: str = "") -> Path:
    return write_config(tmp_path, "sqlite:///doorstep.db", port, {"chain": CHAIN}, more)


def one_line(code: int, out: str, err: str) -> str:
    assert (code, out) == (2, "")
    assert err.startswith("doorstep: ")
    assert err.count("\n") == 1, err
    return err


async def test_it_is_ready_once_and_ends_in_time_when_told_to(tmp_path: Path) -> None:
    port = free_port()
    process = await begun(config(tmp_path, port))
    async with visitor(port, "ana") as ana:
        await ana.say("hello")
        await ana.hear(1)
        waiting = asyncio.create_task(ana.client.get("/chat/messages", params={"after": ana._cursor}))
        await asyncio.sleep(0.1)
        told = time.monotonic()
        process.terminate()
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0
        assert time.monotonic() - told < 10
        assert out == b"", "nothing but `ready`, once"
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = one_line(*await finished("run", "--config", str(config(tmp_path, port))))
    assert str(port) in said
    assert "is taken" in said


async def test_a_second_process_on_the_same_file_is_refused(tmp_path: Path) -> None:
    file = config(tmp_path)
    first = await begun(file)
    assert "Another process" in one_line(*await finished("run", "--config", str(file)))
    first.kill()
    await first.wait()
    again = await begun(file)
    again.terminate()
    assert await again.wait() == 0


async def test_a_missing_or_wrong_key_is_refused_once_there_is_data(tmp_path: Path) -> None:
    port = free_port()
    file = config(tmp_path, port)
    process = await begun(file)
    async with visitor(port, "ana") as ana:
        await ana.say("hello")
    process.terminate()
    await process.wait()
    key = tmp_path / "doorstep.key"
    kept = key.read_bytes()
    key.unlink()
    assert "key file is missing" in one_line(*await finished("run", "--config", str(file)))
    assert not key.exists()
    key.write_text("not a key")
    one_line(*await finished("run", "--config", str(file)))
    key.write_bytes(b"A" * 43 + b"=")
    assert "not the one" in one_line(*await finished("run", "--config", str(file)))
    key.write_bytes(kept)
    process = await begun(file)
    process.kill()
    await process.wait()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[desks.telegram]\ntoken = "t"\nchat = "1"', "a group's number, like -1001234567890"),
        ('[flows]\nfolder = "elsewhere"', "[flows] folder"),
        ("[pairing]\nreach = 3", "`reach` is not known here"),
        ('[storage.url]\nx = "y"', "[storage]"),
    ],
)
async def test_what_cannot_be_run_is_one_line(tmp_path: Path, more: str, said: str) -> None:
    file = config(tmp_path, more=more)
    if more.startswith("[storage"):
        file.write_text(file.read_text().replace('[storage]\nurl = "sqlite:///doorstep.db"\n', ""))
    assert said in one_line(*await finished("run", "--config", str(file)))


async def test_what_the_system_would_not_do_is_told_with_the_file(tmp_path: Path) -> None:
    file = config(tmp_path)
    (tmp_path / "doorstep.key").mkdir()
    assert f"{tmp_path / 'doorstep.key'}: Is a directory" in one_line(*await finished("run", "--config", str(file)))


async def test_a_library_with_mistakes_is_refused_with_each_of_them(tmp_path: Path) -> None:
    file = config(tmp_path)
    (tmp_path / "flows/library/chain.yaml").write_text(CHAIN.replace("go: odd", "go: nowhere"))
    code, out, err = await finished("run", "--config", str(file))
    assert (code, out) == (2, "")
    assert "library/chain.yaml:17:9: error" in err
    assert err.splitlines()[-1].startswith("doorstep: no flows can be in force")


async def test_without_a_passphrase_only_health_and_metrics_answer(tmp_path: Path) -> None:
    port = free_port()
    file = config(tmp_path, port)
    file.write_text(re.sub("passphrase = .*", "", file.read_text()))
    process = await begun(file)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await client.get(path)).status_code == 200
        for path in ("/", "/enter", "/chat/messages", "/docs", "/openapi.json"):
            assert (await client.get(path)).status_code == 404
        assert (await client.post("/chat/open")).status_code == 404
        metrics = (await client.get("/metrics")).text
    assert "doorstep_storage_up 1.0" in metrics
    process.terminate()
    assert await process.wait() == 0


async def test_a_full_disk_loses_nothing_that_was_taken_and_is_seen_and_gets_well_by_itself(tmp_path: Path) -> None:
    port = free_port()
    file = config(tmp_path, port)
    process = await begun(file, stderr=asyncio.subprocess.PIPE)
    async with visitor(port, "ana") as ana:
        for number in range(5):
            await ana.say(f"word {number}")
        _limit(process.pid, _largest(tmp_path) // 2)
        refused = await ana.client.post("/chat/messages", json={"event": "full", "text": "word 5"})
        assert refused.status_code == 503
        await healthy(ana, 503)
        assert "doorstep_storage_up 0.0" in (await ana.client.get("/metrics")).text
        _limit(process.pid, None)
        await healthy(ana, 200)
        await ana.say("word 5", event="full")
        await ana.hear(6)
        assert ana.said == [f"word {number}" for number in range(6)]
        assert ana.heard[-1] == "Even. Before that you said <word 5>."
    process.terminate()
    _, err = await process.communicate()
    assert process.returncode == 0
    assert b"word" not in err


async def healthy(someone: Visitor, status: int) -> None:
    """Once /healthz answers so, which looks again after a second."""

    async def answered() -> bool:
        return (await someone.client.get("/healthz")).status_code == status

    await until(answered)


def _largest(folder: Path) -> int:
    return max(each.stat().st_size for each in folder.glob("doorstep*.db*"))


def _limit(pid: int, size: int | None) -> None:
    """No file of that process may grow beyond this: for it the disk is full."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("needs prlimit")
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


async def test_what_was_forgotten_is_in_no_file_and_was_in_no_log(tmp_path: Path) -> None:
    port = free_port()
    file = config(tmp_path, port)
    for name, text in ALWAYS.items():
        (tmp_path / f"flows/library/{name}.yaml").write_text(text)
    process = await begun(file, stderr=asyncio.subprocess.PIPE)
    async with visitor(port, "ana") as ana, visitor(port, "ben") as ben:
        await ben.say("hello")
        for text in ("hello", f"I am {SECRET}", "forget me", "yes"):
            await ana.say(text)
        address = ana.client.cookies["doorstep_chat"]
        await asyncio.sleep(0.5)
        await ben.say("still here")
        await _until_forgotten(tmp_path / "doorstep.db")
        await ana.say("who am I?")
        assert (await ana.client.post("/chat/open")).json()["messages"][0]["text"] == "who am I?"
    process.terminate()
    _, err = await process.communicate()
    assert _files_with(SECRET, tmp_path) == []
    assert SECRET.encode() not in err
    assert address.encode() not in err
    with sqlite3.connect(tmp_path / "doorstep.keys.db") as keys:
        numbers = [number for (number,) in keys.execute("SELECT person_id FROM person_keys") if number != MARK]
    keys.close()
    assert len(numbers) == 2, "ben's and the stranger's"


def _files_with(text: str, folder: Path) -> list[str]:
    return [each.name for each in folder.rglob("*") if each.is_file() and text.encode() in each.read_bytes()]


async def _until_forgotten(file: Path) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            database = sqlite3.connect(file)
            count = database.execute("SELECT count(*) FROM people WHERE status = 'forgotten'").fetchone()[0]
            database.close()
            if count:
                return
            await asyncio.sleep(0.1)


async def test_a_part_that_breaks_ends_the_process_with_a_line_that_says_which(tmp_path: Path) -> None:
    file = config(tmp_path)
    breaking = "import asyncio, sys; import bot.due\nasync def tick(self): raise KeyError('Xanthippe')\n"
    breaking += "bot.due.DueClock.tick = tick\nfrom bot.cli import main\nsys.argv[0] = 'doorstep'\nmain()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", breaking, "run", "--config", str(file), cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 1
    last = err.decode().splitlines()[-1]
    assert last.startswith("doorstep: stopped: DueClock.run broke: KeyError")
    assert SECRET not in err.decode()


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("await asyncio.to_thread(time.sleep, 600)", ""),
        ("while True:\n  try: await asyncio.sleep(600)\n  except asyncio.CancelledError: pass", "did not end in time"),
    ],
)
async def test_it_ends_in_time_though_a_thread_is_busy_or_something_hangs(tmp_path: Path, what: str, says: str) -> None:
    file = config(tmp_path)
    hanging = (
        f"import asyncio, sys, time; import bot.due, bot.cli\nbot.cli.STOPS = 1.0\nasync def tick(self):\n {what}\n"
    )
    hanging += "bot.due.DueClock.tick = tick\nbot.cli.main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", hanging, "run", "--config", str(file), cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), PATIENCE) == b"ready\n"
    process.terminate()
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
    assert (says in err.decode()) if says else not err, err


async def test_sigint_ends_it_too(tmp_path: Path) -> None:
    process = await begun(config(tmp_path))
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


def test_the_newest_migration_is_known_without_alembic() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parents[2] / "storage/migrations"))
    assert ScriptDirectory.from_config(settings).get_current_head() == newest()


async def test_a_start_loads_nothing_it_does_not_need() -> None:
    code = "import sys, bot.cli, bot.app; print({'alembic', 'nicegui', 'rich', 'mako', 'aiogram'} & sys.modules.keys())"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out == b"set()\n"


async def test_on_postgres_a_process_takes_over_where_the_other_was(database: Database, tmp_path: Path) -> None:
    port = free_port()
    file = write_config(tmp_path, database.url, port, {"chain": CHAIN})
    process = await begun(file)
    async with visitor(port, "ana") as ana:
        await ana.say("hello")
        process.kill()
        await process.wait()
        process = await begun(file)
        await ana.say("one")
        assert (await ana.hear(2))[-1] == "Even. Before that you said <one>."
    process.terminate()
    assert await process.wait() == 0


async def test_a_process_whose_turns_do_not_fit_newer_tables_ends_and_says_so_and_takes_nothing(
    postgres: Postgres, tmp_path: Path
) -> None:
    url, port = postgres.create(), free_port()
    process = await begun(write_config(tmp_path, url, port, {"chain": CHAIN}), stderr=asyncio.subprocess.PIPE)
    async with visitor(port, "ana") as ana:
        await ana.say("word 0")
        await ana.hear(1)
        with psycopg.connect(url) as connection:
            connection.execute("ALTER TABLE conversations RENAME COLUMN state TO place")
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        saying = asyncio.create_task(ana.say("word 1"))
        _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 2
        assert "doorstep: A newer Doorstep has changed the tables" in err.decode().splitlines()[-1]
        assert not saying.done(), "it is told nothing, and tries again"
        saying.cancel()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*), count(dead_at) FROM inbox").fetchone() == (1, 0)


async def test_init_makes_a_folder_that_is_whole_and_never_writes_over_one(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    code, _, err = await finished("init", str(folder))
    assert (code, err) == (0, "")
    made = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"config.toml", "doorstep.key", ".gitignore", "flows/README.md", "flows/library/welcome.yaml"} <= made
    assert (folder / "doorstep.key").stat().st_mode & 0o077 == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert "not empty" in one_line(*await finished("init", str(folder)))
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert (await finished("check", str(folder / "flows")))[0] == 0
    text = (folder / "config.toml").read_text().replace("port = 8000", "port = 0")
    (folder / "config.toml").write_text(text)
    process = await begun(folder / "config.toml")
    process.terminate()
    assert await process.wait() == 0
    assert (folder / "doorstep.db").exists()
    assert [path for path in (folder, *folder.iterdir()) if path.stat().st_mode & 0o077] == []


async def test_an_unknown_command_is_two() -> None:
    process = await command("fly", stderr=asyncio.subprocess.DEVNULL)
    await process.communicate()
    assert process.returncode == 2
