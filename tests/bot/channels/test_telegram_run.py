"""`doorstep run` as a process of its own, and people who talk with it on Telegram's stand-in."""

import asyncio
import signal
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx
import pytest

from flows.reader import STARTER
from tests.bot.channels.killing import killed_again_and_again
from tests.bot.nursery import begun, nursery
from tests.bot.running import free_port, ready_says, write_config
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_chats import Chat, Json
from tests.bot.test_killed import CHAIN, replies
from tests.waiting import PATIENCE, until


def telegram(server: TelegramServer, token: str = "1:one", account: str = "", more: str = "") -> str:
    name = f"channels.telegram.{account}" if account else "channels.telegram"
    return f'[{name}]\ntoken = "{token}"\napi_base = "{server.url}"\n{more}\n'


def starter() -> dict[str, str]:
    return {file.stem: file.read_text("utf-8") for file in (STARTER / "library").glob("*.yaml")}


def texts(chat: Chat) -> list[str]:
    return [message["text"] for message in chat.sent]


def labels(message: Json) -> list[str]:
    return [button["text"] for row in message.get("reply_markup", {}).get("inline_keyboard", []) for button in row]


def press(chat: Chat, label: str) -> None:
    """They press what begins or ends so, in the newest message that has it."""
    for message in reversed(chat.sent):
        for row in message.get("reply_markup", {}).get("inline_keyboard", []):
            for button in row:
                if label in button["text"]:
                    chat.press(message["message_id"], button["callback_data"])
                    return
    raise AssertionError(f"{label!r} is nowhere in {[labels(message) for message in chat.sent]}")


async def test_a_newcomer_is_welcomed_on_telegram_with_buttons_ticks_and_a_shared_place(tmp_path: Path) -> None:
    async with TelegramServer() as server:
        bot = server.bot("1:one")
        ana = bot.chat(7, "Ana *of* Leeds")
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", free_port(), starter(), telegram(server))
        process = await begun(config)
        ana.say("/start")
        await until(lambda: any(label.startswith("◻️") for message in ana.sent for label in labels(message)))
        asked = ana.sent[-1]
        assert "Ana" in texts(ana)[0]
        press(ana, labels(asked)[0])
        press(ana, labels(asked)[2])
        await until(lambda: sum("✅" in label for label in labels(ana.messages[asked["message_id"]])) == 2)
        press(ana, "Done")
        await until(lambda: ana.keyboard)
        assert ana.keyboard["keyboard"][0][0] == {"text": "📍 Share my location", "request_location": True}
        count = len(ana.sent)
        ana.location(53.79648, -1.54785)
        await until(lambda: len(ana.sent) > count)
        await until(lambda: bot.commands)
        assert bot.commands[""]["stop"] == "No more messages"
        ana.say("/help")
        await until(lambda: "buddy" in texts(ana)[-1])
        ana.say("/stop")
        await until(lambda: "Done" in texts(ana)[-1])
        assert [entity["type"] for entity in ana.sent[-1]["entities"]] == ["bold"]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


async def test_a_wrong_token_is_one_line_and_the_other_bot_goes_on(tmp_path: Path) -> None:
    async with TelegramServer() as server:
        ana, port = server.bot("1:one").chat(7, "Ana"), free_port()
        more = telegram(server, "1:one", "south") + telegram(server, "2:wrong", "north")
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, {"chain": CHAIN}, more)
        process = await begun(config, stderr=PIPE)
        ana.say("hello")
        await until(lambda: texts(ana) == ["Odd. Before that you said <>."])
        first, down = await ready_says(port, "channel telegram north is down since 20")
        assert first == "ready"
        assert "@BotFather" in down
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            metrics = (await client.get("/metrics")).text
            assert 'doorstep_channel_up{account="north",channel="telegram"} 0.0' in metrics
            assert 'doorstep_channel_up{account="south",channel="telegram"} 1.0' in metrics
            server.bot("2:wrong")
        process.terminate()
        _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        lines = [line for line in err.decode().splitlines() if "north" in line]
        assert len(lines) == 1
        assert "2:wrong" not in err.decode()


async def test_telegram_can_call_a_server_that_has_no_console(tmp_path: Path) -> None:
    async with TelegramServer() as server:
        bot, port = server.bot("1:one"), free_port()
        more = telegram(server, more='mode = "webhook"\nsecret = "s-1"')
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, {"chain": CHAIN}, more)
        written = config.read_text().replace('passphrase = "the blue door"', 'public_url = "https://bot.example"')
        config.write_text(written)
        process = await begun(config)
        await until(lambda: bot.hook)
        assert (bot.hook["url"], bot.hook["secret"]) == ("https://bot.example/telegram/main", "s-1")
        bot.hook["url"] = f"http://127.0.0.1:{port}/telegram/main"
        ana = bot.chat(7, "Ana")
        ana.say("hello")
        await until(lambda: texts(ana) == ["Odd. Before that you said <>."])
        process.kill()
        await process.wait()


@pytest.mark.slow
async def test_killed_again_and_again_it_loses_nothing_and_takes_nothing_twice(tmp_path: Path) -> None:
    kills, people = 10, 10
    async with TelegramServer() as server, nursery("bot.channels.telegram") as born:
        bot = server.bot("1:one")
        chats = [bot.chat(100 + number, f"P{number}") for number in range(people)]
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", free_port(), {"chain": CHAIN}, telegram(server))
        said = await killed_again_and_again(born, config, kills, [chat.say for chat in chats], 0.2)
        process = await born.ready(config)
        try:
            await until(lambda: all(len(set(texts(chats[n]))) >= said[n] for n in range(people)), 240)
        finally:
            process.kill()
            await process.wait()
        twice = 0
        for number, chat in enumerate(chats):
            heard = texts(chat)
            assert list(dict.fromkeys(heard)) == replies(said[number])
            twice += len(heard) - said[number]
        # Only what was on the wire when the process was killed can come twice: one message of each chat.
        assert twice <= kills * people
