"""Forgetting someone: what is theirs goes, and whom it concerns goes on without them."""

from bot.do.actions import tell_next
from bot.pairing.life import part
from storage.transaction import Transaction


async def forget(tx: Transaction, person_id: int) -> None:
    """Deletes all that is theirs. Those they were to meet are told or get the next; their places go to who waits."""
    places = [action.id for action, signup in await tx.actions.signups_of(person_id) if action.ends_at > tx.now]
    await part(tx, person_id, await tx.people.forget(person_id))
    for action_id in places:
        await tell_next(tx, action_id, person_id)
