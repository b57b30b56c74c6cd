"""Actions: what happens in person, who comes, and what they bring."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Text, case, cast, false, func, select, update

from storage.errors import NotFound
from storage.session import Session
from storage.signups import Signup, Signups, signup_columns, signup_of
from storage.statements import Statement, constant, given
from storage.tables import ACTIONS, CAMPAIGNS, SETTINGS, SIGNUPS, micros, moment

PROPOSED, PUBLISHED, CANCELLED = "proposed", "published", "cancelled"
"""What `Action.state` can be."""

CHANGES = "changes of actions"
"""The setting that counts how often an action was made or changed: what is kept of them in memory holds as long."""

_A, _S = ACTIONS.c, SIGNUPS.c


@dataclass(frozen=True, slots=True)
class Action:
    """Something that happens in person.

    district  the name of the place, shown to all; `cell` is its H3 cell, `address` is for those who signed up
    zone      IANA name of the time zone in which its times are told; the times themselves are aware UTC
    capacity  how many can come; None: as many as like
    going     how many places are taken, by those who said yes and those they bring
    goal      how many the group hopes for; 0: no goal
    secret    what the code of each hour is made from, which the host says to those who are there
    state     proposed, published or cancelled
    campaign  its name; "" where it belongs to none
    sequence  how often it was changed since it was published, the last time at `changed_at`
    materials what whoever hosts one like it should have: a link, or a text
    cohort    its campaign is a cohort: the same people go through all of its actions
    """

    id: int
    title: str
    what: str
    kind: str
    district: str
    cell: str
    address: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    capacity: int | None
    going: int
    goal: int
    secret: str
    state: str
    host_id: int | None
    campaign: str
    published_at: datetime | None
    sequence: int = 0
    materials: str = ""
    changed_at: datetime | None = None
    cohort: bool = False


class Hosted(NamedTuple):
    """What somebody has hosted so far: all actions, and the trainings among them."""

    actions: int = 0
    trainings: int = 0


_columns = (
    _A.id, _A.title, _A.what, _A.kind, _A.district, _A.cell, _A.address, _A.starts_at, _A.ends_at, _A.zone,
    _A.capacity, _A.going, _A.goal, _A.secret, _A.state, _A.host_id, func.coalesce(CAMPAIGNS.c.name, constant("")),
    _A.published_at, _A.sequence, _A.materials, _A.changed_at, func.coalesce(CAMPAIGNS.c.cohort, false()),
)  # fmt: skip
_from = ACTIONS.outerjoin(CAMPAIGNS, CAMPAIGNS.c.id == _A.campaign_id)
actions_of = select(*_columns).select_from(_from)
"""What `action_of` wants."""

_CHANGEABLE = frozenset(
    "title what kind district cell address starts_at ends_at zone capacity goal secret state host_id campaign_id "
    "published_at materials".split()
)
_MOMENTS = frozenset({"starts_at", "ends_at", "published_at", "changed_at"})
_MOMENT_PLACES = [place for place, column in enumerate(_columns) if column.name in _MOMENTS]

_given = sorted(_CHANGEABLE)
_ADD = Statement(
    lambda insert: (
        insert(ACTIONS)
        .values(
            {name: given(name) for name in _given}
            | {"going": constant(0), "sequence": constant(0), "told": constant(0), "created_at": given("created_at")}
        )
        .returning(_A.id)
    ),
    *_given,
    "created_at",
)
_CAMPAIGN = Statement(select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.name == given("name")), "name")
_ADD_CAMPAIGN = Statement(
    lambda insert: (
        insert(CAMPAIGNS)
        .values(name=given("name"), goal=constant(0), cohort=false(), created_at=given("at"))
        .on_conflict_do_nothing(index_elements=["name"])
    ),
    "name",
    "at",
)
_CHANGED = Statement(
    lambda insert: (
        insert(SETTINGS)
        .values(key=constant(CHANGES), value=constant("1"))
        .on_conflict_do_update(
            index_elements=["key"], set_={"value": cast(cast(SETTINGS.c.value, BigInteger) + constant(1), Text)}
        )
    )
)
_GET = Statement(actions_of.where(_A.id == given("action")), "action")
_BETWEEN = {
    column.name: Statement(
        actions_of.where(_A.state == constant(PUBLISHED), column >= given("since"), column <= given("until")).order_by(
            column, _A.id
        ),
        "since",
        "until",
    )
    for column in (_A.starts_at, _A.ends_at, _A.published_at)
}
_UPCOMING = Statement(
    actions_of.where(_A.state == constant(PUBLISHED), _A.ends_at > given("now"))
    .order_by(_A.starts_at, _A.id)
    .limit(given("most"))
    .offset(constant(0)),
    "now",
    "most",
)
_NEWEST = Statement(actions_of.order_by(_A.starts_at.desc(), _A.id).limit(given("most")).offset(constant(0)), "most")
_SIGNUPS_OF = Statement(
    select(*_columns, *signup_columns)
    .select_from(_from.join(SIGNUPS, _S.action_id == _A.id))
    .where(_S.person_id == given("person"), _S.cancelled_at.is_(None))
    .order_by(_A.starts_at, _A.id),
    "person",
)
TRAINING = "training"
"""The `Action.kind` of what is passed on: who was at one may host the next, and who hosts one is a trainer."""

_hosts = (
    select(_A.host_id, func.count(), func.sum(case((_A.kind == constant(TRAINING), constant(1)), else_=constant(0))))
    .where(_A.host_id.is_not(None), _A.state == constant(PUBLISHED), _A.ends_at <= given("now"))
    .group_by(_A.host_id)
)
_HOSTS = Statement(_hosts, "now")
_HOSTED = Statement(_hosts.where(_A.host_id == given("person")), "now", "person")
_HOSTED_BY = Statement(actions_of.where(_A.host_id == given("person")).order_by(_A.starts_at, _A.id), "person")
_COUNT_CHANGE = Statement(
    update(ACTIONS)
    .where(_A.id == given("action"))
    .values(sequence=_A.sequence + constant(1), changed_at=given("new_changed_at")),
    "action", "new_changed_at",
)  # fmt: skip
_UNTOLD = Statement(
    actions_of.where(_A.told < _A.sequence).order_by(_A.id).limit(given("most")).offset(constant(0)), "most"
)
_TOLD = Statement(
    update(ACTIONS).where(_A.id == given("action"), _A.sequence == given("now_at")).values(told=_A.sequence),
    "action", "now_at",
)  # fmt: skip


@lru_cache(maxsize=64)
def _change(names: tuple[str, ...]) -> Statement:
    changed = {name: given(f"new_{name}") for name in names}
    return Statement(
        update(ACTIONS).where(_A.id == given("action")).values(changed), "action", *(f"new_{name}" for name in names)
    )


class Actions(Signups):
    """The actions of one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(
        self,
        *,
        title: str,
        starts_at: datetime,
        ends_at: datetime,
        zone: str,
        what: str = "",
        kind: str = "",
        district: str = "",
        cell: str = "",
        address: str = "",
        capacity: int | None = None,
        goal: int = 0,
        secret: str = "",
        state: str = PROPOSED,
        host_id: int | None = None,
        campaign: str = "",
        materials: str = "",
    ) -> int:
        """A new action; its number. A campaign that has no row yet gets one."""
        row = {
            "title": title, "what": what, "kind": kind, "district": district, "cell": cell, "address": address,
            "starts_at": micros(starts_at), "ends_at": micros(ends_at), "zone": zone, "capacity": capacity,
            "goal": goal, "secret": secret, "state": state, "host_id": host_id, "materials": materials,
            "campaign_id": await self._campaign(campaign),
            "published_at": self._session.now_micros if state == PUBLISHED else None,
        }  # fmt: skip
        added = await self._session.row(_ADD, *(row[name] for name in _given), self._session.now_micros)
        assert added is not None
        await self._session.change(_CHANGED)
        return int(added[0])

    async def get(self, action_id: int) -> Action | None:
        """One action, whatever its state."""
        row = await self._session.row(_GET, action_id)
        return None if row is None else action_of(row)

    async def between(self, since: datetime, until: datetime, *, column: str = "starts_at") -> list[Action]:
        """The published ones that start (or end, or were published: column="ends_at", "published_at") in this span,
        both its ends included."""
        return [action_of(row) for row in await self._session.rows(_BETWEEN[column], micros(since), micros(until))]

    async def upcoming(self, limit: int) -> list[Action]:
        """The published ones that are not over, the soonest first."""
        return [action_of(row) for row in await self._session.rows(_UPCOMING, self._session.now_micros, limit)]

    async def newest(self, limit: int) -> list[Action]:
        """All, whatever their state, the latest to start first."""
        return [action_of(row) for row in await self._session.rows(_NEWEST, limit)]

    async def change(self, action_id: int, **columns: Any) -> None:
        """Changes these fields of `Action`; one that becomes published for the first time gets its time.

        Raises TypeError for what is not such a field (or is only counted: `going`), NotFound.
        """
        if "campaign" in columns:
            columns["campaign_id"] = await self._campaign(columns.pop("campaign"))
        if unknown := sorted(columns.keys() - _CHANGEABLE):
            raise TypeError(f"an action has no {', '.join(unknown)} to change")
        action = await self.get(action_id)
        if action is None:
            raise NotFound(f"action {action_id}")
        if columns.get("state") == PUBLISHED and action.published_at is None:
            columns.setdefault("published_at", self._session.now)
        if not columns:
            return
        names = tuple(sorted(columns))
        values = [_stored(name, columns[name]) for name in names]
        await self._session.change(_change(names), action_id, *values)
        await self._session.change(_CHANGED)

    async def count_change(self, action_id: int) -> None:
        """It was changed in a way that those who come have to know of: its `sequence` is one more, and not yet told."""
        await self._session.change(_COUNT_CHANGE, action_id, self._session.now_micros)

    async def untold(self, limit: int) -> list[Action]:
        """Those with a change that not everyone was told of."""
        return [action_of(row) for row in await self._session.rows(_UNTOLD, limit)]

    async def told(self, action_id: int, sequence: int) -> bool:
        """Everyone was told of this change. False: there was another one meanwhile."""
        return await self._session.change(_TOLD, action_id, sequence) == 1

    async def signups_of(self, person_id: int) -> list[tuple[Action, Signup]]:
        """All that they signed up for and did not cancel, also what is over; the earliest first."""
        rows = await self._session.rows(_SIGNUPS_OF, person_id)
        return [(action_of(row), signup_of(row[len(_columns) :])) for row in rows]

    async def hosted_by(self, person_id: int) -> list[Action]:
        """All that they proposed or host, the earliest first."""
        return [action_of(row) for row in await self._session.rows(_HOSTED_BY, person_id)]

    async def hosted(self, person_id: int) -> Hosted:
        """How many actions they hosted that are over."""
        row = await self._session.row(_HOSTED, self._session.now_micros, person_id)
        return Hosted() if row is None else Hosted(int(row[1]), int(row[2]))

    async def hosts(self) -> dict[int, Hosted]:
        """The same of everybody who hosted one."""
        rows = await self._session.rows(_HOSTS, self._session.now_micros)
        return {person: Hosted(int(all_), int(trainings)) for person, all_, trainings in rows}

    async def _campaign(self, name: str) -> int | None:
        if not name:
            return None
        await self._session.change(_ADD_CAMPAIGN, name, self._session.now_micros)
        row = await self._session.row(_CAMPAIGN, name)
        assert row is not None
        return int(row[0])


def _stored(name: str, value: Any) -> Any:
    return micros(value) if name in _MOMENTS and value is not None else value


def action_of(row: Sequence[Any]) -> Action:
    """The action of one row of `actions_of`, which may have more columns behind."""
    return _action_of(tuple(row[: len(_columns)]))


# Many people's turns are about one action, and read the same row of it each.
@lru_cache(maxsize=256)
def _action_of(row: tuple[Any, ...]) -> Action:
    columns = list(row)
    for place in _MOMENT_PLACES:
        if columns[place] is not None:
            columns[place] = moment(columns[place])
    columns[-1] = bool(columns[-1])  # SQLite has numbers only
    return Action(*columns)
