"""Time given back late by moving or shortening an order: what it costs is kept until the time begins.

Revision: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "given_back",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("order_id", c.ID, nullable=False),
        sa.Column("booking_id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=True),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("customer_class", sa.String(30), nullable=False),
        sa.Column("tariff_id", c.ID, nullable=False),
        sa.Column("starts_at", c.INSTANT, nullable=False),
        sa.Column("ends_at", c.INSTANT, nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("given_at", c.INSTANT, nullable=False),
        sa.Column("decides_at", c.INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_given_back")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_given_back_span")),
        sa.CheckConstraint("fee_minor >= 0", name=op.f("ck_given_back_fee")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_given_back_institution_id")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_given_back_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id", "order_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_given_back_order_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "booking_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_given_back_booking_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_given_back_resource_id",
        ),
    )
    op.create_index("ix_given_back_order", "given_back", ["institution_id", "order_id", "starts_at"])
    op.create_index("ix_given_back_decides_at", "given_back", ["decides_at"])
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("given_back")
    guards.install(op.get_bind())
