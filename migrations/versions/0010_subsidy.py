"""Programmes, budgets, claim lines, payout runs.

Revision: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "claimed_document",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=120), nullable=False),
        sa.Column("programme_id", c.ID, nullable=True),
        sa.Column("institution_id", c.ID, nullable=True),
        sa.Column("claim_line_id", c.ID, nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("entered_at", c.INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("kind", "number", name=op.f("pk_claimed_document")),
    )
    op.create_table(
        "programme",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("funder_id", c.ID, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("scheme", sa.String(length=120), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("settings", c.JSON, nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('voucher','host_reward','usage_grant','service_purchase')",
            name=op.f("ck_programme_kind"),
        ),
        sa.CheckConstraint("state IN ('draft','open','closed')", name=op.f("ck_programme_state")),
        sa.ForeignKeyConstraint(["funder_id"], ["organisation.id"], name=op.f("fk_programme_funder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
        sa.UniqueConstraint("code", name="uq_programme_code"),
    )
    op.create_index("ix_programme_funder", "programme", ["funder_id"], unique=False)
    op.create_table(
        "budget",
        sa.Column("funder_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("programme_id", c.ID, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("held_minor", sa.BigInteger(), nullable=False),
        sa.Column("accrued_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "held_minor + accrued_minor + paid_minor <= amount_minor", name=op.f("ck_budget_not_overdrawn")
        ),
        sa.CheckConstraint(
            "held_minor >= 0 AND accrued_minor >= 0 AND paid_minor >= 0", name=op.f("ck_budget_not_negative")
        ),
        sa.ForeignKeyConstraint(["funder_id"], ["organisation.id"], name=op.f("fk_budget_funder_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_budget_programme_id")),
        sa.PrimaryKeyConstraint("funder_id", "id", name=op.f("pk_budget")),
        sa.UniqueConstraint("funder_id", "programme_id", "year", name="uq_budget_year"),
    )
    op.create_table(
        "cap_counter",
        sa.Column("programme_id", c.ID, nullable=False),
        sa.Column("subject_id", c.ID, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=60), nullable=False),
        sa.Column("base_minor", sa.BigInteger(), nullable=False),
        sa.Column("granted_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_cap_counter_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", "subject_id", "year", "scope", name=op.f("pk_cap_counter")),
    )
    op.create_table(
        "claim_line",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("source_key", sa.String(length=200), nullable=False),
        sa.Column("programme_id", c.ID, nullable=False),
        sa.Column("funder_id", c.ID, nullable=False),
        sa.Column("charge_id", c.ID, nullable=False),
        sa.Column("entry_id", c.ID, nullable=True),
        sa.Column("line_id", c.ID, nullable=True),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("beneficiary_id", c.ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("base_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rule_version", sa.String(length=120), nullable=False),
        sa.Column("facts", c.JSON, nullable=False),
        sa.Column("reasons", c.JSON, nullable=False),
        sa.Column("steps", c.JSON, nullable=False),
        sa.Column("citations", c.JSON, nullable=False),
        sa.Column("run_id", c.ID, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("changed_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('accrued','refused','in_run','paid','withdrawn')", name=op.f("ck_claim_line_state")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_claim_line_amount")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_claim_line_customer_id")),
        sa.ForeignKeyConstraint(["funder_id"], ["organisation.id"], name=op.f("fk_claim_line_funder_id")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_claim_line_institution_id")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_claim_line_programme_id")),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_claim_line")),
        sa.UniqueConstraint("institution_id", "source_key", name="uq_claim_line_source_key"),
        postgresql_partition_by="HASH (institution_id)",
    )
    op.create_index("ix_claim_line_charge", "claim_line", ["institution_id", "charge_id"], unique=False)
    op.create_index("ix_claim_line_customer", "claim_line", ["customer_id", "day"], unique=False)
    op.create_index("ix_claim_line_programme", "claim_line", ["programme_id", "state", "day"], unique=False)
    op.create_table(
        "clawback",
        sa.Column("funder_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("programme_id", c.ID, nullable=False),
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("claim_line_id", c.ID, nullable=False),
        sa.Column("beneficiary_id", c.ID, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", c.JSON, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("settled_at", c.INSTANT, nullable=True),
        sa.Column("settled_by", c.ID, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open','settled','waived')", name=op.f("ck_clawback_state")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_clawback_amount")),
        sa.ForeignKeyConstraint(["funder_id"], ["organisation.id"], name=op.f("fk_clawback_funder_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_clawback_programme_id")),
        sa.PrimaryKeyConstraint("funder_id", "id", name=op.f("pk_clawback")),
        sa.UniqueConstraint("funder_id", "institution_id", "claim_line_id", name="uq_clawback_claim"),
    )
    op.create_table(
        "funds_hold",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("booking_id", c.ID, nullable=False),
        sa.Column("programme_id", c.ID, nullable=False),
        sa.Column("funder_id", c.ID, nullable=False),
        sa.Column("quota_id", c.ID, nullable=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('held','used','released')", name=op.f("ck_funds_hold_state")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_funds_hold_institution_id")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_funds_hold_programme_id")),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_funds_hold")),
        sa.UniqueConstraint("institution_id", "booking_id", "programme_id", name="uq_funds_hold_booking"),
    )
    op.create_table(
        "payout_run",
        sa.Column("funder_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("programme_id", c.ID, nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rule_version", sa.String(length=120), nullable=False),
        sa.Column("digest", c.BYTES, nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("computed_by", c.ID, nullable=True),
        sa.Column("computed_at", c.INSTANT, nullable=False),
        sa.Column("sampled_by", c.ID, nullable=True),
        sa.Column("sampled_at", c.INSTANT, nullable=True),
        sa.Column("approved_by", c.ID, nullable=True),
        sa.Column("approved_at", c.INSTANT, nullable=True),
        sa.Column("notice_until", sa.Date(), nullable=True),
        sa.Column("paid_at", c.INSTANT, nullable=True),
        sa.Column("paid_by", c.ID, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('computed','sampled','approved','notice','paid','cancelled')",
            name=op.f("ck_payout_run_state"),
        ),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> computed_by", name=op.f("ck_payout_run_second_person")
        ),
        sa.ForeignKeyConstraint(["funder_id"], ["organisation.id"], name=op.f("fk_payout_run_funder_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_payout_run_programme_id")),
        sa.PrimaryKeyConstraint("funder_id", "id", name=op.f("pk_payout_run")),
        sa.UniqueConstraint("funder_id", "number", name="uq_payout_run_number"),
    )
    op.create_index(
        "ix_payout_run_programme", "payout_run", ["funder_id", "programme_id", "period_start"], unique=False
    )
    op.create_table(
        "quota",
        sa.Column("funder_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("programme_id", c.ID, nullable=False),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("held_minor", sa.BigInteger(), nullable=False),
        sa.Column("used_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("declaration", c.JSON, nullable=False),
        sa.Column("requested_by", c.ID, nullable=True),
        sa.Column("requested_at", c.INSTANT, nullable=False),
        sa.Column("decided_by", c.ID, nullable=True),
        sa.Column("decided_at", c.INSTANT, nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('requested','granted','refused','lapsed')", name=op.f("ck_quota_state")
        ),
        sa.CheckConstraint("held_minor + used_minor <= amount_minor", name=op.f("ck_quota_not_overdrawn")),
        sa.CheckConstraint("held_minor >= 0 AND used_minor >= 0", name=op.f("ck_quota_not_negative")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_quota_customer_id")),
        sa.ForeignKeyConstraint(["funder_id"], ["organisation.id"], name=op.f("fk_quota_funder_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_quota_programme_id")),
        sa.PrimaryKeyConstraint("funder_id", "id", name=op.f("pk_quota")),
        sa.UniqueConstraint("funder_id", "programme_id", "customer_id", "year", name="uq_quota_year"),
    )
    op.create_table(
        "objection",
        sa.Column("funder_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("run_id", c.ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("contact", sa.String(length=254), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("decided_at", c.INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('open','upheld','dismissed')", name=op.f("ck_objection_state")),
        sa.ForeignKeyConstraint(
            ["funder_id", "run_id"], ["payout_run.funder_id", "payout_run.id"], name="fk_objection_run_id"
        ),
        sa.ForeignKeyConstraint(["funder_id"], ["organisation.id"], name=op.f("fk_objection_funder_id")),
        sa.PrimaryKeyConstraint("funder_id", "id", name=op.f("pk_objection")),
    )
    op.create_table(
        "run_line",
        sa.Column("funder_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("run_id", c.ID, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("claim_line_id", c.ID, nullable=False),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("beneficiary_id", c.ID, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("body", c.BYTES, nullable=False),
        sa.Column("digest", c.BYTES, nullable=False),
        sa.ForeignKeyConstraint(
            ["funder_id", "run_id"], ["payout_run.funder_id", "payout_run.id"], name="fk_run_line_run_id"
        ),
        sa.ForeignKeyConstraint(["funder_id"], ["organisation.id"], name=op.f("fk_run_line_funder_id")),
        sa.PrimaryKeyConstraint("funder_id", "id", name=op.f("pk_run_line")),
        sa.UniqueConstraint("funder_id", "run_id", "claim_line_id", name="uq_run_line_claim"),
        sa.UniqueConstraint("funder_id", "run_id", "position", name="uq_run_line_position"),
    )
    op.create_table(
        "run_sample",
        sa.Column("funder_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("run_id", c.ID, nullable=False),
        sa.Column("run_line_id", c.ID, nullable=False),
        sa.Column("result", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("checked_by", c.ID, nullable=True),
        sa.Column("checked_at", c.INSTANT, nullable=True),
        sa.CheckConstraint("result IN ('open','right','wrong')", name=op.f("ck_run_sample_result")),
        sa.ForeignKeyConstraint(
            ["funder_id", "run_id"], ["payout_run.funder_id", "payout_run.id"], name="fk_run_sample_run_id"
        ),
        sa.ForeignKeyConstraint(["funder_id"], ["organisation.id"], name=op.f("fk_run_sample_funder_id")),
        sa.PrimaryKeyConstraint("funder_id", "id", name=op.f("pk_run_sample")),
        sa.UniqueConstraint("funder_id", "run_id", "run_line_id", name="uq_run_sample_line"),
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("run_sample")
    op.drop_table("run_line")
    op.drop_table("objection")
    op.drop_table("quota")
    op.drop_index("ix_payout_run_programme", table_name="payout_run")
    op.drop_table("payout_run")
    op.drop_table("funds_hold")
    op.drop_table("clawback")
    op.drop_index("ix_claim_line_programme", table_name="claim_line")
    op.drop_index("ix_claim_line_customer", table_name="claim_line")
    op.drop_index("ix_claim_line_charge", table_name="claim_line")
    op.drop_table("claim_line")
    op.drop_table("cap_counter")
    op.drop_table("budget")
    op.drop_index("ix_programme_funder", table_name="programme")
    op.drop_table("programme")
    op.drop_table("claimed_document")
