"""A campaign: many local actions that belong together, and the one of them that is nearest to somebody."""

from collections.abc import Collection

from bot.cells import km
from bot.do.base import Deed
from flows.model import Did
from storage.actions import Action
from storage.signups import GOING, WAITING, YES


async def nearest_action(deed: Deed) -> Did:
    """The action of a campaign (its number, as its link has it) that they come to, else wait for a place in, else said
    maybe to, the soonest of these; else the one that is nearest to where they live, or the soonest where that is not
    known, one with a place left before those without. It is in `answers.action`."""
    written = str(deed.arguments.get("campaign") or "")
    campaign = int(written) if written.isascii() and written.isdigit() and len(written) < 10 else 0
    open_ = [each for each in await deed.tx.campaigns.actions(campaign) if each.starts_at > deed.tx.now]
    if not open_:
        return Did("none")
    if (theirs := await _theirs(deed, {each.id for each in open_})) is not None:
        return Did("found", {"action": str(theirs)})
    # Before they have consented their place is only in the conversation.
    held = str(deed.conversation.held.get("place") or "")
    place = deed.world.place(held) if held else None
    cell = place.cell if place else deed.person.district

    def how_far(action: Action) -> tuple[bool, float, object, int]:
        full = action.capacity is not None and action.going >= action.capacity
        away = km(cell, action.cell) if cell and action.cell else None
        return full, away or 0.0, action.starts_at, action.id

    return Did("found", {"action": str(min(open_, key=how_far).id)})


async def _theirs(deed: Deed, actions: Collection[int]) -> int | None:
    """The one of these actions on whose list they are; the soonest, where it is several."""
    signups = [each for action, each in await deed.tx.actions.signups_of(deed.person.id) if action.id in actions]
    ranks = {(GOING, YES): 0, (WAITING, YES): 1}
    best = min(signups, key=lambda each: ranks.get((each.state, each.kind), 2), default=None)
    return None if best is None else best.action_id
