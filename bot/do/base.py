"""The contract of a `do`: what it is given, and what it answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.world import World
from flows.model import NOTHING, Conversation, Did, Library, Value, subject_of
from storage.people import Person
from storage.transaction import Transaction

MUTED = "muted_at"
"""The field of a person that says since when coordinators have muted them: see `bot.blocking`."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """One person's turn while it lasts, inside its transaction.

    library        the flows in force
    fields         what is known of the person so far; what changes here is saved with the turn
    conversations  theirs, as they were before what comes next
    first          they wrote for the first time
    done           what was done in it, by the name of the `do`
    left_before    what `tx.inbox.left` was when it began
    over           the pairs that ended in it: what they were asked about those is no question any more
    said           how many messages to them were decided in it
    not_before     when these may go out; None: at once
    others         by number, what it knows of others by the name of the field: see `bot.named`
    """

    tx: Transaction
    world: World
    library: Library
    person: Person
    fields: dict[str, Value]
    conversations: tuple[Conversation, ...] = ()
    first: bool = False
    done: set[str] = field(default_factory=set)
    over: set[int] = field(default_factory=set)
    left_before: int = 0
    said: int = 0
    not_before: datetime | None = None
    others: dict[int, dict[str, str]] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """What this person reads."""
        return str(self.fields.get("language") or self.person.language or self.world.group.languages[0])

    @property
    def zone(self) -> str:
        """IANA name of the time zone in which this person reads times: where they live, or the group's."""
        return self.person.zone or self.world.group.zone

    @property
    def muted(self) -> bool:
        """Whether no word of theirs is to reach anybody else."""
        return MUTED in self.fields

    def words(self, sentence: str, **holes: str) -> str:
        """A sentence of the bot's own in their language, its {holes} filled."""
        sentence = self.library.translations.get(self.language, NOTHING).get(sentence, sentence)
        for name, value in holes.items():
            sentence = sentence.replace("{" + name + "}", value)
        return sentence


@dataclass(slots=True, kw_only=True)
class Deed(Turn):
    """One `do` of one person's turn."""

    conversation: Conversation
    arguments: Mapping[str, Value]

    def about(self, what: str) -> int | None:
        """The number of the "pair" or "action" that this is about: as an argument names it, else as its conversation
        is about it; None where it is about none."""
        written = str(self.arguments.get(what) or subject_of(self.conversation, what))
        return int(written) if written.isascii() and written.isdigit() else None


Doing = Callable[[Deed], Awaitable[Did]]
DONE = Did("done")
