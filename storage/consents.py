"""Consents: what people agreed to, in the words they read."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update

from storage import layers
from storage.errors import KeyDestroyed
from storage.session import Session
from storage.statements import Statement, given
from storage.tables import CONSENTS, moment
from storage.vault import Vault

_SEALED = b"consents.sealed"
_C = CONSENTS.c

_ADD = Statement(
    lambda insert: insert(CONSENTS).values(
        person_id=given("person"), to=given("to"), sealed=given("sealed"), version=given("version"), at=given("at")
    ),
    "person", "to", "sealed", "version", "at",
)  # fmt: skip
_WITHDRAW = Statement(
    update(CONSENTS)
    .where(_C.person_id == given("person"), _C.to == given("what"), _C.withdrawn_at.is_(None))
    .values(withdrawn_at=given("at")),
    "person", "what", "at",
)  # fmt: skip
_OF = Statement(
    select(_C.to, _C.sealed, _C.at).where(_C.person_id == given("person"), _C.withdrawn_at.is_(None)).order_by(_C.id),
    "person",
)

_WITHDRAWN = Statement(
    select(_C.sealed, _C.at, _C.withdrawn_at)
    .where(_C.person_id == given("person"), _C.withdrawn_at.is_not(None))
    .order_by(_C.id),
    "person",
)


class Consents:
    """The consents of one transaction."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def record(self, person_id: int, to: str, words: str, version: int, names: Iterable[int] = ()) -> None:
        """They said yes to these words, of this version of the library, now. `names`: whom else the words name."""
        sealed = await layers.close(self._session, self._vault, person_id, _SEALED, words.encode(), names)
        await self._session.change(_ADD, person_id, to, sealed, version, self._session.now_micros)

    async def withdraw(self, person_id: int, to: str) -> None:
        """They took it back, now."""
        await self._session.change(_WITHDRAW, person_id, to, self._session.now_micros)

    async def of(self, person_id: int) -> list[tuple[str, str, datetime]]:
        """(to what, the words, when) of every consent in force, oldest first. Words are "" where they named somebody
        who was forgotten since."""
        rows = await self._session.rows(_OF, person_id)
        return [(to, await self._words(person_id, sealed), moment(at)) for to, sealed, at in rows]

    async def withdrawn(self, person_id: int) -> list[tuple[str, datetime, datetime]]:
        """(the words, when, when they were taken back) of those that are in force no more, oldest first."""
        rows = await self._session.rows(_WITHDRAWN, person_id)
        return [(await self._words(person_id, sealed), moment(at), moment(until)) for sealed, at, until in rows]

    async def _words(self, person_id: int, sealed: bytes) -> str:
        await self._vault.of(self._session, person_id)
        try:
            return (await layers.opened(self._session, self._vault, person_id, _SEALED, sealed)).decode()
        except KeyDestroyed:
            return ""
