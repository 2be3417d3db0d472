"""Builders of organisations, people and customers in the database: keywords, sane defaults, one unit each.

::

    host = make_institution(code="ustc")
    sem = make_department(host, code="sem", name_zh="电镜室")
    manager = make_person(roles=[(host, Role.MANAGER)])
    firm = make_firm(staff=50)                              # sized small or micro by its facts
    booker = make_person(roles=[(firm, Role.BOOKER)])
    by = actor(booker, firm)                                # what services take

All people have the password `PASSWORD`; it is hashed once, with parameters that are fast and guard nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.access import insert_person
from resource_hub.domain.accounts.firm import insert_firm_facts
from resource_hub.domain.accounts.groups import insert_group
from resource_hub.domain.accounts.registration import (
    OrganisationFields,
    ensure_platform,
    grant_row,
    insert_organisation,
)
from resource_hub.domain.accounts.rules import uscc
from resource_hub.domain.accounts.terms import (
    PLATFORM_ID,
    Actor,
    CustomerRecord,
    DepartmentRecord,
    FirmFacts,
    OrganisationKind,
    OrganisationRecord,
    OrganisationState,
    PersonRecord,
    Role,
)
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.money import Money

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


@lru_cache(maxsize=1)
def fast_hash() -> str:
    """One Argon2id hash of `PASSWORD` with the cheapest parameters."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def make_uscc(number: int, entity: str = "91", region: str = "340100") -> str:
    """A credit code with right check digits that was never issued (an organisation code of ``MA9`` and figures)."""
    part = f"MA9{number:05d}"
    first = entity + region + part
    first += uscc.inner_check(part)
    return first + uscc.outer_check(first)


def _organisation(
    kind: OrganisationKind, code: str, name_zh: str, name_en: str, credit_code: str | None, **fields: Any
) -> OrganisationRecord:
    state = fields.pop("state", OrganisationState.ACTIVE)
    settings = fields.pop("settings", None)
    with unit_of_work() as unit:
        row = insert_organisation(
            unit,
            kind,
            code=code,
            fields=OrganisationFields(name_zh=name_zh, name_en=name_en, **fields),
            uscc=credit_code,
            state=state,
            settings=settings,
        )
        organisation_id = row.id
    return service.organisation(organisation_id)


def make_institution(
    *,
    code: str | None = None,
    name_zh: str = "",
    name_en: str = "",
    uscc: str | None = None,
    zone: str = "Asia/Shanghai",
    **fields: Any,
) -> OrganisationRecord:
    """An active institution, with the customer that it is itself."""
    n = next(_numbers)
    return _organisation(
        OrganisationKind.INSTITUTION,
        code or f"host-{n}",
        name_zh or f"第{n}研究院",
        name_en or f"Institute {n}",
        uscc,
        zone=zone,
        **fields,
    )


def make_firm(
    *,
    code: str | None = None,
    name_zh: str = "",
    name_en: str = "",
    uscc: str | None = None,
    sector: str = "industry",
    staff: int | None = 50,
    income: str | None = "1000",
    assets: str | None = "1000",
    as_of: date | None = date(2020, 1, 1),
    **fields: Any,
) -> OrganisationRecord:
    """An active firm with its customer and facts from 2020 on: by default an industrial firm that is small.

    Income and assets in units of 10,000 yuan. ``as_of=None`` leaves the facts out: the firm has no size then.
    """
    n = next(_numbers)
    made = _organisation(
        OrganisationKind.FIRM,
        code or f"firm-{n}",
        name_zh or f"第{n}科技有限公司",
        name_en or f"Technology {n} Ltd.",
        uscc or make_uscc(n),
        **fields,
    )
    if as_of is not None:
        facts = FirmFacts(
            sector,
            staff,
            Money.cny(income) * 10_000 if income is not None else None,
            Money.cny(assets) * 10_000 if assets is not None else None,
        )
        with unit_of_work() as unit:
            insert_firm_facts(unit, made.id, facts, as_of)
    return made


