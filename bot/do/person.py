"""What someone asks of the bot about themselves: another language, silence, their data, to be forgotten."""

from bot.do.base import DONE, Deed
from flows.model import Did, Say
from storage.people import ACTIVE, LEAVING, STOPPED


async def set_language(deed: Deed) -> Did:
    """From now on in the language kept as `me.language`."""
    language = deed.group.language(str(deed.fields.get("language") or ""))
    deed.fields["language"] = language
    await deed.tx.people.save(deed.person.id, deed.fields, language=language)
    return DONE


async def stop(deed: Deed) -> Did:
    """Nothing is sent any more but the one confirmation; what waited is dropped when it is claimed."""
    await deed.tx.people.save(deed.person.id, deed.fields, status=STOPPED)
    await deed.tx.ledger.add(deed.person.id, "stopped", deed.conversation.flow)
    return DONE


async def resume(deed: Deed) -> Did:
    """They want to hear from us again."""
    await deed.tx.people.save(deed.person.id, deed.fields, status=ACTIVE)
    await deed.tx.ledger.add(deed.person.id, "resumed", deed.conversation.flow)
    return DONE


async def forget_me(deed: Deed) -> Did:
    """Everything of theirs goes as soon as the goodbye is on its way, within a minute at the most."""
    await deed.tx.people.save(deed.person.id, {}, status=LEAVING)
    deed.fields.clear()
    await deed.tx.ledger.add(None, "forgotten")
    return DONE


async def export_me(deed: Deed) -> Did:
    """Sends them all that is kept about them, readable."""
    lines = [f"{name}: {_words(value)}" for name, value in sorted(deed.fields.items())]
    lines += [f"{to}: {words} ({at:%Y-%m-%d %H:%M} UTC)" for to, words, at in await deed.tx.consents.of(deed.person.id)]
    text = "\n".join([f"since: {deed.person.created_at:%Y-%m-%d}", f"language: {deed.person.language}", *lines])
    await deed.tx.outbox.add(deed.person, deed.person.address_id, deed.conversation.id, [Say(text)])
    await deed.tx.ledger.add(deed.person.id, "exported", deed.conversation.flow)
    return DONE


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
