"""Consent, with the words that were said yes to, the version of the flow, and the time."""

from bot.do.base import DONE, Deed
from bot.named import whom
from bot.pairing import life
from flows.model import Did


def _consented(deed: Deed) -> tuple[str, ...]:
    kept = deed.fields.get("consented")
    return kept if isinstance(kept, tuple) else ()


async def record_consent(deed: Deed) -> Did:
    """Keeps a consent, and what the person was asked."""
    to = str(deed.arguments.get("to") or "keep")
    words = str(deed.arguments.get("words") or "")
    names = whom(deed, words)
    await deed.tx.consents.record(deed.person.id, to, words, deed.conversation.version, names)
    if not _consented(deed):
        await deed.tx.ledger.add(deed.person.id, "person.joined", deed.conversation.flow)
    deed.fields["consented"] = (*(each for each in _consented(deed) if each != to), to)
    await deed.tx.ledger.add(deed.person.id, "consented", deed.conversation.flow, detail=to)
    return DONE


async def withdraw_consent(deed: Deed) -> Did:
    """Takes a consent back."""
    to = str(deed.arguments.get("to") or "keep")
    await deed.tx.consents.withdraw(deed.person.id, to)
    deed.fields["consented"] = tuple(each for each in _consented(deed) if each != to)
    if to == "pair":
        await life.leaves(deed, "consent withdrawn")
    await deed.tx.ledger.add(deed.person.id, "consent withdrawn", deed.conversation.flow, detail=to)
    return DONE
