"""Programmes, their budgets, and the quota that customers apply for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from resource_hub import rulebook
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, CustomerKind, Role
from resource_hub.domain.subsidy import store
from resource_hub.domain.subsidy.errors import (
    InvalidProgramme,
    InvalidQuota,
    NotTheFunder,
    ProgrammeNotFound,
    QuotaExists,
    QuotaNotFound,
)
from resource_hub.domain.subsidy.tables import Budget, Programme, Quota
from resource_hub.domain.subsidy.terms import (
    BudgetRecord,
    ProgrammeKind,
    ProgrammeRecord,
    ProgrammeState,
    QuotaRecord,
    QuotaState,
    Relation,
)
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.ids import derived_id, new_id
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Reason, Stale
from resource_hub.kernel.keys import FunderKey
from resource_hub.kernel.money import Money
from resource_hub.rulebook import NotInForce, Parameters, Scheme

RUNS_PROGRAMMES = (Role.FUNDER_ADMIN,)
DECIDES_QUOTA = (Role.REVIEWER, Role.FUNDER_ADMIN, Role.FUNDER_APPROVER)
FUNDERS_PEOPLE = (Role.FUNDER_ADMIN, Role.REVIEWER, Role.FUNDER_APPROVER)
APPLIES = (Role.FIRM_ADMIN, Role.PAYER, Role.APPROVER)


def funder_only(funder_id: UUID, by: Actor, *roles: Role) -> None:
    if by.organisation_id != funder_id:
        raise ProgrammeNotFound()
    if not by.has(*roles):
        raise NotTheFunder()


# ---- programmes


def support_schemes() -> list[Scheme]:
    """Schemes of the rulebook that a programme can be made of."""
    return rulebook.schemes(*ProgrammeKind)


def open_programme(
    funder_id: UUID,
    code: str,
    scheme: str,
    *,
    name_zh: str = "",
    name_en: str = "",
    settings: Mapping[str, Any] | None = None,
    by: Actor | None = None,
) -> ProgrammeRecord:
    """Make a programme of a funder out of a scheme of the rulebook; the same again changes nothing.

    ``by`` is None for set-up and demonstration. Names default to the scheme's own.

    Raises:
        UnknownScheme, InvalidProgramme.
    """
    if by is not None:
        funder_only(funder_id, by, *RUNS_PROGRAMMES)
    found = rulebook.scheme(scheme)
    if found.kind not in list(ProgrammeKind) or not code.strip():
        raise InvalidProgramme(Reason("subsidy.programme.scheme", {"scheme": scheme}, "scheme"))
    with unit_of_work() as unit:
        row = store.programme_of_code(unit.session, code)
        if row is not None:
            if row.funder_id != funder_id or row.scheme != scheme:
                raise InvalidProgramme(Reason("subsidy.programme.code_taken", {"code": code}, "code"))
            return store.programme_record(row)
        row = Programme(
            id=new_id(),
            funder_id=funder_id,
            code=code.strip(),
            kind=found.kind,
            scheme=scheme,
            name_zh=name_zh or found.name.get("zh", ""),
            name_en=name_en or found.name.get("en", ""),
            state=ProgrammeState.OPEN.value,
            settings=dict(settings or {}),
            created_at=unit.now,
        )
        unit.session.add(row)
        unit.session.flush()
        unit.audit(
            "subsidy.programme_opened", funder_id, f"programme:{row.id}", {"scheme": scheme, "code": code}
        )
        return store.programme_record(row)


def set_programme_state(programme_id: UUID, state: ProgrammeState, *, by: Actor) -> ProgrammeRecord:
    """Open or close a programme for new use. What accrued stays."""
    with unit_of_work() as unit:
        row = store.programme_row(unit.session, programme_id)
        if row is None:
            raise ProgrammeNotFound()
        funder_only(row.funder_id, by, *RUNS_PROGRAMMES)
        row.state = state.value
        unit.audit("subsidy.programme_state", row.funder_id, f"programme:{row.id}", {"state": state.value})
        return store.programme_record(row)


def enter_parameter(programme_id: UUID, name: str, value: str, *, by: Actor) -> ProgrammeRecord:
    """Enter a value that the document has but the copy does not show. It is marked as entered wherever it is used."""
    with unit_of_work() as unit:
        row = store.programme_row(unit.session, programme_id)
        if row is None:
            raise ProgrammeNotFound()
        funder_only(row.funder_id, by, *RUNS_PROGRAMMES)
        scheme = rulebook.scheme(row.scheme)
        known = {
            p.name for version in scheme.all_versions() for p in version.parameters.values() if p.mark == "G"
        }
        if name not in known:
            raise InvalidProgramme(Reason("subsidy.programme.not_unreadable", {"name": name}, "name"))
        row.settings = {**row.settings, "entered": {**row.settings.get("entered", {}), name: value.strip()}}
        unit.audit(
            "subsidy.parameter_entered",
            row.funder_id,
            f"programme:{row.id}",
            {"name": name, "value": value.strip()},
        )
        return store.programme_record(row)


def programme(programme_id: UUID) -> ProgrammeRecord:
    """Raises: ProgrammeNotFound."""
    row = store.programme_row(reading(), programme_id)
    if row is None:
        raise ProgrammeNotFound()
    return store.programme_record(row)


def programme_of_code(code: str) -> ProgrammeRecord:
    """Raises: ProgrammeNotFound."""
    row = store.programme_of_code(reading(), code)
    if row is None:
        raise ProgrammeNotFound()
    return store.programme_record(row)


def programmes(
    funder_id: UUID | None = None, *, open_only: bool = False, ids: Collection[UUID] | None = None
) -> list[ProgrammeRecord]:
    state = ProgrammeState.OPEN if open_only else None
    return [
        store.programme_record(row)
        for row in store.programmes(reading(), funder_id=funder_id, state=state, ids=ids)
    ]


def rules_of(record: ProgrammeRecord, on: date | None = None) -> Parameters | None:
    """The programme's parameters of a day (today), or None where no version holds."""
    try:
        found = rulebook.scheme(record.scheme).on(on or clock.now().date())
    except NotInForce:
        return None
    return found.with_entered(record.settings.get("entered", {}))


