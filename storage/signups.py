"""Sign-ups: who comes to an action, who waits for a place, who was there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, null, or_, select, update

from storage.needs import Needs
from storage.statements import Statement, constant, given
from storage.tables import ACTIONS, PEOPLE, SIGNUPS, moment

YES, MAYBE = "yes", "maybe"
"""What `Signup.kind` can be."""

GOING, WAITING, _CANCELLED = "going", "waiting", "cancelled"
"""What `Signup.state` can be; one that was cancelled is not shown any more."""

LATELY, AGAIN = timedelta(days=4), timedelta(hours=1)
"""A yes is confirmed if it was said in the last days before the action, or said again so long after the first time."""

_A, _S = ACTIONS.c, SIGNUPS.c


@dataclass(frozen=True, slots=True)
class Signup:
    """Someone's place in an action.

    kind      yes or maybe (which takes no place)
    state     going, or waiting for a place
    bringing  how many others come with them
    at        when they signed up: their turn on the waiting list
    """

    id: int
    action_id: int
    person_id: int
    kind: str
    state: str
    bringing: int
    at: datetime
    confirmed_at: datetime | None
    checked_in_at: datetime | None


signup_columns = (
    _S.id, _S.action_id, _S.person_id, _S.kind, _S.state, _S.bringing, _S.at, _S.confirmed_at, _S.checked_in_at
)  # fmt: skip
"""What `signup_of` wants."""

_signups = select(*signup_columns).where(_S.action_id == given("action"), _S.cancelled_at.is_(None))

SIGNUP = Statement(_signups.where(_S.person_id == given("person")), "action", "person")
_PEOPLE = Statement(_signups.order_by(_S.at, _S.id), "action")
_STANDS = Statement(
    select(_A.state, _A.ends_at, _A.capacity, _S.id, _S.kind, _S.state, _S.bringing, _S.at)
    .select_from(
        ACTIONS.outerjoin(SIGNUPS, and_(_S.action_id == _A.id, _S.person_id == given("person", _S.person_id.type)))
    )
    .where(_A.id == given("action")),
    "action",
    "person",
)
_by = given("by", _A.going.type)
_TAKE = Statement(
    update(ACTIONS)
    .where(_A.id == given("action"), or_(_by <= constant(0), _A.capacity.is_(None), _A.going + _by <= _A.capacity))
    .values(going=_A.going + _by),
    "action",
    "by",
)
_ADD = Statement(
    lambda insert: insert(SIGNUPS).values(
        action_id=given("action"), person_id=given("person"), kind=given("kind"), state=given("state"),
        bringing=given("bringing"), at=given("at"),
    ),
    "action", "person", "kind", "state", "bringing", "at",
)  # fmt: skip
_CHANGE = Statement(
    update(SIGNUPS)
    .where(_S.id == given("signup"))
    .values(kind=given("new_kind"), state=given("new_state"), bringing=given("new_bringing"), at=given("new_at"),
            cancelled_at=null()),
    "signup", "new_kind", "new_state", "new_bringing", "new_at",
)  # fmt: skip
_CANCEL = Statement(
    update(SIGNUPS).where(_S.id == given("signup")).values(state=constant(_CANCELLED), cancelled_at=given("now")),
    "signup",
    "now",
)
_NEXT_WAITING = Statement(
    select(_S.person_id)
    .select_from(SIGNUPS.join(ACTIONS, _A.id == _S.action_id).join(PEOPLE, PEOPLE.c.id == _S.person_id))
    .where(
        _S.action_id == given("action"),
        _S.state == constant(WAITING),
        PEOPLE.c.status == constant("active"),
        _A.state == constant("published"),
        _A.ends_at > given("now"),
        or_(_A.capacity.is_(None), _A.going + constant(1) + _S.bringing <= _A.capacity),
    )
    .order_by(_S.at, _S.id)
    .limit(constant(1))
    .offset(constant(0)),
    "action",
    "now",
)
_CHECK_IN = Statement(
    update(SIGNUPS)
    .where(
        _S.action_id == given("action"),
        _S.person_id == given("person"),
        _S.cancelled_at.is_(None),
        _S.checked_in_at.is_(None),
    )
    .values(checked_in_at=given("now")),
    "action",
    "person",
    "now",
)
_CONFIRM = Statement(
    update(SIGNUPS)
    .where(_S.action_id == given("action"), _S.person_id == given("person"), _S.cancelled_at.is_(None))
    .values(confirmed_at=given("now")),
    "action",
    "person",
    "now",
)


class Signups(Needs):
    """Who comes, in one transaction. Who signs up or cancels is locked by it; the action's own row is written last
    but for theirs, and its places are counted by what the row holds then."""

    __slots__ = ()

    async def sign_up(self, action_id: int, person_id: int, kind: str, bringing: int = 0) -> str:
        """Takes a place for them and those they bring; again is the same as once, and replaces what they said before.

        signed_up     they have their places (or none are counted: they said maybe)
        waiting_list  all are taken, and they will be asked when one is free
        full          there are not so many places at all; or they had some, and keep those they had
        past          it is over
        gone          it is not published
        """
        stands = await self._session.row(_STANDS, action_id, person_id)
        if stands is None or stands[0] != "published":
            return "gone"
        _, ends_at, capacity, signup_id, *before, since = stands
        if ends_at <= self._session.now_micros:
            return "past"
        held, wanted = _places(*before), _places(kind, GOING, bringing)
        if capacity is not None and wanted > max(capacity, held):
            return "full"
        state = GOING
        if wanted != held and not await self._session.change(_TAKE, action_id, wanted - held):
            if held:
                return "full"
            state = WAITING
        at = since if since is not None and before[1] != _CANCELLED else self._session.now_micros
        if signup_id is None:
            await self._session.change(_ADD, action_id, person_id, kind, state, bringing, at)
        elif (kind, state, bringing) != tuple(before):
            await self._session.change(_CHANGE, signup_id, kind, state, bringing, at)
        return "signed_up" if state == GOING else "waiting_list"

    async def cancel(self, action_id: int, person_id: int) -> bool:
        """They do not come: their places are free, and others can bring what they would have. False: not signed up."""
        signup = await self.signup(action_id, person_id)
        if signup is None:
            return False
        for need_id in await self.claimed(action_id, person_id):
            await self.give_back(need_id, person_id)
        await self._session.change(_CANCEL, signup.id, self._session.now_micros)
        if held := _places(signup.kind, signup.state, signup.bringing):
            await self._session.change(_TAKE, action_id, -held)
        return True

    async def next_waiting(self, action_id: int) -> int | None:
        """Who has waited longest among those whose party has room now; None where there is nobody, or no room."""
        row = await self._session.row(_NEXT_WAITING, action_id, self._session.now_micros)
        return None if row is None else int(row[0])

    async def check_in(self, action_id: int, person_id: int) -> bool:
        """They are there. True once; False: they were there already, or have not signed up."""
        return await self._session.change(_CHECK_IN, action_id, person_id, self._session.now_micros) == 1

    async def confirm(self, action_id: int, person_id: int) -> bool:
        """They said again that they come. False: they have not signed up."""
        return await self._session.change(_CONFIRM, action_id, person_id, self._session.now_micros) == 1

    async def signup(self, action_id: int, person_id: int) -> Signup | None:
        """Their sign-up; None where there is none, or it was cancelled."""
        row = await self._session.row(SIGNUP, action_id, person_id)
        return None if row is None else signup_of(row)

    async def people(self, action_id: int) -> list[Signup]:
        """All who signed up and did not cancel, in the order in which they did."""
        return [signup_of(row) for row in await self._session.rows(_PEOPLE, action_id)]


def signup_of(row: Sequence[Any]) -> Signup:
    """The sign-up of one row of `signup_columns`."""
    *plain, at, confirmed_at, checked_in_at = row
    plain += moment(at), _moment(confirmed_at), _moment(checked_in_at)
    return Signup(*plain)


def _places(kind: str | None, state: str | None, bringing: int | None) -> int:
    return 1 + (bringing or 0) if (kind, state) == (YES, GOING) else 0


def _moment(value: int | None) -> datetime | None:
    return None if value is None else moment(value)
