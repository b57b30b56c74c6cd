"""Cards: what coordinators should see, and mostly act on.

Kinds: match, match_to_approve, stalled, nobody_near, buddy_to_approve, action_proposed, human, report, failed_send,
told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from flows.model import NOTHING, Value
from storage.errors import KeyDestroyed
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import CARDS, moment
from storage.values import pack, unpack
from storage.vault import Vault

OPEN = "open"
"""The state of a card that nobody has acted on; any other says what became of it."""

_SEALED = b"cards.sealed"
_C = CARDS.c


@dataclass(frozen=True, slots=True)
class Card:
    """One card.

    subject    what it is about, like "pair:12"
    person_id  whose key its body is under; the body is empty once that key is gone
    acted_by   which coordinator acted, as their desk calls them; "" while it is open
    """

    id: int
    kind: str
    subject: str
    person_id: int
    body: Mapping[str, Value]
    urgent: bool
    state: str
    created_at: datetime
    acted_at: datetime | None
    acted_by: str


_cards = select(
    _C.id, _C.kind, _C.subject, _C.person_id, _C.sealed, _C.urgent, _C.state, _C.created_at, _C.acted_at, _C.acted_by
)  # fmt: skip

_ADD = Statement(
    lambda insert: insert(CARDS)
    .values(
        kind=given("kind"), subject=given("subject"), person_id=given("person"), sealed=given("sealed"),
        urgent=given("urgent"), state=constant(OPEN), created_at=given("at"), acted_by=constant(""),
    )
    .on_conflict_do_update(
        index_elements=["kind", "subject"],
        index_where=_C.state == constant(OPEN),
        set_={
            "person_id": given("person", _C.person_id.type),
            "sealed": given("sealed", _C.sealed.type),
            "urgent": given("urgent", _C.urgent.type),
        },
    )
    .returning(_C.id),
    "kind", "subject", "person", "sealed", "urgent", "at",
)  # fmt: skip
_OPEN = Statement(
    _cards.where(_C.state == constant(OPEN)).order_by(_C.urgent.desc(), _C.id).limit(given("most")).offset(constant(0)),
    "most",
)
_NEWEST = Statement(_cards.order_by(_C.id.desc()).limit(given("most")).offset(constant(0)), "most")
_SETTLED = Statement(
    _cards.where(_C.state != constant(OPEN))
    .order_by(_C.acted_at.desc(), _C.id.desc()).limit(given("most")).offset(constant(0)),
    "most",
)  # fmt: skip
_GET = Statement(_cards.where(_C.id == given("card")), "card")
_ACT = Statement(
    update(CARDS)
    .where(_C.id == given("card"), _C.state == constant(OPEN))
    .values(state=given("new_state"), acted_by=given("by"), acted_at=given("at")),
    "card", "new_state", "by", "at",
)  # fmt: skip


class Cards:
    """The cards of one transaction."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def add(self, kind: str, subject: str, person_id: int, body: Mapping[str, Any], urgent: bool = False) -> int:
        """A new card; its number. Where one of this kind about this subject is open, that one gets the new body."""
        sealed = (await self._vault.of(self._session, person_id)).close(_SEALED, pack(body))
        row = await self._session.row(_ADD, kind, subject, person_id, sealed, urgent, self._session.now_micros)
        assert row is not None
        return int(row[0])

    async def open(self, limit: int) -> list[Card]:
        """Those that wait for someone: the urgent first, then the oldest."""
        return await self._opened(await self._session.rows(_OPEN, limit))

    async def newest(self, limit: int) -> list[Card]:
        """The newest first, whatever became of them."""
        return await self._opened(await self._session.rows(_NEWEST, limit))

    async def settled(self, limit: int) -> list[Card]:
        """Those that someone has acted on, the last one first."""
        return await self._opened(await self._session.rows(_SETTLED, limit))

    async def get(self, card_id: int) -> Card | None:
        """One card."""
        found = await self._opened(await self._session.rows(_GET, card_id))
        return found[0] if found else None

    async def act(self, card_id: int, state: str, by: str) -> bool:
        """Someone acts on an open card. False: someone else was quicker, or there is none."""
        return await self._session.change(_ACT, card_id, state, by, self._session.now_micros) == 1

    async def _opened(self, rows: Sequence[Sequence[Any]]) -> list[Card]:
        cards = []
        for id_, kind, subject, person_id, sealed, urgent, state, created_at, acted_at, acted_by in rows:
            body = await self._body(person_id, sealed)
            when = None if acted_at is None else moment(acted_at)
            card = Card(
                id_, kind, subject, person_id, body, bool(urgent), state, moment(created_at), when, acted_by
            )  # fmt: skip
            cards.append(card)
        return cards

    async def _body(self, person_id: int, sealed: bytes | None) -> Mapping[str, Value]:
        if sealed is None:
            return NOTHING
        try:
            seal = await self._vault.of(self._session, person_id)
        except KeyDestroyed:
            return NOTHING
        return unpack(seal.open(_SEALED, sealed))
