"""A buddy welcomes several newcomers at once."""

from bot import codes
from bot.do.base import Deed
from bot.pairing import gatherings
from bot.proposals import read
from flows import phrases
from flows.model import Did
from storage.actions import PUBLISHED, Action
from storage.signups import YES

NOT_POSSIBLE, NOBODY, CALLED = Did("not_possible"), Did("nobody"), Did("called")


async def call_gathering(deed: Deed) -> Did:
    """Invites those who wait near this buddy: to an action that is planned, or to a place and time of theirs, which is
    published by that: a coordinator has asked for it."""
    people = await gatherings.who_waits(deed)
    if not people:
        return NOBODY
    action = await (_planned(deed) if deed.arguments.get("action") else _own(deed))
    if action is None or deed.muted:
        return NOT_POSSIBLE
    await deed.tx.ledger.add(deed.person.id, "called a gathering", deed.conversation.flow, f"action:{action}")
    await gatherings.invite(deed, action, people)
    return CALLED


async def _planned(deed: Deed) -> int | None:
    """One that is planned, to which the buddy comes too."""
    tx, number = deed.tx, deed.about("action")
    action: Action | None = await tx.actions.get(number) if number is not None else None
    if action is None or action.state != PUBLISHED or action.starts_at <= tx.now:
        return None
    if action.host_id != deed.person.id:
        if await tx.actions.sign_up(action.id, deed.person.id, YES) != "signed_up":
            return None
        await tx.ledger.add(deed.person.id, "signup.made", deed.conversation.flow, f"action:{action.id}", YES)
    return action.id


async def _own(deed: Deed) -> int | None:
    tx = deed.tx
    title = deed.words(phrases.GATHERING)
    told = read({**deed.arguments, "title": title}, tx.now, deed.zone, deed.language)
    if told is None:
        return None
    place = deed.world.place(told.place)
    return await tx.actions.add(
        title=told.title,
        kind=gatherings.KIND,
        district=place.name if place else str(deed.fields.get("place") or ""),
        cell=place.cell if place else deed.person.district,
        address=told.place,
        starts_at=told.starts_at,
        ends_at=told.ends_at,
        zone=deed.zone,
        secret=codes.new_secret(),
        state=PUBLISHED,
        host_id=deed.person.id,
    )
