"""Tables of quotes, bookings and what happens to them. Host's rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.domain.booking import after_tables as after_tables
from resource_hub.domain.booking import bar_tables as bar_tables
from resource_hub.domain.booking import given_back_tables as given_back_tables
from resource_hub.domain.booking import hand_over_tables as hand_over_tables
from resource_hub.infra.database import Base
from resource_hub.infra.rows import BY_HOST, HostRow, host_fk, one_of
from resource_hub.infra.types import Id, Instant, Json, Minor, Seconds

STATES = [
    "held", "requested", "approved", "in_use", "done", "cancelled", "rejected", "expired", "no_show",
    "received", "in_progress", "delivered",
]  # fmt: skip


class Inquiry(HostRow, Base):
    """A customer asks what something would cost, where no tariff says it."""

    __tablename__ = "inquiry"
    number: Mapped[str] = mapped_column(String(30))
    resource_id: Mapped[UUID] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(20))
    mode: Mapped[str] = mapped_column(String(20))
    length_seconds: Mapped[int] = mapped_column(Seconds)
    samples: Mapped[int] = mapped_column(Integer)
    wanted_from: Mapped[date | None] = mapped_column(Date)
    wanted_until: Mapped[date | None] = mapped_column(Date)
    description: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["window", "samples", "access"]),
        one_of("state", ["asked", "given", "accepted", "declined", "refused", "withdrawn"]),
        CheckConstraint("length_seconds >= 0 AND samples >= 0", name="amounts"),
        host_fk("inquiry", "resource"),
        UniqueConstraint("institution_id", "number", name="uq_inquiry_number"),
        Index("ix_inquiry_state", "institution_id", "state", "created_at"),
        Index("ix_inquiry_customer", "customer_id", "created_at"),
    )


class InquiryAgain(HostRow, Base):
    """An inquiry that asks again what a former one asked; its id is the new one's."""

    __tablename__ = "inquiry_again"
    former_id: Mapped[UUID] = mapped_column(Id)
    __table_args__ = (
        CheckConstraint("former_id <> id", name="other"),
        host_fk("inquiry_again", "inquiry", "id"),
        host_fk("inquiry_again", "inquiry", "former_id"),
        UniqueConstraint("institution_id", "former_id", name="uq_inquiry_again_former"),
    )


class OutsideHours(HostRow, Base):
    """A booking that a public holiday or make-up workday has left outside the hours; its id is the booking's. Its host
    settles it: it stays, moves or is cancelled."""

    __tablename__ = "outside_hours"
    resource_id: Mapped[UUID] = mapped_column(Id)
    starts_at: Mapped[datetime] = mapped_column(Instant)  # of the booking then: one that moves is settled
    noted_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_by: Mapped[UUID | None] = mapped_column(Id)
    __table_args__ = (
        host_fk("outside_hours", "booking", "id"),
        host_fk("outside_hours", "resource"),
        Index("ix_outside_hours_resource", "institution_id", "settled_at", "resource_id"),
    )


class InquiryFile(HostRow, Base):
    """A document that says more about an inquiry: a drawing, a sample list."""

    __tablename__ = "inquiry_file"
    inquiry_id: Mapped[UUID] = mapped_column(Id)
    file_organisation_id: Mapped[UUID] = mapped_column(Id)
    file_id: Mapped[UUID] = mapped_column(Id)
    __table_args__ = (
        host_fk("inquiry_file", "inquiry"),
        Index("ix_inquiry_file_inquiry", "institution_id", "inquiry_id"),
    )


class GivenQuote(HostRow, Base):
    """A price that the host named by hand for an inquiry; another price is another version, and the old one stays. Who
    named it is never who accepts it."""

    __tablename__ = "given_quote"
    inquiry_id: Mapped[UUID] = mapped_column(Id)
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(20))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    total_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    valid_until: Mapped[date] = mapped_column(Date)  # the last day, in the host's zone
    note: Mapped[str] = mapped_column(Text, default="")
    given_by: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    given_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[UUID | None] = mapped_column(Id)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (
        one_of("state", ["given", "accepted", "declined", "withdrawn", "replaced"]),
        CheckConstraint("total_minor > 0", name="total"),
        CheckConstraint(
            "state NOT IN ('accepted','declined') OR decided_by <> given_by", name="second_person"
        ),
        host_fk("given_quote", "inquiry"),
        UniqueConstraint("institution_id", "inquiry_id", "number", name="uq_given_quote_number"),
    )


