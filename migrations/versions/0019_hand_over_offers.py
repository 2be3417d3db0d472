"""A booking goes over to another organisation only when that one takes it: the offer, its term and its answer.

Revision: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_table(
        "hand_over_offer",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("booking_id", c.ID, nullable=False),
        sa.Column("from_customer_id", c.ID, nullable=False),
        sa.Column("to_customer_id", c.ID, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("offered_by", c.ID, nullable=False),
        sa.Column("offered_at", c.INSTANT, nullable=False),
        sa.Column("expires_at", c.INSTANT, nullable=False),
        sa.Column("answered_by", c.ID, nullable=True),
        sa.Column("answered_at", c.INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open','accepted','declined','withdrawn','expired')",
            name=op.f("ck_hand_over_offer_state"),
        ),
        sa.CheckConstraint("offered_at < expires_at", name=op.f("ck_hand_over_offer_span")),
        sa.CheckConstraint("from_customer_id <> to_customer_id", name=op.f("ck_hand_over_offer_another")),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_hand_over_offer")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_hand_over_offer_institution_id")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "booking_id"],
            ["booking.institution_id", "booking.id"],
            name="fk_hand_over_offer_booking_id",
        ),
        sa.ForeignKeyConstraint(
            ["from_customer_id"], ["customer.id"], name=op.f("fk_hand_over_offer_from_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_customer_id"], ["customer.id"], name=op.f("fk_hand_over_offer_to_customer_id")
        ),
    )
    op.create_index(
        "uq_hand_over_offer_open",
        "hand_over_offer",
        ["institution_id", "booking_id"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index("ix_hand_over_offer_to", "hand_over_offer", ["to_customer_id", "state"], unique=False)
    op.create_index("ix_hand_over_offer_from", "hand_over_offer", ["from_customer_id", "state"], unique=False)
    op.create_index("ix_hand_over_offer_due", "hand_over_offer", ["state", "expires_at"], unique=False)
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("hand_over_offer")
    guards.install(op.get_bind())
