"""What someone asks of the bot about themselves: another language, silence, their data, to be forgotten."""

from collections.abc import Mapping
from datetime import datetime

from bot import phone_codes
from bot.do.base import DONE, Deed
from bot.outcome import say_to
from bot.pairing import harvest, life
from flows.model import Did, Say, Value
from storage.errors import NotFound
from storage.people import ACTIVE, LEAVING, STOPPED, Loaded

_MOST = 10_000
"""Messages of theirs that an export holds; bodies are kept for 30 days only."""

_NUMBERS = {"question", "conversation"}


async def set_language(deed: Deed) -> Did:
    """From now on in the language kept as `me.language`."""
    language = deed.world.group.language(str(deed.fields.get("language") or ""))
    deed.fields["language"] = language
    await deed.tx.people.save(deed.person.id, deed.fields, language=language)
    return DONE


async def stop(deed: Deed) -> Did:
    """Nothing is sent any more but the one confirmation; what waited is dropped when it is claimed."""
    await life.leaves(deed, "stopped")
    await deed.tx.people.save(deed.person.id, deed.fields, status=STOPPED)
    await deed.tx.ledger.add(deed.person.id, "stopped", deed.conversation.flow)
    return DONE


async def resume(deed: Deed) -> Did:
    """They want to hear from us again."""
    await deed.tx.people.save(deed.person.id, deed.fields, status=ACTIVE)
    await harvest.noticed(deed, harvest.RESUMED, deed.conversation.flow)
    return DONE


async def phone_code(deed: Deed) -> Did:
    """What they write on another phone, to be the same person there; only a blind index of it is stored."""
    code = phone_codes.new_code()
    await deed.tx.links.make(deed.person.id, code, deed.tx.now + phone_codes.GOOD_FOR)
    return Did("done", {"code": phone_codes.shown(code)})


async def forget_me(deed: Deed) -> Did:
    """Everything of theirs goes as soon as the goodbye is on its way, within a minute at the most."""
    await life.leaves(deed, "forgotten")
    await deed.tx.people.save(deed.person.id, {}, status=LEAVING)
    deed.fields.clear()
    await deed.tx.ledger.add(None, "forgotten")
    return DONE


async def export_me(deed: Deed) -> Did:
    """Sends them all that is kept about them, readable: fields, answers, consents, and what they wrote."""
    tx, person = deed.tx, deed.person
    open_now = (await tx.people.load(person.id) or _gone()).conversations
    lines = [f"since: {person.created_at:%Y-%m-%d}", f"language: {person.language}"]
    lines += [f"{each.channel}: {each.address}" for each in await tx.addresses.of(person.id)]
    lines += [f"{name}: {_words(value)}" for name, value in sorted(deed.fields.items()) if name != "language"]
    answers = {**deed.conversation.answers, **deed.conversation.held}
    for conversation in open_now:
        answers |= {**conversation.answers, **conversation.held}
    lines += [f"{name}: {_words(value)}" for name, value in sorted(answers.items())]
    lines += [f"{to}: {words} ({_at(at)})" for to, words, at in await tx.consents.of(person.id)]
    events = [event for event in await tx.inbox.history(person.id, _MOST) if event.body]
    lines += [f"{_at(event.arrived_at)}: {_said(event.body)}" for event in reversed(events)]
    await say_to(deed, deed.conversation.id, [Say("\n".join(lines))], always=True)
    await tx.ledger.add(person.id, "exported", deed.conversation.flow)
    return DONE


def _gone() -> Loaded:
    raise NotFound("the person of this turn")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _said(body: Mapping[str, Value]) -> str:
    words = [_words(value) for name, value in body.items() if name not in _NUMBERS and value]
    return ", ".join(words)


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
