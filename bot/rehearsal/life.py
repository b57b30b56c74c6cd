"""What people do of themselves and with each other: writing, answering, meeting, coming, going silent, leaving."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from bot.channels.base import Inbound, Outbound
from bot.rehearsal.agenda import Agenda, Happens
from bot.rehearsal.answers import Known, Meant, answer, astray, names_in, stray_words
from bot.rehearsal.network import Network
from bot.rehearsal.observer import Event
from bot.rehearsal.people import BUDDY, Person
from flows.model import Said

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
WAKES, SLEEPS = 7 * HOUR, 23 * HOUR
"""When people look at their phones, in seconds of their day."""

START_OF_DAY = 8 * HOUR
"""The hour of the day at which a campaign begins, where its people live."""

TIRED_OF_OLD = 5
"""How many older questions somebody can still scroll up to."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An action as people know it. `code` is what its host says aloud."""

    title: str
    starts: float
    code: str


class Life:
    """Everyone's days. `hand` takes what somebody does to their platform."""

    def __init__(
        self,
        people: Mapping[str, Person],
        networks: Mapping[str, Network],
        agenda: Agenda,
        now: Callable[[], float],
        hand: Callable[[Event], None],
    ) -> None:
        self.actions: dict[str, Plan] = {}
        self._people, self._networks, self._agenda, self._now, self._hand = people, networks, agenda, now, hand
        self._written = 0
        self._dates: set[tuple[str, str]] = set()

    def begin(self) -> None:
        """Everyone is to come, and most to do what becomes of them."""
        for person in self._people.values():
            self._agenda.add(person.arrives * DAY, self._later(person, self._arrive))
            if person.fate != "stays":
                self._agenda.add(person.turns * DAY, self._later(person, self._turn))
            else:
                self._agenda.add((person.turns + 1) * DAY, self._later(person, self._stray))

    def new_action(self, title: str, starts: float, code: str) -> None:
        """Something is planned: whoever wants to come to it does so then, or does not."""
        self.actions[title] = Plan(title, starts, code)
        self._agenda.add(starts, lambda: self._takes_place(title))

    # --- what they see

    def sees(self, person: Person, message: Outbound) -> None:
        """A message has arrived on somebody's phone."""
        say, chance = message.say, person.chance
        for name in names_in(say.text):
            if name != person.name and name in self._people and not say.choices:
                self._meets_in_writing(person, name)
        for title in self.actions:
            if title in say.text and say.attach.startswith("calendar"):
                person.going[title] = None
        if not (say.choices or say.expect) or person.gone:
            return
        if person.question is not None:
            person.older = [person.question, *person.older][:TIRED_OF_OLD]
        person.question = message
        days = 0.0 if chance.random() < person.reliable else chance.uniform(0.5, 4)
        if not days or chance.random() < 0.5:
            self._answers_later(person, message, days)

    def _meets_in_writing(self, person: Person, name: str) -> None:
        """They know of each other: sooner or later one writes, and they find a day."""
        chance, other = person.chance, self._people[name]
        if name not in person.known:
            person.known[name] = None
            eager = 0.8 if person.role == BUDDY else 0.65
            if chance.random() < eager:
                self._agenda.add(self._when(person), self._later(person, lambda one: self._writes_to(one, name)))
        elif name in person.wrote and person.name in other.wrote:
            pair = (min(name, person.name), max(name, person.name))
            if pair not in self._dates:
                self._dates.add(pair)
                if chance.random() < 0.75:
                    self._agenda.add(self._now() + chance.uniform(0.5, 5) * DAY, lambda: self._stand_together(*pair))
                if chance.random() < 0.3:
                    self._agenda.add(self._when(person), self._later(person, self._shares))
        elif name not in person.wrote and chance.random() < 0.9:
            self._agenda.add(self._when(person), self._later(person, lambda one: self._writes_to(one, name)))

    async def _stand_together(self, one: str, other: str) -> None:
        both = self._people[one], self._people[other]
        if not any(person.gone for person in both) and all(person.chance.random() < 0.85 for person in both):
            both[0].met[other] = None
            both[1].met[one] = None

    async def _takes_place(self, title: str) -> None:
        action = self.actions[title]
        there = [each for each in self._people.values() if title in each.going and not each.gone]
        there = [each for each in there if each.chance.random() < (0.85 if each.known else 0.65)]
        for person in there:
            for other in there:
                if other.name in person.known and other is not person:
                    person.met[other.name] = None
            if person.chance.random() < 0.7:
                said = "code" if person.chance.random() < 0.3 else action.code
                at = action.starts + person.chance.uniform(1, 40) * MINUTE
                self._agenda.add(at, partial(self._says, person, Meant(Said(said))))

    # --- what they do

    async def _arrive(self, person: Person) -> None:
        if person.role == BUDDY:
            await self._says(person, Meant(Said("buddy")))
        else:
            await self._says(
                person, Meant(Said(person.chance.choice(("hello", "Hi there!", "start", "/start", "hola"))))
            )

    async def _answers(self, person: Person, message: Outbound) -> None:
        if person.gone or (person.question is not message and person.chance.random() < 0.7):
            return
        if (instead := astray(person)) is not None:
            await self._says(person, instead)
            self._answers_later(person, message)
            return
        for after, meant in enumerate(answer(person, message, self._known(person))):
            if after == 0:
                await self._says(person, meant, message)
            else:
                self._agenda.add(self._now() + after * 2, partial(self._says, person, meant, message))

    def _answers_later(self, person: Person, message: Outbound, days: float = 0.0) -> None:
        at = self._when(person, days)
        self._agenda.add(at, self._later(person, lambda one: self._answers(one, message)))

    def _known(self, person: Person) -> Known:
        now = self._now()
        here = (
            each for each in self.actions.values() if each.title in person.going and 0 <= now - each.starts < 3 * HOUR
        )
        action = next(here, None)
        return Known(action.code if action else "")

    async def _writes_to(self, person: Person, name: str) -> None:
        if person.gone:
            return
        person.wrote[name] = None
        first = f"Hello {name}, shall we have a coffee on Saturday?"
        later = f"Saturday is fine. I am the one with the red scarf, {person.name}"
        text = later if person.name in self._people[name].wrote else first
        await self._says(person, Meant(Said(f"{name}: {text}" if len(person.known) > 1 else text)))

    async def _shares(self, person: Person) -> None:
        if not person.gone:
            await self._says(person, Meant(Said("share")))

    async def _stray(self, person: Person) -> None:
        if not person.gone:
            await self._says(person, Meant(stray_words(person)))
            self._agenda.add(self._when(person, days=person.chance.uniform(2, 9)), self._later(person, self._stray))

    async def _turn(self, person: Person) -> None:
        """What becomes of them."""
        if person.fate == "blocks":
            self._networks[person.network].blocked.add(person.address)
            person.gone = True
        elif person.fate == "silent":
            person.gone = True
        elif person.fate == "forget me":
            await self._says(person, Meant(Said("forget me")))
            if person.chance.random() < 0.3:
                at = self._when(person, days=person.chance.uniform(0.5, 3))
                self._agenda.add(at, self._later(person, self._arrive))
        else:
            await self.stops(person)

    async def stops(self, person: Person) -> None:
        """They have had enough, for good or for a while."""
        await self._says(person, Meant(Said(person.chance.choice(("stop", "STOP", "/stop", "unsubscribe")))))
        if person.fate == "comes back":
            at = self._when(person, days=person.chance.uniform(0.5, 3))
            self._agenda.add(at, self._later(person, lambda one: self._says(one, Meant(Said("start")))))
        elif person.chance.random() < 0.5:
            words = Meant(Said(person.chance.choice(("help", "hello?", "actions"))))
            self._agenda.add(self._when(person, days=1), self._later(person, lambda one: self._says(one, words)))

    async def _says(self, person: Person, meant: Meant, about: Outbound | None = None) -> None:
        self._hand(self.event(person, meant, about))

    def event(self, person: Person, meant: Meant, about: Outbound | None = None) -> Event:
        """Something they do, as their platform hands it over."""
        self._written += 1
        name = person.name if person.named else ""
        account = self._networks[person.network].account
        inbound = Inbound(
            person.network, account, person.address, f"{self._written}", meant.said, name, person.language
        )  # fmt: skip
        return Event(inbound, person, meant.key, about)

    # --- when

    def _when(self, person: Person, days: float = 0.0) -> float:
        """When they get to it: not at night, and some sooner than others."""
        wait = min(person.chance.expovariate(1 / person.patience), 3 * 24 * 60) * MINUTE
        at = self._now() + days * DAY + max(wait, 5.0)
        hour = (at + START_OF_DAY) % DAY
        if WAKES <= hour < SLEEPS or person.chance.random() < 0.05:
            return at
        return at + (WAKES - hour) % DAY + person.chance.uniform(0, 2) * HOUR

    @staticmethod
    def _later(person: Person, does: Callable[[Person], Awaitable[None]]) -> Happens:
        return lambda: does(person)
