"""The flow drawn on a page, with the present state lit, and whether the flow files are fine."""

import json
from collections.abc import Callable

from nicegui import Client, ui
from nicegui.events import GenericEventArguments

from bot.console.parts import mark, text, words_of, write
from bot.console.stage import NEWCOMER, Phone, Stage, Standing

LINES_SHOWN = 3
AT = "at "
"""In front of a phone's key, where the picture is to follow that phone."""


class DrawingView:
    """Follows the phone last used, or one phone, or stays with one flow: as the visitor chooses."""

    def __init__(self, client: Client, stage: Stage, chosen: Callable[[], None]) -> None:
        self._client, self._stage, self._changed = client, stage, chosen
        self._chosen, self._active = "", NEWCOMER
        self._offered: tuple[tuple[str, str], ...] = ()
        with ui.element("section").classes("sheet flow").props('aria-label="The flow"'):
            with ui.element("div").classes("present").props('role="status"'):
                self._flow = text("p", "flow-name", "")
                self._state = text("p", "state-name", "")
            with ui.element("label").classes("choose"):
                text("span", "", "Look at")
                self._select = ui.element("select")
                self._select.on("change", self._choose, js_handler="(event) => emit(event.target.value)")
            self._picture = ui.html("").classes("picture")
            self._picture.props('tabindex="0" role="group" aria-label="The flow drawn"')
            self._health = ui.element("div").classes("health").props('role="status"')
        self._told: tuple[str, ...] | None = None

    def use(self, phone: str) -> None:
        """This phone was used last."""
        self._active = phone

    def follows(self) -> str:
        """The key of the phone whose place is shown."""
        return self._chosen.removeprefix(AT) if self._chosen.startswith(AT) else self._active

    def show(self, phones: tuple[Phone, ...], standing: tuple[Standing, ...]) -> None:
        """Shows where the person of the followed phone stands."""
        names = self._stage.flow_names()
        self._offer(phones, names)
        newest = standing[0].flow if standing else next(iter(names), "")
        flow = newest if not self._chosen or self._chosen.startswith(AT) else self._chosen
        state = next((one.state for one in standing if one.flow == flow), "")
        picture = self._stage.picture(flow) if flow in names else ""
        if picture != self._picture.content:
            self._picture.set_content(picture)
        who = next((_who(phone) for phone in phones if phone.key == self.follows()), "")
        write(self._flow, f"{who[:1].upper()}{who[1:]} · {words_of(flow)}" if who and state else words_of(flow))
        begun = bool(standing) or self.follows() != NEWCOMER
        write(self._state, words_of(state) if state else "Nobody is here yet." if begun else "Say hello to begin.")
        mark(self._state, "lit", on=bool(state))
        # After the picture has become part of the page: only the light moves, the picture is not sent again.
        self._client.run_javascript(f"setTimeout(() => window.doorstepLight?.({json.dumps(state)}), 60)")
        self._show_health(self._stage.problems())

    def _offer(self, phones: tuple[Phone, ...], names: tuple[str, ...]) -> None:
        people = [(AT + phone.key, f"where {_who(phone)} is") for phone in phones if not phone.closed]
        offered = (("", "the phone in use"), *people, *((name, name) for name in names))
        if offered == self._offered:
            return
        self._offered = offered
        if self._chosen not in dict(offered):
            self._chosen = ""
        self._select.clear()
        with self._select:
            for value, label in offered:
                option = text("option", "", label)
                option.props.update({"value": value, "selected": value == self._chosen})

    def _choose(self, event: GenericEventArguments) -> None:
        self._chosen = str(event.args)
        self._changed()

    def _show_health(self, problems: tuple[str, ...]) -> None:
        if problems == self._told:
            return
        self._told = problems
        mark(self._health, "refused", on=bool(problems))
        self._health.clear()
        with self._health:
            if not problems:
                text("p", "", "The flow files are fine. Edit one, and the next message uses it.")
                return
            text("p", "", "An edited flow was refused. The last good one stays in force.")
            for line in problems[:LINES_SHOWN]:
                text("p", "problem", line)
            if len(problems) > LINES_SHOWN:
                text("p", "", f"and {len(problems) - LINES_SHOWN} more: `doorstep check` lists them")


def _who(phone: Phone) -> str:
    return "the newcomer" if phone.key == NEWCOMER else phone.name or phone.title.lower()
