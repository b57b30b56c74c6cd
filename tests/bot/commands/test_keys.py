"""`doorstep keys rotate` beside a bot that runs."""

from pathlib import Path

import pytest

from storage import key_file
from tests.bot.commands.given import one_line
from tests.bot.commands.test_copies import FLOW
from tests.bot.nursery import begun
from tests.bot.running import finished, free_port, visitor, write_config


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_people_go_on_while_the_keys_rotate_and_after_the_next_start(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    url = "sqlite:///doorstep.db" if kind == "sqlite" else request.getfixturevalue("postgres").create()
    file = write_config(tmp_path, url, port := free_port(), {"hello": FLOW})
    process = await begun(file)
    async with visitor(port, "ana") as ana, visitor(port, "ben") as ben:
        await ana.say("hello")
        await ana.hear(1)
        code, out, err = await finished("keys", "rotate", "--yes", "--config", str(file))
        assert (code, err) == (0, "")
        assert out.startswith("1 key is wrapped anew. Copy doorstep.key to where you keep its copy")
        assert ("Where else the bot runs, put doorstep.key as it is now" in out) == (kind == "postgres")
        assert list(key_file.read(tmp_path / "doorstep.key").wrapping) == [2]
        await ana.say("Ana")
        assert (await ana.hear(2))[-1] == "And your town, Ana?"
        await ben.say("hello")
        await ben.hear(1)
        process.kill()
        await process.wait()
        process = await begun(file)
        await ana.say("Leeds")
        assert (await ana.hear(3))[-1] == "Ana of Leeds, welcome!"
        await ben.say("Ben")
        assert (await ben.hear(2))[-1] == "And your town, Ben?"
    process.kill()
    await process.wait()


async def test_where_there_is_nothing_to_rotate_one_line_says_so(tmp_path: Path) -> None:
    file = write_config(tmp_path, "sqlite:///doorstep.db", 0, {"hello": FLOW})
    assert "The key file is missing" in one_line(await finished("keys", "rotate", "--config", str(file)))
    key_file.create(tmp_path / "doorstep.key")
    assert "There is no database yet" in one_line(await finished("keys", "rotate", "--config", str(file)))
    assert list(key_file.read(tmp_path / "doorstep.key").wrapping) == [1]
