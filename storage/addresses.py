"""A person's addresses: one or more, of which one is preferred, and who may still become somebody else.

What begins by itself goes to the preferred address, which is the one they wrote from last; an answer goes back to where
they wrote.
"""

from dataclasses import dataclass

from sqlalchemy import exists, false, func, null, or_, select, true, update

from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import ACTIONS, ADDRESSES, BLOCKS, CARDS, CONSENTS, PAIRS, PEOPLE, SIGNUPS
from storage.vault import Vault

SEALED = b"addresses.sealed"

_A, _P = ADDRESSES.c, PEOPLE.c


@dataclass(frozen=True, slots=True)
class Address:
    """Where someone can be written to: on which channel, by which of our accounts there, and who they are there."""

    id: int
    channel: str
    account: str
    address: str
    preferred: bool

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it is, whosever it is."""
        return self.channel, self.account, self.address


_OF = Statement(
    select(_A.id, _A.channel, _A.account, _A.sealed, _A.preferred)
    .where(_A.person_id == given("person"))
    .order_by(_A.id),
    "person",
)
_WHOSE = Statement(
    select(_A.id, _A.person_id).where(
        _A.channel == given("channel"), _A.account == given("account"), _A.blind == given("blind")
    ),
    "channel",
    "account",
    "blind",
)
_MOVE = Statement(
    update(ADDRESSES).where(_A.id == given("number")).values(blind=given("new_blind"), sealed=given("new_sealed")),
    "number",
    "new_blind",
    "new_sealed",
)
_UNPREFER = Statement(
    update(ADDRESSES).where(_A.person_id == given("person"), _A.preferred).values(preferred=false()),
    "person",
)
_PREFER = Statement(
    update(ADDRESSES).where(_A.id == given("address"), _A.person_id == given("person")).values(preferred=true()),
    "address",
    "person",
)
_UNREACHED = Statement(
    update(ADDRESSES).where(_A.id == given("address"), _A.blocked_at.is_(None)).values(blocked_at=given("at")),
    "address",
    "at",
)
_REACHED = Statement(update(ADDRESSES).where(_A.id == given("address")).values(blocked_at=null()), "address")
_AT = Statement(
    select(_A.person_id)
    .select_from(ADDRESSES.join(PEOPLE, _P.id == _A.person_id))
    .where(
        _A.channel == given("channel"), _A.account == given("account"), _A.person_id > given("after"),
        _P.status.in_([constant("active"), constant("paused"), constant("stopped")]),
    )
    .distinct()
    .order_by(_A.person_id)
    .limit(given("most")).offset(constant(0)),
    "channel", "account", "after", "most",
)  # fmt: skip
_ACCOUNTS = Statement(
    select(_A.channel, _A.account, func.count()).group_by(_A.channel, _A.account).order_by(_A.channel, _A.account)
)
_theirs = [
    select(constant(1)).select_from(table).where(or_(*(column == _P.id for column in columns)))
    for table, columns in (
        (CONSENTS, [CONSENTS.c.person_id]),
        (PAIRS, [PAIRS.c.supporter_id, PAIRS.c.buddy_id]),
        (SIGNUPS, [SIGNUPS.c.person_id]),
        (ACTIONS, [ACTIONS.c.host_id]),
        (BLOCKS, [BLOCKS.c.person_id, BLOCKS.c.other_id]),
    )
]
_asked = (
    select(constant(1))
    .select_from(CARDS)
    .where(
        CARDS.c.person_id == _P.id,
        CARDS.c.state == constant("open"),
        CARDS.c.kind.not_in([constant("failed_send"), constant("held_send")]),
    )
)
_STRANGER = Statement(
    select(_P.id).where(
        _P.id == given("person"), _P.role == constant(""), *(~exists(each) for each in (*_theirs, _asked))
    ),
    "person",
)


class Addresses:
    """The addresses of one transaction."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def of(self, person_id: int) -> list[Address]:
        """All of theirs, in the order in which they came to be. Raises KeyDestroyed."""
        rows = await self._session.rows(_OF, person_id)
        if not rows:
            return []
        seal = await self._vault.of(self._session, person_id)
        return [
            Address(id_, channel, account, seal.open(SEALED, sealed).decode(), bool(preferred))
            for id_, channel, account, sealed, preferred in rows
        ]

    async def at(self, channel: str, account: str, after: int, limit: int) -> list[int]:
        """The numbers of those who have an address at this account of ours, from behind this number (0: from the
        beginning); without those who are forgotten or about to be."""
        return [int(row[0]) for row in await self._session.rows(_AT, channel, account, after, limit)]

    async def accounts(self) -> dict[tuple[str, str], int]:
        """Every (channel, account) that somebody has an address at, and how many addresses that are."""
        rows = await self._session.rows(_ACCOUNTS)
        return {(channel, account): count for channel, account, count in rows}

    async def prefer(self, person_id: int, address_id: int) -> None:
        """From now on this one of theirs is the preferred one. Only in a turn of theirs."""
        # One after the other: never are two preferred.
        await self._session.change(_UNPREFER, person_id)
        await self._session.change(_PREFER, address_id, person_id)

    async def unreached(self, address_id: int) -> None:
        """Nothing reaches them there from now on: see `Person.reachable`."""
        await self._session.change(_UNREACHED, address_id, self._session.now_micros)

    async def reached(self, address_id: int) -> None:
        """Something has reached them there, or they have written from there."""
        await self._session.change(_REACHED, address_id)

    async def move(self, channel: str, account: str, old: str, new: str) -> None:
        """Whoever was known by the old address is known by the new one, which is nobody's yet. What waits for them
        there goes out there. Only where they are locked."""
        row = await self._session.row(_WHOSE, channel, account, self._vault.blind(channel, account, old))
        assert row is not None, "they were found by it a moment ago"
        seal = await self._vault.of(self._session, row[1])
        blind = self._vault.blind(channel, account, new)
        await self._session.change(_MOVE, row[0], blind, seal.close(SEALED, new.encode()))

    async def only_wrote(self, person_id: int) -> bool:
        """Whether someone has done no more than write: nothing agreed to, nobody met, nothing joined or hosted, and no
        coordinator waits to answer them."""
        return await self._session.row(_STRANGER, person_id) is not None
