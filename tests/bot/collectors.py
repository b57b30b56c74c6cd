"""People who pretend to look for a buddy, and try to be told as many first names as they can, day after day."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch

MONDAY = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
TOWNS = ("Leeds", "York", "Bradford", "Sheffield")
NAME, HOME = "Quillon", "447700900"
"""How the first names of buddies begin, and their telephone numbers."""

FINER = re.compile(r"-?\d+\.\d{2}|\b[0-9a-f]{15}\b|[A-Z]{1,2}\d{1,2} ?\d[A-Z]{2}")
"""A place that is finer than a district: degrees, a cell, a postcode."""

Days = AsyncGenerator[None]
"""What somebody tries: it goes on once a day."""


@dataclass
class Collector:
    """One human. `accounts` are all that they have written from."""

    town: "Town"
    number: int
    trick: str
    accounts: list[str] = field(default_factory=list)

    def account(self) -> str:
        """One more."""
        self.accounts.append(f"{self.trick} {self.number} {len(self.accounts)}")
        return self.accounts[-1]

    async def says(self, *texts: str, who: str = "") -> None:
        for text in texts:
            await self.town.say(text, who or self.accounts[-1], name="Mal")

    async def begins(self) -> None:
        self.account()
        await self.says("hello", *ANSWERS)

    async def asks_again(self) -> Days:
        """Another buddy, please."""
        await self.begins()
        while True:
            yield
            await self.says("another", "Yes please")

    async def declines(self) -> Days:
        """Whoever they were introduced to felt wrong."""
        await self.begins()
        while True:
            yield
            await self.says("another", "It felt wrong", "another")

    async def leaves(self) -> Days:
        """They stop and are back at once, as if they had never been there."""
        await self.begins()
        while True:
            yield
            await self.says("stop", "start", "another", "Yes please")
            yield

    async def moves(self) -> Days:
        """They live somewhere else every day."""
        await self.begins()
        day = 0
        while True:
            yield
            day += 1
            await self.says("start", "Change answers", "1", TOWNS[day % len(TOWNS)], "Saturdays", "yes")
            await self.says("another", "Yes please")
            yield

    async def is_forgotten(self) -> Days:
        """They have everything about them deleted, and begin anew."""
        await self.begins()
        while True:
            yield
            await self.says("forget me", "yes")
            yield
            await self.says("hello", *ANSWERS)
            yield
            await self.says("another", "Yes please")

    async def has_phones(self) -> Days:
        """One phone more every few days, joined by a code; each asks."""
        await self.begins()
        while True:
            yield
            first = self.accounts[0]
            await self.says("other phone", who=first)
            await self.town.settle()
            codes = re.findall(r"\*(\w{4}-\w{4})\*", " ".join(self.town.heard[first]))
            self.account()
            for code in codes[-1:]:
                await self.says(code, "another", "Yes please")
            yield
            await self.says("another", "Yes please", who=first)

    async def has_accounts(self) -> Days:
        """A new account every few days."""
        while True:
            await self.begins()
            for _ in range(4):
                yield
                await self.says("another", "Yes please")


TRICKS = ("asks_again", "declines", "leaves", "moves", "is_forgotten", "has_phones", "has_accounts")


class Town(Neighbourhood):
    """Four towns with buddies who say yes to everybody, and those who would collect their names.

    shown  what stood on the desk about somebody on any day, and on how many cards at most
    """

    def __init__(self, store: Store, watch: Watch) -> None:
        watch.now = MONDAY
        super().__init__(store, watch)
        self.yes: dict[str, int] = defaultdict(int)
        self.shown: Counter[str] = Counter()

    async def move_in(self, buddies: int) -> None:
        """So many buddies, spread over the towns."""
        await self.libraries.begin()
        for number in range(buddies):
            name = f"{NAME}{chr(97 + number // 26)}{chr(97 + number % 26)}"
            await self.buddy(f"{HOME}{number:03}", capacity=20, name=name, place=TOWNS[number % len(TOWNS)])

    async def settle(self) -> None:
        """The clock is looked at once: what people do to each other follows without it."""
        await self.tick()
        await self.handover.drain()
        for address, text in await self.send():
            self.heard[address].append(text)
        await self.free.refresh()

    async def answer(self) -> None:
        """Buddies say yes to whatever they were asked since they were last here."""
        asked = []
        for who in [each for each in self.heard if each.startswith(HOME)]:
            new = self.heard[who][self.yes[who] :]
            self.yes[who] = len(self.heard[who])
            asked += [self.say("yes", who) for text in new if "Would you like to meet" in text]
        await asyncio.gather(*asked)

    async def pass_days(self, people: Sequence[Collector], days: int) -> None:
        """What they try, once a day for so many days."""
        tricks = [getattr(each, each.trick)() for each in people]
        for _ in range(days):
            # At once, for a commit takes as long for all of them as for one.
            await asyncio.gather(*[anext(trick) for trick in tricks])
            await self.settle()
            await self.answer()
            await self.settle()
            self.shown |= await self._shown()
            self.watch.forward(timedelta(days=1))
        for trick in tricks:
            await trick.aclose()

    def told(self, account: str) -> set[str]:
        """The first names of buddies that were told there."""
        return set(re.findall(rf"{NAME}[a-z]{{2}}", " ".join(self.heard[account])))

    def too_fine(self, account: str) -> list[str]:
        """What was said there of a place that is finer than a district, or of how somebody is reached."""
        return [text for text in self.heard[account] if FINER.search(text) or HOME in text]

    async def _shown(self) -> Counter[str]:
        """What the cards say on which coordinators see one of them, without numbers; whose, is gone with a card."""
        cards = await self.store.read(lambda tx: tx.cards.open(1000))
        words = [str(card.body.get("about") or "") for card in cards if card.kind in ("flagged", "human", "report")]
        return Counter(re.sub(r"\d+", "…", each) for each in words)


def collectors(town: Town, many: int) -> list[Collector]:
    """So many, each trick as often as any other."""
    return [Collector(town, number, TRICKS[number % len(TRICKS)]) for number in range(many)]
