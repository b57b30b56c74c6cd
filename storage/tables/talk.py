"""What people and the bot say to each other."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint
from sqlmodel import Field

from storage.tables import columns


class ConversationRow(columns.Row, table=True):
    """A person's place in a flow. Flow, version and state stay readable, so that a new library can count who stands
    where. `next_due` is NULL where nothing falls due, and once it has ended."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index("conversations_open", "person_id", **columns.when("ended_at IS NULL")),
        Index("conversations_by_person_id", "person_id", "id"),
        Index("conversations_due", "next_due", "id", **columns.when("next_due IS NOT NULL")),
    )
    id: int | None = columns.identity()
    person_id: int = columns.of("people.id")
    flow: str = columns.words()
    version: int = columns.number()
    state: str = columns.words()
    sealed: bytes
    entered_at: datetime = columns.at()
    next_due: datetime | None = columns.at(default=None)
    ended_at: datetime | None = columns.at(default=None)
    outcome: str = columns.words()


class InboxRow(columns.Row, table=True):
    """Each event once: (source, event) is what makes it count once. Taken in the turn that brought it, or later."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("source", "event"),
        Index("inbox_untaken", "id", **columns.when("taken_at IS NULL AND dead_at IS NULL")),
        Index("inbox_by_person_id", "person_id", "id"),
        Index("inbox_dead", "person_id", **columns.when("dead_at IS NOT NULL")),
    )
    id: int | None = columns.identity()
    source: str = columns.words()
    event: str = columns.words()
    person_id: int = columns.of("people.id")
    kind: str = columns.words()
    sealed: bytes | None = None
    arrived_at: datetime = columns.at()
    taken_at: datetime | None = columns.at(default=None)
    tries: int = 0
    dead_at: datetime | None = columns.at(default=None)
    error: str = columns.words()


class OutboxRow(columns.Row, table=True):
    """One message to one address.

    always     sent even to someone who has stopped: the one confirmation
    priority   0 live, 1 broadcast
    replaces   the row whose message this one changes
    address_id has no foreign key: deleting an address would look through the whole table
    state      waiting and claimed are unsettled; sent, failed, held, unknown and dropped are settled
    claimed_by stays when a killed process's row waits again: it may have been sent
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_waiting", "channel", "account", "priority", "due_at", "id", **columns.when("state = 'waiting'")),
        Index("outbox_unsettled", "address_id", "priority", "id", **columns.when("state IN ('waiting', 'claimed')")),
        Index("outbox_by_person_id", "person_id", "id"),
    )
    id: int | None = columns.identity()
    person_id: int = columns.of("people.id")
    address_id: int = columns.number()
    channel: str = columns.words()
    account: str = columns.words()
    conversation_id: int | None = columns.number(default=None)
    question: int | None = None
    sealed: bytes | None = None
    priority: int = 0
    always: bool = False
    replaces: int | None = columns.number(default=None)
    created_at: datetime = columns.at()
    due_at: datetime = columns.at()
    state: str = columns.words()
    claimed_by: str = columns.words()
    claimed_at: datetime | None = columns.at(default=None)
    tries: int = 0
    sent_at: datetime | None = columns.at(default=None)
    receipt: str = columns.words()
    reason: str = columns.words()


class StartedRow(columns.Row, table=True):
    """A moment that has begun its flow for this person: it never does so twice."""

    __tablename__ = "started"
    __table_args__ = (Index("started_by_person_id", "person_id"),)
    flow: str = Field(primary_key=True, sa_type=Text)
    subject: str = Field(primary_key=True, sa_type=Text)
    person_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="people.id")
    occurrence: str = Field(primary_key=True, sa_type=Text)
    at: datetime = columns.at()


CONVERSATIONS = columns.table(ConversationRow)
INBOX = columns.table(InboxRow)
OUTBOX = columns.table(OutboxRow)
STARTED = columns.table(StartedRow)
