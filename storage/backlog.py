"""What waits, as whoever is woken at night wants to know it: counts and ages, nothing of anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from storage.sending import CLOSED, KNOCK, UNSETTLED
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import CARDS, CONVERSATIONS, INBOX, LEASES, OUTBOX, moment

_O, _I, _C = OUTBOX.c, INBOX.c, CARDS.c

# What nobody has tried to send yet counts from when it may be sent, the rest from when it was decided.
_since = case((_O.tries == constant(0), _O.due_at), else_=_O.created_at)
_for_them = _O.reason.in_([constant(CLOSED), constant(KNOCK)])
_UNSENT = Statement(
    select(_O.channel, _O.account, func.count(), func.min(_since))
    .where(UNSETTLED, ~_for_them, or_(_O.tries > constant(0), _O.due_at <= given("now")))
    .group_by(_O.channel, _O.account),
    "now",
)
_FOR_THEM = Statement(
    select(_O.channel, _O.account, func.count()).where(UNSETTLED, _for_them).group_by(_O.channel, _O.account)
)
_UNTAKEN = Statement(
    select(func.count(), func.min(_I.arrived_at)).where(and_(_I.taken_at.is_(None), _I.dead_at.is_(None)))
)
_DEAD = Statement(select(func.count()).select_from(INBOX).where(_I.dead_at.is_not(None)))
_OVERDUE = Statement(
    select(func.count(), func.min(CONVERSATIONS.c.next_due)).where(CONVERSATIONS.c.next_due <= given("now")), "now"
)
_CARDS = Statement(
    select(_C.kind, _C.urgent, func.count(), func.min(_C.created_at))
    .where(_C.state == constant("open"))
    .group_by(_C.kind, _C.urgent)
)
_LEASES = Statement(select(LEASES.c.name, LEASES.c.holder))

Account = tuple[str, str]
"""A channel, and which of our accounts there."""

Waiting = tuple[int, datetime | None]
"""How many wait, and since when the oldest does; None where none does."""

NOTHING_WAITS: Waiting = (0, None)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits at one moment.

    unsent    by account: messages that could be sent; without those that wait until their person writes again
    for_them  by account: how many messages those are
    untaken   events left for somebody's turn
    dead      events whose turns broke at every try, and which nobody has tried again
    overdue   conversations for which time has brought something that has not happened yet
    cards     by kind: open cards
    urgent    those of them that are urgent
    leases    who holds what only one process may have: its name, and the process as `storage.leases.me` calls it
    """

    unsent: Mapping[Account, Waiting]
    for_them: Mapping[Account, int]
    untaken: Waiting
    dead: int
    overdue: Waiting
    cards: Mapping[str, int]
    urgent: Waiting
    leases: Mapping[str, str]


async def backlog(session: Session) -> Backlog:
    """What waits now."""
    now = session.now_micros
    unsent = await session.rows(_UNSENT, now)
    dead = await session.row(_DEAD)
    cards: dict[str, int] = {}
    urgent = NOTHING_WAITS
    for kind, pressing, count, since in await session.rows(_CARDS):
        cards[kind] = cards.get(kind, 0) + count
        if pressing:
            urgent = urgent[0] + count, min(urgent[1] or moment(since), moment(since))
    return Backlog(
        {(channel, account): (count, moment(since)) for channel, account, count, since in unsent},
        {(channel, account): count for channel, account, count in await session.rows(_FOR_THEM)},
        _waiting(await session.row(_UNTAKEN)),
        dead[0] if dead else 0,
        _waiting(await session.row(_OVERDUE, now)),
        cards,
        urgent,
        {row[0]: row[1] for row in await session.rows(_LEASES)},
    )


def _waiting(row: Sequence[Any] | None) -> Waiting:
    return (0, None) if row is None else (row[0], None if row[1] is None else moment(row[1]))
