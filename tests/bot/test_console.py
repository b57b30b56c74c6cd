"""The console in a real browser, against a real server with a bot that echoes."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, Route, expect

from bot.console.app import build, serve
from flows.limits import WEB
from tests.bot import echoing
from tests.bot.browsing import *  # noqa: F403 - fixtures are found by name
from tests.bot.browsing import Server, field, log, say, seen, serving
from tests.bot.echoing import Bot
from tests.waiting import PATIENCE, until


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Server]:
    with serving(echoing.__file__, tmp_path, "chat") as server:
        yield server


# --- the phone -------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_what_is_written_is_answered_and_one_press_says_stop(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    await expect(field(page)).to_be_visible()
    leave = page.get_by_role("button", name="No more messages")
    await expect(leave).to_be_hidden()
    await say(page, "hello")
    await seen(page, "You said: hello")
    await field(page).fill("one")
    await field(page).press("Shift+Enter")
    await field(page).press_sequentially("two")
    await page.get_by_role("button", name="Send").click()
    await expect(log(page).get_by_text("You said: one")).to_contain_text("two")
    assert chat.said() == ["hello", "one\ntwo"]
    await expect(field(page)).to_have_value("")
    await expect(page.get_by_role("status")).to_have_text("")
    await leave.click()
    await seen(page, "You said: stop")
    assert chat.said()[2:] == ["stop"]


@pytest.mark.slow
async def test_a_press_answers_the_newest_question_and_older_ones_cannot_be_pressed(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    await say(page, "start")
    await expect(page.get_by_role("button", name="Not now")).to_be_visible()
    await say(page, "start")
    await expect(log(page).get_by_text("Not now")).to_have_count(2)
    await expect(page.get_by_role("button", name="Not now")).to_have_count(1)
    await page.get_by_role("button", name="Not now").click()
    await seen(page, 'You said: Not now ["no"]')
    await expect(page.get_by_role("button", name="Not now")).to_have_count(0)
    await expect(log(page).locator("strong").first).to_have_text("one volunteer")


@pytest.mark.slow
async def test_several_choices_go_out_as_one_answer(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    await say(page, "many")
    await expect(page.get_by_role("button", name="Done")).to_be_disabled()
    await page.get_by_role("button", name="Food", pressed=False).click()
    await page.get_by_role("button", name="Climate action").click()
    await page.get_by_role("button", name="Food", pressed=True).click()
    await page.get_by_role("button", name="Tenants").click()
    await page.reload()
    await expect(page.get_by_role("button", name="Tenants", pressed=True)).to_be_visible()
    await page.get_by_role("button", name="Done").click()
    await seen(page, 'You said: 🌱 Climate action, 🏠 Tenants and housing [["climate", "housing"]]')
    await expect(page.get_by_role("button", name="Done")).to_have_count(0)


@pytest.mark.slow
async def test_a_message_that_replaces_another_changes_it_in_place(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    await say(page, "change")
    await seen(page, "Which now?")
    await seen(page, "Which?", times=0)
    await expect(page.get_by_role("button", name="Food")).to_have_count(0)
    await page.reload()
    await seen(page, "Which?", times=0)
    await page.get_by_role("button", name="Not now").click()
    await seen(page, 'You said: Not now ["no"]')


@pytest.mark.slow
async def test_a_pasted_document_arrives_cut(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    await say(page, "é" * 300_000)
    await until(lambda: len(chat.said()) == 1)
    assert chat.said() == ["é" * WEB.text]
    await say(page, "and on")
    await seen(page, "You said: and on")


@pytest.mark.slow
async def test_a_reload_keeps_everything(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    for text in ("one", "two", "start"):
        await say(page, text)
    await expect(page.get_by_role("button", name="Yes please")).to_be_visible()
    await field(page).fill("half a thou")
    before = await log(page).inner_text()
    await page.reload()
    await expect(page.get_by_role("button", name="Yes please")).to_be_visible()
    await expect(field(page)).to_have_value("half a thou")
    assert await log(page).inner_text() == before


@pytest.mark.slow
async def test_what_is_written_while_the_server_is_gone_is_sent_once_when_it_is_back(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    await say(page, "before")
    await seen(page, "You said: before")
    chat.kill()
    await say(page, "first")
    await say(page, "second")
    await expect(page.get_by_role("status")).to_contain_text("Waiting for the connection")
    chat.start()
    await seen(page, "You said: second")
    await seen(page, "You said: first")
    await seen(page, "first")
    await expect(page.get_by_role("status")).to_have_text("")
    assert chat.said() == ["before", "first", "second"]


@pytest.mark.slow
async def test_messages_stand_in_the_order_in_which_they_were_taken(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    await field(page).press("Enter")
    for text in ("one", "two", "three"):
        await say(page, text)
    await seen(page, "You said: three")
    shown = await log(page).locator(".bubble").all_inner_texts()
    assert shown == ["one", "You said: one", "two", "You said: two", "three", "You said: three"]


@pytest.mark.slow
async def test_a_closed_tab_loses_nothing_that_was_not_sent(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    await say(page, "before")
    await seen(page, "You said: before")
    await page.route("**/chat/messages", lambda route: route.abort())
    await say(page, "later")
    await seen(page, "later")
    await page.close()
    again = await page.context.new_page()
    await again.goto(chat.url)
    await seen(again, "You said: later")
    assert chat.said() == ["before", "later"]


@pytest.mark.slow
async def test_a_lost_answer_does_not_double_a_message(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    events: list[str] = []

    async def lose(route: Route) -> None:
        events.append(json.loads(route.request.post_data or "{}")["event"])
        if len(events) == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/chat/messages", lose)
    await say(page, "once")
    await seen(page, "You said: once")
    await until(lambda: len(events) == 2)
    await expect(page.get_by_role("status")).to_have_text("")
    await page.reload()
    await seen(page, "once")
    assert events[0] == events[1]
    assert chat.said() == ["once"]


@pytest.mark.slow
async def test_hostile_text_stays_text(chat: Server, page: Page) -> None:
    hostile = "<img src=x onerror=alert(1)> *<b>bold</b>* javascript:alert(1) https://elsewhere.example/"
    await page.goto(chat.url)
    await say(page, hostile)
    await expect(log(page).get_by_text("You said: <img src=x")).to_contain_text("<b>bold</b>")
    assert await log(page).locator("img, b, a, script").count() == 0
    await say(page, "مرحبا")
    await seen(page, "مرحبا")
    bubble = log(page).get_by_text("مرحبا", exact=True)
    assert await bubble.evaluate("node => getComputedStyle(node).direction") == "rtl"


@pytest.mark.slow
async def test_everything_can_be_done_with_the_keyboard(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    await expect(page.get_by_text("Say hello")).to_have_count(0)
    await field(page).focus()
    await page.keyboard.type("many")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Done")).to_be_visible()
    await expect(field(page)).to_be_focused()
    for _ in range(3):
        await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_role("button", name="Tenants")).to_be_focused()
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Done")).to_be_focused()
    await page.keyboard.press("Enter")
    await seen(page, 'You said: 🏠 Tenants and housing [["housing"]]')
    assert await page.evaluate("document.activeElement.tagName") == "DOORSTEP-PHONE"
    await page.keyboard.press("Tab")
    await expect(field(page)).to_be_focused()


@pytest.mark.slow
async def test_a_join_link_is_said_once_and_leaves_the_address_bar(chat: Server, page: Page) -> None:
    await page.goto(f"{chat.url}?start=aB3-xy_9")
    await seen(page, "You said: /start aB3-xy_9")
    assert page.url == chat.url
    await page.reload()
    await seen(page, "/start aB3-xy_9")
    await page.goto(f"{chat.url}?start=%3Cscript%3E")
    await seen(page, "/start aB3-xy_9")
    assert chat.said() == ["/start aB3-xy_9"]


@pytest.mark.slow
async def test_someone_who_reads_older_messages_is_left_there(chat: Server, page: Page) -> None:
    await page.goto(chat.url)
    for number in range(12):
        await say(page, f"line {number}")
        await seen(page, f"You said: line {number}")
    other = await page.context.new_page()
    await other.goto(chat.url)
    await page.bring_to_front()
    await log(page).evaluate("log => { log.scrollTop = 0; }")
    await say(other, "from the other tab")
    await seen(page, "You said: from the other tab")
    assert await log(page).evaluate("log => log.scrollTop") == 0
    await page.get_by_role("button", name="New messages").click()
    await expect(log(page).get_by_text("You said: from the other tab")).to_be_in_viewport()
    await expect(page.get_by_role("button", name="New messages")).to_be_hidden()


# --- serving ---------------------------------------------------------------------------------------------------


async def test_signals_stay_the_callers_and_a_waiting_page_does_not_delay_the_end(tmp_path: Path) -> None:
    bot, ready = Bot(tmp_path / "kept.json"), asyncio.get_running_loop().create_future()
    app = build(bot.web, None, None, b"k" * 32)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, ready.set_result))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await ready}", timeout=PATIENCE) as client:
        await client.post("/chat/open")
        waiting = asyncio.create_task(client.get("/chat/messages?after=0"))
        await asyncio.sleep(0.1)
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 3
        assert (await waiting).status_code == 200


async def test_an_address_that_is_taken_is_an_error_of_the_system(tmp_path: Path) -> None:
    app = build(Bot(tmp_path / "kept.json").web, None, None, b"k" * 32)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken, pytest.raises(OSError, match=r"port \d+ is taken"):
        await serve(app, "127.0.0.1", taken.getsockname()[1], print)