# ---- budgets


def set_budget(
    programme_id: UUID, year: int, amount: Money, *, by: Actor | None = None, version: int | None = None
) -> BudgetRecord:
    """Set the money of a year. It can be raised, and lowered down to what is already bound.

    Raises:
        InvalidProgramme: less than what is held, accrued and paid.
    """
    with unit_of_work() as unit:
        programme_row = store.programme_row(unit.session, programme_id)
        if programme_row is None:
            raise ProgrammeNotFound()
        if by is not None:
            funder_only(programme_row.funder_id, by, *RUNS_PROGRAMMES)
        row = store.budget_row(unit.session, programme_id, year)
        bound = row.held_minor + row.accrued_minor + row.paid_minor if row else 0
        if amount.minor < max(bound, 0):
            raise InvalidProgramme(
                Reason(
                    "subsidy.programme.budget_bound",
                    {"bound": {"minor": bound, "currency": amount.currency}},
                    "amount",
                )
            )
        if row is None:
            row = Budget(
                funder_id=programme_row.funder_id,
                id=derived_id(unit.now, "budget", programme_id, year),
                programme_id=programme_id,
                year=year,
                amount_minor=amount.minor,
                held_minor=0,
                accrued_minor=0,
                paid_minor=0,
                currency=amount.currency,
                version=1,
            )
            unit.session.add(row)
        else:
            if version is not None and version != row.version:
                raise Stale(yours=version, current=row.version)
            row.amount_minor = amount.minor
            row.version += 1
        unit.session.flush()
        unit.audit(
            "subsidy.budget_set", programme_row.funder_id, f"programme:{programme_id}",
            {"year": year, "amount_minor": amount.minor},
        )  # fmt: skip
        return store.budget_record(row)


