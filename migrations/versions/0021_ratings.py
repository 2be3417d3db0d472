"""Ratings by both sides of an order that was used, with the host's answer, reports and what the platform decided.

Revision: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def _host_fk(target: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["institution_id", column], [f"{target}.institution_id", f"{target}.id"], name=f"fk_rating_{column}"
    )


def upgrade() -> None:
    op.create_table(
        "rating",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("booking_id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("side", sa.String(length=20), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("aspects", c.JSON, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("given_by", c.ID, nullable=False),
        sa.Column("given_at", c.INSTANT, nullable=False),
        sa.Column("closes_at", c.INSTANT, nullable=False),
        sa.Column("revealed_at", c.INSTANT, nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by", c.ID, nullable=True),
        sa.Column("answered_at", c.INSTANT, nullable=True),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("reported_by", c.ID, nullable=True),
        sa.Column("reported_at", c.INSTANT, nullable=True),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_by", c.ID, nullable=True),
        sa.Column("decided_at", c.INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_rating")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_rating_institution_id")
        ),
        sa.ForeignKeyConstraint(["given_by"], ["person.id"], name=op.f("fk_rating_given_by")),
        _host_fk("booking", "booking_id"),
        _host_fk("resource", "resource_id"),
        sa.CheckConstraint("side IN ('customer','host')", name=op.f("ck_rating_side")),
        sa.CheckConstraint("stars >= 1 AND stars <= 5", name=op.f("ck_rating_stars")),
        sa.CheckConstraint("answer = '' OR side = 'customer'", name=op.f("ck_rating_answer")),
        sa.UniqueConstraint("institution_id", "booking_id", "side", name="uq_rating_booking"),
    )
    op.create_index("ix_rating_resource", "rating", ["institution_id", "resource_id", "side"], unique=False)
    op.create_index("ix_rating_closes_at", "rating", ["revealed_at", "closes_at"], unique=False)
    op.create_index("ix_rating_reported_at", "rating", ["reported_at"], unique=False)
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("rating")
    guards.install(op.get_bind())
