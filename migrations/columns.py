"""Column types of the revisions: what the application's own types are in each database, as they were first cut."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TSVECTOR

# uuid on PostgreSQL, BLOB(16) on SQLite.
ID = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")
# timestamptz on PostgreSQL, microseconds since 1970 in UTC on SQLite.
INSTANT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
BYTES = sa.LargeBinary().with_variant(BYTEA(), "postgresql")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
SEARCH_TOKENS = sa.Text().with_variant(TSVECTOR(), "postgresql")
# A row number that SQLite hands out by itself.
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
