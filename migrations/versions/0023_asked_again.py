"""Which inquiry asks again what a former one asked, whose price is over; each former one is asked again once.

Revision: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def _inquiry(column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["institution_id", column],
        ["inquiry.institution_id", "inquiry.id"],
        name=f"fk_inquiry_again_{column}",
    )


def upgrade() -> None:
    op.create_table(
        "inquiry_again",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("former_id", c.ID, nullable=False),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_inquiry_again")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_inquiry_again_institution_id")
        ),
        sa.CheckConstraint("former_id <> id", name=op.f("ck_inquiry_again_other")),
        sa.UniqueConstraint("institution_id", "former_id", name="uq_inquiry_again_former"),
        _inquiry("id"),
        _inquiry("former_id"),
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("inquiry_again")
    guards.install(op.get_bind())
