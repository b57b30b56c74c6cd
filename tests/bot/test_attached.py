"""What is attached to a message, from the flow to the page that shows it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.app import open_bot
from bot.attachments import StoredFiles
from bot.channels.web import Web
from bot.channels.web_files import router
from bot.console.app import build, serve
from bot.group import Group
from bot.history import StoredHistory
from bot.sender import utc_now
from bot.world import World
from storage.actions import PUBLISHED
from storage.store import Store
from storage.transaction import Transaction
from tests.bot.browsing import *  # noqa: F403 - fixtures are found by name
from tests.bot.browsing import say
from tests.bot.conftest import Talking
from tests.bot.talking import write

GOING = """
flow: going
starts: {first_contact: true}
start: which
states:
  which: {ask: Which one?, choices_from: actions_near_me, save: action, on: {none: nothing}, go: sign}
  sign: {do: sign_up, go: sure}
  sure: {say: See you there., attach: calendar, go: invite}
  invite: {say: Bring someone., attach: qr, end: invited}
  nothing: {say: Nothing., attach: calendar, end: nothing}
"""


async def publish(tx: Transaction) -> int:
    starts = tx.now + timedelta(days=3)
    return await tx.actions.add(
        title="Clean-up", starts_at=starts, ends_at=starts + timedelta(hours=2), zone="UTC", district="Leeds",
        address="1 Park Row", state=PUBLISHED,
    )  # fmt: skip


async def test_a_calendar_file_is_of_the_action_that_was_chosen(talking: Talking) -> None:
    talk = await talking({"going": GOING})
    numbers = [await talk.store.run(publish) for _ in range(2)]
    await talk.say("hey")
    await talk.say("2")
    await talk.send()
    assert [each.say.attach for each in talk.channel.outbound] == ["", f"calendar:{numbers[1]}", f"qr:{numbers[1]}"]
    lines, _ = await StoredHistory(talk.store, "web").history("ana", "", 10)
    assert [line.attach for line in lines if not line.mine] == ["", f"calendar:{numbers[1]}", f"qr:{numbers[1]}"]


async def test_where_there_is_no_action_there_is_no_file(talking: Talking) -> None:
    talk = await talking({"going": GOING})
    await talk.say("hey")
    await talk.send()
    assert [each.say.attach for each in talk.channel.outbound] == [""]


@pytest.fixture
async def bot_with_a_page(tmp_path: Path) -> AsyncIterator[tuple[str, Store]]:
    """A bot with its chat page, and where that is."""
    write(tmp_path / "flows", {"going": GOING})
    world = World(Group(quiet=None), address="https://chat.example.org")
    async with open_bot(
        f"sqlite:///{tmp_path / 'd.db'}", tmp_path / "d.key", tmp_path / "flows", world, utc_now
    ) as bot:
        web = Web(StoredHistory(bot.store, "web"))
        app = build(web, None, None, b"", routers=[router(web.visitor, StoredFiles(bot.store, world))])
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        tasks = [
            asyncio.ensure_future(each) for each in (serve(app, "127.0.0.1", 0, ready.set_result), *bot.attach(web))
        ]
        yield f"http://127.0.0.1:{await ready}/", bot.store
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_page_keeps_the_file_and_shows_the_picture(bot_with_a_page: tuple[str, Store], page: Page) -> None:
    address, store = bot_with_a_page
    await store.run(publish)
    await page.goto(address)
    await say(page, "hey")
    await page.get_by_role("button", name="Leeds").click()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Add to calendar").click()
    assert (await downloading.value).suggested_filename == "Clean-up.ics"
    picture = page.get_by_role("img", name="A code that another phone can read")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") > 100
