"""Time that customers gave back late, by moving or shortening an order."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import HostRow, host_fk
from resource_hub.infra.types import Id, Instant, Minor


class GivenBack(HostRow, Base):
    """A stretch of an order that its customer gave back late, and what that costs; like the fee of a late cancellation
    it is decided when the stretch begins. It stays with who gave it back, whoever has the order afterwards."""

    __tablename__ = "given_back"
    order_id: Mapped[UUID] = mapped_column(Id)
    booking_id: Mapped[UUID] = mapped_column(Id)  # the order itself, or what is booked along with it
    resource_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID | None] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    customer_class: Mapped[str] = mapped_column(String(30))
    tariff_id: Mapped[UUID] = mapped_column(Id)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    fee_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    given_at: Mapped[datetime] = mapped_column(Instant)
    decides_at: Mapped[datetime | None] = mapped_column(
        Instant
    )  # then the fee is owed, or somebody has the time
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="span"),
        CheckConstraint("fee_minor >= 0", name="fee"),
        host_fk("given_back", "booking", "order_id"),
        host_fk("given_back", "booking"),
        host_fk("given_back", "resource"),
        Index("ix_given_back_order", "institution_id", "order_id", "starts_at"),
        Index("ix_given_back_decides_at", "decides_at"),
    )
