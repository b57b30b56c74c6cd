"""What a flow may know of a person, gathered for `advance`."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot import actions
from bot.do.base import MUTED, Turn
from bot.named import CONTACT, known
from bot.pairing.reasons import of_both, read, words
from flows import phrases
from flows.model import Conversation, Facts, Option, Value, subject_of
from flows.prepared import prepared
from flows.text import begun
from storage.actions import Hosted
from storage.pairs import INTRODUCED, Pair

_COUNTS: Mapping[str, Value] = {
    "meetings": 0,
    "attended": 0,
    "hosted": 0,
    "trainings": 0,
    "invited": 0,
    "has_buddy": False,
}


async def gather(turn: Turn, conversations: Iterable[Conversation], also: Mapping[str, Value]) -> Facts:
    """The facts for these conversations of one person, and for the pair or action that `also` names."""
    conversations = tuple(conversations)
    person, group = turn.person, turn.world.group
    me = me_of(turn.fields, turn.language, person.channel, person.role, person.created_at)
    flows = {flow for each in conversations for flow in (each.flow, *(caller.flow for caller in each.callers))}
    if any(prepared(turn.library).names(flow, "me.hosted", "me.trainings") for flow in flows):
        me = {**me, **hosted_of(await turn.tx.actions.hosted(person.id))}
    subjects: dict[tuple[str, str], Mapping[str, Value]] = {}
    wanted: set[str] = set()
    for conversation in conversations:
        for what in ("pair", "action"):
            if which := subject_of(conversation, what):
                await _subject(turn, subjects, what, which)
        if prepared(turn.library).names(conversation.flow, "pair.away_until"):
            await _know_whether_away(turn, subjects, subject_of(conversation, "pair"))
    for flow in flows:
        wanted |= prepared(turn.library).lists(flow)
    for what in ("pair", "action") if also else ():
        await _subject(turn, subjects, what, str(also.get(what) or ""))
    lists: dict[str, tuple[Option, ...]] = {}
    if "languages" in wanted:
        lists["languages"] = group.language_options()
    if "my_pairs" in wanted:
        lists["my_pairs"] = await _my_pairs(turn)
    if more := wanted - lists.keys():
        lists |= await actions.lists(turn, more, [int(which) for what, which in subjects if what == "action"])
    return Facts(person.id, me, group.org, subjects, lists, turn.zone, turn.language)


def me_of(fields: Mapping[str, Value], language: str, channel: str, role: str, joined: datetime) -> Mapping[str, Value]:
    """What flows and queries may read of a person as `me`."""
    kept: dict[str, Value] = {"language": language, "channel": channel, "role": role or "supporter", "joined": joined}
    return {**_COUNTS, **fields, **kept}


def hosted_of(hosted: Hosted) -> Mapping[str, Value]:
    """What flows and queries may read of what somebody has hosted; whoever hosted a training is a trainer."""
    return {"hosted": hosted.actions, "trainings": hosted.trainings}


async def _subject(turn: Turn, subjects: dict[tuple[str, str], Mapping[str, Value]], what: str, which: str) -> None:
    if not (which.isascii() and which.isdigit()) or (what, which) in subjects:
        return
    if what == "pair":
        pair = await turn.tx.pairs.get(int(which))
        if pair is not None and turn.person.id in (pair.supporter_id, pair.buddy_id):
            subjects[what, which] = await pair_facts(turn, pair)
        return
    action = await turn.tx.actions.get(int(which))
    if action is not None:
        subjects[what, which] = await actions.facts_of(turn, action)


async def _know_whether_away(turn: Turn, subjects: dict[tuple[str, str], Mapping[str, Value]], which: str) -> None:
    """Until when the buddy of this pair is away, for the newcomer; few flows ask for it, so few turns look it up."""
    facts = subjects.get(("pair", which))
    pair = await turn.tx.pairs.get(int(which)) if facts is not None else None
    if facts is None or pair is None or (pair.supporter_id, pair.state) != (turn.person.id, INTRODUCED):
        return
    buddy = await turn.tx.buddies.get(pair.buddy_id)
    if buddy is not None and buddy.away_until is not None:
        subjects["pair", which] = {**facts, "away_until": buddy.away_until}


async def pair_facts(turn: Turn, pair: Pair) -> Mapping[str, Value]:
    """What this person may know of a pair of theirs: of the other, the first name and what both share."""
    other = await turn.tx.people.get(pair.other(turn.person.id))
    theirs: Mapping[str, Value] = other.fields if other else {}
    known(turn, other, CONTACT)
    shared = [each for each in _list(turn.fields.get("interests")) if each in _list(theirs.get("interests"))]
    named = prepared(turn.library).labels(turn.language)
    both_shared = pair.supporter_shared_at is not None and pair.buddy_shared_at is not None
    facts: dict[str, Value] = {
        "other": theirs.get("name") or (turn.words(phrases.NO_NAME) if theirs else None),
        "shared": tuple(named.get(each, each) for each in shared),
        "reasons": tuple(words(each, turn.words, turn.language, named) for each in of_both(map(read, pair.reasons))),
        "since": pair.introduced_at,
        "written": pair.supporter_wrote_at is not None or pair.buddy_wrote_at is not None,
        "meetings": pair.meetings,
        "contact": theirs.get("contact") if both_shared and pair.state == INTRODUCED and MUTED not in theirs else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


async def _my_pairs(turn: Turn) -> tuple[Option, ...]:
    pairs = [pair for pair in await turn.tx.pairs.open_of(turn.person.id) if pair.state == INTRODUCED]
    options = []
    for pair in reversed(pairs):
        facts = await pair_facts(turn, pair)
        label = begun(str(facts.get("other", "?")), turn.words(phrases.NO_NAME))
        options.append(Option(str(pair.id), label, {"pair": facts}))
    return tuple(options)


def _list(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
