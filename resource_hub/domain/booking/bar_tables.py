"""Bars that the host ended before their time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import HostRow, host_fk
from resource_hub.infra.types import Id, Instant


class BarLift(HostRow, Base):
    """The host ended a person's bar from a resource: strikes given until then bar no more, though they still count."""

    __tablename__ = "bar_lift"
    resource_id: Mapped[UUID] = mapped_column(Id)
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    lifted_at: Mapped[datetime] = mapped_column(Instant)
    lifted_by: Mapped[UUID] = mapped_column(Id)
    reason: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        host_fk("bar_lift", "resource"),
        Index("ix_bar_lift_person", "institution_id", "person_id", "resource_id"),
    )
