"""The observer: keeps its own account of what people wrote and saw, and holds what is stored against it."""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bot.channels.base import Inbound, Outbound
from bot.log import Line
from bot.rehearsal import account
from bot.rehearsal.account import Account
from bot.rehearsal.answers import names_in
from bot.rehearsal.clock import WorldClock
from bot.rehearsal.network import Network
from bot.rehearsal.people import ADDRESS, CONTACT, NAME, Person
from bot.rehearsal.sending import Sendings
from bot.rehearsal.sight import Sight

PERSONAL = re.compile("|".join((NAME, ADDRESS, CONTACT)))
"""What must not be found outside seals."""

_CONTACT = re.compile(CONTACT)


_GROWING = ("outbox", "inbox", "ledger", "card_lines")


@dataclass(slots=True)
class Event:
    """Something a person did, from the moment their platform hands it over.

    key    of the choice they meant; "" where it is none
    about  the question that they answered
    taken  whether it has changed anything yet
    tries  how often it was handed over, or will be again
    """

    inbound: Inbound
    person: Person
    key: str = ""
    about: Outbound | None = None
    taken: bool = False
    tries: int = 0


@dataclass(frozen=True, slots=True)
class _Before:
    state: str
    outbox: int
    inbox: int
    ledger: int
    lines: int


class Observer:
    """Watches a campaign. It knows the people; of the bot it knows what goes over the network and what is stored."""

    def __init__(self, people: Mapping[str, Person], clock: WorldClock) -> None:
        self.book = Account(clock)
        self.sendings = Sendings(self.book, clock, lambda: self.sight)
        self.people = people
        self.numbers: dict[str, int] = {}
        self.leaving: dict[int, tuple[float, bytes]] = {}
        self.seen: Counter[tuple[int, int]] = Counter()
        self.sight: Sight
        self._clock = clock
        self._shares: dict[str, set[str]] = defaultdict(set)
        self._told: set[str] = set()

    # --- events

    def before(self, event: Event) -> _Before:
        """What there is before an event is handed over."""
        newest = (int(self.sight.one(f"SELECT max(rowid) FROM {table}") or 0) for table in _GROWING)
        return _Before(self.sight.state() if event.tries else "", *newest)

    def after(self, event: Event, before: _Before, *, taken: bool) -> None:
        """An event was handed over; `taken`: the bot says that it is stored."""
        inbound, book = event.inbound, self.book
        changed = bool(before.state) and self.sight.state() != before.state
        rows = self.sight.rows(
            "SELECT id, person_id FROM inbox WHERE source = ? AND event = ?",
            f"{inbound.channel}:{inbound.account}", inbound.event,
        )  # fmt: skip
        what = f"event {inbound.event}"
        if event.taken:
            book.check(account.EXACTLY_ONCE, not changed, f"{what} came again and changed something again")
            return
        book.check(account.EXACTLY_ONCE, len(rows) <= 1, f"{what} is stored {len(rows)} times")
        if taken:
            book.check(account.EXACTLY_ONCE, len(rows) == 1, f"{what} was acknowledged and is not stored")
        if not rows:
            book.check(account.EXACTLY_ONCE, not changed, f"{what} is not stored and changed something")
            return
        event.taken = True
        self._took(event, before, *rows[0])

    def _took(self, event: Event, before: _Before, inbox_id: int, person_id: int) -> None:
        address = event.person.address
        said = self.sight.rows("SELECT id FROM outbox WHERE id > ? AND person_id = ?", before.outbox, person_id)
        left = self.sight.one("SELECT count(*) FROM inbox WHERE id > ? AND id != ?", before.inbox, inbox_id)
        told = self.sight.one("SELECT count(*) FROM ledger WHERE id > ?", before.ledger)
        told += self.sight.one("SELECT count(*) FROM card_lines WHERE rowid > ?", before.lines)
        dead = self.sight.one("SELECT dead_at IS NOT NULL FROM inbox WHERE id = ?", inbox_id)
        what = f"event {event.inbound.event}"
        self.book.check(
            account.EXACTLY_ONCE, bool(said or left or told or self._toggled(event)), f"{what} changed nothing"
        )
        self.book.check(account.EXACTLY_ONCE, not dead, f"the turn of {what} broke three times")
        if self.numbers.get(address, person_id) != person_id:
            self.sendings.speak(address)
        self.numbers[address] = person_id
        self._status(address, person_id, {row[0] for row in said})
        if event.key == "yes" and event.about and {"yes", "change"} <= {each.key for each in event.about.say.choices}:
            # "May I give this to them?": what is shown there, whatever it is.
            self._shares[event.person.name].update(names_in(event.about.say.text))
        said_aloud = event.inbound.said.text == event.person.contact or event.key.startswith("relay:")
        if said_aloud and self.sight.one("SELECT 1 FROM inbox WHERE id > ? AND kind = 'relayed'", before.inbox):
            self._told.add(event.person.name)

    def _toggled(self, event: Event) -> bool:
        return event.inbound.said.choice is not None

    def _status(self, address: str, person_id: int, said: set[int]) -> None:
        """Whether they want to hear from us, as they said it last."""
        status = self.sight.one("SELECT status FROM people WHERE id = ?", person_id)
        if status == "stopped":
            first = not self.sendings.is_silent(address)
            self.book.check(account.STOP, not first or len(said) <= 1, f"*stop* was confirmed {len(said)} times")
            self.sendings.silence(address, said)
        else:
            self.sendings.speak(address)
        key = self.sight.key(person_id)
        if status == "leaving" and person_id not in self.leaving and key is not None:
            self.leaving[person_id] = (self._clock.seconds(), key)

    # --- what people see

    def arrived(self, network: Network, message: Outbound, person: Person) -> None:
        """Somebody sees a message: may they?"""
        text = message.say.text
        week = int(self._clock.seconds() // (7 * 86_400))
        self.seen[person.index, week] += 1
        for contact in _CONTACT.findall(text):
            name = contact.partition("@")[0].capitalize()
            both = person.name in self._shares[name] and name in self._shares[person.name]
            # What somebody writes to another is theirs to write.
            fine = name == person.name or both or name in self._told
            self.book.check(
                account.CONTACT, fine, f"{person.address} reads how to reach somebody who has not shared it"
            )

    def card(self, words: str) -> None:
        """A coordinator reads a card."""
        self.book.check(account.CONTACT, _CONTACT.search(words) is None, "a card says how to reach somebody")

    # --- logs

    def logs(self) -> logging.Handler:
        """What is to be given everything that is logged."""
        return _Logs(self.book)


class _Logs(logging.Handler):
    def __init__(self, book: Account) -> None:
        super().__init__()
        self._book = book
        self.setFormatter(Line())

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        self._book.check(account.LOGS, PERSONAL.search(line) is None, f"{record.name} logs what is personal")
