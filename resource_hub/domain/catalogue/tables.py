"""Tables of what is listed. Host's rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import HostRow, host_fk, one_of
from resource_hub.infra.types import Id, Instant, Json, Minor

# Search tokens: text on SQLite, where FTS5 indexes it; a tsvector with positions on PostgreSQL.
SearchTokens = Text().with_variant(TSVECTOR(), "postgresql")


class Resource(HostRow, Base):
    """Anything listed, as it is in force now; drafts stand in ``listing_change`` until they are approved."""

    __tablename__ = "resource"
    code: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    department_id: Mapped[UUID | None] = mapped_column(Id)
    name_zh: Mapped[str] = mapped_column(String(300))
    name_en: Mapped[str] = mapped_column(String(300), default="")
    summary_zh: Mapped[str] = mapped_column(Text, default="")
    summary_en: Mapped[str] = mapped_column(Text, default="")
    class_code: Mapped[str] = mapped_column(String(12), default="")
    maker: Mapped[str] = mapped_column(String(200), default="")
    model: Mapped[str] = mapped_column(String(200), default="")
    country: Mapped[str] = mapped_column(String(80), default="")
    specification: Mapped[list[list[str]]] = mapped_column(
        Json, default=list
    )  # name and value, in their order
    accessories: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # fields of its kind
    place_zh: Mapped[str] = mapped_column(String(300), default="")
    place_en: Mapped[str] = mapped_column(String(300), default="")
    city: Mapped[str] = mapped_column(String(80), default="")
    latitude_micro: Mapped[int | None] = mapped_column(Integer)  # millionths of a degree
    longitude_micro: Mapped[int | None] = mapped_column(Integer)
    original_value_minor: Mapped[int | None] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    accepted_on: Mapped[date | None] = mapped_column(Date)
    commissioned_on: Mapped[date | None] = mapped_column(Date)
    decommissioned_on: Mapped[date | None] = mapped_column(Date)
    general_purpose: Mapped[bool] = mapped_column(Boolean, default=True)
    modes: Mapped[list[str]] = mapped_column(Json, default=list)
    bookable: Mapped[bool] = mapped_column(Boolean, default=False)
    open_to_outside: Mapped[bool] = mapped_column(Boolean, default=True)
    listed: Mapped[bool] = mapped_column(
        Boolean, default=True
    )  # helpers (operator, preparation room) are not
    contact_name: Mapped[str] = mapped_column(String(120), default="")
    contact_phone: Mapped[str] = mapped_column(String(60), default="")
    contact_email: Mapped[str] = mapped_column(String(254), default="")
    contact_verified_on: Mapped[date | None] = mapped_column(Date)
    rules_zh: Mapped[str] = mapped_column(Text, default="")
    rules_en: Mapped[str] = mapped_column(Text, default="")
    photo_id: Mapped[UUID | None] = mapped_column(Id)
    state: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20), default="normal")  # working order
    listed_on: Mapped[date | None] = mapped_column(Date)
    source_key: Mapped[str | None] = mapped_column(String(200))
    source_digest: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["instrument", "facility", "natural", "dataset", "literature", "service"]),
        one_of("state", ["draft", "pending", "public", "withdrawn"]),
        host_fk("resource", "department"),
        CheckConstraint(
            "original_value_minor IS NULL OR original_value_minor >= 0", name="value_not_negative"
        ),
        UniqueConstraint("institution_id", "code", name="uq_resource_code"),
        UniqueConstraint("institution_id", "source_key", name="uq_resource_source_key"),
        Index("ix_resource_state", "state", "kind"),
        Index("ix_resource_department", "institution_id", "department_id"),
    )


class ResourceLink(HostRow, Base):
    """A resource that is booked together with another: always, or where the customer wishes it."""

    __tablename__ = "resource_link"
    resource_id: Mapped[UUID] = mapped_column(Id)
    helper_id: Mapped[UUID] = mapped_column(Id)
    required: Mapped[bool] = mapped_column(Boolean, default=True)
    position: Mapped[int] = mapped_column(Integer, default=1)
    __table_args__ = (
        CheckConstraint("resource_id <> helper_id", name="another"),
        host_fk("resource_link", "resource"),
        host_fk("resource_link", "resource", "helper_id"),
        UniqueConstraint("institution_id", "resource_id", "helper_id", name="uq_resource_link_helper"),
        Index("ix_resource_link_helper", "institution_id", "helper_id"),
    )


class Unit(HostRow, Base):
    """One bookable lane of a resource."""

    __tablename__ = "unit"
    resource_id: Mapped[UUID] = mapped_column(Id)
    code: Mapped[str] = mapped_column(String(60))  # unique in the institution: it stands in the QR address
    name_zh: Mapped[str] = mapped_column(String(120), default="")
    name_en: Mapped[str] = mapped_column(String(120), default="")
    position: Mapped[int] = mapped_column(Integer, default=1)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    serial_number: Mapped[str] = mapped_column(String(100), default="")
    kiosk_secret: Mapped[str | None] = mapped_column(String(64))  # seeds the rotating code on its screen
    source_key: Mapped[str | None] = mapped_column(String(200))
    __table_args__ = (
        host_fk("unit", "resource"),
        UniqueConstraint("institution_id", "code", name="uq_unit_code"),
        UniqueConstraint("institution_id", "resource_id", "position", name="uq_unit_position"),
    )


class ListingChange(HostRow, Base):
    """A dated change of a listing on its way through approval: the fields as they will be."""

    __tablename__ = "listing_change"
    resource_id: Mapped[UUID] = mapped_column(Id)
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(20))
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    effective_on: Mapped[date | None] = mapped_column(Date)
    note: Mapped[str] = mapped_column(Text, default="")
    decision_note: Mapped[str] = mapped_column(Text, default="")
    submitted_by: Mapped[UUID | None] = mapped_column(Id)
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[UUID | None] = mapped_column(Id)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    applied_at: Mapped[datetime | None] = mapped_column(Instant)
    withdraws: Mapped[bool] = mapped_column(Boolean, default=False)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("state", ["draft", "pending", "approved", "refused", "in_force", "superseded"]),
        host_fk("listing_change", "resource"),
        UniqueConstraint("institution_id", "resource_id", "number", name="uq_listing_change_number"),
        Index("ix_listing_change_state", "institution_id", "state"),
        Index("ix_listing_change_due", "state", "effective_on"),
    )


class ImportMapping(HostRow, Base):
    __tablename__ = "import_mapping"
    name: Mapped[str] = mapped_column(String(120))
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (UniqueConstraint("institution_id", "name", name="uq_import_mapping_name"),)


class ImportRun(HostRow, Base):
    """One import from upload to report; leaving the page loses nothing."""

    __tablename__ = "import_run"
    file_id: Mapped[UUID] = mapped_column(Id)
    file_name: Mapped[str] = mapped_column(String(300))
    mapping: Mapped[dict[str, Any]] = mapped_column(Json)
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(String(20))
    rows: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    created: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    unchanged: Mapped[int] = mapped_column(Integer, default=0)
    refused: Mapped[int] = mapped_column(Integer, default=0)
    report: Mapped[list[dict[str, Any]]] = mapped_column(
        Json, default=list
    )  # problems, capped; `refused` counts all
    shape: Mapped[dict[str, Any]] = mapped_column(
        Json, default=dict
    )  # encoding, delimiter, sheet, headings as read
    error: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)  # why the file as a whole failed
    version: Mapped[int] = mapped_column(Integer, default=1)
    started_by: Mapped[UUID | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        one_of("state", ["uploaded", "checked", "waiting", "running", "done", "failed"]),
        Index("ix_import_run_state", "state", "created_at"),
        Index("ix_import_run_institution", "institution_id", "created_at"),
    )


class ResourceIndex(Base):
    """What the search reads: one row a public resource, derived from it and rebuilt at will.

    ``tokens`` are search text (`text.tokens`): plain words on SQLite, where the FTS5 table ``resource_text``
    indexes them, a tsvector with a GIN index on PostgreSQL (both made by migrations/guards.py). ``docid`` is
    the row number that FTS5 needs; nothing else refers to it.
    """

    __tablename__ = "resource_index"
    docid: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True
    )
    institution_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"))
    resource_id: Mapped[UUID] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    class_code: Mapped[str] = mapped_column(String(12), default="")
    class_group: Mapped[str] = mapped_column(String(2), default="")  # first two digits, for the facet
    city: Mapped[str] = mapped_column(String(80), default="")
    modes: Mapped[int] = mapped_column(Integer, default=0)  # bits of terms.MODE_BITS
    open_to_outside: Mapped[bool] = mapped_column(Boolean)
    latitude_micro: Mapped[int | None] = mapped_column(Integer)
    longitude_micro: Mapped[int | None] = mapped_column(Integer)
    sort_name: Mapped[str] = mapped_column(String(120))
    listed_on: Mapped[date | None] = mapped_column(Date)
    words: Mapped[str] = mapped_column(Text, default="")  # words worth proposing when nothing is found
    tokens: Mapped[str] = mapped_column(SearchTokens)
    __table_args__ = (
        ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_resource_index_resource",
        ),
        UniqueConstraint("institution_id", "resource_id", name="uq_resource_index_resource"),
        Index("ix_resource_index_kind", "kind", "city"),
        Index("ix_resource_index_city", "city"),
        Index("ix_resource_index_sort_name", "sort_name", "docid"),
    )


class SavedSearch(Base):
    """A search that a person wants to see again."""

    __tablename__ = "saved_search"
    person_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    query: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
