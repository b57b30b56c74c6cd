"""What the buttons of cards do: the same on every desk. Two who press at once make one action."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

from bot import blocking, broken, roles
from bot.desks.base import AGAIN, APPROVE, DECLINE, DONE, LEAVE, REPLY, TAKE, WRITE
from bot.others import leave, tell
from bot.pairing import gatherings
from bot.people import TALKS
from bot.world import World
from storage.actions import CANCELLED, PROPOSED, PUBLISHED
from storage.buddies import CLEAR
from storage.cards import OPEN, Card
from storage.errors import KeyDestroyed
from storage.pairs import OFFERED, REFUSED, SUPPORTER, WANTED
from storage.transaction import Transaction

LONGEST_REPLY = 4_000
"""Characters of an answer to somebody: about one message of any platform."""

TAKEN_FOR = timedelta(days=2)
"""How long whoever takes a stalled match has, until it is everybody's again."""


class NotDone(Exception):
    """The card was not acted on; the message says why, in a sentence."""


class TooLate(NotDone):
    """Someone else acted on it first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Someone pressed a button of a card.

    text  what they wrote beside it; "" where nothing can be
    role  what they are there, as `bot.roles` has it
    by    who it was, as the desk calls them; `name` is what the person they write to may call them
    desk  the desk's name; "" where it needs no telling apart
    once  the platform's id of it: what comes twice is done once. "" where it cannot come twice
    """

    card: int
    button: str
    text: str = ""
    role: str
    by: str
    name: str = ""
    desk: str = ""
    once: str = ""


async def act(tx: Transaction, world: World, press: Press) -> str:
    """Does what the button says, in this transaction: what it did, in a sentence.

    It locks the person whom the card is about; whom else it concerns hears of it in a turn of theirs. Raises NotDone.
    """
    if not roles.sees_cards(press.role):
        raise NotDone(roles.ONLY_COORDINATORS)
    card = await tx.cards.get(press.card)
    if card is None:
        raise NotDone("This card is gone.")
    if card.state != OPEN:
        raise TooLate("Someone else was quicker.")
    if not roles.presses(press.role, card.kind, press.button):
        raise NotDone("This card has no such button.")
    does = _DOES.get((card.kind, press.button)) or _ALWAYS[press.button]
    if card.person_id is not None:
        await tx.people.load(card.person_id)
    said = await does(tx, world, card, press)
    await tx.audit.add(press.role, press.by, f"{card.kind}: {press.button}", f"card:{card.id}")
    if press.button in _STAYS_OPEN:
        return said
    if not await tx.cards.act(card.id, press.button, press.by):
        raise TooLate("Someone else was quicker.")
    return said


Does = Callable[[Transaction, World, Card, Press], Awaitable[str]]


async def _approve_buddy(tx: Transaction, world: World, card: Card, press: Press) -> str:
    person_id = _person(card)
    if await tx.buddies.get(person_id) is None:
        raise NotDone("They do not want to be a buddy any more.")
    await tx.buddies.serve(person_id, approved_at=tx.now)
    await tell(tx, person_id, "buddy.approved", {}, once=str(card.id))
    return "They are a buddy now, and hear of it."


async def _ask_to_gather(tx: Transaction, world: World, card: Card, press: Press) -> str:
    await tell(tx, _person(card), "gathering.wanted", {}, once=str(card.id))
    return "They are asked now; whoever waits near them is invited once they say where and when."


async def _decline_buddy(tx: Transaction, world: World, card: Card, press: Press) -> str:
    person_id = _person(card)
    if await tx.buddies.get(person_id) is not None:
        await tx.buddies.serve(person_id, role=SUPPORTER, approved_at=CLEAR)
    return "They stay a supporter."


async def _approve_match(tx: Transaction, world: World, card: Card, press: Press) -> str:
    pair = await tx.pairs.lock(_number(card.body.get("pair")))
    if pair is None or pair.state != WANTED:
        raise NotDone("These two are not waiting any more.")
    await tx.pairs.save(replace(pair, state=OFFERED, offered_at=tx.now, answer_by=tx.now + world.pairing.answer_within))
    await tell(tx, pair.buddy_id, "pair.offered", {"pair": pair.id})
    return "The buddy is asked now."


async def _decline_match(tx: Transaction, world: World, card: Card, press: Press) -> str:
    pair = await tx.pairs.lock(_number(card.body.get("pair")))
    if pair is not None and pair.state == WANTED:
        await tx.pairs.save(replace(pair, state=REFUSED, answered_at=tx.now, ended_at=tx.now, why="refused"))
        await leave(tx, pair.supporter_id, "search", {"pair": str(pair.id)}, f"{pair.id}")
    return "Someone else is looked for."


async def _publish(tx: Transaction, world: World, card: Card, press: Press) -> str:
    action_id = _of("action", card)
    action = await tx.actions.get(action_id)
    if action is None or action.state != PROPOSED:
        raise NotDone("It is not waiting any more.")
    await tx.actions.change(action_id, state=PUBLISHED)
    await tell(tx, _person(card), "action.published", {"action": action_id})
    return "It is published, and people near it see it."


