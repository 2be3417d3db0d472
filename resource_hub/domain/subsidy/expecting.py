"""What programmes would pay: towards one quote, towards those of a page, and as a share of any price of a host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import CustomerClass, OrganisationRecord, StandingRecord
from resource_hub.domain.booking.terms import ExpectedSupportLine
from resource_hub.domain.catalogue.terms import ResourceKind, ResourceRecord
from resource_hub.domain.pricing.terms import Price
from resource_hub.domain.subsidy import store
from resource_hub.domain.subsidy.gathering import (
    AnyResource,
    Case,
    Parties,
    Sums,
    area_of,
    facts_for,
    parameters,
    parties_of,
    speaks_to,
)
from resource_hub.domain.subsidy.rules import decide
from resource_hub.domain.subsidy.terms import ProgrammeRecord, ProgrammeState, Side, Support
from resource_hub.infra import stamps
from resource_hub.infra.database import reading
from resource_hub.infra.keeping import keeping, kept
from resource_hub.kernel.by_host import ByHost
from resource_hub.kernel.decision import Decision
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.rulebook import MissingParameter, Parameters

# An order of this size stands for all when a share is estimated: one for which no programme is too small or too large.
_ORDER = Money.cny("1000")
_MILLION = 1_000_000


@kept(about=lambda: (stamps.PROGRAMMES,))
def open_programmes() -> list[ProgrammeRecord]:
    """Programmes that accept use now; the customer's side first, so that a host's reward sees what firms got."""
    rows = store.programmes(reading(), state=ProgrammeState.OPEN)
    return sorted((store.programme_record(row) for row in rows), key=lambda p: (p.side is Side.HOST, p.code))


def at_once(p: Parameters) -> bool:
    return p.states("deducted_at_once") and p.flag("deducted_at_once")


class Expected:
    """Subsidy's answer to booking: what programmes would pay towards a price."""

    def expected(
        self, institution_id: UUID, resource: ResourceRecord, customer_id: UUID, price: Price, on: date
    ) -> list[ExpectedSupportLine]:
        if not any(programme.side is Side.CUSTOMER for programme in open_programmes()):
            return []
        case = Case(institution_id, resource, customer_id, price.customer_class.outside, price.total, on)
        return [_line(gift, on) for gift in _gifts(Sums(reading()), case, parties_of(case))]

    def of_page(
        self, customer_id: UUID, asked: Sequence[tuple[ResourceRecord, Price, date]]
    ) -> list[list[ExpectedSupportLine]]:
        """The same for many quotes of one customer, each by itself, in the order asked; sums are read once."""
        if not asked:
            return []
        with keeping(joining=True):
            hosts = accounts.organisation_names({resource.key.institution_id for resource, _, _ in asked})
            seen = {day: _Hosts.seen_by(customer_id, day) for day in {day for _, _, day in asked}}
            return [
                [
                    _line(gift, on)
                    for gift in seen[on].gifts(
                        hosts[resource.key.institution_id],
                        resource,
                        price.customer_class.outside,
                        price.total,
                    )
                ]
                for resource, price, on in asked
            ]


@dataclass(frozen=True, slots=True)
class _Gift:
    """What one programme would give; ``left`` of its budget in minor units."""

    programme: ProgrammeRecord
    p: Parameters
    decision: Decision[Support]
    left: int

    @property
    def amount(self) -> Money:
        return self.decision.value.amount


def _gifts(sums: Sums, case: Case, parties: Parties) -> Iterator[_Gift]:
    """What the programmes of the customer's side would give for a case, one after another, each knowing the others."""
    given = Money.zero(case.cost.currency)
    schemes: list[str] = []
    for programme in open_programmes():
        if programme.side is Side.HOST:
            continue
        found = _try(sums, programme, case, parties, given, tuple(schemes))
        if found is None:
            continue
        left = sums.budget_left(programme.id, case.year)
        if left <= 0:
            continue
        gift = _Gift(programme, *found, left)
        yield gift
        given += gift.amount
        schemes.append(programme.scheme)


def _try(
    sums: Sums,
    programme: ProgrammeRecord,
    case: Case,
    parties: Parties,
    given: Money,
    schemes: tuple[str, ...],
) -> tuple[Parameters, Decision[Support]] | None:
    p = parameters(programme, case.day)
    if p is None or not speaks_to(p, case, parties):
        return None
    # Parameters read anew, so that the citations are this decision's alone.
    p = parameters(programme, case.day) or p
    try:
        facts = replace(
            facts_for(sums, programme, p, case, parties), supported_before=given, programmes_before=schemes
        )
        decision = decide(p, facts)
    except MissingParameter:
        # The document's number cannot be read and nobody entered it: nothing can be promised.
        return None
    return (p, decision) if decision.granted else None


