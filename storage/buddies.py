"""Buddies: who takes newcomers, how many, and who waits for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import and_, case, exists, func, select, true, update

from flows.model import Value
from storage.errors import NotFound
from storage.pairs import BUDDY, GATHERED
from storage.people import ACTIVE, fields_of
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import ADDRESSES, BLOCKS, PAIRS, PEOPLE, micros, moment
from storage.vault import Vault


class Clear(Enum):
    """The type of `CLEAR`."""

    CLEAR = "clear"


CLEAR: Final = Clear.CLEAR
"""In `Buddies.serve`: not left as it is, but taken away."""

_CLEARED = 0
"""Stands for CLEAR on the way into the database: no moment of a group's is 1970."""


@dataclass(frozen=True, slots=True)
class Buddy:
    """Someone who takes newcomers, or asked to.

    fields       all that is known of them, by name; a list is a tuple
    district     an H3 cell; "" where no place is known
    capacity     how many newcomers they take at once; `load` is how many they have or were offered
    approved_at  None until a coordinator approves
    away_until   None unless they are away; it may be past
    status       as `Person.status`
    reachable    as `Person.reachable`
    """

    id: int
    language: str
    district: str
    fields: Mapping[str, Value]
    capacity: int
    load: int
    approved_at: datetime | None
    away_until: datetime | None
    created_at: datetime
    status: str
    reachable: bool = True


@dataclass(frozen=True, slots=True)
class Seeker:
    """Someone who waits for a buddy; what has the name it has in `Buddy` means the same.

    apart  whom they are never introduced to: blocked either way, or in a pair with them before (but to gather)
    """

    id: int
    language: str
    district: str
    fields: Mapping[str, Value]
    waiting_since: datetime
    created_at: datetime
    apart: frozenset[int]


_P = PEOPLE.c
_at = and_(ADDRESSES.c.person_id == _P.id, ADDRESSES.c.preferred)
_buddies = (
    select(
        _P.id, _P.language, _P.district, _P.sealed, _P.capacity, _P.load, _P.approved_at, _P.away_until, _P.created_at,
        _P.status, ADDRESSES.c.blocked_at,
    )
    .select_from(PEOPLE.join(ADDRESSES, _at))
    .where(_P.role == constant(BUDDY))
)  # fmt: skip

_ALL = Statement(_buddies.order_by(_P.id))
_GET = Statement(_buddies.where(_P.id == given("person")), "person")
_SERVE = Statement(
    update(PEOPLE)
    .where(_P.id == given("person"))
    .values(
        role=func.coalesce(given("new_role", _P.role.type), _P.role),
        capacity=func.coalesce(given("new_capacity", _P.capacity.type), _P.capacity),
        approved_at=func.nullif(
            func.coalesce(given("new_approved_at", _P.id.type), _P.approved_at), constant(_CLEARED)
        ),
        away_until=func.nullif(
            func.coalesce(given("new_away_until", _P.id.type), _P.away_until), constant(_CLEARED)
        ),
    ),
    "person", "new_role", "new_capacity", "new_approved_at", "new_away_until",
)  # fmt: skip
_SET_LOAD = Statement(
    update(PEOPLE).where(_P.id == given("person")).values(load=given("new_load")), "person", "new_load"
)
_since = given("since", _P.id.type)
_SET_WAITING = Statement(
    update(PEOPLE)
    .where(_P.id == given("person"))
    .values(waiting_since=case((_since.is_(None), None), else_=func.coalesce(_P.waiting_since, _since))),
    "person",
    "since",
)
_SINCE = Statement(select(_P.waiting_since).where(_P.id == given("person")), "person")
_unreached = (
    select(constant(1)).select_from(ADDRESSES).where(_at, ADDRESSES.c.blocked_at.is_not(None)).correlate(PEOPLE)
)
_SEEKERS = Statement(
    select(_P.id, _P.language, _P.district, _P.sealed, _P.waiting_since, _P.created_at)
    .where(_P.waiting_since.is_not(None), _P.status == constant(ACTIVE), ~exists(_unreached))
    .order_by(_P.waiting_since, _P.id)
    .limit(given("most"))
    .offset(constant(0)),
    "most",
)
_waits = select(_P.id).where(_P.waiting_since.is_not(None)).scalar_subquery()
_pairs = (PAIRS.c.supporter_id, PAIRS.c.buddy_id, PAIRS.c.state != constant(GATHERED))
_blocks = (BLOCKS.c.person_id, BLOCKS.c.other_id, true())
_APART = [
    Statement(select(one, other).where(one.in_(_waits), counts))
    for here, there, counts in (_pairs, _blocks)
    for one, other in ((here, there), (there, here))
]


