"""`doorstep run` as a process of its own, and people who talk with it on WhatsApp's stand-in."""

import asyncio
import signal
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.bot.channels.killing import killed_again_and_again
from tests.bot.channels.test_telegram_run import starter
from tests.bot.nursery import begun, nursery
from tests.bot.running import free_port, ready_says, write_config
from tests.bot.standins.whatsapp import APP_SECRET, PHONE, TOKEN, VERIFY, WhatsAppServer
from tests.bot.standins.whatsapp_people import Json, buttons
from tests.bot.test_killed import CHAIN, replies
from tests.waiting import PATIENCE, until


def whatsapp(server: WhatsAppServer, port: int, **more: str) -> str:
    """The section of a configuration, and where the server calls."""
    server.hook = f"http://127.0.0.1:{port}/whatsapp/main"
    keys = {
        "phone_number_id": PHONE, "token": TOKEN, "app_secret": APP_SECRET, "verify_token": VERIFY,
        "api_base": server.url,
    } | more  # fmt: skip
    return "[channels.whatsapp]\n" + "".join(f'{key} = "{value}"\n' for key, value in keys.items())


def titles(message: Json) -> list[str]:
    return [each["title"] for each in buttons(message)]


async def test_a_newcomer_is_welcomed_on_whatsapp_with_numbers_buttons_and_a_shared_place(tmp_path: Path) -> None:
    async with WhatsAppServer() as server:
        port, ana = free_port(), server.person("447700900001", "Ana _of_ Leeds")
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, starter(), whatsapp(server, port))
        process = await begun(config)
        ana.say("/start")
        await until(lambda: any("1. " in words for words in ana.words))
        assert "Ana" in ana.words[0]
        ana.say("1 and 3")
        await until(lambda: ana.sent[-1].get("interactive", {}).get("type") == "location_request_message")
        count = len(ana.sent)
        ana.post({"type": "location", "location": {"latitude": 53.79648, "longitude": -1.54785}})
        await until(lambda: len(ana.sent) > count)
        ana.say("/help")
        await until(lambda: "buddy" in ana.words[-1])
        ana.want_no_more()
        await until(lambda: "Done" in ana.words[-1])
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


async def test_who_has_not_written_for_a_day_is_asked_to_and_then_hears_what_waited(tmp_path: Path) -> None:
    async with WhatsAppServer() as server:
        port, ana = free_port(), server.person("447700900001", "Ana")
        server.template("news")
        more = whatsapp(server, port, template="news")
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, {"chain": CHAIN}, more)
        process = await begun(config)
        # They wrote, and by the time of the answer the window has closed.
        ana.say("hello")
        ana.open = False
        await until(lambda: [message["type"] for message in ana.sent] == ["template"])
        ana.press_template("Read it")
        await until(lambda: len(ana.sent) == 2)
        assert ana.words[1] == "Odd. Before that you said <>."
        process.kill()
        await process.wait()


async def test_a_wrong_secret_is_one_line_and_readyz_says_so(tmp_path: Path) -> None:
    async with WhatsAppServer() as server:
        port = free_port()
        more = whatsapp(server, port, app_secret="wrong")
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, {"chain": CHAIN}, more)
        process = await begun(config, stderr=PIPE)
        first, down = await ready_says(port, "channel whatsapp main is down since 20")
        assert first == "ready"
        assert "app_secret is not the secret of this token's app" in down
        process.terminate()
        _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        lines = [line for line in err.decode().splitlines() if "whatsapp" in line]
        assert len(lines) == 1
        assert TOKEN not in err.decode()


@pytest.mark.slow
async def test_killed_again_and_again_it_loses_nothing_and_takes_nothing_twice(tmp_path: Path) -> None:
    kills, people = 15, 10
    async with WhatsAppServer() as server, nursery("tests.bot.channels.hurried_whatsapp") as born:
        port, chats = (
            free_port(),
            [server.person(f"4477009000{number:02}", f"P{number}") for number in range(people)],
        )
        config = write_config(
            tmp_path, f"sqlite:///{tmp_path}/d.db", port, {"chain": CHAIN}, whatsapp(server, port)
        )  # fmt: skip
        said = await killed_again_and_again(born, config, kills, [chat.say for chat in chats], 0.2)
        process = await born.ready(config)
        try:
            await until(lambda: all(len(set(chats[n].words)) >= said[n] for n in range(people)), 120)
        finally:
            process.kill()
            await process.wait()
        twice = 0
        for number, chat in enumerate(chats):
            assert list(dict.fromkeys(chat.words)) == replies(said[number])
            twice += len(chat.words) - said[number]
        # Meta says of each message that it took it: only where that came too late is one sent again.
        assert twice <= kills * people
