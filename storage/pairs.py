"""Pairs: a supporter and a buddy, from the wish to ask the buddy until it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, case, cast, exists, func, null, or_, select, update

from storage.errors import KeyDestroyed, NotFound
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import CARDS, LEDGER, PAIRS, micros, moment
from storage.values import pack, unpack
from storage.vault import Vault

WANTED, OFFERED, INTRODUCED = "wanted", "offered", "introduced"
"""A coordinator has to approve it; the buddy was asked; both said yes and know of each other."""

DECLINED, LAPSED, REFUSED, ENDED, FROZEN = "declined", "lapsed", "refused", "ended", "frozen"
"""The buddy said no; did not answer in time; a coordinator said no; it is over; it felt wrong, or was reported."""

GATHERED = "gathered"
"""A buddy welcomes this newcomer among others, once: nobody's capacity is taken, and they can say that they met. It
may still become a pair of these two alone."""

OPEN = frozenset({WANTED, OFFERED, INTRODUCED})
"""The states of a pair that still may become, or is, one that meets."""

FORGOTTEN = "forgotten"
"""Why a pair ended whose supporter or buddy was forgotten."""

SUPPORTER, BUDDY = "supporter", "buddy"

SILENT = "pair.silent"
"""What the ledger says, in the supporter's name, once a pair was noticed in which nobody wrote."""

