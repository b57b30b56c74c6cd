"""Every table. Columns called `sealed` hold what is personal, under the key of the person the row belongs to.

Moments are BIGINT microseconds since 1970 UTC in the database and aware UTC datetimes in Python. Texts that are
missing are empty, never NULL; NULL means that something has not happened (or was deleted).
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

KEYS_SCHEMA = "doorstep_keys"
"""Where Postgres keeps the person keys; SQLite has a file of its own for them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 UTC. Raises ValueError for a naive one."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """What goes into the database."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """What comes out of it."""
        return None if value is None else moment(value)


def micros(value: datetime) -> int:
    """Microseconds since 1970 UTC. Raises ValueError for a datetime without a time zone."""
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone: pass an aware datetime")
    return (value - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """The aware UTC datetime of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


class Row(SQLModel):
    """What all tables share: names of constraints that are the same on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_by_%(column_0_N_name)s",
            "uq": "%(table_name)s_one_%(column_0_N_name)s",
            "fk": "%(table_name)s_%(column_0_name)s",
            "pk": "%(table_name)s_key",
        }
    )


# SQLite numbers rows by itself only where the column is called exactly INTEGER.
_Id = BigInteger().with_variant(Integer(), "sqlite")


def _id() -> Any:
    return Field(default=None, primary_key=True, sa_type=_Id)


def _at(**options: Any) -> Any:
    return Field(sa_type=Moment, **options)


def _of(target: str, **options: Any) -> Any:
    return Field(sa_type=BigInteger, foreign_key=target, **options)


def _number(**options: Any) -> Any:
    return Field(sa_type=BigInteger, **options)


def _text(**options: Any) -> Any:
    return Field(default="", sa_type=Text, **options)


def _when(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


_UNTOUCHED = "state = 'introduced' AND supporter_wrote_at IS NULL AND buddy_wrote_at IS NULL AND met_at IS NULL"


class PersonRow(Row, table=True):
    """Someone who wrote to us. `sealed`: {field: value} of name and all of `me`. `district` is never finer than 1 km.

    role           "supporter" or "buddy"; empty before they are either
    status         active, stopped, paused, blocked (by a coordinator), leaving (the goodbye is on its way) or forgotten
    district       an H3 cell about 1 km across; empty where no place is known
    capacity       how many newcomers a buddy takes at once; `load` is how many they have or were offered
    waiting_since  when someone asked for a buddy and there was none to ask; NULL while they do not wait
    zone           IANA name of the time zone they live in; NULL where that is not known
    quiet_until    until when their quiet hours last, once one of the flows that begin by themselves met them
    reminded_until until when no reminder may follow: they had one a moment ago, or enough this week
    """

    __tablename__ = "people"
    __table_args__ = (
        Index("people_leaving", "id", **_when("status = 'leaving'")),
        Index("people_waiting", "waiting_since", "id", **_when("waiting_since IS NOT NULL")),
        Index("people_buddies", "id", **_when("role = 'buddy'")),
    )
    id: int | None = _id()
    created_at: datetime = _at()
    language: str = _text()
    role: str = _text()
    status: str = _text()
    district: str = _text()
    sealed: bytes | None = None
    capacity: int = 0
    load: int = 0
    approved_at: datetime | None = _at(default=None)
    away_until: datetime | None = _at(default=None)
    waiting_since: datetime | None = _at(default=None)
    zone: str | None = Field(default=None, sa_type=Text)
    quiet_until: datetime | None = _at(default=None)
    reminded_until: datetime | None = _at(default=None)


class AddressRow(Row, table=True):
    """Where a person can be written to. `blind` finds it without opening it; one of a person's is `preferred`."""

    __tablename__ = "addresses"
    __table_args__ = (
        UniqueConstraint("channel", "account", "blind"),
        Index("addresses_by_person_id", "person_id"),
        Index("addresses_one_preferred", "person_id", unique=True, **_when("preferred")),
    )
    id: int | None = _id()
    person_id: int = _of("people.id")
    channel: str = _text()
    account: str = _text()
    blind: bytes
    sealed: bytes
    preferred: bool
    blocked_at: datetime | None = _at(default=None)


