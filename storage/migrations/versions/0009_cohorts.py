"""Campaigns that the same people go through together."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds to the table of campaigns. There is no way back: restore a backup."""
    with op.batch_alter_table("campaigns") as campaigns:
        # A default only for the rows that are there already: it goes again below.
        campaigns.add_column(sa.Column("cohort", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("campaigns") as campaigns:
        campaigns.alter_column("cohort", existing_type=sa.Boolean(), server_default=None)
