"""Someone who asked for a human, and the people of the group: what they write until the card is closed."""

from datetime import datetime, timedelta

from bot.do.base import Turn
from bot.outcome import keep_fields, say_to
from bot.relay import REMIND, addressed
from bot.relay import pass_on as relay_on
from flows import phrases
from flows.model import Say, Value
from storage.cards import Card

TALKS = ("human", "report")
"""The kinds of cards whose person and coordinators write to each other."""

LATELY = timedelta(days=1)
"""How long after the last words what somebody writes is for the people of the group, and not for their buddy."""

_SINCE, _WROTE = "with_people", "wrote_to_people"
"""Fields of a person: when they and the people last wrote to each other, and when they last did."""


def begun(turn: Turn) -> None:
    """They were handed over to people just now."""
    turn.fields[_SINCE] = turn.tx.now
    turn.fields.pop(_WROTE, None)


def answered(turn: Turn) -> None:
    """Somebody wrote to them just now."""
    if _SINCE in turn.fields:
        turn.fields[_SINCE] = turn.tx.now


def over(turn: Turn) -> None:
    """Nobody is there for them any more."""
    turn.fields.pop(_SINCE, None)
    turn.fields.pop(_WROTE, None)


async def since(turn: Turn) -> datetime | None:
    """When they and people of the group last wrote to each other; None where nobody is there for them now, or where
    that is long ago and they have a buddy, for whom it rather is."""
    at = turn.fields.get(_SINCE)
    if not isinstance(at, datetime):
        return None
    if await _card(turn) is None:
        over(turn)
        return None
    return None if turn.fields.get("has_buddy") and turn.tx.now - at > LATELY else at


async def pass_on(turn: Turn, text: str) -> None:
    """What they wrote comes into the thread of their card; but to their buddy where it begins with that name."""
    card = await _card(turn)
    if card is None or await addressed(turn, text):
        await relay_on(turn, text)
        return
    if turn.muted:
        await say_to(turn, None, [Say(turn.words(phrases.NOT_PASSED_ON))])
        return
    await write_on(turn, card, text)
    before: Value = turn.fields.get(_WROTE)
    turn.fields[_SINCE] = turn.fields[_WROTE] = turn.tx.now
    await keep_fields(turn)
    if not isinstance(before, datetime) or turn.tx.now - before > REMIND:
        group = str(turn.world.group.org.get("name") or "")
        await say_to(turn, None, [Say(turn.words(phrases.PASSED_ON, group=group))])


async def write_on(turn: Turn, card: Card, text: str) -> None:
    """What they wrote just now comes into the thread of a card."""
    event = await turn.tx.inbox.history(turn.person.id, 1)
    await turn.tx.desks.add_line(card, "", str(event[0].id) if event else "", "", text)


async def _card(turn: Turn) -> Card | None:
    return next((card for card in await turn.tx.cards.open_of(turn.person.id) if card.kind in TALKS), None)
