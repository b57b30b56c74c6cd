"""People and their addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import exists, func, null, or_, select, update

from flows.model import NOTHING, Conversation, Value
from storage import forgetting
from storage.addresses import SEALED as ADDRESS
from storage.conversations import OPEN, opened
from storage.errors import FirstContactRaced, NotFound
from storage.library import IN_FORCE
from storage.pairs import Pair, Pairs
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import ADDRESSES, BLOCKS, INBOX, OUTBOX, PEOPLE, micros, moment
from storage.tombstones import Tombstones
from storage.values import pack, unpack
from storage.vault import Seal, Vault

ACTIVE, STOPPED, LEAVING, FORGOTTEN = "active", "stopped", "leaving", "forgotten"
BLOCKED = "blocked"
"""What `Person.status` can be."""

_SEALED = b"people.sealed"


@dataclass(frozen=True, slots=True)
class Person:
    """Someone, and the address they wrote to us from (their preferred one, when they were found by their number).

    fields     all that is known of them (`me`), by name; a list is a tuple
    preferred  whether what begins by itself goes to this address
    zone       IANA name of the time zone they live in; "" where that is not known
    reachable  False where they have blocked us at this address, or are gone from there, and have not written since
    """

    id: int
    created_at: datetime
    language: str
    role: str
    status: str
    district: str
    fields: Mapping[str, Value]
    address_id: int
    channel: str
    account: str
    preferred: bool = True
    zone: str = ""
    reachable: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """Someone, whether or not they can be written to: see `Person`."""

    id: int
    created_at: datetime
    language: str
    role: str
    status: str
    district: str
    fields: Mapping[str, Value]


class Loaded(NamedTuple):
    """All that a turn begins with. `library` is the number of the version in force; 0 where none ever was."""

    person: Person
    conversations: tuple[Conversation, ...]
    library: int


_A, _P = ADDRESSES.c, PEOPLE.c
FOUND = select(
    _P.id, _P.created_at, _P.language, _P.role, _P.status, _P.district, _P.sealed,
    _A.id, _A.channel, _A.account, _A.preferred, func.coalesce(_P.zone, constant("")), _A.blocked_at,
    IN_FORCE,
).select_from(ADDRESSES.join(PEOPLE, _P.id == _A.person_id))  # fmt: skip

_by_address = FOUND.where(_A.channel == given("channel"), _A.account == given("account"), _A.blind == given("blind"))
_by_id = FOUND.where(_A.person_id == given("person"), _A.preferred)

_BY_ADDRESS = Statement(_by_address, "channel", "account", "blind")
_BY_ID = Statement(_by_id, "person")
_LOCK_BY_ADDRESS = Statement(_by_address, "channel", "account", "blind", locks=[PEOPLE])
LOCK_BY_ID = Statement(_by_id, "person", locks=[PEOPLE])

_ADD = Statement(
    lambda insert: insert(PEOPLE)
    .values(
        created_at=given("at"), language=given("language"), role=given("role"), status=constant(ACTIVE),
        district=constant(""), capacity=constant(0), load=constant(0),
    )
    .returning(_P.id),
    "at", "language", "role",
)  # fmt: skip
_has_preferred = exists(
    select(constant(1)).select_from(ADDRESSES).where(_A.person_id == given("person"), _A.preferred).correlate(None)
)
_ADD_ADDRESS = Statement(
    lambda insert: insert(ADDRESSES)
    .values(
        person_id=given("person"), channel=given("channel"), account=given("account"), blind=given("blind"),
        sealed=given("sealed"), preferred=~_has_preferred,
    )
    .on_conflict_do_nothing(index_elements=["channel", "account", "blind"])
    .returning(_A.id),
    "person", "channel", "account", "blind", "sealed",
)  # fmt: skip
_SAVE = Statement(
    update(PEOPLE)
    .where(_P.id == given("person"))
    .values(
        sealed=given("sealed"),
        language=func.coalesce(given("new_language", _P.language.type), _P.language),
        role=func.coalesce(given("new_role", _P.role.type), _P.role),
        status=func.coalesce(given("new_status", _P.status.type), _P.status),
        district=func.coalesce(given("new_district", _P.district.type), _P.district),
        zone=func.coalesce(given("new_zone", _P.zone.type), _P.zone),
    ),
    "person", "sealed", "new_language", "new_role", "new_status", "new_district", "new_zone",
)  # fmt: skip
_FORGET = Statement(
    update(PEOPLE)
    .where(_P.id == given("person"))
    .values(
        sealed=null(),
        status=constant(FORGOTTEN),
        language=constant(""),
        role=constant(""),
        district=constant(""),
        capacity=constant(0),
        load=constant(0),
        approved_at=null(),
        away_until=null(),
        waiting_since=null(),
        zone=null(),
        quiet_until=null(),
        reminded_until=null(),
    ),
    "person",
)
_FIRST = Statement(
    select(_P.id).where(_P.status != constant(FORGOTTEN)).order_by(_P.id).limit(constant(100)).offset(constant(0))
)
_PAGE = Statement(
    select(_P.id, _P.created_at, _P.language, _P.role, _P.status, _P.district, _P.sealed)
    .where(_P.id > given("after"), _P.status != constant(FORGOTTEN))
    .order_by(_P.id)
    .limit(given("most"))
    .offset(constant(0)),
    "after",
    "most",
)
_BLOCK = Statement(
    lambda insert: (
        insert(BLOCKS)
        .values(person_id=given("person"), other_id=given("other"), at=given("at"))
        .on_conflict_do_nothing(index_elements=["person_id", "other_id"])
    ),
    "person",
    "other",
    "at",
)
_BLOCKED = Statement(
    select(BLOCKS.c.person_id, BLOCKS.c.other_id).where(
        or_(BLOCKS.c.person_id == given("person"), BLOCKS.c.other_id == given("person"))
    ),
    "person",
)
_unsent = exists(
    select(constant(1))
    .select_from(OUTBOX)
    .where(
        OUTBOX.c.person_id == _P.id,
        OUTBOX.c.state.in_([constant("waiting"), constant("claimed")]),
        OUTBOX.c.created_at > given("since"),
    )
)
_LEAVING = Statement(
    select(_P.id)
    .where(_P.status == constant(LEAVING), ~_unsent)
    .order_by(_P.id)
    .limit(given("most"))
    .offset(constant(0)),
    "since",
    "most",
)


_heard = (
    select(func.max(INBOX.c.arrived_at))
    .where(INBOX.c.person_id == _P.id, INBOX.c.kind.in_([constant("said"), constant("unread")]))
    .correlate(PEOPLE)
    .scalar_subquery()
)
_last = func.coalesce(_heard, _P.created_at)
_QUIET = Statement(
    select(_P.id, _last)
    .where(
        _P.id > given("after"),
        _P.created_at <= given("before"),
        _P.status != constant(FORGOTTEN),
        _last <= given("before"),
    )
    .order_by(_P.id)
    .limit(given("most"))
    .offset(constant(0)),
    "before", "after", "most",
)  # fmt: skip


class People:
    """The people of one transaction."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def by_address(self, channel: str, account: str, address: str) -> Person | None:
        """Who writes from this address, without locking them."""
        blind = self._vault.blind(channel, account, address)
        row = await self._session.row(_BY_ADDRESS, channel, account, blind)
        return _person(row, await self._vault.of(self._session, row[0])) if row else None

    async def lock_and_load(self, channel: str, account: str, address: str) -> Loaded | None:
        """Who writes from this address, locked until the transaction ends, and where they stand."""
        blind = self._vault.blind(channel, account, address)
        return await self._loaded(await self._session.row(_LOCK_BY_ADDRESS, channel, account, blind))

    async def load(self, person_id: int) -> Loaded | None:
        """The same by their number; None also for those who were forgotten. In `Store.read` nothing is locked."""
        return await self._loaded(await self._session.row(LOCK_BY_ID, person_id))

    async def get(self, person_id: int) -> Person | None:
        """A person by their number, without locking them; None also for those who were forgotten."""
        row = await self._session.row(_BY_ID, person_id)
        return _person(row, await self._vault.of(self._session, row[0])) if row else None

    async def add(self, channel: str, account: str, address: str, language: str) -> Person:
        """A new person, active, with this address. Raises FirstContactRaced (the turn is run again) if it has one."""
        session = self._session
        person_id, seal = await self._add(language, "")
        address_id = await self._add_address(seal, person_id, channel, account, address)
        if address_id is None:
            raise FirstContactRaced
        return Person(person_id, session.now, language, "", ACTIVE, "", NOTHING, address_id, channel, account)

    async def invite(self, language: str, fields: Mapping[str, Value], role: str = "") -> int:
        """A new person, active, who has no address yet; their number. Nothing can be sent to them until they have."""
        person_id, _ = await self._add(language, role)
        await self.save(person_id, fields)
        return person_id

    async def add_address(self, person_id: int, channel: str, account: str, address: str) -> bool:
        """One more address of theirs; the first is the preferred one. False: it is somebody's already."""
        seal = await self._vault.of(self._session, person_id)
        return await self._add_address(seal, person_id, channel, account, address) is not None

    async def save(
        self,
        person_id: int,
        fields: Mapping[str, Value],
        *,
        language: str | None = None,
        role: str | None = None,
        status: str | None = None,
        district: str | None = None,
        zone: str | None = None,
    ) -> None:
        """All their fields, replacing those before; of the others, those that are given. Raises NotFound, at the
        latest as it is committed."""
        seal = await self._vault.of(self._session, person_id)
        sealed = seal.close(_SEALED, pack(fields))
        values = (person_id, sealed, language, role, status, district, zone)
        await self._session.later(_SAVE, *values, otherwise=NotFound, about=f"person {person_id}")

    async def leaving(self, limit: int, since: datetime) -> list[int]:
        """Those who asked to be forgotten and have had their goodbye; one decided before `since` is not waited for."""
        return [row[0] for row in await self._session.rows(_LEAVING, micros(since), limit)]

    async def quiet(self, before: datetime, after: int, limit: int) -> list[tuple[int, datetime]]:
        """Who has written nothing since before then, by number, from behind this one; and when they last did (where
        they never have: when they were added)."""
        rows = await self._session.rows(_QUIET, micros(before), after, limit)
        return [(number, moment(heard)) for number, heard in rows]

    async def known(self, person_id: int) -> Known | None:
        """Someone, whether or not they can be written to; None where there is nobody, or nobody any more."""
        found = await self.page(person_id - 1, 1)
        return found[0] if found and found[0].id == person_id else None

    async def any_is_readable(self) -> bool:
        """Whether one of the first hundred has a key, or there is nobody. For a key store without a mark."""
        first = [row[0] for row in await self._session.rows(_FIRST)]
        return not first or bool(await self._session.wrapped_keys(first))

    async def page(self, after: int, limit: int) -> list[Known]:
        """Everyone who is not forgotten, by number, from behind this one (0: from the beginning)."""
        people = []
        for id_, created_at, language, role, status, district, sealed in await self._session.rows(_PAGE, after, limit):
            fields = fields_of(await self._vault.of(self._session, id_), sealed)
            people.append(Known(id_, moment(created_at), language, role, status, district, fields))
        return people

    async def block(self, person_id: int, other_id: int) -> None:
        """These two are never paired; again is the same as once."""
        await self._session.change(_BLOCK, person_id, other_id, self._session.now_micros)

    async def blocked(self, person_id: int) -> set[int]:
        """Whom this person is never paired with, whoever of the two asked for it."""
        rows = await self._session.rows(_BLOCKED, person_id)
        return {number for row in rows for number in row if number != person_id}

    async def forget(self, person_id: int, before: datetime | None = None) -> list[Pair]:
        """Destroys their key and deletes what it sealed; a number without a person stays for the counts.

        What they wrote until `before` (now, unless it is given) is refused, should it come only later. Their open
        pairs end; here they are as they stood before, so that the other one of each can be told.
        """
        # Their own row first, as in every turn: it is locked from here on.
        await self._session.change(_FORGET, person_id)
        await Tombstones(self._session, self._vault).put(person_id, before or self._session.now)
        await self._vault.forget(self._session, person_id)
        ended = await Pairs(self._session, self._vault).forget(person_id)
        await forgetting.erase(self._session, person_id)
        return ended

    async def _add(self, language: str, role: str) -> tuple[int, Seal]:
        row = await self._session.row(_ADD, self._session.now_micros, language, role)
        assert row is not None
        return row[0], await self._vault.create(self._session, row[0])

    async def _add_address(self, seal: Seal, person_id: int, channel: str, account: str, address: str) -> int | None:
        blind = self._vault.blind(channel, account, address)
        sealed = seal.close(ADDRESS, address.encode())
        row = await self._session.row(_ADD_ADDRESS, person_id, channel, account, blind, sealed)
        return None if row is None else int(row[0])

    async def _loaded(self, row: Sequence[Any] | None) -> Loaded | None:
        if row is None:
            return None
        # A second statement, because on Postgres the one that waited for the lock still sees other tables as they
        # were before it waited.
        open_rows = await self._session.rows(OPEN, row[0])
        seal = await self._vault.of(self._session, row[0])
        return Loaded(_person(row, seal), tuple([opened(seal, each) for each in open_rows]), row[-1] or 0)


def fields_of(seal: Seal, sealed: bytes | None) -> Mapping[str, Value]:
    """What `people.sealed` holds of someone."""
    return NOTHING if sealed is None else unpack(seal.open(_SEALED, sealed))


def _person(row: Sequence[Any], seal: Seal) -> Person:
    id_, created_at, language, role, status, district, sealed, *address, zone, blocked_at, _ = row
    address_id, channel, account, preferred = address
    fields, since = fields_of(seal, sealed), moment(created_at)
    return Person(
        id_, since, language, role, status, district, fields, address_id, channel, account, bool(preferred), zone,
        blocked_at is None,
    )  # fmt: skip
