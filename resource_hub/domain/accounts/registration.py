"""Organisations come into being and change: firms register themselves, the platform's staff check them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import store
from resource_hub.domain.accounts.errors import (
    AlreadyAnswered,
    BadInput,
    Changed,
    CodeInvalid,
    CodeSuspect,
    FirmExists,
    NameTaken,
    NotYours,
    UnknownOrganisation,
    UnknownPerson,
)
from resource_hub.domain.accounts.rules import uscc as codes
from resource_hub.domain.accounts.rules.roles import ADMIN_OF_KIND
from resource_hub.domain.accounts.tables import Customer, Department, Membership, Organisation
from resource_hub.domain.accounts.terms import (
    PLATFORM_ID,
    Actor,
    CustomerKind,
    DepartmentKind,
    DepartmentRecord,
    MembershipState,
    OrganisationKind,
    OrganisationRecord,
    OrganisationState,
    Role,
)
from resource_hub.infra.ids import new_id
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.time import UnknownZone
from resource_hub.kernel.time import zone as zone_of

_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
# Words that stand in addresses already, or that would mislead.
_RESERVED = frozenset({"platform", "admin", "api", "new", "o", "hosts", "static"})


@dataclass(frozen=True, slots=True)
class OrganisationFields:
    """What is said of an organisation when it is set up or changed; empty text where nothing is known."""

    name_zh: str = ""
    name_en: str = ""
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


_LENGTHS = {
    "name_zh": 200, "name_en": 200, "jurisdiction": 12, "region_zh": 100, "region_en": 100,
    "address": 300, "website": 300, "about_zh": 4000, "about_en": 4000,
}  # fmt: skip


def valid_code(code: str) -> bool:
    """Whether a short name can stand in addresses."""
    return _CODE.fullmatch(code) is not None and code not in _RESERVED


def slug(text: str) -> str:
    """Latin letters, figures and hyphens of a name: ``"Anhui Nano Ltd."`` → ``anhui-nano-ltd``."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:50].strip("-")


def _free_code(wanted: str, fallback: str) -> str:
    base = slug(wanted) or fallback
    if base in _RESERVED:
        base = f"{base}-1"
    code, number = base, 1
    while store.code_taken(code):
        number += 1
        code = f"{base}-{number}"
    return code


def check_fields(fields: OrganisationFields) -> list[Reason]:
    reasons = []
    if not (fields.name_zh.strip() or fields.name_en.strip()):
        reasons.append(Reason("accounts.name_missing", {}, "name_zh"))
    for place, most in _LENGTHS.items():
        if len(getattr(fields, place)) > most:
            reasons.append(Reason("form.too_long", {"limit": most}, place))
    try:
        zone_of(fields.zone)
    except UnknownZone:
        reasons.append(Reason("accounts.zone_unknown", {"zone": fields.zone}, "zone"))
    if fields.website and not re.fullmatch(r"https?://[^\s<>\"]+", fields.website):
        reasons.append(Reason("accounts.website_invalid", {}, "website"))
    for place, most in (("latitude", 90), ("longitude", 180)):
        value = getattr(fields, place)
        if value is not None and not -most <= value <= most:
            reasons.append(Reason("accounts.place_invalid", {"limit": most}, place))
    return reasons


def judged_code(text: str, *, keep_suspect: bool) -> tuple[str, tuple[Reason, ...]]:
    """A firm's code and the doubts about it.

    Raises:
        CodeInvalid: a shape that no code has.
        CodeSuspect: check digits that do not agree and ``keep_suspect`` was not said.
    """
    verdict = codes.check(text)
    if not verdict.valid and not verdict.overridable:
        raise CodeInvalid(*verdict.problems)
    doubts = verdict.problems
    if not codes.is_enterprise(verdict.code):
        doubts += (Reason("accounts.uscc.not_enterprise", {"code": verdict.code}, "uscc"),)
    if doubts and not keep_suspect:
        raise CodeSuspect(*doubts)
    return verdict.code, doubts


def register_firm(
    person_id: UUID, *, uscc: str, fields: OrganisationFields, keep_suspect: bool = False
) -> OrganisationRecord:
    """Register a firm; the person who does it becomes its administrator.

    A code whose check digits agree makes the firm active at once; a suspect one, handed in with ``keep_suspect``, waits
    for the platform's staff. The same code twice is refused with the way to join.

    Raises:
        BadInput, CodeInvalid, CodeSuspect, FirmExists
    """
    reasons = check_fields(fields)
    try:
        code, doubts = judged_code(uscc, keep_suspect=keep_suspect)
    except (CodeInvalid, CodeSuspect) as error:
        if reasons:
            raise BadInput(*reasons, *error.reasons) from None
        raise
    if reasons:
        raise BadInput(*reasons)
    with unit_of_work() as unit:
        if store.person_row(person_id) is None:
            raise UnknownPerson()
        known = store.organisation_by_uscc(code)
        if known is not None:
            raise FirmExists(Reason(FirmExists.code, {"code": code}, "uscc"))
        organisation = insert_organisation(
            unit,
            OrganisationKind.FIRM,
            code=_free_code(fields.name_en, f"firm-{code[8:17].lower()}"),
            fields=fields,
            uscc=code,
            state=OrganisationState.PENDING if doubts else OrganisationState.ACTIVE,
            settings={"doubts": [r.as_json() for r in doubts]} if doubts else {},
        )
        grant_row(unit, organisation.id, person_id, Role.FIRM_ADMIN)
        unit.audit(
            "organisation.registered",
            organisation.id,
            f"organisation:{organisation.id}",
            {"kind": "firm", "uscc": code, "doubts": [r.code for r in doubts]},
            person_id=person_id,
        )
        unit.publish(
            "accounts.firm_registered",
            f"organisation:{organisation.id}",
            {
                "organisation_id": str(organisation.id),
                "person_id": str(person_id),
                "to_check": bool(doubts),
            },
        )
        return store.organisation_record(organisation)


