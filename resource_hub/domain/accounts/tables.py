"""Tables of organisations, people, customers and how people sign in. Shared rows: small, keyed by ``id``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from resource_hub.infra.database import Base
from resource_hub.infra.rows import HostRow, SharedRow, host_fk, one_of
from resource_hub.infra.types import Bytes, Id, Instant, Json, Minor


class Organisation(SharedRow, Base):
    """Institution, firm, funder or the platform itself."""

    __tablename__ = "organisation"
    kind: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(60))  # names it in addresses
    name_zh: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    uscc: Mapped[str | None] = mapped_column(String(18))
    uscc_override_reason: Mapped[str | None] = mapped_column(Text)
    uscc_override_by: Mapped[UUID | None] = mapped_column(Id)
    state: Mapped[str] = mapped_column(String(20))
    zone: Mapped[str] = mapped_column(String(60), default="Asia/Shanghai")
    jurisdiction: Mapped[str] = mapped_column(
        String(12), default="CN"
    )  # ISO country or GB/T 2260 region code
    region_zh: Mapped[str] = mapped_column(String(100), default="")
    region_en: Mapped[str] = mapped_column(String(100), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    website: Mapped[str] = mapped_column(String(300), default="")
    about_zh: Mapped[str] = mapped_column(Text, default="")
    about_en: Mapped[str] = mapped_column(Text, default="")
    settings: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    source_key: Mapped[str | None] = mapped_column(String(200))  # natural key of an imported row
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["institution", "firm", "funder", "platform"]),
        one_of("state", ["pending", "active", "suspended", "merged", "rejected"]),
        UniqueConstraint("code", name="uq_organisation_code"),
        UniqueConstraint("uscc", name="uq_organisation_uscc"),
        UniqueConstraint("source_key", name="uq_organisation_source_key"),
        Index("ix_organisation_kind", "kind", "state"),
    )


class Department(HostRow, Base):
    """Department or laboratory of an institution."""

    __tablename__ = "department"
    parent_id: Mapped[UUID | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20), default="laboratory")
    code: Mapped[str] = mapped_column(String(60))
    name_zh: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    __table_args__ = (
        one_of("kind", ["department", "laboratory"]),
        host_fk("department", "department", "parent_id"),
        UniqueConstraint("institution_id", "code", name="uq_department_code"),
    )


class FirmFacts(SharedRow, Base):
    """Facts of a firm as of a date; its size class by date is derived from them."""

    __tablename__ = "firm_facts"
    organisation_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"))
    as_of: Mapped[date] = mapped_column(Date)
    sector: Mapped[str] = mapped_column(String(40))
    # Not known is NULL, never zero; a sector's row may not ask for all three.
    staff: Mapped[int | None] = mapped_column(Integer)
    income_minor: Mapped[int | None] = mapped_column(Minor)
    assets_minor: Mapped[int | None] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    tech_sme_number: Mapped[str | None] = mapped_column(String(60))
    entered_by: Mapped[UUID | None] = mapped_column(Id)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        UniqueConstraint("organisation_id", "as_of", name="uq_firm_facts_as_of"),
        CheckConstraint("staff >= 0 AND income_minor >= 0 AND assets_minor >= 0", name="not_negative"),
    )


class Standing(SharedRow, Base):
    """Dated standing of an organisation: an institution's grade, a bar, a bad-credit record."""

    __tablename__ = "standing"
    organisation_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"))
    kind: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(String(40))
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    source: Mapped[str] = mapped_column(Text, default="")
    entered_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (Index("ix_standing_organisation", "organisation_id", "kind", "since"),)


class Person(SharedRow, Base):
    """Erasable personal data. Sealed rows hold the id only."""

    __tablename__ = "person"
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str | None] = mapped_column(String(254))  # folded to lower case
    phone: Mapped[str] = mapped_column(String(40), default="")
    locale: Mapped[str] = mapped_column(String(10), default="zh")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20), default="active")
    email_verified_at: Mapped[datetime | None] = mapped_column(Instant)
    session_epoch: Mapped[int] = mapped_column(Integer, default=1)  # grows when all sign-ins must end
    preferences: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    demo: Mapped[bool] = mapped_column(Boolean, default=False)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        UniqueConstraint("email", name="uq_person_email"),
        one_of("state", ["active", "suspended", "erased"]),
    )


class Customer(SharedRow, Base):
    """Who books and pays: a firm, an institution, or a group of a host. Everything points here, never to the firm."""

    __tablename__ = "customer"
    kind: Mapped[str] = mapped_column(String(20))
    organisation_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"))  # the legal person
    department_id: Mapped[UUID | None] = mapped_column(Id)  # of a group
    code: Mapped[str] = mapped_column(String(60))
    name_zh: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    leader_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(20), default="active")
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["firm", "institution", "group"]),
        one_of("state", ["active", "closed"]),
        UniqueConstraint("code", name="uq_customer_code"),
        Index("ix_customer_organisation", "organisation_id", "kind"),
    )


class Membership(SharedRow, Base):
    """A person's role in an organisation, possibly narrowed to a department or a customer (group)."""

    __tablename__ = "membership"
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    organisation_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"))
    role: Mapped[str] = mapped_column(String(30))
    customer_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("customer.id"))
    department_id: Mapped[UUID | None] = mapped_column(Id)
    limit_minor: Mapped[int | None] = mapped_column(Minor)  # an approver's limit
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    state: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime | None] = mapped_column(Instant)
    granted_by: Mapped[UUID | None] = mapped_column(Id)
    version: Mapped[int] = mapped_column(Integer, default=1)
    __table_args__ = (
        one_of("state", ["pending", "active", "ended", "refused"]),
        Index("ix_membership_person", "person_id", "state"),
        Index("ix_membership_organisation", "organisation_id", "role", "state"),
    )


