"""The people of a rehearsal: who they are, how they are, and what a whole crowd of them has in common."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from bot.channels.base import Outbound
from bot.rehearsal.network import OFFICE, PHONES, ROOM

SUPPORTER, BUDDY = "supporter", "buddy"

TOWNS = ("Leeds", "Bradford", "Wakefield", "Huddersfield", "York")
"""Near enough to each other for most to be within reach."""

FATES = ("stays", "stops", "stays", "forget me", "stays", "blocks", "stays", "silent", "stays", "comes back")
"""What becomes of people, dealt so that of ten all of these happen."""

NETWORKS = (PHONES, PHONES, OFFICE, PHONES, ROOM)

_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
NAME = r"Zu(?:[bdfgklmnprstvz][aeiou]){3}"
"""What every name looks like, and nothing else does: so that one is found wherever it should not be."""
ADDRESS = r"chat~\d{7}"
CONTACT = r"zu(?:[bdfgklmnprstvz][aeiou]){3}@example\.org"


@dataclass(slots=True)
class Person:
    """Somebody with a phone.

    named        whether their platform says what they are called
    patience     minutes until they answer, in the middle
    reliable     how often they answer at all
    style        how they answer: press, label, number, slip (of the pen) or words
    fate, turns  what becomes of them, and on which day of the campaign
    known        the names of those they were introduced to; `wrote` those of whom they have written to
    met          the names of those they stood beside
    going        titles of the actions they want to come to
    question     the newest message that asks them something; `older` are those before
    """

    index: int
    role: str
    name: str
    network: str
    address: str
    language: str
    town: str
    contact: str
    chance: Random
    named: bool
    patience: float
    reliable: float
    style: str
    fate: str
    turns: float
    arrives: float
    known: dict[str, None] = field(default_factory=dict)
    wrote: dict[str, None] = field(default_factory=dict)
    met: dict[str, None] = field(default_factory=dict)
    going: dict[str, None] = field(default_factory=dict)
    question: Outbound | None = None
    older: list[Outbound] = field(default_factory=list)
    gone: bool = False


def crowd(supporters: int, buddies: int, days: float, seed: int) -> list[Person]:
    """Everyone of a campaign: the buddies come first, on the first day; the newcomers over most of it."""
    deal = Random(f"{seed}: fates")
    people = [_person(index, BUDDY, seed, "stays", days) for index in range(buddies)]
    for number in range(supporters):
        if number % len(FATES) == 0:
            fates = deal.sample(FATES, len(FATES))
        people.append(_person(buddies + number, SUPPORTER, seed, fates[number % len(FATES)], days))
    return people


def _person(index: int, role: str, seed: int, fate: str, days: float) -> Person:
    chance = Random(f"{seed}: person {index}")
    name = "Zu" + "".join(_SYLLABLES[index // 70**place % 70] for place in range(3))
    arrives = chance.uniform(0, 0.1) if role == BUDDY else chance.triangular(0.2, max(days * 0.7, 0.3), 0.5)
    return Person(
        index=index,
        role=role,
        name=name,
        network=NETWORKS[index % len(NETWORKS)],
        address=f"chat~{index:07d}",
        language="es" if chance.random() < 0.15 else "en",
        town=chance.choices(TOWNS, (8, 4, 3, 3, 1))[0],
        contact=f"{name.lower()}@example.org",
        chance=chance,
        named=chance.random() < 0.9,
        patience=chance.lognormvariate(3, 1),
        reliable=chance.uniform(0.75, 0.99) if role == BUDDY else chance.uniform(0.55, 0.99),
        style=chance.choices(("press", "label", "number", "slip", "words"), (10, 3, 3, 2, 2))[0],
        fate=fate,
        turns=arrives + chance.uniform(0.05, max(days * 0.5, 0.5)),
        arrives=arrives,
    )


def by_name(people: Sequence[Person]) -> dict[str, Person]:
    """Everyone, by name: no two have the same."""
    return {person.name: person for person in people}
