"""Dated tariffs.

Revision: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_indicative_price_resource_id",
        ),
        sa.PrimaryKeyConstraint(
            "institution_id", "resource_id", "customer_class", name=op.f("pk_indicative_price")
        ),
    )
    op.create_table(
        "tariff",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("document", c.JSON, nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("submitted_by", c.ID, nullable=True),
        sa.Column("submitted_at", c.INSTANT, nullable=True),
        sa.Column("decided_by", c.ID, nullable=True),
        sa.Column("decided_at", c.INSTANT, nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('draft','pending','approved','refused','withdrawn')", name=op.f("ck_tariff_state")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_tariff_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_tariff_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_tariff")),
        sa.UniqueConstraint("institution_id", "resource_id", "number", name="uq_tariff_number"),
    )
    op.create_index(
        "ix_tariff_in_force", "tariff", ["institution_id", "resource_id", "state", "since"], unique=False
    )
    op.create_index(
        "uq_tariff_approved_since",
        "tariff",
        ["institution_id", "resource_id", "since"],
        unique=True,
        sqlite_where=sa.text("state = 'approved'"),
        postgresql_where=sa.text("state = 'approved'"),
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_index(
        "uq_tariff_approved_since",
        table_name="tariff",
        sqlite_where=sa.text("state = 'approved'"),
        postgresql_where=sa.text("state = 'approved'"),
    )
    op.drop_index("ix_tariff_in_force", table_name="tariff")
    op.drop_table("tariff")
    op.drop_table("indicative_price")
