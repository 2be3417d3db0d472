"""Payout runs: computed, sampled, approved by a second person, put on public notice, paid; replayable.

A run freezes the claim lines of a period with their exact bytes. Computing it again from these bytes, with the rule
version that each line names, gives the same fen; ``replay`` does so.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from resource_hub import rulebook
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Actor, Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.subsidy import store
from resource_hub.domain.subsidy.errors import (
    ClaimNotFound,
    NothingToPay,
    ProgrammeNotFound,
    RunBlocked,
    RunNotFound,
    SamePerson,
    WrongRunState,
)
from resource_hub.domain.subsidy.programmes import FUNDERS_PEOPLE, funder_only, rules_of
from resource_hub.domain.subsidy.rules import decide
from resource_hub.domain.subsidy.rules.runs import draw, flags, line_bytes, run_digest, sample_size
from resource_hub.domain.subsidy.tables import Objection, PayoutRun, RunLine, RunSample
from resource_hub.domain.subsidy.terms import (
    NEXT_STEP,
    ClaimLineRecord,
    ClaimState,
    ObjectionState,
    RunFlag,
    RunLineRecord,
    RunRecord,
    RunState,
    SampleResult,
    SupportFacts,
)
from resource_hub.infra.database import reading
from resource_hub.infra.ids import derived_id, new_id
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.canonical import digest
from resource_hub.kernel.errors import Reason, Stale
from resource_hub.kernel.keys import FunderKey, HostKey
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import local_day, zone

COMPUTES = (Role.REVIEWER, Role.FUNDER_ADMIN)
APPROVES = (Role.FUNDER_APPROVER,)


def compute_run(programme_id: UUID, period_start: date, period_end: date, *, by: Actor) -> RunRecord:
    """Freeze the accrued claim lines of a period (its end exclusive) into a run.

    Raises:
        NothingToPay: no line accrued in the period. ProgrammeNotFound.
    """
    with unit_of_work() as unit:
        programme = store.programme_row(unit.session, programme_id)
        if programme is None:
            raise ProgrammeNotFound()
        funder_only(programme.funder_id, by, *COMPUTES)
        if period_start >= period_end:
            raise NothingToPay(since=period_start.isoformat(), until=period_end.isoformat())
        rows = store.claims_to_freeze(unit.session, programme_id, period_start, period_end)
        if not rows:
            raise NothingToPay(since=period_start.isoformat(), until=period_end.isoformat())
        claims = [store.claim_record(row) for row in rows]
        hosts = accounts.organisation_names({claim.key.institution_id for claim in claims})
        customers = accounts.customers({claim.customer_id for claim in claims})
        owners = accounts.organisation_names({c.organisation_id for c in customers.values()})
        bodies = [
            line_bytes(
                claim,
                programme=programme.code,
                host=hosts[claim.key.institution_id].code,
                # Who a firm is stays in erasable tables; a credit code names a legal person, not a human.
                customer=owners[customers[claim.customer_id].organisation_id].uscc or str(claim.customer_id),
            )
            for claim in claims
        ]
        total = Money.sum((claim.amount for claim in claims), claims[0].amount.currency)
        count = store.count_runs(unit.session, programme_id)
        run = PayoutRun(
            funder_id=programme.funder_id,
            id=new_id(),
            programme_id=programme_id,
            number=f"{programme.code}-{period_start:%Y%m}-{count + 1:02d}",
            period_start=period_start,
            period_end=period_end,
            state=RunState.COMPUTED.value,
            lines=len(claims),
            amount_minor=total.minor,
            currency=total.currency,
            rule_version=", ".join(sorted({claim.rule_version for claim in claims}))[:120],
            digest=run_digest(programme.code, period_start.isoformat(), period_end.isoformat(), bodies),
            seed="",
            computed_by=by.person_id,
            computed_at=unit.now,
            version=1,
        )
        unit.session.add(run)
        unit.session.flush()
        for position, (row, claim, body) in enumerate(zip(rows, claims, bodies, strict=True), 1):
            unit.session.add(
                RunLine(
                    funder_id=programme.funder_id,
                    id=derived_id(unit.now, "run_line", run.id, position),
                    run_id=run.id,
                    position=position,
                    institution_id=claim.key.institution_id,
                    claim_line_id=claim.key.id,
                    customer_id=claim.customer_id,
                    beneficiary_id=claim.beneficiary_id,
                    amount_minor=claim.amount.minor,
                    currency=claim.amount.currency,
                    body=body,
                    digest=digest(b"run_line/1", body),
                )
            )
            row.state, row.run_id, row.changed_at = ClaimState.IN_RUN.value, run.id, unit.now
        unit.session.flush()
        _tell(unit, run, "subsidy.run_computed", by)
        return store.run_record(run)


def _locked(unit: Unit, key: FunderKey, version: int | None, *states: RunState) -> PayoutRun:
    row = store.run_row(unit.session, key, lock=True)
    if row is None:
        raise RunNotFound()
    if version is not None and version != row.version:
        raise Stale(yours=version, current=row.version)
    if RunState(row.state) not in states:
        next_step = NEXT_STEP.get(RunState(row.state))
        raise WrongRunState(state=row.state, wanted=" ".join(states), next=str(next_step or ""))
    return row


def _tell(unit: Unit, run: PayoutRun, name: str, by: Actor) -> None:
    unit.audit(
        name,
        run.funder_id,
        f"run:{run.id}",
        {"number": run.number, "state": run.state},
        person_id=by.person_id,
    )
    unit.publish(
        name,
        f"{run.funder_id}:{run.id}",
        {"funder_id": str(run.funder_id), "run_id": str(run.id), "programme_id": str(run.programme_id)},
    )


def sample_run(key: FunderKey, *, by: Actor, version: int | None = None) -> RunRecord:
    """Draw the lines to check: seeded, so that anybody can draw again, and at least the programme's rate."""
    funder_only(key.funder_id, by, *COMPUTES)
    with unit_of_work() as unit:
        run = _locked(unit, key, version, RunState.COMPUTED)
        rate = _rules(unit, run).ratio("sample_rate")
        # Drawn only now, so that nobody could arrange the lines for it.
        run.seed = secrets.token_hex(16)
        lines = store.lines_of_run(unit.session, key)
        drawn = set(draw(run.seed, [line.position for line, _ in lines], sample_size(len(lines), rate)))
        for line, _ in lines:
            if line.position in drawn:
                unit.session.add(
                    RunSample(
                        funder_id=key.funder_id,
                        id=derived_id(unit.now, "run_sample", line.id),
                        run_id=run.id,
                        run_line_id=line.id,
                        result=SampleResult.OPEN.value,
                        note="",
                    )
                )
        run.state = RunState.SAMPLED.value
        run.sampled_by, run.sampled_at = by.person_id, unit.now
        run.version += 1
        unit.session.flush()
        _tell(unit, run, "subsidy.run_sampled", by)
        return store.run_record(run)


