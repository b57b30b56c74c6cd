"""Signing up for actions, what people bring to them, being there, and proposing one."""

from collections.abc import Mapping
from datetime import timedelta

from bot import codes, companions
from bot.do.base import DONE, Deed, Turn
from bot.do.trainings import join_cohort, leave_cohort, training_to_pass_on
from bot.others import tell_next
from bot.proposals import read
from bot.reach import invitation
from flows import answers
from flows.model import Did, Value
from flows.text import show
from storage.actions import PUBLISHED, Action
from storage.signups import GOING, MAYBE, WAITING, YES, Signup

EARLY, LATE = timedelta(hours=1), timedelta(hours=12)
"""How long before an action begins someone can check in, and how long after its end."""

JUST_NOW = timedelta(hours=1)
"""How long after its hour a code is good for who had not signed up."""

MOST_BROUGHT = 50
"""Others that one person can bring."""

_LONGEST = timedelta(days=14)
"""No action that can be checked into began longer ago."""

GONE, PAST, NOT_NOW = Did("gone"), Did("past"), Did("not_now")


# --- coming ----------------------------------------------------------------------------------------------------


async def sign_up(deed: Deed) -> Did:
    """They come, or maybe; again is the same as once, and replaces what they said before."""
    actions, person_id, action_id = deed.tx.actions, deed.person.id, deed.about("action")
    if action_id is None:
        return PAST
    before = await actions.signup(action_id, person_id)
    kind = MAYBE if deed.arguments.get("as") == MAYBE else YES
    bringing = _count(deed.arguments.get("bringing"))
    if bringing is None:
        bringing = before.bringing if before else 0
    outcome = await actions.sign_up(action_id, person_id, kind, bringing)
    if outcome == "signed_up" and kind == YES:
        await actions.confirm(action_id, person_id)
    if outcome == "signed_up" and not _comes(before):
        await _ledger(deed, "signup.made", action_id, kind)
    if outcome == "signed_up" and kind == YES:
        await join_cohort(deed, action_id, bringing)
    if outcome == "signed_up" and before is not None:
        await tell_next(deed.tx, action_id, deed.person.id)
    return PAST if outcome == "gone" else Did(outcome)


async def cancel_sign_up(deed: Deed) -> Did:
    """They do not come; what they would have brought is open again, and their place goes to who waits longest."""
    tx, me, action_id = deed.tx, deed.person.id, deed.about("action")
    action = await tx.actions.get(action_id) if action_id is not None else None
    came = action is not None and await companions.comes(tx, action, me)
    if action_id is None or not await tx.actions.cancel(action_id, me):
        return GONE
    await _ledger(deed, "signup.cancelled", action_id)
    if came:
        await companions.leave_word(deed, action_id)
    await tell_next(deed.tx, action_id, deed.person.id)
    if deed.arguments.get("also") == "cohort":
        await leave_cohort(deed, action_id)
    return DONE


async def move_up(turn: Turn, action_id: int) -> bool:
    """A place is free for this person, who waits for one, and is theirs now. False: they do not wait, or someone was
    quicker, and there is nothing to tell. To be done in their turn, before `signup.place_free` reaches their flows."""
    signup = await turn.tx.actions.signup(action_id, turn.person.id)
    if signup is None or signup.state != WAITING:
        return False
    outcome = await turn.tx.actions.sign_up(action_id, turn.person.id, signup.kind, signup.bringing)
    if outcome != "signed_up":
        return False
    await turn.tx.ledger.add(turn.person.id, "signup.made", subject=f"action:{action_id}", detail=signup.kind)
    if signup.kind == YES:
        await join_cohort(turn, action_id, signup.bringing)
    await tell_next(turn.tx, action_id, turn.person.id)
    return True


def _comes(signup: Signup | None) -> bool:
    return signup is not None and signup.state == GOING


def _count(given: Value) -> int | None:
    """How many others; None where it was not said."""
    if isinstance(given, str):
        read_ = answers.number(given, None, None)
        given = read_.value if isinstance(read_, answers.Answer) and not isinstance(read_.value, tuple) else None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return min(max(0, int(given)), MOST_BROUGHT)


# --- bringing --------------------------------------------------------------------------------------------------


async def claim_need(deed: Deed) -> Did:
    """They bring something that an action needs."""
    need_id = deed.about("need")
    if need_id is None or not await _needed(deed, need_id) or not await deed.tx.actions.claim(need_id, deed.person.id):
        return GONE
    return DONE


async def return_need(deed: Deed) -> Did:
    """They do not bring it after all."""
    need_id = deed.about("need")
    if need_id is None or not await deed.tx.actions.give_back(need_id, deed.person.id):
        return GONE
    return DONE


async def _needed(deed: Deed, need_id: int) -> bool:
    """Whether it belongs to the action that the flow names. Where it names none any will do, whatever the conversation
    is about: they chose it from what all they come to needs."""
    action_id = deed.about("action") if deed.arguments.get("action") else None
    return action_id is None or any(need.id == need_id for need in await deed.tx.actions.needs(action_id))


# --- being there -----------------------------------------------------------------------------------------------


