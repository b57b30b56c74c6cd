"""What someone said, as it happens in a turn of theirs: when it comes, or later, where the first tries broke."""

import re
from dataclasses import replace
from itertools import product

from bot import codes, moving, other_phone, own_phone, relay
from bot.do.actions import is_code
from bot.do.base import Turn
from bot.outcome import say_to
from bot.pairing import harvest
from bot.play import play
from bot.restraint import quiet_until
from flows import phrases
from flows.engine import state_of
from flows.exchange import START, Start, returns, word_in
from flows.model import Flow, Said, Say
from flows.prepared import prepared
from flows.states import AskState
from storage.pairs import INTRODUCED, SUPPORTER
from storage.people import ACTIVE, STOPPED

_INTRODUCED = "pair.introduced"

_FOUR_DIGITS = re.compile(r"\d{4}")


async def hear(turn: Turn, said: Said) -> None:
    """Answers it. Who has said *stop* is answered too, and written to again only once they wish it."""
    if await other_phone.written(turn, said):
        return
    if not turn.person.preferred:
        await moving.wrote_from_here(turn)
    if turn.person.status == STOPPED:
        await _after_stop(turn, said)
    elif await own_phone.claim(turn.tx, said.text, turn.person.id):
        await say_to(turn, None, [Say(turn.words(phrases.YOUR_PHONE))])
    elif not await relay.named(turn, said) and not await relay.pressed(turn, said):
        said = await _as_code(turn, said)
        await play(turn, said, unsure=said.choice is None and await _introduced_meanwhile(turn))


async def _as_code(turn: Turn, said: Said) -> Said:
    """Four digits that no open question takes are the code of where they are: they need not wait until it is asked for,
    nor be quick about it. It is as if they had read it off the host's telephone."""
    states = [state_of(turn.library, each) for each in turn.conversations]
    taken = any(isinstance(state, AskState) and state.expect not in (None, "yes_no") for state in states)
    if said.choice is not None or taken or not _FOUR_DIGITS.fullmatch(said.text.strip()):
        return said
    link = f"{START} {codes.HERE}-{said.text.strip()}"
    is_known = bool(prepared(turn.library).link(link)[0])
    return replace(said, text=link) if is_known and await is_code(turn, said.text) else said


async def _introduced_meanwhile(turn: Turn) -> bool:
    """Who writes in their quiet hours is awake, and hears first to whom they were introduced since these began; whether
    there is anybody: what they wrote was written before they knew."""
    if not turn.fields.get("has_buddy") or quiet_until(turn) is None:
        return False
    tx, me = turn.tx, turn.person.id
    flows = [flow.name for flow in turn.library.flows.values() if _introduces(flow)]
    known = {f"pair:{pair.id}": pair.id for pair in await tx.pairs.open_of(me) if pair.state == INTRODUCED}
    lines = [line for line in await tx.ledger.of(me) if line.what == _INTRODUCED and line.subject in known]
    heard = False
    for name, line in product(flows, lines):
        if await tx.moments.begin(name, line.subject, me, str(line.id)):
            await play(turn, Start(name, {"pair": str(known[line.subject])}))
            heard = True
    return heard


def _introduces(flow: Flow) -> bool:
    moment = flow.starts.moment
    if moment is None or moment.days or moment.offset:
        return False
    return (moment.happening, moment.who) == (_INTRODUCED, "both")


async def _after_stop(turn: Turn, said: Said) -> None:
    word = word_in(turn.library, said.text, turn.person.role or SUPPORTER) if said.choice is None else None
    if not word.anytime if word else said.choice is None and returns(said.text):
        await turn.tx.people.save(turn.person.id, turn.fields, status=ACTIVE)
        await harvest.noticed(turn, harvest.RESUMED)
        await play(turn, said)
    elif word or turn.conversations:
        # Asking for help, or to be forgotten, is no wish to be written to again: only this is answered.
        await play(turn, said, always=True)
    else:
        await say_to(turn, None, [Say(turn.words(phrases.STOPPED))], always=True)
