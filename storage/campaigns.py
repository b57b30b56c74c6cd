"""Campaigns: many actions that belong together, and their totals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import case, func, select, true, update

from storage.actions import PUBLISHED, Action, action_of, actions_of
from storage.session import Session
from storage.signups import AGAIN, LATELY, YES
from storage.statements import Statement, constant, given
from storage.tables import ACTIONS, CAMPAIGNS, SIGNUPS

_A, _C, _S = ACTIONS.c, CAMPAIGNS.c, SIGNUPS.c


@dataclass(frozen=True, slots=True)
class Totals:
    """What all actions of a campaign come to. What is cancelled or only proposed is not counted.

    goal       how many the group hopes for: the campaign's own goal, or that of its actions together; 0: none
    going      places taken: those who said yes, and those they bring
    confirmed  how many of those who said yes did so again, or in the last days before
    came       how many have checked in
    cohort     the same people go through all of them
    """

    id: int
    name: str
    actions: int
    goal: int
    going: int
    confirmed: int
    came: int
    cohort: bool


_ACTIONS = Statement(
    actions_of.where(_A.campaign_id == given("campaign"), _A.state == constant(PUBLISHED)).order_by(
        _A.starts_at, _A.id
    ),
    "campaign",
)
_published = _A.state == constant(PUBLISHED)
_lately, _again = (constant(each // timedelta(microseconds=1)) for each in (LATELY, AGAIN))
_comes = (_S.kind == constant(YES)) & (_S.state == constant("going")) & _S.cancelled_at.is_(None)
_confirmed = _comes & ((_S.confirmed_at >= _A.starts_at - _lately) | (_S.confirmed_at >= _S.at + _again))
_of_actions = (
    select(
        _A.campaign_id.label("campaign"), func.count().label("actions"), func.sum(_A.goal).label("goal"),
        func.sum(_A.going).label("going"),
    )
    .where(_published, _A.campaign_id.is_not(None))
    .group_by(_A.campaign_id)
    .subquery()
)  # fmt: skip
_of_signups = (
    select(
        _A.campaign_id.label("campaign"),
        func.sum(case((_confirmed, constant(1)), else_=constant(0))).label("confirmed"),
        func.sum(case((_S.checked_in_at.is_not(None), constant(1)), else_=constant(0))).label("came"),
    )
    .select_from(SIGNUPS.join(ACTIONS, _A.id == _S.action_id))
    .where(_published, _A.campaign_id.is_not(None), _S.cancelled_at.is_(None))
    .group_by(_A.campaign_id)
    .subquery()
)
_none = constant(0)
_totals = (
    select(
        _C.id,
        _C.name,
        _C.cohort,
        func.coalesce(_of_actions.c.actions, _none),
        func.coalesce(func.nullif(_C.goal, _none), _of_actions.c.goal, _none),
        func.coalesce(_of_actions.c.going, _none),
        func.coalesce(_of_signups.c.confirmed, _none),
        func.coalesce(_of_signups.c.came, _none),
    )
    .select_from(
        CAMPAIGNS.outerjoin(_of_actions, _of_actions.c.campaign == _C.id).outerjoin(
            _of_signups, _of_signups.c.campaign == _C.id
        )
    )
    .order_by(_C.id)
)
_TOTALS = Statement(_totals)
_TOTALS_OF = Statement(_totals.where(_C.name == given("name")), "name")
_MAKE_COHORT = Statement(update(CAMPAIGNS).where(_C.name == given("name")).values(cohort=true()), "name")
_SESSIONS = Statement(
    actions_of.where(_C.name == given("name"), _A.state == constant(PUBLISHED)).order_by(_A.starts_at, _A.id), "name"
)
_of_campaign = SIGNUPS.join(ACTIONS, _A.id == _S.action_id).join(CAMPAIGNS, _C.id == _A.campaign_id)
_was_there = case((_S.checked_in_at.is_not(None) & (_A.ends_at <= given("now")), constant(1)), else_=constant(0))
_ATTENDANCE = Statement(
    select(_S.person_id, func.sum(_was_there))
    .select_from(_of_campaign)
    .where(_C.name == given("name"), _published, _comes | _S.checked_in_at.is_not(None))
    .group_by(_S.person_id),
    "name", "now",
)  # fmt: skip
_BELONGS = Statement(
    select(_S.id)
    .select_from(_of_campaign)
    .where(_C.name == given("name"), _S.person_id == given("person"), _A.id != given("but"))
    .limit(constant(1)).offset(constant(0)),
    "name", "person", "but",
)  # fmt: skip
_SET_GOAL = Statement(
    update(CAMPAIGNS).where(_C.name == given("name")).values(goal=given("new_goal")), "name", "new_goal"
)


@dataclass(frozen=True, slots=True)
class Cohort:
    """How far a cohort is.

    sessions, over  how many times it meets, and how many of these are over
    people          who have a place in one of them, or were there
    faithful        how many of them were at all that are over
    """

    sessions: int
    over: int
    people: int
    faithful: int


class Campaigns:
    """The campaigns of one transaction. One is made by the first action that names it."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def actions(self, campaign_id: int) -> list[Action]:
        """Its published actions, the earliest first."""
        return [action_of(row) for row in await self._session.rows(_ACTIONS, campaign_id)]

    async def totals(self) -> list[Totals]:
        """Those of all campaigns, the oldest first."""
        return [_totals_in(row) for row in await self._session.rows(_TOTALS)]

    async def totals_of(self, name: str) -> Totals | None:
        """Those of one; None: there is none of this name."""
        row = await self._session.row(_TOTALS_OF, name)
        return None if row is None else _totals_in(row)

    async def make_cohort(self, name: str) -> None:
        """From now on the same people go through all of its actions."""
        await self._session.change(_MAKE_COHORT, name)

    async def sessions(self, name: str) -> list[Action]:
        """The published actions of a campaign by its name, the earliest first."""
        return [action_of(row) for row in await self._session.rows(_SESSIONS, name)]

    async def cohort(self, name: str) -> Cohort:
        """How far this cohort is."""
        sessions = await self.sessions(name)
        over = sum(each.ends_at <= self._session.now for each in sessions)
        there = [int(row[1]) for row in await self._session.rows(_ATTENDANCE, name, self._session.now_micros)]
        return Cohort(len(sessions), over, len(there), sum(each == over for each in there) if over else 0)

    async def belongs(self, name: str, person_id: int, but: int) -> bool:
        """Whether they ever signed up for an action of this campaign, besides one: also where they cancelled."""
        return await self._session.row(_BELONGS, name, person_id, but) is not None

    async def set_goal(self, name: str, goal: int) -> bool:
        """How many the group hopes for in all of it; 0: what its actions hope for. False: there is no such one."""
        return await self._session.change(_SET_GOAL, name, goal) == 1


def _totals_in(row: Sequence[Any]) -> Totals:
    number, name, cohort, *sums = row
    actions, goal, going, confirmed, came = map(int, sums)
    return Totals(number, name, actions, goal, going, confirmed, came, bool(cohort))  # Postgres sums to decimals
