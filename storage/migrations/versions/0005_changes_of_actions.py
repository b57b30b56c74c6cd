"""What is told of an action that was changed, its secret, and when somebody may be reminded again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds to the tables of actions and people. There is no way back: restore a backup."""
    with op.batch_alter_table("actions") as actions:
        actions.alter_column("code", new_column_name="secret", existing_type=sa.Text(), existing_nullable=False)
        # A default only for the rows that are there already: it goes again below.
        actions.add_column(sa.Column("sequence", sa.Integer(), nullable=False, server_default="0"))
        actions.add_column(sa.Column("told", sa.Integer(), nullable=False, server_default="0"))
        actions.add_column(sa.Column("materials", sa.Text(), nullable=False, server_default=""))
        actions.add_column(sa.Column("changed_at", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("actions") as actions:
        actions.alter_column("sequence", existing_type=sa.Integer(), server_default=None)
        actions.alter_column("told", existing_type=sa.Integer(), server_default=None)
        actions.alter_column("materials", existing_type=sa.Text(), server_default=None)
    untold = sa.text("told < sequence")
    op.create_index("actions_untold", "actions", ["id"], unique=False, sqlite_where=untold, postgresql_where=untold)
    op.create_index("actions_by_ends_at", "actions", ["ends_at"], unique=False)
    op.add_column("people", sa.Column("zone", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("quiet_until", sa.BigInteger(), nullable=True))
    op.add_column("people", sa.Column("reminded_until", sa.BigInteger(), nullable=True))
