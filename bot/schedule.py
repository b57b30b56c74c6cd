"""What is due next, kept in memory: while nothing is, no action and no sign-up is looked at. Pure, like the reminders.

Each reminder has a round to make through the people it is for. A round may take many ticks, and goes on where it
stopped; once it has found nobody it is made again, for some sign up late. What is past its `until` has a round of its
own, made once: whom it missed does not change any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.reminders import LOOK_BACK, NEARBY, Reminder
from storage.actions import Action

AHEAD = timedelta(hours=1)
"""How far ahead reminders are kept."""

A_SECOND = 500
"""People who are looked at again in a second, where all of them have had it: of ten thousand who signed up each is
looked at every twenty seconds."""

INVITE_AGAIN = timedelta(minutes=5)
"""How long a round through those nearby is not made again once it has found nobody: they may be everybody."""

_A_MOMENT = timedelta(microseconds=1)

Key = tuple[str, str, int, str, datetime, datetime, bool]


class Place(NamedTuple):
    """Where a round stands: in this one of the groups it goes through, behind the person of this number."""

    group: int
    after: int


START = Place(0, 0)


@dataclass(slots=True, eq=False)
class Round:
    """One reminder's way through those it is for.

    late     it is past its `until`: whom it was for is to be reported
    look_at  not before then; None: never again
    groups   what it goes through, one after the other; None before it has begun
    found    it has found somebody for whom something was to be done
    whole    it was made to its end at least once: who was held back then is counted
    """

    reminder: Reminder[Action]
    late: bool
    look_at: datetime | None
    groups: Sequence[str | None] | None = None
    place: Place = START
    found: bool = False
    whole: bool = False

    @property
    def who(self) -> str:
        """Whom its moment is for, as the flow says it."""
        moment = self.reminder.flow.starts.moment
        return moment.who if moment is not None else ""

    @property
    def key(self) -> Key:
        """What it is about, and when: with another of these it is another round."""
        each = self.reminder
        return each.flow.name, self.who, each.action.id, each.occurrence, each.due_at, each.until_at, self.late

    def ended(self, now: datetime) -> None:
        """It has come to its end."""
        if self.found:
            self.look_at = now
        elif self.late:
            self.look_at = None
        elif self.who == NEARBY:
            self.look_at = now + INVITE_AGAIN
        else:
            self.look_at = now + timedelta(seconds=self.reminder.action.going // A_SECOND)
        self.groups, self.place, self.found, self.whole = None, START, False, True


class Schedule:
    """The rounds that are due within `AHEAD`, or late.

    It holds for what it was made from, `known` (any value: another one, and it is to be made anew), and for a while.
    """

    def __init__(self) -> None:
        self._known: object = None
        self._since: datetime | None = None
        self._next: datetime | None = None
        self._rounds: dict[Key, Round] = {}

    def holds(self, known: object, now: datetime) -> bool:
        """Whether it holds (aware UTC). A clock that was put back is another time: then nothing is remembered."""
        if self._since is None or now < self._since:
            self._rounds = {}
            return False
        return self._known == known and now < self._since + AHEAD

    def fill(self, known: object, now: datetime, reminders: Iterable[Reminder[Action]]) -> None:
        """Makes it anew of these; a round that was under way goes on where it was."""
        before, self._rounds = self._rounds, {}
        for each in reminders:
            if each.until_at + LOOK_BACK < now or each.due_at > now + AHEAD:
                continue
            for late, look_at in ((False, each.due_at), (True, each.until_at + _A_MOMENT)):
                made = Round(each, late, look_at)
                old = before.get(made.key)
                self._rounds[made.key] = made if old is None else replace(old, reminder=each)
        self._known, self._since = known, now
        self.rest()

    def due(self, now: datetime) -> list[Round]:
        """The rounds to be made now: what is soonest too late first, and last what is late already."""
        if self._next is None or now < self._next:
            return []
        found = []
        for each in self._rounds.values():
            if each.look_at is not None and each.look_at <= now:
                if (each.reminder.is_late if each.late else each.reminder.is_due)(now):
                    found.append(each)
                else:
                    each.look_at = None
        return sorted(found, key=lambda each: (each.late, each.reminder.until_at))

    def rest(self) -> None:
        """Some were made: works out when the next is."""
        self._next = min((each.look_at for each in self._rounds.values() if each.look_at is not None), default=None)