def check_line(key: FunderKey, position: int, right: bool, note: str, *, by: Actor) -> None:
    """Say what the check of a drawn line found; a wrong one says why."""
    funder_only(key.funder_id, by, *FUNDERS_PEOPLE)
    with unit_of_work() as unit:
        run = _locked(unit, key, None, RunState.SAMPLED)
        found = next(
            (s for line, s in store.lines_of_run(unit.session, key) if line.position == position), None
        )
        if found is None:
            raise ClaimNotFound()
        if not right and not note.strip():
            raise RunBlocked(Reason("subsidy.run.note_needed", {}, "note"))
        found.result = (SampleResult.RIGHT if right else SampleResult.WRONG).value
        found.note = note.strip()
        found.checked_by, found.checked_at = by.person_id, unit.now
        unit.session.flush()
        _tell(unit, run, "subsidy.line_checked", by)


def _rules(unit: Unit, run: PayoutRun) -> rulebook.Parameters:
    programme = store.programme_row(unit.session, run.programme_id)
    if programme is None:
        raise ProgrammeNotFound()
    found = rules_of(store.programme_record(programme), run.period_start)
    if found is None:
        raise RunBlocked(Reason("subsidy.run.not_in_force", {"day": run.period_start.isoformat()}))
    return found


def approve_run(key: FunderKey, *, by: Actor, version: int | None = None) -> RunRecord:
    """The second person's yes.

    Raises:
        SamePerson: who computed it. RunBlocked: drawn lines are open or wrong, or lines were withdrawn since.
    """
    funder_only(key.funder_id, by, *APPROVES)
    with unit_of_work() as unit:
        run = _locked(unit, key, version, RunState.SAMPLED)
        if by.person_id in (run.computed_by, run.sampled_by):
            raise SamePerson()
        reasons = _blocks(unit, run)
        if reasons:
            raise RunBlocked(*reasons)
        run.state = RunState.APPROVED.value
        run.approved_by, run.approved_at = by.person_id, unit.now
        run.version += 1
        unit.session.flush()
        _tell(unit, run, "subsidy.run_approved", by)
        return store.run_record(run)


