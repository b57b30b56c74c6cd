"""What another turn, a command or the clock left for a person, as it happens in a turn of theirs."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from bot import actions, blocking, companions, other_phone, people
from bot.do.actions import move_up
from bot.do.attendance import came
from bot.do.base import Turn
from bot.hearing import hear
from bot.outcome import keep_fields, say_to
from bot.pairing import gatherings, life, patience, seeking
from bot.play import play
from bot.reminders import NEARBY, column
from bot.restraint import quiet_until
from flows import phrases
from flows.exchange import Start
from flows.model import Flow, Happened, Moment, Said, Say, Value
from flows.prepared import prepared
from flows.text import capital
from storage.actions import CANCELLED
from storage.outbox import BROADCAST
from storage.pairs import BUDDY, GATHERED, INTRODUCED, OFFERED, SUPPORTER
from storage.people import ACTIVE
from storage.signups import GOING, MAYBE, YES

Body = Mapping[str, Value]

WARNED = "warned of a long quiet"
"""What the ledger says of who was told that they are forgotten soon."""


async def let(turn: Turn, kind: str, body: Body) -> None:
    """Lets it happen. What is of a kind that nobody knows changes nothing."""
    await KINDS.get(kind, _unknown)(turn, body)
    await keep_fields(turn)


async def concerned(turn: Turn, flow: Flow, subject: str) -> list[Mapping[str, str]]:
    """What a flow that begins by itself is about: this pair or action; nothing, where it is past by now.

    One that speaks of the pair at an action begins for each pair of theirs who are both in it, and once where there is
    none, unless it is for `both`.
    """
    moment = flow.starts.moment
    if moment is not None and companions.line_of(moment) == companions.KIND:
        return await companions.concerned(turn, subject)
    what, _, number = subject.partition(":")
    about: Mapping[str, str] = {what: number} if number else {}
    if moment is None or not number.isdigit():
        return [about]
    if what == "action" and not await _concerns(turn, moment, int(number)):
        return []
    if moment.happening == gatherings.CALLED:
        action = await turn.tx.actions.get(int(number))
        pairs = await gatherings.welcomed_by(turn, action) if action else []
        return [{**about, "pair": str(pair.id)} for pair in pairs[:1]]
    if what == "pair":
        pair = await turn.tx.pairs.get(int(number))
        holds = pair is not None and pair.state in _AS_LONG_AS.get(moment.happening, (pair.state,))
        return [about] if holds else []
    if not prepared(turn.library).speaks_of_pair(flow.name):
        return [about]
    states = _MEET if moment.who == "both" else (INTRODUCED,)
    both: list[Mapping[str, str]] = [{**about, "pair": str(each)} for each in await _both_in(turn, int(number), states)]
    return both or ([] if moment.who == "both" else [about])


async def _concerns(turn: Turn, moment: Moment, action_id: int) -> bool:
    """Whether a moment of an action is still for this person. What its own time brings was looked up a moment ago."""
    if column(moment) is None:
        return await _news(turn, moment, action_id)
    if moment.who != NEARBY:
        return True
    action = await turn.tx.actions.get(action_id)
    return action is not None and await actions.invited(turn, action)


async def _news(turn: Turn, moment: Moment, action_id: int) -> bool:
    """Whether what happened to an action is still news for this person, and for whom the flow is."""
    tx, me = turn.tx, turn.person
    action = await tx.actions.get(action_id)
    if action is None or action.ends_at <= tx.now:
        return False
    if moment.happening != "action.cancelled" and action.state == CANCELLED:
        return False
    hosts = action.host_id == me.id
    if moment.who == "host":
        return hosts
    signup = await tx.actions.signup(action_id, me.id)
    comes = signup is not None and (signup.kind, signup.state) == (YES, GOING)
    if moment.who == "signed_up":
        return comes
    if moment.who in (SUPPORTER, BUDDY):
        return (comes or hosts) and (me.role == BUDDY) == (moment.who == BUDDY)
    return moment.who != "maybe" or (signup is not None and signup.kind == MAYBE)


async def begin_by_itself(turn: Turn, flow: Flow, subject: str) -> None:
    """Begins it for all that it is about; a conversation that is under way overtakes it."""
    for about in await concerned(turn, flow, subject):
        await play(turn, Start(flow.name, about), priority=BROADCAST)


_MEET = (INTRODUCED, GATHERED)
"""The states of pairs that are asked whether they met."""

_AS_LONG_AS: Mapping[str, tuple[str, ...]] = {
    "pair.offered": (OFFERED,),
    "pair.introduced": (INTRODUCED,),
    "pair.silent": (INTRODUCED,),
    "pair.away": (INTRODUCED,),
    "pair.shared": (INTRODUCED,),
    "pair.met": _MEET,
}
"""What a pair must still be, for what follows from this to make sense."""


async def _both_in(turn: Turn, action_id: int, states: Collection[str]) -> list[int]:
    """The pairs of this person, in one of these states, who both come to an action or host it; once it has begun, where
    at least one of the two has checked in or hosts it, and the other had said at least maybe."""
    tx = turn.tx
    action = await tx.actions.get(action_id)
    if action is None:
        return []

    kinds = (YES,) if action.starts_at > tx.now else (YES, MAYBE)

    async def there(person_id: int) -> bool | None:
        signup = await tx.actions.signup(action_id, person_id)
        if action.host_id == person_id or (signup is not None and signup.checked_in_at is not None):
            return True
        return False if signup is not None and signup.state == GOING and signup.kind in kinds else None

    me, found = await there(turn.person.id), []
    for pair in await tx.pairs.known_of(turn.person.id) if me is not None else ():
        other = await there(pair.other(turn.person.id))
        seen = me or other or action.starts_at > tx.now
        if pair.state in states and other is not None and seen:
            found.append(pair.id)
    return found


async def _happened(turn: Turn, body: Body) -> None:
    """Something of the vocabulary came true for them: it is in the ledger, and whoever waits for it goes on."""
    name = str(body.get("name"))
    about = {what: str(which) for what, which in body.items() if what in ("pair", "action")}
    if name == "signup.place_free":
        true = await move_up(turn, int(about.get("action") or 0))
    else:
        true = await life.arrived(turn, name, about)
    if not true:
        return
    subject = ",".join(f"{what}:{which}" for what, which in about.items())
    await turn.tx.ledger.add(turn.person.id, name, subject=subject)
    if turn.person.status == ACTIVE:
        await play(turn, Happened(name, about))


async def _begin(turn: Turn, body: Body) -> None:
    """A flow begins, because a coordinator or a command wished so."""
    if turn.person.status == ACTIVE:
        about = {what: str(which) for what, which in body.items() if what in ("pair", "action")}
        flow = turn.library.flows.get(str(body.get("flow")))
        urgent = bool(body.get("at_once")) or (flow is not None and flow.urgent)
        if body.get("broadcast") and not urgent:
            turn.not_before = quiet_until(turn)
        await play(turn, Start(str(body.get("flow")), about), priority=1 if body.get("broadcast") else 0)


async def _moment(turn: Turn, body: Body) -> None:
    """A flow that was to begin by itself, and broke then."""
    flow = turn.library.flows.get(str(body.get("flow")))
    if turn.person.status == ACTIVE and flow is not None:
        await begin_by_itself(turn, flow, str(body.get("subject") or ""))


async def _said(turn: Turn, body: Body) -> None:
    """What they said, and what broke then."""
    choice, question, conversation = body.get("choice"), body.get("question"), body.get("conversation")
    said = Said(
        str(body.get("text") or ""),
        choice if isinstance(choice, str) or choice is None else _keys(choice),
        question if isinstance(question, int) else None,
        conversation if isinstance(conversation, int) else None,
        place=str(body["place"]) if body.get("place") else None,
        photo=str(body.get("photo") or ""),
    )
    await hear(turn, said)


def _keys(choice: Value) -> tuple[str, ...]:
    return tuple(map(str, choice)) if isinstance(choice, tuple) else ()


async def _relayed(turn: Turn, body: Body) -> None:
    """What the one they were introduced to wrote."""
    pair = await turn.tx.pairs.get(int(str(body.get("pair") or 0)))
    if turn.person.status == ACTIVE and pair is not None and pair.state == INTRODUCED:
        theirs = (pair.other(turn.person.id),)
        name = body.get("name") or capital(turn.words(phrases.NO_NAME))
        await say_to(turn, None, [Say(f"{name}: {body.get('text')}", names=theirs)])


async def _replied(turn: Turn, body: Body) -> None:
    """What a coordinator answered to someone who asked for a person."""
    people.answered(turn)
    if turn.person.status == ACTIVE:
        group = str(turn.world.group.org.get("name") or "")
        name = str(body.get("name") or "").strip() or turn.words(phrases.SOMEONE)
        text = turn.words(phrases.REPLIED, name=name, group=group, text=str(body.get("text") or ""))
        await say_to(turn, None, [Say(text)])
    await _happened(turn, {"name": "human.replied"})


async def _closed(turn: Turn, body: Body) -> None:
    """The people of the group are done with what somebody asked them."""
    people.over(turn)
    if turn.person.status == ACTIVE:
        group = str(turn.world.group.org.get("name") or "")
        await say_to(turn, None, [Say(turn.words(phrases.CLOSED, group=group))])


async def _search(turn: Turn, body: Body) -> None:
    """A buddy said no or nothing, or somebody is free now: they may have one."""
    pair, first = str(body.get("pair") or ""), int(str(body.get("first") or 0))
    if await seeking.again(turn, first) or not pair or turn.person.status != ACTIVE or not turn.person.reachable:
        return
    if not turn.fields.get("has_buddy"):
        await _happened(turn, {"name": "pair.declined", "pair": pair})


async def _lapsed(turn: Turn, body: Body) -> None:
    await life.lapsed(turn, int(str(body.get("pair") or 0)))


async def _still_asking(turn: Turn, body: Body) -> None:
    await patience.think_of(turn, int(str(body.get("line") or 0)))


async def _unreached(turn: Turn, _: Body) -> None:
    await life.unreached(turn)


async def _settle(turn: Turn, _: Body) -> None:
    await life.settle(turn)


async def _other_phone(turn: Turn, body: Body) -> None:
    """They wrote their code on another phone, where they had been a stranger until then."""
    await other_phone.joined(turn, int(str(body.get("address") or 0)))


async def _invited(turn: Turn, _: Body) -> None:
    """Someone came because of them."""
    count = turn.fields.get("invited")
    turn.fields["invited"] = (count if isinstance(count, int) else 0) + 1
    await turn.tx.ledger.add(turn.person.id, "brought someone")
    if turn.person.status == ACTIVE:
        turn.not_before = quiet_until(turn)
        await say_to(turn, None, [Say(turn.words(phrases.THANKS_FOR_INVITING))], priority=1)


async def _invited_together(turn: Turn, body: Body) -> None:
    """A buddy welcomes several at once, and they wait near them."""
    action = int(str(body.get("action") or 0))
    if await gatherings.invited(turn, action, int(str(body.get("buddy") or 0))):
        await _happened(turn, {"name": gatherings.CALLED, "action": action})


async def _unknown(_: Turn, __: Body) -> None:
    return


async def _long_quiet(turn: Turn, body: Body) -> None:
    """They have not written for so long that they are forgotten soon, unless they write."""
    if turn.person.status == ACTIVE:
        await turn.tx.ledger.add(turn.person.id, WARNED)
        await say_to(turn, None, [Say(turn.words(phrases.LONG_QUIET, days=str(body.get("days") or "")))])


KINDS: Mapping[str, Callable[[Turn, Body], Awaitable[None]]] = {
    "happened": _happened,
    "begin": _begin,
    "moment": _moment,
    "said": _said,
    "relayed": _relayed,
    "replied": _replied,
    "closed": _closed,
    "search": _search,
    "lapsed": _lapsed,
    "still_asking": _still_asking,
    "settle": _settle,
    "unreached": _unreached,
    "invited": _invited,
    gatherings.KIND: _invited_together,
    "other phone": _other_phone,
    "restrained": blocking.restrained,
    "long_quiet": _long_quiet,
    "came": came,
    companions.KIND: companions.heard,
}
"""By the inbox's `kind`."""
