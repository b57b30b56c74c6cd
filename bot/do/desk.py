"""What goes to the coordinators: a card on their desk, sealed with the person it is about."""

from bot import people
from bot.do.base import DONE, Deed
from bot.outcome import say_to
from bot.pairing import life
from flows import phrases
from flows.model import Did, Say
from storage.pairs import INTRODUCED


async def tell_coordinators(deed: Deed) -> Did:
    """Coordinators hear of something."""
    return await _card(deed, "told", f"{_here(deed)}:{deed.conversation.state}", "told coordinators")


async def hand_over(deed: Deed) -> Did:
    """Someone wants a person: what coordinators answer reaches them here, and what they write on reaches those."""
    people.begun(deed)
    card = await deed.tx.cards.about("human", f"person:{deed.person.id}")
    if card and not deed.muted:
        # A card that only changes calls nobody.
        await people.write_on(deed, card, _about(deed))
    return await _card(deed, "human", f"person:{deed.person.id}", "asked for a human")


async def report(deed: Deed) -> Did:
    """Something felt wrong. A pair that this is about, or the only one they have, is frozen at once; what they say of
    it afterwards comes onto the same card."""
    number = deed.about("pair")
    if await _said_more(deed, number):
        return DONE
    known = [pair.id for pair in await deed.tx.pairs.open_of(deed.person.id) if pair.state == INTRODUCED]
    number = known[0] if number is None and len(known) == 1 else number
    pair = await deed.tx.pairs.lock(number) if number in known and number is not None else None
    people.begun(deed)
    if pair is not None:
        await life.frozen(deed, pair, _about(deed))
        await deed.tx.ledger.add(deed.person.id, "reported", deed.conversation.flow, f"pair:{pair.id}")
        return DONE
    return await _card(deed, "report", _here(deed), "reported", urgent=True)


async def _said_more(deed: Deed, number: int | None) -> bool:
    """Whether they reported this a moment ago; if so, their words come onto that card."""
    for subject in (f"pair:{number}", _here(deed)):
        card = await deed.tx.cards.about("report", subject)
        if card is not None and card.person_id == deed.person.id:
            body = {**card.body, "about": _about(deed) or card.body.get("about", "")}
            await deed.tx.cards.add("report", subject, deed.person.id, body, urgent=True)
            return True
    return False


def _here(deed: Deed) -> str:
    """What a card is about that is about nothing but what they say now."""
    return f"conversation:{deed.conversation.id}"


async def _card(deed: Deed, kind: str, subject: str, what: str, *, urgent: bool = False) -> Did:
    if deed.muted:
        await say_to(deed, None, [Say(deed.words(phrases.NOT_PASSED_ON))])
        return DONE
    await deed.tx.cards.add(kind, subject, deed.person.id, {"about": _about(deed)}, urgent)
    await deed.tx.ledger.add(deed.person.id, what, deed.conversation.flow)
    return DONE


def _about(deed: Deed) -> str:
    """In the words of the flow or of the person; of who is muted only that it happened."""
    return "" if deed.muted else str(deed.arguments.get("about") or "")
