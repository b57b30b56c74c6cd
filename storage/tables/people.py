"""Who is known, how they are reached, what they agreed to; what is left of who was forgotten."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Text, UniqueConstraint
from sqlmodel import Field

from storage.tables import columns


class PersonRow(columns.Row, table=True):
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
        Index("people_leaving", "id", **columns.when("status = 'leaving'")),
        Index("people_waiting", "waiting_since", "id", **columns.when("waiting_since IS NOT NULL")),
        Index("people_buddies", "id", **columns.when("role = 'buddy'")),
        Index("people_by_district", "district", "id", **columns.when("status = 'active'")),
    )
    id: int | None = columns.identity()
    created_at: datetime = columns.at()
    language: str = columns.words()
    role: str = columns.words()
    status: str = columns.words()
    district: str = columns.words()
    sealed: bytes | None = None
    capacity: int = 0
    load: int = 0
    approved_at: datetime | None = columns.at(default=None)
    away_until: datetime | None = columns.at(default=None)
    waiting_since: datetime | None = columns.at(default=None)
    zone: str | None = Field(default=None, sa_type=Text)
    quiet_until: datetime | None = columns.at(default=None)
    reminded_until: datetime | None = columns.at(default=None)


class AddressRow(columns.Row, table=True):
    """Where a person can be written to. `blind` finds it without opening it; one of a person's is `preferred`.

    blocked_at  since when nothing reaches them there, as they have blocked us or are gone; NULL once something does
    """

    __tablename__ = "addresses"
    __table_args__ = (
        UniqueConstraint("channel", "account", "blind"),
        Index("addresses_by_person_id", "person_id"),
        Index("addresses_one_preferred", "person_id", unique=True, **columns.when("preferred")),
    )
    id: int | None = columns.identity()
    person_id: int = columns.of("people.id")
    channel: str = columns.words()
    account: str = columns.words()
    blind: bytes
    sealed: bytes
    preferred: bool
    blocked_at: datetime | None = columns.at(default=None)


class ConsentRow(columns.Row, table=True):
    """What someone agreed to, in the words they read (`sealed`), and until when."""

    __tablename__ = "consents"
    __table_args__ = (Index("consents_by_person_id", "person_id"),)
    id: int | None = columns.identity()
    person_id: int = columns.of("people.id")
    to: str = columns.words()
    sealed: bytes
    version: int = columns.number()
    at: datetime = columns.at()
    withdrawn_at: datetime | None = columns.at(default=None)


class LinkRow(columns.Row, table=True):
    """A one-time code that joins an address to a person; only its blind index is kept."""

    __tablename__ = "links"
    id: int | None = columns.identity()
    blind: bytes = Field(unique=True)
    person_id: int = columns.of("people.id")
    created_at: datetime = columns.at()
    expires_at: datetime = columns.at()
    used_at: datetime | None = columns.at(default=None)


class BlockRow(columns.Row, table=True):
    """These two are never paired."""

    __tablename__ = "blocks"
    __table_args__ = (Index("blocks_by_other_id", "other_id"),)
    person_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="people.id")
    other_id: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="people.id")
    at: datetime = columns.at()


class TombstoneRow(columns.Row, table=True):
    """An address of someone who was forgotten, by its blind index, for days or a month: see `storage.tombstones`.

    person_id  0: everybody's key was destroyed
    at         what was written there before this is theirs, and refused
    made_at    when this row was written: every process closes the key of whoever it is about
    """

    __tablename__ = "tombstones"
    __table_args__ = (
        Index("tombstones_by_blind", "channel", "account", "blind"),
        Index("tombstones_by_made_at", "made_at"),
    )
    id: int | None = columns.identity()
    person_id: int = columns.number()
    channel: str = columns.words()
    account: str = columns.words()
    blind: bytes
    at: datetime = columns.at()
    made_at: datetime = columns.at()


class PersonKeyRow(columns.Row, table=True):
    """A person's key, wrapped by the group's. Apart from the data: destroying this row makes the rest unreadable."""

    __tablename__ = "person_keys"
    __table_args__ = ({"schema": columns.KEYS_SCHEMA},)
    person_id: int = Field(sa_column=Column(columns.ID, primary_key=True, autoincrement=False))
    wrapped: bytes
    created_at: datetime = columns.at()


PEOPLE = columns.table(PersonRow)
ADDRESSES = columns.table(AddressRow)
CONSENTS = columns.table(ConsentRow)
LINKS = columns.table(LinkRow)
BLOCKS = columns.table(BlockRow)
TOMBSTONES = columns.table(TombstoneRow)
PERSON_KEYS = columns.table(PersonKeyRow)
