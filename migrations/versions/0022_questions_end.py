"""Notices that ask something end: with the answer, or with the term in which it may be given.

Revision: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notice", sa.Column("until", c.INSTANT, nullable=True))


def downgrade() -> None:
    op.drop_column("notice", "until")
