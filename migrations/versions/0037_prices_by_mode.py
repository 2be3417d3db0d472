"""Kept list prices go by mode of use: who looks for staff-run work or for samples sees what that costs.

The rows are derived from the approved tariffs by the scheduler, so the table is made anew.

Revision: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make([sa.Column("mode", sa.String(length=20), nullable=False)])


def downgrade() -> None:
    _make([])


def _make(more: list[sa.Column]) -> None:
    named = [column.name for column in more]
    op.drop_table("indicative_price")
    op.create_table(
        "indicative_price",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("customer_class", sa.String(length=30), nullable=False),
        *more,
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("list_minor", sa.BigInteger(), nullable=True),
        sa.Column("per", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tariff_id", c.ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_indicative_price_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "tariff_id"],
            ["tariff.institution_id", "tariff.id"],
            name="fk_indicative_price_tariff_id",
        ),
        sa.PrimaryKeyConstraint(
            "institution_id",
            "resource_id",
            "customer_class",
            *named,
            "since",
            name=op.f("pk_indicative_price"),
        ),
    )
    op.create_index(
        "ix_indicative_price_class",
        "indicative_price",
        ["customer_class", *named, "institution_id", "resource_id"],
    )
    op.create_index("ix_indicative_price_tariff", "indicative_price", ["institution_id", "tariff_id"])