def budgets(programme_ids: Collection[UUID], year: int | None = None) -> list[BudgetRecord]:
    return [store.budget_record(row) for row in store.budgets(reading(), programme_ids, year)]


# ---- quota


def request_quota(
    programme_id: UUID,
    customer_id: UUID,
    amount: Money,
    *,
    by: Actor,
    relation: Relation,
    related_hosts: Collection[UUID] = (),
    year: int | None = None,
) -> QuotaRecord:
    """Apply for quota (申领额度) with the declaration about ties to hosts.

    A programme whose settings say ``auto_grant`` grants at once what its cap allows.

    Raises:
        InvalidQuota: with every reason. QuotaExists: one application a year.
    """
    if customer_id not in by.customer_ids or not by.has(*APPLIES):
        raise QuotaNotFound()
    with unit_of_work() as unit:
        row = store.programme_row(unit.session, programme_id)
        if row is None or row.state != ProgrammeState.OPEN:
            raise ProgrammeNotFound()
        record = store.programme_record(row)
        day = unit.now.date()
        wanted_year = year or day.year
        p = rules_of(record, day)
        reasons = _quota_faults(p, customer_id, amount, relation)
        if reasons:
            raise InvalidQuota(*reasons)
        if store.quota_row(unit.session, programme_id, customer_id, wanted_year) is not None:
            raise QuotaExists(year=wanted_year)
        automatic = bool(row.settings.get("auto_grant"))
        quota = Quota(
            funder_id=row.funder_id,
            id=derived_id(unit.now, "quota", programme_id, customer_id, wanted_year),
            programme_id=programme_id,
            customer_id=customer_id,
            year=wanted_year,
            state=(QuotaState.GRANTED if automatic else QuotaState.REQUESTED).value,
            amount_minor=amount.minor,
            held_minor=0,
            used_minor=0,
            currency=amount.currency,
            valid_until=_valid_until(p, day, wanted_year) if automatic else None,
            declaration={"relation": relation.value, "related_hosts": sorted(str(h) for h in related_hosts)},
            requested_by=by.person_id,
            requested_at=unit.now,
            decided_at=unit.now if automatic else None,
            decision_note="",
            version=1,
        )
        unit.session.add(quota)
        unit.session.flush()
        unit.publish(
            "subsidy.quota_requested",
            f"{row.funder_id}:{quota.id}",
            {"funder_id": str(row.funder_id), "quota_id": str(quota.id), "customer_id": str(customer_id)},
        )
        return store.quota_record(quota)


def grant_quota(
    programme_id: UUID,
    customer_id: UUID,
    amount: Money,
    *,
    year: int,
    relation: Relation = Relation.UNRELATED,
) -> QuotaRecord:
    """Grant quota without an application: for set-up and demonstration; the same again changes nothing."""
    with unit_of_work() as unit:
        row = store.programme_row(unit.session, programme_id)
        if row is None:
            raise ProgrammeNotFound()
        standing = store.quota_row(unit.session, programme_id, customer_id, year)
        if standing is not None:
            return store.quota_record(standing)
        quota = Quota(
            funder_id=row.funder_id,
            id=derived_id(unit.now, "quota", programme_id, customer_id, year),
            programme_id=programme_id,
            customer_id=customer_id,
            year=year,
            state=QuotaState.GRANTED.value,
            amount_minor=amount.minor,
            held_minor=0,
            used_minor=0,
            currency=amount.currency,
            valid_until=date(year, 12, 31),
            declaration={"relation": relation.value, "related_hosts": []},
            requested_at=unit.now,
            decided_at=unit.now,
            decision_note="",
            version=1,
        )
        unit.session.add(quota)
        unit.session.flush()
        return store.quota_record(quota)