def _blocks(unit: Unit | None, run: PayoutRun) -> list[Reason]:
    """What stands in the way of the next step."""
    session = unit.session if unit else reading()
    key = FunderKey(run.funder_id, run.id)
    reasons: list[Reason] = []
    samples = store.samples_of_run(session, key)
    waiting = sum(sample.result == SampleResult.OPEN for sample in samples)
    wrong = sum(sample.result == SampleResult.WRONG for sample in samples)
    if run.state == RunState.SAMPLED and waiting:
        reasons.append(Reason("subsidy.run.samples_open", {"lines": waiting}))
    if wrong:
        reasons.append(Reason("subsidy.run.samples_wrong", {"lines": wrong}))
    withdrawn = store.withdrawn_of_run(session, run.id)
    if withdrawn:
        reasons.append(Reason("subsidy.run.lines_withdrawn", {"lines": withdrawn}))
    if run.state == RunState.NOTICE:
        open_words = store.open_objections(session, key)
        if open_words:
            reasons.append(Reason("subsidy.run.objections_open", {"objections": open_words}))
    return reasons


def publish_notice(key: FunderKey, *, by: Actor, version: int | None = None) -> RunRecord:
    """Put an approved run on public notice for the programme's number of working days."""
    funder_only(key.funder_id, by, *APPROVES, *COMPUTES)
    with unit_of_work() as unit:
        run = _locked(unit, key, version, RunState.APPROVED)
        days = _rules(unit, run).int("notice_days")
        funder = accounts.organisation(key.funder_id)
        today = local_day(unit.now, zone(funder.zone))
        run.notice_until = availability.working_days_after(funder.jurisdiction, today, days)
        run.state = RunState.NOTICE.value
        run.version += 1
        unit.session.flush()
        _tell(unit, run, "subsidy.run_on_notice", by)
        return store.run_record(run)


def pay_run(key: FunderKey, *, by: Actor, version: int | None = None) -> RunRecord:
    """Record that the run was paid: claim lines become paid, the budget's accrued money becomes paid money.

    Raises:
        RunBlocked: the notice has not ended, objections are open, lines were withdrawn.
    """
    funder_only(key.funder_id, by, *APPROVES)
    with unit_of_work() as unit:
        run = _locked(unit, key, version, RunState.NOTICE)
        reasons = _blocks(unit, run)
        funder = accounts.organisation(key.funder_id)
        today = local_day(unit.now, zone(funder.zone))
        if run.notice_until is not None and today <= run.notice_until:
            reasons.append(Reason("subsidy.run.notice_runs", {"until": run.notice_until.isoformat()}))
        if reasons:
            raise RunBlocked(*reasons)
        store.set_claims_of_run(unit.session, run.id, ClaimState.PAID, changed_at=unit.now)
        by_year: dict[int, int] = {}
        for line, _ in store.lines_of_run(unit.session, key):
            year = int(json.loads(line.body)["day"][:4])
            by_year[year] = by_year.get(year, 0) + line.amount_minor
        run.state = RunState.PAID.value
        run.paid_by, run.paid_at = by.person_id, unit.now
        run.version += 1
        unit.session.flush()
        _tell(unit, run, "subsidy.run_paid", by)
        # The budget last, by one conditional UPDATE a year.
        for year, minor in sorted(by_year.items()):
            if not store.move_budget(unit.session, run.programme_id, year, accrued=-minor, paid=minor):
                raise RunBlocked(Reason("subsidy.run.budget_differs", {"year": year}))
        return store.run_record(run)


