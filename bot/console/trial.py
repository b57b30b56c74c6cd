"""The page of `doorstep try`: three phones, a clock, the funnel, and the flow with the present state lit."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from nicegui import Client, background_tasks, ui
from nicegui.events import GenericEventArguments

from bot.channels.web import Web
from bot.console.clock import ClockView
from bot.console.desk import SHOWN, DeskView
from bot.console.drawing import DrawingView
from bot.console.funnel import FunnelView
from bot.console.parts import button, mark, show_pages, text, write, write_bold
from bot.console.stage import DESK, NEWCOMER, Phone, Stage

LONGEST_NOTE = 512
BREATH = 0.05
"""Seconds in which several turns become one look."""
MINUTE = 20.0
"""Seconds between two looks where nothing happens but that time passes."""

HEAD = """
<link rel="stylesheet" href="console/page.css">
<link rel="stylesheet" href="console/parts.css">
<link rel="stylesheet" href="console/trial.css">
<link rel="stylesheet" href="console/drawing.css">
<script type="module" src="console/phone.js"></script>
<script type="module" src="console/trial.js"></script>
"""

FIRST_HINTS = (
    "Write *hello* on the left. You are the newcomer; you can also be the buddy and the coordinator.",
    "Write *hello*. You are the newcomer; you can also be the buddy and the coordinator.",
)
"""What to do first: where the phones stand side by side, and where one is shown at a time."""

_log = logging.getLogger(__name__)


def attach(app: FastAPI, web: Web, stage: Stage) -> None:
    """Puts the trial page at "/" of `app`. NiceGUI takes every path that is not taken yet, so this comes last."""
    pages: dict[str, _Page] = {}

    async def here(request: Request) -> Response:
        """The phone on this page has opened its chat: only now does its cookie say whose phone it is."""
        address, page = web.visitor(request), pages.get(await _page_id(request))
        if not web.same_origin(request) or address is None or page is None:
            return JSONResponse({"error": "There is no such page."}, 404)
        page.belongs_to(address)
        return JSONResponse({})

    async def begin_anew() -> None:
        await stage.begin_anew()
        for page in list(pages.values()):
            page.load_again()

    @ui.page("/")
    def trial() -> None:
        client = ui.context.client
        ui.add_head_html(HEAD)
        pages[client.id] = page = _Page(client, stage, begin_anew)
        stop = stage.watch(page.changed)
        client.on_delete(lambda: (pages.pop(client.id, None), stop()))
        page.changed()

    app.add_api_route("/console/here", here, methods=["POST"], include_in_schema=False, response_model=None)
    show_pages(app)


async def _page_id(request: Request) -> str:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_NOTE:
            return ""
    try:
        return str(json.loads(body)["page"])
    except (ValueError, TypeError, KeyError):
        return ""


class _Page:
    """One browser's trial page. It looks at the stage again whenever something changed."""

    def __init__(self, client: Client, stage: Stage, begin_anew: Callable[[], Awaitable[None]]) -> None:
        self._client, self._stage, self._anew = client, stage, begin_anew
        self._address = ""
        self._looking = False
        with ui.element("main").classes("console trial"):
            self._build_top()
            with ui.element("div").classes("sheet strip"):
                self._clock = ClockView(stage, lambda: self._address)
                self._funnel = FunnelView()
            with ui.element("div").classes("board"):
                self._phones = _PhonesView(stage)
                self._drawing = DrawingView(client, stage, self.changed)
        ui.on("doorstep_used", self._used)
        ui.timer(MINUTE, self.changed)

    def belongs_to(self, address: str) -> None:
        """From now on the newcomer's phone is this visitor's."""
        self._address = address
        self.changed()

    def changed(self) -> None:
        """Looks again, soon."""
        if not self._looking:
            self._looking = True
            background_tasks.create(self._look(), name="trial page")

    def load_again(self) -> None:
        """As if it had just been opened."""
        with self._client:
            self._client.run_javascript("location.reload()")

    def _build_top(self) -> None:
        with ui.element("header").classes("top"):
            text("h1", "brand", "Doorstep")
            with ui.element("div").classes("hint").props('role="status"'):
                self._hints = text("p", "wide-only", ""), text("p", "narrow-only", "")
            text("a", "aside", "Rehearse").props('href="rehearsal"')
            button("plain anew", "Begin anew", lambda _: None, "() => window.doorstepAsk()")
        with ui.element("dialog").classes("sheet ask").props('aria-labelledby="ask-anew"'):
            text("h2", "", "Begin anew?").props('id="ask-anew"')
            text("p", "", "Everybody here is forgotten, and the clock goes back to today.")
            with ui.element("div").classes("ways"):
                button("main", "Forget everything", self._begin_anew, "() => (window.doorstepAnew(), emit())")
                button("plain", "Keep it", lambda _: None, "(event) => event.target.closest('dialog').close()")

    def _used(self, event: GenericEventArguments) -> None:
        phone = str(event.args)
        if phone != DESK and phone in {each.key for each in self._stage.phones()}:
            self._drawing.use(phone)
            self.changed()

    async def _begin_anew(self, _: GenericEventArguments) -> None:
        try:
            await self._anew()
        except Exception:
            _log.exception("the trial could not begin anew")

    async def _look(self) -> None:
        await asyncio.sleep(BREATH)
        self._looking = False
        stage, followed = self._stage, self._drawing.follows()
        try:
            phones = stage.phones()
            standing = await stage.standing(followed, self._address) if self._address else ()
            funnel, cards = await stage.funnel(), await stage.cards(SHOWN)
            jumps, hint = await stage.jumps(self._address), await stage.hint(self._address)
        except Exception as error:
            # The trial may be just beginning anew; the next look shows how it went on.
            _log.warning("the trial page could not look: %s", type(error).__name__)
            return
        if self._client.is_deleted:
            return
        with self._client:
            for shown, first in zip(self._hints, FIRST_HINTS, strict=True):
                write_bold(shown, hint or first)
            self._clock.show(jumps)
            self._funnel.show(funnel)
            self._phones.show(phones, self._phones.desk.show(cards))
            self._drawing.show(phones, standing)


