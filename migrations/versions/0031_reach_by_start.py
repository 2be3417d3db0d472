"""Kept free windows are made anew by the day on which they were made: how far they reach differs by house rules.

Revision: 0031
Revises: 0030
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_free_window_reach_ends_at", "free_window_reach")
    op.create_index("ix_free_window_reach_starts_at", "free_window_reach", ["starts_at"])


def downgrade() -> None:
    op.drop_index("ix_free_window_reach_starts_at", "free_window_reach")
    op.create_index("ix_free_window_reach_ends_at", "free_window_reach", ["ends_at"])
