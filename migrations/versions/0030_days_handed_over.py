"""A day of a series that another customer took over is no day of that series any more.

Revision: 0030
Revises: 0029
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_DAY = (
    "SELECT o.series_id FROM series_occurrence o WHERE o.institution_id = booking.institution_id"
    " AND o.booking_id = booking.id"
)


def upgrade() -> None:
    op.execute(
        "UPDATE booking SET series_id = NULL WHERE series_id IS NOT NULL AND customer_id <> ("
        "SELECT s.customer_id FROM booking_series s WHERE s.institution_id = booking.institution_id"
        " AND s.id = booking.series_id)"
    )


def downgrade() -> None:
    op.execute(f"UPDATE booking SET series_id = ({_DAY}) WHERE series_id IS NULL AND EXISTS ({_DAY})")
