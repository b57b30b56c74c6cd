"""What goes to the coordinators. It is kept as an event of theirs, sealed with the person it is about."""

from bot.do.base import DONE, Deed
from flows.model import Did


async def _tell(deed: Deed, what: str) -> Did:
    about = str(deed.arguments.get("about") or "")
    event = f"{deed.conversation.id}:{deed.conversation.state}:{deed.tx.now.isoformat()}"
    await deed.tx.inbox.take(f"desk:{what}", event, deed.person.id, what, {"about": about})
    await deed.tx.ledger.add(deed.person.id, what, deed.conversation.flow)
    return DONE


async def tell_coordinators(deed: Deed) -> Did:
    """Coordinators hear of something."""
    return await _tell(deed, "told coordinators")


async def hand_over(deed: Deed) -> Did:
    """Someone wants a person."""
    return await _tell(deed, "asked for a human")


async def report(deed: Deed) -> Did:
    """Something felt wrong."""
    return await _tell(deed, "reported")
