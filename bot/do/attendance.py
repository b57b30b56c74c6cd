"""Who came, told afterwards: by whoever hosted the action, or by themselves."""

from collections.abc import Mapping

from bot.do.actions import attended
from bot.do.base import DONE, Deed, Turn
from bot.others import leave
from flows.model import Did, Value
from storage.errors import KeyDestroyed


async def mark_came(deed: Deed) -> Did:
    """Its host saw these people (numbers of the list `not_checked_in`): each counts as there, in a turn of theirs.

    Whom the host did not see is not written down anywhere: they may have come all the same, and say so themselves.
    """
    action_id = deed.about("action")
    action = await deed.tx.actions.get(action_id) if action_id is not None else None
    if action is None or action.host_id != deed.person.id:
        return DONE
    seen = deed.arguments.get("who")
    listed = {str(signup.id): signup.person_id for signup in await deed.tx.actions.people(action.id)}
    for person_id in [listed[key] for key in map(str, seen if isinstance(seen, tuple) else ()) if key in listed]:
        try:
            await leave(deed.tx, person_id, "came", {"action": action.id}, str(action.id))
        except KeyDestroyed:
            continue  # They were forgotten meanwhile.
    return DONE


async def was_there(deed: Deed) -> Did:
    """They say themselves that they were there, and are believed."""
    action_id = deed.about("action")
    if action_id is not None:
        await attended(deed, action_id, deed.conversation.flow, "them")
    return DONE


async def came(turn: Turn, body: Mapping[str, Value]) -> None:
    """The host of an action saw them there."""
    await attended(turn, int(str(body.get("action") or 0)), "", "host")