def insert_organisation(
    unit: Unit,
    kind: OrganisationKind,
    *,
    code: str,
    fields: OrganisationFields,
    uscc: str | None = None,
    state: OrganisationState = OrganisationState.ACTIVE,
    settings: Mapping[str, Any] | None = None,
    source_key: str | None = None,
    organisation_id: UUID | None = None,
) -> Organisation:
    """The row of an organisation, and of its customer where it can be one, inside a unit."""
    organisation = Organisation(
        id=organisation_id or new_id(),
        kind=kind.value,
        code=code,
        name_zh=fields.name_zh.strip(),
        name_en=fields.name_en.strip(),
        uscc=uscc,
        state=state.value,
        zone=fields.zone,
        jurisdiction=fields.jurisdiction,
        region_zh=fields.region_zh,
        region_en=fields.region_en,
        address=fields.address,
        latitude=fields.latitude,
        longitude=fields.longitude,
        website=fields.website,
        about_zh=fields.about_zh,
        about_en=fields.about_en,
        settings=dict(settings or {}),
        source_key=source_key,
        created_at=unit.now,
    )
    unit.session.add(organisation)
    unit.session.flush()
    if kind in (OrganisationKind.FIRM, OrganisationKind.INSTITUTION):
        unit.session.add(
            Customer(
                id=new_id(),
                kind=CustomerKind(kind.value).value,
                organisation_id=organisation.id,
                code=code,
                name_zh=organisation.name_zh,
                name_en=organisation.name_en,
                created_at=unit.now,
            )
        )
        unit.session.flush()
    return organisation


def grant_row(
    unit: Unit,
    organisation_id: UUID,
    person_id: UUID,
    role: Role,
    *,
    state: MembershipState = MembershipState.ACTIVE,
    granted_by: UUID | None = None,
    department_id: UUID | None = None,
    customer_id: UUID | None = None,
    limit_minor: int | None = None,
) -> Membership:
    """The row of a role, without asking who may give it; services ask first."""
    row = Membership(
        id=new_id(),
        person_id=person_id,
        organisation_id=organisation_id,
        role=role.value,
        state=state.value,
        since=unit.now,
        granted_by=granted_by,
        department_id=department_id,
        customer_id=customer_id,
        limit_minor=limit_minor,
    )
    unit.session.add(row)
    unit.session.flush()
    return row


def change_organisation(
    organisation_id: UUID, fields: OrganisationFields, *, version: int, by: Actor
) -> OrganisationRecord:
    """Change name, place and words about an organisation, by its administrator (or office) or by platform staff.

    The customer's name changes with it; bookings and statements already made keep what they said.

    Raises:
        NotYours, BadInput, Changed, UnknownOrganisation
    """
    own = by.organisation_id == organisation_id and by.has(*ADMIN_OF_KIND.values(), Role.OFFICE)
    if not own and not by.has(Role.PLATFORM_STAFF):
        raise NotYours()
    if reasons := check_fields(fields):
        raise BadInput(*reasons)
    with unit_of_work() as unit:
        row = store.organisation_row(organisation_id, lock=True)
        if row is None:
            raise UnknownOrganisation()
        if row.version != version:
            raise Changed(
                yours=version, theirs=row.version, now={"name_zh": row.name_zh, "name_en": row.name_en}
            )
        changed = {}
        for place in OrganisationFields.__dataclass_fields__:
            wanted = getattr(fields, place)
            if getattr(row, place) != wanted:
                changed[place] = [str(getattr(row, place)), str(wanted)]
                setattr(row, place, wanted)
        row.version += 1
        if customer := store.own_customer(organisation_id):
            customer.name_zh, customer.name_en = row.name_zh, row.name_en
        unit.audit(
            "organisation.changed",
            row.id,
            f"organisation:{row.id}",
            {"changed": changed},
            person_id=by.person_id,
        )
        return store.organisation_record(row)


