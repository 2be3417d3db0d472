"""The table of offers to take a booking over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import HostRow, host_fk, one_of
from resource_hub.infra.types import Id, Instant


class HandOverOffer(HostRow, Base):
    """An offer to a customer of another organisation to take a booking over; one at a time."""

    __tablename__ = "hand_over_offer"
    booking_id: Mapped[UUID] = mapped_column(Id)
    from_customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    to_customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    state: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text, default="")
    offered_by: Mapped[UUID] = mapped_column(Id)
    offered_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    answered_by: Mapped[UUID | None] = mapped_column(Id)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    __table_args__ = (
        one_of("state", ["open", "accepted", "declined", "withdrawn", "expired"]),
        CheckConstraint("offered_at < expires_at", name="span"),
        CheckConstraint("from_customer_id <> to_customer_id", name="another"),
        host_fk("hand_over_offer", "booking"),
        Index(
            "uq_hand_over_offer_open",
            "institution_id",
            "booking_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_hand_over_offer_to", "to_customer_id", "state"),
        Index("ix_hand_over_offer_from", "from_customer_id", "state"),
        Index("ix_hand_over_offer_due", "state", "expires_at"),
    )
