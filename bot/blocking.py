"""Whom coordinators have muted or blocked.

Muted: they can use the bot, but no word of theirs reaches anybody else, and nobody new is introduced to them. Blocked:
the bot says one line and then nothing, whatever they write; whom they know hears no more of them.
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.do.base import MUTED, Turn
from bot.outcome import say_to
from bot.pairing import life
from flows import phrases
from flows.model import Say, Value
from storage.cards import Card
from storage.people import BLOCKED, FORGOTTEN, LEAVING, Person

MUTE, BLOCK, FREE = "mute", "block", "free"
"""What coordinators can press; also the `how` of what that leaves for the person."""

WAS = "status_before_block"
"""The field of a person that says what they were when they were blocked."""

ABOUT_ONE = frozenset(
    {"human", "told", "flagged", "nobody_near", "buddy_to_approve", "action_proposed", "failed_send", "held_send"}
)
"""The kinds of cards that are about the person whose they are."""


def whom(card: Card) -> int | None:
    """Who can be muted or blocked from a card: of a report, whom it is about. None: nobody, or it is about two."""
    if card.kind == "report":
        other = card.body.get("other")
        return other if isinstance(other, int) else None
    return card.person_id if card.kind in ABOUT_ONE else None


def standing(person: Person) -> str:
    """ "blocked", "muted", or "" where neither."""
    return BLOCKED if person.status == BLOCKED else "muted" if MUTED in person.fields else ""


async def restrained(turn: Turn, body: Mapping[str, Value]) -> None:
    """A coordinator has muted or blocked them, or set them free again, in a turn of theirs."""
    if turn.person.status in (LEAVING, FORGOTTEN):
        return
    how = str(body.get("how"))
    if how == MUTE:
        turn.fields[MUTED] = turn.tx.now
    elif how == BLOCK:
        await _block(turn)
    elif how == FREE:
        await _free(turn)


async def _block(turn: Turn) -> None:
    if turn.person.status == BLOCKED:
        return
    await life.cut_off(turn)
    turn.fields[WAS] = turn.person.status
    await _save(turn, BLOCKED)
    await turn.tx.ledger.add(turn.person.id, "blocked")
    contact = str(turn.world.group.org.get("contact") or "")
    group = str(turn.world.group.org.get("name") or "")
    said = [turn.words(phrases.BLOCKED, group=group)]
    said += [turn.words(phrases.BLOCKED_CONTACT, contact=contact)] if contact else []
    await say_to(turn, None, [Say(" ".join(said))], always=True)


async def _free(turn: Turn) -> None:
    turn.fields.pop(MUTED, None)
    before = turn.fields.pop(WAS, None)
    if turn.person.status == BLOCKED:
        await _save(turn, str(before))


async def _save(turn: Turn, status: str) -> None:
    await turn.tx.people.save(turn.person.id, turn.fields, status=status)
    turn.person = replace(turn.person, status=status, fields=dict(turn.fields))
