"""Charges, money entries, statements.

Revision: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "period_close",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("closed_by", c.ID, nullable=True),
        sa.Column("closed_at", c.INSTANT, nullable=False),
        sa.Column("statements", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_period_close_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_period_close")),
        sa.UniqueConstraint("institution_id", "period", name="uq_period_close_period"),
    )
    op.create_table(
        "charge",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source_key", sa.String(length=200), nullable=False),
        sa.Column("entry_id", c.ID, nullable=True),
        sa.Column("booking_id", c.ID, nullable=True),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("customer_class", sa.String(length=30), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("tariff_id", c.ID, nullable=True),
        sa.Column("use", c.JSON, nullable=False),
        sa.Column("lines", c.JSON, nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("deducted_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('use','correction','no_show','cancellation','manual','problem')",
            name=op.f("ck_charge_kind"),
        ),
        sa.CheckConstraint("amount_minor = gross_minor - deducted_minor", name=op.f("ck_charge_amount")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_charge_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_charge_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_charge")),
        sa.UniqueConstraint("institution_id", "source_key", name="uq_charge_source_key"),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index("ix_charge_customer", "charge", ["customer_id", "institution_id", "day"], unique=False)
    op.create_index("ix_charge_day", "charge", ["institution_id", "day"], unique=False)
    op.create_index("ix_charge_entry", "charge", ["institution_id", "entry_id"], unique=False)
    op.create_table(
        "money_entry",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source_key", sa.String(length=200), nullable=False),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("charge_id", c.ID, nullable=True),
        sa.Column("statement_id", c.ID, nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("entered_by", c.ID, nullable=True),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("body", c.BYTES, nullable=False),
        sa.Column("digest", c.BYTES, nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('charge','payment','credit','refund','write_off')", name=op.f("ck_money_entry_kind")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_money_entry_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_money_entry_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_money_entry")),
        sa.UniqueConstraint("institution_id", "source_key", name="uq_money_entry_source_key"),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index(
        "ix_money_entry_customer", "money_entry", ["institution_id", "customer_id", "day"], unique=False
    )
    op.create_table(
        "statement",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("deducted_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("issued_at", c.INSTANT, nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('issued','paid','disputed','void')", name=op.f("ck_statement_state")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_statement_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_statement_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_statement")),
        sa.UniqueConstraint(
            "institution_id", "customer_id", "period", "currency", name="uq_statement_period"
        ),
        sa.UniqueConstraint("institution_id", "number", name="uq_statement_number"),
    )
    op.create_index("ix_statement_customer", "statement", ["customer_id", "period"], unique=False)
    op.create_table(
        "statement_line",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("charge_id", c.ID, nullable=False),
        sa.Column("statement_id", c.ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "statement_id"],
            ["statement.institution_id", "statement.id"],
            name="fk_statement_line_statement_id",
        ),
        sa.PrimaryKeyConstraint("institution_id", "charge_id", name=op.f("pk_statement_line")),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index(
        "ix_statement_line_statement", "statement_line", ["institution_id", "statement_id"], unique=False
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_statement_line_statement", table_name="statement_line")
    op.drop_table("statement_line")
    op.drop_index("ix_statement_customer", table_name="statement")
    op.drop_table("statement")
    op.drop_index("ix_money_entry_customer", table_name="money_entry")
    op.drop_table("money_entry")
    op.drop_index("ix_charge_entry", table_name="charge")
    op.drop_index("ix_charge_day", table_name="charge")
    op.drop_index("ix_charge_customer", table_name="charge")
    op.drop_table("charge")
    op.drop_table("period_close")
