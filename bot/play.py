"""Drives an exchange on a database: gives new conversations their numbers, has done what it asks, stores the rest."""

from collections.abc import Mapping
from dataclasses import replace

from bot import named, people, relay
from bot.do.base import Deed, Turn
from bot.doing import perform
from bot.facts import gather
from bot.outcome import keep, keep_fields
from flows import phrases
from flows.engine import state_of
from flows.exchange import Begin, Exchange, Incoming, Perform, Reply, Start
from flows.model import NOTHING, Conversation, Facts, Happened, Said, Value
from flows.states import AskState

GONE = frozenset({"stop", "forget_me"})
"""Who has done one of these needs no way out."""


_ON_LIST_OR_OFF = frozenset({"signed_up", "waiting_list", "done"})
"""How signing up and cancelling turn out where they answer whether somebody comes."""


async def play(
    turn: Turn, incoming: Incoming, *, always: bool = False, priority: int = 0, unsure: bool = False
) -> None:
    """Lets it happen to this person, in this turn; it may be called again for what comes next.

    `always`: what is said goes out although they have stopped. `priority` is that of the messages. The last of them can
    be answered with *stop* by one press where it answers nothing that they said, or the first word they wrote.
    `unsure`: what they wrote may not be meant for whom they know; they are asked before it is passed on.
    """
    unasked = turn.first or not isinstance(incoming, Said)
    if isinstance(incoming, Said):
        incoming = _placed(turn, incoming)
    also = incoming.data if isinstance(incoming, Happened) else NOTHING
    if isinstance(incoming, Start):
        # It reads nothing before it has begun, and then all is gathered with the new conversation.
        facts = Facts(turn.person.id, zone=turn.zone, language=turn.language)
    else:
        facts = await gather(turn, turn.conversations, also)
    relays = bool(turn.fields.get("has_buddy"))
    pair = await relay.only_pair(turn) if relays else ""
    human = await people.since(turn) if isinstance(incoming, Said) else None
    turn.conversations = tuple(_as_asked(turn, each) for each in turn.conversations)
    exchange = Exchange(turn.library, turn.conversations, facts, turn.tx.now, turn.first, relays, pair, human)
    exchange.forget_pairs(map(str, turn.over), but=0)
    playing = exchange.play(incoming)
    reply: Reply | None = None
    try:
        while True:
            request = playing.send(reply) if reply is not None else next(playing)
            if isinstance(request, Perform):
                reply = await _performed(turn, exchange, request, also)
            else:
                reply = await _begun(turn, exchange, request, also)
    except StopIteration:
        _know(turn.fields, exchange)
    turn.first = False
    turn.conversations = tuple(each for each in exchange.conversations.values() if each.id not in exchange.ended)
    if unasked and exchange.said and not turn.done & GONE:
        number, last = exchange.said[-1]
        exchange.said[-1] = number, replace(last, leave=turn.words(phrases.STOP_COMMAND))
    await keep(turn, exchange, always=always or "stop" in turn.done, priority=priority)
    if exchange.heard:
        await people.pass_on(turn, exchange.heard)
    if exchange.relayed:
        await relay.pass_on(turn, exchange.relayed, unsure=unsure or exchange.unsure)


async def _performed(turn: Turn, exchange: Exchange, request: Perform, also: Mapping[str, Value]) -> Reply:
    _know(turn.fields, exchange)
    await keep_fields(turn)
    deed = Deed(
        tx=turn.tx,
        world=turn.world,
        library=turn.library,
        person=turn.person,
        fields=turn.fields,
        conversations=tuple(exchange.conversations.values()),
        conversation=request.conversation,
        arguments=request.do.arguments,
        over=turn.over,
        others=turn.others,
    )
    did = await perform(request.do.name, deed)
    exchange.forget_pairs(map(str, turn.over), but=request.conversation.id)
    if request.do.name == "become_buddy":
        exchange.forget_greeting(but=request.conversation.id)
    if request.do.name in ("sign_up", "cancel_sign_up") and did.outcome in _ON_LIST_OR_OFF:
        off = request.do.name == "cancel_sign_up"
        exchange.forget_action(str(deed.about("action") or ""), but=request.conversation.id, off=off)
    turn.person = deed.person
    turn.done.add(request.do.name)
    # What it came to may be what the conversation is about from now on: the nearest action.
    here = request.conversation
    came_to = {here.id: here.with_(answers={**here.answers, **did.data})} if did.data else {}
    return did, await gather(turn, tuple({**exchange.conversations, **came_to}.values()), also)


async def _begun(turn: Turn, exchange: Exchange, request: Begin, also: Mapping[str, Value]) -> Reply:
    begun = Conversation(
        0, request.flow, turn.library.version, "", turn.tx.now, answers=request.answers, about=request.about
    )
    number = await turn.tx.conversations.add(turn.person.id, begun, None)
    await turn.tx.ledger.add(turn.person.id, "began", request.flow)
    return number, await gather(turn, (*exchange.conversations.values(), begun), also)


def _know(fields: dict[str, Value], exchange: Exchange) -> None:
    """Each save counts once: what a `do` makes of a field afterwards stays."""
    fields.update(exchange.saves)
    exchange.saves.clear()


def _as_asked(turn: Turn, conversation: Conversation) -> Conversation:
    asked = named.shown(turn, conversation.asked)
    return conversation if asked == conversation.asked else conversation.with_(asked=asked)


def _placed(turn: Turn, said: Said) -> Said:
    """While a place is asked for, what they write is looked up: a district, several, or a name that nobody knows."""
    if said.place is not None or not said.text or said.choice is not None:
        return said
    states = [(each, state_of(turn.library, each)) for each in turn.conversations]
    asked = [each for each, state in states if isinstance(state, AskState) and state.expect == "place"]
    if not asked:
        return said
    offered = next((each.offered for each in asked if each.offered), ())
    places = turn.world.among(offered, said.text) if offered else []
    places = places or turn.world.candidates(said.text)
    if len(places) > 1:
        return replace(said, places=tuple(place.full_name for place in places))
    return replace(said, place=places[0].name if places else "")
