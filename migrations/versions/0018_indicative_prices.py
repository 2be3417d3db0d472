"""Kept list prices carry the days of their tariff: search reads what is in force without waiting for a job.

Nothing filled the table before, so it is made anew; the scheduler derives its rows from the approved tariffs. What
support leaves of a price depends on the customer and is worked out when asked, so it is no longer a column.

Revision: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_RESOURCE = ["resource.institution_id", "resource.id"]


def upgrade() -> None:
    op.drop_table("indicative_price")
    op.create_table(
        "indicative_price",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("customer_class", sa.String(length=30), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("list_minor", sa.BigInteger(), nullable=True),
        sa.Column("per", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tariff_id", c.ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"], _RESOURCE, name="fk_indicative_price_resource_id"
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "tariff_id"],
            ["tariff.institution_id", "tariff.id"],
            name="fk_indicative_price_tariff_id",
        ),
        sa.PrimaryKeyConstraint(
            "institution_id", "resource_id", "customer_class", "since", name=op.f("pk_indicative_price")
        ),
    )
    op.create_index(
        "ix_indicative_price_class", "indicative_price", ["customer_class", "institution_id", "resource_id"]
    )
    op.create_index("ix_indicative_price_tariff", "indicative_price", ["institution_id", "tariff_id"])


def downgrade() -> None:
    op.drop_table("indicative_price")
    op.create_table(
        "indicative_price",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("customer_class", sa.String(length=30), nullable=False),
        sa.Column("list_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("per", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tariff_id", c.ID, nullable=False),
        sa.Column("changed_at", c.INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"], _RESOURCE, name="fk_indicative_price_resource_id"
        ),
        sa.PrimaryKeyConstraint(
            "institution_id", "resource_id", "customer_class", name=op.f("pk_indicative_price")
        ),
    )
