"""What is dead is counted and tried again without reading the whole inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds one index. There is no way back: restore a backup."""
    dead = sa.text("dead_at IS NOT NULL")
    op.create_index("inbox_dead", "inbox", ["person_id"], unique=False, sqlite_where=dead, postgresql_where=dead)
