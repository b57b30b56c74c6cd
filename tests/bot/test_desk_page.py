"""The desk of `doorstep run` in a real browser, on a real bot and beside its chat.

With DOORSTEP_SHOTS=FOLDER the tests leave pictures of the page there.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from bot.console.office import name_in
from bot.desks.acting import Press, act
from bot.group import Group
from bot.sender import utc_now
from bot.world import World
from flows.reader import STARTER
from storage.audit import COORDINATOR
from storage.store import Store
from storage.transaction import Transaction
from tests.bot.browsing import *  # noqa: F403 - fixtures are found by name
from tests.bot.browsing import log, say
from tests.bot.nursery import begun
from tests.bot.running import PASSPHRASE, free_port, write_config
from tests.waiting import PATIENCE

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 740}
QUESTION = "Can I bring my dog?"


@dataclass(slots=True)
class Running:
    """`doorstep run` on the starter flows, and its database as another process has it."""

    url: str
    store: Store

    async def somebody(self, name: str, kind: str, urgent: bool = False, **body: str) -> int:
        """A card of this kind about a new person, written by another process; its number."""

        async def work(tx: Transaction) -> int:
            person = await tx.people.add("web", "web", name, "en")
            await tx.people.save(person.id, {"name": name, "place": "Leeds"})
            return await tx.cards.add(kind, f"person:{person.id}", person.id, body, urgent)

        return await self.store.run(work)

    async def presses(self, card: int, button: str, by: str) -> str:
        """A coordinator at another process presses a button."""
        press = Press(card=card, button=button, text="I can.", role=COORDINATOR, by=by, name=by)
        return await self.store.run(lambda tx: act(tx, World(Group()), press))


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    port, url = free_port(), f"sqlite:///{tmp_path / 'doorstep.db'}"
    flows = {file.stem: file.read_text("utf-8") for file in (STARTER / "library").glob("*.yaml")}
    process = await begun(write_config(tmp_path, url, port, flows))
    store = await Store.open(url, tmp_path / "doorstep.key", clock=utc_now, alone=False)
    try:
        yield Running(f"http://127.0.0.1:{port}/", store)
    finally:
        await store.close()
        process.terminate()
        await asyncio.wait_for(process.communicate(), PATIENCE)


async def come_in(page: Page, url: str) -> None:
    await page.goto(url)
    await page.get_by_label("passphrase").fill(PASSPHRASE)
    await page.keyboard.press("Enter")


async def is_called(page: Page, name: str) -> None:
    await page.get_by_label("Your first name").fill(name)
    await page.keyboard.press("Enter")
    await expect(page.locator(".who")).to_contain_text(f"You are {name}")


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("article").filter(has_text=title)


async def look(page: Page, name: str) -> None:
    """A picture for whoever wants to see what the test saw."""
    if folder := os.environ.get("DOORSTEP_SHOTS"):
        await page.wait_for_timeout(400)
        await page.screenshot(path=f"{folder}/desk-{name}.png", full_page=True)


async def coordinator(browser: Browser, url: str, name: str) -> Page:
    """Another coordinator with a browser of their own, at the desk."""
    opened = await (await browser.new_context(locale="en-GB")).new_page()
    await come_in(opened, f"{url}desk")
    await is_called(opened, name)
    return opened


@pytest.mark.slow
async def test_who_asks_for_a_human_is_answered_from_the_desk(running: Running, page: Page, chromium: Browser) -> None:
    await page.set_viewport_size(WIDE)
    await come_in(page, running.url)
    await say(page, "hello")
    await expect(log(page).get_by_text("first name")).to_be_visible()
    await say(page, "Ana")
    await look(page, "chat-1280")
    maya = await coordinator(chromium, running.url, "Maya")
    await expect(maya.locator(".waiting")).to_contain_text("Nothing waits.")
    await say(page, "human")
    await expect(log(page).get_by_text("What is it about")).to_be_visible()
    await say(page, QUESTION)
    asks = card(maya, "asks for a human")
    await expect(asks).to_contain_text(QUESTION)
    await expect(maya).to_have_title("(1) The desk · Doorstep")
    await expect(maya.get_by_role("status").filter(has_text="1 card waits.")).to_be_attached()
    await asks.get_by_role("textbox", name="Your answer").fill("Yes, dogs are welcome.")
    await asks.get_by_role("button", name="Send").click()
    await expect(asks).to_contain_text("Answered by Maya")
    await expect(log(page).get_by_text("Maya of Neighbours: Yes, dogs are welcome.")).to_be_visible()
    await expect(maya).to_have_title("The desk · Doorstep")
    await expect(maya.locator(".funnel .step").first).to_contain_text("1wrote first")
    await maya.reload()
    await expect(maya.locator(".settled")).to_contain_text("Answered by Maya")
    await expect(maya.locator(".waiting")).to_contain_text("Nothing waits.")
    await expect(maya.locator(".who")).to_contain_text("You are Maya")


@pytest.mark.slow
async def test_two_presses_at_once_make_one_action(running: Running, page: Page, chromium: Browser) -> None:
    await running.somebody("Ana", "human", about=QUESTION)
    await come_in(page, f"{running.url}desk")
    await is_called(page, "Maya")
    ben = await coordinator(chromium, running.url, "Ben")
    for desk, words in ((page, "Yes!"), (ben, "No!")):
        await card(desk, QUESTION).get_by_role("textbox").fill(words)
    moment = time.time() * 1000 + 1000
    for desk in (page, ben):
        send = card(desk, QUESTION).get_by_role("button", name="Send")
        await send.evaluate("(button, at) => void setTimeout(() => button.click(), at - Date.now())", moment)
    assert await _taken(running.store) == 1
    (settled,) = await running.store.read(lambda tx: tx.cards.settled(10))
    assert settled.acted_by in ("Maya", "Ben")
    for desk in (page, ben):
        await expect(card(desk, QUESTION).get_by_role("status")).to_contain_text(f"Answered by {settled.acted_by}")
    await asyncio.sleep(1)
    assert await _taken(running.store) == 1


async def _taken(store: Store) -> int:
    """How many answers of coordinators reached their turn, once there is one."""
    async with asyncio.timeout(PATIENCE):
        while True:
            lines = await store.read(lambda tx: tx.ledger.newest(50))
            if count := sum(line.what == "human.replied" for line in lines):
                return count
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_what_another_process_did_shows_by_itself_and_in_place(running: Running, page: Page) -> None:
    first = await running.somebody("Ana", "human", about=QUESTION)
    await come_in(page, f"{running.url}desk")
    await expect(card(page, QUESTION)).to_be_visible()
    urgent = await running.somebody("Sam", "report", urgent=True, about="He did not stop.")
    await expect(page.get_by_role("article")).to_contain_text(["Sam says", "Ana asks"])
    await page.get_by_role("textbox", name="Your answer").last.fill("half an ans")
    await running.presses(urgent, "reply", "Finn")
    await expect(page.get_by_role("article")).to_contain_text(["Answered by Finn", "Ana asks"])
    await expect(page.get_by_role("textbox", name="Your answer")).to_have_value("half an ans")
    await page.reload()
    await expect(page.get_by_role("textbox", name="Your answer")).to_have_value("half an ans")
    await expect(page.locator(".settled").get_by_role("article")).to_contain_text(["Sam says"])
    await running.presses(first, "done", "Finn")
    await expect(card(page, QUESTION)).to_contain_text("Done by Finn")


@pytest.mark.slow
async def test_nobody_acts_without_a_name(running: Running, page: Page) -> None:
    number = await running.somebody("Ana", "nobody_near")
    await come_in(page, f"{running.url}desk")
    nobody = card(page, "Nobody is free near Ana")
    await nobody.get_by_role("button", name="Done").click()
    await expect(nobody.get_by_role("status")).to_contain_text("Give your first name first")
    kept = await running.store.read(lambda tx: tx.cards.get(number))
    assert kept is not None
    assert kept.state == "open"
    await is_called(page, "<b>Zoë</b>")
    await nobody.get_by_role("button", name="Done").click()
    await expect(nobody.get_by_role("status")).to_have_text("Done by <b>Zoë</b>")
    await page.get_by_role("button", name="Not you?").click()
    await page.reload()
    await expect(page.get_by_label("Your first name")).to_have_value("")


@pytest.mark.slow
async def test_everything_can_be_done_with_the_keyboard_and_on_a_telephone(running: Running, page: Page) -> None:
    await page.set_viewport_size(NARROW)
    await running.somebody("Ana", "human", about=QUESTION)
    await running.somebody("Sam", "report", urgent=True, about="He did not stop when I asked him to.")
    await running.somebody("Bo", "told", about="Something " + "very" * 60)
    await running.presses(await running.somebody("Joy", "nobody_near"), "done", "Finn")
    await come_in(page, f"{running.url}desk")
    await look(page, "360-nameless")
    await page.get_by_label("Your first name").focus()
    await page.keyboard.type("Maya")
    await page.keyboard.press("Enter")
    await expect(page.locator(".who")).to_contain_text("You are Maya")
    answer = card(page, "Ana asks").get_by_role("textbox")
    await answer.focus()
    await page.keyboard.type("Bring it along!")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(card(page, "Ana asks").get_by_role("status")).to_have_text("Answered by Maya")
    await expect(card(page, "Ana asks")).to_be_focused()
    await look(page, "360")
    assert await page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    await page.set_viewport_size(WIDE)
    await look(page, "1280")


@pytest.mark.slow
async def test_an_action_is_made_here_and_who_comes_is_seen_as_it_changes(running: Running, page: Page) -> None:
    await come_in(page, f"{running.url}desk")
    await is_called(page, "Kim")
    await page.get_by_text("Make an action").click()
    day = utc_now() + timedelta(days=3)
    fields = {"Title": "First aid", "Day": f"{day:%Y-%m-%d}", "Begins": "10:00", "Ends": "09:00", "Kind": "training"}
    for label, value in fields.items():
        await page.get_by_label(label).fill(value)
    publish, note = page.get_by_role("button", name="Publish"), page.locator(".making .note")
    await publish.click()
    await expect(note).to_have_text("Ends: `09:00` is not after the start, or more than 14 days later.")
    for label, value in {"Day": f"{day - timedelta(days=9):%Y-%m-%d}", "Ends": "12:00"}.items():
        await page.get_by_label(label).fill(value)
    await publish.click()
    await expect(note).to_contain_text("is past")
    await page.get_by_label("Day").fill(f"{day:%Y-%m-%d}")
    for label, value in {"Again each": "week", "So often": "2", "Cohort": "Spring"}.items():
        await page.get_by_label(label).fill(value)
    await publish.click()
    await expect(note).to_contain_text("“First aid” is published: ")
    await expect(note).to_contain_text(", and 1 more.")
    await expect(page.get_by_label("Title")).to_have_value("")
    coming = page.get_by_role("feed", name="Actions to come").get_by_role("article").first
    await expect(coming).to_contain_text("Spring: 0 people go through it together")

    async def joins(tx: Transaction) -> None:
        person = await tx.people.add("web", "web", "ana", "en")
        (number, *_) = [each.id for each in await tx.actions.upcoming(9)]
        await tx.actions.sign_up(number, person.id, "yes")

    await running.store.run(joins)
    await expect(coming).to_contain_text("Spring: 1 person goes through it together")
    await look(page, "making")


@pytest.mark.slow
async def test_the_desk_and_the_chat_lead_to_each_other(running: Running, page: Page) -> None:
    await come_in(page, running.url)
    await page.get_by_role("link", name="The desk").click()
    await expect(page.get_by_role("heading", name="Waits for someone")).to_be_visible()
    await page.get_by_role("link", name="The chat").click()
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_visible()


async def test_without_the_passphrase_nothing_is_shown(running: Running) -> None:
    await running.somebody("Ana", "human", about=QUESTION)
    async with httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as client:
        shown = await client.get("/desk")
        assert (shown.status_code, shown.headers["location"]) == (303, "/enter?to=desk")
        assert QUESTION not in shown.text
        assert (await client.post("/desk")).status_code == 401
        socket = await client.get("/_nicegui_ws/socket.io/", params={"EIO": "4", "transport": "polling"})
        assert socket.status_code == 303
        entered = await client.post("/enter?to=desk", data={"passphrase": PASSPHRASE})
        assert (entered.status_code, entered.headers["location"]) == (303, "./desk")
        assert (await client.get("/desk")).status_code == 200


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("", ""),
        ("%20%09", ""),
        ("Maya", "Maya"),
        ("Zo%C3%AB%20%0AMaria", "Zoë Maria"),
        ("%00%E2%80%AEayaM", "ayaM"),
        ("x" * 500, "x" * 40),
        ("%ff", "\N{REPLACEMENT CHARACTER}"),
    ],
)  # fmt: skip
def test_a_name_is_one_line_that_can_be_shown(written: str, name: str) -> None:
    assert name_in(written) == name
