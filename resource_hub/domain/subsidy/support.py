"""Support in the life of an order: expected at the quote, held at the booking, taken off or accrued at the charge.

Everything that changes sums runs in the caller's unit and takes its locks in one order: the year's counter, the
quota, and the budget last, as one conditional UPDATE.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.billing import service as billing
from resource_hub.domain.billing.terms import ChargeFacts, ChargeKind
from resource_hub.domain.booking.terms import FundsFacts
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.subsidy import store
from resource_hub.domain.subsidy.errors import BudgetExhausted, QuotaExhausted
from resource_hub.domain.subsidy.expecting import at_once, open_programmes
from resource_hub.domain.subsidy.gathering import (
    Case,
    Parties,
    Sums,
    add_back,
    beneficiary_of,
    facts_for,
    parameters,
    parties_of,
    speaks_to,
    subject_of,
)
from resource_hub.domain.subsidy.rules import decide, own_share
from resource_hub.domain.subsidy.tables import ClaimLine, Clawback, FundsHold
from resource_hub.domain.subsidy.terms import (
    ClaimState,
    ProgrammeRecord,
    Support,
    SupportFacts,
)
from resource_hub.domain.usage import service as usage
from resource_hub.infra.ids import derived_id
from resource_hub.infra.outbox import Event
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.decision import Decision
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import FunderKey, HostKey
from resource_hub.kernel.money import Money
from resource_hub.rulebook import MissingParameter, Parameters

# No service was done for these, so nobody supports them.
_SUPPORTED = (ChargeKind.USE, ChargeKind.MANUAL)


# ---- holds


class Holds:
    """Subsidy's answer to booking: quota and budget are held in the unit that takes the slot."""

    def hold(self, unit: Unit, facts: FundsFacts) -> None:
        """Hold what the quote promised.

        Raises:
            QuotaExhausted, BudgetExhausted: somebody was faster; the booking then does not happen either.
        """
        for line in facts.support:
            if not line.reserved or line.amount.is_zero:
                continue
            row = store.programme_of_code(unit.session, line.programme_code)
            if row is None:
                continue
            year = facts.on.year
            quota = store.quota_row(unit.session, row.id, facts.customer_id, year)
            if quota is None or not store.move_quota(
                unit.session, FunderKey(quota.funder_id, quota.id), held=line.amount.minor
            ):
                raise QuotaExhausted(programme=line.programme_code, amount=line.amount.as_json())
            if not store.move_budget(unit.session, row.id, year, held=line.amount.minor):
                raise BudgetExhausted(programme=line.programme_code, amount=line.amount.as_json())
            values = {
                "funder_id": row.funder_id,
                "quota_id": quota.id,
                "year": year,
                "amount_minor": line.amount.minor,
                "currency": line.amount.currency,
                "state": "held",
                "created_at": unit.now,
            }
            self._write(unit, facts.booking_key, row.id, values)
        unit.session.flush()

    def _write(self, unit: Unit, booking_key: HostKey, programme_id: UUID, values: dict[str, Any]) -> None:
        """One hold a booking and programme: what was given back for a change is taken up again."""
        for before in store.holds(unit.session, booking_key, state="released"):
            if before.programme_id == programme_id:
                for name, value in values.items():
                    setattr(before, name, value)
                return
        unit.session.add(
            FundsHold(
                institution_id=booking_key.institution_id,
                id=derived_id(unit.now, "funds_hold", *booking_key, programme_id),
                booking_id=booking_key.id,
                programme_id=programme_id,
                **values,
            )
        )

    def release(self, unit: Unit, booking_key: HostKey) -> None:
        """Give back what is still held for a booking; again it changes nothing."""
        for hold in store.holds(unit.session, booking_key):
            _end_hold(unit, hold, "released")


def _end_hold(unit: Unit, hold: FundsHold, state: str) -> None:
    if hold.quota_id is not None:
        store.move_quota(unit.session, FunderKey(hold.funder_id, hold.quota_id), held=-hold.amount_minor)
    store.move_budget(unit.session, hold.programme_id, hold.year, held=-hold.amount_minor)
    hold.state = state
    unit.session.flush()


# ---- at the charge


class Deduction:
    """Subsidy's answer to billing: what is taken off a charge at once, written beside it in the same unit."""

    def deduct(self, unit: Unit, facts: ChargeFacts) -> Money:
        zero = Money.zero(facts.gross.currency)
        if facts.reverses is not None:
            return _take_back(unit, facts)
        if facts.kind not in _SUPPORTED:
            if facts.booking_id is not None:
                Holds().release(unit, HostKey(facts.key.institution_id, facts.booking_id))
            return zero
        lines = _accrue(unit, facts, once=True)
        if facts.booking_id is not None:
            # What the use did not need goes back to quota and budget.
            Holds().release(unit, HostKey(facts.key.institution_id, facts.booking_id))
        return Money.sum((amount for amount in lines), facts.gross.currency)