class ConversationRow(Row, table=True):
    """A person's place in a flow. Flow, version and state stay readable, so that a new library can count who stands
    where. `next_due` is NULL where nothing falls due, and once it has ended."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index("conversations_open", "person_id", **_when("ended_at IS NULL")),
        Index("conversations_by_person_id", "person_id", "id"),
        Index("conversations_due", "next_due", "id", **_when("next_due IS NOT NULL")),
    )
    id: int | None = _id()
    person_id: int = _of("people.id")
    flow: str = _text()
    version: int = _number()
    state: str = _text()
    sealed: bytes
    entered_at: datetime = _at()
    next_due: datetime | None = _at(default=None)
    ended_at: datetime | None = _at(default=None)
    outcome: str = _text()


class InboxRow(Row, table=True):
    """Each event once: (source, event) is what makes it count once. Taken in the turn that brought it, or later."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("source", "event"),
        Index("inbox_untaken", "id", **_when("taken_at IS NULL AND dead_at IS NULL")),
        Index("inbox_by_person_id", "person_id", "id"),
        Index("inbox_dead", "person_id", **_when("dead_at IS NOT NULL")),
    )
    id: int | None = _id()
    source: str = _text()
    event: str = _text()
    person_id: int = _of("people.id")
    kind: str = _text()
    sealed: bytes | None = None
    arrived_at: datetime = _at()
    taken_at: datetime | None = _at(default=None)
    tries: int = 0
    dead_at: datetime | None = _at(default=None)
    error: str = _text()


class OutboxRow(Row, table=True):
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
        Index("outbox_waiting", "channel", "account", "priority", "due_at", "id", **_when("state = 'waiting'")),
        Index("outbox_unsettled", "address_id", "priority", "id", **_when("state IN ('waiting', 'claimed')")),
        Index("outbox_by_person_id", "person_id", "id"),
    )
    id: int | None = _id()
    person_id: int = _of("people.id")
    address_id: int = _number()
    channel: str = _text()
    account: str = _text()
    conversation_id: int | None = _number(default=None)
    question: int | None = None
    sealed: bytes | None = None
    priority: int = 0
    always: bool = False
    replaces: int | None = _number(default=None)
    created_at: datetime = _at()
    due_at: datetime = _at()
    state: str = _text()
    claimed_by: str = _text()
    claimed_at: datetime | None = _at(default=None)
    tries: int = 0
    sent_at: datetime | None = _at(default=None)
    receipt: str = _text()
    reason: str = _text()


class ConsentRow(Row, table=True):
    """What someone agreed to, in the words they read (`sealed`), and until when."""

    __tablename__ = "consents"
    __table_args__ = (Index("consents_by_person_id", "person_id"),)
    id: int | None = _id()
    person_id: int = _of("people.id")
    to: str = _text()
    sealed: bytes
    version: int = _number()
    at: datetime = _at()
    withdrawn_at: datetime | None = _at(default=None)


class PairRow(Row, table=True):
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
        Index("pairs_unanswered", "answer_by", **_when("state = 'offered'")),
        Index("pairs_untouched", "introduced_at", **_when(_UNTOUCHED)),
    )
    id: int | None = _id()
    supporter_id: int = _of("people.id")
    buddy_id: int = _of("people.id")
    state: str = _text()
    sealed: bytes | None = None
    cost: float = 0
    created_at: datetime = _at()
    offered_at: datetime | None = _at(default=None)
    answer_by: datetime | None = _at(default=None)
    answered_at: datetime | None = _at(default=None)
    introduced_at: datetime | None = _at(default=None)
    supporter_wrote_at: datetime | None = _at(default=None)
    buddy_wrote_at: datetime | None = _at(default=None)
    supporter_shared_at: datetime | None = _at(default=None)
    buddy_shared_at: datetime | None = _at(default=None)
    supporter_met: str = _text()
    buddy_met: str = _text()
    met_at: datetime | None = _at(default=None)
    meetings: int = 0
    ended_at: datetime | None = _at(default=None)
    why: str = _text()


