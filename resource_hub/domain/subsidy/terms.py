"""Words of support: programmes, the facts a rule is given, what it grants, and the life of a run (pure).

A *programme* is a funder's scheme: a voucher (firm's side), a host reward, a usage grant or a service purchase. Its
rules are rulebook parameters. A *claim line* is one charge × one programme: the decision with its reasons, steps and
citations, kept together with the facts it was made from, so that it can be made again.

Units: amounts in whole fen; ratios are exact fractions; a year is the programme's budget year (calendar year).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from resource_hub.kernel.decision import Citation
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import FunderKey, HostKey
from resource_hub.kernel.money import Money


class ProgrammeKind(StrEnum):
    VOUCHER = "voucher"
    HOST_REWARD = "host_reward"
    USAGE_GRANT = "usage_grant"
    SERVICE_PURCHASE = "service_purchase"


class ProgrammeState(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


class Payee(StrEnum):
    """Who receives the money: the firm afterwards, or the provider because the price was cut at checkout."""

    FIRM = "firm"
    PROVIDER = "provider"


class Side(StrEnum):
    """Whose cost or income a programme supports; amounts of different sides are never added up."""

    CUSTOMER = "customer"
    HOST = "host"


NOTHING = Money(0)

SIDE: dict[ProgrammeKind, Side] = {
    ProgrammeKind.VOUCHER: Side.CUSTOMER,
    ProgrammeKind.USAGE_GRANT: Side.CUSTOMER,
    ProgrammeKind.SERVICE_PURCHASE: Side.CUSTOMER,
    ProgrammeKind.HOST_REWARD: Side.HOST,
}


class CapScope(StrEnum):
    """Whose year the yearly cap counts."""

    FIRM = "firm"
    PROVIDER = "provider"
    INSTRUMENT = "instrument"


class QuotaState(StrEnum):
    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"
    LAPSED = "lapsed"


class ClaimState(StrEnum):
    """``accrued`` waits for a run; ``refused`` keeps its reasons; ``withdrawn`` was undone by a correction."""

    ACCRUED = "accrued"
    REFUSED = "refused"
    IN_RUN = "in_run"
    PAID = "paid"
    WITHDRAWN = "withdrawn"


class RunState(StrEnum):
    """computed → sampled → approved by a second person → public notice → paid; before payment it may be cancelled."""

    COMPUTED = "computed"
    SAMPLED = "sampled"
    APPROVED = "approved"
    NOTICE = "notice"
    PAID = "paid"
    CANCELLED = "cancelled"


RUN_STEPS = (RunState.COMPUTED, RunState.SAMPLED, RunState.APPROVED, RunState.NOTICE, RunState.PAID)
NEXT_STEP: dict[RunState, RunState] = dict(itertools.pairwise(RUN_STEPS))


class SampleResult(StrEnum):
    OPEN = "open"
    RIGHT = "right"
    WRONG = "wrong"


class ObjectionState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


class Relation(StrEnum):
    """What the customer declared about ties to the host (investing, subordination, joint founding, property)."""

    UNDECLARED = "undeclared"
    UNRELATED = "unrelated"
    RELATED = "related"


@dataclass(frozen=True, slots=True)
class SupportFacts:
    """Everything a programme's rule looks at for one charge. Frozen with the claim line, so that it can be replayed.

    Attributes:
        cost: what the rule's base means for this charge: the price before any support.
        day: the day that the programme's version date basis names (use, invoice, payment or contract day).
        cumulative_before: cost already accepted by this programme in the same year and cap scope.
        granted_before: what this programme already granted in the same year and cap scope.
        own_before: of that, what each payer of a split or top-up gave (its own cap counts it).
        quota_left: what is left of the granted quota; None where none was granted.
        supported_before: what other programmes of the same side already give for this very charge.
        programmes_before: the schemes of those programmes.
        other_side: schemes of programmes that already give the other side something for this charge.
        grade: evidence grade of the sealed line; "" before the use (a quote).
    """

    cost: Money
    day: date
    customer_kind: str = "firm"
    outside: bool = True
    firm_size: str = ""
    firm_marks: frozenset[str] = frozenset()
    firm_area: str = ""
    host_area: str = ""
    same_owner: bool = False
    relation: Relation = Relation.UNDECLARED
    purpose: str = ""
    service_class: str = "instrument"
    grade: str = ""
    instrument_value: Money | None = None
    instrument_set: bool = False
    host_standing: str = ""
    barred_until: date | None = None
    host_barred_until: date | None = None
    persons: int = 1
    cumulative_before: Money = NOTHING
    granted_before: Money = NOTHING
    own_before: Mapping[str, Money] = field(default_factory=dict)
    quota_left: Money | None = None
    supported_before: Money = NOTHING
    programmes_before: tuple[str, ...] = ()
    other_side: tuple[str, ...] = ()
    documents: frozenset[str] = frozenset()
    claimed_elsewhere: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values; money as minor units, the currency once."""
        return {
            "currency": self.cost.currency,
            "cost": self.cost.minor,
            "day": self.day.isoformat(),
            "customer_kind": self.customer_kind,
            "outside": self.outside,
            "firm_size": self.firm_size,
            "firm_marks": sorted(self.firm_marks),
            "firm_area": self.firm_area,
            "host_area": self.host_area,
            "same_owner": self.same_owner,
            "relation": str(self.relation),
            "purpose": self.purpose,
            "service_class": self.service_class,
            "grade": self.grade,
            "instrument_value": self.instrument_value.minor if self.instrument_value is not None else None,
            "instrument_set": self.instrument_set,
            "host_standing": self.host_standing,
            "barred_until": self.barred_until.isoformat() if self.barred_until else None,
            "host_barred_until": self.host_barred_until.isoformat() if self.host_barred_until else None,
            "persons": self.persons,
            "cumulative_before": self.cumulative_before.minor,
            "granted_before": self.granted_before.minor,
            "own_before": {payer: amount.minor for payer, amount in sorted(self.own_before.items())},
            "quota_left": self.quota_left.minor if self.quota_left is not None else None,
            "supported_before": self.supported_before.minor,
            "programmes_before": list(self.programmes_before),
            "other_side": list(self.other_side),
            "documents": sorted(self.documents),
            "claimed_elsewhere": list(self.claimed_elsewhere),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> SupportFacts:
        currency = row["currency"]

        def money(name: str) -> Money:
            return Money(row[name], currency)

        def day(name: str) -> date | None:
            return date.fromisoformat(row[name]) if row[name] else None

        return cls(
            cost=money("cost"),
            day=date.fromisoformat(row["day"]),
            customer_kind=row["customer_kind"],
            outside=row["outside"],
            firm_size=row["firm_size"],
            firm_marks=frozenset(row["firm_marks"]),
            firm_area=row["firm_area"],
            host_area=row["host_area"],
            same_owner=row["same_owner"],
            relation=Relation(row["relation"]),
            purpose=row["purpose"],
            service_class=row["service_class"],
            grade=row["grade"],
            instrument_value=money("instrument_value") if row["instrument_value"] is not None else None,
            instrument_set=row["instrument_set"],
            host_standing=row["host_standing"],
            barred_until=day("barred_until"),
            host_barred_until=day("host_barred_until"),
            persons=row["persons"],
            cumulative_before=money("cumulative_before"),
            granted_before=money("granted_before"),
            own_before={payer: Money(minor, currency) for payer, minor in row["own_before"].items()},
            quota_left=money("quota_left") if row["quota_left"] is not None else None,
            supported_before=money("supported_before"),
            programmes_before=tuple(row["programmes_before"]),
            other_side=tuple(row["other_side"]),
            documents=frozenset(row["documents"]),
            claimed_elsewhere=tuple(row["claimed_elsewhere"]),
        )


@dataclass(frozen=True, slots=True)
class Support:
    """What a programme grants for one charge. ``base`` is the cost that it accepted and that counts for its year;
    ``parts`` name each payer's share and add up to ``amount``."""

    amount: Money
    base: Money
    parts: tuple[tuple[str, Money], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "amount": self.amount.minor,
            "base": self.base.minor,
            "parts": [[payer, part.minor] for payer, part in self.parts],
            "currency": self.amount.currency,
        }


@dataclass(frozen=True, slots=True)
class ProgrammeRecord:
    """A programme as pages and other services see it."""

    id: UUID
    funder_id: UUID
    code: str
    kind: ProgrammeKind
    scheme: str
    name_zh: str
    name_en: str
    state: ProgrammeState
    settings: Mapping[str, Any] = field(default_factory=dict)

    def name_in(self, language: str) -> str:
        first, second = (self.name_en, self.name_zh) if language == "en" else (self.name_zh, self.name_en)
        return first or second

    @property
    def side(self) -> Side:
        return SIDE[self.kind]


@dataclass(frozen=True, slots=True)
class BudgetRecord:
    key: FunderKey
    programme_id: UUID
    year: int
    amount: Money
    held: Money
    accrued: Money
    paid: Money

    @property
    def left(self) -> Money:
        return self.amount - self.held - self.accrued - self.paid


@dataclass(frozen=True, slots=True)
class QuotaRecord:
    key: FunderKey
    programme_id: UUID
    customer_id: UUID
    year: int
    state: QuotaState
    amount: Money
    held: Money
    used: Money
    valid_until: date | None
    relation: Relation
    requested_at: datetime
    decided_at: datetime | None
    decision_note: str
    version: int

    @property
    def left(self) -> Money:
        return self.amount - self.held - self.used


@dataclass(frozen=True, slots=True)
class ClaimLineRecord:
    key: HostKey
    programme_id: UUID
    funder_id: UUID
    charge_id: UUID
    entry_id: UUID | None
    customer_id: UUID
    beneficiary_id: UUID
    day: date
    state: ClaimState
    base: Money
    amount: Money
    rule_version: str
    facts: Mapping[str, Any]
    reasons: tuple[Reason, ...]
    steps: tuple[Reason, ...]
    citations: tuple[Citation, ...]
    run_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RunRecord:
    key: FunderKey
    programme_id: UUID
    number: str
    period_start: date
    period_end: date
    state: RunState
    lines: int
    amount: Money
    rule_version: str
    digest: str
    seed: str
    computed_by: UUID | None
    computed_at: datetime
    sampled_by: UUID | None
    sampled_at: datetime | None
    approved_by: UUID | None
    approved_at: datetime | None
    notice_until: date | None
    paid_at: datetime | None
    paid_by: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class RunLineRecord:
    """A claim line as it was frozen. ``body`` says in plain values why it is paid."""

    key: FunderKey
    position: int
    claim_key: HostKey
    customer_id: UUID
    beneficiary_id: UUID
    amount: Money
    body: Mapping[str, Any]
    sampled: SampleResult | None = None
    sample_note: str = ""


@dataclass(frozen=True, slots=True)
class RunFlag:
    """Something about a run that a reviewer should look at, heaviest first."""

    code: str
    weight: int
    values: Mapping[str, Any]
    lines: tuple[int, ...] = ()
