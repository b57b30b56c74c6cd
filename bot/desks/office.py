"""What is done and asked at any desk: press, answer, look at the week, make an action, change a capacity. Who may is in
`bot.roles`."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot import roles, stats
from bot.channels.base import Report
from bot.console.stage import CardView, Refused
from bot.desks import changing
from bot.desks.acting import Press
from bot.desks.base import WRITE
from bot.desks.changing import ActionView
from bot.desks.reading import day
from bot.desks.showing import press, view
from bot.desks.week import DAYS, Week, week
from bot.new_actions import BadCells, add_action, missing, repeated, understand
from bot.roles import Who
from storage.transaction import Transaction

if TYPE_CHECKING:
    from bot.app import Bot

LARGEST = 20
"""Newcomers that one buddy may have at once."""
WAITING_SHOWN = 20

_LOOKED_AT = 50
_SOON = (0.1, 0.3, 0.6)
"""Seconds for which an answer to what is just being posted waits: it may be quicker than we write down where that is.
Slack wants to hear within three seconds that it was taken."""


@dataclass(frozen=True, slots=True)
class Home:
    """What waits, and how far people came: (label, people) of each step; `more` cards wait than are listed."""

    week: Week
    funnel: tuple[tuple[str, int], ...]
    waiting: tuple[CardView, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class BuddyView:
    """A buddy, by first name: how many newcomers they take at once, and how many they have."""

    id: int
    name: str
    district: str
    capacity: int
    load: int

    @property
    def words(self) -> str:
        """In a line."""
        where = f", {self.district}" if self.district else ""
        return f"{self.name}{where}: has {self.load}, takes {self.capacity}"


class Office:
    """One for each desk; `desk` is its name. All times are told in the group's zone.

    report  told why the desk does not hear what coordinators do, and "" when it does
    """

    def __init__(self, bot: "Bot", desk: str, report: Report) -> None:
        self._bot, self._desk, self.report = bot, desk, report
        self.zone = ZoneInfo(bot.world.group.zone)

    async def press(
        self, card: int, button: str, who: Who, text: str = "", once: str = "", *, unseen: bool = False
    ) -> str:
        """Presses a button of a card, or writes (`WRITE`) to its person: what it did, in a sentence.

        once    the platform's id of what they did: what comes twice is done once
        unseen  what was written does not stand in the card's thread here yet, and is to be shown there

        Raises Refused with why not, Quicker where somebody else was.
        """
        desk = f"{self._desk}, beside the thread" if unseen else self._desk
        name = who.name
        pressed = Press(card=card, button=button, text=text, role=who.role, by=name, name=name, desk=desk, once=once)
        return await press(self._bot, pressed)

    async def wrote(self, reference: str, event: str, text: str, who: Who) -> bool:
        """Somebody wrote in the thread of what has this reference here: it goes to the person, once for each event.

        False: it is no card, or one whose person hears nothing of it. Raises Refused.
        """
        if not roles.sees_cards(who.role):
            raise Refused(roles.ONLY_COORDINATORS)
        for pause in (*_SOON, None):
            # Asked first: what is recorded in between is found by the look that follows.
            unsure = await self.unsure()
            card_id = await self._bot.store.read(lambda tx: tx.desks.card_at(self._desk, reference))
            if card_id is not None:
                return await self.wrote_about(card_id, event, text, who)
            if pause is None or not unsure:
                break
            await asyncio.sleep(pause)
        return False

    async def wrote_about(self, card_id: int, event: str, text: str, who: Who) -> bool:
        """The same, where the card is known by its number."""
        shown = await self.card(card_id, who)
        if shown is None or not shown.replies:
            return False
        if not shown.open:
            raise Refused("This is closed, so it did not reach them.")
        await self.press(card_id, WRITE, who, text, event)
        return True

    async def unsure(self) -> bool:
        """Whether a card, or a line of one, may stand here of which nothing is known yet: its answer was lost, or is
        under way."""

        async def look(tx: Transaction) -> bool:
            cards = await tx.desks.unposted(self._desk, _LOOKED_AT)
            lines = await tx.desks.lines(self._desk, _LOOKED_AT)
            return any(each.begun for each in cards) or any(each.begun for each in lines)

        return await self._bot.store.read(look)

    async def card(self, card_id: int, who: Who) -> CardView | None:
        """A card as it is now. Raises Refused."""
        if not roles.sees_cards(who.role):
            raise Refused(roles.ONLY_COORDINATORS)

        async def look(tx: Transaction) -> CardView | None:
            card = await tx.cards.get(card_id)
            return None if card is None else await view(tx, card, self._bot.libraries.current, self.zone)

        return await self._bot.store.read(look)

    def now(self) -> datetime:
        """The moment, in the group's zone."""
        return self._bot.clock().astimezone(self.zone)

    async def week(self, who: Who) -> Week:
        """The week. Raises Refused."""
        _ask(who, "week")
        return await self._bot.store.read(lambda tx: week(tx, self.zone))

    async def home(self, who: Who) -> Home:
        """What waits, and the funnel. That they looked is in the audit trail. Raises Refused."""
        _ask(who, "what waits")
        await self._noted(who, "looked at what waits")
        library = self._bot.libraries.current

        async def look(tx: Transaction) -> Home:
            counted = await stats.count(tx, DAYS)
            cards = await tx.cards.open(WAITING_SHOWN + 1)
            views = [await view(tx, card, library, self.zone) for card in cards[:WAITING_SHOWN]]
            steps = tuple((stats.LABELS[step.name], step.people) for step in counted.funnel)
            return Home(await week(tx, self.zone), steps, tuple(views), len(cards) > WAITING_SHOWN)

        return await self._bot.store.read(look)

    async def add_action(self, cells: Mapping[str, str], who: Who) -> str:
        """Publishes an action from texts by `bot.new_actions.COLUMNS`; what came of it, in a sentence. The same title
        at the same time is one action. Raises BadCells with what is wrong, by column; Refused."""
        _ask(who, "new action")
        bot = self._bot
        await bot.places_ready()
        zone = bot.world.group.zone
        one = understand(cells, zone, bot.world.places, bot.clock())
        if one.starts_at <= bot.clock():
            raise BadCells({"starts": f"`{cells.get('starts', '')}` is past"})
        times = int(cells["times"]) if cells.get("times", "").isdigit() else None
        series = repeated(one, zone, cells.get("every", ""), times, "")

        async def work(tx: Transaction) -> int:
            new = await missing(tx, series)
            for each in new:
                number = await add_action(tx, each, zone)
                await tx.audit.add(who.role, who.name, "published an action", f"action:{number}")
            return len(new)

        made = await bot.store.run(work)
        bot.stir()
        when = day(one.starts_at, self.zone)
        if not made:
            return f"“{one.title}” on {when} is there already."
        return f"“{one.title}” is published: {when}{f', and {made - 1} more' if made > 1 else ''}."

    async def actions(self, who: Who, name: str = "") -> list[ActionView]:
        """Those to come whose title holds this, the soonest first. Raises Refused."""
        _ask(who, "actions")
        return await self._bot.store.read(lambda tx: changing.views(tx, name, self.zone))

    async def change_action(self, number: int, cells: Mapping[str, str], who: Who) -> str:
        """Changes what these texts (`ActionView.cells`) say anew: what it did, in a sentence. Another day, time or
        place is told to everyone who signed up, once. Raises BadCells with what is wrong, by column; Refused."""
        _ask(who, "change an action")
        return await changing.change(self._bot, number, cells, who, self.zone)

    async def cancel_action(self, number: int, who: Who) -> str:
        """Calls an action off, which everyone who signed up hears: what it did, in a sentence. Who presses is asked
        twice before (`ActionView.sure`). Raises Refused."""
        _ask(who, "call an action off")
        return await changing.cancel(self._bot, number, who)

    async def buddies(self, who: Who) -> list[BuddyView]:
        """Those who were approved, by name. That they looked is in the audit trail. Raises Refused."""
        _ask(who, "buddies")
        await self._noted(who, "looked at the buddies")
        found = await self._bot.store.read(lambda tx: tx.buddies.all())
        views = [
            BuddyView(
                each.id,
                str(each.fields.get("name") or "Someone"),
                str(each.fields.get("place") or ""),
                each.capacity,
                each.load,
            )
            for each in found
            if each.approved_at is not None
        ]
        return sorted(views, key=lambda each: (each.name.casefold(), each.id))

    async def set_capacity(self, person_id: int, capacity: int, who: Who) -> str:
        """Changes how many newcomers a buddy takes at once: what it did, in a sentence. Raises Refused."""
        _ask(who, "capacity")
        if not 0 <= capacity <= LARGEST:
            raise Refused(f"A number from 0 to {LARGEST}.")

        async def work(tx: Transaction) -> str:
            loaded = await tx.people.load(person_id)
            if loaded is None or await tx.buddies.get(person_id) is None:
                raise Refused("They are not a buddy any more.")
            await tx.buddies.serve(person_id, capacity=capacity)
            await tx.audit.add(who.role, who.name, f"lets them take {capacity}", f"person:{person_id}")
            return str(loaded.person.fields.get("name") or "This buddy")

        name = await self._bot.store.run(work)
        self._bot.free.changed(person_id)
        self._bot.stir()
        return f"{name} takes {capacity} at once from now on." if capacity else f"{name} is asked for nobody new."

    async def _noted(self, who: Who, what: str) -> None:
        await self._bot.store.run(lambda tx: tx.audit.add(who.role, who.name, what))


def _ask(who: Who, what: str) -> None:
    if not roles.asks(who.role, what):
        raise Refused(roles.ONLY_COORDINATORS)