class Quote(HostRow, Base):
    """A price frozen with its tariff version: to pay, expected back, in the end."""

    __tablename__ = "quote"
    resource_id: Mapped[UUID] = mapped_column(Id)
    customer_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("customer.id"))
    customer_class: Mapped[str] = mapped_column(String(30))
    tariff_id: Mapped[UUID | None] = mapped_column(Id)
    use: Mapped[dict[str, Any]] = mapped_column(Json)  # what was priced
    lines: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    support: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    list_minor: Mapped[int] = mapped_column(Minor)
    to_pay_minor: Mapped[int] = mapped_column(Minor)
    back_minor: Mapped[int] = mapped_column(Minor)
    net_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    valid_until: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[UUID | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        host_fk("quote", "resource"),
        CheckConstraint("net_minor = to_pay_minor - back_minor", name="net"),
        BY_HOST,
    )


class AgreedQuote(HostRow, Base):
    """Which frozen price was made of a quote that the host gave by hand; its id is the frozen one's."""

    __tablename__ = "agreed_quote"
    given_id: Mapped[UUID] = mapped_column(Id)
    __table_args__ = (
        host_fk("agreed_quote", "quote", "id"),
        host_fk("agreed_quote", "given_quote", "given_id"),
        Index("ix_agreed_quote_given", "institution_id", "given_id"),
    )


_ALONG = text("parent_id IS NOT NULL")


class Booking(HostRow, Base):
    """A customer's order: a window of time, samples to be sent in, or access to something untimed.

    Its id, number and calendar UID stay the same through every change.
    """

    __tablename__ = "booking"
    number: Mapped[str] = mapped_column(String(30))
    kind: Mapped[str] = mapped_column(String(20))
    mode: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    resource_id: Mapped[UUID] = mapped_column(Id)
    unit_id: Mapped[UUID | None] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    customer_class: Mapped[str] = mapped_column(String(30))
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))  # for whom
    booked_by: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    starts_at: Mapped[datetime | None] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    setup_seconds: Mapped[int] = mapped_column(Seconds, default=0)
    teardown_seconds: Mapped[int] = mapped_column(Seconds, default=0)
    purpose: Mapped[str] = mapped_column(String(40))
    project: Mapped[str] = mapped_column(String(200), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    samples: Mapped[int] = mapped_column(Integer, default=0)
    hazard: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    answers: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    quote_id: Mapped[UUID | None] = mapped_column(Id)
    tariff_id: Mapped[UUID | None] = mapped_column(Id)
    rules_number: Mapped[int | None] = mapped_column(Integer)  # version of the house rules it was judged by
    series_id: Mapped[UUID | None] = mapped_column(Id)
    parent_id: Mapped[UUID | None] = mapped_column(Id)  # of a resource booked together with another
    extras: Mapped[list[str]] = mapped_column(Json, default=list)
    items: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    ical_uid: Mapped[str] = mapped_column(String(200))
    ical_sequence: Mapped[int] = mapped_column(Integer, default=0)
    hold_expires_at: Mapped[datetime | None] = mapped_column(Instant)
    answer_by: Mapped[datetime | None] = mapped_column(Instant)  # the manager's clock
    decided_by: Mapped[UUID | None] = mapped_column(Id)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decision_note: Mapped[str] = mapped_column(Text, default="")
    cancelled_at: Mapped[datetime | None] = mapped_column(Instant)
    cancelled_by: Mapped[UUID | None] = mapped_column(Id)
    cancel_reason: Mapped[str] = mapped_column(Text, default="")
    cancel_fee_minor: Mapped[int] = mapped_column(Minor, default=0)
    fee_decides_at: Mapped[datetime | None] = mapped_column(
        Instant
    )  # then the fee is owed, or the slot was taken
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["window", "samples", "access"]),
        one_of("state", STATES),
        CheckConstraint("starts_at < ends_at", name="span"),
        CheckConstraint("kind <> 'window' OR (starts_at IS NOT NULL AND ends_at IS NOT NULL)", name="window"),
        CheckConstraint("samples >= 0", name="samples"),
        host_fk("booking", "resource"),
        host_fk("booking", "unit"),
        host_fk("booking", "quote"),
        # None but the primary key begins with the institution. A reference names both, and until PostgreSQL has counted
        # rows, it takes any such index for as good: it then reads all bookings of a host for each that is written.
        UniqueConstraint("number", "institution_id", name="uq_booking_number"),
        Index("ix_booking_resource", "resource_id", "starts_at"),
        Index("ix_booking_state", "state", "institution_id", "starts_at"),
        Index("ix_booking_customer", "customer_id", "starts_at"),
        Index("ix_booking_person", "person_id", "starts_at"),
        Index("ix_booking_parent", "parent_id", sqlite_where=_ALONG, postgresql_where=_ALONG),
        Index("ix_booking_fee_decides_at", "fee_decides_at"),
        BY_HOST,
    )


