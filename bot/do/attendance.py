"""What a host is told, and tells: the action they host, and who came. Who came can say so themselves too."""

from collections.abc import Mapping
from datetime import timedelta

from bot.do.actions import LATE, attended
from bot.do.base import DONE, Deed, Turn
from bot.others import leave
from flows.model import Did, Value
from storage.actions import PUBLISHED
from storage.errors import KeyDestroyed

EARLIEST = timedelta(days=1)
"""How long before an action begins its host can ask for the code: to write it on a board."""


async def hosted_now(deed: Deed) -> Did:
    """The action that they host these hours, from `EARLIEST` before it begins for as long as people can check in; of
    several the one that is not over, and begins first. It is in `answers.action`."""
    now = deed.tx.now
    hosted = await deed.tx.actions.hosted_by(deed.person.id)
    on = [
        each for each in hosted if each.state == PUBLISHED and each.starts_at - EARLIEST <= now <= each.ends_at + LATE
    ]
    if not on:
        return Did("none")
    return Did("found", {"action": str(min(on, key=lambda each: (each.ends_at < now, each.starts_at)).id)})


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
