"""Trainings that spread: the cohort that goes through them together, and who hosts the next one."""

from bot.do.base import Deed, Turn
from bot.others import tell_next
from storage.actions import PUBLISHED, TRAINING, Action
from storage.signups import YES


async def join_cohort(turn: Turn, action_id: int, bringing: int) -> None:
    """Who comes to one action of a cohort is on the list of all that follow. Only the first time: what they cancelled
    of it since stays cancelled."""
    tx, person_id = turn.tx, turn.person.id
    action = await tx.actions.get(action_id)
    if action is None or not action.cohort or await tx.campaigns.belongs(action.campaign, person_id, action_id):
        return
    for each in await _later(turn, action):
        if await tx.actions.sign_up(each.id, person_id, YES, bringing) == "signed_up":
            await tx.ledger.add(person_id, "signup.made", subject=f"action:{each.id}", detail="cohort")


async def leave_cohort(turn: Turn, action_id: int) -> None:
    """They come to nothing that follows of this action's cohort either; others can have their places."""
    tx, person_id = turn.tx, turn.person.id
    action = await tx.actions.get(action_id)
    for each in await _later(turn, action) if action is not None and action.cohort else ():
        if await tx.actions.cancel(each.id, person_id):
            await tx.ledger.add(person_id, "signup.cancelled", subject=f"action:{each.id}", detail="cohort")
            await tell_next(tx, each.id, person_id)


async def _later(turn: Turn, action: Action) -> list[Action]:
    sessions = await turn.tx.campaigns.sessions(action.campaign)
    return [each for each in sessions if each.starts_at > max(action.starts_at, turn.tx.now)]


async def trainings(turn: Turn) -> list[Action]:
    """Those that they can pass on: where they were, and which they hosted; the latest first, of one title only that."""
    tx, person_id = turn.tx, turn.person.id
    attended = [action for action, signup in await tx.actions.signups_of(person_id) if signup.checked_in_at is not None]
    known = [*attended, *await tx.actions.hosted_by(person_id)]
    over = [
        each for each in known
        if each.kind == TRAINING and each.state == PUBLISHED and each.starts_at <= tx.now
    ]  # fmt: skip
    latest: dict[str, Action] = {}
    for each in sorted(over, key=lambda action: action.starts_at, reverse=True):
        latest.setdefault(each.title, each)
    return list(latest.values())


async def training_to_pass_on(deed: Deed) -> Action | None:
    """The training that this is about, where they were at it or hosted it: the next one is of its kind, and has its
    materials."""
    number = deed.about("action")
    return next((each for each in await trainings(deed) if each.id == number), None)
