"""Bookings that a public holiday or make-up workday has left outside the hours, each to be settled by its host.

Revision: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outside_hours",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("starts_at", c.INSTANT, nullable=False),
        sa.Column("noted_at", c.INSTANT, nullable=False),
        sa.Column("settled_at", c.INSTANT, nullable=True),
        sa.Column("settled_by", c.ID, nullable=True),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_outside_hours")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_outside_hours_institution_id")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "id"],
            ["booking.institution_id", "booking.id"],
            name="fk_outside_hours_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_outside_hours_resource_id",
        ),
    )
    op.create_index(
        "ix_outside_hours_resource", "outside_hours", ["institution_id", "settled_at", "resource_id"]
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("outside_hours")
    guards.install(op.get_bind())
