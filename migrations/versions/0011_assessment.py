"""What people enter for an assessment, and frozen scores.

Revision: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assessment_input",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("scheme", sa.String(length=120), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("resource_id", c.ID, nullable=True),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("item", sa.String(length=80), nullable=False),
        sa.Column("value", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("entered_by", c.ID, nullable=True),
        sa.Column("entered_at", c.INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_assessment_input_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_assessment_input_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_assessment_input")),
        sa.UniqueConstraint(
            "institution_id",
            "scheme",
            "period",
            "subject",
            "item",
            "version",
            name="uq_assessment_input_version",
        ),
    )
    op.create_table(
        "score_run",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("scheme", sa.String(length=120), nullable=False),
        sa.Column("scheme_version", sa.String(length=60), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("resource_id", c.ID, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("as_of", c.INSTANT, nullable=False),
        sa.Column("document", c.JSON, nullable=False),
        sa.Column("low", sa.String(length=30), nullable=False),
        sa.Column("high", sa.String(length=30), nullable=False),
        sa.Column("grade", sa.String(length=30), nullable=False),
        sa.Column("body", c.BYTES, nullable=False),
        sa.Column("digest", c.BYTES, nullable=False),
        sa.Column("created_by", c.ID, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('draft','frozen','replaced')", name=op.f("ck_score_run_state")),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_score_run_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_score_run_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_score_run")),
    )
    op.create_index("ix_score_run_period", "score_run", ["institution_id", "scheme", "period"], unique=False)
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_score_run_period", table_name="score_run")
    op.drop_table("score_run")
    op.drop_table("assessment_input")
