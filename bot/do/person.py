"""What someone asks of the bot about themselves: another language, silence, their data, to be forgotten."""

from bot import kept, phone_codes
from bot.do.base import DONE, Deed
from bot.outcome import say_to
from bot.pairing import harvest, life
from flows.model import Did
from storage.people import ACTIVE, LEAVING, STOPPED


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
    """Sends them all that is kept about them, in words: fields, answers, consents, whom they know, what they wrote."""
    await say_to(deed, deed.conversation.id, [await kept.about(deed)], always=True)
    await deed.tx.ledger.add(deed.person.id, "exported", deed.conversation.flow)
    return DONE
