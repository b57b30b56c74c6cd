"""The page of `doorstep try`: a phone, and beside it the flow with the present state lit."""

import asyncio
import json
from html import escape

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from nicegui import Client, background_tasks, ui
from nicegui.events import GenericEventArguments

from bot.channels.web import Web
from bot.console import files
from bot.console.stage import Stage, Standing

LONGEST_NOTE = 512
LINES_SHOWN = 3
BREATH = 0.05
"""Seconds in which several turns become one look."""

HEAD = """
<link rel="stylesheet" href="console/page.css">
<script type="module" src="console/phone.js"></script>
<script type="module" src="console/trial.js"></script>
"""
PHONE = '<doorstep-phone label="A newcomer" base="."></doorstep-phone>'


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

    @ui.page("/")
    def trial() -> None:
        client = ui.context.client
        ui.add_head_html(HEAD)
        pages[client.id] = page = _Page(client, stage)
        stop = stage.watch(page.changed)
        client.on_delete(lambda: (pages.pop(client.id, None), stop()))
        page.changed()

    app.add_api_route("/console/here", here, methods=["POST"], include_in_schema=False, response_model=None)
    ui.run_with(
        app,
        title="Doorstep",
        favicon=files.content("door.svg"),
        dark=None,
        language="en-US",
        reconnect_timeout=10,
        tailwind=False,
        show_welcome_message=False,
    )


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

    def __init__(self, client: Client, stage: Stage) -> None:
        self._client, self._stage = client, stage
        self._address = ""
        self._chosen = ""
        self._names: tuple[str, ...] = ()
        self._looking = False
        with ui.element("main").classes("trial"):
            with ui.element("header").classes("top"):
                _text("h1", "brand", "Doorstep")
                _text("p", "aim", "Write as a newcomer would. The bot answers from the flow files beside it.")
            with ui.element("div").classes("board"):
                ui.html(PHONE, sanitize=False).classes("stand")
                with ui.element("section").classes("sheet flow").props('aria-label="The flow"'):
                    self._build_flow()

    def belongs_to(self, address: str) -> None:
        """From now on the light shows where this visitor stands."""
        self._address = address
        self.changed()

    def changed(self) -> None:
        """Looks again, soon."""
        if not self._looking:
            self._looking = True
            background_tasks.create(self._look(), name="trial page")

    def _build_flow(self) -> None:
        with ui.element("div").classes("present").props('role="status"'):
            self._flow = _text("p", "flow-name", "")
            self._state = _text("p", "state-name", "")
        with ui.element("label").classes("choose"):
            _text("span", "", "Look at")
            self._select = ui.element("select")
            self._select.on("change", self._choose, js_handler="(event) => emit(event.target.value)")
        self._picture = ui.html("").classes("picture").props('tabindex="0" role="group" aria-label="The flow drawn"')
        self._health = ui.element("div").classes("health").props('role="status"')

    def _choose(self, event: GenericEventArguments) -> None:
        self._chosen = str(event.args)
        self.changed()

    async def _look(self) -> None:
        await asyncio.sleep(BREATH)
        self._looking = False
        standing = await self._stage.standing(self._address) if self._address else ()
        if self._client.is_deleted:
            return
        with self._client:
            self._show_names(self._stage.flow_names())
            self._show_standing(standing)
            self._show_health(self._stage.problems())

    def _show_names(self, names: tuple[str, ...]) -> None:
        if names == self._names:
            return
        self._names = names
        if self._chosen not in names:
            self._chosen = ""
        self._select.clear()
        with self._select:
            _text("option", "", "where the newcomer is").props('value=""')
            for name in names:
                option = _text("option", "", name)
                option.props.update({"value": name, "selected": name == self._chosen})

    def _show_standing(self, standing: tuple[Standing, ...]) -> None:
        newest = standing[0].flow if standing else next(iter(self._names), "")
        flow = self._chosen or newest
        state = next((one.state for one in standing if one.flow == flow), "")
        picture = self._stage.picture(flow) if flow in self._names else ""
        if picture != self._picture.content:
            self._picture.set_content(picture)
        _write(self._flow, _words(flow))
        _write(self._state, _words(state) if state else "Nobody is here yet." if standing else "Say hello to begin.")
        self._state.classes(add="lit" if state else "", remove="" if state else "lit")
        # After the picture has become part of the page: only the light moves, the picture is not sent again.
        self._client.run_javascript(f"setTimeout(() => window.doorstepLight?.({json.dumps(state)}), 60)")

    def _show_health(self, problems: tuple[str, ...]) -> None:
        self._health.classes(add="refused" if problems else "", remove="" if problems else "refused")
        self._health.clear()
        with self._health:
            if not problems:
                _text("p", "", "The flow files are fine. Edit one, and the next message uses it.")
                return
            _text("p", "", "An edited flow was refused. The last good one stays in force.")
            for line in problems[:LINES_SHOWN]:
                _text("p", "problem", line)
            if len(problems) > LINES_SHOWN:
                _text("p", "", f"and {len(problems) - LINES_SHOWN} more: `doorstep check` lists them")


def _text(tag: str, classes: str, text: str) -> ui.html:
    return ui.html(escape(text), tag=tag).classes(classes)


def _write(node: ui.html, text: str) -> None:
    node.set_content(escape(text))


def _words(name: str) -> str:
    """`no_place` as a person would write it."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize()