def _quota_faults(p: Parameters | None, customer_id: UUID, amount: Money, relation: Relation) -> list[Reason]:
    reasons: list[Reason] = []
    if p is None:
        return [Reason("subsidy.quota.not_in_force", {})]
    if accounts.customer(customer_id).kind is not CustomerKind.FIRM:
        reasons.append(Reason("subsidy.quota.firms_only", {}))
    if amount.minor <= 0:
        reasons.append(Reason("subsidy.quota.amount", {}, "amount"))
    for name in ("cap_per_application", "cap_holding", "cap_per_year"):
        if p.has(name) and amount > p.money(name):
            most = p.money(name)
            reasons.append(Reason(f"subsidy.quota.{name}", {"most": most.as_json()}, "amount"))
    if relation is Relation.UNDECLARED:
        reasons.append(Reason("subsidy.quota.declaration", {}, "relation"))
    return reasons


def _valid_until(p: Parameters | None, day: date, year: int) -> date:
    """The last day of a quota: the year's end, or so many days or months from the grant, whichever comes first."""
    end = date(year, 12, 31)
    if p is None or not p.has("quota_validity"):
        return end
    kind, _, number = p.text("quota_validity").partition(":")
    if kind == "days":
        return min(end, day + timedelta(days=int(number)))
    if kind == "months":
        months = day.month - 1 + int(number)
        return min(end, date(day.year + months // 12, months % 12 + 1, min(day.day, 28)))
    return end


def decide_quota(
    key: FunderKey,
    grant: bool,
    *,
    by: Actor,
    amount: Money | None = None,
    note: str = "",
    version: int | None = None,
) -> QuotaRecord:
    """Grant (perhaps less) or refuse an application. A refusal says why."""
    funder_only(key.funder_id, by, *DECIDES_QUOTA)
    with unit_of_work() as unit:
        row = store.quota_by_key(unit.session, key, lock=True)
        if row is None:
            raise QuotaNotFound()
        if version is not None and version != row.version:
            raise Stale(yours=version, current=row.version)
        if row.state != QuotaState.REQUESTED:
            raise InvalidQuota(Reason("subsidy.quota.decided", {"state": row.state}))
        if not grant and not note.strip():
            raise InvalidQuota(Reason("subsidy.quota.note", {}, "note"))
        if amount is not None:
            if amount.minor <= 0 or amount.minor > row.amount_minor:
                raise InvalidQuota(Reason("subsidy.quota.amount", {}, "amount"))
            row.amount_minor = amount.minor
        record = store.programme_record(store.programme_row(unit.session, row.programme_id) or Programme())
        row.state = (QuotaState.GRANTED if grant else QuotaState.REFUSED).value
        row.valid_until = (
            _valid_until(rules_of(record, unit.now.date()), unit.now.date(), row.year) if grant else None
        )
        row.decided_by, row.decided_at = by.person_id, unit.now
        row.decision_note = note.strip()
        row.version += 1
        unit.audit("subsidy.quota_decided", key.funder_id, f"quota:{row.id}", {"granted": grant})
        unit.publish(
            "subsidy.quota_decided",
            f"{row.funder_id}:{row.id}",
            {"funder_id": str(row.funder_id), "quota_id": str(row.id), "customer_id": str(row.customer_id)},
        )
        return store.quota_record(row)


def quota(key: FunderKey) -> QuotaRecord:
    row = store.quota_by_key(reading(), key)
    if row is None:
        raise QuotaNotFound()
    return store.quota_record(row)


def quotas_of_customers(customer_ids: Collection[UUID]) -> list[QuotaRecord]:
    return [store.quota_record(row) for row in store.quotas(reading(), customer_ids=customer_ids)]


def quotas_of_funder(
    funder_id: UUID, *, programme_id: UUID | None = None, waiting: bool = False
) -> list[QuotaRecord]:
    states = (QuotaState.REQUESTED,) if waiting else ()
    rows = store.quotas(reading(), funder_id=funder_id, programme_id=programme_id, states=states)
    return [store.quota_record(row) for row in rows]
