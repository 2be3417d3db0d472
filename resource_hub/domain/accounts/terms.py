"""Words of accounts: organisations, people, roles, customers, size classes (pure).

An *organisation* is a legal person or a body that signs in: institution (host), firm, funder, or the platform itself.
A *customer* is who books and pays: a firm, an institution, or a group (课题组) of an institution. A *person* may have
roles in many organisations; an *actor* is a person who acts for one of them, and is what services are given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money


class OrganisationKind(StrEnum):
    INSTITUTION = "institution"
    FIRM = "firm"
    FUNDER = "funder"
    PLATFORM = "platform"


class OrganisationState(StrEnum):
    """``to_check``: registered, but the platform's staff must look first (a credit code with a wrong check digit)."""

    TO_CHECK = "to_check"
    ACTIVE = "active"
    REFUSED = "refused"
    MERGED = "merged"


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


class RequestState(StrEnum):
    """Of a request to join, an invitation, or a registration to check."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class TokenPurpose(StrEnum):
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"
    CONFIRM_ADDRESS = "confirm_address"


class MergeState(StrEnum):
    PROPOSED = "proposed"
    MERGED = "merged"
    KEPT_APART = "kept_apart"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person acting for one organisation.

    Attributes:
        customer_ids: customers for which this person may book, approve or pay in this organisation.
        approve_limit: what an approver may approve alone; None is no limit of its own (administrators) or no such role.
        department_ids: departments to which an institution's roles reach; None is the whole institution.
        led_customer_ids: groups that this person leads (may approve and see their money).
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


@dataclass(frozen=True, slots=True)
class OrganisationRecord:
    id: UUID
    kind: OrganisationKind
    code: str
    name_zh: str
    name_en: str
    state: OrganisationState
    uscc: str | None = None
    region: str = ""
    zone: str = "Asia/Shanghai"
    contact_mail: str = ""
    contact_phone: str = ""
    address: str = ""
    version: int = 1

    @property
    def name(self) -> str:
        return self.name_zh or self.name_en

    def name_in(self, language: str) -> str:
        """Name for a reader of ``zh`` or ``en``; the other one where there is only one."""
        first, second = (self.name_en, self.name_zh) if language == "en" else (self.name_zh, self.name_en)
        return first or second


@dataclass(frozen=True, slots=True)
class DepartmentRecord:
    """A department or laboratory of an institution; a laboratory has its department as ``parent_id``."""

    institution_id: UUID
    id: UUID
    code: str
    name_zh: str
    name_en: str
    parent_id: UUID | None = None

    def name_in(self, language: str) -> str:
        first, second = (self.name_en, self.name_zh) if language == "en" else (self.name_zh, self.name_en)
        return first or second


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """``organisation_id`` is the firm or institution; for a group the institution it belongs to."""

    id: UUID
    kind: CustomerKind
    organisation_id: UUID
    name_zh: str
    name_en: str
    department_id: UUID | None = None
    uscc: str | None = None
    active: bool = True

    def name_in(self, language: str) -> str:
        first, second = (self.name_en, self.name_zh) if language == "en" else (self.name_zh, self.name_en)
        return first or second


@dataclass(frozen=True, slots=True)
class PersonRecord:
    id: UUID
    name: str
    email: str
    phone: str = ""
    language: str = "zh"
    active: bool = True
    erased: bool = False


@dataclass(frozen=True, slots=True)
class RoleRecord:
    """A role that a person holds in an organisation, from a moment on."""

    id: UUID
    person_id: UUID
    organisation_id: UUID
    role: Role
    department_id: UUID | None = None
    limit: Money | None = None
    since: datetime | None = None


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
class SizeFactRecord:
    id: UUID
    customer_id: UUID
    since: date
    facts: FirmFacts
    size: SizeClass | None
    declared_size: SizeClass | None = None
    entered_by: UUID | None = None
    entered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A person as seen on the team or people page of one organisation."""

    person: PersonRecord
    roles: tuple[RoleRecord, ...]
    groups: tuple[CustomerRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Membership:
    """One organisation that a person may switch to."""

    organisation: OrganisationRecord
    roles: frozenset[Role]


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
