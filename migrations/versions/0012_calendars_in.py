"""Calendars of a laboratory read as busy time, what they clash with, maintenance that comes again; an index for
searches over every resource.

Revision: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_source",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("file_id", c.ID, nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("zones", c.JSON, nullable=False),
        sa.Column("etag", sa.String(length=300), nullable=False),
        sa.Column("last_modified", sa.String(length=100), nullable=False),
        sa.Column("body_sha256", c.BYTES, nullable=True),
        sa.Column("tried_at", c.INSTANT, nullable=True),
        sa.Column("read_at", c.INSTANT, nullable=True),
        sa.Column("reach_at", c.INSTANT, nullable=True),
        sa.Column("due_at", c.INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("stretches", sa.Integer(), nullable=False),
        sa.Column("faults", c.JSON, nullable=False),
        sa.Column("created_by", c.ID, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("(url IS NULL) <> (file_id IS NULL)", name=op.f("ck_calendar_source_origin")),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_calendar_source_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "unit_id"],
            ["unit.institution_id", "unit.id"],
            name="fk_calendar_source_unit_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_calendar_source_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_calendar_source")),
    )
    op.create_index(
        "ix_calendar_source_resource", "calendar_source", ["institution_id", "resource_id"], unique=False
    )
    op.create_index("ix_calendar_source_due_at", "calendar_source", ["due_at"], unique=False)
    op.create_table(
        "calendar_clash",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("source_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=False),
        sa.Column("starts_at", c.INSTANT, nullable=False),
        sa.Column("ends_at", c.INSTANT, nullable=False),
        sa.Column("holder_id", c.ID, nullable=False),
        sa.Column("summary", sa.String(length=300), nullable=False),
        sa.Column("seen_at", c.INSTANT, nullable=False),
        sa.Column("told_at", c.INSTANT, nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_calendar_clash_span")),
        sa.ForeignKeyConstraint(
            ["institution_id", "source_id"],
            ["calendar_source.institution_id", "calendar_source.id"],
            name="fk_calendar_clash_source_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "unit_id"],
            ["unit.institution_id", "unit.id"],
            name="fk_calendar_clash_unit_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_calendar_clash_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_calendar_clash")),
        sa.UniqueConstraint(
            "institution_id", "source_id", "unit_id", "holder_id", "starts_at", name="uq_calendar_clash_once"
        ),
    )
    # A search looks at the next days: what begins before their end is little, what ends after their start is nearly all.
    op.drop_index("ix_free_window_ends", table_name="free_window")
    op.create_index(
        "ix_free_window_starts",
        "free_window",
        ["audience", "starts_at", "ends_at"],
        unique=False,
        postgresql_include=["institution_id", "resource_id"],
    )
    op.add_column("opening_exception", sa.Column("series_id", c.ID, nullable=True))
    op.create_index(
        "ix_opening_exception_series", "opening_exception", ["institution_id", "series_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_opening_exception_series", table_name="opening_exception")
    op.drop_column("opening_exception", "series_id")
    op.drop_index("ix_free_window_starts", table_name="free_window")
    op.create_index("ix_free_window_ends", "free_window", ["audience", "ends_at", "starts_at"], unique=False)
    op.drop_table("calendar_clash")
    op.drop_index("ix_calendar_source_due_at", table_name="calendar_source")
    op.drop_index("ix_calendar_source_resource", table_name="calendar_source")
    op.drop_table("calendar_source")
