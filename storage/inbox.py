"""The inbox: every event once, and what one person's turn leaves for another's."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, null, select, update

from flows.model import NOTHING, Value
from storage import layers
from storage.bodies import Bodies
from storage.errors import KeyDestroyed, SeenBefore
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import INBOX, micros, moment
from storage.values import pack, unpack
from storage.vault import Vault

TRIES = 3
"""How often an event is tried before it is dead: kept, shown, and left alone."""

_SEALED = b"inbox.sealed"
_I = INBOX.c
_BODIES = Bodies(INBOX, _I.arrived_at)


@dataclass(frozen=True, slots=True)
class Received:
    """One event. `body` is empty once it was deleted, or somebody whom it names was forgotten; lists come back as
    tuples."""

    id: int
    source: str
    event: str
    person_id: int
    kind: str
    body: Mapping[str, Value]
    arrived_at: datetime
    tries: int


_columns = (_I.id, _I.source, _I.event, _I.person_id, _I.kind, _I.sealed, _I.arrived_at, _I.tries)

_ADD = Statement(
    lambda insert: insert(INBOX)
    .values(
        source=given("source"), event=given("event"), person_id=given("person"), kind=given("kind"),
        sealed=given("sealed"), arrived_at=given("arrived_at"), taken_at=given("taken_at"), tries=constant(0),
        error=constant(""),
    )
    .on_conflict_do_nothing(index_elements=["source", "event"]),
    "source", "event", "person", "kind", "sealed", "arrived_at", "taken_at",
)  # fmt: skip
_BURY = Statement(
    lambda insert: insert(INBOX)
    .values(
        source=given("source"), event=given("event"), person_id=given("person"), kind=given("kind"),
        sealed=given("sealed"), arrived_at=given("at"), dead_at=given("at"), tries=constant(TRIES), error=given("why"),
    )
    .on_conflict_do_nothing(index_elements=["source", "event"]),
    "source", "event", "person", "kind", "sealed", "at", "why",
)  # fmt: skip
_UNTAKEN = Statement(
    select(*_columns)
    .where(_I.taken_at.is_(None), _I.dead_at.is_(None))
    .order_by(_I.id)
    .limit(given("most"))
    .offset(constant(0)),
    "most",
)
_TAKEN = Statement(
    update(INBOX)
    .where(_I.id == given("number"), _I.taken_at.is_(None), _I.dead_at.is_(None))
    .values(taken_at=given("at")),
    "number", "at",
)  # fmt: skip
_FAILED = Statement(
    update(INBOX)
    .where(_I.id == given("number"), _I.taken_at.is_(None), _I.dead_at.is_(None))
    .values(
        tries=_I.tries + constant(1),
        error=given("why"),
        dead_at=case((_I.tries + constant(1) >= constant(TRIES), given("at", _I.dead_at.type))),
    )
    .returning(_I.dead_at),
    "number", "why", "at",
)  # fmt: skip
_REVIVE = Statement(
    update(INBOX)
    .where(_I.person_id == given("person"), _I.dead_at.is_not(None), _I.sealed.is_not(None))
    .values(dead_at=null(), tries=constant(0)),
    "person",
)
_HISTORY = Statement(
    select(*_columns)
    .where(_I.person_id == given("person"), _I.id > given("after"))
    .order_by(_I.id.desc())
    .limit(given("most"))
    .offset(constant(0)),
    "person", "after", "most",
)  # fmt: skip
_OF = Statement(select(*_columns).where(_I.id == given("number"), _I.person_id == given("person")), "number", "person")


class Inbox:
    """The inbox of one transaction. `left` counts what was put for other people's turns: somebody has to look."""

    __slots__ = ("_session", "_vault", "left")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault
        self.left = 0

    async def take(self, source: str, event: str, person_id: int, kind: str, body: Mapping[str, Any]) -> None:
        """Takes an event in this very transaction. Raises SeenBefore, at the latest as it is committed, where it was
        here before."""
        session = self._session
        row = await self._row(source, event, person_id, kind, body, session.now_micros)
        await session.later(_ADD, *row, otherwise=SeenBefore)

    async def put(self, source: str, event: str, person_id: int, kind: str, body: Mapping[str, Any]) -> bool:
        """Leaves an event for another person's turn. False: it was here before.

        Whom its body names, by their numbers in `storage.values.NAMES`, takes it along when they are forgotten.
        """
        self.left += 1
        row = await self._row(source, event, person_id, kind, body, None)
        return await self._session.change(_ADD, *row) == 1

    async def untaken(self, limit: int) -> list[Received]:
        """What waits for a turn, oldest first; without the dead. Whoever acts on it asks `taken` first."""
        return await self._received(await self._session.rows(_UNTAKEN, limit))

    async def taken(self, event_id: int) -> bool:
        """Takes a waiting event in this transaction, with its person locked. False: someone else took it."""
        return await self._session.change(_TAKEN, event_id, self._session.now_micros) == 1

    async def failed(self, event_id: int, error: str) -> bool:
        """One more try that failed; True: it was the third, and the event is dead. `error` says nothing personal."""
        row = await self._session.row(_FAILED, event_id, error, self._session.now_micros)
        return row is not None and row[0] is not None

    async def revive(self, person_id: int) -> int:
        """What is dead of a person's waits for a turn again, as if it had never been tried; how many events that are.

        Those whose bodies were deleted meanwhile stay dead.
        """
        return await self._session.change(_REVIVE, person_id)

    async def bury(
        self, source: str, event: str, person_id: int, kind: str, body: Mapping[str, Any], error: str
    ) -> bool:
        """Keeps an event whose turn failed at every try, dead. False: it was here before."""
        session = self._session
        sealed = (await self._vault.of(session, person_id)).close(_SEALED, pack(body))
        return await session.change(_BURY, source, event, person_id, kind, sealed, session.now_micros, error) == 1

    async def history(self, person_id: int, limit: int, after_id: int = 0) -> list[Received]:
        """What came from or for this person, with numbers above `after_id`, newest first."""
        return await self._received(await self._session.rows(_HISTORY, person_id, after_id, limit))

    async def of(self, person_id: int, event_id: int) -> Received | None:
        """One event of this person's; None where it is another's or there is none."""
        received = await self._received(await self._session.rows(_OF, event_id, person_id))
        return received[0] if received else None

    async def delete_bodies(self, before: datetime, limit: int = 1000) -> int:
        """Deletes the bodies of what arrived before then, oldest first; how many rows it looked at (0: done)."""
        return await _BODIES.delete(self._session, micros(before), limit)

    async def _row(
        self, source: str, event: str, person_id: int, kind: str, body: Mapping[str, Any], taken_at: int | None
    ) -> tuple[Any, ...]:
        session = self._session
        sealed = await layers.close(session, self._vault, person_id, _SEALED, pack(body), layers.named(body))
        return source, event, person_id, kind, sealed, session.now_micros, taken_at

    async def _received(self, rows: Sequence[Sequence[Any]]) -> list[Received]:
        received = []
        for id_, source, event, person_id, kind, sealed, arrived_at, tries in rows:
            body: Mapping[str, Value] = NOTHING
            if sealed is not None:
                # Someone who was forgotten in another process meanwhile must not keep all others from being read.
                with suppress(KeyDestroyed):
                    body = unpack(await layers.opened(self._session, self._vault, person_id, _SEALED, sealed))
            received.append(Received(id_, source, event, person_id, kind, body, moment(arrived_at), tries))
        return received
