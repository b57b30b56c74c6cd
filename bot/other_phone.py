"""One person on several phones and apps: they ask for a code on one, and write it on the other.

Whoever writes it becomes the one who asked for it, and not the other way round: a code that somebody else gave you must
never open what is yours to them. And only someone who has done no more than write becomes somebody else.
"""

from dataclasses import replace
from datetime import timedelta

from bot import joining, moving
from bot.channels.base import Inbound
from bot.do.base import Turn
from bot.others import leave
from bot.outcome import say_to
from bot.phone_codes import read_code
from bot.play import play
from flows import phrases
from flows.engine import state_of
from flows.model import Again, Said, Say
from flows.states import AskState
from storage.people import ACTIVE, LEAVING, Loaded
from storage.transaction import Transaction

MOST_TRIES = 5
"""Wrong codes that an address may write within an hour."""

_WRONG = "wrong code"


async def comes(tx: Transaction, inbound: Inbound, said: Said) -> Loaded | None:
    """Who it is that writes their code from an address that nobody knows: it is theirs from now on."""
    code = read_code(said)
    person_id = await _owner(tx, code) if code else None
    # They are locked before their code is: that is the order in which they are forgotten.
    if person_id is None or await tx.people.load(person_id) is None:
        return None
    await tx.people.add_address(person_id, inbound.channel, inbound.account, inbound.address)
    return await tx.people.lock_and_load(inbound.channel, inbound.account, inbound.address)


async def written(turn: Turn, said: Said) -> bool:
    """Whether a message is a code for another phone; then everything that follows from it is done."""
    typed = read_code(said)
    code = typed or joining.code_in(said)
    if not code:
        return False
    tx, person = turn.tx, turn.person
    if typed and await tx.ledger.times(person.id, _WRONG, tx.now - timedelta(hours=1)) >= MOST_TRIES:
        return await _answer(turn, phrases.TOO_MANY_CODES)
    owner = await _owner(tx, code)
    if owner is None and not typed:
        return False
    if owner is None:
        await tx.ledger.add(person.id, _WRONG)
        return not _may_be_an_answer(turn) and await _answer(turn, phrases.UNKNOWN_CODE)
    if owner == person.id and not turn.first:
        return await _answer(turn, phrases.OWN_CODE)
    if owner != person.id and not await tx.addresses.only_wrote(person.id):
        return await _answer(turn, phrases.SOMEBODY_ELSE)
    if await tx.links.use(code) is None:
        return await _answer(turn, phrases.UNKNOWN_CODE)
    if owner == person.id:
        turn.first = False
        await joined(turn, person.address_id)
    else:
        await _become(turn, owner)
    return True


async def joined(turn: Turn, address_id: int) -> None:
    """One more address is this person's: they are told so there, and on all the others; and the open question is asked
    there again."""
    tx, addresses = turn.tx, await turn.tx.addresses.of(turn.person.id)
    new = next((each for each in addresses if each.id == address_id), None)
    if new is None:
        return
    await tx.ledger.add(turn.person.id, "other phone", detail=new.channel)
    told = turn.words(phrases.OTHER_PHONE_JOINED, where=new.channel.capitalize())
    for each in addresses:
        if each.id != new.id:
            await tx.outbox.add(turn.person, each.id, None, [Say(told)], always=True)
    turn.person = replace(turn.person, address_id=new.id, channel=new.channel, account=new.account)
    name = str(turn.fields.get("name") or "")
    await _answer(turn, turn.words(phrases.SAME_PERSON, name=name) if name else phrases.SAME_PERSON_UNNAMED)
    await moving.wrote_from_here(turn)
    if turn.person.status == ACTIVE:
        await play(turn, Again())


async def _become(turn: Turn, owner: int) -> None:
    """The stranger who wrote the code is gone: their addresses are its owner's, who hears of it in a turn of their
    own."""
    tx, person = turn.tx, turn.person
    addresses = await tx.addresses.of(person.id)
    here = next(each.place for each in addresses if each.id == person.address_id)
    await tx.people.forget(person.id)
    for each in addresses:
        await tx.people.add_address(owner, *each.place)
    await tx.ledger.hand_on(person.id, owner)
    new = next(each.id for each in await tx.addresses.of(owner) if each.place == here)
    await leave(tx, owner, "other phone", {"address": str(new)}, str(person.id))


async def _owner(tx: Transaction, code: str) -> int | None:
    """Whose code it is; nobody's, where they are about to be forgotten."""
    number = await tx.links.whose(code)
    owner = None if number is None else await tx.people.get(number)
    # Someone who was invited has no address yet.
    return None if owner is not None and owner.status == LEAVING else number


async def _answer(turn: Turn, sentence: str) -> bool:
    await say_to(turn, None, [Say(turn.words(sentence))], always=True)
    return True


def _may_be_an_answer(turn: Turn) -> bool:
    """Whether a question is open to which such signs can be the answer."""
    asked = (state_of(turn.library, each) for each in turn.conversations)
    return any(isinstance(state, AskState) and state.expect in ("text", "code") for state in asked)
