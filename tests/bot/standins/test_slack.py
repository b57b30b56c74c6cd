"""The stand-in against clients that others wrote (slack_sdk, Bolt's own Socket Mode): it is not only our own idea."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError, SlackObjectFormationError
from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, InputBlock, PlainTextInputElement
from slack_sdk.models.views import View
from slack_sdk.web.async_client import AsyncWebClient

from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_app import AppAccount
from tests.bot.standins.slack_rules import mrkdwn

TOKEN, APP_TOKEN = "xoxb-1", "xapp-1"


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer() as running:
        running.app(TOKEN, app_token=APP_TOKEN)
        yield running


@pytest.fixture
def app(server: SlackServer) -> AppAccount:
    return server.app(TOKEN)


@pytest.fixture
def client(server: SlackServer) -> AsyncWebClient:
    return AsyncWebClient(TOKEN, base_url=server.url)


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as error:
        await call
    return str(error.value.response["error"])


async def test_it_keeps_what_is_posted_and_finds_it_by_its_metadata(app: AppAccount, client: AsyncWebClient) -> None:
    ana = app.person("Ana")
    opened = await client.conversations_open(users=ana.id)
    metadata = {"event_type": "said", "event_payload": {"id": "7"}}
    sent = await client.chat_postMessage(channel=opened["channel"]["id"], text="Hi", metadata=metadata)
    found = await client.conversations_history(channel=opened["channel"]["id"], include_all_metadata=True)
    assert (found["messages"][0]["ts"], found["messages"][0]["metadata"]) == (sent["ts"], metadata)
    without = await client.conversations_history(channel=opened["channel"]["id"])
    assert "metadata" not in without["messages"][0]
    await client.chat_update(channel=sent["channel"], ts=sent["ts"], text="Hello")
    assert [message["text"] for message in ana.sent] == ["Hello"]


PLAIN = {"type": "plain_text", "text": "x"}


def button(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": f"a{number}", "text": PLAIN, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def options(count: int) -> list[dict[str, Any]]:
    return [{"text": PLAIN, "value": str(number)} for number in range(count)]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
        actions(*[button(number) for number in range(26)]),
        actions(button(value="v" * 2001)),
        actions(button(text={"type": "plain_text", "text": "x" * 76})),
        actions(button(action_id="a" * 256)),
        {"type": "section", "text": PLAIN, "block_id": "b" * 256},
    ],
    ids=["section", "header", "elements", "value", "label", "action_id", "block_id"],
)
async def test_what_slacks_own_models_refuse_it_refuses_too(
    app: AppAccount, client: AsyncWebClient, block: dict[str, Any]
) -> None:
    read = Block.parse(block)
    assert read is not None
    with pytest.raises(SlackObjectFormationError):
        read.to_dict()
    ana = app.person("Ana")
    assert await refused(client.chat_postMessage(channel=ana.dm.id, text="t", blocks=[block])) == "invalid_blocks"


async def test_what_is_as_long_as_it_may_be_is_taken(app: AppAccount, client: AsyncWebClient) -> None:
    ana = app.person("Ana")
    longest = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}
    full = actions(*[button(number, value="v" * 2000) for number in range(25)])
    assert (await client.chat_postMessage(channel=ana.dm.id, text="t", blocks=[longest, full]))["ok"]
    boxes = actions({"type": "checkboxes", "action_id": "c", "options": options(11)})
    for blocks in ([longest] * 51, [actions(button(), button())], [longest | {"block_id": "b"}] * 2, [boxes]):
        assert await refused(client.chat_postMessage(channel=ana.dm.id, text="t", blocks=blocks)) == "invalid_blocks"
    assert await refused(client.chat_postMessage(channel=ana.dm.id, text="t" * 40_001)) == "msg_too_long"
    assert await refused(client.chat_postMessage(channel="C404", text="t")) == "channel_not_found"


async def test_bolts_own_socket_mode_gets_messages_presses_commands_and_modals(
    app: AppAccount, server: SlackServer, client: AsyncWebClient
) -> None:
    ana, heard = app.person("Ana"), asyncio.Queue[str]()
    bolt = AsyncApp(client=client, process_before_response=True)

    @bolt.event("message")
    async def message(event: Any) -> None:
        heard.put_nowait(event["text"])

    @bolt.action("go")
    async def pressed(ack: Any, body: Any) -> None:
        await ack()
        heard.put_nowait(body["actions"][0]["value"])

    @bolt.command("/doorstep")
    async def asked(ack: Any, body: Any) -> None:
        await ack("This week: 3")
        block = InputBlock(block_id="b", label="Title", element=PlainTextInputElement(action_id="t"))
        view = View(type="modal", title="New", submit="Make", callback_id="new", blocks=[block])
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @bolt.view("new")
    async def handed_in(ack: Any, view: Any) -> None:
        title = view["state"]["values"]["b"]["t"]["value"]
        await (ack(response_action="errors", errors={"b": "too short"}) if len(title) < 3 else ack())

    handler = AsyncSocketModeHandler(bolt, APP_TOKEN)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        ana.say("hello & <you>")
        assert await heard.get() == "hello &amp; &lt;you&gt;"
        go = ActionsBlock(elements=[ButtonElement(text="Go", action_id="go", value="7")])
        sent = await client.chat_postMessage(channel=ana.dm.id, text="t", blocks=[go])
        await ana.press(sent["ts"], "go")
        assert await heard.get() == "7"
        assert await ana.command("/doorstep") == {"text": "This week: 3"}
        await ana.submit({"b": {"t": {"type": "plain_text_input", "value": "x"}}})
        assert ana.views[0]["errors"] == {"b": "too short"}
        await ana.submit({"b": {"t": {"type": "plain_text_input", "value": "Clean up"}}})
        assert ana.views == []
        assert ana.warned == []
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def test_what_nobody_takes_comes_three_times_more_and_a_press_never(app: AppAccount, server: SlackServer) -> None:
    server.hurry = 0.0001
    ana = app.person("Ana")
    ana.say("anybody?")
    while not app.lost:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert app.lost[0]["event"]["text"] == "anybody?"
    ana.dm.messages["1.1"] = {"blocks": [{"block_id": "b", "elements": [{"type": "button", "action_id": "a"}]}]}
    await ana.press("1.1", "a")
    assert len(ana.warned) == 1


async def test_a_pace_that_is_too_quick_is_told_to_wait(
    app: AppAccount, server: SlackServer, client: AsyncWebClient
) -> None:
    server.pace = True
    client.retry_handlers.clear()
    ana, ben = app.person("Ana"), app.person("Ben")
    for _ in range(3):
        await client.chat_postMessage(channel=ana.dm.id, text="t")
    with pytest.raises(SlackApiError) as error:
        await client.chat_postMessage(channel=ana.dm.id, text="t")
    assert error.value.response.status_code == 429
    assert int(error.value.response.headers["Retry-After"]) >= 1
    await client.chat_postMessage(channel=ben.dm.id, text="t")


async def test_a_token_that_is_wrong_or_revoked_is_told_so(
    app: AppAccount, server: SlackServer, client: AsyncWebClient
) -> None:
    assert await refused(AsyncWebClient("xoxb-2", base_url=server.url).auth_test()) == "invalid_auth"
    app.revoked = "token_revoked"
    assert await refused(client.auth_test()) == "token_revoked"


def test_what_stands_between_angles_is_alive_and_what_is_escaped_is_not() -> None:
    assert mrkdwn("<!channel> and <@U1>, see <https://a.example|here>")[1] == ["broadcast", "user", "link"]
    assert mrkdwn("&lt;!channel&gt; *b* <https://a.example>") == ("<!channel> b https://a.example", [])
