"""The trial's clock on a page, and the buttons that let time pass."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from nicegui import background_tasks, ui
from nicegui.events import GenericEventArguments

from bot.console.parts import button, mark, text, write
from bot.console.stage import Jump, Refused, Stage

_log = logging.getLogger(__name__)


def said(now: datetime) -> str:
    """Day and hour in words: "Saturday 28 November, 11:05"."""
    return f"{now:%A} {now.day} {now:%B}, {now:%H:%M}"


class ClockView:
    """Shows the present, and lets it be another. `address` says who the page's visitor is."""

    def __init__(self, stage: Stage, address: Callable[[], str]) -> None:
        self._stage, self._address = stage, address
        self._busy = False
        self._jumps: dict[str, tuple[ui.html, ui.html, Jump]] = {}
        with ui.element("section").classes("clock").props('aria-label="The clock"') as self._section:
            with ui.element("div").classes("present-time"):
                self._now = text("p", "now", "")
                self._note = text("p", "note", "").props('role="status"')
            self._buttons = ui.element("div").classes("jumps")

    def show(self, jumps: tuple[Jump, ...]) -> None:
        """Shows the present, and what can be done about it."""
        write(self._now, said(self._stage.now()))
        if list(self._jumps) != [jump.key for jump in jumps]:
            self._build(jumps)
        for jump in jumps:
            made, why, _ = self._jumps[jump.key]
            self._jumps[jump.key] = made, why, jump
            off = bool(jump.why_not) or self._busy
            if made.props.get("aria-disabled") != str(off).lower():
                made.props(f"aria-disabled={str(off).lower()}")
            write(why, jump.why_not)

    def _build(self, jumps: tuple[Jump, ...]) -> None:
        self._buttons.clear()
        self._jumps = {}
        with self._buttons:
            for jump in jumps:
                with ui.element("span").classes("jump"):
                    made = button("plain", jump.label, partial(self._press, jump.key))
                    why = text("span", "why", "").props(f'id="why-{jump.key}"')
                    made.props(f'aria-describedby="why-{jump.key}"')
                self._jumps[jump.key] = made, why, jump

    def _press(self, key: str, _: GenericEventArguments) -> None:
        jump = self._jumps[key][2]
        if not jump.why_not and not self._busy:
            self._busy = True
            self._tell("Time passes …")
            background_tasks.create(self._jump(jump), name="trial clock")

    async def _jump(self, jump: Jump) -> None:
        try:
            await self._stage.jump(jump.key, self._address())
            note, wrong = f"It is {said(self._stage.now())}.", False
        except Refused as refused:
            note, wrong = str(refused), True
        except Exception:
            _log.exception("the clock of the trial could not be moved")
            note, wrong = "The clock could not be moved: the terminal says why.", True
        self._busy = False
        if not self._section.is_deleted:
            self._tell(note, wrong=wrong)
            write(self._now, said(self._stage.now()))
            for made, _, each in self._jumps.values():
                made.props(f"aria-disabled={str(bool(each.why_not)).lower()}")

    def _tell(self, note: str, *, wrong: bool = False) -> None:
        """Those who listen hear it; seen is only what the clock itself does not show."""
        write(self._note, note)
        mark(self._note, "wrong", on=wrong)
        mark(self._section, "busy", on=self._busy)
        self._section.props(f"aria-busy={str(self._busy).lower()}")
