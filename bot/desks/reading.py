"""What a card is about, read from the database in words: what `describe` is given."""

from collections.abc import Mapping

from babel import Locale
from babel.core import UnknownLocaleError

from bot.pairing.reasons import read, words
from flows.model import Library, Value
from flows.prepared import prepared
from storage.cards import Card
from storage.pairs import Pair
from storage.people import Person
from storage.transaction import Transaction

LANGUAGE = "en"
"""In which desks are read."""


async def body_of(tx: Transaction, card: Card, library: Library) -> Mapping[str, Value]:
    """What is known of a card by now: first names, never contact details. Who was forgotten is left out."""
    body = {name: value for name, value in card.body.items() if name not in ("pair", "other", "others", "place")}
    labels = prepared(library).labels(LANGUAGE)
    person = await tx.people.get(card.person_id)
    what, _, number = card.subject.partition(":")
    pair = await tx.pairs.get(_number(card.body.get("pair") or (number if what == "pair" else "")))
    if pair is not None:
        body |= await _pair(tx, card, pair, labels)
        person = person if card.kind == "report" else await tx.people.get(pair.supporter_id)
    if person is not None:
        known = _person(person, labels)
        body = {**known, **{name: value for name, value in body.items() if value not in ("", (), None)}}
    return body


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
    found["reasons"] = tuple(words(read(line), str, LANGUAGE, labels) for line in pair.reasons)
    return found


def _language(code: str) -> str:
    try:
        return Locale.parse(code.replace("-", "_")).get_display_name(LANGUAGE) or code
    except (ValueError, UnknownLocaleError):
        return code


def _number(written: object) -> int:
    text = str(written or "")
    return int(text) if text.isascii() and text.isdigit() else 0