_HANDED_OVER = text("kind = 'handed_over'")


class BookingEvent(HostRow, Base):
    """Append-only history of a booking: who did what, when, and what changed."""

    __tablename__ = "booking_event"
    booking_id: Mapped[UUID] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[UUID | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(40))
    details: Mapped[dict[str, Any]] = mapped_column(Json)
    __table_args__ = (
        host_fk("booking_event", "booking"),
        Index("ix_booking_event_booking", "institution_id", "booking_id", "at"),
        Index("ix_booking_event_handed_over", "at", sqlite_where=_HANDED_OVER, postgresql_where=_HANDED_OVER),
        BY_HOST,
    )


class BookingMessage(HostRow, Base):
    """Erasable: what the two parties wrote to each other."""

    __tablename__ = "booking_message"
    booking_id: Mapped[UUID] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    from_host: Mapped[bool] = mapped_column()
    text: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        host_fk("booking_message", "booking"),
        Index("ix_booking_message_booking", "institution_id", "booking_id", "at"),
        BY_HOST,
    )


class BookingFile(HostRow, Base):
    """A document attached to a booking: a sample list, a safety sheet, a result."""

    __tablename__ = "booking_file"
    booking_id: Mapped[UUID] = mapped_column(Id)
    file_organisation_id: Mapped[UUID] = mapped_column(Id)
    file_id: Mapped[UUID] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    __table_args__ = (
        one_of("kind", ["attachment", "hazard", "result", "contract"]),
        host_fk("booking_file", "booking"),
        Index("ix_booking_file_booking", "institution_id", "booking_id"),
        BY_HOST,
    )


class BookingSeries(HostRow, Base):
    """A rule by which somebody books again and again. Its bookings are bookings like all others, each with an id,
    number and calendar UID of its own."""

    __tablename__ = "booking_series"
    resource_id: Mapped[UUID] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))  # for whom
    booked_by: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    rule: Mapped[dict[str, Any]] = mapped_column(Json)
    starts_minute: Mapped[int] = mapped_column(Integer)  # of the host's wall clock
    length_seconds: Mapped[int] = mapped_column(Seconds)
    split_from: Mapped[UUID | None] = mapped_column(Id)  # the earlier part, after "this and following"
    request_key: Mapped[str | None] = mapped_column(String(80))  # one sending makes one series
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        CheckConstraint("starts_minute >= 0 AND starts_minute < 1440", name="starts"),
        CheckConstraint("length_seconds > 0", name="length"),
        host_fk("booking_series", "resource"),
        UniqueConstraint("institution_id", "booked_by", "request_key", name="uq_booking_series_request"),
        Index("ix_booking_series_customer", "customer_id", "created_at"),
    )


