"""A pair's life: what becomes of it in the turns of the two. Each turn writes its own person, and the pair."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.do.base import Turn
from bot.others import leave, tell
from bot.pairing import gatherings
from bot.pairing.seeking import never_by_now
from bot.restraint import quiet_until
from storage.cards import OVER
from storage.pairs import BUDDY, DECLINED, ENDED, FROZEN, INTRODUCED, LAPSED, OFFERED, OPEN, Pair
from storage.people import ACTIVE
from storage.transaction import Transaction

_FOUND_NOBODY = (DECLINED, LAPSED)


async def arrived(turn: Turn, name: str, about: Mapping[str, str]) -> bool:
    """What a happening changes for the person it reaches. False: it is past by now, and nobody is to hear of it."""
    if name == "pair.offered":
        return await _offered(turn, int(about["pair"]))
    if name == "gathering.wanted":
        return await gatherings.may_be_asked(turn)
    if name == "pair.met":
        meetings = turn.fields.get("meetings")
        turn.fields["meetings"] = (meetings if isinstance(meetings, int) else 0) + 1
    if name == "pair.introduced":
        # While nobody was found they were asked to come to something meanwhile: that is no question any more.
        turn.over.update(each.id for each in await turn.tx.pairs.of(turn.person.id) if each.state in _FOUND_NOBODY)
    if name in ("pair.introduced", "pair.ended", "buddy.approved"):
        await settle(turn)
    return True


async def settle(turn: Turn) -> None:
    """What is kept about a person of their pairs is as the pairs are: whether they have a buddy, how many they look
    after, and that who has found someone waits no more."""
    pairs = await turn.tx.pairs.open_of(turn.person.id)
    turn.fields["has_buddy"] = any(pair.state == INTRODUCED for pair in pairs)
    mine = {pair.state for pair in pairs if pair.supporter_id == turn.person.id}
    if INTRODUCED in mine:
        await waits_no_more(turn)
    elif mine:
        await turn.tx.buddies.set_waiting(turn.person.id, None)
    if turn.person.role == BUDDY:
        newcomers = [pair for pair in pairs if pair.buddy_id == turn.person.id]
        await turn.tx.buddies.set_load(turn.person.id, len(newcomers))


async def waits_no_more(turn: Turn) -> None:
    """They look for nobody any more: nor need coordinators."""
    await turn.tx.buddies.set_waiting(turn.person.id, None)
    card = await turn.tx.cards.about("nobody_near", f"person:{turn.person.id}")
    if card is not None:
        await turn.tx.cards.act(card.id, OVER, "")


async def _offered(turn: Turn, pair_id: int) -> bool:
    """The buddy is to be asked. Where they cannot be (full by now, away, stopped), the next one is."""
    pair = await turn.tx.pairs.lock(pair_id)
    if pair is None or pair.state != OFFERED:
        return False
    me = turn.person
    buddy = await turn.tx.buddies.get(me.id)
    mine = [each for each in await turn.tx.pairs.open_of(me.id) if each.buddy_id == me.id]
    away = buddy is None or (buddy.away_until is not None and buddy.away_until > turn.tx.now)
    supporter = await turn.tx.people.get(pair.supporter_id)
    nobody = supporter is None or not (supporter.reachable and me.reachable)
    if buddy is None or away or nobody or me.status != ACTIVE or turn.muted or len(mine) > buddy.capacity:
        await turned_down(turn, pair, DECLINED, "not free")
        return False
    asked = quiet_until(turn) or turn.tx.now
    await turn.tx.pairs.save(replace(pair, offered_at=asked, answer_by=asked + turn.world.pairing.answer_within))
    await settle(turn)
    return True


async def accepted(turn: Turn, pair: Pair) -> bool:
    """The buddy said yes to a locked pair: both are introduced. False: the supporter cannot be reached any more, or a
    hard rule stands between them by now."""
    now, supporter = turn.tx.now, await turn.tx.people.get(pair.supporter_id)
    if supporter is None or not supporter.reachable:
        why: str | None = "not reached"
    else:
        why = await never_by_now(turn, supporter)
    if why is not None:
        await turned_down(turn, pair, DECLINED, why)
        return False
    await turn.tx.pairs.save(replace(pair, state=INTRODUCED, answered_at=now, introduced_at=now))
    for person_id in (pair.supporter_id, pair.buddy_id):
        await tell(turn.tx, person_id, "pair.introduced", {"pair": pair.id})
    reasons = list(pair.reasons)
    await turn.tx.cards.add("match", f"pair:{pair.id}", turn.person.id, {"pair": str(pair.id), "reasons": reasons})
    return True


async def turned_down(turn: Turn, pair: Pair, state: str, why: str) -> None:
    """The buddy of a locked pair will not meet this supporter, who gets the next one without hearing of it."""
    await turn.tx.pairs.save(replace(pair, state=state, answered_at=turn.tx.now, ended_at=turn.tx.now, why=why))
    turn.over.add(pair.id)
    await settle(turn)
    await leave(turn.tx, pair.supporter_id, "search", {"pair": str(pair.id)}, f"{pair.id}")


async def lapsed(turn: Turn, pair_id: int) -> None:
    """Time is up for a buddy's answer."""
    pair = await turn.tx.pairs.lock(pair_id)
    if pair is not None and pair.state == OFFERED and pair.answer_by is not None and pair.answer_by <= turn.tx.now:
        await turned_down(turn, pair, LAPSED, "no answer")


