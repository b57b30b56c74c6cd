"""Pairs, sign-ups and what coordinators see; none of these tables had rows before."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _when(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Adds to the tables of people, pairs, actions and sign-ups. There is no way back: restore a backup."""
    op.drop_table("offers")
    _people()
    _pairs()
    with op.batch_alter_table("actions") as actions:
        actions.add_column(sa.Column("cell", sa.Text(), nullable=False))
    with op.batch_alter_table("signups") as signups:
        signups.add_column(sa.Column("bringing", sa.Integer(), nullable=False))
    op.create_index("ledger_by_person_id", "ledger", ["person_id", "id"], unique=False)
    _cards()


def _people() -> None:
    op.add_column("people", sa.Column("waiting_since", sa.BigInteger(), nullable=True))
    waiting = _when("waiting_since IS NOT NULL")
    op.create_index("people_waiting", "people", ["waiting_since", "id"], unique=False, **waiting)
    op.create_index("people_buddies", "people", ["id"], unique=False, **_when("role = 'buddy'"))


def _pairs() -> None:
    for name in ("offered_at", "answer_by", "answered_at", "supporter_wrote_at", "buddy_wrote_at"):
        op.add_column("pairs", sa.Column(name, sa.BigInteger(), nullable=True))
    op.create_index("pairs_unanswered", "pairs", ["answer_by"], unique=False, **_when("state = 'offered'"))
    # SQLite would prefer it to the narrow ones, which are asked every second.
    op.drop_index("pairs_by_state", "pairs")
    untouched = _when(
        "state = 'introduced' AND supporter_wrote_at IS NULL AND buddy_wrote_at IS NULL AND met_at IS NULL"
    )
    op.create_index("pairs_untouched", "pairs", ["introduced_at"], unique=False, **untouched)
    op.create_index("blocks_by_other_id", "blocks", ["other_id"], unique=False)
    op.create_index("started_by_person_id", "started", ["person_id"], unique=False)


def _cards() -> None:
    op.create_table(
        "cards",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("acted_at", sa.BigInteger(), nullable=True),
        sa.Column("acted_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("cards_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("cards_key")),
    )
    op.create_index("cards_one_open", "cards", ["kind", "subject"], unique=True, **_when("state = 'open'"))
    op.create_index("cards_by_person_id", "cards", ["person_id"], unique=False)
