"""The bot between two people who were introduced: what either writes reaches the other, and no address does."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.channels.kinds import LIMITS
from bot.do.base import Turn
from bot.named import known
from bot.others import leave
from bot.outcome import keep_fields, say_to
from flows import phrases
from flows.model import Said, Say, Shown
from flows.text import begun
from storage.pairs import INTRODUCED, Pair
from storage.people import ACTIVE
from storage.values import NAMES

REMIND = timedelta(hours=12)
"""After so long without writing, someone is told again that their words were passed on."""

MOST_NAMES = 10
"""Names of those a message can be for: as many rows as a list on WhatsApp has."""

_ASKED = "asked_for_whom"
"""The field of a person that holds, until they write again, the number of the event that such a question is about."""

_PRESS = re.compile(r"relay:(\d{1,18}):(\d{1,18})")
_ADDRESSED = re.compile(r"@?\s*(?P<name>[^:,\n]{1,40}?)\s*[:,]\s*(?P<text>\S.*)", re.DOTALL)


async def pass_on(turn: Turn, text: str, *, unsure: bool = False) -> None:
    """Passes on what someone wrote to the one they were introduced to.

    It asks to whom where there are several, and first whether to at all where it is `unsure`.
    """
    pairs = await _introduced(turn)
    if not pairs:
        await _tell(turn, phrases.NOT_UNDERSTOOD)
        return
    names = {pair.id: await _name(turn, pair) for pair in pairs}
    if meant := _meant(names, text):
        number, words = meant
        await _deliver(turn, next(pair for pair in pairs if pair.id == number), names[number], words)
        return
    if len(pairs) == 1 and not unsure:
        await _deliver(turn, pairs[0], names[pairs[0].id], text)
        return
    await _ask(turn, pairs[:MOST_NAMES], names)


async def _ask(turn: Turn, pairs: Sequence[Pair], names: Mapping[int, str]) -> None:
    """Asks for whom it was that they wrote just now. The answer is a name, and never a number: another question may be
    open, and a number answers that."""
    event = await turn.tx.inbox.history(turn.person.id, 1)
    number = turn.fields[_ASKED] = event[0].id if event else 0
    await keep_fields(turn)
    sentence = phrases.RELAY_AT_ALL if len(names) == 1 else phrases.RELAY_TO_WHOM
    asked = turn.words(sentence, name=names[pairs[0].id])
    limits = LIMITS.get(turn.person.channel)
    if limits is not None and limits.buttons == 0:
        listed = [f"  • {names[pair.id]}" for pair in pairs] if len(names) > 1 else []
        await say_to(turn, None, [Say("\n".join([asked, *listed]))])
    else:
        nobody = turn.words(phrases.NO_NAME)
        buttons = tuple(Shown(f"relay:{pair.id}:{number}", begun(names[pair.id], nobody)) for pair in pairs)
        await say_to(turn, None, [Say(asked, buttons, question=number)])


async def named(turn: Turn, said: Said) -> bool:
    """Whether what they say is the name that they were asked for just now; if so, what they wrote before is passed on.

    Whatever they say, the question is over: a name that comes later is a name.
    """
    number = turn.fields.pop(_ASKED, None)
    await keep_fields(turn)
    event = await turn.tx.inbox.of(turn.person.id, number) if isinstance(number, int) else None
    if said.choice is not None or event is None:
        return False
    if any(each.entered_at > event.arrived_at for each in turn.conversations):
        return False  # they were asked something else since
    text, written = str(event.body.get("text") or ""), said.text.strip(" .!").casefold()
    meant = [pair for pair in await _introduced(turn) if (await _name(turn, pair)).casefold() == written]
    if not text or len(meant) != 1:
        return False
    await _deliver(turn, meant[0], await _name(turn, meant[0]), text)
    return True


async def pressed(turn: Turn, said: Said) -> bool:
    """Whether a press says to whom an earlier message goes; if so, it is passed on."""
    match = _PRESS.fullmatch(said.choice) if isinstance(said.choice, str) else None
    if match is None:
        return False
    pair = next((each for each in await _introduced(turn) if each.id == int(match[1])), None)
    event = await turn.tx.inbox.of(turn.person.id, int(match[2]))
    text = str(event.body.get("text") or "") if event else ""
    if pair is None or not text:
        await _tell(turn, phrases.ALREADY_OVER)
    else:
        await _deliver(turn, pair, await _name(turn, pair), text)
    return True


async def addressed(turn: Turn, text: str) -> bool:
    """Whether it begins with the name of one they were introduced to, like "Sam: see you"."""
    return _meant({pair.id: await _name(turn, pair) for pair in await _introduced(turn)}, text) is not None


def _meant(names: Mapping[int, str], text: str) -> tuple[int, str] | None:
    """The one pair, by its number, whose other's name stands in front, and the rest of the text."""
    found = _ADDRESSED.fullmatch(text.strip())
    if found is None:
        return None
    meant = [number for number, name in names.items() if name.casefold() == found["name"].casefold()]
    return (meant[0], found["text"]) if len(meant) == 1 else None


async def only_pair(turn: Turn) -> str:
    """The number of the pair in which this person knows somebody, where there is exactly one; else ""."""
    pairs = await _introduced(turn)
    return str(pairs[0].id) if len(pairs) == 1 else ""


async def _deliver(turn: Turn, pair: Pair, name: str, text: str) -> None:
    tx, me, other = turn.tx, turn.person.id, pair.other(turn.person.id)
    if turn.muted:
        await _tell(turn, phrases.NOT_PASSED_ON)
        return
    there = await tx.people.get(other)
    if there is None or there.status != ACTIVE:
        await _tell(turn, phrases.NOT_REACHED, name=name)
        return
    event = await tx.inbox.history(me, 1)
    mine = str(turn.fields.get("name") or "")
    body = {"pair": str(pair.id), "name": mine, "text": text, NAMES: (me,)}
    await leave(tx, other, "relayed", body, f"{event[0].id}:{pair.id}")
    field = f"{pair.role_of(me)}_wrote_at"
    before: datetime | None = getattr(pair, field)
    wrote: dict[str, Any] = {field: tx.now}
    locked = await tx.pairs.lock(pair.id)
    assert locked is not None, "it was read in this transaction"
    await tx.pairs.save(replace(locked, **wrote))
    if before is None or tx.now - before > REMIND:
        await _tell(turn, phrases.RELAYED, name=name)


async def _introduced(turn: Turn) -> list[Pair]:
    return [pair for pair in await turn.tx.pairs.open_of(turn.person.id) if pair.state == INTRODUCED]


async def _name(turn: Turn, pair: Pair) -> str:
    return known(turn, await turn.tx.people.get(pair.other(turn.person.id))) or turn.words(phrases.NO_NAME)


async def _tell(turn: Turn, sentence: str, **holes: str) -> None:
    await say_to(turn, None, [Say(turn.words(sentence, **holes))])
