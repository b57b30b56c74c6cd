"""The connection of a Slack app: over sockets and over signed calls."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI

from bot.console.app import serve
from bot.slack_app import SlackApp
from bot.slack_calls import Lost, NotReached, Refused
from tests.bot.running import free_port
from tests.bot.standins.slack import SlackServer
from tests.bot.standins.slack_app import AppAccount
from tests.waiting import until

TOKEN, APP_TOKEN, SECRET = "xoxb-1", "xapp-1", "s3cret"


class Heard:
    """What the app's listeners were told, and what they do then."""

    def __init__(self, app: SlackApp) -> None:
        self.texts: list[str] = []
        self.broken = 0

        async def message(event: dict[str, Any]) -> None:
            if self.broken:
                self.broken -= 1
                raise RuntimeError("nothing can be stored just now")
            self.texts.append(event["text"])

        app.bolt.event("message")(message)


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer(hurry=0.001) as running:
        yield running


@pytest.fixture
def account(server: SlackServer) -> AppAccount:
    return server.app(TOKEN, app_token=APP_TOKEN, signing_secret=SECRET)


@asynccontextmanager
async def running(server: SlackServer, **more: Any) -> AsyncIterator[tuple[SlackApp, Heard, list[str]]]:
    """An app that listens on sockets; what it reports."""
    reports: list[str] = []
    options: dict[str, Any] = {"app_token": APP_TOKEN, "pause": 0.01, "patience": 5.0}
    app = SlackApp(TOKEN, api_base=server.url, report=reports.append, **options | more)
    heard = Heard(app)
    listening = asyncio.create_task(app.listen())
    try:
        yield app, heard, reports
        if listening.done():
            listening.result()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await app.close()


@asynccontextmanager
async def called(server: SlackServer, account: AppAccount) -> AsyncIterator[tuple[SlackApp, Heard, str]]:
    """An app that Slack calls, on a server of ours; its address."""
    port, ready = free_port(), asyncio.Event()
    async with running(server, app_token="", signing_secret=SECRET) as (app, heard, _):
        web = FastAPI()
        web.include_router(app.router)
        serving = asyncio.create_task(serve(web, "127.0.0.1", port, lambda _: ready.set()))
        await ready.wait()
        await until(lambda: app.user)
        account.address = f"http://127.0.0.1:{port}/slack/main"
        try:
            yield app, heard, account.address
        finally:
            await account.close()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


# --- sockets ----------------------------------------------------------------------------------------------------


async def test_what_could_not_be_kept_is_not_acknowledged_and_comes_again(
    server: SlackServer, account: AppAccount
) -> None:
    server.patience = 0.05
    async with running(server) as (_, heard, _):
        heard.broken = 1
        account.person("Ana").say("hello")
        await until(lambda: heard.texts == ["hello"])
        assert account.lost == []


async def test_before_slack_closes_a_socket_another_one_is_open(server: SlackServer, account: AppAccount) -> None:
    async with running(server) as (_, heard, _):
        ana = account.person("Ana")
        await account.connected()
        for number in range(5):
            account.disconnect()
            ana.say(f"line {number}")
            await until(lambda number=number: account.opened == number + 2)  # type: ignore[misc]
        await until(lambda: len(heard.texts) == 5)
        assert sorted(heard.texts) == [f"line {number}" for number in range(5)]


async def test_a_socket_that_is_silent_although_alive_is_opened_anew(
    server: SlackServer, account: AppAccount, caplog: pytest.LogCaptureFixture
) -> None:
    server.ping = 0.05
    async with running(server, silence=1.0) as (_, heard, _):
        await account.connected()
        await asyncio.sleep(1.2)
        assert account.opened == 1, "pings are signs of life"
        account.silent = True
        await until(lambda: account.opened == 2)
        account.silent = False
        account.person("Ana").say("hello")
        await until(lambda: heard.texts == ["hello"])
    assert "silent" in caplog.text


async def test_where_ten_others_listen_already_it_is_told_so(server: SlackServer, account: AppAccount) -> None:
    others: list[aiohttp.ClientWebSocketResponse] = []
    async with aiohttp.ClientSession() as session:
        for _ in range(10):
            told = {"Authorization": f"Bearer {APP_TOKEN}"}
            async with session.post(f"{server.url}apps.connections.open", headers=told) as answer:
                others.append(await session.ws_connect((await answer.json())["url"]))
            await others[-1].receive()
        async with running(server) as (_, _, reports):
            await until(lambda: any(reports))
            assert next(why for why in reports if why).startswith("Slack refuses: ten others listen")


