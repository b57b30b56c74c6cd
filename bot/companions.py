"""Two who were introduced and would both come to an action: when one of them cancels, the other hears of it."""

from collections.abc import Mapping

from bot.do.base import Turn
from bot.others import leave
from flows.model import Moment, Value
from storage.actions import PUBLISHED, Action
from storage.pairs import INTRODUCED
from storage.signups import GOING, YES
from storage.transaction import Transaction

KIND = "companion cancelled"
"""What the inbox calls it, and the ledger of the one who hears of it."""


def line_of(moment: Moment) -> str:
    """What the ledger calls that from which a moment counts. Of `signup.cancelled`, `both` means the other of a pair:
    whoever cancelled knows."""
    return KIND if (moment.happening, moment.who) == ("signup.cancelled", "both") else moment.happening


async def comes(tx: Transaction, action: Action, person_id: int) -> bool:
    """Whether they host it, or said yes and have a place."""
    signup = await tx.actions.signup(action.id, person_id)
    return action.host_id == person_id or (signup is not None and (signup.kind, signup.state) == (YES, GOING))


async def leave_word(turn: Turn, action_id: int) -> None:
    """This person would have come: whoever is introduced to them and comes is to hear of it, in a turn of theirs."""
    tx, me = turn.tx, turn.person.id
    action = await tx.actions.get(action_id)
    if action is None or await comes(tx, action, me):
        return
    for pair in await tx.pairs.open_of(me):
        other = pair.other(me)
        if pair.state == INTRODUCED and await comes(tx, action, other):
            about = {"pair": str(pair.id), "action": str(action_id)}
            await leave(tx, other, KIND, about, f"{pair.id}:{action_id}:{tx.now.isoformat()}")


async def heard(turn: Turn, body: Mapping[str, Value]) -> None:
    """It is in their ledger, from which a moment counts."""
    subject = f"pair:{body.get('pair')},action:{body.get('action')}"
    await turn.tx.ledger.add(turn.person.id, KIND, subject=subject)


async def concerned(turn: Turn, subject: str) -> list[Mapping[str, str]]:
    """The pair and the action, where it is still true and still to come; nothing, where it is not."""
    about = dict(part.split(":") for part in subject.split(","))
    pair, action = await turn.tx.pairs.get(int(about["pair"])), await turn.tx.actions.get(int(about["action"]))
    if pair is None or pair.state != INTRODUCED or action is None or action.state != PUBLISHED:
        return []
    me = turn.person.id
    alone = await comes(turn.tx, action, me) and not await comes(turn.tx, action, pair.other(me))
    return [about] if alone and action.starts_at > turn.tx.now else []
