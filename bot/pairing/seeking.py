"""A supporter's search for a buddy: who they are to the rules, and asking the best who is free."""

from dataclasses import replace
from itertools import chain

from bot.do.base import Turn
from bot.others import tell
from bot.pairing.harvest import knows_enough
from bot.pairing.reasons import write
from bot.pairing.rules import Helper, Never, Wish, forbidden, weigh
from flows.model import Value
from storage.buddies import Buddy, Seeker
from storage.pairs import GATHERED, INTRODUCED, OFFERED, WANTED
from storage.people import ACTIVE, Person

YES = "yes"
"""How a yes to a question is kept."""

UNREACHED = "unreached"
"""What a buddy is to the rules whom nothing reaches just now: not active, whatever else."""

MOST_TRIED = 50
"""Buddies looked at in one turn; in memory they looked free, and in the database they were not."""


async def seek(turn: Turn, first: int = 0) -> int | None:
    """Asks the best buddy who is free for this supporter; the pair's number. None: nobody can be asked now.

    Nor while they cannot be reached. `first` is tried before all others: the one whom a batch chose, knowing who else
    waits.
    """
    tx, pairing = turn.tx, turn.world.pairing
    if not turn.person.reachable:
        return None
    known = {pair.other(turn.person.id) for pair in await tx.pairs.of(turn.person.id) if pair.state != GATHERED}
    apart = known | await tx.people.blocked(turn.person.id)
    wish = wish_of(turn, frozenset(apart))
    terms = pairing.terms(tx.now)
    others = (candidate.id for candidate, _ in turn.world.pool.best(wish, terms, apart))
    for tried, candidate in enumerate(chain([first] if first else [], others)):
        if tried == MOST_TRIED:
            return None
        buddy = await tx.buddies.get(candidate)
        if buddy is None:
            continue
        load = sum(pair.buddy_id == buddy.id for pair in await tx.pairs.open_of(buddy.id))
        verdict = weigh(wish, helper_of(buddy, load), terms)
        if isinstance(verdict, Never):
            continue
        state = WANTED if pairing.approval else OFFERED
        reasons = [write(reason) for reason in verdict.reasons]
        pair_id = await tx.pairs.propose(
            turn.person.id, buddy.id, state, verdict.cost, reasons, tx.now + pairing.answer_within
        )
        if pair_id is None:
            continue
        await tx.buddies.set_waiting(turn.person.id, None)
        if pairing.approval:
            body = {"pair": str(pair_id), "reasons": reasons}
            await tx.cards.add("match_to_approve", f"pair:{pair_id}", turn.person.id, body)
        else:
            await tell(tx, buddy.id, "pair.offered", {"pair": pair_id})
        return pair_id
    return None


async def again(turn: Turn, first: int = 0) -> bool:
    """Whether somebody is (or was) asked for a supporter who still wants a buddy; where nobody is free, they wait.

    `first` as in `seek`.
    """
    if turn.person.status != ACTIVE or not may_seek(turn) or await knows_enough(turn):
        await turn.tx.buddies.set_waiting(turn.person.id, None)
        return False
    if any(pair.supporter_id == turn.person.id for pair in await turn.tx.pairs.open_of(turn.person.id)):
        return True
    if not turn.person.reachable:
        # They keep their place; whoever looks for them next finds that they have written, or leaves it.
        await turn.tx.buddies.set_waiting(turn.person.id, turn.tx.now)
        return False
    if await seek(turn, first) is not None:
        return True
    await wait(turn)
    return False


async def wait(turn: Turn) -> None:
    """From now on (or still) they wait for a buddy, and coordinators can see it."""
    await turn.tx.buddies.set_waiting(turn.person.id, turn.tx.now)
    body = {"place": turn.fields.get("place") or ""}
    await turn.tx.cards.add("nobody_near", f"person:{turn.person.id}", turn.person.id, body)


def may_seek(turn: Turn) -> bool:
    """Whether this person can be introduced at all: they agreed, are old enough, live somewhere we know, and no
    coordinator has muted them."""
    old_enough = turn.world.pairing.minimum_age <= 0 or turn.fields.get("adult") == YES
    agreed = "pair" in texts(turn.fields.get("consented")) and not turn.muted
    return agreed and old_enough and bool(turn.person.district)


async def has_someone(turn: Turn) -> str:
    """The state of their pair as a supporter, if one is open: "introduced", "offered", "wanted"; else ""."""
    states = {pair.state for pair in await turn.tx.pairs.open_of(turn.person.id) if pair.supporter_id == turn.person.id}
    return next((state for state in (INTRODUCED, OFFERED, WANTED) if state in states), "")


def wish_of(turn: Turn, not_with: frozenset[int]) -> Wish:
    """This supporter, as the rules see them."""
    return _wish(replace(turn.person, language=turn.language, fields=turn.fields), not_with)


def _wish(person: Person, not_with: frozenset[int] = frozenset()) -> Wish:
    fields = person.fields
    return Wish(
        id=person.id,
        languages=_languages(person.language, fields.get("languages")),
        interests=texts(fields.get("interests")),
        times=texts(fields.get("times")),
        cell=person.district,
        adult=fields.get("adult") == YES,
        consented="pair" in texts(fields.get("consented")),
        joined=person.created_at,
        not_with=not_with,
    )


async def never_by_now(turn: Turn, supporter: Person) -> str | None:
    """Why a buddy who has said yes and this supporter may not be introduced any more, by what both have told since they
    were thought of; None: they may. The buddy's room, or a break they take, is no reason: they said yes."""
    buddy = await turn.tx.buddies.get(turn.person.id)
    if buddy is None:
        return "not active"
    willing = replace(helper_of(buddy, 0), capacity=1, away_until=None)
    return forbidden(_wish(supporter), willing, turn.world.pairing.terms(turn.tx.now))


def seeker_wish(seeker: Seeker) -> Wish:
    """Someone who waits, as the rules see them."""
    fields = seeker.fields
    return Wish(
        id=seeker.id,
        languages=_languages(seeker.language, fields.get("languages")),
        interests=texts(fields.get("interests")),
        times=texts(fields.get("times")),
        cell=seeker.district,
        adult=fields.get("adult") == YES,
        consented="pair" in texts(fields.get("consented")),
        waiting_since=seeker.waiting_since,
        joined=seeker.created_at,
        not_with=seeker.apart,
    )


def helper_of(buddy: Buddy, load: int | None = None) -> Helper:
    """A buddy, as the rules see them; `load` where it is known better."""
    fields = buddy.fields
    return Helper(
        id=buddy.id,
        languages=_languages(buddy.language, fields.get("languages")),
        interests=texts(fields.get("interests")),
        times=texts(fields.get("times")),
        cell=buddy.district,
        adult=fields.get("adult") == YES,
        approved=buddy.approved_at is not None,
        away_until=buddy.away_until,
        capacity=buddy.capacity,
        load=buddy.load if load is None else load,
        status=buddy.status if buddy.reachable else UNREACHED,
        joined=buddy.created_at,
        consented="pair" in texts(fields.get("consented")),
    )


def texts(value: Value) -> tuple[str, ...]:
    """A list as it is kept; one text is a list of it."""
    return value if isinstance(value, tuple) else (value,) if isinstance(value, str) and value else ()


def _languages(first: str, more: Value) -> tuple[str, ...]:
    return tuple(dict.fromkeys((first, *texts(more))))
