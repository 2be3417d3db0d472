"""Tables of the inbox and of mail on its way."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import SharedRow, one_of
from resource_hub.infra.types import Id, Instant, Json


class Notice(SharedRow, Base):
    """One message to one person. Kind and values are stored; the sentence is made in the reader's language."""

    __tablename__ = "notice"
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("organisation.id"))
    kind: Mapped[str] = mapped_column(String(80))
    values: Mapped[dict[str, Any]] = mapped_column(Json)
    link: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(Instant)
    read_at: Mapped[datetime | None] = mapped_column(Instant)
    key: Mapped[str | None] = mapped_column(String(200))  # of the happening: the same is told once
    until: Mapped[datetime | None] = mapped_column(Instant)  # a question: from then on it stands in no inbox
    __table_args__ = (
        Index("ix_notice_person", "person_id", "created_at"),
        Index("ix_notice_unread", "person_id", "read_at"),
        Index("ix_notice_key", "person_id", "kind", "key"),
    )


class NoticePreference(Base):
    __tablename__ = "notice_preference"
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(80), primary_key=True)
    inbox: Mapped[bool] = mapped_column(Boolean, default=True)
    mail: Mapped[bool] = mapped_column(Boolean, default=True)


class MailMessage(SharedRow, Base):
    """Mail to be sent, with a Message-ID that stays the same when a crash makes it go out twice."""

    __tablename__ = "mail_message"
    person_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("person.id"))
    notice_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("notice.id"))
    message_id: Mapped[str] = mapped_column(String(200))
    recipient: Mapped[str] = mapped_column(String(254))
    locale: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(80))
    values: Mapped[dict[str, Any]] = mapped_column(Json)
    link: Mapped[str] = mapped_column(String(500), default="")
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    not_before: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("state", ["waiting", "sent", "failed"]),
        UniqueConstraint("message_id", name="uq_mail_message_message_id"),
        Index("ix_mail_message_due", "state", "not_before"),
        Index("ix_mail_message_link", "link"),
    )