class _PhonesView:
    """The phones side by side; on a narrow screen one at a time, with a tab for each."""

    def __init__(self, stage: Stage) -> None:
        phones = stage.phones()
        self._tabs: dict[str, tuple[ui.html, ui.html]] = {}
        self._chats: dict[str, ui.element] = {}
        with ui.element("div").classes("phones"):
            with ui.element("div").classes("tabs").props('role="tablist" aria-label="Phones"'):
                for phone in phones:
                    self._build_tab(phone)
            for phone in phones:
                stand = ui.element("div").classes("stand").props(f'id="stand-{phone.key}" data-phone="{phone.key}"')
                mark(stand, "chosen", on=phone.key == NEWCOMER)
                with stand:
                    if phone.key == DESK:
                        self.desk = DeskView(stage)
                    else:
                        self._chats[phone.key] = _chat(phone, stage.zone())

    def show(self, phones: tuple[Phone, ...], waiting: int) -> None:
        """Shows whose the phones are, and how many cards wait."""
        for phone in phones:
            name, badge = self._tabs[phone.key]
            write(name, phone.name or phone.title)
            if phone.key == DESK:
                write(badge, str(waiting) if waiting else "")
                continue
            chat = self._chats[phone.key]
            wanted = {"who": phone.name or None, "closed": phone.closed or None}
            if any(chat.props.get(key) != value for key, value in wanted.items()):
                for key, value in wanted.items():
                    chat.props.pop(key, None) if value is None else chat.props.update({key: value})
                chat.update()

    def _build_tab(self, phone: Phone) -> None:
        chosen = str(phone.key == NEWCOMER).lower()
        with ui.element("button").classes("tab") as tab:
            tab.props(f'type="button" role="tab" id="tab-{phone.key}" aria-controls="stand-{phone.key}"')
            tab.props(f'aria-selected="{chosen}" tabindex="{0 if chosen == "true" else -1}"')
            self._tabs[phone.key] = text("span", "tab-name", phone.name or phone.title), text("span", "badge", "")


def _chat(phone: Phone, zone: str) -> ui.element:
    chat = ui.element("doorstep-phone")
    chat.props.update({"label": phone.title, "base": ".", "zone": zone})
    if phone.key != NEWCOMER:
        chat.props.update({"phone": phone.key, "empty": "Nothing was said here yet."})
    if phone.closed:
        chat.props.update({"closed": phone.closed})
    return chat
