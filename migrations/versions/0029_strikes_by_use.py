"""A strike can be for a booking that does not match its use.

Revision: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

BEFORE = "kind IN ('no_show','late_cancel','late','misuse')"
AFTER = "kind IN ('no_show','late_cancel','late','misuse','mismatch')"


def _strike(kinds: str) -> sa.Table:
    """The table as it stands; SQLite changes a constraint by writing the table anew and reads none of them back."""
    return sa.Table(
        "strike",
        sa.MetaData(),
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
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
        sa.CheckConstraint(kinds, name=op.f("ck_strike_kind")),
        sa.CheckConstraint("state IN ('given','appealed','upheld','lifted')", name=op.f("ck_strike_state")),
        sa.CheckConstraint("given_at < expires_at", name=op.f("ck_strike_span")),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> given_by", name=op.f("ck_strike_second_person")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_strike")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_strike_institution_id")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_strike_customer_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_strike_person_id")),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_strike_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "booking_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_strike_booking_id",
        ),
        sa.UniqueConstraint("institution_id", "booking_id", "kind", name="uq_strike_booking"),
        sa.Index("ix_strike_person", "person_id", "given_at"),
        sa.Index("ix_strike_state", "institution_id", "state", "given_at"),
    )


def _change(before: str, after: str) -> None:
    with op.batch_alter_table("strike", copy_from=_strike(before)) as table:
        table.drop_constraint(op.f("ck_strike_kind"), type_="check")
        table.create_check_constraint(op.f("ck_strike_kind"), after)
    guards.install(op.get_bind())


def upgrade() -> None:
    _change(BEFORE, AFTER)


def downgrade() -> None:
    op.execute("DELETE FROM strike WHERE kind = 'mismatch'")
    _change(AFTER, BEFORE)
