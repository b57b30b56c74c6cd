"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _when(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Makes every table. There is no way back: restore a backup."""
    _audit()
    _campaigns()
    if op.get_context().dialect.name == "postgresql":
        _person_keys()
    _jobs()
    _leases()
    _ledger()
    _libraries()
    _people()
    _settings()
    _actions()
    _addresses()
    _blocks()
    _consents()
    _conversations()
    _inbox()
    _links()
    _outbox()
    _pairs()
    _started()
    _needs()
    _offers()
    _signups()
    _claims()


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _ID, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_key")),
    )


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("goal", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("campaigns_key")),
        sa.UniqueConstraint("name", name=op.f("campaigns_one_name")),
    )


def _person_keys() -> None:
    # SQLite has a file of its own for them.
    op.execute("CREATE SCHEMA IF NOT EXISTS doorstep_keys")
    op.create_table(
        "person_keys",
        sa.Column("person_id", _ID, autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("person_keys_key")),
        schema="doorstep_keys",
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", "day", name=op.f("jobs_key")),
    )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("leases_key")),
    )


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_key")),
    )
    op.create_index("ledger_by_what", "ledger", ["what", "at"], unique=False)


def _libraries() -> None:
    op.create_table(
        "libraries",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("libraries_key")),
        sa.UniqueConstraint("digest", name=op.f("libraries_one_digest")),
    )


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", _ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("load", sa.Integer(), nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("away_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("people_key")),
    )
    op.create_index("people_leaving", "people", ["id"], unique=False, **_when("status = 'leaving'"))


def _settings() -> None:
    op.create_table(
        "settings",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("settings_key")),
    )


def _actions() -> None:
    op.create_table(
        "actions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("going", sa.Integer(), nullable=False),
        sa.Column("goal", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("host_id", sa.BigInteger(), nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("actions_campaign_id")),
        sa.ForeignKeyConstraint(["host_id"], ["people.id"], name=op.f("actions_host_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("actions_key")),
    )
    op.create_index("actions_by_starts_at", "actions", ["starts_at"], unique=False)


def _addresses() -> None:
    op.create_table(
        "addresses",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("blind", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("preferred", sa.Boolean(), nullable=False),
        sa.Column("blocked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("addresses_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("addresses_key")),
        sa.UniqueConstraint("channel", "account", "blind", name=op.f("addresses_one_channel_account_blind")),
    )
    op.create_index("addresses_by_person_id", "addresses", ["person_id"], unique=False)
    op.create_index("addresses_one_preferred", "addresses", ["person_id"], unique=True, **_when("preferred"))


def _blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["other_id"], ["people.id"], name=op.f("blocks_other_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("blocks_person_id")),
        sa.PrimaryKeyConstraint("person_id", "other_id", name=op.f("blocks_key")),
    )


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("consents_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("consents_key")),
    )
    op.create_index("consents_by_person_id", "consents", ["person_id"], unique=False)


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("conversations_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("conversations_key")),
    )
    op.create_index("conversations_by_person_id", "conversations", ["person_id", "id"], unique=False)
    op.create_index(
        "conversations_due", "conversations", ["next_due", "id"], unique=False, **_when("next_due IS NOT NULL")
    )
    op.create_index("conversations_open", "conversations", ["person_id"], unique=False, **_when("ended_at IS NULL"))


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", _ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("dead_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("inbox_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("inbox_key")),
        sa.UniqueConstraint("source", "event", name=op.f("inbox_one_source_event")),
    )
    op.create_index("inbox_by_person_id", "inbox", ["person_id", "id"], unique=False)
    op.create_index("inbox_untaken", "inbox", ["id"], unique=False, **_when("taken_at IS NULL AND dead_at IS NULL"))


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("id", _ID, nullable=False),
        sa.Column("blind", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("links_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("links_key")),
        sa.UniqueConstraint("blind", name=op.f("links_one_blind")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("address_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=True),
        sa.Column("question", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("always", sa.Boolean(), nullable=False),
        sa.Column("replaces", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("outbox_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("outbox_key")),
    )
    op.create_index("outbox_by_person_id", "outbox", ["person_id", "id"], unique=False)
    op.create_index(
        "outbox_unsettled",
        "outbox",
        ["address_id", "priority", "id"],
        unique=False,
        **_when("state IN ('waiting', 'claimed')"),
    )
    op.create_index(
        "outbox_waiting",
        "outbox",
        ["channel", "account", "priority", "due_at", "id"],
        unique=False,
        **_when("state = 'waiting'"),
    )


def _pairs() -> None:
    op.create_table(
        "pairs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("supporter_id", sa.BigInteger(), nullable=False),
        sa.Column("buddy_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("introduced_at", sa.BigInteger(), nullable=True),
        sa.Column("supporter_shared_at", sa.BigInteger(), nullable=True),
        sa.Column("buddy_shared_at", sa.BigInteger(), nullable=True),
        sa.Column("supporter_met", sa.Text(), nullable=False),
        sa.Column("buddy_met", sa.Text(), nullable=False),
        sa.Column("met_at", sa.BigInteger(), nullable=True),
        sa.Column("meetings", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["buddy_id"], ["people.id"], name=op.f("pairs_buddy_id")),
        sa.ForeignKeyConstraint(["supporter_id"], ["people.id"], name=op.f("pairs_supporter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pairs_key")),
        sa.UniqueConstraint("supporter_id", "buddy_id", name=op.f("pairs_one_supporter_id_buddy_id")),
    )
    op.create_index("pairs_by_buddy_id", "pairs", ["buddy_id"], unique=False)
    op.create_index("pairs_by_state", "pairs", ["state"], unique=False)


def _started() -> None:
    op.create_table(
        "started",
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("occurrence", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("started_person_id")),
        sa.PrimaryKeyConstraint("flow", "subject", "person_id", "occurrence", name=op.f("started_key")),
    )


def _needs() -> None:
    op.create_table(
        "needs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("claimed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name=op.f("needs_action_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("needs_key")),
    )
    op.create_index("needs_by_action_id", "needs", ["action_id"], unique=False)


def _offers() -> None:
    op.create_table(
        "offers",
        sa.Column("id", _ID, nullable=False),
        sa.Column("pair_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["pairs.id"], name=op.f("offers_pair_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("offers_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("offers_key")),
    )
    op.create_index("offers_by_pair_id", "offers", ["pair_id"], unique=False)


def _signups() -> None:
    op.create_table(
        "signups",
        sa.Column("id", _ID, nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", sa.BigInteger(), nullable=True),
        sa.Column("checked_in_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name=op.f("signups_action_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("signups_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("signups_key")),
        sa.UniqueConstraint("action_id", "person_id", name=op.f("signups_one_action_id_person_id")),
    )
    op.create_index("signups_by_person_id", "signups", ["person_id"], unique=False)


def _claims() -> None:
    op.create_table(
        "claims",
        sa.Column("id", _ID, nullable=False),
        sa.Column("need_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("returned_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["need_id"], ["needs.id"], name=op.f("claims_need_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("claims_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("claims_key")),
        sa.UniqueConstraint("need_id", "person_id", name=op.f("claims_one_need_id_person_id")),
    )
    op.create_index("claims_by_person_id", "claims", ["person_id"], unique=False)
