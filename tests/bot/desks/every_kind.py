"""One card of every kind, with a hostile name and hostile words wherever a card has any."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.desks.base import _KINDS
from bot.pairing.gatherings import FEWEST, WAITED
from storage.cards import NOTICE, OPEN
from storage.pairs import BUDDY
from storage.transaction import Transaction
from tests.bot.desks.office import Office
from tests.bot.neighbourhood import places

ABOUT_NOBODY = ("turnout", "digest", "flow_refused", "exported")
READY: Mapping[str, Any] = {"adult": "yes", "consented": ("keep", "pair")}


async def show_every_kind(office: Office, hostile: str) -> int:
    """Cards about somebody of that name; how many. Each is true for as long as it is looked at."""
    person = await office.bot.store.run(lambda tx: _full_buddy(tx, hostile))
    words = "about title what reason channel flow supporter by".split()
    body = dict.fromkeys(words, hostile) | {"lines": (hostile,), "many": FEWEST}
    for kind in _KINDS:
        nobody = kind in ABOUT_NOBODY
        await office.add(kind, None if nobody else person, body, state=NOTICE if nobody else OPEN)
    return len(_KINDS)


async def _full_buddy(tx: Transaction, name: str) -> int:
    """A buddy without room, near whom several wait: else the card that says so is soon past."""
    cell = places().at(53.80, -1.55).cell
    for each in range(FEWEST):
        newcomer = await tx.people.add("web", "web", f"newcomer {each}", "en")
        await tx.people.save(newcomer.id, READY, district=cell)
        await tx.buddies.set_waiting(newcomer.id, tx.now - WAITED - timedelta(hours=1))
    buddy = await tx.people.add("web", "web", "buddy", "en")
    await tx.people.save(buddy.id, {"name": name, **READY}, role=BUDDY, district=cell)
    await tx.buddies.serve(buddy.id, role=BUDDY, capacity=1, approved_at=tx.now)
    await tx.buddies.set_load(buddy.id, 1)
    return buddy.id
