"""The door to support: programmes, quota, claim lines, payout runs, and the ports of booking and billing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.subsidy import store
from resource_hub.domain.subsidy.errors import ClaimNotFound
from resource_hub.domain.subsidy.expecting import Expected, Shares, shares
from resource_hub.domain.subsidy.gathering import area_of, parameters
from resource_hub.domain.subsidy.programmes import (
    APPLIES,
    FUNDERS_PEOPLE,
    budgets,
    decide_quota,
    enter_parameter,
    funder_only,
    grant_quota,
    open_programme,
    programme,
    programme_of_code,
    programmes,
    quota,
    quotas_of_customers,
    quotas_of_funder,
    request_quota,
    rules_of,
    set_budget,
    set_programme_state,
    support_schemes,
)
from resource_hub.domain.subsidy.runs import (
    NoticeLine,
    Replay,
    answer_objection,
    approve_run,
    cancel_run,
    check_line,
    compute_run,
    notice,
    notices,
    object_to_run,
    objections,
    pay_run,
    publish_notice,
    replay_line,
    replay_run,
    run,
    run_blocks,
    run_flags,
    run_lines,
    runs,
    sample_run,
)
from resource_hub.domain.subsidy.support import Deduction, Holds, on_charged
from resource_hub.domain.subsidy.telling import SUBSCRIPTIONS as _NOTICES
from resource_hub.domain.subsidy.terms import (
    BudgetRecord,
    ClaimLineRecord,
    ClaimState,
    ProgrammeRecord,
    RunRecord,
)
from resource_hub.infra.database import reading
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money

__all__ = [
    "APPLIES", "FUNDERS_PEOPLE", "SUBSCRIPTIONS", "Deduction", "Expected", "Holds", "NoticeLine", "Overview",
    "Replay", "Shares", "answer_objection", "approve_run", "area_of", "budgets", "cancel_run", "check_line", "claim",
    "claims_of_charge", "claims_of_customers", "claims_of_entries", "claims_of_funder", "claims_of_host",
    "compute_run", "decide_quota", "enter_parameter", "grant_quota", "notice", "notices", "object_to_run",
    "objections", "open_programme", "overview", "parameters", "pay_run", "programme", "programme_of_code",
    "programmes", "publish_notice", "quota", "quotas_of_customers", "quotas_of_funder", "replay_line",
    "replay_run", "request_quota", "reward_of_host", "rules_of", "run", "run_blocks", "run_flags", "run_lines",
    "runs", "runs_of_claims", "sample_run", "set_budget", "set_programme_state", "shares", "support_schemes",
]  # fmt: skip


def claim(key: HostKey, *, by: Actor) -> ClaimLineRecord:
    """A claim line, for the customer, the host and the funder.

    Raises:
        ClaimNotFound: none such, or not for this reader.
    """
    row = store.claim_row(reading(), key)
    if row is None:
        raise ClaimNotFound()
    host = by.organisation_id == key.institution_id and by.has(
        Role.OFFICE, Role.INSTITUTION_ADMIN, Role.MANAGER, Role.DEPUTY
    )
    funder = by.organisation_id == row.funder_id and by.has(*FUNDERS_PEOPLE)
    if not (host or funder or row.customer_id in by.customer_ids):
        raise ClaimNotFound()
    return store.claim_record(row)


def claims_of_charge(charge: HostKey) -> list[ClaimLineRecord]:
    """What a charge became in programmes. The caller has checked the reader."""
    return [store.claim_record(row) for row in store.claims_of_charge(reading(), charge)]


def claims_of_entries(institution_id: UUID, entry_ids: Collection[UUID]) -> list[ClaimLineRecord]:
    """Claim lines of usage entries of one host, for the session's page. The caller has checked the reader."""
    rows = store.claims(reading(), institution_id=institution_id, entry_ids=entry_ids, limit=500)
    return [store.claim_record(row) for row in rows]


def claims_of_customers(
    customer_ids: Collection[UUID], *, since: date | None = None, limit: int = 200
) -> list[ClaimLineRecord]:
    rows = store.claims(reading(), customer_ids=customer_ids, since=since, limit=limit)
    return [store.claim_record(row) for row in rows]


def claims_of_host(
    institution_id: UUID, *, since: date | None = None, limit: int = 200
) -> list[ClaimLineRecord]:
    rows = store.claims(reading(), institution_id=institution_id, since=since, limit=limit)
    return [store.claim_record(row) for row in rows]


def claims_of_funder(
    funder_id: UUID,
    *,
    by: Actor,
    programme_id: UUID | None = None,
    states: Sequence[ClaimState] = (),
    since: date | None = None,
    until: date | None = None,
    after: tuple[date, UUID] | None = None,
    limit: int = 200,
) -> list[ClaimLineRecord]:
    funder_only(funder_id, by, *FUNDERS_PEOPLE)
    rows = store.claims(
        reading(), funder_id=funder_id, programme_id=programme_id, states=states, since=since, until=until,
        after=after, limit=limit,
    )  # fmt: skip
    return [store.claim_record(row) for row in rows]


def runs_of_claims(claims: Sequence[ClaimLineRecord]) -> dict[UUID, RunRecord]:
    """The runs in which claim lines stand, by id: the clock a claimant sees."""
    ids = {claim.run_id for claim in claims if claim.run_id is not None}
    return (
        {key: store.run_record(row) for key, row in store.runs_by_id(reading(), ids).items()} if ids else {}
    )


def reward_of_host(institution_id: UUID, since: date, until: date) -> Money:
    """Support earned by a host between two days (the second exclusive): what assessment is handed as a fact."""
    rows = store.claims(
        reading(),
        institution_id=institution_id,
        states=store.COUNTS,
        since=since,
        until=until,
        limit=1_000_000,
    )
    return Money.sum(
        (Money(row.amount_minor, row.currency) for row in rows if row.beneficiary_id == institution_id), "CNY"
    )


@dataclass(frozen=True, slots=True)
class Overview:
    """A programme of a funder at a glance. ``sums`` maps a state of claim lines to (lines, amount)."""

    programme: ProgrammeRecord
    budget: BudgetRecord | None
    sums: dict[ClaimState, tuple[int, Money]]


def overview(funder_id: UUID, year: int, *, by: Actor) -> list[Overview]:
    """Every programme of a funder: budget, held, accrued, paid."""
    funder_only(funder_id, by, *FUNDERS_PEOPLE)
    own = programmes(funder_id)
    ids = [p.id for p in own]
    money = {b.programme_id: b for b in budgets(ids, year)} if ids else {}
    sums = store.claim_sums(reading(), ids) if ids else {}
    return [
        Overview(
            p,
            money.get(p.id),
            {
                state: (sums[p.id, state.value][0], Money(sums[p.id, state.value][1]))
                for state in ClaimState
                if (p.id, state.value) in sums
            },
        )
        for p in own
    ]


SUBSCRIPTIONS = {"billing.charged": [("subsidy.accrue", on_charged)], **_NOTICES}
