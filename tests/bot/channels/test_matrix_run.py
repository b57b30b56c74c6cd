"""`doorstep run` as a process of its own, and people who talk with it on a real Synapse."""

import asyncio
import signal
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.bot.channels.killing import killed_again_and_again
from tests.bot.channels.on_matrix import bubbles_in
from tests.bot.channels.test_telegram_run import starter
from tests.bot.nursery import begun, nursery
from tests.bot.running import free_port, ready_says, write_config
from tests.bot.standins.synapse import SERVER, Hands, synapse
from tests.bot.test_killed import CHAIN, replies
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.slow

_numbers = count(1)


@pytest.fixture
def hands() -> Iterator[Hands]:
    acting = Hands(synapse().url)
    yield acting
    acting.client.close()


class Talker:
    """Someone in a room with the bot."""

    def __init__(self, hands: Hands, name: str, bot: str) -> None:
        self.hands, self.bot, self.user = hands, bot, f"@{name}:{SERVER}"
        hands.join_server(name, name.partition("-")[0].title())
        self.room = hands.create_room(self.user, bot, is_direct=True)

    def say(self, text: str) -> None:
        self.hands.say(self.user, self.room, text)

    @property
    def heard(self) -> list[str]:
        return [bubble.text for bubble in bubbles_in(self.hands.messages(self.user, self.room), self.bot)]


def section(name: str, more: str, account: str = "") -> str:
    called = f"channels.matrix.{account}" if account else "channels.matrix"
    return f'[{called}]\nhomeserver = "{synapse().url}"\nuser = "{name}"\n{more}\n'


def bot(password: str = "open sesame") -> str:
    name = f"runner-{next(_numbers)}"
    synapse().register(name, password)
    return name


async def test_a_newcomer_is_welcomed_on_matrix_by_numbers(hands: Hands, tmp_path: Path) -> None:
    name = bot()
    config = write_config(
        tmp_path, f"sqlite:///{tmp_path}/d.db", free_port(), starter(), section(name, 'password = "open sesame"')
    )
    process = await begun(config)
    ana = Talker(hands, f"ana-of-{name}", f"@{name}:{SERVER}")
    ana.say("hello")
    await until(lambda: len(ana.heard) > 1)
    assert "Ana" in ana.heard[0]
    count_before = len(ana.heard)
    ana.say("/help")
    await until(lambda: len(ana.heard) > count_before)
    ana.say("stop")
    await until(lambda: "Done" in ana.heard[-1])
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


async def test_a_wrong_password_is_one_line_and_the_other_account_goes_on(hands: Hands, tmp_path: Path) -> None:
    name, other, port = bot(), bot(), free_port()
    more = section(name, 'password = "open sesame"', "south") + section(other, 'password = "wrong-pass"', "north")
    config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, {"chain": CHAIN}, more)
    process = await begun(config, stderr=PIPE)
    ana = Talker(hands, f"ana-of-{name}", f"@{name}:{SERVER}")
    ana.say("hello")
    await until(lambda: ana.heard == ["Odd. Before that you said <>."])
    first, down = await ready_says(port, "channel matrix north is down since 20")
    assert first == "ready"
    assert "user and password" in down
    process.terminate()
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert len([line for line in err.decode().splitlines() if "north" in line]) == 1
    assert not any(secret in err.decode() for secret in ("wrong-pass", "open sesame", "syt_", "hello"))


async def test_killed_again_and_again_it_loses_nothing_takes_nothing_twice_and_sends_nothing_twice(
    hands: Hands, tmp_path: Path
) -> None:
    kills, people = 10, 5
    name = bot()
    more = section(name, 'password = "open sesame"')
    config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", free_port(), {"chain": CHAIN}, more)
    talkers = [Talker(hands, f"p-{next(_numbers)}-of-{name}", f"@{name}:{SERVER}") for _ in range(people)]
    async with nursery("bot.channels.matrix") as born:
        said = await killed_again_and_again(born, config, kills, [talker.say for talker in talkers], 1.0)
        process = await born.ready(config)
        try:
            await until(lambda: all(len(talkers[n].heard) >= said[n] for n in range(people)), 120)
        finally:
            process.kill()
            await process.wait()
    for number, talker in enumerate(talkers):
        assert talker.heard == replies(said[number])