class CampaignRow(Row, table=True):
    """Many actions, whose totals are shown together."""

    __tablename__ = "campaigns"
    id: int | None = _id()
    name: str = _text(unique=True)
    goal: int = 0
    created_at: datetime = _at()


class ActionRow(Row, table=True):
    """Something that happens in person. `address` is shown only to those signed up, `materials` only to hosts.

    district  the name of the place, as people read it; `cell` is its H3 cell
    secret    what the codes of each hour are made from
    state     proposed, published or cancelled
    sequence  how often it was changed since it was published; `told` is the last of these that all were told of
    """

    __tablename__ = "actions"
    __table_args__ = (
        Index("actions_by_starts_at", "starts_at"),
        Index("actions_by_ends_at", "ends_at"),
        Index("actions_untold", "id", **_when("told < sequence")),
    )
    id: int | None = _id()
    title: str = _text()
    what: str = _text()
    kind: str = _text()
    district: str = _text()
    cell: str = _text()
    address: str = _text()
    starts_at: datetime = _at()
    ends_at: datetime = _at()
    zone: str = _text()
    capacity: int | None = None
    going: int = 0
    goal: int = 0
    secret: str = _text()
    state: str = _text()
    host_id: int | None = _of("people.id", default=None)
    campaign_id: int | None = _of("campaigns.id", default=None)
    created_at: datetime = _at()
    published_at: datetime | None = _at(default=None)
    sequence: int = 0
    told: int = 0
    materials: str = _text()
    changed_at: datetime | None = _at(default=None)


class SignupRow(Row, table=True):
    """Someone's place in an action. `sealed` is their plan: when they leave, with whom.

    kind      yes or maybe
    state     going, waiting (on the waiting list) or cancelled
    bringing  how many others come with them
    """

    __tablename__ = "signups"
    __table_args__ = (UniqueConstraint("action_id", "person_id"), Index("signups_by_person_id", "person_id"))
    id: int | None = _id()
    action_id: int = _of("actions.id")
    person_id: int = _of("people.id")
    kind: str = _text()
    state: str = _text()
    bringing: int = 0
    sealed: bytes | None = None
    at: datetime = _at()
    confirmed_at: datetime | None = _at(default=None)
    cancelled_at: datetime | None = _at(default=None)
    checked_in_at: datetime | None = _at(default=None)


class NeedRow(Row, table=True):
    """Something to bring to an action."""

    __tablename__ = "needs"
    __table_args__ = (Index("needs_by_action_id", "action_id"),)
    id: int | None = _id()
    action_id: int = _of("actions.id")
    what: str = _text()
    wanted: int = 1
    claimed: int = 0


class ClaimRow(Row, table=True):
    """Someone will bring it."""

    __tablename__ = "claims"
    __table_args__ = (UniqueConstraint("need_id", "person_id"), Index("claims_by_person_id", "person_id"))
    id: int | None = _id()
    need_id: int = _of("needs.id")
    person_id: int = _of("people.id")
    at: datetime = _at()
    returned_at: datetime | None = _at(default=None)


