"""Evidence, sessions and the sealed ledger.

Revision: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chain_head",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("rooted_position", sa.BigInteger(), nullable=False),
        sa.Column("verified_position", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", c.INSTANT, nullable=True),
        sa.Column("broken", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('usage','money')", name=op.f("ck_chain_head_kind")),
        sa.PrimaryKeyConstraint("institution_id", "kind", name=op.f("pk_chain_head")),
    )
    op.create_table(
        "signing_key",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("public_key", c.BYTES, nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("retired_at", c.INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "unlinked_entry",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("entry_id", c.ID, nullable=False),
        sa.Column("digest", c.BYTES, nullable=False),
        sa.Column("sealing_day", sa.Date(), nullable=False),
        sa.CheckConstraint("kind IN ('usage','money')", name=op.f("ck_unlinked_entry_kind")),
        sa.PrimaryKeyConstraint("institution_id", "kind", "entry_id", name=op.f("pk_unlinked_entry")),
    )
    op.create_table(
        "chain_link",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", c.ID, nullable=False),
        sa.Column("entry_digest", c.BYTES, nullable=False),
        sa.Column("digest", c.BYTES, nullable=False),
        sa.Column("sealing_day", sa.Date(), nullable=False),
        sa.CheckConstraint("kind IN ('usage','money')", name=op.f("ck_chain_link_kind")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_chain_link_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "kind", "position", name=op.f("pk_chain_link")),
        sa.UniqueConstraint("institution_id", "kind", "entry_id", name="uq_chain_link_entry"),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index(
        "ix_chain_link_day", "chain_link", ["institution_id", "kind", "sealing_day"], unique=False
    )
    op.create_table(
        "day_root",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.Column("root", c.BYTES, nullable=False),
        sa.Column("key_id", c.ID, nullable=False),
        sa.Column("signature", c.BYTES, nullable=False),
        sa.Column("signed_at", c.INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_day_root_institution_id")
        ),
        sa.ForeignKeyConstraint(["key_id"], ["signing_key.id"], name=op.f("fk_day_root_key_id")),
        sa.PrimaryKeyConstraint("institution_id", "kind", "day", name=op.f("pk_day_root")),
    )
    op.create_table(
        "usage_rollup",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("customer_class", sa.String(length=30), nullable=False),
        sa.Column("outside", sa.Boolean(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("grade", sa.String(length=1), nullable=False),
        sa.Column("effective_seconds", sa.BigInteger(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("samples", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_usage_rollup_institution_id")
        ),
        sa.PrimaryKeyConstraint(
            "institution_id",
            "resource_id",
            "day",
            "customer_class",
            "outside",
            "purpose",
            "grade",
            name=op.f("pk_usage_rollup"),
        ),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index("ix_usage_rollup_day", "usage_rollup", ["institution_id", "day"], unique=False)
    op.create_table(
        "day_close",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("closed_by", c.ID, nullable=True),
        sa.Column("closed_at", c.INSTANT, nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_day_close_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_day_close_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_day_close")),
    )
    op.create_index("ix_day_close_day", "day_close", ["institution_id", "day", "resource_id"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=True),
        sa.Column("session_id", c.ID, nullable=True),
        sa.Column("booking_id", c.ID, nullable=True),
        sa.Column("starts_at", c.INSTANT, nullable=False),
        sa.Column("ends_at", c.INSTANT, nullable=True),
        sa.Column("entered_at", c.INSTANT, nullable=False),
        sa.Column("person_id", c.ID, nullable=True),
        sa.Column("customer_id", c.ID, nullable=True),
        sa.Column("by_customer", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("code_kind", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("source_key", sa.String(length=200), nullable=True),
        sa.Column("details", c.JSON, nullable=False),
        sa.CheckConstraint("code_kind IN ('none','printed','rotating')", name=op.f("ck_evidence_code_kind")),
        sa.CheckConstraint(
            "kind IN ('machine_signal','check_in','check_out','operator_entry','document','acceptance','fault','no_show','bulk')",
            name=op.f("ck_evidence_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_evidence_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_evidence_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_evidence")),
        sa.UniqueConstraint("institution_id", "source", "source_key", name="uq_evidence_source_key"),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index("ix_evidence_session", "evidence", ["institution_id", "session_id"], unique=False)
    op.create_index("ix_evidence_unit", "evidence", ["institution_id", "unit_id", "starts_at"], unique=False)
    op.create_table(
        "device",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("token_hash", c.BYTES, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("last_seen_at", c.INSTANT, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "unit_id"], ["unit.institution_id", "unit.id"], name="fk_device_unit_id"
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_device_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_device")),
        sa.UniqueConstraint("token_hash", name="uq_device_token_hash"),
    )
    op.create_table(
        "evidence_private",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("evidence_id", c.ID, nullable=False),
        sa.Column("salt", c.BYTES, nullable=False),
        sa.Column("details", c.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "evidence_id"],
            ["evidence.institution_id", "evidence.id"],
            name="fk_evidence_private_evidence_id",
        ),
        sa.PrimaryKeyConstraint("institution_id", "evidence_id", name=op.f("pk_evidence_private")),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_table(
        "fault",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=True),
        sa.Column("session_id", c.ID, nullable=True),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reported_by", c.ID, nullable=True),
        sa.Column("reported_at", c.INSTANT, nullable=False),
        sa.Column("closed_at", c.INSTANT, nullable=True),
        sa.Column("closed_by", c.ID, nullable=True),
        sa.Column("closing_note", sa.Text(), nullable=False),
        sa.CheckConstraint("severity IN ('note','limited','down')", name=op.f("ck_fault_severity")),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_fault_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "unit_id"], ["unit.institution_id", "unit.id"], name="fk_fault_unit_id"
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_fault_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_fault")),
    )
    op.create_index("ix_fault_open", "fault", ["institution_id", "closed_at"], unique=False)
    op.create_table(
        "usage_session",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=True),
        sa.Column("booking_id", c.ID, nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("booked_starts_at", c.INSTANT, nullable=True),
        sa.Column("booked_ends_at", c.INSTANT, nullable=True),
        sa.Column("starts_at", c.INSTANT, nullable=True),
        sa.Column("ends_at", c.INSTANT, nullable=True),
        sa.Column("setup_seconds", sa.BigInteger(), nullable=False),
        sa.Column("measuring_seconds", sa.BigInteger(), nullable=False),
        sa.Column("post_seconds", sa.BigInteger(), nullable=False),
        sa.Column("idle_seconds", sa.BigInteger(), nullable=False),
        sa.Column("grade", sa.String(length=1), nullable=True),
        sa.Column("grade_reason", c.JSON, nullable=False),
        sa.Column("declared", c.JSON, nullable=True),
        sa.Column("end_reason", sa.String(length=40), nullable=False),
        sa.Column("flags", c.JSON, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("seal_due_at", c.INSTANT, nullable=True),
        sa.Column("sealed_at", c.INSTANT, nullable=True),
        sa.Column("sealed_by", c.ID, nullable=True),
        sa.Column("source_key", sa.String(length=200), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "grade IS NULL OR grade IN ('A','B','C','D','E')", name=op.f("ck_usage_session_grade")
        ),
        sa.CheckConstraint(
            "mode IN ('self_use','staff_run','send_in','delivery')", name=op.f("ck_usage_session_mode")
        ),
        sa.CheckConstraint(
            "source IN ('booking','walk_up','operator','bulk')", name=op.f("ck_usage_session_source")
        ),
        sa.CheckConstraint(
            "state IN ('expected','running','ended','no_show','sealed','void')",
            name=op.f("ck_usage_session_state"),
        ),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_usage_session_span")),
        sa.ForeignKeyConstraint(
            ["institution_id", "booking_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_usage_session_booking_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_usage_session_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "unit_id"], ["unit.institution_id", "unit.id"], name="fk_usage_session_unit_id"
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_usage_session")),
        sa.UniqueConstraint("institution_id", "source_key", name="uq_usage_session_source_key"),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index(
        "ix_usage_session_booking",
        "usage_session",
        ["institution_id", "booking_id"],
        unique=False,
        sqlite_where=sa.text("booking_id IS NOT NULL"),
        postgresql_where=sa.text("booking_id IS NOT NULL"),
    )
    op.create_index("ix_usage_session_day", "usage_session", ["institution_id", "day", "state"], unique=False)
    op.create_index(
        "ix_usage_session_due",
        "usage_session",
        ["state", "seal_due_at"],
        unique=False,
        sqlite_where=sa.text("seal_due_at IS NOT NULL"),
        postgresql_where=sa.text("seal_due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_usage_session_start",
        "usage_session",
        ["state", "booked_starts_at"],
        unique=False,
        sqlite_where=sa.text("booked_starts_at IS NOT NULL"),
        postgresql_where=sa.text("booked_starts_at IS NOT NULL"),
    )
    op.create_index(
        "ix_usage_session_unit", "usage_session", ["institution_id", "unit_id", "starts_at"], unique=False
    )
    op.create_index(
        "uq_usage_session_running",
        "usage_session",
        ["institution_id", "unit_id"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "session_line",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("session_id", c.ID, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("booking_id", c.ID, nullable=True),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("customer_class", sa.String(length=30), nullable=False),
        sa.Column("person_id", c.ID, nullable=True),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("accepted_at", c.INSTANT, nullable=True),
        sa.Column("accepted_by", c.ID, nullable=True),
        sa.CheckConstraint("share > 0 AND samples >= 0", name=op.f("ck_session_line_share")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_session_line_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id", "booking_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_session_line_booking_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "session_id"],
            ["usage_session.institution_id", "usage_session.id"],
            name="fk_session_line_session_id",
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_session_line")),
        sa.UniqueConstraint("institution_id", "session_id", "line", name="uq_session_line_line"),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index(
        "ix_session_line_customer", "session_line", ["customer_id", "institution_id"], unique=False
    )
    op.create_table(
        "usage_entry",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("session_id", c.ID, nullable=False),
        sa.Column("line_id", c.ID, nullable=False),
        sa.Column("corrects_id", c.ID, nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("unit_id", c.ID, nullable=True),
        sa.Column("booking_id", c.ID, nullable=True),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("customer_class", sa.String(length=30), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("grade", sa.String(length=1), nullable=False),
        sa.Column("starts_at", c.INSTANT, nullable=True),
        sa.Column("ends_at", c.INSTANT, nullable=True),
        sa.Column("effective_seconds", sa.BigInteger(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("body", c.BYTES, nullable=False),
        sa.Column("digest", c.BYTES, nullable=False),
        sa.Column("sealed_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("grade IN ('A','B','C','D','E')", name=op.f("ck_usage_entry_grade")),
        sa.CheckConstraint("kind IN ('use','correction')", name=op.f("ck_usage_entry_kind")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_usage_entry_customer_id")),
        sa.ForeignKeyConstraint(
            ["institution_id", "session_id"],
            ["usage_session.institution_id", "usage_session.id"],
            name="fk_usage_entry_session_id",
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_usage_entry")),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index("ix_usage_entry_customer", "usage_entry", ["customer_id", "day"], unique=False)
    op.create_index(
        "ix_usage_entry_day", "usage_entry", ["institution_id", "day", "resource_id"], unique=False
    )
    op.create_index(
        "ix_usage_entry_resource", "usage_entry", ["institution_id", "resource_id", "day"], unique=False
    )
    op.create_index("ix_usage_entry_session", "usage_entry", ["institution_id", "session_id"], unique=False)
    op.create_index(
        "uq_usage_entry_correction",
        "usage_entry",
        ["institution_id", "corrects_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'correction'"),
        postgresql_where=sa.text("kind = 'correction'"),
    )
    op.create_index(
        "uq_usage_entry_use",
        "usage_entry",
        ["institution_id", "line_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'use'"),
        postgresql_where=sa.text("kind = 'use'"),
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_index(
        "uq_usage_entry_use",
        table_name="usage_entry",
        sqlite_where=sa.text("kind = 'use'"),
        postgresql_where=sa.text("kind = 'use'"),
    )
    op.drop_index(
        "uq_usage_entry_correction",
        table_name="usage_entry",
        sqlite_where=sa.text("kind = 'correction'"),
        postgresql_where=sa.text("kind = 'correction'"),
    )
    op.drop_index("ix_usage_entry_session", table_name="usage_entry")
    op.drop_index("ix_usage_entry_resource", table_name="usage_entry")
    op.drop_index("ix_usage_entry_day", table_name="usage_entry")
    op.drop_index("ix_usage_entry_customer", table_name="usage_entry")
    op.drop_table("usage_entry")
    op.drop_index("ix_session_line_customer", table_name="session_line")
    op.drop_table("session_line")
    op.drop_index(
        "uq_usage_session_running",
        table_name="usage_session",
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.drop_index("ix_usage_session_unit", table_name="usage_session")
    op.drop_index("ix_usage_session_start", table_name="usage_session")
    op.drop_index("ix_usage_session_due", table_name="usage_session")
    op.drop_index("ix_usage_session_day", table_name="usage_session")
    op.drop_index("ix_usage_session_booking", table_name="usage_session")
    op.drop_table("usage_session")
    op.drop_index("ix_fault_open", table_name="fault")
    op.drop_table("fault")
    op.drop_table("evidence_private")
    op.drop_table("device")
    op.drop_index("ix_evidence_unit", table_name="evidence")
    op.drop_index("ix_evidence_session", table_name="evidence")
    op.drop_table("evidence")
    op.drop_index("ix_day_close_day", table_name="day_close")
    op.drop_table("day_close")
    op.drop_index("ix_usage_rollup_day", table_name="usage_rollup")
    op.drop_table("usage_rollup")
    op.drop_table("day_root")
    op.drop_index("ix_chain_link_day", table_name="chain_link")
    op.drop_table("chain_link")
    op.drop_table("unlinked_entry")
    op.drop_table("signing_key")
    op.drop_table("chain_head")