async def _decline_action(tx: Transaction, world: World, card: Card, press: Press) -> str:
    action_id = _of("action", card)
    action = await tx.actions.get(action_id)
    if action is not None and action.state == PROPOSED:
        await tx.actions.change(action_id, state=CANCELLED)
        await tell(tx, _person(card), "action.cancelled", {"action": action_id})
    return "It is not published."


async def _write(tx: Transaction, world: World, card: Card, press: Press) -> str:
    text = press.text.strip()[:LONGEST_REPLY]
    if not text:
        raise NotDone("Write an answer first.")
    event = press.once or uuid4().hex
    try:
        if await tx.desks.add_line(card, press.desk or "page", event, press.by, text):
            body = {"text": text, "name": press.name}
            await leave(tx, _person(card), "replied", body, f"card:{card.id}:{press.desk}:{event}")
    except KeyDestroyed:
        raise NotDone("They were forgotten: nobody can write to them any more.") from None
    return "It is on its way to them."


async def _close(tx: Transaction, world: World, card: Card, press: Press) -> str:
    # Who was forgotten is told nothing.
    with suppress(KeyDestroyed):
        await leave(tx, _person(card), "closed", {"card": card.id}, f"card:{card.id}")
    return "Done. They hear that you are done."


async def _take(tx: Transaction, world: World, card: Card, press: Press) -> str:
    until = tx.now + TAKEN_FOR
    if not await tx.cards.take(card.id, press.by, until):
        raise TooLate("Someone else was quicker.")
    return "It is yours."


async def _send_again(tx: Transaction, world: World, card: Card, press: Press) -> str:
    count = await tx.outbox.send_again(_person(card))
    if not count:
        raise NotDone("Nothing of theirs is held any more.")
    return "It is sent again." if count == 1 else f"{count} messages are sent again."


async def _leave_it(tx: Transaction, world: World, card: Card, press: Press) -> str:
    await tx.outbox.let_go(_person(card))
    return "It is not sent again."


async def _try_again(tx: Transaction, world: World, card: Card, press: Press) -> str:
    if not await broken.again(tx, card):
        raise NotDone("Nothing of it is left to be tried.")
    return "It is tried again now."


async def _leave_broken(tx: Transaction, world: World, card: Card, press: Press) -> str:
    await broken.leave(tx, card)
    return "It is left as it is."


async def _restrain(tx: Transaction, world: World, card: Card, press: Press) -> str:
    person_id = blocking.whom(card)
    if person_id is None:
        raise NotDone("This card is not about one person.")
    try:
        await leave(tx, person_id, "restrained", {"how": press.button}, f"card:{card.id}:{press.once or uuid4().hex}")
    except KeyDestroyed:
        raise NotDone("They were forgotten: there is nobody to keep away.") from None
    await tx.desks.stir(card.id)
    return _RESTRAINED[press.button]


_RESTRAINED = {
    blocking.MUTE: "No word of theirs reaches anybody from now on.",
    blocking.BLOCK: "The bot tells them so, and is silent from now on; whom they know hears that it is over.",
    blocking.FREE: "They can write as before; pairs that ended stay ended.",
}


async def _done(tx: Transaction, world: World, card: Card, press: Press) -> str:
    return "Done."


_DOES: Mapping[tuple[str, str], Does] = {
    ("buddy_to_approve", APPROVE): _approve_buddy,
    ("buddy_to_approve", DECLINE): _decline_buddy,
    (gatherings.CARD, APPROVE): _ask_to_gather,
    (gatherings.CARD, DECLINE): _done,
    ("match_to_approve", APPROVE): _approve_match,
    ("match_to_approve", DECLINE): _decline_match,
    ("action_proposed", APPROVE): _publish,
    ("action_proposed", DECLINE): _decline_action,
    **{(kind, button): _write for kind in TALKS for button in (REPLY, WRITE)},
    **{(kind, DONE): _close for kind in TALKS},
    ("stalled", TAKE): _take,
    ("held_send", AGAIN): _send_again,
    ("held_send", LEAVE): _leave_it,
    (broken.KIND, AGAIN): _try_again,
    (broken.KIND, LEAVE): _leave_broken,
}
_ALWAYS: Mapping[str, Does] = {DONE: _done, **dict.fromkeys(_RESTRAINED, _restrain)}
"""What cards of many kinds have."""

_STAYS_OPEN = frozenset({TAKE, WRITE, *_RESTRAINED})


def _person(card: Card) -> int:
    if card.person_id is None:
        raise NotDone("This card is about nobody.")
    return card.person_id


def _of(what: str, card: Card) -> int:
    kind, _, number = card.subject.partition(":")
    return _number(number) if kind == what else 0


def _number(written: object) -> int:
    text = str(written or "")
    return int(text) if text.isascii() and text.isdigit() else 0
