"""The natural key of a notice stands in a column, so that what was told is found however long ago; old words that the
other side has rated end as new ones do: with the second rating, or with the term.

Revision: 0025
Revises: 0024
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from migrations import columns as c

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_KEY = sa.Column("key", sa.String(length=200), nullable=True)
_NOTICE = sa.table(
    "notice",
    sa.column("id", c.ID),
    sa.column("kind", sa.String()),
    sa.column("values", c.JSON),
    sa.column("link", sa.String()),
    sa.column("until", c.INSTANT),
    sa.column("key", sa.String()),
)
_RATING = sa.table(
    "rating",
    sa.column("booking_id", c.ID),
    sa.column("closes_at", c.INSTANT),
    sa.column("revealed_at", c.INSTANT),
)


def upgrade() -> None:
    op.add_column("notice", _KEY)
    n = _NOTICE.c
    if op.get_bind().dialect.name == "postgresql":
        op.execute("""UPDATE notice SET key = "values" ->> '_key', "values" = "values" - '_key'
                      WHERE "values" ? '_key'""")
    else:
        op.execute("""UPDATE notice SET key = json_extract("values", '$._key'),
                      "values" = json_remove("values", '$._key')
                      WHERE json_extract("values", '$._key') IS NOT NULL""")
    op.create_index("ix_notice_key", "notice", ["person_id", "kind", "key"], unique=False)
    end = sa.func.coalesce(_RATING.c.revealed_at, _RATING.c.closes_at)
    ends = {
        _id(row.booking_id): row.end
        for row in op.get_bind().execute(sa.select(_RATING.c.booking_id, end.label("end")))
    }
    endless = sa.select(n.id, n.link).where(n.kind == "booking.rating_given", n.until.is_(None))
    for row in op.get_bind().execute(endless).all():
        told = {"until": ends.get(UUID(row.link.rsplit("/", 1)[-1])), "link": f"{row.link}#ratings"}
        op.execute(sa.update(_NOTICE).where(n.id == row.id).values(told))


def _id(stored: UUID | bytes) -> UUID:
    return stored if isinstance(stored, UUID) else UUID(bytes=stored)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("""UPDATE notice SET "values" = "values" || jsonb_build_object('_key', key)
                      WHERE key IS NOT NULL""")
    else:
        op.execute("""UPDATE notice SET "values" = json_set("values", '$._key', key) WHERE key IS NOT NULL""")
    op.drop_index("ix_notice_key", table_name="notice")
    op.drop_column("notice", "key")