def make_funder(
    *, code: str | None = None, name_zh: str = "", name_en: str = "", **fields: Any
) -> OrganisationRecord:
    n = next(_numbers)
    return _organisation(
        OrganisationKind.FUNDER,
        code or f"funder-{n}",
        name_zh or f"第{n}科学技术局",
        name_en or f"Science Bureau {n}",
        None,
        **fields,
    )


def make_platform() -> OrganisationRecord:
    with unit_of_work() as unit:
        ensure_platform(unit, "平台管理", "Platform")
    return service.organisation(PLATFORM_ID)


def make_department(
    institution: OrganisationRecord | UUID,
    *,
    code: str | None = None,
    name_zh: str = "",
    name_en: str = "",
    parent: DepartmentRecord | None = None,
    **more: Any,
) -> DepartmentRecord:
    n = next(_numbers)
    return service.add_department(
        institution if isinstance(institution, UUID) else institution.id,
        code=code or f"lab-{n}",
        name_zh=name_zh or f"第{n}实验室",
        name_en=name_en or f"Laboratory {n}",
        parent_id=parent.id if parent is not None else None,
        **more,
    )


Grant = Sequence[Any]


def make_person(
    *,
    name: str = "",
    email: str | None = None,
    language: str = "zh",
    roles: Iterable[Grant] = (),
    verified: bool = True,
    demo: bool = False,
) -> PersonRecord:
    """A person who can sign in with `PASSWORD`.

    ``roles`` are ``(organisation, role)`` or ``(organisation, role, {"department_id": …, "customer_id": …,
    "limit_minor": …})``.
    """
    n = next(_numbers)
    with unit_of_work() as unit:
        person = insert_person(
            unit,
            name=name or f"张三{n}",
            email=email or f"person{n}@example.org",
            password_hash=fast_hash(),
            language=language,
            verified_at=clock.machine_now() if verified else None,
            demo=demo,
        )
        for organisation, role, *more in roles:
            organisation_id = organisation if isinstance(organisation, UUID) else organisation.id
            grant_row(unit, organisation_id, person.id, role, **(more[0] if more else {}))
        person_id = person.id
    return service.person(person_id)


def make_group(
    institution: OrganisationRecord,
    *,
    name_zh: str = "",
    name_en: str = "",
    department: DepartmentRecord | None = None,
    leader: PersonRecord | None = None,
    members: Iterable[PersonRecord] = (),
) -> CustomerRecord:
    """A group (课题组) of an institution; its members may book for it."""
    n = next(_numbers)
    with unit_of_work() as unit:
        row = insert_group(
            unit,
            institution.id,
            institution.code,
            name_zh or f"第{n}课题组",
            name_en or f"Group {n}",
            department.id if department is not None else None,
            leader.id if leader is not None else None,
        )
        for member in {p.id: p for p in ([leader] if leader else []) + list(members)}.values():
            grant_row(unit, institution.id, member.id, Role.BOOKER, customer_id=row.id)
        customer_id = row.id
    return service.customer(customer_id)


def customer_of(organisation: OrganisationRecord) -> CustomerRecord:
    """The customer that is the firm or institution itself."""
    return service.customer_of(organisation.id)


def actor(person: PersonRecord, organisation: OrganisationRecord) -> Actor:
    """The person acting for the organisation, as services take it."""
    return service.actor(person.id, organisation.id)


def make_actor(organisation: OrganisationRecord, *roles: Role, **more: Any) -> Actor:
    """A new person with these roles in the organisation, acting for it."""
    return actor(make_person(roles=[(organisation, role) for role in roles], **more), organisation)


def sign_in(client: Any, person: PersonRecord) -> None:
    """Make a test client the browser of this person, without going through the form."""
    with client.session_transaction() as session:
        session["_user_id"] = service.session_key(person)
        session["_fresh"] = True


def bearer(person: PersonRecord, organisation: OrganisationRecord) -> dict[str, str]:
    """Headers with a fresh API token of the person in the organisation."""
    _, token = service.create_api_token(actor(person, organisation), "test")
    return {"Authorization": f"Bearer {token}"}
