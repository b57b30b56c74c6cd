"""Links: one-time codes that join an address to a person who is known already, and codes with which they invite others.

The longer ones come in a link, the short ones are typed on another phone within the hour.

The two are never mixed up: who comes by an invitation is a new person, and whose code it is becomes known; nothing
else of theirs does.
"""

import hmac
import re
from datetime import datetime

from sqlalchemy import select, update

from storage.session import Session
from storage.statements import Statement, given
from storage.tables import LINKS, micros
from storage.vault import Vault

_L = LINKS.c

_INVITATION = re.compile(r"from-([1-9]\d{0,17})-([0-9a-f]{16})", re.ASCII)

_ADD = Statement(
    lambda insert: insert(LINKS).values(
        person_id=given("person"), blind=given("blind"), created_at=given("at"), expires_at=given("expires_at")
    ),
    "person", "blind", "at", "expires_at",
)  # fmt: skip
_good = (_L.blind == given("blind"), _L.used_at.is_(None), _L.expires_at > given("now"))
_WHOSE = Statement(select(_L.person_id).where(*_good), "blind", "now")
_USE = Statement(
    update(LINKS)
    .where(*_good)
    .values(used_at=given("at"))
    .returning(_L.person_id),
    "blind", "now", "at",
)  # fmt: skip


class Links:
    """The links of one transaction."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def make(self, person_id: int, code: str, expires_at: datetime) -> None:
        """Keeps a code, of which only a blind index is stored: it must be too long to guess, and new."""
        now, until = self._session.now_micros, micros(expires_at)
        await self._session.change(_ADD, person_id, self._vault.blind("link", code), now, until)

    async def whose(self, code: str) -> int | None:
        """Whose code it is; None where it is unknown, was used, or has expired."""
        row = await self._session.row(_WHOSE, self._vault.blind("link", code), self._session.now_micros)
        return None if row is None else int(row[0])

    async def use(self, code: str) -> int | None:
        """Whose code it is, once; None where it is unknown, was used, or has expired."""
        now = self._session.now_micros
        row = await self._session.row(_USE, self._vault.blind("link", code), now, now)
        return None if row is None else int(row[0])

    def invitation(self, person_id: int) -> str:
        """The code with which this person invites others: as many as they like, for as long as they are here. Nobody
        else can make it."""
        return f"from-{person_id}-{self._vault.blind('invitation', str(person_id)).hex()[:16]}"

    def inviter(self, code: str) -> int | None:
        """Whose invitation this is; None where it is nobody's. They may be gone by now."""
        read = _INVITATION.fullmatch(code)
        if read is None or not hmac.compare_digest(self.invitation(int(read[1])), code):
            return None
        return int(read[1])
