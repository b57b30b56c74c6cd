"""Whoever lives near an action is found without looking at everybody."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an index. There is no way back: restore a backup."""
    active = sa.text("status = 'active'")
    op.create_index(
        "people_by_district", "people", ["district", "id"], unique=False, sqlite_where=active, postgresql_where=active
    )
