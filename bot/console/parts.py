"""The small parts that the console's pages are made of. Texts are texts: nothing written by people becomes a page."""

import logging
import re
from collections.abc import Callable
from html import escape
from types import SimpleNamespace

from fastapi import FastAPI, Request
from nicegui import app as pages
from nicegui import ui, ui_run_with
from nicegui.events import GenericEventArguments
from starlette.responses import PlainTextResponse

from bot.console import files

_STARS = re.compile(r"\*([^*]+)\*")

_BROKE = "This page broke. Load it again; whoever runs the bot finds in its log where it broke.\n"
_log = logging.getLogger(__name__)

Press = Callable[[GenericEventArguments], object]


def text(tag: str, classes: str, words: str) -> ui.html:
    """An element that holds these words."""
    return ui.html(escape(words), tag=tag).classes(classes)


def write(node: ui.html, words: str) -> None:
    """Other words in it; nothing is sent where they are the same."""
    if node.content != escape(words):
        node.set_content(escape(words))


def write_bold(node: ui.html, words: str) -> None:
    """The same, where *stars* make bold."""
    bold = _STARS.sub(r"<b>\1</b>", escape(words))
    if node.content != bold:
        node.set_content(bold)


def mark(node: ui.element, name: str, *, on: bool) -> None:
    """Gives it a class, or takes it away."""
    node.classes(add=name if on else "", remove="" if on else name)


def button(classes: str, words: str, press: Press, js_handler: str = "() => emit()") -> ui.html:
    """Something to press; `js_handler` says what the browser tells of it."""
    made = text("button", classes, words).props('type="button"')
    made.on("click", press, js_handler=js_handler)
    return made


def words_of(name: str) -> str:
    """`no_place` as a person would write it."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize()


def show_pages(app: FastAPI) -> None:
    """Serves the pages that are made of these, from `app`. NiceGUI takes every path that is not taken yet, so this
    comes last; and it has one `app` per process."""
    pages.add_exception_handler(Exception, _broke)
    # As it starts, NiceGUI looks through all objects there are for a server that it wants for reloading alone. A tuple
    # that another thread is just filling breaks when somebody holds it (SystemError): so turns broke, and leases.
    ui_run_with.gc = SimpleNamespace(get_objects=list)  # type: ignore[assignment,attr-defined]
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


async def _broke(_: Request, error: Exception) -> PlainTextResponse:
    """Instead of NiceGUI's own page, which shows what the error says: that may quote a text, a name or an address."""
    _log.error("a page broke", exc_info=error)
    return PlainTextResponse(_BROKE, 500)
