"""What people ask of the bot about meeting someone: to look for a buddy, to answer an offer, to say that they met."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from bot import people
from bot.do.base import DONE, Deed
from bot.others import tell
from bot.pairing import harvest, life, seeking
from flows.model import Did
from flows.times import zone
from storage.buddies import CLEAR
from storage.cards import OVER
from storage.pairs import BUDDY, DECLINED, GATHERED, INTRODUCED, OFFERED, SUPPORTER, Pair

MOST_CAPACITY = 20
"""Newcomers whom one person can look after at once, whatever they write."""


async def find_buddy(deed: Deed) -> Did:
    """Asks the best buddy who is free; where nobody is, they wait and are looked after as soon as somebody is.

    Not possible either for whom the rules have no place, or who was introduced to enough people for a month.
    """
    if not seeking.may_seek(deed):
        return Did("not_possible")
    await deed.tx.ledger.add(deed.person.id, "asked for a buddy", deed.conversation.flow)
    someone = await seeking.has_someone(deed)
    if someone:
        return Did("not_possible" if someone == INTRODUCED else "offered")
    if await harvest.knows_enough(deed):
        await harvest.asked_on(deed, deed.conversation.flow)
        return Did("not_possible")
    if await seeking.seek(deed) is not None:
        return Did("offered")
    await seeking.wait(deed)
    return Did("nobody")


async def another_buddy(deed: Deed) -> Did:
    """Ends the pair this is about (or the only one they have), and looks for another buddy."""
    pair = await _pair(deed)
    if pair is not None:
        await life.ended(deed, pair, "another wanted")
    return await find_buddy(deed)


async def answer_offer(deed: Deed) -> Did:
    """A buddy's yes introduces both; a no goes quietly to the next. `gone`: it was answered, or time was up."""
    pair = await _pair(deed)
    if pair is None or pair.state != OFFERED or pair.buddy_id != deed.person.id:
        return Did("gone")
    if str(deed.arguments.get("answer")) == "yes":
        return Did("taken" if await life.accepted(deed, pair) else "gone")
    await life.turned_down(deed, pair, DECLINED, "declined")
    await harvest.noticed(deed, harvest.DECLINED, deed.conversation.flow, f"pair:{pair.id}")
    return Did("taken")


async def share_contact(deed: Deed) -> Did:
    """They would swap contact details: both see the other's once both have said so."""
    pair = await _pair(deed)
    if pair is None or pair.state != INTRODUCED:
        return Did("waiting")
    pair = _with(pair, deed, "shared_at", deed.tx.now)
    await deed.tx.pairs.save(pair)
    if pair.supporter_shared_at is None or pair.buddy_shared_at is None:
        return Did("waiting")
    for person_id in (pair.supporter_id, pair.buddy_id):
        await tell(deed.tx, person_id, "pair.shared", {"pair": pair.id})
    return Did("both")


async def met(deed: Deed) -> Did:
    """What one of the two says to "did you meet?". Two yeses are a connection; "wrong" freezes the pair at once."""
    pair = await _pair(deed)
    answer = str(deed.arguments.get("answer") or "")
    if pair is None or pair.state not in (INTRODUCED, GATHERED):
        return DONE
    if answer == "wrong":
        people.begun(deed)
        await life.frozen(deed, pair, "it felt wrong")
        return DONE
    pair = _with(pair, deed, "met", answer)
    if pair.supporter_met == pair.buddy_met == "yes":
        at = pair.met_at or deed.tx.now
        pair = replace(pair, supporter_met="", buddy_met="", met_at=at, meetings=pair.meetings + 1)
        for person_id in (pair.supporter_id, pair.buddy_id):
            await tell(deed.tx, person_id, "pair.met", {"pair": pair.id}, once=str(pair.meetings))
    await deed.tx.pairs.save(pair)
    return DONE


async def end_pair(deed: Deed) -> Did:
    """Ends the pair this is about, or the only one they have."""
    pair = await _pair(deed)
    if pair is not None:
        await life.ended(deed, pair, "ended")
    return DONE


async def become_buddy(deed: Deed) -> Did:
    """They would welcome newcomers; a coordinator approves."""
    buddy = await deed.tx.buddies.get(deed.person.id)
    capacity = _capacity(deed.arguments.get("capacity"), deed.world.pairing.capacity)
    await deed.tx.buddies.serve(deed.person.id, role=BUDDY, capacity=capacity)
    if buddy is not None and buddy.approved_at is not None:
        return Did("already")
    body = {"place": deed.fields.get("place") or "", "capacity": capacity}
    await deed.tx.cards.add("buddy_to_approve", f"person:{deed.person.id}", deed.person.id, body)
    await deed.tx.ledger.add(deed.person.id, "asked to be a buddy", deed.conversation.flow)
    return Did("asked")


async def set_away(deed: Deed) -> Did:
    """No newcomers until that day, in their own zone; what they were asked goes to the next, and those they look after
    hear of it. Without a day: they are back."""
    if deed.arguments.get("until") is None:
        await deed.tx.buddies.serve(deed.person.id, away_until=CLEAR)
        return DONE
    until = _day(deed.arguments.get("until"), deed)
    await deed.tx.buddies.serve(deed.person.id, away_until=until)
    if until is not None and until > deed.tx.now:
        await life.goes_away(deed)
    return DONE


async def step_down(deed: Deed) -> Did:
    """They are no buddy any more: what they were asked goes to the next, and who knew them hears that it is over.

    Whom they met as a newcomer stays. To be a buddy again, they ask again.
    """
    tx, me = deed.tx, deed.person.id
    if await tx.buddies.get(me) is None:
        return DONE
    await life.helps_nobody(deed, "stepped down")
    await tx.buddies.serve(me, role=SUPPORTER, approved_at=CLEAR, away_until=CLEAR)
    await tx.buddies.set_load(me, 0)
    asked = await tx.cards.about("buddy_to_approve", f"person:{me}")
    if asked is not None:
        await tx.cards.act(asked.id, OVER, "")
    await tx.ledger.add(me, "stopped being a buddy", deed.conversation.flow)
    return DONE


async def _pair(deed: Deed) -> Pair | None:
    """The pair this is about, locked; where it is about none, the only one in which they know each other."""
    number = deed.about("pair")
    if number is None:
        known = [pair for pair in await deed.tx.pairs.open_of(deed.person.id) if pair.state == INTRODUCED]
        number = known[0].id if len(known) == 1 else None
    pair = await deed.tx.pairs.lock(number) if number is not None else None
    return pair if pair is not None and deed.person.id in (pair.supporter_id, pair.buddy_id) else None


def _with(pair: Pair, deed: Deed, what: str, value: str | datetime) -> Pair:
    """The pair with what this one of the two says."""
    said: dict[str, Any] = {f"{pair.role_of(deed.person.id)}_{what}": value}
    return replace(pair, **said)


def _capacity(written: object, usual: int) -> int:
    read = str(written).partition(".")[0]
    return max(1, min(MOST_CAPACITY, int(read) if read.isascii() and read.isdigit() else usual))


def _day(written: object, deed: Deed) -> datetime | None:
    try:
        day = written.date() if isinstance(written, datetime) else date.fromisoformat(str(written))
    except ValueError:
        return None
    return datetime.combine(day, time(), zone(deed.zone)).astimezone(UTC)
