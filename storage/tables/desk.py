"""What coordinators see and do."""

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field

from storage.tables import columns


class CardRow(columns.Row, table=True):
    """Something coordinators should see, and mostly act on. `sealed` is under the key of the person it is about.

    kind     see `storage.cards`
    subject  what it is about, like "pair:12"; of one kind about one subject there is one that is open or a notice
    plain    JSON of a card that is about nobody; "" where somebody's key seals it
    state    open, notice (nobody needs to act), or what became of it
    owner    which coordinator has taken it on; `due_at` is until when something should have come of it
    """

    __tablename__ = "cards"
    __table_args__ = (
        Index("cards_one_open", "kind", "subject", unique=True, **columns.when("state = 'open'")),
        Index("cards_one_notice", "kind", "subject", unique=True, **columns.when("state = 'notice'")),
        Index("cards_by_person_id", "person_id"),
        Index("cards_by_subject", "subject"),
        Index("cards_live", "id", **columns.when("state IN ('open', 'notice')")),
    )
    id: int | None = columns.identity()
    kind: str = columns.words()
    subject: str = columns.words()
    person_id: int | None = columns.of("people.id", default=None)
    sealed: bytes | None = None
    plain: str = columns.words()
    urgent: bool = False
    state: str = columns.words()
    created_at: datetime = columns.at()
    acted_at: datetime | None = columns.at(default=None)
    acted_by: str = columns.words()
    owner: str = columns.words()
    due_at: datetime | None = columns.at(default=None)


class LineRow(columns.Row, table=True):
    """One line of what coordinators and the person of a card write to each other. `sealed` is under the person's key.

    event  the platform's id of it, the same however often it comes
    desk   at which it was written, by the coordinator `by`; both empty where the person wrote it
    """

    __tablename__ = "card_lines"
    __table_args__ = (
        UniqueConstraint("card_id", "desk", "event", name="card_lines_one_event"),
        Index("card_lines_by_person_id", "person_id"),
    )
    id: int | None = columns.identity()
    card_id: int = columns.of("cards.id")
    person_id: int = columns.of("people.id")
    desk: str = columns.words()
    event: str = columns.words()
    by: str = columns.words()
    sealed: bytes
    at: datetime = columns.at()


class PostedRow(columns.Row, table=True):
    """A card on a desk.

    reference  what the platform calls it; NULL while it is not known whether it was posted, empty where it cannot be
    shown      a keyed digest of the words that it shows
    changes    how often the card has changed since then
    """

    __tablename__ = "posted"
    __table_args__ = (
        Index("posted_by_reference", "desk", "reference"),
        Index("posted_by_card_id", "card_id"),
        Index("posted_changed", "desk", "card_id", **columns.when("changes > 0")),
    )
    desk: str = Field(primary_key=True, sa_type=Text)
    card_id: int = columns.of("cards.id", primary_key=True)
    reference: str | None = Field(default=None, sa_type=Text)
    shown: bytes | None = None
    changes: int = 0


class PostedLineRow(columns.Row, table=True):
    """A line in the thread of a card on a desk; the line itself is deleted in time. `reference` as in `posted`."""

    __tablename__ = "posted_lines"
    __table_args__ = (Index("posted_lines_by_reference", "desk", "reference"),)
    desk: str = Field(primary_key=True, sa_type=Text)
    line_id: int = columns.number(primary_key=True)
    reference: str | None = Field(default=None, sa_type=Text)


class AuditRow(columns.Row, table=True):
    """Who of those that look after people has looked at what, and decided what: see `storage.audit`.

    who  "ROLE:NAME"
    """

    __tablename__ = "audit"
    id: int | None = columns.identity()
    who: str = columns.words()
    what: str = columns.words()
    subject: str = columns.words()
    at: datetime = columns.at()


CARDS = columns.table(CardRow)
CARD_LINES = columns.table(LineRow)
POSTED = columns.table(PostedRow)
POSTED_LINES = columns.table(PostedLineRow)
AUDIT = columns.table(AuditRow)