class CustomerClassOverride(HostRow, Base):
    """A host's own decision on a customer's class from a day on; without one the class is derived."""

    __tablename__ = "customer_class_override"
    customer_id: Mapped[UUID] = mapped_column(Id, ForeignKey("customer.id"))
    customer_class: Mapped[str] = mapped_column(String(30))
    since: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text, default="")
    entered_by: Mapped[UUID | None] = mapped_column(Id)
    entered_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        UniqueConstraint("institution_id", "customer_id", "since", name="uq_customer_class_override_since"),
    )


class Invitation(SharedRow, Base):
    __tablename__ = "invitation"
    organisation_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"))
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(30))
    customer_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("customer.id"))
    department_id: Mapped[UUID | None] = mapped_column(Id)
    limit_minor: Mapped[int | None] = mapped_column(Minor)
    token_hash: Mapped[bytes] = mapped_column(Bytes)
    invited_by: Mapped[UUID | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        UniqueConstraint("token_hash", name="uq_invitation_token_hash"),
        Index("ix_invitation_organisation", "organisation_id", "used_at"),
    )


class PersonToken(SharedRow, Base):
    """One-time secret sent by mail: password reset, address check. Only its hash is kept."""

    __tablename__ = "person_token"
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    purpose: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[bytes] = mapped_column(Bytes)
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        UniqueConstraint("token_hash", name="uq_person_token_hash"),
        one_of("purpose", ["reset", "verify"]),
    )


class ApiToken(SharedRow, Base):
    """Bearer token of a person in an organisation. Only its hash is kept; the prefix helps to recognise it."""

    __tablename__ = "api_token"
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    organisation_id: Mapped[UUID] = mapped_column(Id, ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(12))
    token_hash: Mapped[bytes] = mapped_column(Bytes)
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (UniqueConstraint("token_hash", name="uq_api_token_hash"),)


class FeedSecret(SharedRow, Base):
    """Revocable secret behind a calendar address; only its digest is kept."""

    __tablename__ = "feed_secret"
    secret_hash: Mapped[bytes] = mapped_column(Bytes)
    prefix: Mapped[str] = mapped_column(String(8))  # enough to tell two addresses apart on a page
    kind: Mapped[str] = mapped_column(String(20))
    person_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(Id, ForeignKey("organisation.id"))
    subject_id: Mapped[UUID | None] = mapped_column(Id)  # resource, unit, customer or laboratory
    created_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        one_of("kind", ["resource", "unit", "person", "customer", "laboratory"]),
        UniqueConstraint("secret_hash", name="uq_feed_secret_hash"),
        Index("ix_feed_secret_person", "person_id", "revoked_at"),
    )


class MergeProposal(SharedRow, Base):
    """Organisations that look like one; a person decides, nothing merges by itself."""

    __tablename__ = "merge_proposal"
    kind: Mapped[str] = mapped_column(String(20), default="organisation")
    folded_name: Mapped[str] = mapped_column(String(300))
    member_ids: Mapped[list[str]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(20), default="open")
    decided_by: Mapped[UUID | None] = mapped_column(Id)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        one_of("state", ["open", "merged", "kept_apart"]),
        UniqueConstraint("kind", "folded_name", name="uq_merge_proposal_name"),
    )


class SignInAttempt(SharedRow, Base):
    """Erasable: failed sign-ins per folded address, to slow guessing across processes."""

    __tablename__ = "sign_in_attempt"
    subject_digest: Mapped[bytes] = mapped_column(Bytes)
    at: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int] = mapped_column(BigInteger, default=1)
    __table_args__ = (Index("ix_sign_in_attempt_subject", "subject_digest", "at"),)


class QualificationType(HostRow, Base):
    """A training of a host that house rules may ask for, such as self-use of an electron microscope."""

    __tablename__ = "qualification_type"
    code: Mapped[str] = mapped_column(String(60))
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120), default="")
    valid_months: Mapped[int] = mapped_column(Integer, default=0)  # 0: for good
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        CheckConstraint("valid_months >= 0", name="valid_months"),
        UniqueConstraint("institution_id", "code", name="uq_qualification_type_code"),
    )


class Qualification(HostRow, Base):
    """A training that a person has passed, from a day until another or for good; revoked, never deleted."""

    __tablename__ = "qualification"
    type_id: Mapped[UUID] = mapped_column(Id)
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("person.id"))
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)  # first day on which it no longer holds
    note: Mapped[str] = mapped_column(Text, default="")
    granted_by: Mapped[UUID] = mapped_column(Id)
    granted_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_by: Mapped[UUID | None] = mapped_column(Id)
    revoke_reason: Mapped[str] = mapped_column(Text, default="")
    reminded_at: Mapped[datetime | None] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(Integer, default=1)
    __table_args__ = (
        CheckConstraint("since < until", name="span"),
        host_fk("qualification", "qualification_type", "type_id"),
        Index("ix_qualification_person", "person_id", "institution_id"),
        Index("ix_qualification_until", "until"),
    )
