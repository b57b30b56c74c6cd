"""A neighbourhood on a store: the starter flows, buddies, an action, and a clock that goes hour by hour."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from bot.group import Group
from bot.places import Places
from bot.world import World
from flows.reader import STARTER
from storage.actions import PUBLISHED
from storage.ledger import Line
from storage.pairs import BUDDY, Pair
from storage.store import Store, Transaction
from tests.bot.talking import Talk
from tests.databases import Watch

CANAL = "secret 16455"
"""Of an action whose first code is 4821."""

MOST_ROUNDS = 5
"""How often what happened makes more happen at one moment."""

ANSWERS = ("1 and 3", "Leeds", "Saturdays", "yes", "Yes please")
"""What a newcomer says to the questions of the welcome flow."""

RESPUESTAS = ("1 y 3", "Leeds", "sábados", "sí", "Sí, por favor")


@cache
def places() -> Places:
    """The names of places, read once for all tests of a process."""
    found = Places(zone="Europe/London")
    found.load()
    return found


class Neighbourhood(Talk):
    """`heard` is what each has been told so far, by the address they write from."""

    def __init__(self, store: Store, watch: Watch, **more: Any) -> None:
        org: Mapping[str, str] = {"name": "Leeds Together", "bot_name": "Doorstep"}
        group = Group(org=org, zone="Europe/London", languages=("en", "es"))
        super().__init__(store, watch, STARTER, World(group, places=places(), **more))
        self.heard: dict[str, list[str]] = defaultdict(list)

    async def buddy(self, who: str = "sam", capacity: int = 3, **fields: Any) -> int:
        """An approved buddy in Leeds; their number."""
        cell = self._cell()
        known = {
            "name": who.title(), "interests": ("climate", "food"), "times": ("saturday",), "adult": "yes",
            "consented": ("keep", "pair"), "place": "Leeds", **fields,
        }  # fmt: skip

        async def work(tx: Transaction) -> int:
            person = await tx.people.add("web", "web", who, known.get("language", "en"))
            await tx.people.save(person.id, known, role=BUDDY, district=cell)
            await tx.buddies.serve(person.id, role=BUDDY, capacity=capacity, approved_at=tx.now)
            return person.id

        number = await self.store.run(work)
        await self.free.refresh()
        return number

    async def action(self, host: int, starts_at: datetime, **columns: Any) -> int:
        """A published action in Leeds, two hours long; its number."""
        cell = self._cell()
        known = {
            "title": "Clean up the canal", "what": "We pick litter for two hours, then tea.", "kind": "clean-up",
            "district": "Leeds", "cell": cell, "address": "12 Canal Road", "zone": "Europe/London", "secret": CANAL,
            "starts_at": starts_at, "ends_at": starts_at + timedelta(hours=2), "state": PUBLISHED, "host_id": host,
            **columns,
        }  # fmt: skip
        return await self.store.run(lambda tx: tx.actions.add(**known))

    async def says(self, who: str, *texts: str, **more: Any) -> list[str]:
        """They say these things; what they hear from then on."""
        before = len(self.heard[who])
        for text in texts:
            await self.say(text, who, name=who.title(), **more)
            await self.settle()
        return self.heard[who][before:]

    async def settle(self) -> None:
        """Everything that follows by now happens, and is sent."""
        for _ in range(MOST_ROUNDS):
            await self.tick()
            sent = await self.send()
            for address, text in sent:
                self.heard[address].append(text)
            if not sent:
                return
            await self.free.refresh()

    async def until(self, moment: datetime) -> None:
        """Time passes, an hour at most at once."""
        while self.watch.now < moment:
            self.watch.now = min(moment, self.watch.now + timedelta(hours=1))
            await self.settle()

    async def hours(self, number: float) -> None:
        """So many hours pass."""
        await self.until(self.watch.now + timedelta(hours=number))

    async def pairs(self, who: str) -> list[Pair]:
        """All pairs of theirs, newest first."""
        number = (await self.loaded(who)).person.id
        return await self.store.run(lambda tx: tx.pairs.of(number))

    async def life(self, who: str) -> list[str]:
        """What the ledger says happened to them, in order."""
        number = (await self.loaded(who)).person.id
        lines: list[Line] = await self.store.run(lambda tx: tx.ledger.of(number))
        return [line.what for line in lines]

    async def cards(self) -> list[tuple[str, bool]]:
        """(kind, urgent) of what waits on the coordinators' desk."""
        found = await self.store.run(lambda tx: tx.cards.open(50))
        return [(card.kind, card.urgent) for card in found]

    @staticmethod
    def _cell() -> str:
        place = places().read("Leeds")
        assert place is not None
        return place.cell
