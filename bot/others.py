"""What a turn leaves for other people: a turn writes one person only, so it waits in the inbox for one of theirs."""

from collections.abc import Mapping

from storage.transaction import Transaction


async def tell(tx: Transaction, person_id: int, name: str, about: Mapping[str, object], once: str = "") -> None:
    """Something happened to this person; it reaches them in a turn of their own.

    `once` tells it from others of the same name about the same; what is told twice happens once.
    """
    subject = ":".join(f"{key}:{value}" for key, value in about.items())
    data = {key: str(value) for key, value in about.items()}
    await tx.inbox.put("bot", f"{name}:{subject}:{once}:{person_id}", person_id, "happened", {"name": name, **data})


async def leave(tx: Transaction, person_id: int, kind: str, body: Mapping[str, object], event: str) -> None:
    """Something else to be done in a turn of theirs (`bot.events`); the same event is done once."""
    await tx.inbox.put("bot", f"{kind}:{event}:{person_id}", person_id, kind, body)


async def tell_next(tx: Transaction, action_id: int, instead_of: int) -> None:
    """Who waits longest moves up, in a turn of their own; if there is room for more, that turn tells the next."""
    waiting = await tx.actions.next_waiting(action_id)
    if waiting is not None:
        once = f"{instead_of}:{tx.now.isoformat()}"
        await tell(tx, waiting, "signup.place_free", {"action": action_id}, once)
