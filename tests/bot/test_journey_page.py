"""The whole journey on the trial page, from hello to having met, as a visitor plays it in a real browser.

Run as a script this file is `doorstep try` on the starter flows, with a folder of its own. With DOORSTEP_SHOTS=FOLDER
the tests leave pictures of the page there.
"""

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, ViewportSize, expect

from bot.app import run_trial
from flows.reader import STARTER
from tests.bot.browsing import *  # noqa: F403 - fixtures are found by name
from tests.bot.browsing import Server, field, log, say, serving

WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 740}
"""Milliseconds: the first place on a machine takes its time, and so does a jump of some days on a busy one."""


EDITED = """\
flow: help
about: A flow that was just edited.
start: brand_new
states:
  brand_new: {say: This was edited a moment ago., end: told}
"""


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Server]:
    with serving(__file__, tmp_path, "trial") as server:
        yield server


def newcomer(page: Page) -> Locator:
    return page.locator("#stand-newcomer")


def buddy(page: Page) -> Locator:
    return page.locator("#stand-buddy")


async def look(page: Page, name: str) -> None:
    """A picture for whoever wants to see what the test saw."""
    if folder := os.environ.get("DOORSTEP_SHOTS"):
        await page.wait_for_timeout(400)
        await page.screenshot(path=f"{folder}/journey-{name}.png")


async def hears(phone: Locator, words: str) -> None:
    await expect(log(phone).get_by_text(words).last).to_be_attached()


async def show(page: Page, phone: Locator) -> None:
    """On a narrow screen: its tab."""
    tab = page.locator(f"[aria-controls={await phone.get_attribute('id')}]")
    if await tab.is_visible():
        await tab.click()


async def answers(page: Page, phone: Locator, question: str, *labels: str) -> None:
    """Presses these buttons of a question; the first button where none is named."""
    await show(page, phone)
    await hears(phone, question)
    if not labels:
        return await phone.locator("button.chip:not([aria-disabled=true])").first.click()
    for label in labels:
        await phone.get_by_role("button", name=label).click()
    return None


async def jumps(page: Page, to: str) -> None:
    await page.get_by_role("button", name=to).click()
    await expect(page.locator(".clock").get_by_role("status")).to_contain_text("It is")


async def funnel(page: Page, *counts: int) -> None:
    steps = page.locator(".funnel .step .count")
    await expect(steps).to_have_text([str(count) for count in counts])


async def plays(page: Page, view: str) -> None:
    """From hello to met, with two jumps of the clock."""
    ana, sam = newcomer(page), buddy(page)
    await expect(field(ana)).to_be_visible()
    await look(page, f"{view}-0-first")
    await say(ana, "hello")
    await hears(ana, "first name")
    await say(ana, "Ana")
    await answers(page, ana, "What would you like to do", "Climate", "Mutual aid", "Done")
    await hears(ana, "Which town")
    await say(ana, "Leeds")
    await answers(page, ana, "When could you meet", "Saturdays", "Done")
    await hears(ana, "18 or older")
    await say(ana, "yes")
    await answers(page, ana, "May I introduce you", "Yes please")
    await look(page, f"{view}-1-asked")
    await answers(page, sam, "Would you like to meet Ana")
    await show(page, ana)
    await hears(ana, "would like to meet you")
    await funnel(page, 1, 1, 1, 0, 0, 0)
    await look(page, f"{view}-2-introduced")
    await say(ana, "actions")
    await answers(page, ana, "Which of these")
    await answers(page, ana, "Shall I put you down")
    await hears(ana, "leave home")
    await say(ana, "10:15")
    await hears(ana, "10:15 it is")
    await say(ana, "Shall we take the bus at half past ten?")
    await show(page, sam)
    await hears(sam, "Ana: Shall we take the bus")
    await look(page, f"{view}-3-signed-up")
    await jumps(page, "The day of the action")
    await hears(sam, "The code is")
    await look(page, f"{view}-4-the-day")
    code = re.search(r"The code is (\d{4})", await log(sam).inner_text())
    assert code is not None
    await show(page, ana)
    await say(ana, code[1])
    await hears(ana, "Good that you're there")
    await funnel(page, 1, 1, 1, 1, 1, 0)
    await jumps(page, "Tomorrow")
    for phone in (ana, sam):
        await answers(page, phone, "meet in person", "We met")
    await funnel(page, 1, 1, 1, 1, 1, 1)
    await expect(page.locator(".connections")).to_contain_text("1connection")
    await show(page, ana)
    await page.wait_for_timeout(500)
    await look(page, f"{view}-5-met")


@pytest.mark.slow
async def test_from_hello_to_having_met_with_two_jumps_of_the_clock(trial: Server, page: Page) -> None:
    await page.set_viewport_size(WIDE)
    await page.goto(trial.url)
    await plays(page, "wide")
    await page.get_by_role("button", name="Begin anew").click()
    await page.get_by_role("button", name="Forget everything").click()
    await funnel(page, 0, 0, 0, 0, 0, 0)
    await expect(log(newcomer(page)).get_by_text("Ana")).to_have_count(0)
    await say(newcomer(page), "hello")
    await hears(newcomer(page), "first name")


@pytest.mark.slow
async def test_the_same_on_a_telephone(trial: Server, page: Page) -> None:
    await page.set_viewport_size(NARROW)
    await page.goto(trial.url)
    await plays(page, "narrow")
    assert await page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]


@pytest.mark.slow
async def test_an_edited_flow_is_used_by_the_next_message_or_the_page_says_why_not(trial: Server, page: Page) -> None:
    file = trial.file.parent / "flows" / "library" / "help.yaml"
    await page.goto(trial.url)
    await say(newcomer(page), "hello")
    await hears(newcomer(page), "first name")
    await page.get_by_label("Look at").select_option("help")
    await expect(page.locator(".health")).to_contain_text("The flow files are fine.")
    file.write_text(EDITED.replace("end: told", "go: nowhere"), "utf-8")
    await expect(page.locator(".health")).to_contain_text("An edited flow was refused.")
    await expect(page.locator(".health .problem")).to_contain_text("help.yaml")
    file.write_text(EDITED, "utf-8")
    await expect(page.locator(".health")).to_contain_text("The flow files are fine.")
    await expect(page.locator(".picture")).to_contain_text("brand_new")
    await say(newcomer(page), "help")
    await hears(newcomer(page), "This was edited a moment ago.")


async def _main(file: str, port: str, kind: str) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    folder = Path(file).parent
    for part in ("library", "languages"):
        shutil.copytree(STARTER / part, folder / "flows" / part)
    running = asyncio.create_task(
        run_trial(folder, folder / "flows", int(port), lambda taken: print("ready", taken, flush=True))
    )
    await stopped.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
