"""The coordinators' page of `doorstep run`: what came of it, and the cards that wait for somebody."""

import logging
import time
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from fastapi import FastAPI, Request
from nicegui import Client, ui
from nicegui.events import GenericEventArguments

from bot import roles
from bot.console.desk import CardList
from bot.console.funnel import FunnelView
from bot.console.making import MakingForm
from bot.console.parts import button, show_pages, text, write
from bot.console.stage import CardView, Desk, Refused, Sight
from bot.roles import Who

NAME = "doorstep_coordinator"
"""The cookie that keeps a coordinator's first name, as desk.js writes it."""
LONGEST_NAME = 40

LINGERS = 20.0
"""Seconds in which a card that was just settled stays where it was."""
TICK = 5.0
"""Seconds between two looks at who is let in, and what has lingered."""

HEAD = """
<link rel="stylesheet" href="console/page.css">
<link rel="stylesheet" href="console/parts.css">
<link rel="stylesheet" href="console/desk.css">
<script type="module" src="console/desk.js"></script>
"""

NOTHING_YET = "Nothing waits. Matches, questions and reports come here as cards, and this page shows them by itself."
WHO = "The others see who acted, and whom you answer sees who wrote."
NAMELESS = "Give your first name first, at the top of this page: the others see who acted."

_log = logging.getLogger(__name__)


def attach(app: FastAPI, desk: Desk, role: Callable[[Request], str]) -> None:
    """Puts the page at "/desk" of `app`; `role` says who opened it. This comes last, as `show_pages` says."""

    @ui.page("/desk", title="The desk · Doorstep")
    async def office(request: Request) -> None:
        client = ui.context.client
        ui.add_head_html(HEAD)
        name = name_in(request.cookies.get(NAME, ""))
        try:
            await desk.opened(Who(role(request), name))
        except Refused as refused:
            text("p", "empty", str(refused)).props('role="alert"')
            return
        page = _Page(client, desk, name, lambda: role(request))
        client.on_delete(desk.watch(page.show))
        page.show()

    show_pages(app)


def name_in(written: str) -> str:
    """The first name that a cookie or a field holds, fit to be shown; "" where there is none."""
    words = "".join(each if each.isprintable() else " " for each in unquote(written))
    return " ".join(words.split())[:LONGEST_NAME].strip()


