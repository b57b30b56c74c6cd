"""Conversations: where people stand, and when something falls due."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from flows.model import Conversation
from storage.errors import NotFound
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import CONVERSATIONS, micros
from storage.values import pack_conversation, unpack_conversation
from storage.vault import Seal, Vault

_SEALED = b"conversations.sealed"
_C = CONVERSATIONS.c

OPENED = (_C.id, _C.flow, _C.version, _C.state, _C.entered_at, _C.sealed)
"""What `opened` wants."""

WHOLE = (
    "id", "person_id", "flow", "version", "state", "sealed", "entered_at", "next_due", "ended_at", "outcome",
)  # fmt: skip
"""The columns of one, in the order in which `ADD` and `SAVE` have them."""

OPEN = Statement(
    select(*OPENED).where(_C.person_id == given("person"), _C.ended_at.is_(None)).order_by(_C.id),
    "person",
)
"""A person's open conversations, oldest first: rows for `opened`."""

ADD = Statement(
    lambda insert: insert(CONVERSATIONS)
    .values(
        person_id=given("person"), flow=given("flow"), version=given("version"), state=given("state"),
        sealed=given("sealed"), entered_at=given("entered_at"), next_due=given("next_due"), outcome=constant(""),
    )
    .returning(_C.id),
    "person", "flow", "version", "state", "sealed", "entered_at", "next_due",
)  # fmt: skip
_changes = {
    name: given(f"new_{name}")
    for name in ("flow", "version", "state", "sealed", "entered_at", "next_due", "ended_at", "outcome")
}
SAVE = Statement(
    update(CONVERSATIONS)
    .where(_C.id == given("conversation"), _C.person_id == given("person"), _C.ended_at.is_(None))
    .values(_changes),
    "new_flow", "new_version", "new_state", "new_sealed", "new_entered_at", "new_next_due", "new_ended_at",
    "new_outcome", "conversation", "person",
)  # fmt: skip
_PUT_OFF = Statement(
    update(CONVERSATIONS)
    .where(_C.id == given("conversation"), _C.next_due.is_not(None))
    .values(next_due=given("new_next_due")),
    "new_next_due", "conversation",
)  # fmt: skip
_DUE = Statement(
    select(_C.id, _C.person_id)
    .where(_C.next_due <= given("before"))
    .order_by(_C.next_due, _C.id)
    .limit(given("most")).offset(constant(0)),
    "before", "most",
)  # fmt: skip
_STANDING = Statement(
    select(_C.flow, _C.state, func.count())
    .where(_C.ended_at.is_(None))
    .group_by(_C.flow, _C.state)
    .order_by(_C.flow, _C.state)
)

_LOOK_AGAIN = Statement(
    update(CONVERSATIONS).where(_C.flow == given("which"), _C.ended_at.is_(None)).values(next_due=given("at")),
    "which",
    "at",
)


def opened(seal: Seal, row: Sequence[Any]) -> Conversation:
    """The conversation of one row of `OPEN`."""
    id_, flow, version, state, entered_at, sealed = row
    return unpack_conversation(id_, flow, version, state, entered_at, seal.open(_SEALED, sealed))


class Conversations:
    """The conversations of one transaction."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def add(self, person_id: int, conversation: Conversation, next_due: datetime | None) -> int:
        """A new conversation; its number. The id it comes with is not looked at."""
        row = await self._session.row(ADD, person_id, *await self._columns(person_id, conversation, next_due))
        assert row is not None
        return int(row[0])

    async def save(self, person_id: int, conversation: Conversation, next_due: datetime | None) -> None:
        """An open conversation as it stands now. Raises NotFound, at the latest as it is committed, if it is not
        theirs, or has ended."""
        await self._save(person_id, conversation, next_due, None, "")

    async def end(self, person_id: int, conversation: Conversation, outcome: str) -> None:
        """The conversation is over, and nothing of it falls due any more. Raises NotFound like `save`."""
        await self._save(person_id, conversation, None, self._session.now_micros, outcome)

    async def put_off(self, conversation_id: int, until: datetime) -> None:
        """What falls due waits until then. Nothing is opened for it: a damaged conversation can wait too."""
        await self._session.change(_PUT_OFF, micros(until), conversation_id)

    async def due(self, limit: int, before: datetime) -> list[tuple[int, int]]:
        """(conversation, person) of what falls due by then, the longest overdue first."""
        return [(row[0], row[1]) for row in await self._session.rows(_DUE, micros(before), limit)]

    async def standing(self) -> list[tuple[str, str, int]]:
        """(flow, state, how many people stand there), over all open conversations."""
        return [(row[0], row[1], row[2]) for row in await self._session.rows(_STANDING)]

    async def look_again(self, flows: Collection[str]) -> None:
        """Everyone in these flows falls due now, so that their next due time is worked out from the flow as it is."""
        await self._session.change_many(_LOOK_AGAIN, [(flow, self._session.now_micros) for flow in flows])

    async def _save(
        self, person_id: int, conversation: Conversation, next_due: datetime | None, ended_at: int | None, outcome: str
    ) -> None:
        columns = await self._columns(person_id, conversation, next_due)
        values = (*columns, ended_at, outcome, conversation.id, person_id)
        about = f"open conversation {conversation.id} of person {person_id}"
        await self._session.later(SAVE, *values, otherwise=NotFound, about=about)

    async def _columns(self, person_id: int, conversation: Conversation, next_due: datetime | None) -> tuple[Any, ...]:
        seal = await self._vault.of(self._session, person_id)
        return (
            conversation.flow,
            conversation.version,
            conversation.state,
            seal.close(_SEALED, pack_conversation(conversation)),
            micros(conversation.entered_at),
            None if next_due is None else micros(next_due),
        )
