"""`doorstep run` as a process of its own with a desk in Slack: supporters and coordinators in one workspace."""

from pathlib import Path

import pytest

from tests.bot.channels.test_slack_run import section, starter, texts
from tests.bot.desks.slack_office import CHANNEL
from tests.bot.nursery import begun
from tests.bot.running import free_port, ready_says, write_config
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_rules import shown
from tests.waiting import until

DESK = f'app_token = "xapp-1"\n[desks.slack]\nchannel = "{CHANNEL}"\n'


@pytest.mark.slow
async def test_killed_while_it_posts_it_shows_every_card_once_and_answers_reach_people(tmp_path: Path) -> None:
    async with SlackServer(pace=True) as server:
        app = server.app("xoxb-1", app_token="xapp-1")
        ana, kim = app.person("Ana"), app.person("Kim")
        room = app.channel(CHANNEL, "coordinators")
        room.members.add(kim.id)
        port = free_port()
        file = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, starter(), section(server, DESK))
        process = await begun(file)
        ana.say("human")
        await until(lambda: texts(ana))
        app.hang = 60.0
        ana.say("About my dog")

        def cards() -> list[str]:
            sent = [each for each in room.sent(app.bot_id) if "thread_ts" not in each]
            return [words for each in sent if "asks for a human" in (words := shown(each)[0])]

        await until(cards)
        process.kill()
        await process.wait()
        app.hang = 0.0
        card = next(each for each in room.sent(app.bot_id) if "asks for a human" in shown(each)[0])
        kim.say("Bring him", room, card["ts"])
        process = await begun(file)
        await until(lambda: any(text.endswith("Bring him") for text in texts(ana)))
        await kim.press(card["ts"], "desk:press:done", room)
        await until(lambda: "Done by Kim" in cards()[0])
        assert len(cards()) == 1
        assert await ready_says(port, "ready") == ["ready"]
        process.terminate()
        assert await process.wait() == 0


@pytest.mark.slow
async def test_a_desk_without_its_channel_is_one_line_and_supporters_are_served(tmp_path: Path) -> None:
    async with SlackServer() as server:
        app = server.app("xoxb-1", app_token="xapp-1")
        ana = app.person("Ana")
        port = free_port()
        more = section(server, DESK)
        process = await begun(write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, starter(), more))
        ana.say("human")
        await until(lambda: texts(ana))
        ana.say("About my dog")
        await until(
            lambda: any(method == "chat.postMessage" and given.get("channel") == CHANNEL for method, given in app.calls)
        )
        first, down = await ready_says(port, "desk slack is down since 20")
        assert first == "ready"
        assert "write its id into [desks.slack] channel" in down
        await until(lambda: "one of them will write to you here" in texts(ana)[-1])
        process.terminate()
        assert await process.wait() == 0
