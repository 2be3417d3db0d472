"""What a booking asks before it writes is one function of the database.

Revision: 0026
Revises: 0025
"""

from alembic import op

from migrations import guards

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guards.install(op.get_bind())


def downgrade() -> None:
    guards.drop_slot_behind_lock(op.get_bind())
