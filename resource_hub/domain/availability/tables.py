"""Tables of opening hours, closures, occupancies and kept free windows. Host's rows, days of the calendar shared."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import BY_HOST, HostRow, host_fk, one_of
from resource_hub.infra.types import Bytes, Id, Instant, Json, Seconds


class OpeningHours(HostRow, Base):
    """One stretch of a dated weekly pattern, in minutes of the host's wall clock; may reach past midnight."""

    __tablename__ = "opening_hours"
    resource_id: Mapped[UUID] = mapped_column(Id)
    weekday: Mapped[int] = mapped_column(Integer)  # 0 = Monday
    starts_minute: Mapped[int] = mapped_column(Integer)
    ends_minute: Mapped[int] = mapped_column(Integer)  # up to 2880: past midnight
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)  # exclusive
    audience: Mapped[str] = mapped_column(String(20), default="all")
    on_holidays: Mapped[str] = mapped_column(String(20), default="closed")
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("starts_minute >= 0 AND starts_minute < 1440", name="starts"),
        CheckConstraint("ends_minute > starts_minute AND ends_minute <= 2880", name="ends"),
        one_of("audience", ["all", "outside"]),
        one_of("on_holidays", ["closed", "open"]),
        host_fk("opening_hours", "resource"),
        Index("ix_opening_hours_resource", "institution_id", "resource_id", "since"),
    )


class OpeningException(HostRow, Base):
    """A closure or an extra opening."""

    __tablename__ = "opening_exception"
    resource_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    audience: Mapped[str] = mapped_column(String(20), default="all")
    reason_zh: Mapped[str] = mapped_column(String(300), default="")
    reason_en: Mapped[str] = mapped_column(String(300), default="")
    created_by: Mapped[UUID | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant)
    series_id: Mapped[UUID | None] = mapped_column(Id)  # dates that were entered as one: every Monday, say
    __table_args__ = (
        one_of("kind", ["closure", "extra", "maintenance"]),
        one_of("audience", ["all", "outside"]),
        CheckConstraint("starts_at < ends_at", name="span"),
        host_fk("opening_exception", "resource"),
        host_fk("opening_exception", "unit"),
        Index("ix_opening_exception_resource", "institution_id", "resource_id", "starts_at"),
        Index("ix_opening_exception_series", "institution_id", "series_id"),
    )


class CalendarDay(Base):
    """A holiday or a make-up workday that an administrator entered or confirmed; goes before the library's."""

    __tablename__ = "calendar_day"
    jurisdiction: Mapped[str] = mapped_column(String(12), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name_zh: Mapped[str] = mapped_column(String(100), default="")
    name_en: Mapped[str] = mapped_column(String(100), default="")
    source: Mapped[str] = mapped_column(Text, default="")
    stands_for: Mapped[date | None] = mapped_column(Date)  # of a make-up workday: whose hours hold
    __table_args__ = (one_of("kind", ["holiday", "workday", "ordinary"]),)


class HouseRules(HostRow, Base):
    """The rules of the house for one resource from a day on, as data; versions never change once in force."""

    __tablename__ = "house_rules"
    resource_id: Mapped[UUID] = mapped_column(Id)
    number: Mapped[int] = mapped_column(Integer)
    since: Mapped[date] = mapped_column(Date)
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    # A search holds every window against them: HouseDocument.binds.
    binds: Mapped[bool] = mapped_column(Boolean, server_default=false())
    note: Mapped[str] = mapped_column(Text, default="")
    created_by: Mapped[UUID | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        host_fk("house_rules", "resource"),
        Index(
            "ix_house_rules_binds",
            "institution_id",
            "resource_id",
            "since",
            sqlite_where=text("binds"),
            postgresql_where=text("binds"),
        ),
        UniqueConstraint("institution_id", "resource_id", "number", name="uq_house_rules_number"),
        UniqueConstraint("institution_id", "resource_id", "since", name="uq_house_rules_since"),
    )


class Occupancy(HostRow, Base):
    """Holds a unit for a half-open span, set-up and tear-down included. Freed time is a deleted row; its history
    stands with whoever held it. Overlap is refused by the database (migrations/guards.py)."""

    __tablename__ = "occupancy"
    resource_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID] = mapped_column(Id)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    kind: Mapped[str] = mapped_column(String(20))
    holder_id: Mapped[UUID] = mapped_column(Id)  # booking, exception or import line
    expires_at: Mapped[datetime | None] = mapped_column(Instant)  # of what waits for somebody
    setup_seconds: Mapped[int] = mapped_column(Seconds, default=0)  # inside the span, at its start
    teardown_seconds: Mapped[int] = mapped_column(Seconds, default=0)  # inside the span, at its end
    __table_args__ = (
        one_of("kind", ["booking", "hold", "maintenance", "external"]),
        CheckConstraint("starts_at < ends_at", name="span"),
        host_fk("occupancy", "unit"),
        Index("ix_occupancy_unit", "institution_id", "unit_id", "starts_at"),
        Index("ix_occupancy_resource", "institution_id", "resource_id", "starts_at"),
        Index("ix_occupancy_holder", "institution_id", "holder_id"),
        Index("ix_occupancy_expires_at", "expires_at"),
        CheckConstraint("setup_seconds >= 0 AND teardown_seconds >= 0", name="margins"),
        BY_HOST,
    )


