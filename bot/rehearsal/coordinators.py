"""The coordinators of a rehearsal: they look at their desk a few times a day, press cards, and plan actions."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.app import Bot
from bot.codes import code
from bot.desks.acting import NotDone, Press, TooLate, act
from bot.desks.base import AGAIN, APPROVE, DECLINE, DONE, LEAVE, REPLY, Words, describe
from bot.desks.reading import body_of
from bot.new_actions import NewAction, add_action
from bot.rehearsal import account
from bot.rehearsal.agenda import Agenda
from bot.rehearsal.clock import START, WorldClock
from bot.rehearsal.life import DAY, HOUR, Life
from bot.rehearsal.observer import Observer
from bot.rehearsal.people import TOWNS
from bot.rehearsal.process import Process
from storage.audit import COORDINATOR
from storage.cards import Card
from storage.transaction import Transaction

LOOKS_AT = (2.0, 5.0, 8.0, 11.0)
"""Hours of a campaign's day at which somebody looks at the desk: 10, 13, 16 and 19 o'clock."""

MOST_CARDS = 50
ACTIONS_EVERY = 3
"""Days between two actions that are planned."""

BOTH = ("Kim", "Lou")
"""What the two coordinators are called."""

_TITLES = (
    "Clean up the canal",
    "Garden morning",
    "Tenants' evening",
    "Community kitchen",
    "Repair café",
    "Banner workshop",
)
_ASIDE = {APPROVE: DECLINE, DECLINE: DECLINE, AGAIN: LEAVE, LEAVE: LEAVE}
_STREET = "The old mill, 4 Weir Lane"


def _press_of(card: int, button: str, name: str, text: str = "") -> Press:
    return Press(card=card, button=button, text=text, role=COORDINATOR, by=name, name=name)


class Stage(Protocol):
    """What coordinators need of a campaign."""

    clock: WorldClock
    days: int
    life: Life
    observer: Observer
    process: Process


class Coordinators:
    """Two of them. `pressed` is how many cards were acted on, by day."""

    def __init__(self, stage: Stage, chance: Random) -> None:
        self.pressed: Counter[int] = Counter()
        self._stage, self._chance = stage, chance
        self._planned = 0
        self._replied: set[int] = set()

    def begin(self, agenda: Agenda) -> None:
        """They look at their desk, and plan, on every day of the campaign."""
        for day in range(self._stage.days):
            for hour in LOOKS_AT:
                agenda.add(day * DAY + (hour + self._chance.random()) * HOUR, self._look)
            if day % ACTIONS_EVERY == 0:
                agenda.add(day * DAY + 3 * HOUR, self._plan)

    @property
    def _bot(self) -> Bot:
        return self._stage.process.bot

    async def _look(self) -> None:
        for card, words in await self._bot.store.read(self._read):
            self._stage.observer.card(f"{words.title}\n" + "\n".join(words.lines))
            if self._chance.random() < 0.9:
                await self._act(card, words)

    async def _read(self, tx: Transaction) -> list[tuple[Card, Words]]:
        library, zone = self._bot.libraries.current, ZoneInfo(self._bot.world.group.zone)
        cards = await tx.cards.open(MOST_CARDS)
        return [(card, describe(card.kind, await body_of(tx, card, library, zone))) for card in cards]

    async def _act(self, card: Card, words: Words) -> None:
        button = self._button(card.id, words)
        if button == AGAIN:
            self._stage.observer.sendings.again(card.person_id)
        text = "Thank you for writing. I call you tonight." if button == REPLY else ""
        first, second = self._chance.sample(BOTH, 2)
        presses = [_press_of(card.id, button, first, text)]
        if button != REPLY and self._chance.random() < 0.15:
            presses.append(_press_of(card.id, button, second, text))
        done = await asyncio.gather(*map(self._press, presses))
        if len(presses) > 1:
            self._stage.observer.book.check(account.CARD, sum(done) <= 1, f"card {card.id} was acted on twice")
        self.pressed[int(self._stage.clock.seconds() // DAY)] += any(done)

    def _button(self, card: int, words: Words) -> str:
        keys = [button.key for button in words.buttons]
        for wished, other in ((APPROVE, DECLINE), (AGAIN, LEAVE)):
            if wished in keys:
                return wished if self._chance.random() < 0.9 else other
        if REPLY in keys and card not in self._replied:
            self._replied.add(card)
            return REPLY
        return DONE

    async def _press(self, press: Press) -> bool:
        try:
            await self._bot.store.run(lambda tx: act(tx, self._bot.world, press))
        except TooLate:
            return False
        except NotDone:
            # It is about something that is over by now: they put it aside.
            aside = _ASIDE.get(press.button, DONE)
            if press.button == aside:
                return False
            return await self._press(_press_of(press.card, aside, press.by))
        return True

    async def _plan(self) -> None:
        """An action a few days ahead, hosted by a buddy where there is one."""
        chance, bot, stage = self._chance, self._bot, self._stage
        self._planned += 1
        zone = ZoneInfo(bot.world.group.zone)
        day = (START + timedelta(seconds=stage.clock.seconds(), days=chance.randint(2, 5))).astimezone(zone).date()
        starts = datetime.combine(day, time(chance.choice((11, 15, 18))), zone).astimezone(UTC)
        place = bot.world.place(chance.choice(TOWNS[:3]))
        title = f"{_TITLES[self._planned % len(_TITLES)]} {self._planned}"
        action = NewAction(
            title, starts, starts + timedelta(hours=2), "Come as you are.", "gathering",
            district=place.name if place else "", cell=place.cell if place else "", address=_STREET,
            capacity=chance.choice((None, 3, 8, 20)), bring=("a thermos of tea",),
        )  # fmt: skip
        hosts = stage.observer.sight.rows(
            "SELECT id FROM people WHERE role = 'buddy' AND status = 'active' AND approved_at IS NOT NULL ORDER BY id"
        )
        host = chance.choice(hosts)[0] if hosts else None
        number = await bot.store.run(lambda tx: add_action(tx, action, bot.world.group.zone, host))
        planned = await bot.store.read(lambda tx: tx.actions.get(number))
        assert planned is not None, "it was added a moment ago"
        stage.life.new_action(title, (starts - START).total_seconds(), code(planned, starts))
