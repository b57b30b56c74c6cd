"""Everything that is kept about a person, in words that they can read: what *export* answers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bot import named
from bot.do.base import Deed
from bot.history import Labels, labels_of
from flows import phrases
from flows.model import Say, Value
from flows.prepared import prepared
from flows.text import locale, show
from storage import layers
from storage.inbox import Received

_MOST = 10_000
"""Messages of theirs that an export holds; bodies are kept for 30 days only."""

_FIELDS: Mapping[str, str] = {
    "name": phrases.KEPT_NAME,
    "place": phrases.KEPT_PLACE,
    "interests": phrases.KEPT_INTERESTS,
    "times": phrases.KEPT_TIMES,
    "adult": phrases.KEPT_ADULT,
    "wants_buddy": phrases.KEPT_WANTS,
    "has_buddy": phrases.KEPT_HAS,
    "contact": phrases.KEPT_CONTACT,
    "meetings": phrases.KEPT_MEETINGS,
    "with_people": phrases.KEPT_WITH_PEOPLE,
    "wrote_to_people": phrases.KEPT_WROTE_TO_PEOPLE,
}
"""What a field is called; one that a group has made itself is called as they call it."""

_ELSEWHERE = frozenset({"language", "consented"})
"""Fields that stand elsewhere in it."""

_WORDS = frozenset({"said", "relayed", "replied"})
"""Kinds of events that hold what somebody wrote."""


async def about(deed: Deed) -> Say:
    """Sections with a heading, what is empty left out; times in their own zone."""
    events = [each for each in await deed.tx.inbox.history(deed.person.id, _MOST) if each.body and each.kind in _WORDS]
    labels = labels_of(await deed.tx.outbox.newest(deed.person.id, _MOST))
    addresses = await deed.tx.addresses.of(deed.person.id)
    sections: Sequence[tuple[str, list[str]]] = (
        (phrases.KEPT_ABOUT, [*_known(deed), *await _welcomes(deed)]),
        (phrases.KEPT_ADDRESSES, [f"{each.channel.capitalize()}: {each.address}" for each in addresses]),
        (phrases.KEPT_ANSWERS, list(await _answers(deed))),
        (phrases.KEPT_CONSENTS, await _consents(deed)),
        (phrases.KEPT_PEOPLE, await _people(deed)),
        (phrases.KEPT_ACTIONS, await _actions(deed)),
        (phrases.KEPT_HOSTED, await _hosted(deed)),
        (phrases.KEPT_WORDS, [_written(deed, event, labels) for event in reversed(events)]),
    )
    told = ["\n".join([f"*{deed.words(heading)}*", *lines]) for heading, lines in sections if lines]
    count = len(await deed.tx.ledger.of(deed.person.id))
    rest = f"{deed.words(phrases.KEPT_FROM_ME)} {deed.words(phrases.KEPT_COUNTED, count=str(count))}"
    text = "\n\n".join([deed.words(phrases.KEPT), *told, rest])
    return Say(text, names=tuple({number for each in events for number in layers.named(each.body)}))


def _known(deed: Deed) -> Iterator[str]:
    yield f"{deed.words(phrases.KEPT_SINCE)}: {_when(deed, deed.person.created_at)}"
    yield f"{deed.words(phrases.KEPT_LANGUAGE)}: {locale(deed.language).display_name or deed.language}"
    for name, value in deed.fields.items():
        if name not in _ELSEWHERE and (words := _value(deed, value)):
            yield f"{_called(deed, name)}: {words}"


async def _answers(deed: Deed) -> Iterator[str]:
    """What was answered in conversations that are not over."""
    loaded = await deed.tx.people.load(deed.person.id)
    answers = {**deed.conversation.answers, **deed.conversation.held}
    for conversation in loaded.conversations if loaded else ():
        answers |= {**conversation.answers, **conversation.held}
    return (f"{_called(deed, name)}: {words}" for name, each in answers.items() if (words := _value(deed, each)))


async def _consents(deed: Deed) -> list[str]:
    consents = await deed.tx.consents.of(deed.person.id)
    lines = [f"{_when(deed, at)}: {' '.join(words.split())}" for _, words, at in consents]
    for words, at, until in await deed.tx.consents.withdrawn(deed.person.id):
        taken_back = deed.words(phrases.KEPT_TAKEN_BACK, when=_when(deed, until))
        lines.append(f"{_when(deed, at)}: {' '.join(words.split())} ({taken_back})")
    # One question can ask for two consents.
    return list(dict.fromkeys(lines))


async def _people(deed: Deed) -> list[str]:
    """Those whom they were introduced to, by first name."""
    lines = []
    for pair in reversed(await deed.tx.pairs.of(deed.person.id)):
        if pair.introduced_at is not None:
            other = named.known(deed, await deed.tx.people.get(pair.other(deed.person.id)))
            lines.append(f"{_when(deed, pair.introduced_at)}: {other or deed.words(phrases.SOMEONE)}")
    return lines


async def _welcomes(deed: Deed) -> list[str]:
    buddy = await deed.tx.buddies.get(deed.person.id)
    return [] if buddy is None else [f"{deed.words(phrases.KEPT_BUDDY)}: {buddy.capacity}"]


async def _actions(deed: Deed) -> list[str]:
    """What they come to, with what they bring."""
    actions, lines = deed.tx.actions, []
    for action, _ in await actions.signups_of(deed.person.id):
        mine = await actions.claimed(action.id, deed.person.id)
        brings = ", ".join(need.what for need in await actions.needs(action.id) if need.id in mine) if mine else ""
        lines.append(f"{_when(deed, action.starts_at)}: {action.title}{f' ({brings})' if brings else ''}")
    return lines


async def _hosted(deed: Deed) -> list[str]:
    hosted = await deed.tx.actions.hosted_by(deed.person.id)
    return [f"{_when(deed, action.starts_at)}: {action.title}" for action in hosted]


def _written(deed: Deed, event: Received, labels: Labels) -> str:
    """What somebody wrote, and who, where it was not this person."""
    body = event.body
    keys = body.get("choice")
    pressed = (keys,) if isinstance(keys, str) else keys if isinstance(keys, tuple) else ()
    shown = (labels.get((body.get("conversation"), body.get("question"), str(key))) for key in pressed)
    words = ", ".join(filter(None, shown)) or str(body.get("text") or body.get("place") or "…")
    by = "" if event.kind == "said" else f"{body.get('name') or deed.words(phrases.SOMEONE)}: "
    return f"{_when(deed, event.arrived_at)}: {by}{words}"


def _called(deed: Deed, name: str) -> str:
    return deed.words(_FIELDS[name]) if name in _FIELDS else name.replace("_", " ").capitalize()


def _value(deed: Deed, value: Value) -> str:
    if value is True or value == "yes":
        return deed.words(phrases.YES_BUTTON)
    if value is False or value == "no":
        return deed.words(phrases.NO_BUTTON)
    labels = prepared(deed.library).labels(deed.language)
    if isinstance(value, tuple):
        return ", ".join(labels.get(each, each) for each in map(str, value))
    return labels.get(value, value) if isinstance(value, str) else show(value, "", deed.language, deed.zone)


def _when(deed: Deed, at: datetime) -> str:
    return show(at, "when", deed.language, deed.zone)
