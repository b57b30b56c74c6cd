"""Actions that are changed or called off after people signed up: who hears of it, and that they hear it once."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.others import tell, tell_next
from storage.actions import CANCELLED, PUBLISHED, Action
from storage.errors import NotFound
from storage.transaction import Transaction

NEWS = frozenset({"starts_at", "ends_at", "zone", "district", "cell", "address"})
"""What has to be known to come. Another title or goal is read by whoever looks."""


class NotChanged(Exception):
    """It cannot be changed; the message says why, in a sentence."""


async def change_action(tx: Transaction, action_id: int, **columns: Any) -> bool:
    """Changes these fields of a published action. True: those who signed up hear of it, for it is another time or
    place. With more places, who waits longest moves up. Raises NotChanged, NotFound, TypeError."""
    before = await _standing(tx, action_id)
    if before.state != PUBLISHED:
        raise NotChanged(f"action {action_id} is {before.state}: only one that is published can be changed")
    columns = _different(before, columns)
    capacity = columns.get("capacity")
    if capacity is not None and capacity < before.going:
        raise NotChanged(f"capacity: {before.going} places are taken already, so it cannot be {capacity}")
    await tx.actions.change(action_id, **columns)
    if "capacity" in columns:
        await tell_next(tx, action_id, 0)
    news = is_news(before, columns)
    if news:
        await tx.actions.count_change(action_id)
    return news


def is_news(before: Action, columns: Mapping[str, Any]) -> bool:
    """Whether those who signed up have to hear of it once these fields are as they are here."""
    return bool(NEWS & _different(before, columns).keys())


def _different(before: Action, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if getattr(before, name, None) != value}


async def cancel_action(tx: Transaction, action_id: int) -> None:
    """Calls an action off: nobody is reminded of it any more, and all who signed up hear it. Raises NotChanged,
    NotFound."""
    before = await _standing(tx, action_id)
    if before.state == CANCELLED:
        raise NotChanged(f"action {action_id} is called off already")
    await tx.actions.change(action_id, state=CANCELLED)
    await tx.actions.count_change(action_id)


async def _standing(tx: Transaction, action_id: int) -> Action:
    action = await tx.actions.get(action_id)
    if action is None:
        raise NotFound(f"action {action_id}")
    if action.ends_at <= tx.now:
        raise NotChanged(f"action {action_id} is over")
    return action


async def whom_to_tell(tx: Transaction, action: Action) -> list[int]:
    """Everybody who signed up (yes, maybe, or waiting) and the host, by number."""
    people = {signup.person_id for signup in await tx.actions.people(action.id)}
    return sorted(people | ({action.host_id} if action.host_id is not None else set()))


async def tell_of_change(tx: Transaction, action: Action, people: Sequence[int]) -> None:
    """Leaves it for a turn of each of these people; told twice, it happens once."""
    name = "action.cancelled" if action.state == CANCELLED else "action.changed"
    for person_id in people:
        if await tx.people.get(person_id) is not None:
            await tell(tx, person_id, name, {"action": action.id}, str(action.sequence))


async def all_were_told(tx: Transaction, action: Action) -> None:
    """Nobody is left to tell of this change; of one that came meanwhile they are told next."""
    await tx.actions.told(action.id, action.sequence)
