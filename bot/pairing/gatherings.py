"""Few buddies: where several newcomers wait and nobody has room for them, one buddy welcomes them together, once.

Coordinators see a card and press once. The buddy says when and where: a public place, or an action that is planned.
Whoever waits nearby is invited, keeps their place among those who wait, and is asked afterwards whether the two met.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.do.base import Turn
from bot.others import leave
from bot.pairing.harvest import one_is_left
from bot.pairing.rules import Helper, Never, weigh
from bot.pairing.seeking import helper_of, seeker_wish
from bot.world import Pairing
from storage.actions import PUBLISHED, Action
from storage.buddies import Buddy, Seeker
from storage.cards import OVER
from storage.pairs import GATHERED, Pair
from storage.transaction import Transaction

CARD = "few_buddies"

KIND = "gathering"
"""The kind of an action that is made for it."""

CALLED = "gathering.called"
"""The happening by which those who wait hear of it."""

FEWEST, MOST = 3, 12
"""Newcomers for whom it is worth while, and whom one person can still greet."""

WAITED = timedelta(hours=1)
"""Who has waited for less may have a buddy of their own in a moment."""

REST = timedelta(days=14)
"""How long a buddy is not proposed again, and a newcomer not invited again."""

TURN = timedelta(days=3)
"""How long one buddy has to say yes, before another one is proposed for the same newcomers."""

LOOKED_AT = 500
"""Of those who wait the longest, so many are looked at."""


class Known(NamedTuple):
    """What was proposed before.

    asked    since when each buddy was proposed; open_: those of them whose cards nobody has acted on
    invited  the newcomers who were invited lately
    """

    asked: Mapping[int, datetime]
    open_: Mapping[int, int]
    invited: Collection[int]


async def known(tx: Transaction) -> Known:
    """What was proposed within `REST`."""
    asked = await tx.cards.since(CARD, tx.now - REST)
    open_ = {card.person_id: card.id for card in await tx.cards.current(CARD) if card.person_id is not None}
    return Known(asked, open_, await tx.pairs.gathered_since(tx.now - REST))


def groups(
    waiting: Iterable[Seeker], buddies: Sequence[Buddy], before: Known, pairing: Pairing, now: datetime
) -> tuple[dict[int, int], list[int]]:
    """For how many each buddy is to be proposed, those of whom most wait first; and the cards that are past, for too
    few wait by now. Nobody who waits is counted twice."""
    seekers = [each for each in waiting if each.waiting_since <= now - WAITED and each.id not in before.invited]
    near = _near(seekers[:LOOKED_AT], [each for each in buddies if each.capacity], pairing, now)
    past = [card for buddy, card in before.open_.items() if len(near.get(buddy, ())) < FEWEST]
    taken: set[int] = set()
    for buddy, at in before.asked.items():
        if at > now - TURN:
            taken |= near.get(buddy, set())
    found: dict[int, int] = {}
    free = {buddy: people for buddy, people in near.items() if buddy not in before.asked}
    while free:
        buddy = max(free, key=lambda each: (len(free[each] - taken), -each))
        here = free.pop(buddy) - taken
        if len(here) < FEWEST:
            break
        found[buddy] = min(len(here), MOST)
        taken |= here
    return found, past


def _near(seekers: Sequence[Seeker], buddies: Sequence[Buddy], pairing: Pairing, now: datetime) -> dict[int, set[int]]:
    """The newcomers whom each buddy could be introduced to, if they had room."""
    if not seekers or not buddies:
        return {}
    # numpy: not needed before the first time that several wait
    from bot.pairing.edges import find
    from bot.pairing.sides import Sides

    sides = Sides([seeker_wish(each) for each in seekers], [_with_room(each) for each in buddies], pairing.terms(now))
    edges = find(sides, lambda _: None)
    near: dict[int, set[int]] = defaultdict(set)
    for supporter, buddy in zip(edges.supporter.tolist(), edges.buddy.tolist(), strict=True):
        near[buddies[buddy].id].add(seekers[supporter].id)
    return near


def _with_room(buddy: Buddy) -> Helper:
    return replace(helper_of(buddy, load=0), capacity=1)


async def show(tx: Transaction, proposed: Mapping[int, int], past: Iterable[int]) -> None:
    """The cards that coordinators see."""
    for buddy, many in proposed.items():
        await tx.cards.add(CARD, f"person:{buddy}", buddy, {"many": many})
    for card in past:
        await tx.cards.act(card, OVER, "")


# --- the buddy -------------------------------------------------------------------------------------------------


async def may_be_asked(turn: Turn) -> bool:
    """Whether this buddy can be asked to welcome several at once."""
    buddy = await turn.tx.buddies.get(turn.person.id)
    away = buddy is not None and buddy.away_until is not None and buddy.away_until > turn.tx.now
    return buddy is not None and buddy.approved_at is not None and not away and not turn.muted


async def who_waits(turn: Turn) -> list[int]:
    """Those near this buddy who wait, the longest first, and were not invited lately."""
    tx, terms = turn.tx, turn.world.pairing.terms(turn.tx.now)
    buddy = await tx.buddies.get(turn.person.id)
    if buddy is None:
        return []
    helper, invited = _with_room(buddy), await tx.pairs.gathered_since(tx.now - REST)
    seekers = [each for each in await tx.buddies.seekers(LOOKED_AT) if each.id not in invited]
    return [each.id for each in seekers if not isinstance(weigh(seeker_wish(each), helper, terms), Never)][:MOST]


async def invite(turn: Turn, action_id: int, people: Iterable[int]) -> None:
    """They hear of it in turns of their own."""
    for each in people:
        await leave(turn.tx, each, KIND, {"action": action_id, "buddy": turn.person.id}, f"{action_id}")


# --- the newcomers ---------------------------------------------------------------------------------------------


async def invited(turn: Turn, action_id: int, buddy_id: int) -> bool:
    """Whether someone who waits is to hear of a gathering: from then on the two can say that they met there."""
    tx, me = turn.tx, turn.person.id
    action = await tx.actions.get(action_id)
    waits = await tx.buddies.waiting_since(me) is not None
    if not waits or not _is_on(action, tx.now) or buddy_id in await tx.people.blocked(me):
        return False
    if not await one_is_left(turn):
        return False
    return await tx.pairs.gather(me, buddy_id)


def _is_on(action: Action | None, now: datetime) -> bool:
    return action is not None and action.state == PUBLISHED and action.starts_at > now


async def welcomed_by(turn: Turn, action: Action) -> list[Pair]:
    """Their pairs with those who welcome them at this action."""
    tx, found = turn.tx, []
    for pair in await tx.pairs.known_of(turn.person.id):
        other = pair.other(turn.person.id)
        if pair.state == GATHERED and (action.host_id == other or await tx.actions.signup(action.id, other)):
            found.append(pair)
    return found
