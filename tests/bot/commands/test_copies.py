"""`doorstep backup` and `doorstep restore`, as they are called, beside a bot that runs."""

import shutil
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import httpx
import pytest

from storage import key_copies
from storage.store import Transaction
from tests.bot.commands.given import kept
from tests.bot.nursery import begun
from tests.bot.running import Visitor, finished, free_port, visitor, write_config
from tests.databases import Postgres

FLOW = """
flow: hello
starts: {first_contact: true}
start: name
states:
  name: {ask: What is your name?, expect: text, save: me.name, go: town}
  town: {ask: "And your town, {{ me.name }}?", expect: text, save: town, go: done}
  done: {say: "{{ me.name }} of {{ answers.town }}, welcome!", end: done}
"""


class Yesterday(datetime):
    """A clock that is a day late."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) - timedelta(days=1)


def config(folder: Path, url: str = "sqlite:///doorstep.db", port: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    return write_config(folder, url, port, {"hello": FLOW})


async def test_a_bot_goes_on_in_the_middle_of_a_question_in_another_database(
    tmp_path: Path, postgres: Postgres
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    port, other_port = free_port(), free_port()
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    process = await begun(config(one, port=port))
    async with visitor(port, "ana") as ana:
        await ana.say("hello")
        await ana.hear(1)
        await ana.say("Ana")
        assert (await ana.hear(2))[-1] == "And your town, Ana?"
        code, out, err = await finished("backup", str(file), "--keys", str(keys), "--config", str(one / "config.toml"))
        assert (code, err) == (0, "")
        assert out.startswith(f"{file} holds everything but the keys (")
        assert "doorstep.key and the person keys together" in out
        assert out.endswith(f"apart from it ({keys}: 1 key).\n")
        assert out.count("\n") == 1
        cookies = ana.client.cookies
        process.kill()
        await process.wait()
        config(two, postgres.create(), other_port)
        shutil.copy(one / "doorstep.key", two)
        code, out, err = await finished("restore", str(file), "--keys", str(keys), "--config", str(two / "config.toml"))
        assert (code, err) == (0, "")
        assert out.endswith(f"rows restored from {file}: the bot goes on where it was.\n")
        process = await begun(two / "config.toml")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{other_port}", timeout=40, cookies=cookies) as client:
            again = Visitor(client, "again")
            await again.say("Leeds")
            await again.look_without_waiting()
            assert (await again.hear(3))[-1] == "Ana of Leeds, welcome!"
        process.kill()
        await process.wait()


async def test_whoever_was_forgotten_after_the_backup_stays_forgotten(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    first, second = config(one), config(two)
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"

    async def three(tx: Transaction) -> None:
        numbers = []
        for name in ("Ana", "Ben", "Cleo"):
            person = await tx.people.add("web", "web", name, "en")
            await tx.people.save(person.id, {"name": name})
            numbers.append(person.id)
        for supporter in numbers[:2]:
            assert await tx.pairs.propose(supporter, numbers[2], "introduced", 1.0, (), tx.now) is not None
        assert await tx.pairs.propose(numbers[0], numbers[1], "introduced", 1.0, (), tx.now) is not None

    async def forget(tx: Transaction) -> None:
        for number in (1, 2):
            await tx.people.forget(number)

    await kept(one, three)
    assert (await finished("backup", str(file), "--config", str(first)))[0] == 0
    await kept(one, forget)
    assert (await finished("backup", str(tmp_path / "x.gz"), "--keys", str(keys), "--config", str(first)))[0] == 0
    shutil.copy(one / "doorstep.key", two)
    code, out, err = await finished("restore", str(file), "--keys", str(keys), "--config", str(second))
    assert (code, err) == (0, "")
    assert out.splitlines()[1] == "2 people were forgotten after this backup, and stayed so."
    people = await kept(two, lambda tx: tx.people.page(0, 10))
    assert [known.fields["name"] for known in people] == ["Cleo"]
    assert await kept(two, lambda tx: tx.pairs.open_of(3)) == []
    assert "Cleo" in (await finished("people", "list", "--config", str(second)))[1]


async def test_who_is_not_in_an_older_copy_of_the_keys_is_not_said_to_have_been_forgotten_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    first, second = config(one), config(two)
    file, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"
    await kept(one, lambda tx: tx.people.add("web", "web", "ana", "en"))
    with monkeypatch.context() as earlier:
        earlier.setattr(key_copies, "datetime", Yesterday)
        assert key_copies.backup_keys(f"sqlite:///{one}/doorstep.db", keys) == 1
    await kept(one, lambda tx: tx.people.add("web", "web", "ben", "en"))
    assert (await finished("backup", str(file), "--config", str(first)))[0] == 0
    shutil.copy(one / "doorstep.key", two)
    code, out, _ = await finished("restore", str(file), "--keys", str(keys), "--config", str(second))
    assert code == 0
    assert "1 person was forgotten: this copy of the keys is older than the backup" in out


async def test_without_any_key_nobody_is_taken_for_forgotten(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    first, second = config(one), config(two)
    file = tmp_path / "backup.gz"
    await kept(one, lambda tx: tx.people.add("web", "web", "ana", "en"))
    assert (await finished("backup", str(file), "--config", str(first)))[0] == 0
    shutil.copy(one / "doorstep.key", two)
    code, out, err = await finished("restore", str(file), "--config", str(second))
    assert (code, out.count("\n")) == (0, 1)
    assert "goes on" not in out
    assert err.startswith("There are no person keys here")
    for command in (("people", "list"), ("run",), ("stats",)):
        code, out, err = await finished(*command, "--config", str(second))
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "person keys are missing" in err, "nobody is said to be forgotten"
        assert "`doorstep.keys.db` beside it, or restore once more" in err
    shutil.copy(one / "doorstep.keys.db", two)
    assert [known.id for known in await kept(two, lambda tx: tx.people.page(0, 10))] == [1]


async def test_what_cannot_be_backed_up_or_restored_is_one_line(tmp_path: Path) -> None:
    file = config(tmp_path)
    backup, keys = tmp_path / "backup.gz", tmp_path / "keys.copy"

    async def refused(*arguments: str) -> str:
        code, out, err = await finished(*arguments, "--config", str(file))
        assert (code, out) == (2, "")
        assert err.startswith("doorstep: ")
        assert err.count("\n") == 1, err
        return err

    assert "There is no database yet" in await refused("backup", str(backup))
    process = await begun(file)
    assert "two files" in await refused("backup", str(backup), "--keys", str(backup))
    assert "no earlier copy" in await refused("backup", str(tmp_path / "doorstep.db"))
    assert "no earlier copy" in await refused("backup", str(backup), "--keys", str(tmp_path / "doorstep.keys.db"))
    nowhere = tmp_path / "nowhere" / "backup.gz"
    assert f"{nowhere}: No such file or directory: nothing was written" in await refused("backup", str(nowhere))
    assert "Is a directory" in await refused("backup", str(tmp_path))
    assert (await finished("backup", str(backup), "--config", str(file)))[0] == 0
    assert "Another process" in await refused("restore", str(backup))
    process.terminate()
    await process.wait()
    assert "holds something already" in await refused("restore", str(backup))
    assert "is no backup" in await refused("restore", str(tmp_path / "doorstep.db"))
    assert f"{keys}: No such file" in await refused("restore", str(keys))
    assert ".part" not in " ".join(map(str, tmp_path.iterdir()))  # noqa: ASYNC240
