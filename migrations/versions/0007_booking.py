"""Quotes, bookings and their history.

Revision: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quote",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("customer_id", c.ID, nullable=True),
        sa.Column("customer_class", sa.String(length=30), nullable=False),
        sa.Column("tariff_id", c.ID, nullable=True),
        sa.Column("use", c.JSON, nullable=False),
        sa.Column("lines", c.JSON, nullable=False),
        sa.Column("support", c.JSON, nullable=False),
        sa.Column("list_minor", sa.BigInteger(), nullable=False),
        sa.Column("to_pay_minor", sa.BigInteger(), nullable=False),
        sa.Column("back_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_until", c.INSTANT, nullable=False),
        sa.Column("created_by", c.ID, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("net_minor = to_pay_minor - back_minor", name=op.f("ck_quote_net")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_quote_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_quote_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_quote_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_quote")),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_table(
        "booking",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=True),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("customer_class", sa.String(length=30), nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("booked_by", c.ID, nullable=False),
        sa.Column("starts_at", c.INSTANT, nullable=True),
        sa.Column("ends_at", c.INSTANT, nullable=True),
        sa.Column("setup_seconds", sa.BigInteger(), nullable=False),
        sa.Column("teardown_seconds", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("project", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("hazard", c.JSON, nullable=False),
        sa.Column("answers", c.JSON, nullable=False),
        sa.Column("quote_id", c.ID, nullable=True),
        sa.Column("tariff_id", c.ID, nullable=True),
        sa.Column("rules_number", sa.Integer(), nullable=True),
        sa.Column("series_id", c.ID, nullable=True),
        sa.Column("parent_id", c.ID, nullable=True),
        sa.Column("extras", c.JSON, nullable=False),
        sa.Column("items", c.JSON, nullable=False),
        sa.Column("ical_uid", sa.String(length=200), nullable=False),
        sa.Column("ical_sequence", sa.Integer(), nullable=False),
        sa.Column("hold_expires_at", c.INSTANT, nullable=True),
        sa.Column("answer_by", c.INSTANT, nullable=True),
        sa.Column("decided_by", c.ID, nullable=True),
        sa.Column("decided_at", c.INSTANT, nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=False),
        sa.Column("cancelled_at", c.INSTANT, nullable=True),
        sa.Column("cancelled_by", c.ID, nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=False),
        sa.Column("cancel_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("changed_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind <> 'window' OR (starts_at IS NOT NULL AND ends_at IS NOT NULL)",
            name=op.f("ck_booking_window"),
        ),
        sa.CheckConstraint("kind IN ('window','samples','access')", name=op.f("ck_booking_kind")),
        sa.CheckConstraint(
            "state IN ('held','requested','approved','in_use','done','cancelled','rejected','expired','no_show','received','in_progress','delivered')",
            name=op.f("ck_booking_state"),
        ),
        sa.CheckConstraint("samples >= 0", name=op.f("ck_booking_samples")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_booking_span")),
        sa.ForeignKeyConstraint(["booked_by"], ["person.id"], name=op.f("fk_booking_booked_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_booking_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id", "quote_id"], ["quote.institution_id", "quote.id"], name="fk_booking_quote_id"
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_booking_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "unit_id"], ["unit.institution_id", "unit.id"], name="fk_booking_unit_id"
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_booking_institution_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_booking_person_id")),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_booking")),
        sa.UniqueConstraint("institution_id", "number", name="uq_booking_number"),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index("ix_booking_customer", "booking", ["customer_id", "starts_at"], unique=False)
    op.create_index("ix_booking_person", "booking", ["person_id", "starts_at"], unique=False)
    op.create_index(
        "ix_booking_resource", "booking", ["institution_id", "resource_id", "starts_at"], unique=False
    )
    op.create_index("ix_booking_state", "booking", ["institution_id", "state", "starts_at"], unique=False)
    op.create_table(
        "booking_event",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("booking_id", c.ID, nullable=False),
        sa.Column("at", c.INSTANT, nullable=False),
        sa.Column("person_id", c.ID, nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("details", c.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "booking_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_booking_event_booking_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_booking_event_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_booking_event")),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index(
        "ix_booking_event_booking", "booking_event", ["institution_id", "booking_id", "at"], unique=False
    )
    op.create_table(
        "booking_file",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("booking_id", c.ID, nullable=False),
        sa.Column("file_organisation_id", c.ID, nullable=False),
        sa.Column("file_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "kind IN ('attachment','hazard','result','contract')", name=op.f("ck_booking_file_kind")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "booking_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_booking_file_booking_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_booking_file_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_booking_file")),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index("ix_booking_file_booking", "booking_file", ["institution_id", "booking_id"], unique=False)
    op.create_table(
        "booking_message",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("booking_id", c.ID, nullable=False),
        sa.Column("at", c.INSTANT, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("from_host", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "booking_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_booking_message_booking_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_booking_message_institution_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_booking_message_person_id")),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_booking_message")),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index(
        "ix_booking_message_booking", "booking_message", ["institution_id", "booking_id", "at"], unique=False
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_booking_message_booking", table_name="booking_message")
    op.drop_table("booking_message")
    op.drop_index("ix_booking_file_booking", table_name="booking_file")
    op.drop_table("booking_file")
    op.drop_index("ix_booking_event_booking", table_name="booking_event")
    op.drop_table("booking_event")
    op.drop_index("ix_booking_state", table_name="booking")
    op.drop_index("ix_booking_resource", table_name="booking")
    op.drop_index("ix_booking_person", table_name="booking")
    op.drop_index("ix_booking_customer", table_name="booking")
    op.drop_table("booking")
    op.drop_table("quote")
