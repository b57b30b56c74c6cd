"""The contract of a `do`: what it is given, and what it answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.world import World
from flows.model import Conversation, Did, Library, Value
from flows.scene import subject_of
from storage.people import Person
from storage.transaction import Transaction


@dataclass(slots=True)
class Deed:
    """One `do` of one person's turn, inside that turn's transaction.

    fields   what is known of the person, in this turn so far; a deed may change it, and it is saved with the turn
    library  the flows in force, for what the bot says by itself
    """

    tx: Transaction
    world: World
    person: Person
    fields: dict[str, Value]
    conversation: Conversation
    arguments: Mapping[str, Value]
    library: Library

    def about(self, what: str) -> int | None:
        """The number of the "pair" or "action" that this is about: as an argument names it, else as its conversation
        is about it; None where it is about none."""
        written = str(self.arguments.get(what) or subject_of(self.conversation, what))
        return int(written) if written.isascii() and written.isdigit() else None


Doing = Callable[[Deed], Awaitable[Did]]
DONE = Did("done")
