"""Whoever was forgotten, for a few days and without a name: what they wrote before is refused, and every process that
has their key open closes it. Where they had been told first names, it is known for a month how many those were."""

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, exists, func, or_, select

from storage.errors import Burned
from storage.pairs import GATHERED
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import ADDRESSES, PAIRS, TOMBSTONES, micros
from storage.vault import Vault

KEPT = timedelta(days=8)
"""No platform hands over what is older: WhatsApp tries its webhooks for up to 7 days, the others for a day or less."""

MONTH = timedelta(days=30)
"""How long it stays where they had been told first names: or whoever is forgotten again and again is told ever more."""

EVERYBODY = 0

_T, _A, _P = TOMBSTONES.c, ADDRESSES.c, PAIRS.c
_COLUMNS = ["person_id", "channel", "account", "blind", "at", "made_at"]
_moments = given("at", _T.at.type), given("made_at", _T.made_at.type)

_PUT = Statement(
    lambda insert: insert(TOMBSTONES).from_select(
        _COLUMNS,
        select(_A.person_id, _A.channel, _A.account, _A.blind, *_moments).where(_A.person_id == given("person")),
    ),
    "at", "made_at", "person",
)  # fmt: skip
_PUT_ONE = Statement(
    lambda insert: insert(TOMBSTONES).values(
        person_id=given("person"), channel=constant(""), account=constant(""),
        blind=given("blind"), at=given("at"), made_at=given("made_at"),
    ),
    "person", "blind", "at", "made_at",
)  # fmt: skip
_STANDS = Statement(
    select(_T.id)
    .where(_T.channel == given("channel"), _T.account == given("account"), _T.blind == given("blind"))
    .where(_T.at >= given("at"))
    .limit(constant(1))
    .offset(constant(0)),
    "channel", "account", "blind", "at",
)  # fmt: skip
_MADE_SINCE = Statement(select(_T.person_id).where(_T.made_at >= given("since")).distinct(), "since")
_BURNED = Statement(
    select(_T.id).where(_T.person_id == constant(EVERYBODY)),
)
_same_address = and_(_T.channel == _A.channel, _T.account == _A.account, _T.blind == _A.blind)
_told = and_(
    _P.supporter_id == _T.person_id,
    or_(
        _P.introduced_at >= given("since", _P.introduced_at.type),
        and_(_P.state == constant(GATHERED), _P.created_at >= given("since", _P.created_at.type)),
    ),
)
_TOLD = Statement(
    select(func.count(_P.id.distinct()))
    .select_from(ADDRESSES.join(TOMBSTONES, _same_address).join(PAIRS, _told))
    .where(_A.person_id == given("person")),
    "person", "since",
)  # fmt: skip
_END = Statement(
    delete(TOMBSTONES).where(
        _T.made_at < given("before"), _T.person_id != constant(EVERYBODY), ~exists(select(_P.id).where(_told))
    ),
    "before", "since",
)  # fmt: skip


class Tombstones:
    """The tombstones of one transaction."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def put(self, person_id: int, before: datetime) -> None:
        """Someone is forgotten: what was written at their addresses until `before` is refused from now on."""
        at, now = micros(before), self._session.now_micros
        if not await self._session.change(_PUT, at, now, person_id):
            await self._session.change(_PUT_ONE, person_id, b"", at, now)

    async def refuses(self, channel: str, account: str, address: str, at: datetime) -> bool:
        """Whether what was written there at this moment is of someone who has been forgotten since."""
        blind = self._vault.blind(channel, account, address)
        return await self._session.row(_STANDS, channel, account, blind, micros(at)) is not None

    async def close_keys(self, since: datetime) -> None:
        """Closes the keys of those who were forgotten since then, by whichever process; and has a look whether the key
        file is another one now. Raises Burned."""
        self._vault.look()
        for (person_id,) in await self._session.rows(_MADE_SINCE, micros(since)):
            if person_id == EVERYBODY:
                self._vault.drop_all()
                raise Burned
            self._vault.drop(person_id)

    async def burned(self) -> bool:
        """Whether everybody's key was destroyed."""
        return await self._session.row(_BURNED) is not None

    async def told(self, person_id: int, since: datetime) -> int:
        """How many first names were told since then to whoever was forgotten at an address of theirs."""
        row = await self._session.row(_TOLD, person_id, micros(since))
        return 0 if row is None else int(row[0])

    async def end(self) -> int:
        """Deletes those that have stood long enough; how many."""
        now = self._session.now
        return await self._session.change(_END, micros(now - KEPT), micros(now - MONTH))
