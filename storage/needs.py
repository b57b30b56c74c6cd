"""What has to be brought to an action, and who brings it."""

from dataclasses import dataclass

from sqlalchemy import null, select, update

from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import CLAIMS, NEEDS

_N, _C = NEEDS.c, CLAIMS.c


@dataclass(frozen=True, slots=True)
class Need:
    """Something to bring: how many are `wanted`, and how many people have `claimed` it."""

    id: int
    what: str
    wanted: int
    claimed: int


_NEEDS = Statement(
    select(_N.id, _N.what, _N.wanted, _N.claimed).where(_N.action_id == given("action")).order_by(_N.id), "action"
)
_ADD = Statement(
    lambda insert: insert(NEEDS)
    .values(action_id=given("action"), what=given("what"), wanted=given("wanted"), claimed=constant(0))
    .returning(_N.id),
    "action", "what", "wanted",
)  # fmt: skip
_CLAIMED = Statement(
    select(_C.id).where(_C.need_id == given("need"), _C.person_id == given("person"), _C.returned_at.is_(None)),
    "need",
    "person",
)
_CLAIM = Statement(
    lambda insert: insert(CLAIMS)
    .values(need_id=given("need"), person_id=given("person"), at=given("at"))
    .on_conflict_do_update(
        index_elements=["need_id", "person_id"], set_={"at": given("at", _C.at.type), "returned_at": null()}
    ),
    "need", "person", "at",
)  # fmt: skip
_TAKE = Statement(
    update(NEEDS)
    .where(_N.id == given("need"), _N.claimed < _N.wanted)
    .values(claimed=_N.claimed + constant(1)),
    "need",
)  # fmt: skip
_RETURN = Statement(
    update(CLAIMS)
    .where(_C.need_id == given("need"), _C.person_id == given("person"), _C.returned_at.is_(None))
    .values(returned_at=given("at")),
    "need", "person", "at",
)  # fmt: skip
_GIVE = Statement(update(NEEDS).where(_N.id == given("need")).values(claimed=_N.claimed - constant(1)), "need")
_CLAIMS_IN = Statement(
    select(_C.need_id)
    .select_from(CLAIMS.join(NEEDS, _N.id == _C.need_id))
    .where(_N.action_id == given("action"), _C.person_id == given("person"), _C.returned_at.is_(None))
    .order_by(_C.need_id),
    "action",
    "person",
)


class Needs:
    """What people bring, in one transaction. Who claims or gives back is locked by it."""

    __slots__ = ()
    _session: Session

    async def needs(self, action_id: int) -> list[Need]:
        """All that has to be brought to an action, in the order in which it was written down."""
        return [Need(*row) for row in await self._session.rows(_NEEDS, action_id)]

    async def add_need(self, action_id: int, what: str, wanted: int = 1) -> int:
        """One more thing to bring; its number."""
        row = await self._session.row(_ADD, action_id, what, wanted)
        assert row is not None
        return int(row[0])

    async def claim(self, need_id: int, person_id: int) -> bool:
        """They bring one; again is the same as once. False: enough others do, or there is no such need."""
        if await self._session.row(_CLAIMED, need_id, person_id):
            return True
        if not await self._session.change(_TAKE, need_id):
            return False
        await self._session.change(_CLAIM, need_id, person_id, self._session.now_micros)
        return True

    async def claimed(self, action_id: int, person_id: int) -> list[int]:
        """The needs of an action that they bring."""
        return [row[0] for row in await self._session.rows(_CLAIMS_IN, action_id, person_id)]

    async def give_back(self, need_id: int, person_id: int) -> bool:
        """They do not bring it after all. False: they had not said so."""
        if not await self._session.change(_RETURN, need_id, person_id, self._session.now_micros):
            return False
        await self._session.change(_GIVE, need_id)
        return True
