"""The coordinators' desk on a page: cards that change in place when someone acts."""

import logging

from nicegui import background_tasks, ui
from nicegui.events import GenericEventArguments

from bot.console.parts import Press, button, mark, text, write
from bot.console.stage import CardView, Refused, Stage
from bot.desks.base import DONE, Button

SHOWN = 30
"""Cards on the page; the older ones are in the database."""
LONGEST_REPLY = 4_000

_log = logging.getLogger(__name__)
_WRITTEN = "(event) => emit(event.target.closest('.card').querySelector('textarea')?.value ?? '')"


class DeskView:
    """A phone that shows cards, the newest first."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._cards: dict[int, _Card] = {}
        with ui.element("section").classes("sheet desk").props('aria-label="The coordinators\' desk"'):
            with ui.element("h2").classes("name"):
                text("span", "", "The coordinators' desk")
                with ui.element("span"):
                    self._open = text("span", "badge", "")
                    self._word = text("span", "unseen", "")
            self._empty = text("p", "empty", "Nothing waits here. Matches, questions and reports come as cards.")
            self._list = ui.element("div").classes("cards").props('role="feed" aria-label="Cards"')

    def show(self, cards: tuple[CardView, ...]) -> int:
        """Shows these cards; how many of them are open."""
        kept = {card.id for card in cards}
        for gone in [number for number in self._cards if number not in kept]:
            self._cards.pop(gone).element.delete()
        for place, card in enumerate(cards):
            if card.id not in self._cards:
                with self._list:
                    self._cards[card.id] = _Card(self._stage, card)
                self._cards[card.id].element.move(target_index=place)
            self._cards[card.id].show(card)
        waiting = sum(card.open for card in cards)
        self._empty.set_visibility(not cards)
        write(self._open, str(waiting) if waiting else "")
        write(self._word, "open" if waiting else "")
        return waiting


class _Card:
    def __init__(self, stage: Stage, card: CardView) -> None:
        self._stage, self._view = stage, card
        self._busy = False
        self._shown: CardView | None = None
        with ui.element("article").classes("card").props(f'aria-labelledby="card-{card.id}" tabindex="-1"') as made:
            self.element = made
            with ui.element("p").classes("when"):
                text("span", "urgent", "urgent").set_visibility(card.urgent)
                self._when = text("time", "", "")
            self._title = text("h3", "title", "").props(f'id="card-{card.id}"')
            self._lines = ui.element("div").classes("lines")
            self._ways = ui.element("div").classes("ways")
            self._note = text("p", "note", "").props('role="status"')

    def show(self, card: CardView) -> None:
        """Changes what is different; what somebody is just writing stays."""
        before, self._shown, self._view = self._shown, card, card
        if before == card:
            return
        write(self._title, card.title)
        write(self._when, f"{card.at:%A %H:%M}")
        mark(self.element, "closed", on=not card.open)
        mark(self.element, "pressing", on=card.urgent and card.open)
        if before is None or before.lines != card.lines:
            self._lines.clear()
            with self._lines:
                for line in card.lines:
                    text("p", "line", line)
        if before is None or (before.open, before.buttons) != (card.open, card.buttons):
            self._show_ways(card)
        if not card.open:
            write(self._note, card.outcome)

    def _show_ways(self, card: CardView) -> None:
        self._ways.clear()
        if not card.open:
            return
        with self._ways:
            if card.replies:
                field = ui.element("textarea").classes("reply").props(f'rows=2 maxlength={LONGEST_REPLY} dir="auto"')
                field.props('aria-label="Your answer" placeholder="Your answer"')
            for number, each in enumerate(card.buttons):
                button(
                    "main" if number == 0 and each.key != DONE else "plain", each.label, self._presser(each), _WRITTEN
                )

    def _presser(self, which: Button) -> Press:
        def press(event: GenericEventArguments) -> None:
            if not self._busy:
                self._busy = True
                background_tasks.create(self._act(which, str(event.args or "")[:LONGEST_REPLY]), name="trial desk")

        return press

    async def _act(self, which: Button, written: str) -> None:
        note = ""
        try:
            await self._stage.act(self._view.id, which.key, written.strip())
        except Refused as refused:
            note = str(refused)
        except Exception:
            _log.exception("a card could not be acted on")
            note = "That could not be done: the terminal says why."
        self._busy = False
        if note and not self.element.is_deleted:
            write(self._note, note)
