"""A booking that others refer to is found by its whole key, however few rows there were when PostgreSQL made its plan.

Revision: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_ALONG = sa.text("parent_id IS NOT NULL")

# The same rows found by the same questions; only the primary key begins with the institution.
_BEFORE = {
    "ix_booking_resource": ["institution_id", "resource_id", "starts_at"],
    "ix_booking_state": ["institution_id", "state", "starts_at"],
    "ix_booking_parent": ["institution_id", "parent_id"],
}
_AFTER = {
    "ix_booking_resource": ["resource_id", "starts_at"],
    "ix_booking_state": ["state", "institution_id", "starts_at"],
    "ix_booking_parent": ["parent_id"],
}


def upgrade() -> None:
    _change(_AFTER, ["number", "institution_id"], {"ix_booking_parent": _ALONG})


def downgrade() -> None:
    _change(_BEFORE, ["institution_id", "number"], {})


def _change(indexes: dict[str, list[str]], number: list[str], only: dict[str, sa.TextClause]) -> None:
    for name, columns in indexes.items():
        op.drop_index(name, table_name="booking")
        where = only.get(name)
        op.create_index(name, "booking", columns, sqlite_where=where, postgresql_where=where)
    # SQLite would have to write the whole table anew, and makes no plan that this could mislead.
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("uq_booking_number", "booking", type_="unique")
        op.create_unique_constraint("uq_booking_number", "booking", number)
