"""Two people who are introduced."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint

from storage.tables import columns

_UNTOUCHED = "state = 'introduced' AND supporter_wrote_at IS NULL AND buddy_wrote_at IS NULL AND met_at IS NULL"


class PairRow(columns.Row, table=True):
    """A supporter and a buddy: from the wish to ask the buddy until it ends. There is one of these two for ever, so
    that nobody is shown twice. `sealed` (reasons, in words) is under the supporter's key.

    state      see `storage.pairs`
    answer_by  until when the buddy is waited for
    *_wrote_at when each last wrote to the other through the bot
    *_met      what each said to "did you meet?": yes, not_yet, wrong, or nothing yet
    """

    __tablename__ = "pairs"
    __table_args__ = (
        UniqueConstraint("supporter_id", "buddy_id"),
        Index("pairs_by_buddy_id", "buddy_id"),
        Index("pairs_unanswered", "answer_by", **columns.when("state = 'offered'")),
        Index("pairs_untouched", "introduced_at", **columns.when(_UNTOUCHED)),
    )
    id: int | None = columns.identity()
    supporter_id: int = columns.of("people.id")
    buddy_id: int = columns.of("people.id")
    state: str = columns.words()
    sealed: bytes | None = None
    cost: float = 0
    created_at: datetime = columns.at()
    offered_at: datetime | None = columns.at(default=None)
    answer_by: datetime | None = columns.at(default=None)
    answered_at: datetime | None = columns.at(default=None)
    introduced_at: datetime | None = columns.at(default=None)
    supporter_wrote_at: datetime | None = columns.at(default=None)
    buddy_wrote_at: datetime | None = columns.at(default=None)
    supporter_shared_at: datetime | None = columns.at(default=None)
    buddy_shared_at: datetime | None = columns.at(default=None)
    supporter_met: str = columns.words()
    buddy_met: str = columns.words()
    met_at: datetime | None = columns.at(default=None)
    meetings: int = 0
    ended_at: datetime | None = columns.at(default=None)
    why: str = columns.words()


PAIRS = columns.table(PairRow)
