"""Tables of dated price rules. Host's rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import HostRow, host_fk, one_of
from resource_hub.infra.types import Id, Instant, Json, Minor


class Tariff(HostRow, Base):
    """Prices of one resource from a day on. In force: approved and the latest ``since`` not after the day."""

    __tablename__ = "tariff"
    resource_id: Mapped[UUID] = mapped_column(Id)
    number: Mapped[int] = mapped_column(Integer)
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    basis: Mapped[str] = mapped_column(
        Text, default=""
    )  # why these prices: cost worksheet, decision of the office
    note: Mapped[str] = mapped_column(Text, default="")
    submitted_by: Mapped[UUID | None] = mapped_column(Id)
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[UUID | None] = mapped_column(Id)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decision_note: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("state", ["draft", "pending", "approved", "refused", "withdrawn"]),
        host_fk("tariff", "resource"),
        UniqueConstraint("institution_id", "resource_id", "number", name="uq_tariff_number"),
        # Dated tariffs never overlap: each holds until the next one's day, and no two start on the same.
        Index(
            "uq_tariff_approved_since",
            "institution_id",
            "resource_id",
            "since",
            unique=True,
            sqlite_where=text("state = 'approved'"),
            postgresql_where=text("state = 'approved'"),
        ),
        Index("ix_tariff_in_force", "institution_id", "resource_id", "state", "since"),
    )


class IndicativePrice(Base):
    """Kept list price per hour (or per sample) of a resource for a class of customer, to order search results."""

    __tablename__ = "indicative_price"
    institution_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    customer_class: Mapped[str] = mapped_column(String(30), primary_key=True)
    list_minor: Mapped[int] = mapped_column(Minor)
    net_minor: Mapped[int] = mapped_column(Minor)
    per: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    tariff_id: Mapped[UUID] = mapped_column(Id)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (host_fk("indicative_price", "resource"),)
