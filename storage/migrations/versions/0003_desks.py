"""Cards about nobody, cards with an owner, what is written back and forth about one, and where each desk shows it."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _when(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Changes `cards`, and adds what desks keep. There is no way back: restore a backup."""
    _cards()
    _lines()
    _posted()


def _cards() -> None:
    # SQLite copies the table, and would lose what its partial index says.
    op.drop_index("cards_one_open", "cards")
    with op.batch_alter_table("cards") as cards:
        cards.alter_column("person_id", existing_type=sa.BigInteger(), nullable=True)
        cards.add_column(sa.Column("plain", sa.Text(), nullable=False, server_default=""))
        cards.add_column(sa.Column("owner", sa.Text(), nullable=False, server_default=""))
        cards.add_column(sa.Column("due_at", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("cards") as cards:
        cards.alter_column("plain", existing_type=sa.Text(), server_default=None)
        cards.alter_column("owner", existing_type=sa.Text(), server_default=None)
    op.create_index("cards_one_open", "cards", ["kind", "subject"], unique=True, **_when("state = 'open'"))
    op.create_index("cards_one_notice", "cards", ["kind", "subject"], unique=True, **_when("state = 'notice'"))
    op.create_index("cards_by_subject", "cards", ["subject"], unique=False)
    op.create_index("cards_live", "cards", ["id"], unique=False, **_when("state IN ('open', 'notice')"))


def _lines() -> None:
    op.create_table(
        "card_lines",
        sa.Column("id", _ID, nullable=False),
        sa.Column("card_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("card_lines_card_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("card_lines_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("card_lines_key")),
        sa.UniqueConstraint("card_id", "desk", "event", name="card_lines_one_event"),
    )
    op.create_index("card_lines_by_person_id", "card_lines", ["person_id"], unique=False)


def _posted() -> None:
    op.create_table(
        "posted",
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("card_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("shown", sa.LargeBinary(), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("posted_card_id")),
        sa.PrimaryKeyConstraint("desk", "card_id", name=op.f("posted_key")),
    )
    op.create_index("posted_by_reference", "posted", ["desk", "reference"], unique=False)
    op.create_index("posted_by_card_id", "posted", ["card_id"], unique=False)
    op.create_index("posted_changed", "posted", ["desk", "card_id"], unique=False, **_when("changes > 0"))
    op.create_table(
        "posted_lines",
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("desk", "line_id", name=op.f("posted_lines_key")),
    )
