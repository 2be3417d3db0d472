"""A host, a firm and a funder of one province, from the booking to the payout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor, OrganisationRecord, Role
from resource_hub.domain.billing import service as billing
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import Asked, BookingRecord
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import ResourceRecord
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.terms import ProgrammeRecord
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.terms import EvidenceKind, Tap
from resource_hub.infra import clock, outbox
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan
from tests.builders.accounts import (
    actor,
    make_actor,
    make_firm,
    make_funder,
    make_institution,
    make_person,
    make_uscc,
)
from tests.builders.availability import make_rules, make_weekly
from tests.builders.catalogue import make_contents, make_listing
from tests.support import again

TARIFF: dict[str, Any] = {
    "format": 1,
    "currency": "CNY",
    "hour": {"in_house": "150.00", "outside": "300.00"},
    "no_show": {"consequence": "fee", "fee": {"all": "100.00"}},
}
NOW = datetime.fromisoformat("2026-03-02T08:00+08:00")


@dataclass(frozen=True)
class MoneyScene:
    """Everybody who touches a yuan: the firm that books, the laboratory, the office, the funder's two people."""

    host: OrganisationRecord
    resource: ResourceRecord
    manager: Actor
    office: Actor
    firm: OrganisationRecord
    booker: Actor
    payer: Actor
    funder: OrganisationRecord
    reviewer: Actor
    approver: Actor
    voucher: ProgrammeRecord
    reward: ProgrammeRecord

    @property
    def customer_id(self) -> UUID:
        return next(iter(self.booker.customer_ids))

    @property
    def unit_key(self) -> HostKey:
        return catalogue.units(self.resource.key)[0].key


def make_money_scene(**changes: Any) -> MoneyScene:
    """A host and a small firm in Jiangsu, the voucher of 苏科机发〔2020〕206号 and its host reward, with budgets of 2026.

    ``quota=None``: the firm has not applied.
    """
    return again.once(f"money {changes}", lambda: _make_scene(**changes))


def _make_scene(
    *,
    tariff: Mapping[str, Any] = TARIFF,
    quota: str | None = "100000",
    budget: str = "1000000",
    number: int = 4711,
) -> MoneyScene:
    host = make_institution(uscc=make_uscc(number, entity="12", region="320100"), jurisdiction="CN-JS")
    resource = make_listing(host, contents=make_contents(original_value_minor=600_000_00))
    manager = actor(make_person(roles=[(host, Role.MANAGER)]), host)
    with unit_of_work() as unit:
        from resource_hub.domain.availability import service as availability

        availability.set_hours_directly(unit, resource.key, make_weekly(), make_rules())
        availability.rebuild(unit, [resource.key], availability.kept_span())
    pricing.adopt(resource.key, tariff, date(2020, 1, 1))
    firm = make_firm(uscc=make_uscc(number, region="320505"), jurisdiction="CN-JS")
    funder = make_funder(jurisdiction="CN-JS")
    booker = actor(make_person(roles=[(firm, Role.BOOKER)]), firm)
    voucher = subsidy.open_programme(funder.id, f"js-voucher-{number}", "cn-js/voucher")
    reward = subsidy.open_programme(funder.id, f"js-reward-{number}", "cn-js/host_reward")
    for programme in (voucher, reward):
        subsidy.set_budget(programme.id, 2026, Money.cny(budget))
    if quota is not None:
        subsidy.grant_quota(voucher.id, next(iter(booker.customer_ids)), Money.cny(quota), year=2026)
    return MoneyScene(
        host=host,
        resource=resource,
        manager=manager,
        office=make_actor(host, Role.OFFICE),
        firm=firm,
        booker=booker,
        payer=make_actor(firm, Role.PAYER),
        funder=funder,
        reviewer=make_actor(funder, Role.REVIEWER),
        approver=make_actor(funder, Role.FUNDER_APPROVER),
        voucher=voucher,
        reward=reward,
    )


def book(scene: MoneyScene, start: datetime, hours: int = 2, **more: Any) -> BookingRecord:
    """A self-use booking by the scene's firm."""
    asked = Asked(span=TimeSpan(start, start + timedelta(hours=hours)), description="断口形貌", **more)
    return booking.request(scene.resource.key, asked, by=scene.booker)


def use(scene: MoneyScene, record: BookingRecord, *, minutes: int | None = None) -> None:
    """Check in at the start of a booking and out at its end (or after so many minutes), then close the day."""
    assert record.span is not None
    start = record.span.start
    end = record.span.end if minutes is None else start + timedelta(minutes=minutes)
    for moment, kind, call in (
        (start, EvidenceKind.CHECK_IN, usage.check_in),
        (end, EvidenceKind.CHECK_OUT, usage.check_out),
    ):
        with clock.fixed(moment):
            usage.open_expected(moment)
            more = {"booking_id": record.key.id} if call is usage.check_in else {}
            call(scene.unit_key, record.person_id, Tap(kind, moment), **more)  # type: ignore[operator]
    close(scene, record, end + timedelta(hours=1))


def close(scene: MoneyScene, record: BookingRecord, moment: datetime) -> None:
    """The manager closes the day of a booking."""
    with clock.fixed(moment):
        sessions = usage.sessions_of_booking(record.key)
        verdicts = [usage.Verdict(s.key.id, s.version) for s in sessions if s.state != "sealed"]
        usage.close_day(scene.manager, sessions[0].day, verdicts)


def deliver(moment: datetime) -> int:
    """What the scheduler does with the outbox, until nothing is left."""
    done = 0
    with clock.fixed(moment):
        while found := outbox.deliver_due():
            done += found
    return done


def used(scene: MoneyScene, start: datetime, hours: int = 2, **more: Any) -> BookingRecord:
    """Booked, used, closed, charged and claimed."""
    with clock.fixed(start - timedelta(hours=2)):
        record = book(scene, start, hours, **more)
    use(scene, record)
    deliver(start + timedelta(hours=hours + 2))
    return record


def issue(scene: MoneyScene, moment: datetime, period: date) -> int:
    with clock.fixed(moment):
        issued = billing.issue_statements(scene.host.id, period)
    deliver(moment)
    return issued