async def check_in(deed: Deed) -> Did:
    """They are there: they heard the code of an action that goes on, whether or not they had signed up for it."""
    tx, about = deed.tx, deed.about("action")
    asked = await tx.actions.get(about) if about is not None else None
    open_now = await _going_on(deed, asked)
    if not open_now or (asked is not None and not _open(asked, deed)):
        return NOT_NOW
    heard = str(deed.arguments.get("code") or "")
    there = next((each for each, for_ in open_now if codes.is_good(each, heard, tx.now, for_)), None)
    if there is None:
        return Did("wrong_code")
    return await _checked_in(deed, there)


async def is_code(turn: Turn, digits: str) -> bool:
    """Whether digits that nothing asks for are the code of what goes on, or what somebody who comes to it takes for
    its code."""
    open_now = await _going_on(turn)
    return any(for_ == codes.GOOD_FOR or codes.is_good(each, digits, turn.tx.now, for_) for each, for_ in open_now)


async def _going_on(turn: Turn, asked: Action | None = None) -> list[tuple[Action, timedelta]]:
    """What they can check in to now, each with how old a code of it may be. Two groups may have the same code at one
    hour: first what they talk of, then what they signed up for. Many take place on one day: a code of hours ago is good
    only where they had said that they come."""
    now, actions = turn.tx.now, turn.tx.actions
    known = [*([asked] if asked else ()), *(action for action, _ in await actions.signups_of(turn.person.id))]
    found = {each.id: (each, codes.GOOD_FOR) for each in known}
    for each in await actions.between(now - _LONGEST, now + EARLY):
        found.setdefault(each.id, (each, JUST_NOW))
    return [(each, for_) for each, for_ in found.values() if _open(each, turn)]


async def _checked_in(deed: Deed, action: Action) -> Did:
    """They heard the code: the list had them, or has them from now on."""
    tx, person_id = deed.tx, deed.person.id
    if await tx.actions.signup(action.id, person_id) is None:
        # A full action does not send home who stands there: a maybe takes no place.
        outcome = await tx.actions.sign_up(action.id, person_id, YES)
        if outcome != "signed_up":
            outcome = await tx.actions.sign_up(action.id, person_id, MAYBE)
        if outcome != "signed_up":
            return NOT_NOW
        await _ledger(deed, "signup.made", action.id, "there")
    await attended(deed, action.id, deed.conversation.flow)
    return Did("checked_in")


async def attended(turn: Turn, action_id: int, flow: str, told_by: str = "") -> None:
    """They, who are on its list, were at an action. It counts once, whoever tells it first: the code, its host
    (`told_by` "host") or they themselves ("them")."""
    if await turn.tx.actions.check_in(action_id, turn.person.id):
        before = turn.fields.get("attended")
        turn.fields["attended"] = (before if isinstance(before, int) else 0) + 1
        await turn.tx.ledger.add(turn.person.id, "checkin.made", flow, f"action:{action_id}", told_by)


def _open(action: Action, turn: Turn) -> bool:
    return action.state == PUBLISHED and action.starts_at - EARLY <= turn.tx.now <= action.ends_at + LATE


# --- more of them ----------------------------------------------------------------------------------------------


async def propose_action(deed: Deed) -> Did:
    """Somebody's own action: coordinators see it, and publish it with one press."""
    tx, zone = deed.tx, deed.zone
    like = await training_to_pass_on(deed) if deed.arguments.get("as") == "next" else None
    proposal = read(await _told(deed, like), tx.now, zone, deed.language)
    if proposal is None or deed.muted:
        return Did("not_possible")
    place = deed.world.places.read(proposal.place) if proposal.place else None
    action_id = await tx.actions.add(
        title=proposal.title,
        what=proposal.what,
        kind=like.kind if like else "",
        materials=like.materials if like else "",
        district=place.name if place else str(deed.fields.get("place") or ""),
        cell=place.cell if place else deed.person.district,
        address=proposal.place,
        starts_at=proposal.starts_at,
        ends_at=proposal.ends_at,
        zone=zone,
        capacity=proposal.capacity,
        secret=codes.new_secret(),
        host_id=deed.person.id,
    )
    for need in proposal.bring:
        await tx.actions.add_need(action_id, need)
    body = {
        "title": proposal.title,
        "what": proposal.what,
        "when": show(proposal.starts_at, "when", deed.world.group.languages[0], deed.world.group.zone),
        "district": proposal.place,
        "person": str(deed.fields.get("name") or ""),
    }
    await tx.cards.add("action_proposed", f"action:{action_id}", deed.person.id, body)
    await _ledger(deed, "action.proposed", action_id)
    return Did("proposed")


async def _told(deed: Deed, like: Action | None) -> Mapping[str, Value]:
    """What they said of it; what they did not say is as it was the last time."""
    said = {name: value for name, value in deed.arguments.items() if value not in (None, "")}
    if like is None:
        return said
    needs = await deed.tx.actions.needs(like.id)
    return {"title": like.title, "what": like.what, "bring": tuple(need.what for need in needs), **said}


async def invite_link(deed: Deed) -> Did:
    """What they pass on so that others come to the bot, and it is known who asked them."""
    await deed.tx.ledger.add(deed.person.id, "invited", deed.conversation.flow)
    return Did("done", {"link": await invitation(deed.tx, deed.world, deed.person)})


async def _ledger(deed: Deed, what: str, action_id: int, detail: str = "") -> None:
    await deed.tx.ledger.add(deed.person.id, what, deed.conversation.flow, f"action:{action_id}", detail)