class FreeWindow(Base):
    """Kept time in which a booking may lie on a unit, changed in the same transaction as its occupancies.

    Rows of audience ``outside`` hold for customers from outside (all hours), those of ``all`` for everybody (hours
    without the protected ones), so that each search reads one set. Rows of one set never overlap or touch.
    """

    __tablename__ = "free_window"
    institution_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    audience: Mapped[str] = mapped_column(String(20), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    resource_id: Mapped[UUID] = mapped_column(Id)
    __table_args__ = (
        one_of("audience", ["all", "outside"]),
        CheckConstraint("starts_at < ends_at", name="span"),
        host_fk("free_window", "unit"),
        # Holds all that a search over every resource reads.
        Index(
            "ix_free_window_starts",
            "audience",
            "starts_at",
            "ends_at",
            postgresql_include=["institution_id", "resource_id"],
        ),
        Index("ix_free_window_resource", "institution_id", "resource_id", "audience", "ends_at"),
        BY_HOST,
    )


class FreeWindowReach(Base):
    """How far the free windows of a resource are kept: at least as far as anybody may book."""

    __tablename__ = "free_window_reach"
    institution_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        host_fk("free_window_reach", "resource"),
        Index("ix_free_window_reach_starts_at", "starts_at"),
    )


class CalendarLook(HostRow, Base):
    """A fetch of a calendar by its address that somebody of the host asked for; gone after an hour."""

    __tablename__ = "calendar_look"
    at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (Index("ix_calendar_look_at", "institution_id", "at"),)


class CalendarSource(HostRow, Base):
    """A laboratory's own calendar, read from a file or an address as busy time on one unit or all of them.

    The busy time itself stands in occupancies of kind ``external`` that this row holds. ``reach_at`` is how far
    recurrences are written out; ``due_at`` is when it is read next, None for one that waits for its manager.
    """

    __tablename__ = "calendar_source"
    resource_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID | None] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(120))
    url: Mapped[str | None] = mapped_column(Text)
    file_id: Mapped[UUID | None] = mapped_column(Id)
    zone: Mapped[str] = mapped_column(String(64))  # of times that name none
    zones: Mapped[dict[str, str]] = mapped_column(Json)  # what names stand for that nobody knows
    etag: Mapped[str] = mapped_column(String(300), default="")
    last_modified: Mapped[str] = mapped_column(String(100), default="")
    body_sha256: Mapped[bytes | None] = mapped_column(Bytes)
    tried_at: Mapped[datetime | None] = mapped_column(Instant)
    read_at: Mapped[datetime | None] = mapped_column(Instant)
    reach_at: Mapped[datetime | None] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    failures: Mapped[int] = mapped_column(Integer, default=0)  # in a row, since it was last read
    events: Mapped[int] = mapped_column(Integer, default=0)
    stretches: Mapped[int] = mapped_column(Integer, default=0)
    faults: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    created_by: Mapped[UUID | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        CheckConstraint("(url IS NULL) <> (file_id IS NULL)", name="origin"),
        host_fk("calendar_source", "resource"),
        host_fk("calendar_source", "unit"),
        Index("ix_calendar_source_resource", "institution_id", "resource_id"),
        Index("ix_calendar_source_due_at", "due_at"),
    )


class CalendarClash(HostRow, Base):
    """An event of a read calendar where somebody holds the unit already: the booking stays, the manager decides."""

    __tablename__ = "calendar_clash"
    source_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID] = mapped_column(Id)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    holder_id: Mapped[UUID] = mapped_column(Id)
    summary: Mapped[str] = mapped_column(String(300), default="")
    seen_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="span"),
        host_fk("calendar_clash", "calendar_source", "source_id"),
        host_fk("calendar_clash", "unit"),
        UniqueConstraint(
            "institution_id", "source_id", "unit_id", "holder_id", "starts_at", name="uq_calendar_clash_once"
        ),
    )
