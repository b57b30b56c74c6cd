"""One person's life with the bot so far, told from the ledger in plain sentences."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from storage.errors import KeyDestroyed
from storage.ledger import Line
from storage.people import Known
from storage.transaction import Transaction

SENTENCES: Mapping[str, str] = {
    "wrote first": "wrote first",
    "person.joined": "said yes to being remembered",
    "asked for a buddy": "asked for a buddy",
    "pair.offered": "was asked to welcome {other}",
    "pair.declined": "heard that it takes longer to find somebody",
    "pair.introduced": "was introduced to {other}",
    "pair.silent": "was asked about {other}, for neither had written",
    "pair.shared": "swapped contact details with {other}",
    "pair.met": "met {other}",
    "pair.ended": "parted from {other}",
    "pair.wrong": "said that meeting {other} felt wrong",
    "signup.made": "signed up for {action}",
    "signup.place_free": "heard of a free place at {action}",
    "signup.cancelled": "cancelled {action}",
    "companion cancelled": "heard that {other} cannot come to {action}",
    "checkin.made": "came to {action}",
    "action.published": "saw {action} published",
    "action.changed": "heard that {action} changed",
    "action.cancelled": "heard that {action} is cancelled",
    "gathering.wanted": "was asked to welcome several at once",
    "gathering.called": "was invited to {action}",
    "called a gathering": "welcomes several at once: {action}",
    "asked to be a buddy": "offered to welcome others",
    "stopped being a buddy": "stopped welcoming others",
    "buddy.approved": "became a buddy",
    "invited": "invited a friend",
    "human.replied": "got an answer from a person",
    "reported": "reported {other}",
    "stopped": "asked the bot to stop",
    "declined a newcomer": "would not welcome {other}",
    "moved": "gave another place",
    "resumed": "let the bot write again",
    "consent withdrawn": "took a consent back",
}
"""By the ledger's words; what is not here is left out."""

SOMEONE = "someone"
"""A person whose key is gone, or who has no name."""

_SUBJECT = re.compile(r"\b(pair|action):(\d+)\b")


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of someone, and what happened to them: (when, sentence), oldest first.

    person  None once they were forgotten
    """

    person: Known | None
    lines: tuple[tuple[datetime, str], ...]


async def of(tx: Transaction, person_id: int) -> Story | None:
    """The story of this person; None where nobody has had this number."""
    person, lines = await _person(tx, person_id), await tx.ledger.of(person_id)
    if person is None and not lines:
        return None
    told: list[tuple[datetime, str]] = []
    meetings: Counter[str] = Counter()
    for line in lines:
        sentence = SENTENCES.get(line.what)
        if sentence is None:
            continue
        if line.what == "pair.met":
            meetings[line.subject] += 1
            sentence += " again" if meetings[line.subject] > 1 else ""
        told.append((line.at, sentence.format(**await _names(tx, person_id, line))))
    return Story(person, tuple(told))


def when(at: datetime, now: datetime) -> str:
    """A moment with its day and hour, in the zone it comes in, as in "Mon 1 June, 10:02"; the year where it is past."""
    year = "" if at.year == now.year else f" {at.year}"
    return f"{at:%a} {at.day} {at:%B}{year}, {at:%H:%M}"


async def _names(tx: Transaction, person_id: int, line: Line) -> dict[str, str]:
    names = {"other": SOMEONE, "action": "an action"}
    for what, number in _SUBJECT.findall(line.subject):
        if what == "action":
            action = await tx.actions.get(int(number))
            names["action"] = action.title if action else names["action"]
        else:
            names["other"] = await _other(tx, person_id, int(number))
    return names


async def _other(tx: Transaction, person_id: int, pair_id: int) -> str:
    pair = await tx.pairs.get(pair_id)
    if pair is None or person_id not in (pair.supporter_id, pair.buddy_id):
        return SOMEONE
    other = await _person(tx, pair.other(person_id))
    return str(other.fields.get("name") or SOMEONE) if other else SOMEONE


async def _person(tx: Transaction, person_id: int) -> Known | None:
    try:
        found = await tx.people.page(person_id - 1, 1)
    except KeyDestroyed:
        return None
    return found[0] if found and found[0].id == person_id else None
