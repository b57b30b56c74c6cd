"""The funnel on a page: connections first, and what led to them."""

from nicegui import ui

from bot.console.parts import mark, text, write
from bot.console.stage import Funnel


class FunnelView:
    """Connections as the headline number; the steps below it, each as long as its part of the first."""

    def __init__(self) -> None:
        with ui.element("section").classes("funnel").props('aria-label="What came of it"'):
            with ui.element("p").classes("connections"):
                self._connections = text("strong", "count", "0")
                with ui.element("span").classes("meaning"):
                    self._word = text("b", "", "connections")
                    text("span", "", "two people who both say they met")
            self._list = ui.element("ol").classes("steps")
        self._steps: list[tuple[ui.element, ui.html]] = []

    def show(self, funnel: Funnel) -> None:
        """Shows these numbers."""
        write(self._connections, str(funnel.connections))
        write(self._word, "connection" if funnel.connections == 1 else "connections")
        mark(self._connections, "reached", on=funnel.connections > 0)
        if len(self._steps) != len(funnel.steps):
            self._build(funnel)
        most = max([1, *(people for _, people in funnel.steps)])
        for (step, count), (_, people) in zip(self._steps, funnel.steps, strict=True):
            write(count, str(people))
            step.style(f"--part: {people / most:.3f}")
            mark(step, "reached", on=people > 0)

    def _build(self, funnel: Funnel) -> None:
        self._list.clear()
        self._steps = []
        with self._list:
            for label, _ in funnel.steps:
                with ui.element("li").classes("step") as step:
                    count = text("span", "count", "0")
                    text("span", "label", label)
                self._steps.append((step, count))
