"""References between partitioned tables stand between their partitions (PostgreSQL; see ``migrations.guards``).

Revision: 0015
Revises: 0014
"""

from alembic import op

from migrations import guards

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guards.install(op.get_bind())


def downgrade() -> None:
    """Nothing: the references say the same either way."""