class CardRow(Row, table=True):
    """Something coordinators should see, and mostly act on. `sealed` is under the key of the person it is about.

    kind     see `storage.cards`
    subject  what it is about, like "pair:12"; of one kind about one subject there is one that is open or a notice
    plain    JSON of a card that is about nobody; "" where somebody's key seals it
    state    open, notice (nobody needs to act), or what became of it
    owner    which coordinator has taken it on; `due_at` is until when something should have come of it
    """

    __tablename__ = "cards"
    __table_args__ = (
        Index("cards_one_open", "kind", "subject", unique=True, **_when("state = 'open'")),
        Index("cards_one_notice", "kind", "subject", unique=True, **_when("state = 'notice'")),
        Index("cards_by_person_id", "person_id"),
        Index("cards_by_subject", "subject"),
        Index("cards_live", "id", **_when("state IN ('open', 'notice')")),
    )
    id: int | None = _id()
    kind: str = _text()
    subject: str = _text()
    person_id: int | None = _of("people.id", default=None)
    sealed: bytes | None = None
    plain: str = _text()
    urgent: bool = False
    state: str = _text()
    created_at: datetime = _at()
    acted_at: datetime | None = _at(default=None)
    acted_by: str = _text()
    owner: str = _text()
    due_at: datetime | None = _at(default=None)


class LineRow(Row, table=True):
    """One line of what coordinators and the person of a card write to each other. `sealed` is under the person's key.

    event  the platform's id of it, the same however often it comes
    desk   at which it was written, by the coordinator `by`; both empty where the person wrote it
    """

    __tablename__ = "card_lines"
    __table_args__ = (
        UniqueConstraint("card_id", "desk", "event", name="card_lines_one_event"),
        Index("card_lines_by_person_id", "person_id"),
    )
    id: int | None = _id()
    card_id: int = _of("cards.id")
    person_id: int = _of("people.id")
    desk: str = _text()
    event: str = _text()
    by: str = _text()
    sealed: bytes
    at: datetime = _at()


class PostedRow(Row, table=True):
    """A card on a desk.

    reference  what the platform calls it; NULL while it is not known whether it was posted, empty where it cannot be
    shown      a keyed digest of the words that it shows
    changes    how often the card has changed since then
    """

    __tablename__ = "posted"
    __table_args__ = (
        Index("posted_by_reference", "desk", "reference"),
        Index("posted_by_card_id", "card_id"),
        Index("posted_changed", "desk", "card_id", **_when("changes > 0")),
    )
    desk: str = Field(primary_key=True, sa_type=Text)
    card_id: int = _of("cards.id", primary_key=True)
    reference: str | None = Field(default=None, sa_type=Text)
    shown: bytes | None = None
    changes: int = 0


class PostedLineRow(Row, table=True):
    """A line in the thread of a card on a desk; the line itself is deleted in time. `reference` as in `posted`."""

    __tablename__ = "posted_lines"
    __table_args__ = (Index("posted_lines_by_reference", "desk", "reference"),)
    desk: str = Field(primary_key=True, sa_type=Text)
    line_id: int = _number(primary_key=True)
    reference: str | None = Field(default=None, sa_type=Text)


class LedgerRow(Row, table=True):
    """What happened, for ever. Nothing personal: `person_id` is a number that means nothing once they are forgotten."""

    __tablename__ = "ledger"
    __table_args__ = (Index("ledger_by_what", "what", "at"), Index("ledger_by_person_id", "person_id", "id"))
    id: int | None = _id()
    person_id: int | None = _number(default=None)
    what: str = _text()
    at: datetime = _at()
    flow: str = _text()
    subject: str = _text()
    detail: str = _text()


class StartedRow(Row, table=True):
    """A moment that has begun its flow for this person: it never does so twice."""

    __tablename__ = "started"
    __table_args__ = (Index("started_by_person_id", "person_id"),)
    flow: str = Field(primary_key=True, sa_type=Text)
    subject: str = Field(primary_key=True, sa_type=Text)
    person_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="people.id")
    occurrence: str = Field(primary_key=True, sa_type=Text)
    at: datetime = _at()


class JobRow(Row, table=True):
    """A daily job that was begun on this day, by one process."""

    __tablename__ = "jobs"
    name: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)
    done_at: datetime | None = _at(default=None)


