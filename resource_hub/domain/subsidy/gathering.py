"""Gathering the facts that a programme's rule looks at, from the rooms below. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from resource_hub import rulebook
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerKind, CustomerRecord, OrganisationRecord
from resource_hub.domain.catalogue.terms import ResourceKind, ResourceRecord
from resource_hub.domain.subsidy import store
from resource_hub.domain.subsidy.rules import decide
from resource_hub.domain.subsidy.terms import (
    SIDE,
    CapScope,
    ProgrammeKind,
    ProgrammeRecord,
    QuotaState,
    Relation,
    Side,
    SupportFacts,
)
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.rulebook import MissingParameter, NotInForce, Parameters

# First digits of GB/T 2260 for the region codes of ISO 3166-2, for organisations without a credit code.
_PROVINCES = {
    "CN-BJ": "11", "CN-TJ": "12", "CN-HE": "13", "CN-SX": "14", "CN-NM": "15", "CN-LN": "21", "CN-JL": "22",
    "CN-HL": "23", "CN-SH": "31", "CN-JS": "32", "CN-ZJ": "33", "CN-AH": "34", "CN-FJ": "35", "CN-JX": "36",
    "CN-SD": "37", "CN-HA": "41", "CN-HB": "42", "CN-HN": "43", "CN-GD": "44", "CN-GX": "45", "CN-HI": "46",
    "CN-CQ": "50", "CN-SC": "51", "CN-GZ": "52", "CN-YN": "53", "CN-XZ": "54", "CN-SN": "61", "CN-GS": "62",
    "CN-QH": "63", "CN-NX": "64", "CN-XJ": "65",
}  # fmt: skip


def area_of(organisation: OrganisationRecord) -> str:
    """The area of registration: characters 3 to 8 of the credit code (GB 32100-2015), else the jurisdiction's."""
    if organisation.uscc and len(organisation.uscc) == 18:
        return organisation.uscc[2:8]
    code = organisation.jurisdiction
    return _PROVINCES.get(code, code if code.isdigit() else "")


@dataclass(frozen=True, slots=True)
class AnyResource:
    """Some resource of a kind, of which nothing else is known: what prices of thousands are estimated with."""

    key: HostKey
    kind: ResourceKind
    original_value: Money | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One charge, or one quote, as support sees it."""

    institution_id: UUID
    resource: ResourceRecord | AnyResource
    customer_id: UUID
    outside: bool
    cost: Money
    day: date
    purpose: str = ""
    grade: str = ""
    charge_id: UUID | None = None

    @property
    def year(self) -> int:
        """Budgets and caps count by the calendar year of the day."""
        return self.day.year


@dataclass(frozen=True, slots=True)
class Parties:
    """Host and customer with what is said of them on the day: read once for all programmes of a case."""

    host: OrganisationRecord
    customer: CustomerRecord
    owner: OrganisationRecord
    firm_size: str
    firm_marks: frozenset[str]
    host_standing: str
    barred_until: date | None
    host_barred_until: date | None


def parties_of(case: Case) -> Parties:
    customer = accounts.customer(case.customer_id)
    both = accounts.organisation_names({case.institution_id, customer.organisation_id})
    host, owner = both[case.institution_id], both[customer.organisation_id]
    firm = customer.kind is CustomerKind.FIRM
    size = accounts.firm_size(case.customer_id, case.day) if firm else None
    return Parties(
        host,
        customer,
        owner,
        firm_size=str(size) if size else "",
        firm_marks=_marks(owner.id, case.day),
        host_standing=_grade(host.id, case.day),
        barred_until=_bar(owner.id, case.day),
        host_barred_until=_bar(host.id, case.day),
    )


def parameters(programme: ProgrammeRecord, day: date) -> Parameters | None:
    """The programme's rules of a day, with what the funder entered where the document cannot be read."""
    try:
        read = rulebook.scheme(programme.scheme).on(day)
    except NotInForce:
        return None
    return read.with_entered(programme.settings.get("entered", {}))