def cancel_run(key: FunderKey, *, by: Actor, version: int | None = None) -> RunRecord:
    """Give up a run before it is paid: its lines wait again, those that a check found wrong are refused."""
    funder_only(key.funder_id, by, *COMPUTES, *APPROVES)
    with unit_of_work() as unit:
        run = _locked(
            unit, key, version, RunState.COMPUTED, RunState.SAMPLED, RunState.APPROVED, RunState.NOTICE
        )
        for line, sample in store.lines_of_run(unit.session, key):
            row = store.claim_row(unit.session, HostKey(line.institution_id, line.claim_line_id))
            if row is None or row.state != ClaimState.IN_RUN:
                continue
            row.changed_at = unit.now
            if sample is not None and sample.result == SampleResult.WRONG:
                _refuse_line(unit, run, row, sample)
            else:
                row.state, row.run_id = ClaimState.ACCRUED.value, None
        run.state = RunState.CANCELLED.value
        run.version += 1
        unit.session.flush()
        _tell(unit, run, "subsidy.run_cancelled", by)
        return store.run_record(run)


def _refuse_line(unit: Unit, run: PayoutRun, row: store.ClaimLine, sample: RunSample) -> None:
    from resource_hub.domain.subsidy.support import undo_sums

    undo_sums(unit, row)
    row.state = ClaimState.REFUSED.value
    reason = Reason("subsidy.refused.check", {"run": run.number, "note": sample.note})
    row.reasons = [*row.reasons, reason.as_json()]


# ---- reading


def run(key: FunderKey, *, by: Actor) -> RunRecord:
    funder_only(key.funder_id, by, *FUNDERS_PEOPLE)
    row = store.run_row(reading(), key)
    if row is None:
        raise RunNotFound()
    return store.run_record(row)


def runs(
    funder_id: UUID,
    *,
    by: Actor,
    states: Sequence[RunState] = (),
    programme_id: UUID | None = None,
    limit: int = 100,
    after: tuple[datetime, UUID] | None = None,
) -> list[RunRecord]:
    """Payout runs of a funder, the newest first, from the place after one (when it was computed, and its id) on."""
    funder_only(funder_id, by, *FUNDERS_PEOPLE)
    rows = store.runs(
        reading(), funder_id=funder_id, states=states, programme_id=programme_id, limit=limit, after=after
    )
    return [store.run_record(row) for row in rows]


def run_lines(key: FunderKey, *, by: Actor) -> list[RunLineRecord]:
    funder_only(key.funder_id, by, *FUNDERS_PEOPLE)
    return [store.line_record(line, sample) for line, sample in store.lines_of_run(reading(), key)]


def run_flags(key: FunderKey, lines: Sequence[RunLineRecord]) -> list[RunFlag]:
    return flags(lines, store.withdrawn_of_run(reading(), key.id))


def run_blocks(key: FunderKey) -> list[Reason]:
    """Why the next step cannot be taken yet; empty when it can."""
    row = store.run_row(reading(), key)
    return _blocks(None, row) if row is not None else []


@dataclass(frozen=True, slots=True)
class ReplayedLine:
    position: int
    frozen: Money
    again: Money


@dataclass(frozen=True, slots=True)
class Replay:
    """A past run computed again from its frozen facts with the rule versions it names."""

    lines: int
    frozen: Money
    again: Money
    digest_matches: bool
    differing: tuple[ReplayedLine, ...]

    @property
    def identical(self) -> bool:
        return self.digest_matches and not self.differing


def replay_run(key: FunderKey, *, by: Actor) -> Replay:
    """Compute a run again, line by line, from what was frozen."""
    funder_only(key.funder_id, by, *FUNDERS_PEOPLE)
    session = reading()
    row = store.run_row(session, key)
    if row is None:
        raise RunNotFound()
    programme = store.programme_row(session, row.programme_id)
    assert programme is not None
    bodies, differing = [], []
    frozen = again = Money.zero(row.currency)
    for line, _ in store.lines_of_run(session, key):
        bodies.append(line.body)
        body = json.loads(line.body)
        amount = replay_line(body)
        standing = Money(line.amount_minor, line.currency)
        frozen += standing
        again += amount
        if amount != standing:
            differing.append(ReplayedLine(line.position, standing, amount))
    made = run_digest(programme.code, row.period_start.isoformat(), row.period_end.isoformat(), bodies)
    return Replay(len(bodies), frozen, again, made == row.digest, tuple(differing))


