"""Audit, outbox, jobs, stored files: what every capability uses.

Revision: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("organisation_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("at", c.INSTANT, nullable=False),
        sa.Column("person_id", c.ID, nullable=True),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("origin_digest", c.BYTES, nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("body", c.BYTES, nullable=False),
        sa.Column("digest", c.BYTES, nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_at", "audit_entry", ["organisation_id", "at"], unique=False)
    op.create_index(
        "ix_audit_entry_subject", "audit_entry", ["organisation_id", "subject", "at"], unique=False
    )
    op.create_table(
        "audit_origin",
        sa.Column("organisation_id", c.ID, nullable=False),
        sa.Column("audit_id", c.ID, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "audit_id", name=op.f("pk_audit_origin")),
    )
    op.create_table(
        "demo_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset_seconds", sa.BigInteger(), nullable=False),
        sa.Column("filled_at", c.INSTANT, nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_demo_state_one_row")),
        sa.CheckConstraint("offset_seconds >= 0", name=op.f("ck_demo_state_forward")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demo_state")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("request_digest", c.BYTES, nullable=False),
        sa.Column("answer", c.JSON, nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "job_lease",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", c.INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_lease")),
    )
    op.create_table(
        "job_run",
        sa.Column("job", sa.String(length=80), nullable=False),
        sa.Column("slot", c.INSTANT, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", c.INSTANT, nullable=False),
        sa.Column("ended_at", c.INSTANT, nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("backlog", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('running','done','failed')", name=op.f("ck_job_run_state")),
        sa.PrimaryKeyConstraint("job", "slot", name=op.f("pk_job_run")),
    )
    op.create_table(
        "outbox_event",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("payload", c.JSON, nullable=False),
        sa.Column("at", c.INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_event")),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("value", c.JSON, nullable=False),
        sa.Column("changed_at", c.INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    op.create_table(
        "outbox_delivery",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("event_id", c.ID, nullable=False),
        sa.Column("subscriber", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", c.INSTANT, nullable=False),
        sa.Column("done_at", c.INSTANT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting','done','parked')", name=op.f("ck_outbox_delivery_state")),
        sa.ForeignKeyConstraint(["event_id"], ["outbox_event.id"], name=op.f("fk_outbox_delivery_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_delivery")),
        sa.UniqueConstraint("event_id", "subscriber", name="uq_outbox_delivery_event"),
    )
    op.create_index("ix_outbox_delivery_due", "outbox_delivery", ["state", "not_before"], unique=False)
    op.create_index(
        "ix_outbox_delivery_order", "outbox_delivery", ["subscriber", "subject", "state", "id"], unique=False
    )
    op.create_table(
        "stored_file",
        sa.Column("organisation_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", c.BYTES, nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("person_id", c.ID, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("expires_at", c.INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_stored_file_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_stored_file")),
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("stored_file")
    op.drop_index("ix_outbox_delivery_order", table_name="outbox_delivery")
    op.drop_index("ix_outbox_delivery_due", table_name="outbox_delivery")
    op.drop_table("outbox_delivery")
    op.drop_table("setting")
    op.drop_table("outbox_event")
    op.drop_table("job_run")
    op.drop_table("job_lease")
    op.drop_index("ix_idempotency_key_created_at", table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_table("demo_state")
    op.drop_table("audit_origin")
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
    op.drop_index("ix_audit_entry_at", table_name="audit_entry")
    op.drop_table("audit_entry")
