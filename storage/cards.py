"""Cards: what coordinators should see, and mostly act on.

Kinds: match, match_to_approve, stalled, nobody_near, buddy_to_approve, action_proposed, turnout, human, report,
few_buddies, failed_send, held_send, turn_failed, flow_refused, exported, digest, told, flagged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, null, select, true, update

from flows.model import NOTHING, Value
from storage.errors import KeyDestroyed
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import CARDS, POSTED, micros, moment
from storage.values import pack, unpack
from storage.vault import Vault

OPEN, NOTICE, OVER, PAST = "open", "notice", "over", "past"
"""The states of a card that waits for somebody, of one that only tells something, of one that time has settled, and of
one that told something and is old by now. Any other says what somebody made of it."""

REPORT = "report"
"""The kind of what somebody says felt wrong."""

_SEALED = b"cards.sealed"
_C = CARDS.c


@dataclass(frozen=True, slots=True)
class Card:
    """One card.

    subject    what it is about, like "pair:12"
    person_id  whose key its body is under; the body is empty once that key is gone. None: it is about nobody
    acted_by   which coordinator acted, as their desk calls them; "" while it is open
    owner      which coordinator has taken it on, "" where nobody has; `due_at` is until when
    """

    id: int
    kind: str
    subject: str
    person_id: int | None
    body: Mapping[str, Value]
    urgent: bool
    state: str
    created_at: datetime
    acted_at: datetime | None
    acted_by: str
    owner: str = ""
    due_at: datetime | None = None


# Written as in the partial index, or SQLite does not see that it fits.
CURRENT = _C.state.in_([constant(OPEN), constant(NOTICE)])
card_columns = (
    _C.id,
    _C.kind,
    _C.subject,
    _C.person_id,
    _C.sealed,
    _C.plain,
    _C.urgent,
    _C.state,
    _C.created_at,
    _C.acted_at,
    _C.acted_by,
    _C.owner,
    _C.due_at,
)
"""What `Cards.read` wants."""

_cards = select(*card_columns)  # fmt: skip


def _add(state: str) -> Statement:
    return Statement(
        lambda insert: insert(CARDS)
        .values(
            kind=given("kind"), subject=given("subject"), person_id=given("person"), sealed=given("sealed"),
            plain=given("plain"), urgent=given("urgent"), state=constant(state), created_at=given("at"),
            acted_by=constant(""), owner=constant(""), due_at=given("due_at"),
        )
        .on_conflict_do_update(
            index_elements=["kind", "subject"],
            index_where=_C.state == constant(state),
            set_={
                "person_id": given("person", _C.person_id.type),
                "sealed": given("sealed", _C.sealed.type),
                "plain": given("plain", _C.plain.type),
                "urgent": given("urgent", _C.urgent.type),
            },
        )
        .returning(_C.id),
        "kind", "subject", "person", "sealed", "plain", "urgent", "at", "due_at",
    )  # fmt: skip


_ADD = {state: _add(state) for state in (OPEN, NOTICE)}
CHANGED = Statement(
    update(POSTED).where(POSTED.c.card_id == given("card")).values(changes=POSTED.c.changes + constant(1)), "card"
)
"""Every desk that shows this card shows it anew."""
_CURRENT = Statement(_cards.where(CURRENT, _C.kind == given("kind")).order_by(_C.id), "kind")
_ABOUT = Statement(_cards.where(CURRENT, _C.kind == given("kind"), _C.subject == given("subject")), "kind", "subject")
_SINCE = Statement(
    select(_C.person_id, func.max(_C.created_at))
    .where(_C.kind == given("kind"), _C.created_at >= given("since"), _C.person_id.is_not(None))
    .group_by(_C.person_id),
    "kind", "since",
)  # fmt: skip
_OPEN_OF = Statement(
    _cards.where(_C.state == constant(OPEN), _C.person_id == given("person")).order_by(_C.id.desc()), "person"
)
_COUNTS = Statement(
    select(_C.kind, func.count(), func.min(_C.created_at)).where(_C.state == constant(OPEN)).group_by(_C.kind)
)
_TAKE = Statement(
    update(CARDS)
    .where(_C.id == given("card"), _C.state == constant(OPEN), _C.owner == constant(""))
    .values(owner=given("by"), due_at=given("new_due_at")),
    "card", "by", "new_due_at",
)  # fmt: skip
_OVERDUE = Statement(
    update(CARDS)
    .where(_C.state == constant(OPEN), _C.kind == given("kind"), _C.due_at <= given("before"))
    .values(owner=constant(""), due_at=null(), urgent=true())
    .returning(_C.id),
    "kind", "before",
)  # fmt: skip
_OPEN = Statement(
    _cards.where(_C.state == constant(OPEN)).order_by(_C.urgent.desc(), _C.id).limit(given("most")).offset(constant(0)),
    "most",
)
_NEWEST = Statement(_cards.order_by(_C.id.desc()).limit(given("most")).offset(constant(0)), "most")
_SETTLED = Statement(
    _cards.where(_C.state.not_in([constant(OPEN), constant(NOTICE), constant(PAST)]))
    .order_by(_C.acted_at.desc(), _C.id.desc()).limit(given("most")).offset(constant(0)),
    "most",
)  # fmt: skip
_GET = Statement(_cards.where(_C.id == given("card")), "card")
_ACT = Statement(
    update(CARDS)
    .where(_C.id == given("card"), CURRENT)
    .values(state=given("new_state"), acted_by=given("by"), acted_at=given("at")),
    "card", "new_state", "by", "at",
)  # fmt: skip


_WITH_OLD_WORDS = Statement(
    select(_C.id)
    .where(_C.sealed.is_not(None), _C.acted_at < given("before"), _C.kind != constant(REPORT))
    .order_by(_C.id)
    .limit(given("most")).offset(constant(0)),
    "before", "most",
)  # fmt: skip
_EMPTY = Statement(update(CARDS).where(_C.id == given("card")).values(sealed=null()), "card")


class Cards:
    """The cards of one transaction."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def add(
        self,
        kind: str,
        subject: str,
        person_id: int | None,
        body: Mapping[str, Any],
        urgent: bool = False,
        *,
        state: str = OPEN,
        due_at: datetime | None = None,
    ) -> int:
        """A new card, open or a notice; its number. Where one of this kind about this subject is there in that state,
        it gets the new body. The body of a card about nobody is not sealed."""
        sealed, plain = None, ""
        if person_id is None:
            plain = pack(body).decode()
        else:
            sealed = (await self._vault.of(self._session, person_id)).close(_SEALED, pack(body))
        now, due = self._session.now_micros, None if due_at is None else micros(due_at)
        row = await self._session.row(_ADD[state], kind, subject, person_id, sealed, plain, urgent, now, due)
        assert row is not None
        await self._session.change(CHANGED, row[0])
        return int(row[0])

    async def open(self, limit: int) -> list[Card]:
        """Those that wait for someone: the urgent first, then the oldest."""
        return await self.read(await self._session.rows(_OPEN, limit))

    async def newest(self, limit: int) -> list[Card]:
        """The newest first, whatever became of them."""
        return await self.read(await self._session.rows(_NEWEST, limit))

    async def settled(self, limit: int) -> list[Card]:
        """Those that someone has acted on, or time has settled, the last one first."""
        return await self.read(await self._session.rows(_SETTLED, limit))

    async def get(self, card_id: int) -> Card | None:
        """One card."""
        found = await self.read(await self._session.rows(_GET, card_id))
        return found[0] if found else None

    async def current(self, kind: str) -> list[Card]:
        """Those of a kind that are open, or notices, the oldest first."""
        return await self.read(await self._session.rows(_CURRENT, kind))

    async def about(self, kind: str, subject: str) -> Card | None:
        """The one of a kind about this that is open, or a notice."""
        found = await self.read(await self._session.rows(_ABOUT, kind, subject))
        return found[0] if found else None

    async def open_of(self, person_id: int) -> list[Card]:
        """Those of a person that are open, the newest first."""
        return await self.read(await self._session.rows(_OPEN_OF, person_id))

    async def since(self, kind: str, since: datetime) -> dict[int, datetime]:
        """About whom there were cards of a kind made from then on, whatever became of them: when the newest was."""
        return {row[0]: moment(row[1]) for row in await self._session.rows(_SINCE, kind, micros(since))}

    async def counts(self) -> dict[str, tuple[int, datetime]]:
        """Of each kind of which any is open: how many are, and since when the oldest is."""
        return {row[0]: (row[1], moment(row[2])) for row in await self._session.rows(_COUNTS)}

    async def act(self, card_id: int, state: str, by: str) -> bool:
        """Someone settles a card, or time does. False: someone else was quicker, or there is none."""
        if await self._session.change(_ACT, card_id, state, by, self._session.now_micros) != 1:
            return False
        await self._session.change(CHANGED, card_id)
        return True

    async def take(self, card_id: int, by: str, due_at: datetime) -> bool:
        """Someone takes an open card on, until then. False: someone else has it, or it is settled."""
        if await self._session.change(_TAKE, card_id, by, micros(due_at)) != 1:
            return False
        await self._session.change(CHANGED, card_id)
        return True

    async def overdue(self, kind: str) -> int:
        """The open cards of a kind whose time is up belong to nobody again, and are urgent; how many those are."""
        late = await self._session.rows(_OVERDUE, kind, self._session.now_micros)
        for row in late:
            await self._session.change(CHANGED, row[0])
        return len(late)

    async def delete_bodies(self, before: datetime, limit: int) -> int:
        """Takes what was written out of those that were settled before then, where desks show them too; how many.

        What somebody reported stays, for as long as they do: it may be wanted, and it protects others.
        """
        old = await self._session.rows(_WITH_OLD_WORDS, micros(before), limit)
        for row in old:
            await self._session.change(_EMPTY, row[0])
            await self._session.change(CHANGED, row[0])
        return len(old)

    async def read(self, rows: Sequence[Sequence[Any]]) -> list[Card]:
        """The cards that rows of `card_columns` are."""
        cards = []
        for row in rows:
            (
                id_,
                kind,
                subject,
                person_id,
                sealed,
                plain,
                urgent,
                state,
                created_at,
                acted_at,
                acted_by,
                owner,
                due_at,
            ) = row
            body = unpack(plain.encode()) if plain else await self._body(person_id, sealed)
            card = Card(
                id_, kind, subject, person_id, body, bool(urgent), state, moment(created_at), _moment(acted_at),
                acted_by, owner, _moment(due_at),
            )  # fmt: skip
            cards.append(card)
        return cards

    async def _body(self, person_id: int | None, sealed: bytes | None) -> Mapping[str, Value]:
        if sealed is None or person_id is None:
            return NOTHING
        try:
            seal = await self._vault.of(self._session, person_id)
        except KeyDestroyed:
            return NOTHING
        return unpack(seal.open(_SEALED, sealed))


def _moment(at: int | None) -> datetime | None:
    return None if at is None else moment(at)
