"""What a booking asks before it writes is one function of the database.

Revision: 0025
Revises: 0024
"""

from alembic import op

from migrations import guards

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guards.install(op.get_bind())


def downgrade() -> None:
    guards.drop_slot_behind_lock(op.get_bind())
