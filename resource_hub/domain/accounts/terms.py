"""Words of accounts: organisations, people, roles, customers, size classes (pure).

An *organisation* is a legal person or a body that signs in: institution (host), firm, funder, or the platform itself.
A *customer* is who books and pays: a firm, an institution, or a group (课题组) of an institution. A *person* may have
roles in many organisations; an *actor* is a person who acts for one of them, and is what services are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money


class OrganisationKind(StrEnum):
    INSTITUTION = "institution"
    FIRM = "firm"
    FUNDER = "funder"
    PLATFORM = "platform"


class OrganisationState(StrEnum):
    """``pending``: registered, but the platform's staff must look first (a credit code with a wrong check digit)."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    MERGED = "merged"
    REJECTED = "rejected"


# The platform itself is an organisation: its staff act for it, and what concerns a person alone is audited under it.
PLATFORM_ID = UUID("00000000-0000-8000-8000-000000000001")


class Role(StrEnum):
    """What a person may be in one organisation. The funder's approver has a name of its own: it signs payouts."""

    FIRM_ADMIN = "firm_admin"
    BOOKER = "booker"
    APPROVER = "approver"
    PAYER = "payer"

    INSTITUTION_ADMIN = "institution_admin"
    OFFICE = "office"
    MANAGER = "manager"
    DEPUTY = "deputy"
    OPERATOR = "operator"

    FUNDER_ADMIN = "funder_admin"
    REVIEWER = "reviewer"
    FUNDER_APPROVER = "funder_approver"

    PLATFORM_STAFF = "platform_staff"


ROLES_OF_KIND: dict[OrganisationKind, frozenset[Role]] = {
    OrganisationKind.FIRM: frozenset({Role.FIRM_ADMIN, Role.BOOKER, Role.APPROVER, Role.PAYER}),
    # Institutions book too: for themselves at other hosts, and for their groups at home.
    OrganisationKind.INSTITUTION: frozenset(
        {
            Role.INSTITUTION_ADMIN, Role.OFFICE, Role.MANAGER, Role.DEPUTY, Role.OPERATOR,
            Role.BOOKER, Role.APPROVER, Role.PAYER,
        }
    ),
    OrganisationKind.FUNDER: frozenset({Role.FUNDER_ADMIN, Role.REVIEWER, Role.FUNDER_APPROVER}),
    OrganisationKind.PLATFORM: frozenset({Role.PLATFORM_STAFF}),
}  # fmt: skip

ADMIN_OF_KIND: dict[OrganisationKind, Role] = {
    OrganisationKind.FIRM: Role.FIRM_ADMIN,
    OrganisationKind.INSTITUTION: Role.INSTITUTION_ADMIN,
    OrganisationKind.FUNDER: Role.FUNDER_ADMIN,
    OrganisationKind.PLATFORM: Role.PLATFORM_STAFF,
}


class CustomerKind(StrEnum):
    FIRM = "firm"
    INSTITUTION = "institution"
    GROUP = "group"


class SizeClass(StrEnum):
    MICRO = "micro"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"

    @property
    def is_sme(self) -> bool:
        return self is not SizeClass.LARGE


class CustomerClass(StrEnum):
    """What a customer is *for one host on one day*; prices and figures go by it.

    ``own_group`` belongs to the department of the resource, ``in_house`` to another one of the same legal person.
    Everything else is outside. A firm whose size is not known for the day is ``firm_unsized``, never guessed.
    """

    OWN_GROUP = "own_group"
    IN_HOUSE = "in_house"
    ACADEMIC = "academic"
    FIRM_MICRO = "firm_micro"
    FIRM_SMALL = "firm_small"
    FIRM_MEDIUM = "firm_medium"
    FIRM_LARGE = "firm_large"
    FIRM_UNSIZED = "firm_unsized"

    @property
    def outside(self) -> bool:
        """Not the host's legal person."""
        return self not in (CustomerClass.OWN_GROUP, CustomerClass.IN_HOUSE)

    @property
    def is_firm(self) -> bool:
        return self.value.startswith("firm_")

    @property
    def is_sme(self) -> bool:
        """Known to be micro, small or medium; an unsized firm is not."""
        return self in (CustomerClass.FIRM_MICRO, CustomerClass.FIRM_SMALL, CustomerClass.FIRM_MEDIUM)

    @property
    def size(self) -> SizeClass | None:
        if not self.is_firm or self is CustomerClass.FIRM_UNSIZED:
            return None
        return SizeClass(self.value.removeprefix("firm_"))

    @classmethod
    def of_firm(cls, size: SizeClass | None) -> CustomerClass:
        return cls.FIRM_UNSIZED if size is None else cls(f"firm_{size.value}")


class PersonState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ERASED = "erased"


class MembershipState(StrEnum):
    """``pending`` is a request to join that an administrator has yet to answer."""

    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"
    REFUSED = "refused"


class DepartmentKind(StrEnum):
    DEPARTMENT = "department"
    LABORATORY = "laboratory"


class TokenPurpose(StrEnum):
    RESET = "reset"
    VERIFY = "verify"


