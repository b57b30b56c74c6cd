import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

from storage.key_copies import keys_of
from tests.bot.commands.given import config, one_line
from tests.bot.commands.test_send import group
from tests.bot.nursery import begun
from tests.bot.running import finished
from tests.waiting import PATIENCE


async def test_someone_is_forgotten_while_the_bot_runs_and_is_asked_about_before(tmp_path: Path) -> None:
    file = await group(tmp_path)
    process = await begun(file)
    try:
        arguments = ("forget", "1", "--config", str(file))
        code, out, err = await finished(*arguments, said="n\n")
        assert code != 0
        assert "Forget Ana, here since 20" in out + err
        assert len(keys_of(f"sqlite:///{tmp_path}/doorstep.db")) == 8
        code, out, _ = await finished(*arguments, said="y\n")
        assert code == 0
        assert "Ana is forgotten." in out
        assert "Ana" not in (await finished("people", "list", "--config", str(file)))[1]
        assert "there is no person 1" in one_line(await finished(*arguments, "--yes"))
    finally:
        process.terminate()
        assert await process.wait() == 0


async def test_burn_asks_twice_and_then_nobody_can_be_read_and_the_bot_stops(tmp_path: Path) -> None:
    file, url = await group(tmp_path), f"sqlite:///{tmp_path}/doorstep.db"
    process = await begun(file, stderr=PIPE)
    for said in ("Somebody else\n", "Leeds Neighbours\nyes\n"):
        code, _, err = await finished("burn", "--config", str(file), said=said)
        assert code == 2
        assert "nothing was destroyed" in err.splitlines()[-1]
    assert len(keys_of(url)) == 8
    code, out, _ = await finished("burn", "--config", str(file), said="Leeds Neighbours\nburn\n")
    assert code == 0
    assert "8 keys are destroyed" in out
    _, said_last = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 2
    assert "burned" in said_last.decode().splitlines()[-1]
    assert "burned" in one_line(await finished("people", "list", "--config", str(file)))
    assert "burned" in one_line(await finished("run", "--config", str(config(tmp_path))))
    assert keys_of(url) == []
