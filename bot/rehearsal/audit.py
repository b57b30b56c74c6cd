"""What the observer holds against the whole database, once a day and at the end."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.cells import RESOLUTION
from bot.rehearsal import account
from bot.rehearsal.account import Account
from bot.rehearsal.observer import PERSONAL, Observer
from storage.pairs import GATHERED
from storage.tables import micros

HEARD_WITHIN = timedelta(hours=60)
"""48 hours, and a night in which nobody is written to."""

GONE_WITHIN = 7200.0
"""Seconds after which nothing opens of whoever asked to be forgotten: the goodbye, and the rehearsal's slow ticks."""

_OPEN = "('wanted', 'offered', 'introduced')"


class Audit:
    """Looks at everything that is stored. `clock` is the bot's."""

    def __init__(self, observer: Observer, clock: Callable[[], datetime], seconds: Callable[[], float]) -> None:
        self._observer, self._clock, self._seconds = observer, clock, seconds
        self._over: set[int] = set()
        self._had: dict[int, int] = {}
        self._asked = 0

    @property
    def _book(self) -> Account:
        return self._observer.book

    def daily(self) -> None:
        """What must hold at any time."""
        self.pairs()
        self._places()
        self._forgotten()
        self._unheard()
        self._old_bodies()

    def much_later(self) -> None:
        """What must be gone once everything is old."""
        self._forgotten()
        self._old_bodies()

    def final(self) -> None:
        """What must hold once everything has come to rest."""
        self.daily()
        self._settled()
        found = PERSONAL.search(self._observer.sight.plain())
        self._book.check(account.LOGS, found is None, "something personal is stored unsealed")

    def pairs(self) -> None:
        """What must hold of pairs, at any time."""
        sight, book = self._observer.sight, self._book
        for pair, state in sight.rows("SELECT id, state FROM pairs"):
            is_open = state in _OPEN
            book.check(account.ONE_PAIR, not (is_open and pair in self._over), f"pair {pair} had ended and is open")
            # Who was welcomed among others may still be introduced to the one who did.
            if not is_open and state != GATHERED:
                self._over.add(pair)
        twice = sight.one(
            "SELECT p.id FROM pairs p JOIN pairs q ON q.supporter_id = p.buddy_id AND q.buddy_id = p.supporter_id"
        )
        book.check(account.ONE_PAIR, twice is None, f"the two of pair {twice} are paired the other way round too")
        for buddy, pairs, capacity, load in sight.rows(
            "SELECT b.id, count(p.id), b.capacity, b.load FROM people b"
            f" LEFT JOIN pairs p ON p.buddy_id = b.id AND p.state IN {_OPEN}"
            " WHERE b.role = 'buddy' AND b.status = 'active' GROUP BY b.id"
        ):
            # Who wants fewer from now on keeps those they have.
            most = max(capacity, self._had.get(buddy, 0))
            book.check(account.CAPACITY, pairs <= most, f"buddy {buddy} has {pairs} of {capacity} newcomers")
            self._had[buddy] = pairs
            book.check(account.CAPACITY, pairs == load, f"buddy {buddy} has {pairs} newcomers and counts {load}")

    def _places(self) -> None:
        for number, cell in self._observer.sight.rows("SELECT id, district FROM people WHERE district != ''"):
            # The resolution of an H3 cell is in its second to fourth byte from the left, four bits wide.
            finest = (int(cell, 16) >> 52) & 0xF
            self._book.check(account.DISTRICT, finest <= RESOLUTION, f"the place of person {number} is too fine")

    def _forgotten(self) -> None:
        sight, now = self._observer.sight, self._seconds()
        due = [(number, key) for number, (at, key) in self._observer.leaving.items() if now - at > GONE_WITHIN]
        files = sight.key_files() if due else b""
        for number, key in due:
            who = f"person {number}, who asked to be forgotten"
            status = sight.one("SELECT status FROM people WHERE id = ?", number)
            self._book.check(account.FORGOTTEN, status == "forgotten", f"{who}, is {status}")
            self._book.check(account.FORGOTTEN, sight.key(number) is None, f"{who}, has a key")
            self._book.check(account.FORGOTTEN, key[13:] not in files, f"the key of {who}, is still on the disk")
            for table, owner in sight.sealed():
                left = sight.one(
                    f"SELECT count(*) FROM {table} WHERE {owner} = ? AND length(sealed) > 0", number
                )  # fmt: skip
                self._book.check(account.FORGOTTEN, not left, f"{who}, has {left} sealed rows in {table}")

    def _unheard(self) -> None:
        sight = self._observer.sight
        before = micros(self._clock() - HEARD_WITHIN)
        for id_, person, at in sight.rows(
            "SELECT l.id, l.person_id, l.at FROM ledger l JOIN people p ON p.id = l.person_id"
            " WHERE l.what = 'asked for a buddy' AND l.id > ? AND l.at < ? AND p.status = 'active' ORDER BY l.id",
            self._asked, before,
        ):  # fmt: skip
            self._asked = max(self._asked, id_)
            until = at + int(HEARD_WITHIN.total_seconds() * 1e6)
            heard = sight.one(
                "SELECT count(*) FROM outbox WHERE person_id = ? AND created_at >= ? AND created_at <= ?",
                person, at, until,
            )  # fmt: skip
            self._book.check(account.HEARD, bool(heard), f"person {person} asked for a buddy and heard nothing")
        for pair, person, at in sight.rows(
            "SELECT p.id, p.supporter_id, p.introduced_at FROM pairs p JOIN people s ON s.id = p.supporter_id"
            " WHERE p.state = 'introduced' AND p.introduced_at < ? AND p.supporter_wrote_at IS NULL"
            " AND p.buddy_wrote_at IS NULL AND p.met_at IS NULL AND s.status = 'active'", before,
        ):  # fmt: skip
            heard = sight.one(
                "SELECT count(*) FROM outbox WHERE person_id = ? AND created_at > ?", person, at + 60 * 10**6
            )
            self._book.check(account.HEARD, bool(heard), f"the two of pair {pair} are silent, and nobody helps them")

    def _old_bodies(self) -> None:
        sight = self._observer.sight
        before = micros(self._clock() - timedelta(days=30, hours=26))
        for table, at in (("inbox", "arrived_at"), ("outbox", "created_at")):
            old = sight.one(
                f"SELECT count(*) FROM {table} WHERE sealed IS NOT NULL AND {at} < ?", before
            )  # fmt: skip
            self._book.check(account.DELETED, not old, f"{old} bodies in {table} are older than 30 days")

    def _settled(self) -> None:
        """Every message that was decided has arrived, or somebody knows that it has not."""
        sight, arrived = self._observer.sight, self._observer.sendings.arrived
        for number, person, state, replaced in sight.rows("SELECT id, person_id, state, replaces FROM outbox"):
            what = f"message {number}"
            if state == "sent":
                self._book.check(account.SENT, arrived[number] > 0, f"{what} is called sent and never arrived")
            elif state in ("failed", "held"):
                shown = sight.one(
                    "SELECT count(*) FROM cards WHERE kind IN ('failed_send', 'held_send') AND person_id = ?", person
                )  # fmt: skip
                self._book.check(account.SENT, bool(shown), f"{what} is {state}, and no coordinator sees it")
            elif state == "dropped":
                silent = sight.one("SELECT count(*) FROM ledger WHERE what = 'stopped' AND person_id = ?", person)
                gone = sight.one("SELECT status FROM people WHERE id = ?", person) in ("leaving", "forgotten")
                fine = bool(silent or gone or replaced)
                self._book.check(account.SENT, fine, f"{what} was dropped though nobody said *stop*")
            else:
                self._book.check(account.SENT, False, f"{what} is still {state}")
        for id_, source in sight.rows("SELECT id, source FROM inbox WHERE taken_at IS NULL"):
            self._book.check(account.EXACTLY_ONCE, False, f"event {id_} from {source} was never taken")
