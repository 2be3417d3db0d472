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
    """Kept list price of a resource for a mode of use and a class of customer under one approved tariff, so that
    thousands of resources can be put in order of price. Derived from the tariff in the unit that puts it in force.

    In force on a day: ``since`` not after it and ``until`` (None: open) after it, so no job is needed when a new
    tariff's day comes. ``list_minor`` is None, and ``per`` is ``ask``, where the price is made on request.
    """

    __tablename__ = "indicative_price"
    institution_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    customer_class: Mapped[str] = mapped_column(String(30), primary_key=True)
    mode: Mapped[str] = mapped_column(String(20), primary_key=True)
    since: Mapped[date] = mapped_column(Date, primary_key=True)
    until: Mapped[date | None] = mapped_column(Date)
    list_minor: Mapped[int | None] = mapped_column(Minor)
    per: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3))
    tariff_id: Mapped[UUID] = mapped_column(Id)
    __table_args__ = (
        host_fk("indicative_price", "resource"),
        host_fk("indicative_price", "tariff"),
        Index("ix_indicative_price_class", "customer_class", "mode", "institution_id", "resource_id"),
        Index("ix_indicative_price_tariff", "institution_id", "tariff_id"),
    )
