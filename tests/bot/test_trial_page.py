"""The trial page in a real browser, on a town that is only played.

Run as a script this file is its server.
"""

import asyncio
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Locator, Page, Route, ViewportSize, expect

from bot.channels.base import Inbound, Outbound
from bot.channels.web import Line
from bot.console.app import build
from bot.console.stage import CardView, Funnel, Jump, Phone, Quicker, Refused, Standing
from bot.desks.base import describe, outcome
from flows.model import Say
from tests.bot.browsing import *  # noqa: F403 - fixtures are found by name
from tests.bot.browsing import Server, field, log, say, seen, serving
from tests.bot.echoing import YES_NO, Bot, line, until_terminated

FLOWS = {"welcome": ("hello", "interests", "place", "done"), "plan_to_meet": ("ask", "agreed")}
LEEDS = ZoneInfo("Europe/London")
NARROW: ViewportSize = {"width": 360, "height": 740}
SAM = "5a" * 16
LATE = "I was too late."
"""Where this is written, Finn has acted a moment before."""


class Town(Bot):
    """Echoes, and plays a stage: "place" opens Sam's phone and asks him, "card" and "wrong" bring cards, "met" a
    connection, "break" a mistake in a flow file."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, phones=("buddy",), open_as=lambda _: SAM)
        self.watchers: set[Callable[[], None]] = set()
        self.forget()

    def forget(self) -> None:
        self.where: dict[str, Standing] = {}
        self.refused: tuple[str, ...] = ()
        self.reached = [0] * 6
        self.connections = 0
        self.named = False
        self.kept: list[CardView] = []
        self.present = datetime(2026, 11, 21, 10, 5, tzinfo=LEEDS)

    def stand(self, address: str, flow: str, state: str) -> None:
        self.where[address] = Standing(flow, state)

    def answers(self, inbound: Inbound, count: int) -> list[Line]:
        text = inbound.said.text
        self.reached[0] = self.reached[0] or 1
        if text == "break":
            self.refused = ("library/welcome.yaml:12:5: error: no state is called `plase` [missing-target]",)
        if text == "place":
            self.named, self.reached[1] = True, 1
            asked = replace(line("ask", "Ana likes climate too. May I introduce you?"), choices=YES_NO, question=1)
            asyncio.get_running_loop().call_later(0.2, self._tell, SAM, replace(asked, conversation=3))
        if text == "card":
            self._card("human", {"person": "Ana", "about": "Can I bring my dog?", "district": "Leeds"})
        if text == "wrong":
            self._card("report", {"person": "Ana", "other": "Sam"}, urgent=True)
        if text == "met":
            self.reached, self.connections = [5, 4, 3, 3, 2, 1], 1
        return super().answers(inbound, count)

    async def receive(self, inbound: Inbound) -> None:
        await super().receive(inbound)
        self.changed()

    def changed(self) -> None:
        for watcher in tuple(self.watchers):
            watcher()

    def _tell(self, address: str, said: Line) -> None:
        self.keep(address, [*self.rows(address), said])
        asyncio.get_running_loop().create_task(self.web.send(Outbound(1, "web", "web", address, 1, Say(""))))

    def _card(self, kind: str, body: dict[str, str], *, urgent: bool = False) -> None:
        words = describe(kind, body)
        number = len(self.kept) + 1
        self.kept.insert(
            0,
            CardView(number, words.title, words.lines, words.buttons, words.replies, True, urgent, "", self.present),
        )

    # --- the stage

    def phones(self) -> tuple[Phone, ...]:
        buddy = (
            Phone("buddy", "A buddy", "Sam")
            if self.named
            else Phone("buddy", "A buddy", "", "Someone lives near you as soon as the newcomer says where that is.")
        )
        return (Phone("newcomer", "A newcomer"), buddy, Phone("desk", "The desk"))

    async def standing(self, phone: str, address: str) -> tuple[Standing, ...]:
        where = SAM if phone == "buddy" else address
        return (self.where[where],) if where in self.where else ()

    async def hint(self, address: str) -> str:
        return "Now be *Sam* & <b>answer</b>." if self.named else ""

    async def funnel(self) -> Funnel:
        labels = ("hello", "asked", "introduced", "signed up", "came", "met")
        return Funnel(tuple(zip(labels, self.reached, strict=True)), self.connections)

    async def cards(self, limit: int) -> tuple[CardView, ...]:
        return tuple(self.kept[:limit])

    async def act(self, card: int, button: str, text: str) -> str:
        place = next(place for place, each in enumerate(self.kept) if each.id == card)
        if button == "reply" and not text:
            raise Refused("Write an answer first.")
        said = outcome(button, "Finn" if text == LATE else "you")
        self.kept[place] = replace(self.kept[place], open=False, outcome=said)
        self.changed()
        if text == LATE:
            raise Quicker("Someone else was quicker.")
        return said

    def now(self) -> datetime:
        return self.present

    def zone(self) -> str:
        return LEEDS.key

    async def jumps(self, address: str) -> tuple[Jump, ...]:
        why = "" if self.reached[3] else "nobody has signed up yet"
        return (Jump("hour", "In an hour"), Jump("tomorrow", "Tomorrow"), Jump("action", "The day of the action", why))

    async def jump(self, key: str, address: str) -> None:
        for _ in range(1 if key == "hour" else 5):
            await asyncio.sleep(0.15)
            self.present += timedelta(hours=1)
            self.changed()

    async def begin_anew(self) -> None:
        self.file.unlink()
        self.forget()

    def flow_names(self) -> tuple[str, ...]:
        return tuple(FLOWS)

    def picture(self, flow: str) -> str:
        return _picture(flow)

    def problems(self) -> tuple[str, ...]:
        return self.refused

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.watchers.add(callback)
        return lambda: self.watchers.discard(callback)


def _picture(flow: str) -> str:
    boxes = "".join(
        f'<g id="state-{name}" class="ds-state" data-state="{name}"><rect x="20" y="{20 + 90 * place}" width="180"'
        f' height="60" rx="10" fill="none" stroke="currentColor"/><text x="40" y="{55 + 90 * place}"'
        f' fill="currentColor">{name}</text></g>'
        for place, name in enumerate(FLOWS[flow])
    )
    size = f'width="220" height="{90 * len(FLOWS[flow]) + 20}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" data-flow="{flow}">{boxes}</svg>'


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Server]:
    with serving(__file__, tmp_path, "trial") as server:
        yield server


def newcomer(page: Page) -> Locator:
    return page.locator("#stand-newcomer")


def sam(page: Page) -> Locator:
    return page.locator("#stand-buddy")


def desk(page: Page) -> Locator:
    return page.locator("#stand-desk")


def lit(page: Page) -> Locator:
    return page.locator(".picture .ds-present")


# --- the picture -----------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_the_light_moves_without_sending_the_picture_again(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    await say(newcomer(page), "start")
    await expect(lit(page)).to_have_id("state-place")
    await expect(page.locator(".state-name")).to_have_text("Place")
    await page.evaluate("document.querySelector('.picture svg').marked = true")
    await say(newcomer(page), "many")
    await expect(lit(page)).to_have_id("state-interests")
    assert await page.evaluate("document.querySelector('.picture svg').marked")
    await page.get_by_role("button", name="Food").click()
    await page.get_by_role("button", name="Done").click()
    await expect(page.locator(".flow-name")).to_have_text("The newcomer · Plan to meet")
    await expect(lit(page)).to_have_id("state-agreed")
    await page.reload()
    await expect(lit(page)).to_have_id("state-agreed")


@pytest.mark.slow
async def test_another_flow_can_be_looked_at(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    await say(newcomer(page), "start")
    await expect(lit(page)).to_have_count(1)
    await page.get_by_label("Look at").select_option("plan_to_meet")
    await expect(page.locator(".flow-name")).to_have_text("Plan to meet")
    await expect(page.locator(".state-name")).to_have_text("Nobody is here yet.")
    await expect(lit(page)).to_have_count(0)
    await page.get_by_label("Look at").select_option("where the newcomer is")
    await expect(lit(page)).to_have_id("state-place")


@pytest.mark.slow
async def test_the_light_follows_the_phone_that_was_used_last(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    await say(newcomer(page), "place")
    await expect(lit(page)).to_have_id("state-hello")
    await sam(page).get_by_role("button", name="Yes please").click()
    await expect(page.locator(".flow-name")).to_have_text("Sam · Plan to meet")
    await expect(lit(page)).to_have_id("state-agreed")
    await field(newcomer(page)).focus()
    await expect(page.locator(".flow-name")).to_have_text("The newcomer · Welcome")
    await page.get_by_label("Look at").select_option("where Sam is")
    await expect(page.locator(".flow-name")).to_have_text("Sam · Plan to meet")


@pytest.mark.slow
async def test_the_page_says_whether_the_flow_files_are_fine(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    await expect(page.locator(".health")).to_contain_text("The flow files are fine.")
    await say(newcomer(page), "break")
    await expect(page.locator(".health")).to_contain_text("An edited flow was refused.")
    await expect(page.locator(".health .problem")).to_contain_text("library/welcome.yaml:12:5")


@pytest.mark.slow
async def test_one_visitors_light_is_not_another_visitors(trial: Server, page: Page, chromium: Browser) -> None:
    await page.goto(trial.url)
    await say(newcomer(page), "start")
    await expect(lit(page)).to_have_id("state-place")
    stranger = await (await chromium.new_context()).new_page()
    await stranger.goto(trial.url)
    await expect(stranger.locator(".state-name")).to_have_text("Say hello to begin.")
    await expect(lit(stranger)).to_have_count(0)


# --- three phones ----------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_the_buddys_phone_is_nobodys_until_there_is_a_buddy_and_then_one_can_be_them(
    trial: Server, page: Page
) -> None:
    await page.goto(trial.url)
    await expect(field(newcomer(page))).to_be_visible()
    await expect(field(sam(page))).to_be_hidden()
    await say(newcomer(page), "place")
    await seen(sam(page), "Ana likes climate too. May I introduce you?")
    await expect(sam(page).get_by_role("heading")).to_have_text("A buddy Sam")
    await say(sam(page), "Hello from Sam")
    await seen(sam(page), "You said: Hello from Sam")
    await seen(newcomer(page), "You said: Hello from Sam", times=0)
    await page.reload()
    await seen(sam(page), "You said: Hello from Sam")
    await seen(newcomer(page), "You said: place")


@pytest.mark.slow
async def test_every_phone_has_a_name_of_its_own_for_those_who_listen(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    await say(newcomer(page), "place")
    await expect(page.get_by_role("textbox", name="Write a message as Sam")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Write a message", exact=True)).to_have_count(1)
    await expect(page.get_by_role("log", name="A buddy, Sam")).to_be_visible()
    await expect(page.get_by_role("log", name="A newcomer")).to_be_visible()
    await expect(page.get_by_role("region", name="The coordinators' desk")).to_be_visible()


@pytest.mark.slow
async def test_a_card_changes_in_place_when_someone_acts(trial: Server, page: Page, chromium: Browser) -> None:
    await page.goto(trial.url)
    other = await (await chromium.new_context()).new_page()
    await other.goto(trial.url)
    await expect(desk(page)).to_contain_text("Nothing waits here.")
    await say(newcomer(page), "card")
    await say(newcomer(page), "wrong")
    asks = page.get_by_role("article", name="Ana asks for a human")
    await expect(asks).to_contain_text("Can I bring my dog?")
    await expect(page.get_by_role("article").first).to_contain_text("urgent")
    await asks.get_by_role("button", name="Send").click()
    await expect(asks.get_by_role("status")).to_have_text("Write an answer first.")
    await asks.get_by_role("textbox", name="Your answer").fill("Of course, bring him!")
    await say(newcomer(page), "card")
    await expect(page.get_by_role("article")).to_have_count(3)
    answering = page.locator(".card").nth(2)
    await expect(answering.get_by_role("textbox")).to_have_value("Of course, bring him!")
    await answering.get_by_role("button", name="Send").click()
    await expect(answering.get_by_role("status")).to_have_text("Answered by you")
    await expect(answering.get_by_role("button")).to_have_count(0)
    await expect(other.locator(".card").nth(2)).to_contain_text("Answered by you")
    await expect(desk(page).get_by_role("heading", level=2)).to_contain_text("2open")


@pytest.mark.slow
async def test_whoever_was_too_late_hears_who_was_quicker_and_what_was_not_sent(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    await say(newcomer(page), "card")
    asks = page.get_by_role("article", name="Ana asks for a human")
    await asks.get_by_role("textbox", name="Your answer").fill(LATE)
    await asks.get_by_role("button", name="Send").click()
    await expect(asks.get_by_role("status")).to_have_text(
        f"Answered by Finn, who was a moment quicker. What you wrote was not sent: {LATE}"
    )


@pytest.mark.slow
async def test_whoever_presses_a_card_does_not_fall_off_the_page(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    await say(newcomer(page), "card")
    await page.get_by_role("article").get_by_role("button", name="Done").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article").get_by_role("status")).to_have_text("Done by you")
    await expect(page.get_by_role("article")).to_be_focused()


@pytest.mark.slow
async def test_hostile_words_on_a_card_stay_words(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    await say(newcomer(page), "card")
    await page.get_by_role("textbox", name="Your answer").fill("<img src=x onerror=alert(1)>" * 300)
    await page.get_by_role("article").get_by_role("button", name="Send").click()
    await expect(page.get_by_role("article").get_by_role("status")).to_have_text("Answered by you")


# --- the clock and the funnel ----------------------------------------------------------------------------------


@pytest.mark.slow
async def test_time_passes_when_it_is_told_to_and_the_page_says_so(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    clock = page.get_by_role("region", name="The clock")
    await expect(clock.locator(".now")).to_have_text("Saturday 21 November, 10:05")
    await clock.get_by_role("button", name="Tomorrow").click()
    await expect(clock.get_by_role("status")).to_contain_text("Time passes")
    await expect(clock.get_by_role("button", name="In an hour")).to_be_disabled()
    await expect(clock.get_by_role("status")).to_have_text("It is Saturday 21 November, 15:05.")
    await expect(clock.locator(".now")).to_have_text("Saturday 21 November, 15:05")
    await expect(clock.get_by_role("button", name="In an hour")).to_be_enabled()


@pytest.mark.slow
async def test_the_day_of_the_action_cannot_be_reached_before_somebody_has_signed_up(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    day = page.get_by_role("button", name="The day of the action")
    await expect(day).to_be_disabled()
    await expect(day).to_have_accessible_description("nobody has signed up yet")
    await day.click(force=True)
    await say(newcomer(page), "met")
    await expect(day).to_be_enabled()
    await expect(page.locator(".now")).to_have_text("Saturday 21 November, 10:05")


@pytest.mark.slow
async def test_the_funnel_fills_with_connections_as_its_headline(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    funnel = page.get_by_role("region", name="What came of it")
    await expect(funnel).to_contain_text("0")
    await say(newcomer(page), "met")
    await expect(funnel.locator(".connections")).to_contain_text("1")
    await expect(funnel.locator(".connections b")).to_have_text("connection")
    await expect(funnel.get_by_role("listitem")).to_have_text(
        ["5hello", "4asked", "3introduced", "3signed up", "2came", "1met"]
    )


@pytest.mark.slow
async def test_beginning_anew_is_asked_first_and_then_forgets_everything(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    await say(newcomer(page), "place")
    await seen(sam(page), "Ana likes climate too. May I introduce you?")
    await page.get_by_role("button", name="Begin anew").click()
    await page.get_by_role("button", name="Keep it").click()
    await seen(newcomer(page), "You said: place")
    await page.get_by_role("button", name="Begin anew").click()
    await page.get_by_role("button", name="Forget everything").click()
    await expect(newcomer(page).get_by_text("You said: place")).to_have_count(0)
    await expect(field(sam(page))).to_be_hidden()
    await say(newcomer(page), "hello")
    await seen(newcomer(page), "You said: hello")


@pytest.mark.slow
async def test_the_page_says_what_to_do_first_and_next(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    hint = page.locator(".hint")
    await expect(hint).to_contain_text("Write hello on the left. You are the newcomer")
    await say(newcomer(page), "place")
    await expect(hint.locator("p").first).to_have_text("Now be Sam & <b>answer</b>.")
    await expect(hint.locator("p").first.locator("b")).to_have_text("Sam")
    await page.set_viewport_size(NARROW)
    await expect(hint).to_have_text(re.compile("Now be Sam"))


# --- a narrow screen -------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_telephone_needs_no_sideways_scrolling(trial: Server, page: Page) -> None:
    await page.set_viewport_size(NARROW)
    await page.goto(trial.url)
    await say(newcomer(page), "a" * 500)
    await say(newcomer(page), "card")
    await say(newcomer(page), "many")
    await expect(page.get_by_role("button", name="Done")).to_be_visible()
    widths = "[document.documentElement.scrollWidth, document.querySelector('doorstep-phone').offsetWidth]"
    page_wide, phone_wide = await page.evaluate(widths)
    assert page_wide == 360
    assert phone_wide > 320
    assert await log(newcomer(page)).evaluate("log => log.scrollWidth <= log.clientWidth")
    await page.get_by_role("tab", name="The desk").click()
    await expect(page.get_by_role("article")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def opened_late(route: Route) -> None:
    """What is answered is of half a second later."""
    await asyncio.sleep(0.5)
    await route.continue_()


@pytest.mark.slow
async def test_on_a_narrow_screen_the_phones_are_tabs_and_news_is_marked(trial: Server, page: Page) -> None:
    await page.set_viewport_size(NARROW)
    await page.goto(trial.url)
    await expect(page.get_by_role("tab", name="A newcomer", selected=True)).to_be_visible()
    await expect(sam(page)).to_be_hidden()
    # A phone may open only after somebody has written to it: that is news too.
    await page.route("**/chat/open?phone=buddy", opened_late)
    await say(newcomer(page), "place")
    tab = page.get_by_role("tab", name="Sam")
    await expect(tab).to_have_accessible_description("something new")
    await page.get_by_role("tab", name="A newcomer").focus()
    await page.keyboard.press("ArrowRight")
    await expect(tab).to_be_focused()
    await expect(page.get_by_role("tabpanel", name="Sam")).to_be_visible()
    await expect(newcomer(page)).to_be_hidden()
    await expect(tab).not_to_have_accessible_description("something new")
    await sam(page).get_by_role("button", name="Yes please").click()
    await expect(page.locator(".flow-name")).to_have_text("Sam · Plan to meet")


@pytest.mark.slow
async def test_a_calm_page_stays_calm(trial: Server, page: Page) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await page.goto(trial.url)
    await say(newcomer(page), "card")
    await page.get_by_role("button", name="Tomorrow").click()
    moving = "node => getComputedStyle(node).animationName"
    assert await page.get_by_role("article").evaluate(moving) == "none"
    turning = "node => getComputedStyle(node, '::before').animationName"
    assert await page.locator(".clock .note").evaluate(turning) == "none"


# --- the server ------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_the_server_stops_within_three_seconds_though_pages_are_open(trial: Server, page: Page) -> None:
    await page.goto(trial.url)
    await say(newcomer(page), "place")
    await expect(lit(page)).to_have_count(1)
    began = time.monotonic()
    assert trial.stop().endswith("stopped\n")
    assert time.monotonic() - began < 3
    assert trial.process.returncode == 0


async def _main(file: str, port: str, kind: str) -> None:
    town = Town(Path(file))
    await until_terminated(build(town.web, town, None, b"k" * 32), town, int(port))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
