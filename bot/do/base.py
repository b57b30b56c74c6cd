"""The contract of a `do`: what it is given, and what it answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.group import Group
from flows.model import Conversation, Did, Value
from storage.people import Person
from storage.transaction import Transaction


@dataclass(slots=True)
class Deed:
    """One `do` of one person's turn, inside that turn's transaction.

    fields  what is known of the person, in this turn so far; a deed may change it, and it is saved with the turn
    """

    tx: Transaction
    group: Group
    person: Person
    fields: dict[str, Value]
    conversation: Conversation
    arguments: Mapping[str, Value]


Doing = Callable[[Deed], Awaitable[Did]]
DONE = Did("done")
