"""Opening hours, house rules, occupancies that never overlap, kept free windows.

Revision: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_day",
        sa.Column("jurisdiction", sa.String(length=12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name_zh", sa.String(length=100), nullable=False),
        sa.Column("name_en", sa.String(length=100), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stands_for", sa.Date(), nullable=True),
        sa.CheckConstraint("kind IN ('holiday','workday','ordinary')", name=op.f("ck_calendar_day_kind")),
        sa.PrimaryKeyConstraint("jurisdiction", "day", name=op.f("pk_calendar_day")),
    )
    op.create_table(
        "free_window_reach",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("starts_at", c.INSTANT, nullable=False),
        sa.Column("ends_at", c.INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_free_window_reach_resource_id",
        ),
        sa.PrimaryKeyConstraint("institution_id", "resource_id", name=op.f("pk_free_window_reach")),
    )
    op.create_index("ix_free_window_reach_ends_at", "free_window_reach", ["ends_at"], unique=False)
    op.create_table(
        "house_rules",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("document", c.JSON, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", c.ID, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_house_rules_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_house_rules_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_house_rules")),
        sa.UniqueConstraint("institution_id", "resource_id", "number", name="uq_house_rules_number"),
        sa.UniqueConstraint("institution_id", "resource_id", "since", name="uq_house_rules_since"),
    )
    op.create_table(
        "opening_hours",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("starts_minute", sa.Integer(), nullable=False),
        sa.Column("ends_minute", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("audience", sa.String(length=20), nullable=False),
        sa.Column("on_holidays", sa.String(length=20), nullable=False),
        sa.CheckConstraint("audience IN ('all','outside')", name=op.f("ck_opening_hours_audience")),
        sa.CheckConstraint("on_holidays IN ('closed','open')", name=op.f("ck_opening_hours_on_holidays")),
        sa.CheckConstraint(
            "ends_minute > starts_minute AND ends_minute <= 2880", name=op.f("ck_opening_hours_ends")
        ),
        sa.CheckConstraint(
            "starts_minute >= 0 AND starts_minute < 1440", name=op.f("ck_opening_hours_starts")
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_opening_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_opening_hours_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_opening_hours_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_opening_hours")),
    )
    op.create_index(
        "ix_opening_hours_resource", "opening_hours", ["institution_id", "resource_id", "since"], unique=False
    )
    op.create_table(
        "free_window",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=False),
        sa.Column("audience", sa.String(length=20), nullable=False),
        sa.Column("starts_at", c.INSTANT, nullable=False),
        sa.Column("ends_at", c.INSTANT, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.CheckConstraint("audience IN ('all','outside')", name=op.f("ck_free_window_audience")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_free_window_span")),
        sa.ForeignKeyConstraint(
            ["institution_id", "unit_id"], ["unit.institution_id", "unit.id"], name="fk_free_window_unit_id"
        ),
        sa.PrimaryKeyConstraint(
            "institution_id", "unit_id", "audience", "starts_at", name=op.f("pk_free_window")
        ),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index("ix_free_window_ends", "free_window", ["audience", "ends_at", "starts_at"], unique=False)
    op.create_index(
        "ix_free_window_resource",
        "free_window",
        ["institution_id", "resource_id", "audience", "ends_at"],
        unique=False,
    )
    op.create_table(
        "occupancy",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=False),
        sa.Column("starts_at", c.INSTANT, nullable=False),
        sa.Column("ends_at", c.INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("holder_id", c.ID, nullable=False),
        sa.Column("expires_at", c.INSTANT, nullable=True),
        sa.Column("setup_seconds", sa.BigInteger(), nullable=False),
        sa.Column("teardown_seconds", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('booking','hold','maintenance','external')", name=op.f("ck_occupancy_kind")
        ),
        sa.CheckConstraint("setup_seconds >= 0 AND teardown_seconds >= 0", name=op.f("ck_occupancy_margins")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_occupancy_span")),
        sa.ForeignKeyConstraint(
            ["institution_id", "unit_id"], ["unit.institution_id", "unit.id"], name="fk_occupancy_unit_id"
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_occupancy_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_occupancy")),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index("ix_occupancy_expires_at", "occupancy", ["expires_at"], unique=False)
    op.create_index("ix_occupancy_holder", "occupancy", ["institution_id", "holder_id"], unique=False)
    op.create_index(
        "ix_occupancy_resource", "occupancy", ["institution_id", "resource_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_occupancy_unit", "occupancy", ["institution_id", "unit_id", "starts_at"], unique=False
    )
    op.create_table(
        "opening_exception",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("starts_at", c.INSTANT, nullable=False),
        sa.Column("ends_at", c.INSTANT, nullable=False),
        sa.Column("audience", sa.String(length=20), nullable=False),
        sa.Column("reason_zh", sa.String(length=300), nullable=False),
        sa.Column("reason_en", sa.String(length=300), nullable=False),
        sa.Column("created_by", c.ID, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("audience IN ('all','outside')", name=op.f("ck_opening_exception_audience")),
        sa.CheckConstraint(
            "kind IN ('closure','extra','maintenance')", name=op.f("ck_opening_exception_kind")
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_opening_exception_span")),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_opening_exception_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "unit_id"],
            ["unit.institution_id", "unit.id"],
            name="fk_opening_exception_unit_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_opening_exception_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_opening_exception")),
    )
    op.create_index(
        "ix_opening_exception_resource",
        "opening_exception",
        ["institution_id", "resource_id", "starts_at"],
        unique=False,
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_opening_exception_resource", table_name="opening_exception")
    op.drop_table("opening_exception")
    op.drop_index("ix_occupancy_unit", table_name="occupancy")
    op.drop_index("ix_occupancy_resource", table_name="occupancy")
    op.drop_index("ix_occupancy_holder", table_name="occupancy")
    op.drop_index("ix_occupancy_expires_at", table_name="occupancy")
    op.drop_table("occupancy")
    op.drop_index("ix_free_window_resource", table_name="free_window")
    op.drop_index("ix_free_window_ends", table_name="free_window")
    op.drop_table("free_window")
    op.drop_index("ix_opening_hours_resource", table_name="opening_hours")
    op.drop_table("opening_hours")
    op.drop_table("house_rules")
    op.drop_index("ix_free_window_reach_ends_at", table_name="free_window_reach")
    op.drop_table("free_window_reach")
    op.drop_table("calendar_day")