def subject_of(p: Parameters, case: Case) -> tuple[str, UUID]:
    """Whose year the programme's cap counts: scope and id."""
    scope = p.text("cap_scope") if p.states("cap_scope") else CapScope.FIRM.value
    if scope == CapScope.PROVIDER:
        return scope, case.institution_id
    if scope == CapScope.INSTRUMENT:
        return scope, case.resource.key.id
    return scope, case.customer_id


def speaks_to(p: Parameters, case: Case, parties: Parties) -> bool:
    """Whether the programme is meant for this customer and host at all. No sums are asked for that."""
    try:
        first = decide(p, _facts(p, case, parties, {}, None, (Money.zero(case.cost.currency), (), ())))
    except MissingParameter:
        return True  # said where the sums are known
    return addressed(reason.code for reason in first.reasons)


class Sums:
    """The year's sums of programmes, each read once: for a single decision, or for all those of one page."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._counters: dict[tuple[UUID, UUID, int], dict[str, store.CapCounter]] = {}
        self._quotas: dict[tuple[UUID, UUID, int], store.Quota | None] = {}
        self._budgets: dict[tuple[UUID, int], int] = {}

    def counters(self, programme_id: UUID, subject_id: UUID, year: int) -> dict[str, store.CapCounter]:
        key = (programme_id, subject_id, year)
        if key not in self._counters:
            self._counters[key] = store.counters(self.session, *key)
        return self._counters[key]

    def quota(self, programme_id: UUID, customer_id: UUID, year: int) -> store.Quota | None:
        key = (programme_id, customer_id, year)
        if key not in self._quotas:
            self._quotas[key] = store.quota_row(self.session, *key)
        return self._quotas[key]

    def budget_left(self, programme_id: UUID, year: int) -> int:
        """Minor units that are neither held, accrued nor paid; zero without a budget."""
        key = (programme_id, year)
        if key not in self._budgets:
            row = store.budget_row(self.session, *key)
            self._budgets[key] = (
                row.amount_minor - row.held_minor - row.accrued_minor - row.paid_minor if row else 0
            )
        return self._budgets[key]


def facts_for(
    sums: Sums, programme: ProgrammeRecord, p: Parameters, case: Case, parties: Parties
) -> SupportFacts:
    """Everything the rule looks at. Sums of the year are read here, so lock the counter before."""
    _, subject = subject_of(p, case)
    counters = sums.counters(programme.id, subject, case.year)
    quota = sums.quota(programme.id, case.customer_id, case.year)
    return _facts(p, case, parties, counters, quota, _others(sums.session, programme, case))


def _facts(
    p: Parameters,
    case: Case,
    parties: Parties,
    counters: Mapping[str, store.CapCounter],
    quota: store.Quota | None,
    others: tuple[Money, tuple[str, ...], tuple[str, ...]],
) -> SupportFacts:
    scope, _ = subject_of(p, case)
    own = counters.get(scope)
    currency = case.cost.currency
    supported, before, other_side = others
    return SupportFacts(
        cost=case.cost,
        day=case.day,
        customer_kind=str(parties.customer.kind),
        outside=case.outside,
        firm_size=parties.firm_size,
        firm_marks=parties.firm_marks,
        firm_area=area_of(parties.owner),
        host_area=area_of(parties.host),
        same_owner=_same_owner(parties),
        relation=_relation(quota.declaration if quota else {}, case.institution_id),
        purpose=case.purpose,
        service_class="instrument" if case.resource.kind is not ResourceKind.SERVICE else "testing",
        grade=case.grade,
        instrument_value=case.resource.original_value,
        instrument_set=case.resource.kind is ResourceKind.FACILITY,
        host_standing=parties.host_standing,
        barred_until=parties.barred_until,
        host_barred_until=parties.host_barred_until,
        cumulative_before=Money(own.base_minor if own else 0, currency),
        granted_before=Money(own.granted_minor if own else 0, currency),
        own_before={
            name.removeprefix("payer:"): Money(row.granted_minor, currency)
            for name, row in counters.items()
            if name.startswith("payer:")
        },
        quota_left=_quota_left(quota, case.day, currency),
        supported_before=supported,
        programmes_before=before,
        other_side=other_side,
    )


def _quota_left(quota: store.Quota | None, day: date, currency: str) -> Money | None:
    if quota is None or quota.state != QuotaState.GRANTED:
        return None
    if quota.valid_until is not None and day > quota.valid_until:
        return None
    return Money(quota.amount_minor - quota.held_minor - quota.used_minor, currency)


def add_back(facts: SupportFacts, held: Money) -> SupportFacts:
    """What was held for this very booking may be used by it."""
    if facts.quota_left is None or held.is_zero:
        return facts
    return replace(facts, quota_left=facts.quota_left + held)


def _relation(declaration: dict[str, object], institution_id: UUID) -> Relation:
    """A customer declares once for all hosts, and names those it is tied to."""
    related = declaration.get("related_hosts") or []
    if isinstance(related, list) and str(institution_id) in related:
        return Relation.RELATED
    return Relation(str(declaration.get("relation", Relation.UNDECLARED)))


def _same_owner(parties: Parties) -> bool:
    if parties.owner.id == parties.host.id:
        return True
    return bool(parties.owner.uscc) and parties.owner.uscc == parties.host.uscc


def _marks(organisation_id: UUID, day: date) -> frozenset[str]:
    """Dated marks of a firm, such as ``hnte`` (high and new technology enterprise)."""
    return frozenset(
        row.value
        for row in accounts.standings(organisation_id, "mark")
        if row.since <= day and (row.until is None or day <= row.until)
    )


def _grade(organisation_id: UUID, day: date) -> str:
    found = accounts.standing(organisation_id, "grade", day)
    return found.value if found else ""


def _bar(organisation_id: UUID, day: date) -> date | None:
    found = accounts.standing(organisation_id, "bar", day)
    return (found.until or date.max) if found else None


def _others(
    session: Session, programme: ProgrammeRecord, case: Case
) -> tuple[Money, tuple[str, ...], tuple[str, ...]]:
    """What other programmes already give for this very charge, on this side and on the other."""
    zero = Money.zero(case.cost.currency)
    if case.charge_id is None:
        return zero, (), ()
    rows = [
        row
        for row in store.claims_of_charge(session, HostKey(case.institution_id, case.charge_id))
        if row.state in store.COUNTS and row.programme_id != programme.id
    ]
    known = (
        {p.id: p for p in store.programmes(session, ids={row.programme_id for row in rows})} if rows else {}
    )
    same, other, amount = [], [], zero
    for row in rows:
        standing = known[row.programme_id]
        if SIDE[ProgrammeKind(standing.kind)] is programme.side:
            same.append(standing.scheme)
            amount += Money(row.amount_minor, row.currency)
        else:
            other.append(standing.scheme)
    return amount, tuple(sorted(same)), tuple(sorted(other))


def beneficiary_of(p: Parameters, programme: ProgrammeRecord, case: Case) -> UUID:
    """Who receives the money: the host where the price was cut or its own reward is paid, else the customer."""
    if programme.side is Side.HOST or (p.states("payee") and p.text("payee") == "provider"):
        return case.institution_id
    return case.customer_id


# Reasons that say that the programme is not meant for this customer or host at all: nobody needs to read a
# refusal of a programme that never spoke to him.
NOT_ADDRESSED = frozenset(
    f"subsidy.refused.{code}"
    for code in ("customer_kind", "own_use", "firm_area", "host_area", "service_class")
)


def addressed(codes: Iterable[str]) -> bool:
    return not NOT_ADDRESSED.intersection(codes)
