"""Column types that read back what was written, on both engines.

Plain ``Uuid`` is CHAR(32) on SQLite, and plain ``DateTime(timezone=True)`` drops the zone there without a word.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from resource_hub.infra.ids import uuid_of
from resource_hub.kernel.time import NaiveTime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def id_of(kept: bytes) -> UUID:
    """The id of the bytes that SQLite keeps of it."""
    return uuid_of(int.from_bytes(kept, "big"))


def id_kept(value: Any) -> bytes | None:
    """What SQLite keeps of an id."""
    if value is None:
        return None
    return (value if type(value) is UUID else UUID(str(value))).int.to_bytes(16, "big")


class Id(TypeDecorator[UUID]):
    """uuid on PostgreSQL, BLOB(16) on SQLite."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Uuid(as_uuid=True))
        return dialect.type_descriptor(LargeBinary(16))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if dialect.name != "postgresql":
            return id_kept(value)
        return value if value is None or isinstance(value, UUID) else UUID(str(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        if value is None or isinstance(value, UUID):
            return value
        return id_of(value)


def instant_of(kept: int) -> datetime:
    """The moment of the number that SQLite keeps of it."""
    return _EPOCH + timedelta(microseconds=kept)


def instant_kept(value: datetime | None) -> int | None:
    """What SQLite keeps of a moment."""
    return None if value is None else micros(value)


def micros(moment: datetime) -> int:
    """A moment in microseconds since 1970.

    Raises:
        NaiveTime: it has no zone.
    """
    if moment.tzinfo is None:
        raise NaiveTime(f"{moment.isoformat()} has no zone")
    return (moment - _EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """timestamptz on PostgreSQL, microseconds since 1970 in UTC on SQLite. Refuses naive values."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if dialect.name != "postgresql":
            return instant_kept(value)
        if value is not None and value.tzinfo is None:
            raise NaiveTime(f"{value.isoformat()} has no zone")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return instant_of(value)


class Bytes(TypeDecorator[bytes]):
    """bytea on PostgreSQL, BLOB on SQLite; always ``bytes`` in Python."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BYTEA() if dialect.name == "postgresql" else LargeBinary())

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else bytes(value)


# Whole minor units of a currency (fen); the currency stands in a column beside it.
Minor = BigInteger
# Whole seconds; used for every duration.
Seconds = BigInteger
Json = JSON().with_variant(JSONB(), "postgresql")
