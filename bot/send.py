"""Beginning a flow with many people: who they are, what they will read first, and leaving it for their turns."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from bot import own_phone
from bot.do.base import Turn
from bot.everyone import everyone
from bot.facts import gather, hosted_of, me_of
from bot.world import World
from flows.conditions import BadCondition, Condition, over
from flows.exchange import Begin, Exchange, Start
from flows.model import Conversation, Kind, Library, Value
from flows.pages import nearest
from storage.actions import Hosted
from storage.people import ACTIVE, BLOCKED, STOPPED, Known, Person
from storage.signups import GOING, YES
from storage.store import Store
from storage.transaction import Transaction

ME = "me"
SIGNED_UP = "signed_up:"

AT_ONCE = 25
PAUSE = 0.25
"""So many people are begun with together, and so many seconds lie between: live conversations are not kept waiting."""

_NOT_YET, _STOPPED, _BLOCKED, _AWAY, _NO_CONSENT = (
    "have not come to the bot yet",
    "asked the bot to stop",
    "were blocked by a coordinator",
    "are on their way out",
    "have not agreed to anything yet",
)


class BadQuery(Exception):
    """A query that cannot be asked; the message says why, and how to mend it."""


class NoPhoneYet(Exception):
    """The organizer's own phone is not known: it has to write the word."""


@dataclass(slots=True)
class Audience:
    """Who is meant: those who are written to, and how many are not, by the reason. `action` is what it is about;
    `at_once`: quiet hours are not waited for."""

    people: list[Person] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    action: int | None = None
    at_once: bool = False


async def audience(tx: Transaction, query: str, library: Library, world: World) -> Audience:
    """Whom a query means. Raises BadQuery, NoPhoneYet."""
    if query == ME:
        return await _own_phone(tx)
    found = Audience()
    if query.startswith(SIGNED_UP):
        found.action = await _action(tx, query.removeprefix(SIGNED_UP))
        signups = await tx.actions.people(found.action)
        going = {each.person_id for each in signups if (each.kind, each.state) == (YES, GOING)}
        condition = None
    else:
        condition = _condition(query, library)
    hosts = await tx.actions.hosts()
    async for known in everyone(tx):
        if condition is None and known.id not in going:
            continue
        person = await tx.people.get(known.id)
        if condition is None or condition.holds(_scope(known, person, world, hosts.get(known.id, Hosted()))):
            _sort(found, known, person)
    return found


async def _own_phone(tx: Transaction) -> Audience:
    number = await own_phone.person(tx)
    person = await tx.people.get(number) if number is not None else None
    if person is None:
        raise NoPhoneYet
    # They asked for it by writing the word: that they have been through the questions is not needed.
    return Audience([person], at_once=True) if person.status == ACTIVE else Audience(left_out=Counter({_STOPPED: 1}))


async def _action(tx: Transaction, written: str) -> int:
    number = int(written) if written.isascii() and written.isdigit() else 0
    if await tx.actions.get(number) is None:
        raise BadQuery(f"there is no action `{written}`: `doorstep action list` shows their numbers")
    return number


def _condition(query: str, library: Library) -> Condition:
    known = {**library.me, "district": Kind.TEXT}
    try:
        return over(query, known)
    except BadCondition as error:
        plain = error.name.removeprefix("me.")
        mend = "" if not plain else "write it without `me.`" if plain != error.name else nearest(plain, known)
        raise BadQuery(f"--to, column {error.column}: {error}{f' ({mend})' if mend else ''}") from None


def _scope(known: Known, person: Person | None, world: World, hosted: Hosted) -> Mapping[str, Mapping[str, Value]]:
    language = str(known.fields.get("language") or known.language or world.group.languages[0])
    me = me_of(known.fields, language, person.channel if person else "", known.role, known.created_at)
    also = {**hosted_of(hosted), "district": known.fields.get("place")}
    return {name: {"": value} for name, value in {**me, **also}.items()}


def _sort(found: Audience, known: Known, person: Person | None) -> None:
    if person is None:
        found.left_out[_NOT_YET] += 1
    elif known.status != ACTIVE:
        found.left_out[{STOPPED: _STOPPED, BLOCKED: _BLOCKED}.get(known.status, _AWAY)] += 1
    elif not known.fields.get("consented"):
        found.left_out[_NO_CONSENT] += 1
    else:
        found.people.append(person)


async def first_message(
    tx: Transaction, flow: str, person: Person, library: Library, world: World, action: int | None
) -> str:
    """What this person would read first, a choice in brackets on a line of its own; nothing is changed.

    "" where the flow does something before it says anything.
    """
    about = _about(action)
    turn = Turn(tx=tx, world=world, library=library, person=person, fields=dict(person.fields))
    exchange = Exchange(library, (), await gather(turn, (), about), tx.now)
    playing = exchange.play(Start(flow, about))
    try:
        request = next(playing)
        while isinstance(request, Begin):
            begun = Conversation(1, request.flow, library.version, "", tx.now, about=request.about)
            request = playing.send((1, await gather(turn, (begun,), about)))
    except StopIteration:
        pass
    if not exchange.said:
        return ""
    say = exchange.said[0][1]
    return "\n".join([say.text, *(f"[{choice.label}]" for choice in say.choices)])


async def leave(
    store: Store, name: str, flow: str, found: Audience, progress: Callable[[int], None], pause: float = PAUSE
) -> int:
    """Leaves it for each of their turns, a few at a time; how many had not got it under this name before."""
    body: dict[str, Value] = {"flow": flow, "broadcast": True, **_about(found.action)}
    if found.at_once:
        body["at_once"] = True
    begun = 0
    for start in range(0, len(found.people), AT_ONCE):
        slice_ = found.people[start : start + AT_ONCE]
        begun += await store.run(partial(_leave, name=name, people=slice_, body=body))
        progress(start + len(slice_))
        if start + AT_ONCE < len(found.people):
            await asyncio.sleep(pause)
    return begun


async def _leave(tx: Transaction, name: str, people: Sequence[Person], body: Mapping[str, Value]) -> int:
    # Whoever was forgotten since has no key any more, and gets nothing.
    here = [person.id for person in people if await tx.people.get(person.id) is not None]
    return sum([await tx.inbox.put(f"send:{name}", str(number), number, "begin", body) for number in here])


def _about(action: int | None) -> dict[str, str]:
    return {} if action is None else {"action": str(action)}
