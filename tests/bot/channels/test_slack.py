"""Slack's own ways, beside what the suite asks of every channel."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from slack_sdk.models.blocks import Block

from bot.channels.base import Outbound, SendFailed
from bot.channels.slack_shown import mark, shown
from bot.channels.web_files import File
from flows.model import DONE, Said, Say, Shown
from tests.bot.channels import on_slack
from tests.bot.channels.contract import Kept, listening
from tests.bot.channels.on_slack import OnSlack
from tests.bot.standins.slack_app import AppAccount
from tests.bot.standins.slack_people import Person
from tests.bot.standins.slack_rules import Json, Refused
from tests.waiting import PATIENCE

FOOD = (Shown("climate", "Climate action"), Shown("housing", "Tenants"), Shown("food", "Mutual aid"))
ASKED = Say("What would you like to do?", FOOD, question=3, many=True, button="Done")


@pytest.fixture
async def slack() -> AsyncIterator[OnSlack]:
    async with on_slack.opened() as opened:
        yield opened


@pytest.fixture
async def kept(slack: OnSlack) -> AsyncIterator[Kept]:
    async with listening(slack.channel, Kept()) as kept:
        await slack.account.connected()
        yield kept


@pytest.fixture
def ana(slack: OnSlack) -> Person:
    return slack.people["ana"]


def outbound(slack: OnSlack, say: Say, number: int = 1, **more: Any) -> Outbound:
    return replace(Outbound(number, "slack", "main", slack.address("ana"), 7, say), **more)


async def tell(slack: OnSlack, say: Say, number: int = 1, **more: Any) -> str:
    return (await slack.channel.send(outbound(slack, say, number, **more))).reference


async def failed(slack: OnSlack, say: Say | None = None) -> SendFailed:
    with pytest.raises(SendFailed) as error:
        await tell(slack, say or Say("Hello"))
    return error.value


def refuse(slack: OnSlack, error: str, status: int = 200, **headers: str) -> None:
    def fault(account: AppAccount, given: Json) -> None:
        raise Refused(error, status, headers)

    slack.account.faults.append(fault)


# --- who, and what they wrote -----------------------------------------------------------------------------------


async def test_a_person_has_the_name_and_the_language_of_their_profile(slack: OnSlack, kept: Kept, ana: Person) -> None:
    ana.name = "Ana <!channel> *of* Leeds"
    ana.say("hello")
    (inbound,) = await kept.until(1)
    assert (inbound.name, inbound.language) == ("Ana <!channel> *of* Leeds", "en-US")
    ana.say("again")
    await kept.until(2)
    assert [method for method, _ in slack.account.calls].count("users.info") == 1


async def test_a_name_that_cannot_be_had_holds_nothing_up(slack: OnSlack, kept: Kept, ana: Person) -> None:
    del slack.account.people[ana.id]
    ana.say("hello")
    (inbound,) = await kept.until(1)
    assert (inbound.said.text, inbound.name) == ("hello", "")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("see <https://a.example/x?a=1&amp;b=2>", "see https://a.example/x?a=1&b=2"),
        ("see <http://a.example|a.example>", "see a.example"),
        ("<mailto:ana@a.example|ana@a.example>", "ana@a.example"),
        ("I am <@U2|ben>", "I am ben"),
        ("&lt;b&gt; &amp;amp;", "<b> &amp;"),
        (":wave: hi :unknown:", "👋 hi :unknown:"),
    ],
)
async def test_what_they_wrote_is_read_as_they_typed_it(
    slack: OnSlack, kept: Kept, ana: Person, sent: str, read: str
) -> None:
    wave = {"type": "emoji", "name": "wave", "unicode": "1f44b"}
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [wave]}]}
    ana.post(sent, blocks=[rich])
    assert (await kept.until(1))[0].said.text == read


async def test_what_is_no_word_of_theirs_is_taken_and_not_handed_on(slack: OnSlack, kept: Kept, ana: Person) -> None:
    slack.account.event({"type": "message", "subtype": "channel_join", "user": ana.id, "text": "x", "channel": "D9",
                         "channel_type": "im", "ts": "1.1"})  # fmt: skip
    ana.say("I am a bot", bot_id="B9")
    channel = slack.account.channel("C1", "desk")
    ana.say("to the desk", channel)
    ana.send_file("F1", "application/pdf", "my file")
    (inbound,) = await kept.until(1)
    assert (inbound.said.text, inbound.said.photo) == ("my file", "")
    first = ana.say("see https://a.example")
    await kept.until(2)
    before = ana.dm.messages[first]
    slack.account.changed(ana.dm, before, before | {"attachments": [{"title": "A preview"}]})
    ana.say("last")
    assert [each.said.text for each in await kept.until(3)][2] == "last"
    assert slack.account.lost == []


# --- choices ----------------------------------------------------------------------------------------------------


async def test_ticks_are_handed_in_together_and_cost_no_call(slack: OnSlack, kept: Kept, ana: Person) -> None:
    await tell(slack, ASKED)
    calls = len(slack.account.calls)
    await slack.press("ana", "Tenants")
    await slack.press("ana", "Mutual aid")
    await slack.finish("ana")
    (inbound,) = await kept.until(1)
    assert inbound.said == Said("", ("housing", "food"), 3, 7)
    assert [method for method, _ in slack.account.calls[calls:]] == ["users.info"]


async def test_done_with_nothing_ticked_closes_the_question(slack: OnSlack, kept: Kept, ana: Person) -> None:
    await tell(slack, ASKED)
    await slack.finish("ana")
    assert (await kept.until(1))[0].said.choice == DONE
    first = await tell(slack, replace(ASKED, picked=("food",)), 2)
    await slack.press("ana", "Mutual aid")
    await slack.finish("ana")
    assert (await kept.until(2))[1].said.choice == (), "what was ticked before was taken back"
    changed = replace(ASKED, picked=("climate",), replaces=True)
    await tell(slack, changed, 3, replaces=first)
    await slack.finish("ana")
    assert (await kept.until(3))[2].said.choice == ("climate",), "what is shown anew is what counts"


@pytest.mark.parametrize("count", [1, 10, 11, 24, 25, 26, 130])
@pytest.mark.parametrize("many", [False, True])
async def test_choices_of_any_number_are_what_slack_and_its_models_take(
    slack: OnSlack, ana: Person, count: int, many: bool
) -> None:
    choices = tuple(Shown(f"key{number}", f"Choice {number} " * (1 + number % 9)) for number in range(count))
    say = Say("Which?", choices, question=3, many=many, button="Done", leave="No more messages")
    await tell(slack, say)
    for block in shown(say, 7)["blocks"]:
        read = Block.parse(block)
        assert read is not None
        assert read.to_dict()


async def test_a_key_that_no_box_can_carry_is_answered_by_its_number(slack: OnSlack, ana: Person) -> None:
    await tell(slack, replace(ASKED, choices=(Shown("k" * 151, "Long"), *FOOD)))
    assert [block["type"] for block in ana.sent[0]["blocks"]] == ["rich_text"]
    assert slack.shown("ana")[0].choices == ("Long", "Climate action", "Tenants", "Mutual aid")


# --- how it looks -----------------------------------------------------------------------------------------------


async def test_stars_are_bold_links_can_be_pressed_and_the_notification_pings_nobody(
    slack: OnSlack, ana: Person
) -> None:
    await tell(slack, Say("Write *stop* to <!channel>: https://a.example/x?y=1. See *https://b.example*"))
    (message,) = ana.sent
    pieces = message["blocks"][0]["elements"][0]["elements"]
    bold = [piece.get("text") or piece["url"] for piece in pieces if piece.get("style") == {"bold": True}]
    assert bold == ["stop", "https://b.example"]
    assert [piece["url"] for piece in pieces if piece["type"] == "link"] == [
        "https://a.example/x?y=1",
        "https://b.example",
    ]
    assert message["text"].startswith("Write stop to &lt;!channel&gt;: ")
    given = next(given for method, given in slack.account.calls if method == "chat.postMessage")
    assert (given["unfurl_links"], given["unfurl_media"], given["link_names"]) == (False, False, False)


class Files:
    """What is attached to messages."""

    async def file(self, address: str, kind: str, about: int) -> File | None:
        if kind == "qr":
            return File("image/png", b"\x89PNG and so on")
        return File("text/calendar", b"BEGIN:VCALENDAR", "Clean up.ics") if about == 5 else None

    async def image(self, name: str) -> File | None:
        return File("image/jpeg", b"\xff\xd8a photo") if name == "map.jpg" else None


async def test_what_is_attached_comes_before_the_words_and_once_though_they_are_sent_again() -> None:
    async with on_slack.opened(files=Files()) as slack:
        ana = slack.people["ana"]
        slack.account.faults += [lambda account, given: None, _slow_down]
        assert (await failed(slack, Say("See you", attach="calendar:5"))).retry_after == timedelta(seconds=1)
        await tell(slack, Say("See you", attach="calendar:5"))
        await tell(slack, Say("Invite others", attach="qr"), 2)
        await tell(slack, Say("It is over", attach="calendar:6"), 3)
        names = [[file["name"] for file in message.get("files", [])] for message in ana.sent]
        assert names == [["Clean up.ics"], [], ["qr.png"], [], []]
        assert ana.sent[0]["files"][0]["content"] == b"BEGIN:VCALENDAR"


def _slow_down(account: AppAccount, given: Json) -> None:
    raise Refused("ratelimited", 429, {"Retry-After": "1"})


async def test_words_do_not_wait_for_a_file_that_slack_refuses() -> None:
    async with on_slack.opened(files=Files()) as slack:
        refuse(slack, "missing_scope")
        await tell(slack, Say("See you", attach="calendar:5"))
        assert [bubble.text for bubble in slack.shown("ana")] == ["See you"]


# --- what became of it ------------------------------------------------------------------------------------------


async def test_a_message_that_never_arrived_is_not_found_and_one_that_did_is(slack: OnSlack, ana: Person) -> None:
    assert await slack.channel.settled(outbound(slack, Say("Hello"), 7)) is None
    reference = await tell(slack, Say("Hello"), 7)
    found = await slack.channel.settled(outbound(slack, Say("Hello"), 7))
    assert found is not None
    assert found.reference == reference
    assert await slack.channel.settled(outbound(slack, Say("Hello"), 8)) is None
    # A database that was restored counts anew: the same number is another message.
    assert await slack.channel.settled(outbound(slack, Say("Other words"), 7)) is None


async def test_a_lost_change_is_found_too(slack: OnSlack, ana: Person) -> None:
    first = await tell(slack, ASKED)
    changed = outbound(slack, replace(ASKED, picked=("food",), replaces=True), 2, replaces=first)
    assert await slack.channel.settled(changed) is None
    slack.account.lose_answers = 1
    with pytest.raises(SendFailed) as lost:
        await slack.channel.send(changed)
    assert lost.value.unknown
    found = await slack.channel.settled(changed)
    assert found is not None
    assert found.reference == first


async def test_what_cannot_be_looked_up_yet_is_not_sent_again(slack: OnSlack) -> None:
    await tell(slack, Say("Hello"))
    async with slack.unreachable():
        with pytest.raises(SendFailed) as error:
            await slack.channel.settled(outbound(slack, Say("Hello")))
    assert (error.value.final, error.value.unknown) == (False, False)


def test_a_mark_tells_neither_words_nor_name() -> None:
    assert re.fullmatch(r"7-[0-9a-f]{16}", mark(Say("Meet Ana"), 7))


@pytest.mark.parametrize("error", ["internal_error", "fatal_error"])
async def test_what_slack_may_have_done_before_it_broke_is_doubtful(slack: OnSlack, error: str) -> None:
    refuse(slack, error)
    told = await failed(slack)
    assert (told.unknown, told.final) == (True, False)


@pytest.mark.parametrize("error", ["user_disabled", "cannot_dm_bot", "channel_not_found", "msg_too_long"])
async def test_who_cannot_be_reached_is_not_tried_again(slack: OnSlack, error: str) -> None:
    refuse(slack, error)
    told = await failed(slack)
    assert (told.final, told.everyone) == (True, False)


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive", "invalid_auth", "messages_tab_disabled"])
async def test_an_account_that_is_gone_holds_everyone_and_is_reported(error: str) -> None:
    reports: list[str] = []
    async with on_slack.opened(report=reports.append) as slack:
        refuse(slack, error)
        told = await failed(slack)
        assert (told.everyone, told.final, told.retry_after) == (True, False, timedelta(minutes=1))
        assert len(reports) == 1
        assert "api.slack.com/apps" in reports[0]


async def test_an_answer_that_never_comes_is_doubtful_within_its_patience() -> None:
    async with on_slack.opened(patience=0.2) as slack:
        slack.account.hang = 5.0
        told = await failed(slack)
        assert (told.unknown, told.retry_after) == (True, timedelta(seconds=5))
        assert [bubble.text for bubble in slack.shown("ana")] == ["Hello"]


async def test_a_change_that_slack_cannot_make_is_tried_again_and_not_sent_anew(slack: OnSlack, ana: Person) -> None:
    first = await tell(slack, ASKED)
    refuse(slack, "ratelimited", 429, **{"Retry-After": "30"})
    with pytest.raises(SendFailed) as error:
        await tell(slack, ASKED, 2, replaces=first)
    assert error.value.retry_after == timedelta(seconds=30)
    assert len(ana.sent) == 1


# --- taken only when stored -------------------------------------------------------------------------------------


@asynccontextmanager
async def slow(slack: OnSlack) -> AsyncIterator[Kept]:
    """Nothing can be stored until the gate opens."""
    kept = Kept(gate=asyncio.Event())
    async with listening(slack.channel, kept):
        await slack.account.connected()
        yield kept


async def test_a_press_is_acknowledged_only_when_it_is_stored(slack: OnSlack, ana: Person) -> None:
    await tell(slack, replace(ASKED, many=False))
    async with slow(slack) as kept:
        pressing = ana.press(ana.sent[0]["ts"], "doorstep.choice.1")
        await kept.until_handed(1)
        assert not pressing.done()
        assert kept.gate is not None
        kept.gate.set()
        await asyncio.wait_for(pressing, PATIENCE)
        assert [inbound.said.choice for inbound in kept.taken] == ["climate"]
        assert ana.warned == []


async def test_one_who_waits_holds_up_nobody_else(slack: OnSlack, ana: Person) -> None:
    async with listening(slack.channel, Kept()) as kept:
        await slack.account.connected()
        kept.broken = 4
        ana.say("one")
        ana.say("two")
        slack.people["ben"].say("three")
        taken = await kept.until(3)
        assert [each.said.text for each in taken if each.address == ana.id] == ["one", "two"]


# --- the app that the README makes ------------------------------------------------------------------------------


def test_the_app_of_the_readme_may_do_all_that_the_channel_does() -> None:
    manifest = YAML(typ="safe").load(Path(__file__).parents[3] / "slack-app.yaml")
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    assert {"chat:write", "im:history", "im:write", "users:read", "files:write"} <= scopes
    settings, home = manifest["settings"], manifest["features"]["app_home"]
    assert "message.im" in settings["event_subscriptions"]["bot_events"]
    assert (settings["socket_mode_enabled"], settings["interactivity"]["is_enabled"]) == (True, True)
    assert (home["messages_tab_enabled"], home["messages_tab_read_only_enabled"]) == (True, False)
