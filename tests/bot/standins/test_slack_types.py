"""What the stand-in says, and what the bot shows there, against the types that Slack itself keeps (@slack/types)."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from bot.channels.slack_shown import shown
from flows.model import Say, Shown
from tests.bot.desks.every_kind import show_every_kind
from tests.bot.desks.slack_office import slack_office
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_rules import Json
from tests.bot.standins.typescript import schema
from tests.databases import Watch
from tests.waiting import until

pytestmark = pytest.mark.slow

TYPES = """
import type {
  AppHomeOpenedEvent, FileShareMessageEvent, GenericMessageEvent, HomeView, KnownBlock, MessageChangedEvent, ModalView,
} from "@slack/types";
// JSON has no `undefined`, and Slack's own page of message_changed shows a message in it without where it is.
type Written = Omit<GenericMessageEvent, "subtype">;
type Inner = Omit<Written, "channel" | "channel_type" | "event_ts">;
type Changed = Omit<MessageChangedEvent, "message" | "previous_message"> & { message: Inner; previous_message: Inner };
export interface Checked {
  written: Written[];
  changed: Changed[];
  files: FileShareMessageEvent[];
  homes: AppHomeOpenedEvent[];
  blocks: KnownBlock[];
  views: (HomeView | ModalView)[];
}
"""
CHOICES = tuple(Shown(str(number), f"Choice {number}") for number in range(4))


@pytest.fixture(scope="module")
def checked() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(schema("@slack/types", "3.2.0", TYPES))


def wrong(checked: jsonschema.Draft7Validator, **said: list[Json]) -> list[str]:
    everything = {name: said.get(name, []) for name in ("written", "changed", "files", "homes", "blocks", "views")}
    return [f"{list(error.absolute_path)}: {error.message[:300]}" for error in checked.iter_errors(everything)]


async def test_events_are_as_slacks_types_have_them(checked: jsonschema.Draft7Validator) -> None:
    async with SlackServer() as server:
        app = server.app("xoxb-1", app_token="xapp-1")
        ana, room = app.person("Ana"), app.channel("C0COORD", "coordinators")
        first = ana.say("Hello")
        ana.say("Under it", room, thread=ana.say("Look", room))
        ana.edit(first, "Hello & all")
        ana.send_file("F0PHOTO", "image/jpeg")
        ana.open_home()
        events = [body["event"] for _, body in app.delivered]
    by_kind: dict[str, list[Json]] = {"written": [], "changed": [], "files": [], "homes": []}
    for event in events:
        kind = {"message_changed": "changed", "file_share": "files", "": "written"}[event.get("subtype", "")]
        by_kind["homes" if event["type"] == "app_home_opened" else kind].append(event)
    assert [len(each) for each in by_kind.values()] == [3, 1, 1, 1]
    assert wrong(checked, **by_kind) == [], "\n".join(wrong(checked, **by_kind))


async def test_messages_cards_modals_and_home_tabs_are_as_slacks_types_have_them(
    checked: jsonschema.Draft7Validator, tmp_path: Path, watch: Watch
) -> None:
    async with SlackServer() as server, slack_office(server, tmp_path, watch) as office:
        many = await show_every_kind(office, "Sam")
        await until(lambda: len(office.cards()) == many)
        card = await office.card("Sam asks for a human")
        await office.kim.press(card["ts"], "desk:answer", office.room)
        for words in ("", "action", "buddies sa"):
            await office.kim.command("/doorstep", words)
        for who in (office.kim, office.zoe):
            who.open_home()
        await until(lambda: office.kim.home and office.zoe.home)
        calls = [given for _, given in office.account.calls]
    messages = [Say("Hi *Ana*"), Say("One?", CHOICES, question=1), Say("Many?", CHOICES, question=2, many=True)]
    blocks = [block for say in messages for block in shown(say, 1)["blocks"]]
    blocks += [block for given in calls for block in read(given.get("blocks"))]
    views = [read(given["view"]) for given in calls if "view" in given]
    assert len(blocks) > 2 * many
    assert {view["type"] for view in views} == {"home", "modal"}
    assert wrong(checked, blocks=blocks, views=views) == [], "\n".join(wrong(checked, blocks=blocks, views=views))


def read(given: Any) -> Any:
    """What stands in a form as JSON, and in JSON as it is."""
    return json.loads(given) if isinstance(given, str) else given or []


def test_the_types_refuse_what_slack_would_never_say(checked: jsonschema.Draft7Validator) -> None:
    assert wrong(checked, written=[{"type": "message", "ts": 1}]) != []
    assert wrong(checked, blocks=[{"type": "section", "text": {"type": "plain_text"}}]) != []
    assert wrong(checked, views=[{"type": "modal", "title": "Answer", "blocks": []}]) != []
