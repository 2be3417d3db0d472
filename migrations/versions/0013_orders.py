"""Series of bookings, the waiting list, resources that are booked together, and fees that wait for the slot's start.

A series and the waiting list are kept beside the bookings that they lead to, so that a day that was left out and a
wish that nobody could fill are known too. The fee of a late cancellation is decided when the slot begins: until then
somebody else may take it.

Revision: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "booking_series",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("booked_by", c.ID, nullable=False),
        sa.Column("rule", c.JSON, nullable=False),
        sa.Column("starts_minute", sa.Integer(), nullable=False),
        sa.Column("length_seconds", sa.BigInteger(), nullable=False),
        sa.Column("split_from", c.ID, nullable=True),
        sa.Column("request_key", sa.String(length=80), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("changed_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("length_seconds > 0", name=op.f("ck_booking_series_length")),
        sa.CheckConstraint(
            "starts_minute >= 0 AND starts_minute < 1440", name=op.f("ck_booking_series_starts")
        ),
        sa.ForeignKeyConstraint(["booked_by"], ["person.id"], name=op.f("fk_booking_series_booked_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_booking_series_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_booking_series_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_booking_series_institution_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_booking_series_person_id")),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_booking_series")),
        sa.UniqueConstraint("institution_id", "booked_by", "request_key", name="uq_booking_series_request"),
    )
    op.create_index(
        "ix_booking_series_customer", "booking_series", ["customer_id", "created_at"], unique=False
    )
    op.create_table(
        "series_occurrence",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("series_id", c.ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("booking_id", c.ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["institution_id", "booking_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_series_occurrence_booking_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "series_id"],
            ["booking_series.institution_id", "booking_series.id"],
            name="fk_series_occurrence_series_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_series_occurrence_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_series_occurrence")),
        sa.UniqueConstraint("institution_id", "booking_id", name="uq_series_occurrence_booking"),
        sa.UniqueConstraint("institution_id", "series_id", "day", name="uq_series_occurrence_day"),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_table(
        "waiting_entry",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("earliest", c.INSTANT, nullable=False),
        sa.Column("latest", c.INSTANT, nullable=False),
        sa.Column("length_seconds", sa.BigInteger(), nullable=False),
        sa.Column("wish", c.JSON, nullable=False),
        sa.Column("booking_id", c.ID, nullable=True),
        sa.Column("offered_until", c.INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("changed_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("earliest < latest", name=op.f("ck_waiting_entry_span")),
        sa.CheckConstraint("kind IN ('queue','alert')", name=op.f("ck_waiting_entry_kind")),
        sa.CheckConstraint("length_seconds > 0", name=op.f("ck_waiting_entry_length")),
        sa.CheckConstraint(
            "state IN ('waiting','offered','booked','missed','left','over')",
            name=op.f("ck_waiting_entry_state"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_waiting_entry_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id", "booking_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_waiting_entry_booking_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_waiting_entry_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_waiting_entry_institution_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_waiting_entry_person_id")),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_waiting_entry")),
    )
    op.create_index("ix_waiting_entry_customer", "waiting_entry", ["customer_id", "state"], unique=False)
    op.create_index(
        "ix_waiting_entry_resource",
        "waiting_entry",
        ["institution_id", "resource_id", "state", "created_at"],
        unique=False,
    )
    op.create_index("ix_waiting_entry_state", "waiting_entry", ["state", "latest"], unique=False)
    op.create_table(
        "resource_link",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("helper_id", c.ID, nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("resource_id <> helper_id", name=op.f("ck_resource_link_another")),
        sa.ForeignKeyConstraint(
            ["institution_id", "helper_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_resource_link_helper_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_resource_link_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_resource_link_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_resource_link")),
        sa.UniqueConstraint("institution_id", "resource_id", "helper_id", name="uq_resource_link_helper"),
    )
    op.create_index("ix_resource_link_helper", "resource_link", ["institution_id", "helper_id"], unique=False)
    op.add_column("booking", sa.Column("fee_decides_at", c.INSTANT, nullable=True))
    op.create_index("ix_booking_fee_decides_at", "booking", ["fee_decides_at"], unique=False)
    op.create_index("ix_booking_parent", "booking", ["institution_id", "parent_id"], unique=False)
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_booking_parent", table_name="booking")
    op.drop_index("ix_booking_fee_decides_at", table_name="booking")
    op.drop_column("booking", "fee_decides_at")
    op.drop_table("resource_link")
    op.drop_table("waiting_entry")
    op.drop_table("series_occurrence")
    op.drop_table("booking_series")
    guards.install(op.get_bind())
