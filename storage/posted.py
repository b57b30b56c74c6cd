"""What each desk shows: which cards, which lines of their threads, and what is to be shown anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, exists, func, select, update

from storage.cards import CHANGED, CURRENT, Card, Cards, card_columns
from storage.errors import KeyDestroyed
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import CARD_LINES, CARDS, POSTED, POSTED_LINES, micros, moment
from storage.vault import Vault

_SEALED = b"card_lines.sealed"
_C, _L, _P, _S = CARDS.c, CARD_LINES.c, POSTED.c, POSTED_LINES.c


@dataclass(frozen=True, slots=True)
class Posted:
    """A card, and how it stands on a desk.

    reference  what the platform calls it; "" where it is not there, or not known to be
    begun      it was to be posted before: it may be there
    changes    how often it has changed since it was shown
    shown      a digest of the words that it shows, by `Desks.digest`
    """

    card: Card
    reference: str
    begun: bool
    changes: int
    shown: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a card's thread, to be shown on a desk.

    reference  of the card there
    by         the coordinator who wrote it, at another desk; "" where the person did
    begun      it was to be posted before: it may be there
    """

    id: int
    card_id: int
    reference: str
    by: str
    text: str
    at: datetime
    begun: bool


_here = and_(_P.card_id == _C.id, _P.desk == given("desk"))
_cards = select(
    *card_columns,
    func.coalesce(_P.reference, constant("")),
    _P.card_id.is_not(None),
    func.coalesce(_P.changes, constant(0)),
    _P.shown,
)
_UNPOSTED = Statement(
    _cards.select_from(CARDS.outerjoin(POSTED, _here))
    .where(CURRENT, _P.reference.is_(None))
    .order_by(_C.urgent.desc(), _C.id)
    .limit(given("most")).offset(constant(0)),
    "desk", "most",
)  # fmt: skip
_shown = _cards.select_from(CARDS.join(POSTED, _here)).where(_P.reference != constant(""))
_CHANGES = Statement(
    _shown.where(_P.changes > constant(0))
    .order_by(_C.urgent.desc(), _C.id)
    .limit(given("most")).offset(constant(0)),
    "desk", "most",
)  # fmt: skip
_STANDING = Statement(
    _shown.where(CURRENT, _P.changes == constant(0)).order_by(_C.id.desc()).limit(given("most")).offset(constant(0)),
    "desk", "most",
)  # fmt: skip
_BEGIN = Statement(
    lambda insert: (
        insert(POSTED)
        .values(desk=given("desk"), card_id=given("card"), changes=constant(0))
        .on_conflict_do_nothing(index_elements=["desk", "card_id"])
        .inline()
    ),
    "desk",
    "card",
)
_DONE = Statement(
    update(POSTED)
    .where(_P.desk == given("desk"), _P.card_id == given("card"))
    .values(reference=given("new_reference"), shown=given("new_shown"), changes=_P.changes - given("seen")),
    "desk", "card", "new_reference", "new_shown", "seen",
)  # fmt: skip
_CARD_AT = Statement(select(_P.card_id).where(_P.desk == given("desk"), _P.reference == given("what")), "desk", "what")

_CARD_OF_LINE = Statement(
    select(_L.card_id)
    .select_from(POSTED_LINES.join(CARD_LINES, _L.id == _S.line_id))
    .where(_S.desk == given("desk"), _S.reference == given("what")),
    "desk", "what",
)  # fmt: skip

_ADD_LINE = Statement(
    lambda insert: (
        insert(CARD_LINES)
        .values(
            card_id=given("card"), person_id=given("person"), desk=given("desk"), event=given("event"), by=given("by"),
            sealed=given("sealed"), at=given("at"),
        )
        .on_conflict_do_nothing(index_elements=["card_id", "desk", "event"])
    ),
    "card", "person", "desk", "event", "by", "sealed", "at",
)  # fmt: skip
# Asked line by line: a join would go over every card that was ever posted.
_its_card = (
    select(_P.reference)
    .where(_P.card_id == _L.card_id, _P.desk == given("desk"))
    .correlate(CARD_LINES)
    .scalar_subquery()
)
_LINES = Statement(
    select(_L.id, _L.card_id, _L.person_id, _its_card, _L.by, _L.sealed, _L.at, _S.line_id.is_not(None))
    .select_from(CARD_LINES.outerjoin(POSTED_LINES, and_(_S.line_id == _L.id, _S.desk == given("desk"))))
    .where(_L.desk != given("desk"), _S.reference.is_(None), _its_card != constant(""))
    .order_by(_L.id)
    .limit(given("most")).offset(constant(0)),
    "desk", "most",
)  # fmt: skip
_THREAD = Statement(
    select(_L.by, _L.sealed)
    .where(_L.card_id == given("card"))
    .order_by(_L.id.desc())
    .limit(given("most")).offset(constant(0)),
    "card", "most",
)  # fmt: skip
_BEGIN_LINE = Statement(
    lambda insert: (
        insert(POSTED_LINES)
        .values(desk=given("desk"), line_id=given("line"))
        .on_conflict_do_nothing(index_elements=["desk", "line_id"])
        .inline()
    ),
    "desk",
    "line",
)
_LINE_DONE = Statement(
    update(POSTED_LINES)
    .where(_S.desk == given("desk"), _S.line_id == given("line"))
    .values(reference=given("new_reference")),
    "desk", "line", "new_reference",
)  # fmt: skip
_STALE = Statement(
    select(_S.line_id, func.coalesce(_S.reference, constant("")))
    .where(_S.desk == given("desk"), ~exists(select(constant(1)).select_from(CARD_LINES).where(_L.id == _S.line_id)))
    .limit(given("most")).offset(constant(0)),
    "desk", "most",
)  # fmt: skip
_DROP_LINE = Statement(
    delete(POSTED_LINES).where(_S.desk == given("desk"), _S.line_id == given("line")), "desk", "line"
)
_DELETE_LINES = Statement(delete(CARD_LINES).where(_L.at < given("before")), "before")
_DROP_POSTED = Statement(delete(POSTED).where(_P.desk == given("desk"), _P.card_id == given("card")), "desk", "card")


