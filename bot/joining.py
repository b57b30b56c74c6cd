"""Someone who was invited comes with a code: from then on this address is theirs."""

import re

from bot.channels.base import Inbound
from flows.exchange import START
from flows.model import Said
from storage.people import Loaded
from storage.transaction import Transaction

_CODE = re.compile(rf"{START} ([A-Za-z0-9_-]{{12,64}})")


async def invited(tx: Transaction, inbound: Inbound, said: Said) -> Loaded | None:
    """Whom a stranger's first message says they are, if it carries the code of someone's invitation."""
    match = _CODE.fullmatch(said.text.strip())
    person_id = await tx.links.use(match[1]) if match else None
    if person_id is None:
        return None
    await tx.people.add_address(person_id, inbound.channel, inbound.account, inbound.address)
    await tx.ledger.add(person_id, "wrote first", detail="invited")
    return await tx.people.load(person_id)