class LibraryRow(Row, table=True):
    """One version of the flow files: JSON {relative path: text}. The digest is SHA-256, in hexadecimal."""

    __tablename__ = "libraries"
    id: int | None = _id()
    digest: str = _text(unique=True)
    created_at: datetime = _at()
    files: str = _text()


class SettingRow(Row, table=True):
    """What the processes agree on: the library in force, and what tells a wrong key file."""

    __tablename__ = "settings"
    key: str = Field(primary_key=True, sa_type=Text)
    value: str = _text()


class LeaseRow(Row, table=True):
    """Who alone polls and sends for an account; `fence` grows with each holder."""

    __tablename__ = "leases"
    name: str = Field(primary_key=True, sa_type=Text)
    holder: str = _text()
    fence: int = _number()
    since: datetime = _at()


class LinkRow(Row, table=True):
    """A one-time code that joins an address to a person; only its blind index is kept."""

    __tablename__ = "links"
    id: int | None = _id()
    blind: bytes = Field(unique=True)
    person_id: int = _of("people.id")
    created_at: datetime = _at()
    expires_at: datetime = _at()
    used_at: datetime | None = _at(default=None)


class AuditRow(Row, table=True):
    """Who of those that look after people has looked at what, and decided what: see `storage.audit`.

    who  "ROLE:NAME"
    """

    __tablename__ = "audit"
    id: int | None = _id()
    who: str = _text()
    what: str = _text()
    subject: str = _text()
    at: datetime = _at()


class BlockRow(Row, table=True):
    """These two are never paired."""

    __tablename__ = "blocks"
    __table_args__ = (Index("blocks_by_other_id", "other_id"),)
    person_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="people.id")
    other_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="people.id")
    at: datetime = _at()


class TombstoneRow(Row, table=True):
    """An address of someone who was forgotten, by its blind index, for a few days: see `storage.tombstones`.

    person_id  0: everybody's key was destroyed
    at         what was written there before this is theirs, and refused
    made_at    when this row was written: every process closes the key of whoever it is about
    """

    __tablename__ = "tombstones"
    __table_args__ = (
        Index("tombstones_by_blind", "channel", "account", "blind"),
        Index("tombstones_by_made_at", "made_at"),
    )
    id: int | None = _id()
    person_id: int = _number()
    channel: str = _text()
    account: str = _text()
    blind: bytes
    at: datetime = _at()
    made_at: datetime = _at()


class PersonKeyRow(Row, table=True):
    """A person's key, wrapped by the group's. Apart from the data: destroying this row makes the rest unreadable."""

    __tablename__ = "person_keys"
    __table_args__ = ({"schema": KEYS_SCHEMA},)
    person_id: int = Field(sa_column=Column(_Id, primary_key=True, autoincrement=False))
    wrapped: bytes
    created_at: datetime = _at()


def _table(model: type[Row]) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


PEOPLE = _table(PersonRow)
ADDRESSES = _table(AddressRow)
CONVERSATIONS = _table(ConversationRow)
INBOX = _table(InboxRow)
OUTBOX = _table(OutboxRow)
CONSENTS = _table(ConsentRow)
LEDGER = _table(LedgerRow)
LIBRARIES = _table(LibraryRow)
SETTINGS = _table(SettingRow)
PERSON_KEYS = _table(PersonKeyRow)
PAIRS = _table(PairRow)
CAMPAIGNS = _table(CampaignRow)
ACTIONS = _table(ActionRow)
SIGNUPS = _table(SignupRow)
NEEDS = _table(NeedRow)
CLAIMS = _table(ClaimRow)
STARTED = _table(StartedRow)
JOBS = _table(JobRow)
LINKS = _table(LinkRow)
BLOCKS = _table(BlockRow)
LEASES = _table(LeaseRow)
CARDS = _table(CardRow)
CARD_LINES = _table(LineRow)
POSTED = _table(PostedRow)
POSTED_LINES = _table(PostedLineRow)
TOMBSTONES = _table(TombstoneRow)
AUDIT = _table(AuditRow)