class Buddies:
    """The buddies of one transaction, and those who wait for one. What changes someone belongs in their own turn."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def all(self) -> list[Buddy]:
        """Everyone whose role is buddy, whatever else; without those who were invited and have not written yet."""
        return [await self._buddy(row) for row in await self._session.rows(_ALL)]

    async def get(self, person_id: int) -> Buddy | None:
        """One of them; None for someone who is not."""
        row = await self._session.row(_GET, person_id)
        return None if row is None else await self._buddy(row)

    async def serve(
        self,
        person_id: int,
        *,
        role: str | None = None,
        capacity: int | None = None,
        approved_at: datetime | Clear | None = None,
        away_until: datetime | Clear | None = None,
    ) -> None:
        """Changes what is given and leaves the rest; CLEAR takes a moment away. Raises NotFound."""
        moments = (_stored(approved_at), _stored(away_until))
        if not await self._session.change(_SERVE, person_id, role, capacity, *moments):
            raise NotFound(f"person {person_id}")

    async def set_load(self, person_id: int, load: int) -> None:
        """So many newcomers they have, or were offered."""
        await self._session.change(_SET_LOAD, person_id, load)

    async def set_waiting(self, person_id: int, since: datetime | None) -> None:
        """They wait for a buddy since then, or since longer; None: not any more."""
        await self._session.change(_SET_WAITING, person_id, None if since is None else micros(since))

    async def waiting_since(self, person_id: int) -> datetime | None:
        """Since when this person has waited for a buddy; None: they do not."""
        row = await self._session.row(_SINCE, person_id)
        return None if row is None else _moment(row[0])

    async def seekers(self, limit: int) -> list[Seeker]:
        """The active people who wait for a buddy, the longest first; without those who cannot be reached."""
        rows = await self._session.rows(_SEEKERS, limit)
        apart: dict[int, set[int]] = {row[0]: set() for row in rows}
        for statement in _APART if rows else ():
            for one, other in await self._session.rows(statement):
                if one in apart:
                    apart[one].add(other)
        return [await self._seeker(row, apart[row[0]]) for row in rows]

    async def _seeker(self, row: Sequence[Any], apart: set[int]) -> Seeker:
        id_, language, district, sealed, since, created_at = row
        fields = fields_of(await self._vault.of(self._session, id_), sealed)
        return Seeker(id_, language, district, fields, moment(since), moment(created_at), frozenset(apart))

    async def _buddy(self, row: Sequence[Any]) -> Buddy:
        id_, language, district, sealed, capacity, load, approved_at, away_until, created_at, status, blocked = row
        fields = fields_of(await self._vault.of(self._session, id_), sealed)
        return Buddy(
            id_, language, district, fields, capacity, load, _moment(approved_at), _moment(away_until),
            moment(created_at), status, blocked is None,
        )  # fmt: skip


def _stored(at: datetime | Clear | None) -> int | None:
    if at is None:
        return None
    return _CLEARED if isinstance(at, Clear) else micros(at)


def _moment(at: int | None) -> datetime | None:
    return None if at is None else moment(at)
