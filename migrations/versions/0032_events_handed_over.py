"""Whom a booking was handed away from, and whose calendar it stands in, is found without reading all that happened.

Revision: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_HANDED_OVER = sa.text("kind = 'handed_over'")


def upgrade() -> None:
    op.create_index(
        "ix_booking_event_handed_over",
        "booking_event",
        ["at"],
        sqlite_where=_HANDED_OVER,
        postgresql_where=_HANDED_OVER,
    )
    op.create_index("ix_mail_message_link", "mail_message", ["link"])


def downgrade() -> None:
    op.drop_index("ix_mail_message_link", table_name="mail_message")
    op.drop_index("ix_booking_event_handed_over", table_name="booking_event")