async def test_a_socket_outlives_the_seconds_that_a_call_may_take(server: SlackServer, account: AppAccount) -> None:
    async with running(server, patience=1.0) as (_, heard, _):
        await account.connected()
        await asyncio.sleep(1.2)
        account.person("Ana").say("hello")
        await until(lambda: heard.texts == ["hello"])
        assert account.opened == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda account: setattr(account, "revoked", "token_revoked"), "revoked"),
        (lambda account: setattr(account, "bot_token", "xoxb-9"), "api.slack.com/apps"),
        (lambda account: setattr(account, "app_token", "xapp-9"), "api.slack.com/apps"),
    ],
    ids=["revoked", "wrong bot token", "wrong app token"],
)
async def test_a_token_that_is_not_taken_is_one_line_until_it_is(
    server: SlackServer, account: AppAccount, change: Callable[[AppAccount], None], told: str
) -> None:
    before = account.revoked, account.bot_token, account.app_token
    change(account)
    async with running(server, look=0.02) as (_, heard, reports):
        await until(lambda: [why for why in reports if why])
        assert told in reports[0]
        assert not any(secret in reports[0] for secret in (TOKEN, APP_TOKEN))
        account.revoked, account.bot_token, account.app_token = before
        await until(lambda: reports[-1] == "" and account.sockets)
        account.person("Ana").say("hello")
        await until(lambda: heard.texts == ["hello"])


async def test_a_token_that_is_revoked_later_is_noticed(server: SlackServer, account: AppAccount) -> None:
    async with running(server, look=0.05) as (_, _, reports):
        await account.connected()
        account.revoked = "account_inactive"
        await until(lambda: reports)
        assert "account_inactive" in reports[0]


async def test_where_there_is_no_network_it_is_told_and_tried_until_there_is(
    server: SlackServer, account: AppAccount
) -> None:
    async with running(server, look=0.05) as (app, heard, reports):
        await account.connected()
        async with server.away():
            await until(lambda: reports)
            assert reports[0].startswith("Slack cannot be reached")
            with pytest.raises((NotReached, Lost)):
                await app.client.auth_test()
        await until(lambda: reports[-1] == "" and account.sockets)
        account.person("Ana").say("hello")
        await until(lambda: heard.texts == ["hello"])


async def test_a_refusal_says_what_slack_says(server: SlackServer, account: AppAccount) -> None:
    app = SlackApp(TOKEN, api_base=server.url, signing_secret=SECRET)
    with pytest.raises(Refused) as refused:
        await app.client.chat_postMessage(channel="C404", text="x")
    assert (refused.value.error, refused.value.retry_after) == ("channel_not_found", 0)
    await app.close()


# --- signed calls -----------------------------------------------------------------------------------------------


async def test_a_signed_call_is_taken_and_one_that_cannot_be_kept_comes_again(
    server: SlackServer, account: AppAccount
) -> None:
    async with called(server, account) as (_, heard, _):
        heard.broken = 2
        account.person("Ana").say("hello")
        await until(lambda: heard.texts == ["hello"])


async def test_every_flipped_byte_of_a_call_is_refused_and_so_is_one_of_another_time(
    server: SlackServer, account: AppAccount
) -> None:
    raw = '{"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "user": "U1", "text": "é"}}'
    async with called(server, account) as (_, heard, address), aiohttp.ClientSession() as session:

        async def post(body: bytes, headers: dict[str, str]) -> int:
            told = {"Content-Type": "application/json", **headers}
            async with session.post(address, data=body, headers=told) as answer:
                return answer.status

        right = account.signed(raw)
        for at in range(len(raw.encode())):
            body = bytearray(raw.encode())
            body[at] ^= 1
            assert await post(bytes(body), right) == 401
        for name, value in right.items():
            for at in range(len(value)):
                wrong = value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
                assert await post(raw.encode(), right | {name: wrong}) == 401
        for away in (-302, 302):
            assert await post(raw.encode(), account.signed(raw, int(time.time()) + away)) == 401
        for headers in ({}, {"X-Slack-Signature": right["X-Slack-Signature"]}, right | {"X-Slack-Signature": "v0=é"}):
            assert await post(raw.encode(), headers) == 401
        assert heard.texts == []
        assert [await post(raw.encode(), right) for _ in range(2)] == [200, 200]
        assert heard.texts == ["é", "é"], "a replay is the channel's to tell by its event_id"


async def test_the_address_is_confirmed_when_slack_asks_for_it(server: SlackServer, account: AppAccount) -> None:
    raw = '{"type": "url_verification", "challenge": "c-1", "token": "old"}'
    async with called(server, account) as (_, _, address), aiohttp.ClientSession() as session:
        headers = {"Content-Type": "application/json", **account.signed(raw)}
        async with session.post(address, data=raw, headers=headers) as answer:
            assert "c-1" in await answer.text()
