"""Forgetting someone: what is theirs goes, and whom it concerns goes on without them."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from bot.others import tell_next
from bot.pairing.life import part
from storage.errors import KeyDestroyed
from storage.store import Store
from storage.transaction import Transaction


async def forget(tx: Transaction, person_id: int, before: datetime | None = None) -> None:
    """Deletes all that is theirs. Those they were to meet are told or get the next; their places go to who waits.

    What they wrote until `before` (now, unless it is given) is refused, should it come only later.
    """
    places = [action.id for action, signup in await tx.actions.signups_of(person_id) if action.ends_at > tx.now]
    await part(tx, person_id, await tx.people.forget(person_id, before))
    for action_id in places:
        await tell_next(tx, action_id, person_id)


async def forget_keyless(store: Store, people: Iterable[int]) -> int:
    """Forgets those whose keys are gone, as they were before an old backup brought them back; how many."""
    count = 0
    for number in people:
        try:
            await store.run(partial(forget, person_id=number))
        except KeyDestroyed:
            # Whoever would have to be told has no key either.
            await store.run(partial(_only_them, person_id=number))
        count += 1
    return count


async def _only_them(tx: Transaction, person_id: int) -> None:
    await tx.people.forget(person_id)
