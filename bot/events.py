"""What another turn, a command or the clock left for a person, as it happens in a turn of theirs."""

from collections.abc import Awaitable, Callable, Mapping

from bot.do.actions import move_up
from bot.do.base import Turn
from bot.outcome import keep_fields, say_to
from bot.pairing import life, seeking
from bot.play import play
from flows import phrases
from flows.exchange import Start
from flows.model import Happened, Say, Value
from flows.prepared import prepared
from storage.pairs import INTRODUCED
from storage.people import ACTIVE

Body = Mapping[str, Value]


async def let(turn: Turn, kind: str, body: Body) -> None:
    """Lets it happen. What is of a kind that nobody knows changes nothing."""
    await KINDS.get(kind, _unknown)(turn, body)
    await keep_fields(turn)


async def concerned(turn: Turn, flow: str, subject: str) -> list[Mapping[str, str]]:
    """What a flow that begins by itself is about: this pair or action. One that speaks of the pair at an action begins
    for each pair of theirs who are both in it, and once where there is none."""
    what, _, number = subject.partition(":")
    about: Mapping[str, str] = {what: number} if number else {}
    if what != "action" or not number.isdigit() or not prepared(turn.library).speaks_of_pair(flow):
        return [about]
    pairs = [pair for pair in await turn.tx.pairs.open_of(turn.person.id) if pair.state == INTRODUCED]
    both: list[Mapping[str, str]] = []
    for pair in pairs:
        signup = await turn.tx.actions.signup(int(number), pair.other(turn.person.id))
        if signup is not None and signup.state == "going":
            both.append({**about, "pair": str(pair.id)})
    return both or [about]


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
        await play(turn, Start(str(body.get("flow")), about), priority=1 if body.get("broadcast") else 0)


async def _relayed(turn: Turn, body: Body) -> None:
    """What the one they were introduced to wrote."""
    pair = await turn.tx.pairs.get(int(str(body.get("pair") or 0)))
    if turn.person.status == ACTIVE and pair is not None and pair.state == INTRODUCED:
        await say_to(turn, None, [Say(f"{body.get('name')}: {body.get('text')}")])


async def _replied(turn: Turn, body: Body) -> None:
    """What a coordinator answered to someone who asked for a person."""
    if turn.person.status == ACTIVE:
        group = str(turn.world.group.org.get("name") or "")
        name = str(body.get("name") or "").strip() or turn.words(phrases.SOMEONE)
        text = turn.words(phrases.REPLIED, name=name, group=group, text=str(body.get("text") or ""))
        await say_to(turn, None, [Say(text)])
    await _happened(turn, {"name": "human.replied"})


async def _search(turn: Turn, body: Body) -> None:
    """A buddy said no or nothing, or somebody is free now: they may have one."""
    pair = str(body.get("pair") or "")
    if await seeking.again(turn) or not pair or turn.person.status != ACTIVE:
        return
    if not turn.fields.get("has_buddy"):
        await _happened(turn, {"name": "pair.declined", "pair": pair})


async def _lapsed(turn: Turn, body: Body) -> None:
    await life.lapsed(turn, int(str(body.get("pair") or 0)))


async def _settle(turn: Turn, _: Body) -> None:
    await life.settle(turn)


async def _invited(turn: Turn, _: Body) -> None:
    """Someone came because of them."""
    count = turn.fields.get("invited")
    turn.fields["invited"] = (count if isinstance(count, int) else 0) + 1
    await turn.tx.ledger.add(turn.person.id, "brought someone")


async def _unknown(_: Turn, __: Body) -> None:
    return


KINDS: Mapping[str, Callable[[Turn, Body], Awaitable[None]]] = {
    "happened": _happened,
    "begin": _begin,
    "relayed": _relayed,
    "replied": _replied,
    "search": _search,
    "lapsed": _lapsed,
    "settle": _settle,
    "invited": _invited,
}
"""By the inbox's `kind`."""
