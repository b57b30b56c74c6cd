"""What somebody writes or presses when they are asked something."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.channels.base import Outbound
from bot.rehearsal.people import BUDDY, NAME, Person
from flows.model import DONE, Said, Say, Shown

_NAMES = re.compile(NAME)
_NONSENSE = ("asdf", "🌞", "what?", "hm, let me think about it", "lol", "maybe later, I am on a bus")
"""None of it answers anything: a thumb up would be a yes."""
_WORDS: Mapping[str, tuple[str, ...]] = {
    "en": ("help", "actions", "skip", "back", "privacy", "export", "language", "human", "?", "another"),
    "es": ("ayuda", "saltar", "volver", "idioma", "exportar", "mis datos"),
}
_YES = {"en": ("yes", "sure, yes", "ok yes", "Yes!"), "es": ("sí", "claro que sí", "si")}
_NO = {"en": ("no", "not now", "nope"), "es": ("no", "ahora no")}
_LIKELY: Mapping[str, float] = {
    "yes": 12, "no": 1, "wrong": 0.1, "maybe": 2, "others": 1, "swap": 0.5, "not_yet": 1, "actions": 2, "another": 1,
    "someone": 2, "answers": 1, "write": 3, "change": 0.3, "there": 1, "good": 4, "mixed": 2, "bad": 0.5, "buddy": 0.5,
}  # fmt: skip
"""How likely a choice is, by its key; every other counts as much as a refusal."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What somebody does, and what they mean by it: the key of a choice, where it is one."""

    said: Said
    key: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What somebody knows who is about to answer: the code that was said aloud where they are, if any."""

    code: str = ""


def answer(person: Person, message: Outbound, known: Known) -> list[Meant]:
    """What they answer, one thing after the other."""
    say = message.say
    if say.many:
        return _several(person, message)
    if say.choices:
        return [_chosen(person, message)]
    return [Meant(_written(person, say, known))]


def astray(person: Person) -> Meant | None:
    """What they do instead of answering, now and then: nonsense, other wishes, a button of long ago."""
    chance, strays = person.chance, person.chance.random()
    if strays < 0.04:
        return Meant(Said(chance.choice(_NONSENSE)))
    if strays < 0.07:
        return Meant(Said(chance.choice(_WORDS[person.language])))
    if strays < 0.1 and (old := [each for each in person.older if each.say.choices]):
        message = chance.choice(old)
        return _pressed(message, chance.choice(message.say.choices))
    return None


def stray_words(person: Person) -> Said:
    """Something they write without having been asked."""
    words = ["actions", "share", "can't come", "swap", "another", "help", "human", "code"]
    if person.role == BUDDY:
        words += ["away", "buddy"]
    return Said(person.chance.choice(words))


def names_in(text: str) -> list[str]:
    """The names that a text mentions."""
    return list(dict.fromkeys(_NAMES.findall(text)))


def _pressed(message: Outbound, choice: Shown) -> Meant:
    said = Said(choice.label, choice.key, message.say.question, message.conversation or None)
    return Meant(said, choice.key)


def _chosen(person: Person, message: Outbound) -> Meant:
    chance, choices = person.chance, message.say.choices
    keys = [choice.key for choice in choices]
    others = names_in(message.say.text)
    if {"yes", "not_yet", "wrong"} <= set(keys) and others:
        met = any(other in person.met for other in others)
        wanted = "wrong" if chance.random() < 0.03 else "yes" if met and chance.random() < 0.95 else "not_yet"
        choice = next(each for each in choices if each.key == wanted)
    else:
        willing = 3.0 if person.role == BUDDY else 1.0
        likely = [_LIKELY.get(key, 1.0) * (willing if key == "yes" else 1.0) for key in keys]
        choice = chance.choices(choices, likely)[0]
    if not message.say.question:
        return _pressed(message, choice)
    return _in_their_way(person, message, choice)


def _in_their_way(person: Person, message: Outbound, choice: Shown) -> Meant:
    chance, place = person.chance, message.say.choices.index(choice) + 1
    named = choice.key.startswith("relay:")  # there a name is asked for, and a number would answer another question
    if person.style == "number" and not named:
        return Meant(Said(str(place)), choice.key)
    if person.style in ("label", "number"):
        return Meant(Said(choice.label), choice.key)
    if person.style == "slip" and len(choice.label) > 4:
        at = chance.randrange(1, len(choice.label) - 1)
        return Meant(Said(choice.label[:at] + choice.label[at + 1 :]), choice.key)
    if person.style == "words" and choice.key in ("yes", "no"):
        words = _YES if choice.key == "yes" else _NO
        return Meant(Said(chance.choice(words[person.language])), choice.key)
    return _pressed(message, choice)


def _several(person: Person, message: Outbound) -> list[Meant]:
    chance, choices = person.chance, message.say.choices
    picked = sorted(chance.sample(range(len(choices)), chance.randint(1, min(2, len(choices)))))
    if person.style == "press":
        presses = [_pressed(message, choices[each]) for each in picked]
        done = Said("", DONE, message.say.question, message.conversation or None)
        return [*presses, Meant(done, DONE)]
    if person.style == "number":
        return [Meant(Said(" and ".join(str(each + 1) for each in picked)))]
    return [Meant(Said(", ".join(choices[each].label for each in picked)))]


def _written(person: Person, say: Say, known: Known) -> Said:
    chance, expect, text = person.chance, say.expect, say.text
    if expect == "yes_no":
        return Said(chance.choice((_YES if chance.random() < 0.9 else _NO)[person.language]))
    if expect == "place":
        return _place(person)
    if expect == "time":
        return Said(chance.choice(("9:30", "half past nine", "14.00", "6 pm")))
    if expect == "number":
        return Said(str(chance.randint(1, 4)))
    if expect == "date":
        return Said(chance.choice(("tomorrow", "Saturday", "next Sunday")))
    if expect == "photo":
        return Said(photo="a picture")
    if expect == "code":
        return Said(known.code if known.code and chance.random() < 0.9 else "12")
    if names_in(text):
        return Said(person.contact)
    if not person.named:
        person.named = True
        return Said(person.name)
    return Said(f"It is me, {person.name}, and I would rather say it to somebody.")


def _place(person: Person) -> Said:
    chance = person.chance.random()
    if person.index % 3 == 0 and chance < 0.5:
        return Said(place=person.town)  # they share where they are: their platform's channel makes a town of it
    if chance < 0.85:
        return Said(person.town)
    if chance < 0.95:
        return Said(person.town[:-2] + person.town[-1])
    return Said("somewhere by the river")