def on_charged(unit: Unit, event: Event) -> None:
    """Claim lines of programmes that pay afterwards. The charge already knows what was taken off at once."""
    if event.payload.get("reverses"):
        return
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["charge_id"]))
    charge = billing.charge_for_rules(key)
    if charge.kind not in _SUPPORTED:
        return
    entry = _entry_facts(key, charge.entry_id)
    line_id = event.payload.get("line_id")
    _accrue(
        unit,
        ChargeFacts(
            key=key,
            kind=charge.kind,
            entry_id=charge.entry_id,
            line_id=UUID(line_id) if line_id else None,
            booking_id=charge.booking_id,
            resource_id=charge.resource_id,
            customer_id=charge.customer_id,
            customer_class=charge.customer_class,
            day=charge.day,
            gross=charge.gross,
            purpose=entry[0],
            grade=entry[1],
        ),
        once=False,
    )


def _entry_facts(charge: HostKey, entry_id: UUID | None) -> tuple[str, str]:
    """Purpose and grade of the sealed entry behind a charge."""
    if entry_id is None:
        return "", ""
    entry = usage.entry(HostKey(charge.institution_id, entry_id))
    return entry.purpose, entry.grade


def _accrue(unit: Unit, charge: ChargeFacts, *, once: bool) -> list[Money]:
    """One claim line per programme that speaks to this charge; returns what was granted."""
    resource = catalogue.resource(HostKey(charge.key.institution_id, charge.resource_id))
    case = Case(
        institution_id=charge.key.institution_id,
        resource=resource,
        customer_id=charge.customer_id,
        outside=CustomerClass(charge.customer_class).outside,
        cost=charge.gross,
        day=charge.day,
        purpose=charge.purpose,
        grade=charge.grade,
        charge_id=charge.key.id,
    )
    if charge.gross.minor <= 0:
        return []
    parties = parties_of(case)
    granted = []
    for programme in open_programmes():
        p = parameters(programme, case.day)
        if p is None or at_once(p) is not once:
            continue
        amount = _claim(unit, programme, p, case, parties, charge)
        if amount is not None:
            granted.append(amount)
    return granted


def _claim(
    unit: Unit, programme: ProgrammeRecord, p: Parameters, case: Case, parties: Parties, charge: ChargeFacts
) -> Money | None:
    session = unit.session
    source_key = f"{charge.key.id}:{programme.code}"
    standing = store.claim_of_source(session, case.institution_id, source_key)
    if standing is not None:
        counts = standing.state in store.COUNTS
        return Money(standing.amount_minor, standing.currency) if counts else None
    # Asked without a lock: most programmes do not speak to most charges.
    if not speaks_to(p, case, parties):
        return None
    scope, subject = subject_of(p, case)
    store.lock_counter(session, programme.id, subject, case.year, scope)
    hold = _hold_of(unit, charge, programme.id)
    held = Money(hold.amount_minor, hold.currency) if hold else Money.zero(case.cost.currency)
    # Read under the lock, with parameters read anew so that the citations are this decision's alone.
    p = parameters(programme, case.day) or p
    facts = add_back(facts_for(Sums(session), programme, p, case, parties), held)
    decision = decide_or_missing(p, facts)
    if decision.granted:
        with session.begin_nested() as savepoint:
            refused = _book(unit, programme, p, case, decision.value, scope, subject, hold)
            if refused is not None:
                savepoint.rollback()
        if refused is not None:
            decision = Decision(False, Support(Money.zero(case.cost.currency), Money.zero(case.cost.currency)),
                                (refused,), decision.citations, decision.steps)  # fmt: skip
    _write_claim(unit, programme, p, case, charge, facts, decision, source_key)
    return decision.value.amount if decision.granted else None


def decide_or_missing(p: Parameters, facts: SupportFacts) -> Decision[Support]:
    """The decision; where the rulebook lacks a number, a refusal that names it. Never a guess."""
    try:
        return decide(p, facts)
    except MissingParameter as missing:
        zero = Money.zero(facts.cost.currency)
        values = dict(missing.values)
        return Decision(False, Support(zero, zero), (Reason("rulebook.missing_parameter", values),), p.used)


def _hold_of(unit: Unit, charge: ChargeFacts, programme_id: UUID) -> FundsHold | None:
    if charge.booking_id is None:
        return None
    key = HostKey(charge.key.institution_id, charge.booking_id)
    return next((h for h in store.holds(unit.session, key) if h.programme_id == programme_id), None)


def _book(
    unit: Unit,
    programme: ProgrammeRecord,
    p: Parameters,
    case: Case,
    support: Support,
    scope: str,
    subject: UUID,
    hold: FundsHold | None,
) -> Reason | None:
    """Write the sums: counter, quota, budget last. A reason when quota or budget do not reach."""
    session = unit.session
    own = own_share(p, support)
    store.add_to_counter(
        session, programme.id, subject, case.year, scope, base=support.base.minor, granted=own.minor
    )
    for payer, part in support.parts:
        store.add_to_counter(
            session, programme.id, subject, case.year, f"payer:{payer}", base=0, granted=part.minor
        )
    if hold is not None:
        _end_hold(unit, hold, "used")
    quota = store.quota_row(session, programme.id, case.customer_id, case.year)
    if quota is not None and p.states("quota_needed") and p.flag("quota_needed"):
        if not store.move_quota(session, FunderKey(quota.funder_id, quota.id), used=support.amount.minor):
            return Reason("subsidy.refused.quota_used_up", {})
    if not store.move_budget(session, programme.id, case.year, accrued=support.amount.minor):
        return Reason("subsidy.refused.budget", {"year": case.year})
    return None