class SeriesOccurrence(HostRow, Base):
    """One day of a series: the booking that it became, or none where the user left the day out. A booking that names
    the series no more was handed over to another customer."""

    __tablename__ = "series_occurrence"
    series_id: Mapped[UUID] = mapped_column(Id)
    day: Mapped[date] = mapped_column(Date)  # by the rule, in the host's zone; a moved booking keeps it
    booking_id: Mapped[UUID | None] = mapped_column(Id)
    __table_args__ = (
        host_fk("series_occurrence", "booking_series", "series_id"),
        host_fk("series_occurrence", "booking"),
        UniqueConstraint("institution_id", "series_id", "day", name="uq_series_occurrence_day"),
        UniqueConstraint("institution_id", "booking_id", name="uq_series_occurrence_booking"),
        BY_HOST,
    )


class WaitingEntry(HostRow, Base):
    """Somebody waits for time on a resource: first come, first offered."""

    __tablename__ = "waiting_entry"
    resource_id: Mapped[UUID] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    earliest: Mapped[datetime] = mapped_column(Instant)
    latest: Mapped[datetime] = mapped_column(Instant)
    length_seconds: Mapped[int] = mapped_column(Seconds)
    wish: Mapped[dict[str, Any]] = mapped_column(Json)  # mode, purpose and what else the order needs
    booking_id: Mapped[UUID | None] = mapped_column(Id)  # the hold that is offered, later the booking
    offered_until: Mapped[datetime | None] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["queue", "alert"]),
        one_of("state", ["waiting", "offered", "booked", "missed", "left", "over"]),
        CheckConstraint("earliest < latest", name="span"),
        CheckConstraint("length_seconds > 0", name="length"),
        host_fk("waiting_entry", "resource"),
        host_fk("waiting_entry", "booking"),
        Index("ix_waiting_entry_resource", "institution_id", "resource_id", "state", "created_at"),
        Index("ix_waiting_entry_customer", "customer_id", "state"),
        Index("ix_waiting_entry_state", "state", "latest"),
    )


class Strike(HostRow, Base):
    """A mark against a person for a no-show or the like, by the house rules or by hand; counts until it expires or
    is lifted. Who decides on an appeal is never who gave it."""

    __tablename__ = "strike"
    resource_id: Mapped[UUID] = mapped_column(Id)
    booking_id: Mapped[UUID | None] = mapped_column(Id)
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    given_at: Mapped[datetime] = mapped_column(Instant)
    given_by: Mapped[UUID | None] = mapped_column(Id)  # none: by the rules
    expires_at: Mapped[datetime] = mapped_column(Instant)
    rules_number: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text, default="")
    appealed_at: Mapped[datetime | None] = mapped_column(Instant)
    appealed_by: Mapped[UUID | None] = mapped_column(Id)
    appeal: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[UUID | None] = mapped_column(Id)
    decision: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    __table_args__ = (
        one_of("kind", ["no_show", "late_cancel", "late", "misuse", "mismatch"]),
        one_of("state", ["given", "appealed", "upheld", "lifted"]),
        CheckConstraint("given_at < expires_at", name="span"),
        CheckConstraint("decided_by IS NULL OR decided_by <> given_by", name="second_person"),
        host_fk("strike", "resource"),
        host_fk("strike", "booking"),
        UniqueConstraint("institution_id", "booking_id", "kind", name="uq_strike_booking"),
        Index("ix_strike_person", "person_id", "given_at"),
        Index("ix_strike_state", "institution_id", "state", "given_at"),
    )


class AnswerStep(HostRow, Base):
    """One of the answers that an order waits for, where the house rules ask several people one after another. A
    change that asks anew begins another round."""

    __tablename__ = "answer_step"
    booking_id: Mapped[UUID] = mapped_column(Id)
    round: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    who: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[datetime | None] = mapped_column(Instant)
    remind_at: Mapped[datetime | None] = mapped_column(Instant)
    answer_by: Mapped[datetime | None] = mapped_column(Instant)
    escalated_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[UUID | None] = mapped_column(Id)
    note: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (
        one_of("who", ["manager", "office", "approver"]),
        one_of("state", ["waiting", "open", "approved", "consented", "rejected", "dropped"]),
        host_fk("answer_step", "booking"),
        UniqueConstraint("institution_id", "booking_id", "round", "position", name="uq_answer_step_position"),
        Index("ix_answer_step_due", "state", "answer_by"),
    )