async def unreached(turn: Turn) -> None:
    """Nothing reaches them: what they were asked goes to the next at once."""
    for each in await turn.tx.pairs.open_of(turn.person.id) if not turn.person.reachable else ():
        pair = await turn.tx.pairs.lock(each.id) if each.buddy_id == turn.person.id else None
        if pair is not None and pair.state == OFFERED:
            await turned_down(turn, pair, LAPSED, "not reached")


async def ended(turn: Turn, pair: Pair, why: str) -> None:
    """One of the two ends a locked pair; the other hears of it only if they knew of each other."""
    await turn.tx.pairs.save(replace(pair, state=ENDED, ended_at=turn.tx.now, why=why))
    turn.over.add(pair.id)
    await turn.tx.ledger.add(turn.person.id, "ended a pair", subject=f"pair:{pair.id}", detail=why)
    await settle(turn)
    await part(turn.tx, turn.person.id, [pair])


async def frozen(turn: Turn, pair: Pair, why: str) -> None:
    """Something felt wrong in a locked pair: nothing passes between them any more, and the other is told nothing."""
    tx, me = turn.tx, turn.person.id
    other = pair.other(me)
    await tx.pairs.save(replace(pair, state=FROZEN, ended_at=tx.now, why="felt wrong"))
    await tx.people.block(me, other)
    await tx.ledger.add(me, "pair.wrong", subject=f"pair:{pair.id}")
    await settle(turn)
    await leave(tx, other, "settle", {}, f"frozen:{pair.id}")
    others = [each.id for each in await tx.pairs.of(other) if each.id != pair.id and each.state in OPEN]
    body = {"pair": str(pair.id), "about": why, "other": other, "others": ", ".join(map(str, others))}
    await tx.cards.add("report", f"pair:{pair.id}", me, body, urgent=True)


async def leaves(turn: Turn, why: str) -> None:
    """Someone stops, goes away for good or wants to meet nobody: what they were asked, or asked for, is over."""
    await waits_no_more(turn)
    await _over(turn, await turn.tx.pairs.open_of(turn.person.id), why)


async def helps_nobody(turn: Turn, why: str) -> None:
    """A buddy's pairs are over; those in which they are the newcomer are not."""
    mine = await turn.tx.pairs.open_of(turn.person.id)
    await _over(turn, [pair for pair in mine if pair.buddy_id == turn.person.id], why)


async def _over(turn: Turn, pairs: Iterable[Pair], why: str) -> None:
    for each in pairs:
        pair = await turn.tx.pairs.lock(each.id)
        if pair is None or pair.state not in OPEN:
            continue
        if pair.state == OFFERED and pair.buddy_id == turn.person.id:
            await turned_down(turn, pair, DECLINED, why)
        else:
            await ended(turn, pair, why)


async def goes_away(turn: Turn) -> None:
    """A buddy takes a break: what they were asked goes to the next, and those they look after hear of it."""
    tx, me = turn.tx, turn.person.id
    for each in await tx.pairs.open_of(me):
        pair = await tx.pairs.lock(each.id) if each.buddy_id == me else None
        if pair is not None and pair.state == OFFERED:
            await turned_down(turn, pair, DECLINED, "away")
        elif pair is not None and pair.state == INTRODUCED:
            await tell(tx, pair.supporter_id, "pair.away", {"pair": pair.id}, once=tx.now.isoformat())


async def cut_off(turn: Turn) -> None:
    """Coordinators have blocked someone: their pairs are frozen, the other of each is told that it is over, and who
    waits for an answer of theirs gets the next."""
    tx, me = turn.tx, turn.person.id
    await tx.buddies.set_waiting(me, None)
    for each in await tx.pairs.open_of(me):
        pair = await tx.pairs.lock(each.id)
        if pair is None or pair.state not in OPEN:
            continue
        await tx.pairs.save(replace(pair, state=FROZEN, ended_at=tx.now, why="blocked"))
        await tx.people.block(me, pair.other(me))
        await part(tx, me, [pair])
    await settle(turn)


async def part(tx: Transaction, who: int, pairs: Iterable[Pair]) -> None:
    """The others of pairs that are over (as they were before): a supporter who waits for an answer gets the next
    buddy; those who knew of each other are told."""
    for pair in pairs:
        other = pair.other(who)
        if pair.state == INTRODUCED:
            await tell(tx, other, "pair.ended", {"pair": pair.id})
        elif other == pair.supporter_id:
            await leave(tx, other, "search", {"pair": str(pair.id)}, f"{pair.id}")
        else:
            await leave(tx, other, "settle", {}, f"ended:{pair.id}")