class MergeState(StrEnum):
    OPEN = "open"
    MERGED = "merged"
    KEPT_APART = "kept_apart"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person acting for one organisation.

    Attributes:
        customer_ids: customers for which this person may book, approve or pay in this organisation.
        approve_limit: what an approver may approve alone; None is no limit of its own (administrators) or no such role.
        department_ids: departments to which an institution's roles reach; None is the whole institution.
        led_customer_ids: groups that this person leads (may approve and see their money), and walk-ins that were
            joined to the firm.
    """

    person_id: UUID
    organisation_id: UUID
    organisation_kind: OrganisationKind
    roles: frozenset[Role]
    customer_ids: frozenset[UUID] = frozenset()
    approve_limit: Money | None = None
    department_ids: frozenset[UUID] | None = None
    led_customer_ids: frozenset[UUID] = frozenset()
    organisation_code: str = ""

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)

    def reaches(self, department_id: UUID | None) -> bool:
        """Whether the department-bound roles of this actor reach a row of that department."""
        return self.department_ids is None or department_id in self.department_ids


def _named(language: str, zh: str, en: str) -> str:
    first, second = (en, zh) if language.startswith("en") else (zh, en)
    return first or second


@dataclass(frozen=True, slots=True)
class OrganisationRecord:
    """``jurisdiction`` is an ISO country or a region code of GB/T 2260; ``settings`` are the organisation's choices."""

    id: UUID
    kind: OrganisationKind
    code: str
    name_zh: str
    name_en: str
    state: OrganisationState
    uscc: str | None = None
    uscc_override_reason: str | None = None
    zone: str = "Asia/Shanghai"
    jurisdiction: str = "CN"
    region_zh: str = ""
    region_en: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    website: str = ""
    about_zh: str = ""
    about_en: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    source_key: str | None = None
    version: int = 1

    @property
    def name(self) -> str:
        return self.name_zh or self.name_en

    def name_in(self, language: str) -> str:
        """Name for a reader of ``zh`` or ``en``; the other one where there is only one."""
        return _named(language, self.name_zh, self.name_en)


@dataclass(frozen=True, slots=True)
class DepartmentRecord:
    """A department or laboratory of an institution; a laboratory has its department as ``parent_id``."""

    institution_id: UUID
    id: UUID
    code: str
    name_zh: str
    name_en: str
    parent_id: UUID | None = None
    kind: DepartmentKind = DepartmentKind.LABORATORY

    def name_in(self, language: str) -> str:
        return _named(language, self.name_zh, self.name_en)


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """``organisation_id`` is the firm or institution; for a group the institution it belongs to."""

    id: UUID
    kind: CustomerKind
    organisation_id: UUID
    name_zh: str
    name_en: str
    code: str = ""
    department_id: UUID | None = None
    leader_id: UUID | None = None
    active: bool = True

    def name_in(self, language: str) -> str:
        return _named(language, self.name_zh, self.name_en)


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """``email`` is empty and the name a placeholder once a person was erased."""

    id: UUID
    name: str
    email: str
    phone: str = ""
    language: str = "zh"
    state: PersonState = PersonState.ACTIVE
    session_epoch: int = 1
    demo: bool = False
    version: int = 1

    @property
    def active(self) -> bool:
        return self.state is PersonState.ACTIVE


@dataclass(frozen=True, slots=True)
class RoleRecord:
    """A role that a person holds, or asks for, in an organisation."""

    id: UUID
    person_id: UUID
    organisation_id: UUID
    role: Role
    state: MembershipState = MembershipState.ACTIVE
    department_id: UUID | None = None
    customer_id: UUID | None = None
    limit: Money | None = None
    since: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class FirmFacts:
    """What decides a firm's size class on a day. Income of the last full year and assets at its end; staff on the day.

    ``sector`` is one of the sector keys of the size table; income and assets may be unknown (None), never zero instead.
    """

    sector: str
    staff: int | None = None
    income: Money | None = None
    assets: Money | None = None


@dataclass(frozen=True, slots=True)
class FirmFactsRecord:
    """Facts of a firm as of a day, with the size class that the table in force on that day makes of them."""

    id: UUID
    organisation_id: UUID
    as_of: date
    facts: FirmFacts
    size: SizeClass | None
    reasons: tuple[Reason, ...] = ()
    citations: tuple[Citation, ...] = ()
    tech_sme_number: str | None = None
    entered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A person as seen on the team or people page of one organisation."""

    person: PersonRecord
    roles: tuple[RoleRecord, ...]


@dataclass(frozen=True, slots=True)
class Seat:
    """One organisation that a person may switch to, with what they are there."""

    organisation: OrganisationRecord
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class InvitationRecord:
    id: UUID
    organisation_id: UUID
    email: str
    role: Role
    expires_at: datetime
    created_at: datetime
    department_id: UUID | None = None
    customer_id: UUID | None = None
    limit: Money | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiTokenRecord:
    id: UUID
    person_id: UUID
    organisation_id: UUID
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StandingRecord:
    """Something dated that is said of an organisation: a published grade, a bar, a credit record."""

    organisation_id: UUID
    kind: str
    value: str
    since: date
    until: date | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class MergeProposalRecord:
    id: UUID
    folded_name: str
    members: tuple[OrganisationRecord, ...]
    state: MergeState
    created_at: datetime
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UsccCheck:
    """Verdict on a unified social credit code.

    ``problems`` that staff may override (``overridable``) are wrong check digits and unusual leading characters;
    a wrong length or a letter outside the alphabet can never be overridden.
    """

    code: str
    problems: tuple[Reason, ...] = field(default=())
    overridable: bool = True

    @property
    def valid(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class QualificationTypeRecord:
    """A training of a host. ``valid_months`` 0 means that it holds for good."""

    key: HostKey
    code: str
    name_zh: str
    name_en: str
    valid_months: int
    active: bool


@dataclass(frozen=True, slots=True)
class QualificationRecord:
    """A training that a person has passed; ``until`` is the first day on which it no longer holds."""

    key: HostKey
    type: QualificationTypeRecord
    person_id: UUID
    since: date
    until: date | None
    note: str
    granted_by: UUID
    granted_at: datetime
    revoked_at: datetime | None
    revoke_reason: str
    version: int

    def holds(self, on: date) -> bool:
        return self.revoked_at is None and self.since <= on and (self.until is None or on < self.until)
