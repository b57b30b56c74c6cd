"""A desk in memory, for tests: what is on it, and what goes wrong with it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from bot.channels.base import SendFailed
from bot.console.stage import CardView
from bot.desks.contract import Missing
from bot.desks.office import Office
from flows.limits import Rate


@dataclass
class Board:
    """It shows `cards` and `threads` by reference. What `breaks` is raised by the next call, once each."""

    name: str = "board"
    pace: Rate | None = None
    cards: dict[str, CardView] = field(default_factory=dict)
    threads: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)
    breaks: list[Exception] = field(default_factory=list)
    after: list[Exception] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self.breaks:
            raise self.breaks.pop(0)

    def _answered(self) -> None:
        if self.after:
            raise self.after.pop(0)

    async def post(self, card: CardView) -> str:
        self._called("post")
        reference = f"card-{len(self.calls)}"
        self.cards[reference] = card
        self.threads[reference] = []
        self._answered()
        return reference

    async def change(self, reference: str, card: CardView) -> None:
        self._called("change")
        if reference not in self.cards:
            raise Missing
        self.cards[reference] = card
        self._answered()

    async def say(self, reference: str, line: int, text: str) -> str:
        self._called("say")
        said = f"line-{len(self.calls)}"
        self.threads[reference].append((said, line, text))
        self._answered()
        return said

    async def take_back(self, reference: str) -> None:
        self._called("take back")
        for thread in self.threads.values():
            thread[:] = [each for each in thread if each[0] != reference]

    async def listen(self, office: Office) -> None:
        await asyncio.Event().wait()

    def titles(self) -> list[str]:
        return [card.title for card in self.cards.values()]

    def said(self) -> list[str]:
        return [text for thread in self.threads.values() for _, _, text in thread]


@dataclass
class FindingBoard(Board):
    """One that can be asked."""

    async def find(self, card: CardView, since: datetime) -> str | None:
        self._called("find")
        return next((reference for reference, each in self.cards.items() if each.id == card.id), None)

    async def find_line(self, reference: str, line: int) -> str | None:
        self._called("find")
        return next((said for said, number, _ in self.threads[reference] if number == line), None)


LOST = SendFailed("no answer came", unknown=True)
