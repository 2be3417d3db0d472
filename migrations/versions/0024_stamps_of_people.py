"""Stamps of people: who a token belongs to is kept in memory until the token or its person changes.

Revision: 0024
Revises: 0023
"""

from alembic import op

from migrations import guards

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guards.install(op.get_bind())


def downgrade() -> None:
    guards.drop_stamps(op.get_bind(), ["person", "api_token"])