_SEALED = b"pairs.sealed"
_P = PAIRS.c


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people. Change one with `dataclasses.replace`, then `Pairs.save`.

    state        one of those above
    reasons      why these two, in words; empty once the supporter was forgotten
    answer_by    until when the buddy is waited for
    *_wrote_at   when each last wrote to the other through the bot
    *_shared_at  when each agreed to swap contact details
    *_met        what each said to "did you meet?": yes, not_yet, wrong, or nothing yet
    why          of what ended it, a word to count by: nothing personal, for it is not sealed
    """

    id: int
    supporter_id: int
    buddy_id: int
    state: str
    reasons: tuple[str, ...]
    cost: float
    created_at: datetime
    offered_at: datetime | None = None
    answer_by: datetime | None = None
    answered_at: datetime | None = None
    introduced_at: datetime | None = None
    supporter_wrote_at: datetime | None = None
    buddy_wrote_at: datetime | None = None
    supporter_shared_at: datetime | None = None
    buddy_shared_at: datetime | None = None
    supporter_met: str = ""
    buddy_met: str = ""
    met_at: datetime | None = None
    meetings: int = 0
    ended_at: datetime | None = None
    why: str = ""

    def other(self, person_id: int) -> int:
        """The one of the two who is not this person. Raises ValueError for someone who is neither."""
        return self.buddy_id if self.role_of(person_id) == SUPPORTER else self.supporter_id

    def role_of(self, person_id: int) -> str:
        """What this person is here: supporter or buddy. Raises ValueError for someone who is neither."""
        if person_id == self.supporter_id:
            return SUPPORTER
        if person_id == self.buddy_id:
            return BUDDY
        raise ValueError(f"person {person_id} is not in pair {self.id}")


_MOMENTS = (
    "offered_at", "answer_by", "answered_at", "introduced_at", "supporter_wrote_at", "buddy_wrote_at",
    "supporter_shared_at", "buddy_shared_at", "met_at", "ended_at",
)  # fmt: skip
_PLAIN = ("state", "supporter_met", "buddy_met", "meetings", "why")

_pairs = select(
    _P.id, _P.supporter_id, _P.buddy_id, _P.state, _P.sealed, _P.cost, _P.created_at,
    *(_P[name] for name in (*_MOMENTS, "supporter_met", "buddy_met", "meetings", "why")),
)  # fmt: skip
_theirs = or_(_P.supporter_id == given("person"), _P.buddy_id == given("person"))
_open = _P.state.in_([constant(state) for state in sorted(OPEN)])

_GET = Statement(_pairs.where(_P.id == given("number")), "number")
_LOCK = Statement(_pairs.where(_P.id == given("number")), "number", locks=[PAIRS])
_OF = Statement(_pairs.where(_theirs).order_by(_P.id.desc()), "person")
_OPEN_OF = Statement(_pairs.where(_theirs, _open).order_by(_P.id.desc()), "person")
_KNOWN_OF = Statement(
    _pairs.where(_theirs, _P.state.in_([constant(INTRODUCED), constant(GATHERED)])).order_by(_P.id.desc()), "person"
)
_GATHERED_SINCE = Statement(
    select(_P.supporter_id).where(_P.state == constant(GATHERED), _P.created_at >= given("since")), "since"
)
_BETWEEN = Statement(
    select(_P.id, _P.state, _P.buddy_id).where(
        or_(
            and_(_P.supporter_id == given("one"), _P.buddy_id == given("other")),
            and_(_P.supporter_id == given("other"), _P.buddy_id == given("one")),
        )
    ),
    "one",
    "other",
)
_PROPOSE = Statement(
    lambda insert: insert(PAIRS)
    .values(
        supporter_id=given("supporter"), buddy_id=given("buddy"), state=given("state"), sealed=given("sealed"),
        cost=given("cost"), created_at=given("at"), offered_at=given("offered_at"), answer_by=given("answer_by"),
        supporter_met=constant(""), buddy_met=constant(""), meetings=constant(0), why=constant(""),
    )
    .on_conflict_do_nothing(index_elements=["supporter_id", "buddy_id"])
    .returning(_P.id),
    "supporter", "buddy", "state", "sealed", "cost", "at", "offered_at", "answer_by",
)  # fmt: skip
_PROPOSE_KNOWN = Statement(
    update(PAIRS)
    .where(_P.id == given("number"), _P.state == constant(GATHERED))
    .values(
        state=given("new_state"), sealed=given("new_sealed"), cost=given("new_cost"),
        offered_at=given("new_offered_at"), answer_by=given("new_answer_by"),
    ),
    "new_state", "new_sealed", "new_cost", "new_offered_at", "new_answer_by", "number",
)  # fmt: skip
_GATHER = Statement(
    lambda insert: insert(PAIRS)
    .values(
        supporter_id=given("supporter"), buddy_id=given("buddy"), state=constant(GATHERED), cost=constant(0),
        created_at=given("at"), supporter_met=constant(""), buddy_met=constant(""), meetings=constant(0),
        why=constant(""),
    )
    .on_conflict_do_nothing(index_elements=["supporter_id", "buddy_id"])
    .returning(_P.id),
    "supporter", "buddy", "at",
)  # fmt: skip
_SAVE = Statement(
    update(PAIRS).where(_P.id == given("number")).values({name: given(f"new_{name}") for name in (*_PLAIN, *_MOMENTS)}),
    *(f"new_{name}" for name in (*_PLAIN, *_MOMENTS)),
    "number",
)
# The newest first, as turns lock those that they end one by one (`open_of`): two orders could wait for each other.
_LOCK_OPEN_OF = Statement(_pairs.where(_theirs, _open).order_by(_P.id.desc()), "person", locks=[PAIRS])
_END = Statement(
    update(PAIRS).where(_theirs, _open).values(state=constant(ENDED), why=constant(FORGOTTEN), ended_at=given("at")),
    "person",
    "at",
)
_FORGET = Statement(update(PAIRS).where(_theirs).values(sealed=null()), "person")
_UNANSWERED = Statement(
    select(_P.id, _P.buddy_id)
    .where(_P.state == constant(OFFERED), _P.answer_by <= given("before"))
    .order_by(_P.answer_by, _P.id)
    .limit(given("most")).offset(constant(0)),
    "before", "most",
)  # fmt: skip
_noticed = exists(
    select(constant(1))
    .select_from(LEDGER)
    .where(
        LEDGER.c.person_id == _P.supporter_id,
        LEDGER.c.what == constant(SILENT),
        LEDGER.c.subject == constant("pair:") + cast(_P.id, Text),
    )
)
# The conditions are written as in the partial index, or SQLite does not see that it fits.
_UNTOUCHED = Statement(
    select(_P.id, _P.supporter_id, _P.buddy_id)
    .where(
        _P.state == constant(INTRODUCED), _P.supporter_wrote_at.is_(None), _P.buddy_wrote_at.is_(None),
        _P.met_at.is_(None), _P.supporter_met != constant("yes"), _P.buddy_met != constant("yes"),
        _P.introduced_at <= given("before"), ~_noticed,
    )
    .order_by(_P.introduced_at, _P.id)
    .limit(given("most")).offset(constant(0)),
    "before", "most",
)  # fmt: skip
_touched = func.coalesce(_P.introduced_at, constant(0))
_last = case(
    (
        func.coalesce(_P.supporter_wrote_at, constant(0)) > func.coalesce(_P.buddy_wrote_at, constant(0)),
        func.coalesce(_P.supporter_wrote_at, constant(0)),
    ),
    else_=func.coalesce(_P.buddy_wrote_at, constant(0)),
)
_last_sign = case((_last > _touched, _last), else_=_touched)
_carded = exists(
    select(constant(1))
    .select_from(CARDS)
    .where(
        CARDS.c.kind == constant("stalled"),
        CARDS.c.subject == constant("pair:") + cast(_P.id, Text),
        CARDS.c.created_at > _last_sign,
    )
)
# Who has swapped addresses writes elsewhere, and nobody here knows.
_stalls = and_(
    _P.state == constant(INTRODUCED), _P.met_at.is_(None),
    or_(_P.supporter_shared_at.is_(None), _P.buddy_shared_at.is_(None)),
)  # fmt: skip
_STALLED = Statement(
    select(_P.id, _P.supporter_id)
    .where(_stalls, _P.introduced_at <= given("before"), _last_sign <= given("before"), ~_carded)
    .order_by(_P.id)
    .limit(given("most")).offset(constant(0)),
    "before", "most",
)  # fmt: skip
_MOVES = Statement(
    select(CARDS.c.id, _P.state)
    .select_from(CARDS.join(PAIRS, CARDS.c.subject == constant("pair:") + cast(_P.id, Text)))
    .where(
        CARDS.c.kind == constant("stalled"), CARDS.c.state == constant("open"),
        or_(~_stalls, _last_sign > CARDS.c.created_at),
    )
)  # fmt: skip
_BY_STATE = Statement(select(_P.state, func.count()).group_by(_P.state).order_by(_P.state))


class Pairs:
    """The pairs of one transaction. A turn locks its person first, then the pair."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def propose(
        self,
        supporter_id: int,
        buddy_id: int,
        state: str,
        cost: float,
        reasons: Sequence[str],
        answer_by: datetime | None,
    ) -> int | None:
        """A new pair, wanted or offered (from now on); its number.

        None: these two had a pair before, whoever was the buddy in it, and nothing was written. One in which the buddy
        only gathered with this supporter becomes the new one.
        """
        session = self._session
        before = await session.row(_BETWEEN, supporter_id, buddy_id)
        if before is not None and (before[1] != GATHERED or before[2] != buddy_id):
            return None
        seal = await self._vault.of(session, supporter_id)
        sealed = seal.close(_SEALED, pack({"reasons": list(reasons)}))
        at = session.now_micros
        offered_at = at if state == OFFERED else None
        if before is not None:
            changed = (state, sealed, cost, offered_at, _micros(answer_by), before[0])
            return int(before[0]) if await session.change(_PROPOSE_KNOWN, *changed) else None
        row = await session.row(
            _PROPOSE, supporter_id, buddy_id, state, sealed, cost, at, offered_at, _micros(answer_by)
        )
        return None if row is None else int(row[0])

    async def gather(self, supporter_id: int, buddy_id: int) -> bool:
        """This buddy welcomes this supporter among others. False: these two had a pair before, of whatever kind."""
        if await self._session.row(_BETWEEN, supporter_id, buddy_id) is not None:
            return False
        return await self._session.row(_GATHER, supporter_id, buddy_id, self._session.now_micros) is not None

    async def gathered_since(self, since: datetime) -> frozenset[int]:
        """The supporters whom a buddy welcomes, or welcomed, among others, invited from then on."""
        return frozenset(row[0] for row in await self._session.rows(_GATHERED_SINCE, micros(since)))

    async def get(self, pair_id: int) -> Pair | None:
        """A pair, without locking it."""
        row = await self._session.row(_GET, pair_id)
        return None if row is None else await self._pair(row)

    async def lock(self, pair_id: int) -> Pair | None:
        """A pair, locked until the transaction ends: only then may it be saved."""
        row = await self._session.row(_LOCK, pair_id)
        return None if row is None else await self._pair(row)

    async def save(self, pair: Pair) -> None:
        """Everything of it that can change: all but who, when it was made, the cost and the reasons.

        Raises NotFound, and ValueError for a naive moment.
        """
        plain = [getattr(pair, name) for name in _PLAIN]
        moments = [_micros(getattr(pair, name)) for name in _MOMENTS]
        if not await self._session.change(_SAVE, *plain, *moments, pair.id):
            raise NotFound(f"pair {pair.id}")

    async def of(self, person_id: int) -> list[Pair]:
        """All that this person was ever in, on either side, newest first."""
        return [await self._pair(row) for row in await self._session.rows(_OF, person_id)]

    async def open_of(self, person_id: int) -> list[Pair]:
        """Those of them that are open, newest first."""
        return [await self._pair(row) for row in await self._session.rows(_OPEN_OF, person_id)]

    async def known_of(self, person_id: int) -> list[Pair]:
        """Those in which the two were introduced, alone or among others, and can say that they met; newest first."""
        return [await self._pair(row) for row in await self._session.rows(_KNOWN_OF, person_id)]

    async def unanswered(self, limit: int, before: datetime) -> list[tuple[int, int]]:
        """(pair, buddy) of the offers whose time was up by then, the longest overdue first."""
        return [(row[0], row[1]) for row in await self._session.rows(_UNANSWERED, micros(before), limit)]

    async def untouched(self, limit: int, before: datetime) -> list[tuple[int, int, int]]:
        """(pair, supporter, buddy) of those introduced by then in which nobody wrote or met, the oldest first.

        A pair whose silence is in the ledger (`SILENT`) does not come again.
        """
        return [(row[0], row[1], row[2]) for row in await self._session.rows(_UNTOUCHED, micros(before), limit)]

    async def stalled(self, limit: int, before: datetime) -> list[tuple[int, int]]:
        """(pair, supporter) of those introduced who have not met, and in which nobody has written since then. One whose
        card is newer than its last sign of life does not come again."""
        return [(row[0], row[1]) for row in await self._session.rows(_STALLED, micros(before), limit)]

    async def moving(self) -> list[tuple[int, bool]]:
        """The open cards about stalled pairs that have moved since, and whether the two are still introduced."""
        return [(row[0], row[1] == INTRODUCED) for row in await self._session.rows(_MOVES)]

    async def by_state(self) -> dict[str, int]:
        """How many pairs are in each state that any is in."""
        return {row[0]: row[1] for row in await self._session.rows(_BY_STATE)}

    async def forget(self, person_id: int) -> list[Pair]:
        """Ends every open pair of someone who is being forgotten, and forgets why these two, on either side.

        The pairs that ended, as they stood before: the other one of each should hear of it.
        """
        ended = [await self._pair(row) for row in await self._session.rows(_LOCK_OPEN_OF, person_id)]
        await self._session.change(_END, person_id, self._session.now_micros)
        await self._session.change(_FORGET, person_id)
        return ended

    async def _pair(self, row: Sequence[Any]) -> Pair:
        id_, supporter_id, buddy_id, state, sealed, cost, created_at, *more = row
        moments = {name: None if at is None else moment(at) for name, at in zip(_MOMENTS, more[:-4], strict=True)}
        supporter_met, buddy_met, meetings, why = more[-4:]
        return Pair(
            id_, supporter_id, buddy_id, state, await self._reasons(supporter_id, sealed), cost, moment(created_at),
            **moments, supporter_met=supporter_met, buddy_met=buddy_met, meetings=meetings, why=why,
        )  # fmt: skip

    async def _reasons(self, supporter_id: int, sealed: bytes | None) -> tuple[str, ...]:
        if sealed is None:
            return ()
        try:
            seal = await self._vault.of(self._session, supporter_id)
        except KeyDestroyed:
            return ()
        reasons: Any = unpack(seal.open(_SEALED, sealed))["reasons"]
        return tuple(reasons)


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)
