"""Payout runs: states, second person, sample, notice, payment, replay; on both engines."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.errors import (
    NothingToPay,
    NotTheFunder,
    ProgrammeNotFound,
    RunBlocked,
    SamePerson,
    WrongRunState,
)
from resource_hub.domain.subsidy.rules.runs import draw
from resource_hub.domain.subsidy.tables import ClaimLine, Clawback, RunLine
from resource_hub.domain.subsidy.terms import ClaimState, RunState, SampleResult
from resource_hub.domain.usage import service as usage
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.errors import Stale
from resource_hub.kernel.money import Money
from tests.builders.accounts import actor, make_person
from tests.builders.money import deliver, used

NINE = datetime.fromisoformat("2026-03-03T09:00+08:00")
APRIL = datetime.fromisoformat("2026-04-10T09:00+08:00")
MARCH, END = date(2026, 3, 1), date(2026, 4, 1)


@pytest.fixture
def run(scene):
    used(scene, NINE)
    used(scene, NINE + timedelta(days=1))
    with clock.fixed(APRIL):
        return subsidy.compute_run(scene.voucher.id, MARCH, END, by=scene.reviewer)


def sampled(scene, run):
    with clock.fixed(APRIL):
        found = subsidy.sample_run(run.key, by=scene.reviewer)
        for line in subsidy.run_lines(run.key, by=scene.reviewer):
            if line.sampled is SampleResult.OPEN:
                subsidy.check_line(run.key, line.position, True, "", by=scene.reviewer)
    db.session.rollback()
    return found


def paid(scene, run, moment=APRIL):
    sampled(scene, run)
    with clock.fixed(moment):
        subsidy.approve_run(run.key, by=scene.approver)
        on_notice = subsidy.publish_notice(run.key, by=scene.approver)
    with clock.fixed(datetime.fromisoformat(f"{on_notice.notice_until}T09:00+08:00") + timedelta(days=1)):
        return subsidy.pay_run(run.key, by=scene.approver)


def test_a_run_freezes_the_period_and_takes_each_line_once(scene, run):
    assert (run.state, run.lines, run.amount, run.number) == (
        RunState.COMPUTED, 2, Money.cny("300"), f"{scene.voucher.code}-202603-01",
    )  # fmt: skip
    with clock.fixed(APRIL), pytest.raises(NothingToPay):
        subsidy.compute_run(scene.voucher.id, MARCH, END, by=scene.reviewer)
    db.session.rollback()
    assert {c.state for c in subsidy.claims_of_funder(scene.funder.id, by=scene.reviewer,
                                                      programme_id=scene.voucher.id)} == {ClaimState.IN_RUN}  # fmt: skip


def test_the_boundaries_of_the_period(scene):
    used(scene, NINE)
    with clock.fixed(APRIL):
        with pytest.raises(NothingToPay):
            subsidy.compute_run(scene.voucher.id, MARCH, date(2026, 3, 3), by=scene.reviewer)
        with pytest.raises(NothingToPay):
            subsidy.compute_run(scene.voucher.id, date(2026, 3, 4), END, by=scene.reviewer)
        assert (
            subsidy.compute_run(scene.voucher.id, date(2026, 3, 3), date(2026, 3, 4), by=scene.reviewer).lines
            == 1
        )


def test_only_the_funders_people_and_each_in_their_role(scene, run):
    with pytest.raises(ProgrammeNotFound):
        subsidy.run(run.key, by=scene.office)
    with pytest.raises(NotTheFunder):
        subsidy.sample_run(run.key, by=scene.approver)
    with pytest.raises(NotTheFunder):
        subsidy.approve_run(run.key, by=scene.reviewer)


def test_who_computed_cannot_approve_even_with_both_roles(scene):
    used(scene, NINE)
    both = actor(
        make_person(roles=[(scene.funder, Role.REVIEWER), (scene.funder, Role.FUNDER_APPROVER)]), scene.funder
    )
    with clock.fixed(APRIL):
        made = subsidy.compute_run(scene.voucher.id, MARCH, END, by=both)
        subsidy.sample_run(made.key, by=scene.reviewer)
        for line in subsidy.run_lines(made.key, by=both):
            subsidy.check_line(made.key, line.position, True, "", by=both)
        with pytest.raises(SamePerson):
            subsidy.approve_run(made.key, by=both)
        assert subsidy.approve_run(made.key, by=scene.approver).state is RunState.APPROVED


def test_the_database_refuses_the_same_person_too(scene, run):
    from resource_hub.domain.subsidy.tables import PayoutRun

    with pytest.raises(DBAPIError), unit_of_work() as unit:
        unit.session.execute(update(PayoutRun).values(approved_by=run.computed_by))


def test_steps_cannot_be_skipped_or_taken_twice(scene, run):
    with clock.fixed(APRIL):
        for step in (subsidy.approve_run, subsidy.publish_notice, subsidy.pay_run):
            with pytest.raises(WrongRunState):
                step(run.key, by=scene.approver)
        with pytest.raises(Stale):
            subsidy.sample_run(run.key, by=scene.reviewer, version=99)
        subsidy.sample_run(run.key, by=scene.reviewer, version=run.version)
        with pytest.raises(WrongRunState):
            subsidy.sample_run(run.key, by=scene.reviewer)
        with pytest.raises(RunBlocked) as blocked:
            subsidy.approve_run(run.key, by=scene.approver)
    assert [r.code for r in blocked.value.reasons] == ["subsidy.run.samples_open"]


def test_the_sample_can_be_drawn_again_from_its_seed(scene, run):
    found = sampled(scene, run)
    lines = subsidy.run_lines(run.key, by=scene.reviewer)
    drawn = [line.position for line in lines if line.sampled is not None]
    assert drawn == draw(found.seed, [line.position for line in lines], 1)


def test_a_wrong_line_blocks_and_cancelling_refuses_it_alone(scene, run):
    with clock.fixed(APRIL):
        subsidy.sample_run(run.key, by=scene.reviewer)
        position = next(
            line.position
            for line in subsidy.run_lines(run.key, by=scene.reviewer)
            if line.sampled is not None
        )
        with pytest.raises(RunBlocked):
            subsidy.check_line(run.key, position, False, " ", by=scene.reviewer)
        subsidy.check_line(run.key, position, False, "报告与仪器不符", by=scene.reviewer)
        with pytest.raises(RunBlocked):
            subsidy.approve_run(run.key, by=scene.approver)
        subsidy.cancel_run(run.key, by=scene.reviewer)
    db.session.rollback()
    states = sorted(
        row.state
        for row in reading().scalars(select(ClaimLine).where(ClaimLine.programme_id == scene.voucher.id))
    )
    assert states == ["accrued", "refused"]
    (money,) = subsidy.budgets([scene.voucher.id], 2026)
    assert money.accrued == Money.cny("150")


def test_paid_after_the_notice_and_not_before(scene, run):
    sampled(scene, run)
    with clock.fixed(APRIL):
        subsidy.approve_run(run.key, by=scene.approver)
        on_notice = subsidy.publish_notice(run.key, by=scene.approver)
        assert on_notice.notice_until == date(2026, 4, 17)
        with pytest.raises(RunBlocked) as blocked:
            subsidy.pay_run(run.key, by=scene.approver)
        assert [r.code for r in blocked.value.reasons] == ["subsidy.run.notice_runs"]
        subsidy.object_to_run(run.key, "该单位未提供服务")
    db.session.rollback()
    day_after = datetime.fromisoformat("2026-04-18T00:00+08:00")
    with clock.fixed(day_after), pytest.raises(RunBlocked):
        subsidy.pay_run(run.key, by=scene.approver)
    (word,) = subsidy.objections(run.key, by=scene.reviewer)
    with clock.fixed(day_after):
        subsidy.answer_objection(run.key, word.id, False, "有检测报告", by=scene.reviewer)
        assert subsidy.pay_run(run.key, by=scene.approver).state is RunState.PAID
    db.session.rollback()
    (money,) = subsidy.budgets([scene.voucher.id], 2026)
    assert (money.accrued, money.paid) == (Money.zero(), Money.cny("300"))


def test_a_past_run_computed_again_gives_the_same_fen(scene, run):
    paid(scene, run)
    db.session.rollback()
    again = subsidy.replay_run(run.key, by=scene.reviewer)
    assert again.identical
    assert (again.lines, again.frozen, again.again) == (2, Money.cny("300"), Money.cny("300"))


def test_frozen_lines_cannot_be_changed(scene, run):
    with pytest.raises(DBAPIError), unit_of_work() as unit:
        unit.session.execute(update(RunLine).values(amount_minor=1))


def test_a_correction_blocks_an_unpaid_run_and_claws_back_a_paid_one(scene, run):
    record_session = usage.sessions_of_customer([scene.customer_id])[0]
    view = usage.session_view(record_session.key, scene.manager)

    def correct(moment):
        with clock.fixed(moment):
            usage.correct(
                view.current_entries[0].key,
                usage.Correction(ends_at=record_session.ends_at - timedelta(minutes=30), reason="机时有误"),
                scene.manager,
            )
        deliver(moment)
        db.session.rollback()

    done = paid(scene, run)
    correct(done.paid_at + timedelta(hours=1))
    (row,) = reading().scalars(select(Clawback))
    assert (row.amount_minor, row.state, row.beneficiary_id) == (15000, "open", scene.host.id)


def test_flags_and_withdrawn_lines(scene, run):
    session = usage.sessions_of_customer([scene.customer_id])[0]
    view = usage.session_view(session.key, scene.manager)
    with clock.fixed(APRIL):
        usage.correct(
            view.current_entries[0].key,
            usage.Correction(ends_at=session.ends_at - timedelta(minutes=30), reason="机时有误"),
            scene.manager,
        )
    deliver(APRIL)
    sampled(scene, run)
    lines = subsidy.run_lines(run.key, by=scene.reviewer)
    assert subsidy.run_flags(run.key, lines)[0].code == "withdrawn"
    with clock.fixed(APRIL), pytest.raises(RunBlocked) as blocked:
        subsidy.approve_run(run.key, by=scene.approver)
    assert [r.code for r in blocked.value.reasons] == ["subsidy.run.lines_withdrawn"]
