"""Finds the card of a line that somebody answers on a desk."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an index. There is no way back: restore a backup."""
    op.create_index("posted_lines_by_reference", "posted_lines", ["desk", "reference"], unique=False)
