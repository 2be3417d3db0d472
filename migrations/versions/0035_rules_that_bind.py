"""House rules that every window of a search is held against are found without reading the documents of all others.

Revision: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_BINDS = {
    "postgresql": """
        coalesce((document ->> 'lead_days')::integer, 0) > 0 OR coalesce((document ->> 'step')::integer, 0) = 1440
        OR EXISTS (SELECT 1 FROM jsonb_each_text(coalesce(document -> 'lead', '{}')) l WHERE l.value::integer > 0)
    """,
    "sqlite": """
        coalesce(json_extract(document, '$.lead_days'), 0) > 0 OR coalesce(json_extract(document, '$.step'), 0) = 1440
        OR EXISTS (SELECT 1 FROM json_each(document, '$.lead') l WHERE l.value > 0)
    """,
}


def upgrade() -> None:
    op.add_column("house_rules", sa.Column("binds", sa.Boolean(), server_default=sa.false(), nullable=False))
    # Written here and nowhere from outside.
    op.execute(f"UPDATE house_rules SET binds = true WHERE {_BINDS[op.get_bind().dialect.name]}")
    op.create_index(
        "ix_house_rules_binds",
        "house_rules",
        ["institution_id", "resource_id", "since"],
        sqlite_where=sa.text("binds"),
        postgresql_where=sa.text("binds"),
    )


def downgrade() -> None:
    op.drop_index("ix_house_rules_binds", table_name="house_rules")
    op.drop_column("house_rules", "binds")
