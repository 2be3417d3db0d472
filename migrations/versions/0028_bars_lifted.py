"""Bars from booking that the host ended before their time; those without an end have no other.

Revision: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bar_lift",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("lifted_at", c.INSTANT, nullable=False),
        sa.Column("lifted_by", c.ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_bar_lift")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_bar_lift_institution_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_bar_lift_person_id")),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_bar_lift_resource_id",
        ),
    )
    op.create_index("ix_bar_lift_person", "bar_lift", ["institution_id", "person_id", "resource_id"])
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("bar_lift")
    guards.install(op.get_bind())
