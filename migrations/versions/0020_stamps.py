"""Stamps of subjects: what readers keep in memory about a resource or a customer holds until its stamp changes.

A booking asked some fifteen times for what changes a few times a year. The database renews the stamps itself, so that
no way of changing something can forget it.

Revision: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "change_stamp",
        sa.Column("subject_id", c.ID, nullable=False),
        sa.Column("stamp", c.ID, nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "stamp", name=op.f("pk_change_stamp")),
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    guards.drop_stamps(op.get_bind())
    op.drop_table("change_stamp")
    guards.install(op.get_bind())
