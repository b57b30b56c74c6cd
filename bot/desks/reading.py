"""What a card is about, read from the database in words: what `describe` is given."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import UnknownLocaleError

from bot.blocking import standing, whom
from bot.desks.base import NAMELESS
from bot.pairing.reasons import read, words
from flows.model import Library, Value
from flows.prepared import prepared
from storage.cards import Card
from storage.pairs import Pair
from storage.people import Person
from storage.transaction import Transaction

LANGUAGE = "en"
"""In which desks are read."""

UTC = ZoneInfo("UTC")


async def body_of(tx: Transaction, card: Card, library: Library, zone: ZoneInfo = UTC) -> Mapping[str, Value]:
    """What is known of a card by now: first names, never contact details. Who was forgotten is left out.

    zone  in which moments are told
    """
    body = {name: value for name, value in card.body.items() if name not in ("pair", "other", "others", "place")}
    if card.person_id is None:
        return body
    labels = prepared(library).labels(LANGUAGE)
    person = await tx.people.get(card.person_id)
    body |= await _restrainable(tx, card)
    what, _, number = card.subject.partition(":")
    pair = await tx.pairs.get(_number(card.body.get("pair") or (number if what == "pair" else "")))
    if pair is not None:
        body |= await _pair(tx, card, pair, labels)
        if pair.introduced_at is not None:
            body["introduced"] = day(pair.introduced_at, zone)
        person = person if card.kind == "report" else await tx.people.get(pair.supporter_id)
    if person is not None:
        known = _person(person, labels)
        body = {**known, **{name: value for name, value in body.items() if value not in ("", (), None)}}
    if card.due_at is not None:
        body |= {"owner": card.owner, "until": day(card.due_at, zone)}
    return body


def day(at: datetime, zone: ZoneInfo) -> str:
    """A day and its hour as coordinators read them, in this zone: "Saturday 6 June, 10:00"."""
    return f"{at.astimezone(zone):%A} {at.astimezone(zone).day} {at.astimezone(zone):%B, %H:%M}"


async def _restrainable(tx: Transaction, card: Card) -> dict[str, Value]:
    """Who can be muted or blocked from this card, and how they stand."""
    number = whom(card)
    person = None if number is None else await tx.people.get(number)
    if person is None:
        return {}
    return {"whom": str(person.fields.get("name") or NAMELESS), "standing": standing(person) or "free"}


def _person(person: Person, labels: Mapping[str, str]) -> dict[str, Value]:
    interests = person.fields.get("interests")
    return {
        "person": person.fields.get("name"),
        "district": person.fields.get("place"),
        "language": _language(person.language),
        "interests": tuple(labels.get(each, each) for each in interests) if isinstance(interests, tuple) else None,
        "meetings": person.fields.get("meetings") or None,
    }


async def _pair(tx: Transaction, card: Card, pair: Pair, labels: Mapping[str, str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for role, person_id in (("supporter", pair.supporter_id), ("buddy", pair.buddy_id)):
        person = await tx.people.get(person_id)
        found[role] = person.fields.get("name") if person else None
        if person and card.kind == "report" and person_id != card.person_id:
            found["other"] = person.fields.get("name")
            found["other_pairs"] = await _in_touch(tx, person_id, pair.id)
    found["reasons"] = tuple(words(read(line), str, LANGUAGE, labels) for line in pair.reasons)
    return found


async def _in_touch(tx: Transaction, person_id: int, but: int) -> tuple[str, ...]:
    """The first names of those a person is introduced to, or about to be, besides one pair."""
    others = [pair.other(person_id) for pair in await tx.pairs.open_of(person_id) if pair.id != but]
    people = [await tx.people.get(each) for each in others]
    return tuple(str(each.fields.get("name") or "someone") for each in people if each is not None)


def _language(code: str) -> str:
    try:
        return Locale.parse(code.replace("-", "_")).get_display_name(LANGUAGE) or code
    except (ValueError, UnknownLocaleError):
        return code


def _number(written: object) -> int:
    text = str(written or "")
    return int(text) if text.isascii() and text.isdigit() else 0
