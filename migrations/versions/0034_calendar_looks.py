"""Fetches of calendars by their addresses that people asked for, so that a host asks for so many an hour only.

Revision: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_look",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("at", c.INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_calendar_look")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_calendar_look_institution_id")
        ),
    )
    op.create_index("ix_calendar_look_at", "calendar_look", ["institution_id", "at"])
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("calendar_look")
    guards.install(op.get_bind())
