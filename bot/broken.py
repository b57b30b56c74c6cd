"""What broke at every try: kept, shown to coordinators, and tried again where one of them says so."""

from contextlib import suppress
from datetime import timedelta

from storage.cards import Card
from storage.errors import KeyDestroyed
from storage.transaction import Transaction

KIND = "turn_failed"
"""The kind of card."""

LEFT_FOR = timedelta(days=7)
"""How long what falls due is left alone, where a coordinator says so."""


async def show(tx: Transaction, person_id: int, error: str, conversation_id: int | None = None) -> None:
    """A card: of each person one about what is kept of theirs; and one for each conversation that cannot go on.

    error  the kind of error, without its message: that may quote them
    """
    subject = f"person:{person_id}" if conversation_id is None else f"conversation:{conversation_id}"
    # Who was forgotten meanwhile has nothing left to be tried.
    with suppress(KeyDestroyed):
        await tx.cards.add(KIND, subject, person_id, {"reason": error})


async def again(tx: Transaction, card: Card) -> bool:
    """What the card is about is tried again, right away. False: nothing is left of it."""
    what, number = _about(card)
    if what == "conversation":
        await tx.conversations.put_off(number, tx.now)
        return True
    return await tx.inbox.revive(number) > 0


async def leave(tx: Transaction, card: Card) -> None:
    """It is left as it is: what was to happen at its time for a week."""
    what, number = _about(card)
    if what == "conversation":
        await tx.conversations.put_off(number, tx.now + LEFT_FOR)


def _about(card: Card) -> tuple[str, int]:
    what, _, number = card.subject.partition(":")
    return what, int(number)