class _Page:
    """One browser's page of the desk."""

    def __init__(self, client: Client, desk: Desk, name: str, role: Callable[[], str]) -> None:
        self._client, self._desk, self._name, self._role = client, desk, name, role
        self._places: list[int] = []
        self._lingering: dict[int, float] = {}
        self._titled = 0
        with ui.element("main").classes("console office"):
            with ui.element("header").classes("top ends"):
                text("h1", "brand", "Doorstep")
                self._who = ui.element("div").classes("who")
                text("a", "", "Rehearse").props('href="rehearsal"')
                text("a", "", "The chat").props('href="./"')
            with ui.element("div").classes("sheet came"):
                self._funnel = FunnelView()
                self._week = text("p", "week", "")
            MakingForm(self._make)
            with ui.element("div").classes("piles"):
                self._build_piles()
        self._show_name()
        ui.timer(TICK, self.show)

    def show(self) -> None:
        """Shows what there is now; who is not let in any more is asked for the passphrase."""
        if self._client.is_deleted:
            return
        with self._client:
            if not roles.sees_cards(self._role()):
                self._client.run_javascript("location.reload()")
            elif sight := self._desk.sight():
                self._show(sight)

    def _build_piles(self) -> None:
        with ui.element("section").classes("pile waiting").props('aria-labelledby="waiting"'):
            with ui.element("h2").props('id="waiting" tabindex="-1"'):
                text("span", "", "Waits for someone")
                self._count = text("span", "badge", "").props('aria-hidden="true"')
            self._heard = text("p", "unseen", "").props('role="status"')
            self._empty = text("p", "empty", NOTHING_YET)
            self._waiting = CardList(self._act, "Open cards")
            self._more = text("p", "empty", "More wait: they show as these are settled.")
        with ui.element("section").classes("pile coming").props('aria-labelledby="coming"') as self._soon:
            text("h2", "", "Who comes").props('id="coming" tabindex="-1"')
            self._coming = CardList(self._act, "Actions to come")
        with ui.element("section").classes("pile settled").props('aria-labelledby="settled"') as self._past:
            text("h2", "", "Settled").props('id="settled" tabindex="-1"')
            self._settled = CardList(self._act, "Settled cards")
        for hidden in (self._empty, self._more, self._past, self._soon):
            hidden.set_visibility(False)

    def _show(self, sight: Sight) -> None:
        shown = self._in_place(sight)
        self._waiting.show(shown)
        self._settled.show([card for card in sight.settled if card.id not in self._lingering])
        self._coming.show(sight.coming)
        self._soon.set_visibility(bool(sight.coming))
        self._funnel.show(sight.funnel)
        write(self._week, _week(sight))
        self._empty.set_visibility(not shown)
        self._more.set_visibility(sight.more)
        self._past.set_visibility(len(sight.settled) > len(self._lingering))
        count = len(sight.open)
        write(self._count, f"{count}{'+' if sight.more else ''}" if count else "")
        write(self._heard, "Nothing waits." if not count else "1 card waits." if count == 1 else f"{count} cards wait.")
        if count != self._titled:
            self._titled = count
            ui.page_title(f"({count}) The desk · Doorstep" if count else "The desk · Doorstep")

    def _in_place(self, sight: Sight) -> list[CardView]:
        """The open cards, and where they were those that were settled a moment ago under the eyes of this page."""
        now, settled = time.monotonic(), {card.id: card for card in sight.settled}
        shown = list(sight.open)
        for place, number in enumerate(self._places):
            if number in settled and self._lingering.setdefault(number, now + LINGERS) > now:
                shown.insert(place, settled[number])
        self._places = [card.id for card in shown]
        self._lingering = {number: until for number, until in self._lingering.items() if number in self._places}
        return shown

    async def _act(self, card: int, key: str, written: str) -> str:
        return await self._desk.act(card, key, written, self._acts())

    async def _make(self, cells: Mapping[str, str]) -> str:
        return await self._desk.add_action(cells, self._acts())

    def _acts(self) -> Who:
        """Who acts. Raises Refused where they may not, or have no name."""
        who = Who(self._role(), self._name)
        if not roles.sees_cards(who.role):
            raise Refused("The passphrase is asked for again: load this page again.")
        if not who.name:
            raise Refused(NAMELESS)
        return who

    def _show_name(self) -> None:
        self._who.clear()
        with self._who:
            if self._name:
                with ui.element("p"):
                    text("span", "", "You are ")
                    text("b", "", self._name)
                button("plain", "Not you?", self._forget_name, "() => (window.doorstepName(''), emit())")
                return
            with ui.element("form") as form:
                text("label", "", "Your first name").props('for="name"')
                field = ui.element("input")
                field.props(f'id="name" maxlength={LONGEST_NAME} autocomplete="given-name" required')
                field.props('aria-describedby="why-name"')
                text("button", "main", "That's me").props('type="submit"')
                text("p", "why", WHO).props('id="why-name"')
            form.on("submit.prevent", self._take_name, js_handler="(event) => emit(window.doorstepName(event.target))")

    def _take_name(self, event: GenericEventArguments) -> None:
        self._name = name_in(str(event.args or ""))
        self._show_name()

    def _forget_name(self, _: GenericEventArguments) -> None:
        self._name = ""
        self._show_name()


def _week(sight: Sight) -> str:
    people = (
        "nobody waits" if not sight.waiting else "1 person waits" if sight.waiting == 1 else f"{sight.waiting} wait"
    )
    free = "no buddy is free" if not sight.free else "1 buddy is free" if sight.free == 1 else f"{sight.free} are free"
    return f"{sight.week or 'None'} of them in the last seven days · {people} for a buddy · {free}"
