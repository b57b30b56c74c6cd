"""A form on the coordinators' page that publishes an action."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from nicegui import background_tasks, ui
from nicegui.events import GenericEventArguments

from bot.console.parts import text, write
from bot.console.stage import Refused, Wrong

Make = Callable[[Mapping[str, str]], Awaitable[str]]
"""Publishes it from texts by `bot.new_actions.COLUMNS`: what came of it, in a sentence. Raises Refused, Wrong."""

LONGEST = 2_000
"""Letters of one field."""

_FIELDS = (
    ("title", "Title", 'maxlength=100 required placeholder="Clean up the canal"'),
    ("date", "Day", "type=date required"),
    ("starts", "Begins", "type=time required"),
    ("ends", "Ends (empty: after two hours)", "type=time"),
    ("place", "Town, shown to all", 'placeholder="Leeds"'),
    ("address", "Where exactly, for those who come", 'maxlength=300 placeholder="Canal Street 5"'),
    ("what", "What happens", 'maxlength=2000 placeholder="We meet at the bridge; gloves are there."'),
    ("kind", "Kind", 'maxlength=40 placeholder="clean-up"'),
    ("capacity", "How many can come (empty: as many as like)", "type=number min=1"),
    ("goal", "How many you hope for", "type=number min=1"),
    ("bring", "What is needed, divided by ;", 'placeholder="cake; a ride from York"'),
    ("campaign", "The campaign it belongs to", "maxlength=100"),
    ("every", "Again each (empty: once)", 'placeholder="week"'),
    ("times", "So often", "type=number min=2 max=366"),
    ("cohort", "Cohort: whoever comes once comes to all of this name", "maxlength=100"),
    ("materials", "What helps hosts: a link, or a text", "maxlength=2000"),
)
"""(name, label, what the browser is told of the field)."""

_LABELS = {name: label.partition(" (")[0].partition(":")[0].partition(",")[0] for name, label, _ in _FIELDS}
_READ = "(event) => emit(Object.fromEntries(new FormData(event.target)))"

_log = logging.getLogger(__name__)


class MakingForm:
    """Closed until somebody opens it. What was written stays until it is published."""

    def __init__(self, make: Make) -> None:
        self._make, self._busy = make, False
        with ui.element("details").classes("sheet making") as self._all:
            text("summary", "", "Make an action")
            self._build()
            self._note = text("p", "note", "").props('role="status"')

    def _build(self) -> None:
        with ui.element("form") as self._form:
            for name, label, told in _FIELDS:
                with ui.element("p"):
                    text("label", "", label).props(f'for="new-{name}"')
                    ui.element("input").props(f'id="new-{name}" name="{name}" dir="auto" autocomplete="off" {told}')
            text("button", "main", "Publish").props('type="submit"')
        self._form.on("submit.prevent", self._submit, js_handler=_READ)

    def _submit(self, event: GenericEventArguments) -> None:
        given = event.args if isinstance(event.args, dict) else {}
        written = {name: str(given.get(name) or "")[:LONGEST].strip() for name, _, _ in _FIELDS}
        if not self._busy:
            self._busy = True
            background_tasks.create(self._publish(written), name="make an action")

    async def _publish(self, written: Mapping[str, str]) -> None:
        published = False
        try:
            note = await self._make(cells_of(written))
            published = True
        except Wrong as wrong:
            note = " ".join(f"{_LABELS.get(column, column)}: {what}." for column, what in wrong.problems.items())
        except Refused as refused:
            note = str(refused)
        except Exception:
            _log.exception("an action could not be made")
            note = "That could not be done: the terminal says why."
        self._busy = False
        if not self._all.is_deleted:
            write(self._note, note)
            if published:
                with self._all:
                    ui.run_javascript(f"document.getElementById('c{self._form.id}').reset()")


def cells_of(written: Mapping[str, str]) -> dict[str, str]:
    """The texts of `bot.new_actions`, of what the fields of the form hold."""
    day = written.get("date", "")
    cells = {name: value for name, value in written.items() if value and name != "date"}
    return {**cells, "starts": f"{day} {written.get('starts', '')}".strip()}
