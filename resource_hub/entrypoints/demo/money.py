"""What happens with the money of the demonstration's past: customers pay, funders pay out.

Nearly everybody pays a few weeks after the statement; one in nine pays late and only in part. Each quarter every
funder computes a run, checks its sample, approves, puts it on notice and pays; the newest run is left at its sample,
so that there is something to do.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.billing import service as billing
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.errors import NothingToPay
from resource_hub.domain.subsidy.terms import SampleResult
from resource_hub.entrypoints.demo import today
from resource_hub.entrypoints.demo.world import World
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import at, zone

_ZONE = zone("Asia/Shanghai")


def month(world: World, first: date, today: date) -> None:
    """What falls on the month that begins: payments of the statements before the newest, runs of a quarter."""
    with unit_of_work() as unit, unit.at(_at(first, 3, 15)):
        for host in world.hosts():
            _pay(world, host, first)
    if first.month % 3 == 1:
        newest = first + timedelta(days=92) > today
        for code, programme in world.programmes.items():
            _run(programme.id, programme.funder_id, first, finish=not newest or code != "js-voucher")


def _at(day: date, days: int, hour: int) -> datetime:
    return at(day + timedelta(days=days), hour * 60, _ZONE)


def _pay(world: World, host: str, first: date) -> None:
    """Statements of the months before the one just issued: paid by now, some (the visitor's too) half at first."""
    office = world.offices[host]
    issued = (first - timedelta(days=1)).replace(day=1)
    visitors = accounts.customer_of(world.organisations[today.FIRM].id).id
    for found in billing.statements_of_host(world.organisations[host].id, by=office, open_only=True):
        if found.period >= issued:
            continue
        amount = found.open
        halves = int(found.number[-4:]) % 9 == 5 or (host == today.HOST and found.customer_id == visitors)
        if halves and found.paid.is_zero and amount.minor > 1:
            amount = Money(amount.minor // 2, amount.currency)
        reference = f"ICBC-{found.number}-{found.version}"
        billing.record_payment(found.key, amount, amount, reference, first, by=office)


def _actor(funder_id: UUID, role: Role) -> Actor | None:
    people = accounts.people_with_role(funder_id, role)
    return accounts.actor(people[0], funder_id) if people else None


def _run(programme_id: UUID, funder_id: UUID, first: date, *, finish: bool) -> None:
    """The run of the quarter before ``first``."""
    reviewer, approver = _actor(funder_id, Role.REVIEWER), _actor(funder_id, Role.FUNDER_APPROVER)
    if reviewer is None or approver is None:
        return
    since = date(first.year - (first.month == 1), (first.month - 4) % 12 + 1, 1)

    def step(unit: Unit, days: int, call: Callable[[], object]) -> None:
        with unit.at(_at(first, days, 10)):
            call()

    with unit_of_work() as unit:
        with unit.at(_at(first, 9, 10)):
            try:
                run = subsidy.compute_run(programme_id, since, first, by=reviewer)
            except NothingToPay:
                return
        step(unit, 10, lambda: subsidy.sample_run(run.key, by=reviewer))
        if not finish:
            return
        for line in subsidy.run_lines(run.key, by=reviewer):
            if line.sampled is SampleResult.OPEN:
                step(unit, 12, partial(subsidy.check_line, run.key, line.position, True, "", by=reviewer))
        step(unit, 13, lambda: subsidy.approve_run(run.key, by=approver))
        step(unit, 14, lambda: subsidy.publish_notice(run.key, by=approver))
        step(unit, 40, lambda: subsidy.pay_run(run.key, by=approver))