def _line(gift: _Gift, day: date) -> ExpectedSupportLine:
    programme, p = gift.programme, gift.p
    once = at_once(p)
    # What can be held is held at the booking; a claim that comes back later is only estimated.
    reserved = once and p.states("quota_needed") and p.flag("quota_needed") and gift.amount.minor <= gift.left
    return ExpectedSupportLine(
        programme_code=programme.code,
        payer=p.text("payer") if p.states("payer") else programme.code,
        kind="deducted" if once else "later",
        amount=gift.amount,
        reserved=reserved,
        by_when=None if once else pays_by(p, day),
        citations=gift.decision.citations,
        name_zh=programme.name_zh,
        name_en=programme.name_en,
    )


def pays_by(p: Parameters, day: date) -> date | None:
    """The day by which support of a day's use usually arrives, where the rulebook says."""
    if not p.states("pays_after_months"):
        return None
    months = p.int("pays_after_months")
    year, month = day.year + 1 + (months - 1) // 12, (months - 1) % 12 + 1
    return date(year + (month == 12), month % 12 + 1, 1)


# ---- shares for a look


NO_SUPPORT: ByHost[int] = ByHost(0)


@dataclass(frozen=True, slots=True)
class Shares:
    """The part of a price that programmes would pay, in millionths, by host: of time and other things, of services."""

    usual: ByHost[int] = NO_SUPPORT
    services: ByHost[int] = NO_SUPPORT


def shares(
    customer_id: UUID, classes: ByHost[CustomerClass], hosts: Sequence[OrganisationRecord], on: date
) -> Shares:
    """What programmes would pay of a customer's next order at each of these hosts, estimated on one of 1,000 yuan.

    Quota, budget and the year's caps are those of today. Hosts that no rule tells apart are asked for once. What a
    rule asks of the one resource (its value) or counts by it stays open, so the exact quote may say otherwise.
    """
    if not any(programme.side is Side.CUSTOMER for programme in open_programmes()):
        return Shares()
    with keeping(joining=True):
        seen = _Hosts.seen_by(customer_id, on)
        named = _named_hosts(seen.sums, customer_id, on)
        known: dict[object, tuple[int, int]] = {}
        found: dict[UUID, tuple[int, int]] = {}
        for host in hosts:
            outside = classes.at(host.id).outside
            like = (seen.likeness(host), outside, host.id if str(host.id) in named else None)
            if like not in known:
                known[like] = (
                    seen.share(host, ResourceKind.INSTRUMENT, outside),
                    seen.share(host, ResourceKind.SERVICE, outside),
                )
            found[host.id] = known[like]
    return Shares(
        ByHost.of({host: pair[0] for host, pair in found.items()}, 0),
        ByHost.of({host: pair[1] for host, pair in found.items()}, 0),
    )


def _named_hosts(sums: Sums, customer_id: UUID, on: date) -> set[str]:
    """Hosts to which the customer has declared to be tied."""
    ours = [programme for programme in open_programmes() if programme.side is Side.CUSTOMER]
    quotas = [sums.quota(programme.id, customer_id, on.year) for programme in ours]
    return {str(host) for row in quotas if row for host in row.declaration.get("related_hosts") or ()}


@dataclass(frozen=True, slots=True)
class _Hosts:
    """Many hosts as programmes see them on a day for one customer: what is said of whom is read once."""

    customer_id: UUID
    on: date
    model: Parties
    sums: Sums
    grades: Mapping[UUID, StandingRecord]
    bars: Mapping[UUID, StandingRecord]

    @classmethod
    def seen_by(cls, customer_id: UUID, on: date) -> _Hosts:
        owner = accounts.customer(customer_id).organisation_id
        home = Case(owner, _any(owner, ResourceKind.INSTRUMENT), customer_id, True, _ORDER, on)
        return cls(
            customer_id, on, parties_of(home), Sums(reading()),
            accounts.standings_on("grade", on), accounts.standings_on("bar", on),
        )  # fmt: skip

    def likeness(self, host: OrganisationRecord) -> object:
        """Hosts that are alike in this get the same from every programme."""
        at = self._parties(host)
        alone = host.id if host.id == at.owner.id else None
        return area_of(host), host.uscc == at.owner.uscc, at.host_standing, at.host_barred_until, alone

    def gifts(
        self, host: OrganisationRecord, resource: ResourceRecord | AnyResource, outside: bool, cost: Money
    ) -> list[_Gift]:
        case = Case(host.id, resource, self.customer_id, outside, cost, self.on)
        return list(_gifts(self.sums, case, self._parties(host)))

    def share(self, host: OrganisationRecord, kind: ResourceKind, outside: bool) -> int:
        given = sum(gift.amount.minor for gift in self.gifts(host, _any(host.id, kind), outside, _ORDER))
        return min(given * _MILLION // _ORDER.minor, _MILLION)

    def _parties(self, host: OrganisationRecord) -> Parties:
        grade, bar = self.grades.get(host.id), self.bars.get(host.id)
        return replace(
            self.model,
            host=host,
            host_standing=grade.value if grade else "",
            host_barred_until=(bar.until or date.max) if bar else None,
        )


def _any(host_id: UUID, kind: ResourceKind) -> AnyResource:
    return AnyResource(HostKey(host_id, host_id), kind)
