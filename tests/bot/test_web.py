"""The chat page's channel, through its HTTP edge."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.channels.base import Channel, Inbound, Outbound
from bot.channels.web import COOKIE, LARGEST_BODY, MOST_POLLS_EACH, Line, Web
from flows.limits import WEB
from flows.model import Say, Shown
from tests.waiting import PATIENCE, until

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ELSEWHERE = "https://elsewhere.example"


class Memory:
    """Takes what is said, and remembers it; `broken` is a storage that fails."""

    def __init__(self) -> None:
        self.lines: dict[str, list[Line]] = {}
        self.taken: list[Inbound] = []
        self.broken = False
        self.gate: asyncio.Event | None = None

    async def history(self, address: str, after: str, limit: int) -> tuple[list[Line], str]:
        if self.broken:
            raise RuntimeError("no storage")
        lines = self.lines.get(address, [])
        start = int(after) if after.isdecimal() and int(after) <= len(lines) else max(0, len(lines) - limit)
        return lines[start : start + limit], str(min(len(lines), start + limit))

    async def receive(self, inbound: Inbound) -> None:
        if self.gate:
            await self.gate.wait()
        if self.broken:
            raise RuntimeError("no storage")
        self.taken.append(inbound)

    def say(self, address: str, text: str, **more: Any) -> None:
        fields: dict[str, Any] = {
            "choices": (),
            "many": False,
            "picked": (),
            "question": None,
            "conversation": None,
            "expect": "",
            "replaces": False,
        }
        lines = self.lines.setdefault(address, [])
        lines.append(Line(id=f"m{len(lines)}", mine=False, text=text, at=NOON, **fields | more))


class Page:
    """One browser on the chat page."""

    def __init__(self, web: Web, memory: Memory, client: httpx.AsyncClient) -> None:
        self.web, self.memory, self.client = web, memory, client

    async def open(self) -> str:
        answer = await self.client.post("/chat/open")
        assert answer.status_code == 200
        return self.client.cookies[COOKIE]

    async def send(self, **message: Any) -> httpx.Response:
        return await self.client.post("/chat/messages", json={"event": "e1", "text": "hello"} | message)

    async def news(self, after: str = "") -> httpx.Response:
        return await self.client.get("/chat/messages", params={"after": after})

    async def waits(self) -> asyncio.Task[httpx.Response]:
        """Asks for news, of which there is none yet; once it waits for it."""
        before = self.web._polls
        asking = asyncio.create_task(self.news("0"))
        await until(lambda: self.web._polls > before)
        return asking


def outbound(address: str) -> Outbound:
    return Outbound(5, "web", "web", address, 1, Say("hi"))


@asynccontextmanager
async def listening(web: Web, receive: Callable[[Inbound], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.create_task(web.listen(receive))
    await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def browser(web: Web, memory: Memory, url: str = "http://doorstep.test") -> AsyncIterator[Page]:
    app = FastAPI()
    app.include_router(web.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=url) as client:
        yield Page(web, memory, client)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    memory = Memory()
    web = Web(memory, patience=0.3)
    async with listening(web, memory.receive), browser(web, memory) as opened:
        yield opened


def test_the_chat_page_is_a_channel() -> None:
    channel: Channel = Web(Memory())
    assert (channel.name, channel.account, channel.limits) == ("web", "web", WEB)


async def test_opening_gives_a_visitor_an_unguessable_address_that_stays(page: Page) -> None:
    answer = await page.client.post("/chat/open")
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/", "max-age=31536000"} <= set(cookie.split("; "))
    assert "secure" not in cookie
    address = page.client.cookies[COOKIE]
    assert len(bytes.fromhex(address)) == 16
    assert await page.open() == address


async def test_over_https_the_cookie_is_secure() -> None:
    memory = Memory()
    async with browser(Web(memory), memory, "https://doorstep.test") as page:
        assert "secure" in (await page.client.post("/chat/open")).headers["set-cookie"].lower()


async def test_opening_shows_everything_said_so_far_and_where_it_ends(page: Page) -> None:
    address = await page.open()
    page.memory.say(address, "Which?", choices=(Shown("a", "A"),), many=True, picked=("a",), question=3, conversation=9)
    answer = (await page.client.post("/chat/open")).json()
    assert answer == {
        "messages": [
            {
                "id": "m0",
                "mine": False,
                "text": "Which?",
                "choices": [{"key": "a", "label": "A"}],
                "many": True,
                "picked": ["a"],
                "question": 3,
                "conversation": 9,
                "expect": "",
                "replaces": False,
                "at": "2026-05-01T12:00:00+00:00",
                "attach": "",
            }
        ],
        "cursor": "1",
    }


async def test_a_made_up_cookie_is_replaced_and_opens_nothing(page: Page) -> None:
    page.client.cookies.set(COOKIE, "admin' --")
    assert (await page.send()).status_code == 401
    assert (await page.news()).status_code == 401
    answer = await page.client.post("/chat/open")
    assert len(answer.cookies[COOKIE]) == 32


async def test_without_a_cookie_nothing_is_taken(page: Page) -> None:
    answer = await page.send()
    assert (answer.status_code, page.memory.taken) == (401, [])
    assert (await page.news()).status_code == 401


async def test_what_is_said_is_handed_on_whole(page: Page) -> None:
    address = await page.open()
    page.client.headers["accept-language"] = "es-ES,en;q=0.8"
    answer = await page.send(event="a-1", text="Sí", choice="yes", question=2, conversation=7)
    assert (answer.status_code, answer.json()) == (200, {})
    (taken,) = page.memory.taken
    assert (taken.channel, taken.account, taken.address, taken.event) == ("web", "web", address, "a-1")
    assert (taken.said.text, taken.said.choice, taken.said.question, taken.said.conversation) == ("Sí", "yes", 2, 7)
    assert taken.language == "es-ES"


async def test_a_whole_list_of_choices_becomes_a_tuple(page: Page) -> None:
    await page.open()
    assert (await page.send(text="", choice=["a", "b"])).status_code == 200
    assert page.memory.taken[0].said.choice == ("a", "b")


async def test_nothing_is_acknowledged_before_it_was_taken(page: Page) -> None:
    await page.open()
    page.memory.gate = asyncio.Event()
    sending = asyncio.create_task(page.send())
    await asyncio.sleep(0.05)
    assert not sending.done()
    page.memory.gate.set()
    assert (await sending).status_code == 200


async def test_a_failure_is_answered_with_try_again_and_the_same_event_is_handed_on_again(page: Page) -> None:
    await page.open()
    page.memory.broken = True
    answer = await page.send(event="once")
    assert (answer.status_code, answer.headers["retry-after"], page.memory.taken) == (503, "1", [])
    page.memory.broken = False
    assert (await page.send(event="once")).status_code == 200
    assert (await page.send(event="once")).status_code == 200
    assert [taken.event for taken in page.memory.taken] == ["once", "once"]


async def test_logs_do_not_tell_what_was_written(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    await page.open()
    page.memory.broken = True
    await page.send(text="my secret")
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text
    assert "no storage" not in caplog.text


async def test_before_it_listens_and_after_nothing_is_taken() -> None:
    memory = Memory()
    web = Web(memory)
    async with browser(web, memory) as page:
        await page.open()
        assert (await page.send()).status_code == 503
        async with listening(web, memory.receive):
            assert (await page.send()).status_code == 200
        assert (await page.send()).status_code == 503
    assert len(memory.taken) == 1


@pytest.mark.parametrize(
    "origin", [ELSEWHERE, "null", "http://doorstep.test.elsewhere.example", "http://doorstep.test:81"]
)
async def test_a_page_of_another_site_can_post_nothing(page: Page, origin: str) -> None:
    await page.open()
    page.client.headers["origin"] = origin
    assert (await page.send()).status_code == 403
    assert (await page.client.post("/chat/open")).status_code == 403
    assert page.memory.taken == []


async def test_the_servers_own_pages_may_post(page: Page) -> None:
    page.client.headers["origin"] = "http://doorstep.test"
    await page.open()
    assert (await page.send()).status_code == 200


async def test_a_server_behind_a_proxy_can_be_told_its_address() -> None:
    memory = Memory()
    web = Web(memory, origins=["https://chat.example.org/"])
    async with listening(web, memory.receive), browser(web, memory) as page:
        page.client.headers["origin"] = "https://chat.example.org"
        await page.open()
        assert (await page.send()).status_code == 200


async def test_a_pasted_document_is_cut_and_taken(page: Page) -> None:
    await page.open()
    assert (await page.send(text="x" * 300_000)).status_code == 200
    assert page.memory.taken[0].said.text == "x" * WEB.text


async def test_more_than_a_mebibyte_is_refused(page: Page) -> None:
    await page.open()
    answer = await page.send(text="x" * LARGEST_BODY)
    assert (answer.status_code, page.memory.taken) == (413, [])


async def test_what_no_database_can_hold_is_taken_out(page: Page) -> None:
    await page.open()
    body = json.dumps({"event": "e", "text": "a\0b\r\nc\td\ud83d e", "choice": "k\0"})
    assert (await page.client.post("/chat/messages", content=body)).status_code == 200
    said = page.memory.taken[0].said
    assert (said.text, said.choice) == ("ab\nc\td\ufffd e", "k")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b'"x"',
        b"{}",
        b'{"event": "", "text": "x"}',
        b'{"event": "a b", "text": "x"}',
        json.dumps({"event": "e" * 65, "text": "x"}).encode(),
        b'{"event": 1, "text": "x"}',
        b'{"event": "e", "text": 1}',
        b'{"event": "e", "text": "x", "choice": 1}',
        b'{"event": "e", "text": "x", "choice": [1]}',
        b'{"event": "e", "text": "x", "choice": {}}',
        json.dumps({"event": "e", "text": "x", "choice": ["k"] * 201}).encode(),
        json.dumps({"event": "e", "text": "x", "choice": "k" * 201}).encode(),
        b'{"event": "e", "text": "x", "question": true}',
        b'{"event": "e", "text": "x", "question": 1.5}',
        b'{"event": "e", "text": "x", "question": -1}',
        b'{"event": "e", "text": "x", "conversation": 9223372036854775808}',
        b'{"event": "e", "text": "x", "conversation": ' + b"9" * 5000 + b"}",
    ],
)
async def test_a_malformed_message_is_refused_in_one_sentence(page: Page, body: bytes) -> None:
    await page.open()
    answer = await page.client.post("/chat/messages", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert page.memory.taken == []


async def test_news_that_is_there_comes_at_once(page: Page) -> None:
    page.web._patience = 2 * PATIENCE
    page.memory.say(await page.open(), "hello")
    answer = (await asyncio.wait_for(page.news("0"), PATIENCE)).json()
    assert [line["text"] for line in answer["messages"]] == ["hello"]
    assert answer["cursor"] == "1"


async def test_a_waiting_page_is_woken_by_a_message(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.web.SHORTEST_PAUSE", 2 * PATIENCE)
    page.web._patience = 2 * PATIENCE
    address = await page.open()
    waiting = await page.waits()
    page.memory.say(address, "here I am")
    receipt = await page.web.send(outbound(address))
    answer = await asyncio.wait_for(waiting, PATIENCE)
    assert answer.json()["messages"][0]["text"] == "here I am"
    assert receipt.reference == "web:5"


async def test_a_waiting_page_finds_what_another_process_wrote(page: Page) -> None:
    page.web._patience = 2 * PATIENCE
    address = await page.open()
    waiting = await page.waits()
    page.memory.say(address, "from elsewhere")
    assert (await asyncio.wait_for(waiting, PATIENCE)).json()["cursor"] == "1"


async def test_without_news_a_page_is_answered_after_its_patience(page: Page) -> None:
    await page.open()
    began = time.monotonic()
    answer = await page.news("0")
    assert answer.json() == {"messages": [], "cursor": "0"}
    assert 0.25 < time.monotonic() - began < PATIENCE
    assert page.web._bells == {}


async def test_a_page_that_left_is_not_waited_for(page: Page) -> None:
    page.web._patience = 2 * PATIENCE
    address = await page.open()
    left = asyncio.Event()
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/chat/messages",
        "query_string": b"after=0",
        "headers": [(b"cookie", f"{COOKIE}={address}".encode())],
    }
    app = FastAPI()
    app.include_router(page.web.router)
    waiting = asyncio.create_task(app(scope, receive, send))
    await until(lambda: list(page.web._bells) == [address])
    left.set()
    await asyncio.wait_for(waiting, PATIENCE)
    assert page.web._bells == {}


async def test_one_visitor_can_have_only_so_many_pages_waiting(page: Page) -> None:
    page.web._patience = 2 * PATIENCE
    await page.open()
    waiting = [await page.waits() for _ in range(MOST_POLLS_EACH)]
    answer = await page.news("0")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    page.web.end()
    assert {(await one).status_code for one in waiting} == {200}
    assert (page.web._bells, page.web._polls) == ({}, 0)


async def test_once_the_server_ends_a_page_that_asks_again_waits_no_more(page: Page) -> None:
    page.web._patience = 2 * PATIENCE
    await page.open()
    waiting = await page.waits()
    page.web.end()
    assert (await asyncio.wait_for(waiting, PATIENCE)).json()["messages"] == []
    assert (await asyncio.wait_for(page.news("0"), PATIENCE)).json()["messages"] == []


async def test_when_the_channel_stops_waiting_pages_are_answered() -> None:
    memory = Memory()
    web = Web(memory, patience=2 * PATIENCE)
    async with browser(web, memory) as page:
        async with listening(web, memory.receive):
            await page.open()
            waiting = await page.waits()
        assert (await asyncio.wait_for(waiting, PATIENCE)).json()["messages"] == []


async def test_a_page_cannot_read_another_visitors_chat(page: Page) -> None:
    page.memory.say(await page.open(), "for one only")
    page.client.cookies.clear()
    await page.open()
    assert (await page.news()).json()["messages"] == []


async def test_when_the_history_cannot_be_read_the_page_is_told_to_try_again(page: Page) -> None:
    await page.open()
    page.memory.broken = True
    assert (await page.news()).status_code == 503
    assert (await page.client.post("/chat/open")).status_code == 503


async def test_answers_are_kept_by_no_cache(page: Page) -> None:
    await page.open()
    assert (await page.news()).headers["cache-control"] == "no-store"


async def test_sending_to_nobody_who_is_there_is_no_failure(page: Page) -> None:
    assert (await page.web.send(outbound("0" * 32))).reference == "web:5"


@pytest.mark.parametrize("text", ["", "  ", "\u0000"])
async def test_an_empty_message_is_handed_on_so_that_the_bot_can_answer_it_kindly(page: Page, text: str) -> None:
    await page.open()
    answer = await page.client.post("/chat/messages", json={"event": "e", "text": text})
    assert answer.status_code == 200
    assert [inbound.said.text.strip() for inbound in page.memory.taken] == [""]


# --- further phones --------------------------------------------------------------------------------------------

SAM = "5a" * 16


async def test_a_phone_that_was_not_announced_is_refused(page: Page) -> None:
    assert (await page.client.post("/chat/open?phone=buddy")).status_code == 404
    await page.open()
    assert (await page.client.get("/chat/messages?phone=buddy")).status_code == 404
    assert (await page.client.post("/chat/messages?phone=buddy", json={"event": "e"})).status_code == 404
    with pytest.raises(ValueError, match="letters"):
        Web(Memory(), phones=["a buddy"])


async def test_each_phone_of_a_browser_is_a_visitor_of_its_own() -> None:
    memory = Memory()
    web = Web(memory, phones=["buddy"])
    async with listening(web, memory.receive), browser(web, memory) as page:
        mine = await page.open()
        await page.client.post("/chat/open?phone=buddy")
        theirs = page.client.cookies[f"{COOKIE}_buddy"]
        assert theirs != mine
        assert (await page.client.post("/chat/messages?phone=buddy", json={"event": "e2"})).status_code == 200
        await page.send()
        assert [taken.address for taken in memory.taken] == [theirs, mine]


async def test_a_phone_opens_as_whose_it_is_and_is_nobodys_before() -> None:
    memory = Memory()
    whose: dict[str, str | None] = {"buddy": None}
    web = Web(memory, phones=["buddy"], open_as=whose.__getitem__)
    async with listening(web, memory.receive), browser(web, memory) as page:
        assert (await page.client.post("/chat/open?phone=buddy")).status_code == 409
        whose["buddy"] = SAM
        memory.say(SAM, "for Sam")
        opened = (await page.client.post("/chat/open?phone=buddy")).json()
        assert [line["text"] for line in opened["messages"]] == ["for Sam"]
        assert (await page.client.post("/chat/messages?phone=buddy", json={"event": "e"})).status_code == 200
        assert memory.taken[0].address == SAM
        whose["buddy"] = "6b" * 16
        assert (await page.client.get("/chat/messages?phone=buddy")).status_code == 401
