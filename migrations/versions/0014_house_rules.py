"""What house rules keep account of: strikes with appeal, trainings with expiry, answers by several one after another.

Revision: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _host_row(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f(f"fk_{table}_institution_id")
        ),
    ]


def _host_fk(table: str, target: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["institution_id", column], [f"{target}.institution_id", f"{target}.id"], name=f"fk_{table}_{column}"
    )


def _person_fk(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f(f"fk_{table}_person_id"))


def upgrade() -> None:
    op.create_table(
        "strike",
        *_host_row("strike"),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("booking_id", c.ID, nullable=True),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("given_at", c.INSTANT, nullable=False),
        sa.Column("given_by", c.ID, nullable=True),
        sa.Column("expires_at", c.INSTANT, nullable=False),
        sa.Column("rules_number", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("appealed_at", c.INSTANT, nullable=True),
        sa.Column("appealed_by", c.ID, nullable=True),
        sa.Column("appeal", sa.Text(), nullable=False),
        sa.Column("decided_at", c.INSTANT, nullable=True),
        sa.Column("decided_by", c.ID, nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('no_show','late_cancel','late','misuse')", name=op.f("ck_strike_kind")),
        sa.CheckConstraint("state IN ('given','appealed','upheld','lifted')", name=op.f("ck_strike_state")),
        sa.CheckConstraint("given_at < expires_at", name=op.f("ck_strike_span")),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> given_by", name=op.f("ck_strike_second_person")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_strike_customer_id")),
        _person_fk("strike"),
        _host_fk("strike", "resource", "resource_id"),
        _host_fk("strike", "booking", "booking_id"),
        sa.UniqueConstraint("institution_id", "booking_id", "kind", name="uq_strike_booking"),
    )
    op.create_index("ix_strike_person", "strike", ["person_id", "given_at"], unique=False)
    op.create_index("ix_strike_state", "strike", ["institution_id", "state", "given_at"], unique=False)

    op.create_table(
        "qualification_type",
        *_host_row("qualification_type"),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name_zh", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("valid_months", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("valid_months >= 0", name=op.f("ck_qualification_type_valid_months")),
        sa.UniqueConstraint("institution_id", "code", name="uq_qualification_type_code"),
    )
    op.create_table(
        "qualification",
        *_host_row("qualification"),
        sa.Column("type_id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("granted_by", c.ID, nullable=False),
        sa.Column("granted_at", c.INSTANT, nullable=False),
        sa.Column("revoked_at", c.INSTANT, nullable=True),
        sa.Column("revoked_by", c.ID, nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=False),
        sa.Column("reminded_at", c.INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("since < until", name=op.f("ck_qualification_span")),
        _person_fk("qualification"),
        _host_fk("qualification", "qualification_type", "type_id"),
    )
    op.create_index("ix_qualification_person", "qualification", ["person_id", "institution_id"], unique=False)
    op.create_index("ix_qualification_until", "qualification", ["until"], unique=False)

    op.create_table(
        "answer_step",
        *_host_row("answer_step"),
        sa.Column("booking_id", c.ID, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("opened_at", c.INSTANT, nullable=True),
        sa.Column("remind_at", c.INSTANT, nullable=True),
        sa.Column("answer_by", c.INSTANT, nullable=True),
        sa.Column("escalated_at", c.INSTANT, nullable=True),
        sa.Column("decided_at", c.INSTANT, nullable=True),
        sa.Column("decided_by", c.ID, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("who IN ('manager','office','approver')", name=op.f("ck_answer_step_who")),
        sa.CheckConstraint(
            "state IN ('waiting','open','approved','consented','rejected','dropped')",
            name=op.f("ck_answer_step_state"),
        ),
        _host_fk("answer_step", "booking", "booking_id"),
        sa.UniqueConstraint(
            "institution_id", "booking_id", "round", "position", name="uq_answer_step_position"
        ),
    )
    op.create_index("ix_answer_step_due", "answer_step", ["state", "answer_by"], unique=False)
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("answer_step")
    op.drop_table("qualification")
    op.drop_table("qualification_type")
    op.drop_table("strike")
    guards.install(op.get_bind())
