"""The coordinators' desk on a page: cards that change in place when someone acts."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from nicegui import background_tasks, ui
from nicegui.events import GenericEventArguments

from bot.console.clock import said
from bot.console.parts import Press, button, mark, text, write
from bot.console.stage import CardView, Quicker, Refused, Stage
from bot.desks.acting import LONGEST_REPLY
from bot.desks.base import DONE, Button

SHOWN = 30
"""Cards on the page; the older ones are in the database."""

_log = logging.getLogger(__name__)
_WRITTEN = "(event) => emit(event.target.closest('.card').querySelector('textarea')?.value ?? '')"


Act = Callable[[int, str, str], Awaitable[str]]
"""Presses a button of a card, with what was written beside it, as `Stage.act` does."""


class CardList:
    """Cards below each other. It shows nothing while there are none."""

    def __init__(self, act: Act, label: str) -> None:
        self._act = act
        self._cards: dict[int, _Card] = {}
        self._order: list[int] = []
        self._list = ui.element("div").classes("cards").props(f'role="feed" aria-label="{label}"')

    def show(self, cards: Sequence[CardView]) -> None:
        """Shows these cards, in this order."""
        kept = {card.id for card in cards}
        for gone in [number for number in self._cards if number not in kept]:
            self._cards.pop(gone).element.delete()
            self._order.remove(gone)
        for place, card in enumerate(cards):
            if card.id not in self._cards:
                with self._list:
                    self._cards[card.id] = _Card(self._act, card)
                self._order.append(card.id)
            if self._order[place] != card.id:
                self._order.remove(card.id)
                self._order.insert(place, card.id)
                self._cards[card.id].element.move(target_index=place)
            self._cards[card.id].show(card)


class DeskView:
    """A phone that shows cards, the newest first."""

    def __init__(self, stage: Stage) -> None:
        with ui.element("section").classes("sheet desk").props('aria-label="The coordinators\' desk"'):
            with ui.element("h2").classes("name"):
                text("span", "", "The coordinators' desk")
                with ui.element("span"):
                    self._open = text("span", "badge", "")
                    self._word = text("span", "unseen", "")
            self._empty = text("p", "empty", "Nothing waits here. Matches, questions and reports come as cards.")
            self._list = CardList(stage.act, "Cards")

    def show(self, cards: tuple[CardView, ...]) -> int:
        """Shows these cards; how many of them are open."""
        self._list.show(cards)
        waiting = sum(card.open for card in cards)
        self._empty.set_visibility(not cards)
        write(self._open, str(waiting) if waiting else "")
        write(self._word, "open" if waiting else "")
        return waiting


class _Card:
    def __init__(self, act: Act, card: CardView) -> None:
        self._press, self._view = act, card
        self._busy = False
        self._late = ""
        self._shown: CardView | None = None
        with ui.element("article").classes("card").props(f'aria-labelledby="card-{card.id}" tabindex="-1"') as made:
            self.element = made
            with ui.element("p").classes("when"):
                self._urgent = text("span", "urgent", "urgent")
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
        self._urgent.set_visibility(card.urgent)
        write(self._when, said(card.at))
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
            write(self._note, card.outcome + self._late)

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
            await self._press(self._view.id, which.key, written.strip())
        except Quicker as quicker:
            unsent = f" What you wrote was not sent: {written.strip()}" if written.strip() else ""
            self._late = f", who was a moment quicker.{unsent}"
            note = self._view.outcome + self._late if self._view.outcome else str(quicker) + unsent
        except Refused as refused:
            note = str(refused)
        except Exception:
            _log.exception("a card could not be acted on")
            note = "That could not be done: the terminal says why."
        self._busy = False
        if note and not self.element.is_deleted:
            write(self._note, note)