class Desks:
    """What desks show, in one transaction. `desk` is the name of one."""

    __slots__ = ("_cards", "_session", "_vault")

    def __init__(self, session: Session, vault: Vault, cards: Cards) -> None:
        self._session = session
        self._vault = vault
        self._cards = cards

    # --- cards

    async def unposted(self, desk: str, limit: int) -> list[Posted]:
        """The cards that are to be posted there, the urgent first, then the oldest."""
        return await self._posted(await self._session.rows(_UNPOSTED, desk, limit))

    async def changed(self, desk: str, limit: int) -> list[Posted]:
        """Those there that are not what they show any more, the urgent first; the settled too."""
        return await self._posted(await self._session.rows(_CHANGES, desk, limit))

    async def standing(self, desk: str, limit: int) -> list[Posted]:
        """Those there that nobody has settled and nothing is known to have changed, the newest first."""
        return await self._posted(await self._session.rows(_STANDING, desk, limit))

    async def begin(self, desk: str, card_id: int) -> None:
        """From now on it may be there."""
        await self._session.change(_BEGIN, desk, card_id)

    async def done(self, desk: str, card_id: int, reference: str, words: str, changes: int) -> None:
        """It shows these words there. `changes` are those that were known then. An empty reference: it never will."""
        await self._session.change(_DONE, desk, card_id, reference, self.digest(words), changes)

    async def stir(self, card_id: int) -> None:
        """Every desk that shows it shows it anew."""
        await self._session.change(CHANGED, card_id)

    async def lost(self, desk: str, card_id: int) -> None:
        """It is not there any more: it is posted again, if it still waits."""
        await self._session.change(_DROP_POSTED, desk, card_id)

    async def card_at(self, desk: str, reference: str) -> int | None:
        """The number of the card that has this reference there, or that a line with it belongs to."""
        row = await self._session.row(_CARD_AT, desk, reference)
        row = row or await self._session.row(_CARD_OF_LINE, desk, reference)
        return None if row is None else int(row[0])

    def digest(self, words: str) -> bytes:
        """Tells words apart, and tells nobody what they are."""
        return self._vault.blind("posted", words)

    # --- threads

    async def add_line(self, card: Card, desk: str, event: str, by: str, text: str) -> bool:
        """A line of a card's thread, shown at every other desk. `event` is the platform's id of it; False: it was
        there before. By the person where desk and `by` are empty. Raises KeyDestroyed."""
        if card.person_id is None:
            return False
        sealed = (await self._vault.of(self._session, card.person_id)).close(_SEALED, text.encode())
        now = self._session.now_micros
        added = await self._session.change(_ADD_LINE, card.id, card.person_id, desk, event, by, sealed, now)
        return added == 1

    async def lines(self, desk: str, limit: int) -> list[Line]:
        """The lines that are to be shown there, the oldest first."""
        found = []
        for id_, card_id, person_id, reference, by, sealed, at, begun in await self._session.rows(_LINES, desk, limit):
            try:
                text = (await self._vault.of(self._session, person_id)).open(_SEALED, sealed).decode()
            except KeyDestroyed:
                continue
            found.append(Line(id_, card_id, reference, by, text, moment(at), bool(begun)))
        return found

    async def thread(self, card: Card, limit: int) -> list[tuple[str, str]]:
        """(by, text) of the newest lines of a card, the oldest of them first; by: "" is the person."""
        if card.person_id is None:
            return []
        rows = await self._session.rows(_THREAD, card.id, limit)
        if not rows:
            return []
        try:
            seal = await self._vault.of(self._session, card.person_id)
        except KeyDestroyed:
            return []
        return [(by, seal.open(_SEALED, sealed).decode()) for by, sealed in reversed(rows)]

    async def begin_line(self, desk: str, line_id: int) -> None:
        """From now on it may be there."""
        await self._session.change(_BEGIN_LINE, desk, line_id)

    async def line_done(self, desk: str, line_id: int, reference: str) -> None:
        """It is there. An empty reference: it never will be."""
        await self._session.change(_LINE_DONE, desk, line_id, reference)

    async def stale_lines(self, desk: str, limit: int) -> list[tuple[int, str]]:
        """(line, reference) of those there that were deleted here: their words are to go."""
        return [(row[0], row[1]) for row in await self._session.rows(_STALE, desk, limit)]

    async def line_gone(self, desk: str, line_id: int) -> None:
        """It is not there any more."""
        await self._session.change(_DROP_LINE, desk, line_id)

    async def delete_lines(self, before: datetime) -> int:
        """Deletes the lines that were written before then; how many."""
        return await self._session.change(_DELETE_LINES, micros(before))

    async def _posted(self, rows: Sequence[Sequence[Any]]) -> list[Posted]:
        cards = await self._cards.read([row[:-4] for row in rows])
        return [
            Posted(card, row[-4], bool(row[-3]), row[-2], row[-1] or b"") for card, row in zip(cards, rows, strict=True)
        ]
