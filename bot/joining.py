"""Someone comes with a code: their own, that joins this address to who they are, or somebody's who invited them."""

import re

from bot.channels.base import Inbound
from bot.do.base import Turn
from bot.others import leave
from flows.exchange import START
from flows.model import Said
from storage.people import Loaded
from storage.transaction import Transaction

_CODE = re.compile(rf"{START} ([A-Za-z0-9_-]{{12,64}})")


async def joined(tx: Transaction, inbound: Inbound, said: Said) -> Loaded | None:
    """Who a stranger is whose first message carries the code that was made for them (`people import`)."""
    code = code_in(said)
    person_id = await tx.links.use(code) if code else None
    if person_id is None:
        return None
    await tx.people.add_address(person_id, inbound.channel, inbound.account, inbound.address)
    await tx.ledger.add(person_id, "wrote first", detail="imported")
    return await tx.people.lock_and_load(inbound.channel, inbound.account, inbound.address)


async def thank(turn: Turn, said: Said) -> None:
    """Whoever invited this stranger is to hear of it: it counts as one they brought."""
    inviter = turn.tx.links.inviter(code_in(said))
    if inviter is not None and inviter != turn.person.id and await turn.tx.people.get(inviter) is not None:
        await leave(turn.tx, inviter, "invited", {}, str(turn.person.id))


def code_in(said: Said) -> str:
    """The code behind a link that they opened; "" where there is none."""
    match = _CODE.fullmatch(said.text.strip())
    return match[1] if match else ""