def change_settings(organisation_id: UUID, values: Mapping[str, Any], *, by: Actor) -> OrganisationRecord:
    """Set single settings of an organisation (terms, switches); the areas that read them say what they mean.

    Raises:
        NotYours, UnknownOrganisation
    """
    if by.organisation_id != organisation_id or not by.has(*ADMIN_OF_KIND.values(), Role.OFFICE):
        raise NotYours()
    with unit_of_work() as unit:
        row = store.organisation_row(organisation_id, lock=True)
        if row is None:
            raise UnknownOrganisation()
        row.settings = {**(row.settings or {}), **values}
        row.version += 1
        unit.audit(
            "organisation.settings_changed",
            row.id,
            f"organisation:{row.id}",
            dict(values),
            person_id=by.person_id,
        )
        return store.organisation_record(row)


def registrations_to_check(by: Actor) -> list[OrganisationRecord]:
    """Firms that wait for the platform's staff, oldest first.

    Raises:
        NotYours
    """
    if not by.has(Role.PLATFORM_STAFF):
        raise NotYours()
    return store.organisations(kind=OrganisationKind.FIRM, states=(OrganisationState.PENDING,))


def decide_registration(
    organisation_id: UUID, *, accept: bool, reason: str, version: int, by: Actor
) -> OrganisationRecord:
    """Platform staff override the doubts about a firm's code, or refuse the registration; both need a reason.

    A refused firm gives its code free, so that a corrected registration is possible.

    Raises:
        NotYours, BadInput, AlreadyAnswered, Changed
    """
    if not by.has(Role.PLATFORM_STAFF):
        raise NotYours()
    reason = reason.strip()
    if not 3 <= len(reason) <= 1000:
        raise BadInput(Reason("accounts.reason_needed", {}, "reason"))
    with unit_of_work() as unit:
        row = store.organisation_row(organisation_id, lock=True)
        if row is None or row.kind != OrganisationKind.FIRM.value:
            raise UnknownOrganisation()
        if row.state != OrganisationState.PENDING.value:
            raise AlreadyAnswered()
        if row.version != version:
            raise Changed(yours=version, theirs=row.version, now={"name_zh": row.name_zh})
        row.version += 1
        code = row.uscc
        if accept:
            row.state = OrganisationState.ACTIVE.value
            row.uscc_override_reason, row.uscc_override_by = reason, by.person_id
        else:
            row.state = OrganisationState.REJECTED.value
            row.settings = {**(row.settings or {}), "refused_code": code, "refused_because": reason}
            row.uscc = None
        unit.audit(
            "organisation.accepted" if accept else "organisation.rejected",
            row.id,
            f"organisation:{row.id}",
            {"reason": reason, "uscc": code},
            person_id=by.person_id,
        )
        unit.publish(
            "accounts.registration_decided",
            f"organisation:{row.id}",
            {"organisation_id": str(row.id), "accepted": accept, "reason": reason},
        )
        return store.organisation_record(row)


def add_department(
    institution_id: UUID,
    *,
    code: str,
    name_zh: str,
    name_en: str = "",
    kind: DepartmentKind = DepartmentKind.LABORATORY,
    parent_id: UUID | None = None,
    by: Actor | None = None,
) -> DepartmentRecord:
    """Add a department or laboratory. ``by`` is None for imports and set-up commands.

    Raises:
        NotYours, BadInput
        NameTaken: the code stands already.
        UnknownOrganisation: the parent is not this institution's.
    """
    if by is not None and (
        by.organisation_id != institution_id or not by.has(Role.INSTITUTION_ADMIN, Role.OFFICE)
    ):
        raise NotYours()
    reasons = []
    if not 1 <= len(code.strip()) <= 60:
        reasons.append(Reason("accounts.code_invalid", {}, "code"))
    if not (name_zh.strip() or name_en.strip()):
        reasons.append(Reason("accounts.name_missing", {}, "name_zh"))
    if reasons:
        raise BadInput(*reasons)
    with unit_of_work() as unit:
        row = store.organisation_row(institution_id)
        if row is None or row.kind != OrganisationKind.INSTITUTION.value:
            raise UnknownOrganisation()
        if parent_id is not None and store.department_row(institution_id, parent_id) is None:
            raise UnknownOrganisation()
        if any(d.code == code.strip() for d in store.departments(institution_id)):
            raise NameTaken(Reason("accounts.code_taken", {"code": code.strip()}, "code"))
        department = Department(
            institution_id=institution_id,
            id=new_id(),
            parent_id=parent_id,
            kind=kind.value,
            code=code.strip(),
            name_zh=name_zh.strip() or name_en.strip(),
            name_en=name_en.strip(),
        )
        unit.session.add(department)
        unit.session.flush()
        unit.audit(
            "department.added",
            institution_id,
            f"department:{department.id}",
            {"code": department.code},
            person_id=by.person_id if by is not None else None,
        )
        return store.department_record(department)


def ensure_platform(unit: Unit, name_zh: str, name_en: str) -> Organisation:
    """The platform's own organisation, made once."""
    row = store.organisation_row(PLATFORM_ID)
    if row is not None:
        return row
    return insert_organisation(
        unit,
        OrganisationKind.PLATFORM,
        code="platform",
        fields=OrganisationFields(name_zh=name_zh, name_en=name_en),
        organisation_id=PLATFORM_ID,
    )
