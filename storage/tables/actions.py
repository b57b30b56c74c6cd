"""Where people meet, who comes, and what they bring."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint

from storage.tables import columns


class CampaignRow(columns.Row, table=True):
    """Many actions, whose totals are shown together. A `cohort` is one that the same people go through."""

    __tablename__ = "campaigns"
    id: int | None = columns.identity()
    name: str = columns.words(unique=True)
    goal: int = 0
    cohort: bool = False
    created_at: datetime = columns.at()


class ActionRow(columns.Row, table=True):
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
        Index("actions_untold", "id", **columns.when("told < sequence")),
    )
    id: int | None = columns.identity()
    title: str = columns.words()
    what: str = columns.words()
    kind: str = columns.words()
    district: str = columns.words()
    cell: str = columns.words()
    address: str = columns.words()
    starts_at: datetime = columns.at()
    ends_at: datetime = columns.at()
    zone: str = columns.words()
    capacity: int | None = None
    going: int = 0
    goal: int = 0
    secret: str = columns.words()
    state: str = columns.words()
    host_id: int | None = columns.of("people.id", default=None)
    campaign_id: int | None = columns.of("campaigns.id", default=None)
    created_at: datetime = columns.at()
    published_at: datetime | None = columns.at(default=None)
    sequence: int = 0
    told: int = 0
    materials: str = columns.words()
    changed_at: datetime | None = columns.at(default=None)


class SignupRow(columns.Row, table=True):
    """Someone's place in an action. `sealed` is their plan: when they leave, with whom.

    kind      yes or maybe
    state     going, waiting (on the waiting list) or cancelled
    bringing  how many others come with them
    """

    __tablename__ = "signups"
    __table_args__ = (UniqueConstraint("action_id", "person_id"), Index("signups_by_person_id", "person_id"))
    id: int | None = columns.identity()
    action_id: int = columns.of("actions.id")
    person_id: int = columns.of("people.id")
    kind: str = columns.words()
    state: str = columns.words()
    bringing: int = 0
    sealed: bytes | None = None
    at: datetime = columns.at()
    confirmed_at: datetime | None = columns.at(default=None)
    cancelled_at: datetime | None = columns.at(default=None)
    checked_in_at: datetime | None = columns.at(default=None)


class NeedRow(columns.Row, table=True):
    """Something to bring to an action."""

    __tablename__ = "needs"
    __table_args__ = (Index("needs_by_action_id", "action_id"),)
    id: int | None = columns.identity()
    action_id: int = columns.of("actions.id")
    what: str = columns.words()
    wanted: int = 1
    claimed: int = 0


class ClaimRow(columns.Row, table=True):
    """Someone will bring it."""

    __tablename__ = "claims"
    __table_args__ = (UniqueConstraint("need_id", "person_id"), Index("claims_by_person_id", "person_id"))
    id: int | None = columns.identity()
    need_id: int = columns.of("needs.id")
    person_id: int = columns.of("people.id")
    at: datetime = columns.at()
    returned_at: datetime | None = columns.at(default=None)


CAMPAIGNS = columns.table(CampaignRow)
ACTIONS = columns.table(ActionRow)
SIGNUPS = columns.table(SignupRow)
NEEDS = columns.table(NeedRow)
CLAIMS = columns.table(ClaimRow)
