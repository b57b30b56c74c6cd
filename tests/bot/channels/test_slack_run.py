"""`doorstep run` as a process of its own, and people who talk with it on Slack's stand-in."""

import asyncio
import random
import signal
from asyncio.subprocess import PIPE
from functools import partial
from pathlib import Path

import httpx
import pytest

from flows.reader import STARTER
from tests.bot.nursery import begun, nursery
from tests.bot.running import free_port, ready_says, write_config
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_people import Person
from tests.bot.standins.slack_rules import Json, shown
from tests.bot.test_killed import CHAIN, replies
from tests.waiting import PATIENCE, until


def section(server: SlackServer, more: str, token: str = "xoxb-1", account: str = "") -> str:
    name = f"channels.slack.{account}" if account else "channels.slack"
    return f'[{name}]\nbot_token = "{token}"\napi_base = "{server.url}"\n{more}\n'


def starter() -> dict[str, str]:
    return {file.stem: file.read_text("utf-8") for file in (STARTER / "library").glob("*.yaml")}


def texts(person: Person) -> list[str]:
    return [shown(message)[0] for message in person.sent]


def elements(message: Json) -> list[Json]:
    return [each for block in message["blocks"] if block["type"] == "actions" for each in block["elements"]]


def press(person: Person, label: str) -> None:
    """They press what is called so, in the newest message that has it."""
    for message in reversed(person.sent):
        for element in elements(message):
            if label in element.get("text", {}).get("text", ""):
                person.press(message["ts"], element["action_id"])
                return
    raise AssertionError(f"{label!r} is nowhere")


async def tick(person: Person, *places: int) -> None:
    """They tick the boxes at these places in the newest message, and hand them in."""
    (boxes,) = [each for each in elements(person.sent[-1]) if each["type"] == "checkboxes"]
    chosen = [boxes["options"][place] for place in places]
    await person.press(person.sent[-1]["ts"], boxes["action_id"], selected_options=chosen)
    press(person, "Done")


@pytest.mark.slow
async def test_a_newcomer_is_welcomed_on_slack_from_hello_to_consent(tmp_path: Path) -> None:
    async with SlackServer(pace=True) as server:
        app = server.app("xoxb-1", app_token="xapp-1")
        ana = app.person("Ana *of* <!channel>")
        more = section(server, 'app_token = "xapp-1"')
        process = await begun(write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", free_port(), starter(), more))
        ana.say("hello")
        await until(lambda: any(each["type"] == "checkboxes" for message in ana.sent for each in elements(message)))
        assert "Ana" in texts(ana)[0]
        await tick(ana, 0, 2)
        await until(lambda: "town" in texts(ana)[-1])
        ana.say("Leeds")
        await until(lambda: "When could you meet" in texts(ana)[-1])
        await tick(ana, 1)
        await until(lambda: "18" in texts(ana)[-1])
        press(ana, "Yes")
        await until(lambda: "introduce you to one volunteer" in texts(ana)[-1])
        press(ana, "Yes please")
        await until(lambda: "volunteer" not in texts(ana)[-1])
        ana.say("/help")
        await until(lambda: "buddy" in texts(ana)[-1])
        press(ana, "No more messages")
        await until(lambda: "Done" in texts(ana)[-1])
        assert [alive for message in ana.sent for alive in shown(message)[1]] == []
        assert (ana.warned, app.lost, server.refused_for_pace) == ([], [], 0)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


async def test_a_wrong_token_is_one_line_and_the_other_app_which_slack_calls_goes_on(tmp_path: Path) -> None:
    async with SlackServer() as server:
        south, port = server.app("xoxb-south", signing_secret="s3cret"), free_port()
        more = section(server, 'signing_secret = "s3cret"', "xoxb-south", "south")
        more += section(server, 'app_token = "xapp-north"', "xoxb-north", "north")
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, {"chain": CHAIN}, more)
        process = await begun(config, stderr=PIPE)
        south.address = f"http://127.0.0.1:{port}/slack/south"
        ana = south.person("Ana")
        ana.say("hello")
        await until(lambda: texts(ana) == ["Odd. Before that you said <>."])
        first, down = await ready_says(port, "channel slack north is down since 20")
        assert first == "ready"
        assert "api.slack.com/apps" in down
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            assert (await client.post("/slack/south", content=b"{}")).status_code == 401
        process.terminate()
        _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        lines = [line for line in err.decode().splitlines() if "north" in line]
        assert len(lines) == 1
        assert "xoxb-north" not in err.decode()


@pytest.mark.slow
async def test_killed_again_and_again_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    """Each says the next word when they have heard the answer; what nobody took, Slack brings again."""
    kills, people = 8, 10
    often = [60.0] * 500
    async with SlackServer(hurry=0.004, patience=0.2, pauses=often) as server, nursery("bot.channels.slack") as born:
        app = server.app("xoxb-1", app_token="xapp-1")
        talkers = [app.person(f"P{number}") for number in range(people)]
        more = section(server, 'app_token = "xapp-1"')
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", free_port(), {"chain": CHAIN}, more)
        said = dict.fromkeys(range(people), 0)
        ended = asyncio.Event()

        async def talk(number: int) -> None:
            while not ended.is_set():
                talkers[number].say(f"word {said[number]}")
                said[number] += 1
                await until(lambda: len(texts(talkers[number])) >= said[number], 120)

        talking = [asyncio.create_task(talk(number)) for number in range(people)]
        for number in range(kills):
            process, before = await born.ready(config), sum(said.values())
            await app.connected()
            if number % 2:  # however busy the machine is, people say something in some of its lives
                await until(partial(lambda count: sum(said.values()) >= count, before + 3))
            await asyncio.sleep(random.uniform(0.2, 1.2))
            process.kill()
            await process.wait()
        process = await born.ready(config)
        ended.set()
        try:
            await asyncio.gather(*talking)
        finally:
            process.kill()
            await process.wait()
        assert app.lost == []
        assert sum(said.values()) > people + kills
        assert [texts(each) for each in talkers] == [replies(said[number]) for number in range(people)]
