"""Tables of what only people know for an assessment, and of frozen scores. Host's rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import HostRow, host_fk, one_of
from resource_hub.infra.types import Bytes, Id, Instant, Json


class AssessmentInput(HostRow, Base):
    """Append-only history of entered figures; the highest version of a key holds."""

    __tablename__ = "assessment_input"
    scheme: Mapped[str] = mapped_column(String(120))
    period: Mapped[date] = mapped_column(Date)  # first day
    resource_id: Mapped[UUID | None] = mapped_column(Id)
    subject: Mapped[str] = mapped_column(String(40))  # resource id as text, or "institution"
    item: Mapped[str] = mapped_column(String(80))
    value: Mapped[str] = mapped_column(String(60))  # exact decimal as text
    version: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text, default="")
    entered_by: Mapped[UUID | None] = mapped_column(Id)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        host_fk("assessment_input", "resource"),
        UniqueConstraint(
            "institution_id",
            "scheme",
            "period",
            "subject",
            "item",
            "version",
            name="uq_assessment_input_version",
        ),
    )


class ScoreRun(HostRow, Base):
    """A score as it was computed: facts, parameters, result and digest, so that it can be replayed."""

    __tablename__ = "score_run"
    scheme: Mapped[str] = mapped_column(String(120))
    scheme_version: Mapped[str] = mapped_column(String(60))
    period: Mapped[date] = mapped_column(Date)
    resource_id: Mapped[UUID | None] = mapped_column(Id)
    state: Mapped[str] = mapped_column(String(20))
    as_of: Mapped[datetime] = mapped_column(Instant)
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    low: Mapped[str] = mapped_column(String(30))
    high: Mapped[str] = mapped_column(String(30))
    grade: Mapped[str] = mapped_column(String(30), default="")
    body: Mapped[bytes] = mapped_column(Bytes)
    digest: Mapped[bytes] = mapped_column(Bytes)
    created_by: Mapped[UUID | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("state", ["draft", "frozen", "replaced"]),
        host_fk("score_run", "resource"),
        Index("ix_score_run_period", "institution_id", "scheme", "period"),
    )