def _write_claim(
    unit: Unit,
    programme: ProgrammeRecord,
    p: Parameters,
    case: Case,
    charge: ChargeFacts,
    facts: SupportFacts,
    decision: Decision[Support],
    source_key: str,
) -> None:
    claim = ClaimLine(
        institution_id=case.institution_id,
        id=derived_id(unit.now, "claim_line", case.institution_id, source_key),
        source_key=source_key,
        programme_id=programme.id,
        funder_id=programme.funder_id,
        charge_id=charge.key.id,
        entry_id=charge.entry_id,
        line_id=charge.line_id,
        customer_id=case.customer_id,
        beneficiary_id=beneficiary_of(p, programme, case),
        day=case.day,
        state=(ClaimState.ACCRUED if decision.granted else ClaimState.REFUSED).value,
        base_minor=decision.value.base.minor,
        amount_minor=decision.value.amount.minor,
        currency=case.cost.currency,
        rule_version=p.key,
        facts={
            "facts": facts.as_json(),
            "entered": dict(programme.settings.get("entered", {})),
            "parts": [[payer, part.minor] for payer, part in decision.value.parts],
        },
        reasons=[r.as_json() for r in decision.reasons],
        steps=[r.as_json() for r in decision.steps],
        citations=[c.as_json() for c in decision.citations],
        created_at=unit.now,
        changed_at=unit.now,
    )
    unit.session.add(claim)
    unit.session.flush()
    unit.publish(
        "subsidy.claim_accrued" if decision.granted else "subsidy.claim_refused",
        f"{case.institution_id}:{case.customer_id}",
        {
            "institution_id": str(case.institution_id),
            "claim_line_id": str(claim.id),
            "programme_id": str(programme.id),
            "customer_id": str(case.customer_id),
        },
    )


def _take_back(unit: Unit, facts: ChargeFacts) -> Money:
    """A correction took a charge back: its claim lines go, what was taken off at once comes back, what was paid
    becomes a claw-back. Returns the negative of what had been taken off."""
    assert facts.reverses is not None
    original = billing.charge_for_rules(facts.reverses)
    for row in store.claims_of_charge(unit.session, facts.reverses):
        if row.state not in store.COUNTS:
            continue
        undo_sums(unit, row)
        if row.state == ClaimState.PAID:
            _claw_back(unit, row)
        else:
            row.state = ClaimState.WITHDRAWN.value
        row.changed_at = unit.now
    unit.session.flush()
    return -original.deducted


def undo_sums(unit: Unit, row: ClaimLine) -> None:
    session = unit.session
    programme = store.programme_row(session, row.programme_id)
    assert programme is not None
    record = store.programme_record(programme)
    p = parameters(record, row.day)
    if p is None:
        return
    year = row.day.year
    scope = p.text("cap_scope") if p.states("cap_scope") else "firm"
    charge = billing.charge_for_rules(HostKey(row.institution_id, row.charge_id))
    subject = {"provider": row.institution_id, "instrument": charge.resource_id}.get(scope, row.customer_id)
    parts = [(payer, Money(minor, row.currency)) for payer, minor in row.facts.get("parts", [])]
    own = own_share(
        p, Support(Money(row.amount_minor, row.currency), Money(row.base_minor, row.currency), tuple(parts))
    )
    store.add_to_counter(
        session, row.programme_id, subject, year, scope, base=-row.base_minor, granted=-own.minor
    )
    for payer, part in parts:
        store.add_to_counter(
            session, row.programme_id, subject, year, f"payer:{payer}", base=0, granted=-part.minor
        )
    quota = store.quota_row(session, row.programme_id, row.customer_id, year)
    if quota is not None and p.states("quota_needed") and p.flag("quota_needed"):
        store.move_quota(session, FunderKey(quota.funder_id, quota.id), used=-row.amount_minor)
    if row.state != ClaimState.PAID:
        store.move_budget(session, row.programme_id, year, accrued=-row.amount_minor)


def _claw_back(unit: Unit, row: ClaimLine) -> None:
    unit.session.add(
        Clawback(
            funder_id=row.funder_id,
            id=derived_id(unit.now, "clawback", row.institution_id, row.id),
            programme_id=row.programme_id,
            institution_id=row.institution_id,
            claim_line_id=row.id,
            beneficiary_id=row.beneficiary_id,
            amount_minor=row.amount_minor,
            currency=row.currency,
            reason=Reason("subsidy.clawback.corrected", {"charge_id": str(row.charge_id)}).as_json(),
            state="open",
            created_at=unit.now,
        )
    )