def replay_line(body: dict[str, Any]) -> Money:
    """The amount of a frozen line, decided anew by the rule version that it names."""
    scheme, _, version = body["rule_version"].partition("@")
    p = rulebook.scheme(scheme).version(version).with_entered(body["facts"].get("entered", {}))
    return decide(p, SupportFacts.from_json(body["facts"]["facts"])).value.amount


# ---- public notice


@dataclass(frozen=True, slots=True)
class NoticeLine:
    beneficiary_id: UUID
    lines: int
    amount: Money


def notices() -> list[RunRecord]:
    """Runs on public notice, newest first; for everybody."""
    return [store.run_record(row) for row in store.runs(reading(), states=(RunState.NOTICE,))]


def notice(key: FunderKey) -> tuple[RunRecord, list[NoticeLine]]:
    """A run on notice (or paid after one) with the sums of its beneficiaries: what the public may see of it.

    Raises:
        RunNotFound: not public.
    """
    row = store.run_row(reading(), key)
    if row is None or row.state not in (RunState.NOTICE, RunState.PAID):
        raise RunNotFound()
    sums: dict[UUID, list[int]] = {}
    for line, _ in store.lines_of_run(reading(), key):
        entry = sums.setdefault(line.beneficiary_id, [0, 0])
        entry[0] += 1
        entry[1] += line.amount_minor
    lines = [NoticeLine(who, n, Money(minor, row.currency)) for who, (n, minor) in sums.items()]
    return store.run_record(row), sorted(lines, key=lambda line: -line.amount.minor)


def object_to_run(key: FunderKey, text: str, contact: str = "") -> None:
    """Anybody's word against a run on notice; the run is not paid before it is answered.

    Raises:
        RunNotFound: not on notice. RunBlocked: no text.
    """
    with unit_of_work() as unit:
        row = store.run_row(unit.session, key)
        if row is None or row.state != RunState.NOTICE:
            raise RunNotFound()
        if not text.strip():
            raise RunBlocked(Reason("subsidy.run.objection_text", {}, "text"))
        unit.session.add(
            Objection(
                funder_id=key.funder_id,
                id=new_id(),
                run_id=key.id,
                text=text.strip()[:4000],
                contact=contact.strip()[:254],
                state=ObjectionState.OPEN.value,
                answer="",
                created_at=unit.now,
            )
        )
        unit.publish(
            "subsidy.objection",
            f"{key.funder_id}:{key.id}",
            {"funder_id": str(key.funder_id), "run_id": str(key.id)},
        )


def answer_objection(key: FunderKey, objection_id: UUID, upheld: bool, answer: str, *, by: Actor) -> None:
    funder_only(key.funder_id, by, *FUNDERS_PEOPLE)
    with unit_of_work() as unit:
        row = next((o for o in store.objections(unit.session, key) if o.id == objection_id), None)
        if row is None or row.state != ObjectionState.OPEN:
            raise RunNotFound()
        if not answer.strip():
            raise RunBlocked(Reason("subsidy.run.note_needed", {}, "answer"))
        row.state = (ObjectionState.UPHELD if upheld else ObjectionState.DISMISSED).value
        row.answer = answer.strip()
        row.decided_at = unit.now
        unit.audit(
            "subsidy.objection_answered",
            key.funder_id,
            f"run:{key.id}",
            {"upheld": upheld},
            person_id=by.person_id,
        )


@dataclass(frozen=True, slots=True)
class ObjectionRecord:
    id: UUID
    text: str
    contact: str
    state: ObjectionState
    answer: str
    created_at: Any


def objections(key: FunderKey, *, by: Actor) -> list[ObjectionRecord]:
    funder_only(key.funder_id, by, *FUNDERS_PEOPLE)
    return [
        ObjectionRecord(o.id, o.text, o.contact, ObjectionState(o.state), o.answer, o.created_at)
        for o in store.objections(reading(), key)
    ]


def claim_records(rows: Sequence[Any]) -> list[ClaimLineRecord]:
    return [store.claim_record(row) for row in rows]
