"""The door of the console: the passphrase, sessions, sockets, and what every answer carries."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from playwright.async_api import Page, expect
from starlette.requests import HTTPConnection

from bot.console.app import build
from bot.console.entry import guard, protect
from bot.roles import STRANGER
from storage.audit import COORDINATOR
from tests.bot import echoing
from tests.bot.browsing import *  # noqa: F403 - fixtures are found by name
from tests.bot.browsing import say, seen, serving
from tests.bot.echoing import PASSPHRASE, Bot

CHAT, SOCKET = "the green gate", "/_nicegui_ws/socket.io/"


@pytest.mark.slow
async def test_the_passphrase_opens_the_chat(tmp_path: Path, page: Page) -> None:
    with serving(echoing.__file__, tmp_path, "guarded") as server:
        await page.goto(server.url)
        await page.get_by_label("passphrase").fill("a red door")
        await page.get_by_role("button", name="Come in").click()
        await expect(page.get_by_role("alert")).to_have_text("That is not the passphrase.")
        await page.get_by_label("passphrase").fill(PASSPHRASE)
        await page.keyboard.press("Enter")
        await say(page, "hello")
        await seen(page, "You said: hello")
        await page.context.clear_cookies(name="doorstep_session")
        await say(page, "still here")
        await page.get_by_label("passphrase").fill(PASSPHRASE)
        await page.keyboard.press("Enter")
        await seen(page, "You said: still here")
        assert server.said() == ["hello", "still here"]


class Door:
    """A guarded console without a server."""

    def __init__(self, tmp_path: Path) -> None:
        self.now = 1_000_000.0
        self.app = FastAPI()
        self.app.include_router(Bot(tmp_path / "kept.json").web.router)
        for path in ("/", "/metrics", "/slack/main", "/desk", "/people"):
            self.app.add_api_route(path, lambda: {"fine": True})
        self.role = guard(self.app, PASSPHRASE, b"k" * 32, chat_passphrase=CHAT, clock=lambda: self.now)
        protect(self.app)

    def client(self, url: str = "http://doorstep.test") -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=url)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


async def enter(client: httpx.AsyncClient, passphrase: str = PASSPHRASE, **headers: str) -> httpx.Response:
    return await client.post("/enter", data={"passphrase": passphrase}, headers=headers)


async def test_nobody_passes_without_the_passphrase(door: Door) -> None:
    async with door.client() as client:
        for path in ("/", "/people", "/nowhere"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/enter")
        for method, path in (("POST", "/chat/open"), ("GET", "/chat/messages"), ("POST", "/people"), ("DELETE", "/")):
            assert (await client.request(method, path)).status_code == 401
        for path in ("/metrics", "/slack/main", "/enter"):
            assert (await client.get(path)).status_code == 200


async def test_the_link_that_someone_came_with_outlives_the_door(door: Door) -> None:
    async with door.client() as client:
        evil = await client.get('/?start="><script>')
        assert evil.headers["location"] == "/enter"
        shown = await client.get("/?start=3FJY8DkDGtFQ-BF6")
        assert shown.headers["location"] == "/enter?start=3FJY8DkDGtFQ-BF6"
        assert 'action="enter?start=3FJY8DkDGtFQ-BF6"' in (await client.get(shown.headers["location"])).text
        entered = await client.post(shown.headers["location"], data={"passphrase": PASSPHRASE})
        assert entered.headers["location"] == "./?start=3FJY8DkDGtFQ-BF6"


async def test_the_way_to_the_desk_outlives_the_door_and_no_other_does(door: Door) -> None:
    async with door.client() as client:
        shown = await client.get("/desk")
        assert shown.headers["location"] == "/enter?to=desk"
        assert 'action="enter?to=desk"' in (await client.get("/enter?to=desk")).text
        for to, where in (("desk", "./desk"), ("https://elsewhere.example", "./"), ("//desk", "./")):
            entered = await client.post("/enter", params={"to": to}, data={"passphrase": PASSPHRASE})
            assert entered.headers["location"] == where
        entered = await client.post("/enter", params={"to": "desk"}, data={"passphrase": CHAT})
        assert entered.headers["location"] == "./", "for who may not open it"


async def test_a_chat_without_a_desk_has_no_link_to_one(tmp_path: Path) -> None:
    app = build(Bot(tmp_path / "kept.json").web, None, PASSPHRASE, b"k" * 32)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://doorstep.test") as client:
        await enter(client)
        shown = await client.get("/")
        assert (shown.status_code, "<doorstep-phone" in shown.text, "desk" in shown.text) == (200, True, False)


async def test_a_socket_needs_the_passphrase_and_a_page_of_this_server(door: Door) -> None:
    async def accept(socket: WebSocket) -> None:
        await socket.accept()

    async def opened(origin: str, cookie: str) -> list[str]:
        sent: list[str] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        headers = [(b"host", b"doorstep.test"), (b"origin", origin.encode()), (b"cookie", cookie.encode())]
        await door.app({"type": "websocket", "path": SOCKET, "query_string": b"", "headers": headers}, receive, send)
        return sent

    door.app.add_api_websocket_route(SOCKET, accept)
    async with door.client() as client:
        session = (await enter(client)).headers["set-cookie"].split(";")[0]
    assert await opened("http://doorstep.test", session) == ["websocket.accept"]
    assert await opened("http://doorstep.test", "doorstep_session=x") == ["websocket.close"]
    assert await opened("http://elsewhere.test", session) == ["websocket.close"]


async def test_a_session_lasts_twelve_hours_and_no_longer(door: Door) -> None:
    async with door.client() as client:
        answer = await enter(client)
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"].lower()
        assert {"httponly", "samesite=strict", "max-age=43200"} <= set(cookie.split("; "))
        opened = HTTPConnection({"type": "http", "headers": [(b"cookie", answer.headers["set-cookie"].encode())]})
        door.now += 12 * 3600 - 1
        assert (await client.get("/")).status_code == 200
        assert door.role(opened) == COORDINATOR
        door.now += 2
        assert (await client.get("/")).status_code == 303
        assert door.role(opened) == STRANGER, "nor by a socket that is still open"


@pytest.mark.parametrize("ticket", ["", ".", "9999999999.x.y", "é", "9999999999..", "." * 50])
async def test_a_forged_session_opens_nothing(door: Door, ticket: str) -> None:
    async with door.client() as client:
        answer = await client.get("/", headers=[(b"cookie", f"doorstep_session={ticket}".encode())])
        assert answer.status_code == 303


async def test_another_passphrase_ends_every_session(door: Door, tmp_path: Path) -> None:
    async with door.client() as client:
        await enter(client)
        other = FastAPI()
        guard(other, "another", b"k" * 32, clock=lambda: door.now)
        client._transport = httpx.ASGITransport(other)
        assert (await client.get("/")).status_code == 303


async def test_six_tries_in_a_minute_are_one_too_many_even_the_right_one(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.client() as client:
        tries = await asyncio.gather(*(enter(client, f"try {number}") for number in range(8)))
        assert [answer.status_code for answer in tries] == [403] * 5 + [429] * 3
        answer = await enter(client)
        assert (answer.status_code, "Wait a minute" in answer.text) == (429, True)
        door.now += 61
        assert (await enter(client)).status_code == 303
    shut = [each.getMessage() for each in caplog.records if each.name == "bot.console.entry"]
    assert shut == ["the door is shut for a minute: 5 wrong passphrases within one"], "whoever runs it can see it"


async def test_another_sites_page_cannot_use_up_the_tries(door: Door) -> None:
    async with door.client() as client:
        for _ in range(6):
            assert (await enter(client, "wrong", **{"sec-fetch-site": "cross-site"})).status_code == 403
            assert (await enter(client, "wrong", origin="http://elsewhere.test")).status_code == 403
        assert (await enter(client, origin="null")).status_code == 303


async def test_a_passphrase_of_a_mebibyte_is_only_wrong(door: Door) -> None:
    async with door.client() as client:
        assert (await enter(client, "x" * 1024 * 1024)).status_code == 403


async def test_every_answer_carries_the_headers_that_keep_it_to_itself(door: Door) -> None:
    async with door.client() as client:
        for path in ("/", "/enter", "/metrics", "/nowhere"):
            headers = (await client.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["x-content-type-options"] == "nosniff"


async def test_scripts_and_styles_have_their_types(tmp_path: Path) -> None:
    app = build(Bot(tmp_path / "kept.json").web, None, None, b"k" * 32)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://doorstep.test") as client:
        script = await client.get("/console/phone.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        unchanged = await client.get("/console/phone.js", headers={"if-none-match": script.headers["etag"]})
        assert unchanged.status_code == 304
        assert (await client.get("/console/page.css")).headers["content-type"] == "text/css; charset=utf-8"
        for name in ("app.py", "..%2fapp.py", "nothing.js"):
            assert (await client.get(f"/console/{name}")).status_code == 404


async def test_a_name_pointed_at_this_machine_opens_nothing(tmp_path: Path) -> None:
    app = build(Bot(tmp_path / "kept.json").web, None, None, b"k" * 32, hosts=["127.0.0.1", "localhost"])
    for host, status in (("127.0.0.1:8000", 200), ("localhost:8000", 200), ("rebound.example:8000", 400)):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}") as client:
            assert (await client.post("/chat/open")).status_code == status


async def test_further_pages_come_before_the_consoles_own(tmp_path: Path) -> None:
    health = APIRouter()
    health.add_api_route("/healthz", lambda: {"fine": True})
    app = build(Bot(tmp_path / "kept.json").web, None, PASSPHRASE, b"k" * 32, routers=[health])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://doorstep.test") as client:
        assert (await client.get("/healthz")).json() == {"fine": True}
