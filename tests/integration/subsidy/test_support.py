"""Support in the life of an order: quota, holds, claim lines, caps, withdrawals; on both engines."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service as booking
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.errors import (
    InvalidProgramme,
    InvalidQuota,
    NotTheFunder,
    ProgrammeNotFound,
    QuotaExists,
    QuotaNotFound,
)
from resource_hub.domain.subsidy.tables import ClaimLine
from resource_hub.domain.subsidy.terms import ClaimState, QuotaState, Relation
from resource_hub.domain.usage import service as usage
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.kernel.errors import DomainError
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan
from tests.builders.accounts import make_actor
from tests.builders.money import NOW, book, make_money_scene, used

NINE = datetime.fromisoformat("2026-03-03T09:00+08:00")


def claims() -> list[ClaimLine]:
    db.session.rollback()
    return list(reading().scalars(select(ClaimLine).order_by(ClaimLine.created_at, ClaimLine.programme_id)))


def budget(programme) -> tuple[int, int, int]:
    db.session.rollback()
    (found,) = subsidy.budgets([programme.id], 2026)
    return found.held.minor, found.accrued.minor, found.paid.minor


def quota(scene) -> tuple[int, int]:
    db.session.rollback()
    (found,) = subsidy.quotas_of_customers([scene.customer_id])
    return found.held.minor, found.used.minor


def test_slot_quota_and_budget_are_held_together_and_given_back_together(scene):
    with clock.fixed(NOW):
        record = book(scene, NINE)
    assert quota(scene) == (15000, 0)
    assert budget(scene.voucher) == (15000, 0, 0)
    with clock.fixed(NOW):
        booking.cancel(record.key, by=scene.booker)
    assert quota(scene) == (0, 0)
    assert budget(scene.voucher) == (0, 0, 0)


def test_a_changed_order_holds_what_it_costs_now_and_goes_on_holding_after_several_changes(scene):
    with clock.fixed(NOW):
        record = book(scene, NINE)
        for hours, held in ((3, 22500), (1, 7500), (2, 15000)):
            span = TimeSpan(NINE, NINE + timedelta(hours=hours))
            record = booking.change(record.key, span, by=scene.booker)
            assert quota(scene) == (held, 0)
            assert budget(scene.voucher) == (held, 0, 0)
        booking.cancel(record.key, by=scene.booker)
    assert quota(scene) == (0, 0)
    assert budget(scene.voucher) == (0, 0, 0)


def test_the_hold_becomes_a_claim_line_with_reasons_and_sources(scene):
    used(scene, NINE)
    assert quota(scene) == (0, 15000)
    assert budget(scene.voucher) == (0, 15000, 0)
    assert budget(scene.reward) == (0, 3000, 0)
    voucher, reward = sorted(claims(), key=lambda row: -row.amount_minor)
    assert (voucher.state, voucher.amount_minor, voucher.rule_version) == (
        "accrued",
        15000,
        "cn-js/voucher@2020",
    )
    # The price was cut at checkout, so the host redeems; the reward is the host's anyway.
    assert voucher.beneficiary_id == reward.beneficiary_id == scene.host.id
    assert any(c["document"] == "苏科机发〔2020〕206号" for c in voucher.citations)
    assert [step["code"] for step in voucher.steps] == ["subsidy.step.base", "subsidy.step.rate"]
    assert (reward.amount_minor, reward.base_minor) == (3000, 60000)


def test_without_a_quota_the_order_costs_its_full_price_and_the_claim_says_why(in_app):
    with clock.fixed(NOW):
        scene = make_money_scene(quota=None)
    used(scene, NINE)
    refused = next(row for row in claims() if row.programme_id == scene.voucher.id)
    assert refused.state == ClaimState.REFUSED
    assert {r["code"] for r in refused.reasons} == {
        "subsidy.refused.no_quota", "subsidy.refused.declaration_missing",
    }  # fmt: skip


def test_the_quota_caps_what_is_taken_off(in_app):
    with clock.fixed(NOW):
        scene = make_money_scene(quota="200")
    used(scene, NINE)
    used(scene, NINE + timedelta(days=1))
    amounts = [row.amount_minor for row in claims() if row.programme_id == scene.voucher.id]
    assert sorted(amounts) == [5000, 15000]
    assert quota(scene) == (0, 20000)


def test_a_budget_that_does_not_reach_refuses_the_claim_and_leaves_no_trace_in_the_sums(in_app):
    with clock.fixed(NOW):
        scene = make_money_scene(budget="10")
    used(scene, NINE)
    assert quota(scene) == (0, 0)
    assert budget(scene.voucher) == (0, 0, 0)
    assert budget(scene.reward) == (0, 0, 0)
    assert {row.state for row in claims()} == {"refused"}
    assert {r["code"] for row in claims() for r in row.reasons} == {"subsidy.refused.budget"}


def test_two_bookings_cannot_hold_the_same_money(in_app):
    with clock.fixed(NOW):
        scene = make_money_scene(budget="200")
        first = book(scene, NINE)
        second = book(scene, NINE + timedelta(days=1))
    quotes = [booking.quote_of(type(r.key)(r.key.institution_id, r.quote_id)) for r in (first, second)]
    # What the first one holds is no longer promised to the second.
    assert quotes[0].sums.to_pay == Money.cny("450")
    held, _, _ = budget(scene.voucher)
    assert held <= 20000


def test_a_correction_withdraws_the_claims_and_makes_new_ones(scene):
    record = used(scene, NINE)
    view = usage.session_view(usage.sessions_of_booking(record.key)[0].key, scene.manager)
    moment = NINE + timedelta(days=1)
    with clock.fixed(moment):
        usage.correct(
            view.current_entries[0].key,
            usage.Correction(ends_at=NINE + timedelta(hours=1), reason="机时有误"),
            scene.manager,
        )
    from tests.builders.money import deliver

    deliver(moment)
    states = sorted((row.state, row.amount_minor) for row in claims())
    assert states == [("accrued", 1500), ("accrued", 7500), ("withdrawn", 3000), ("withdrawn", 15000)]
    assert quota(scene) == (0, 7500)
    assert budget(scene.voucher) == (0, 7500, 0)


def test_applying_for_quota(in_app):
    with clock.fixed(NOW):
        scene = make_money_scene(quota=None)
        with pytest.raises(InvalidQuota) as refused:
            subsidy.request_quota(
                scene.voucher.id,
                scene.customer_id,
                Money.cny("200000"),
                by=scene.payer,
                relation=Relation.UNDECLARED,
            )
        assert {r.code for r in refused.value.reasons} == {
            "subsidy.quota.cap_per_year", "subsidy.quota.declaration",
        }  # fmt: skip
        with pytest.raises(QuotaNotFound):
            subsidy.request_quota(
                scene.voucher.id,
                scene.customer_id,
                Money.cny("5"),
                by=scene.booker,
                relation=Relation.UNRELATED,
            )
        asked = subsidy.request_quota(
            scene.voucher.id,
            scene.customer_id,
            Money.cny("80000"),
            by=scene.payer,
            relation=Relation.UNRELATED,
        )
        with pytest.raises(QuotaExists):
            subsidy.request_quota(
                scene.voucher.id,
                scene.customer_id,
                Money.cny("1"),
                by=scene.payer,
                relation=Relation.UNRELATED,
            )
        with pytest.raises(ProgrammeNotFound):
            subsidy.decide_quota(asked.key, True, by=scene.office)
        with pytest.raises(InvalidQuota):
            subsidy.decide_quota(asked.key, False, by=scene.reviewer)
        granted = subsidy.decide_quota(asked.key, True, by=scene.reviewer, amount=Money.cny("60000"))
    assert (granted.state, granted.amount, str(granted.valid_until)) == (
        QuotaState.GRANTED, Money.cny("60000"), "2026-12-31",
    )  # fmt: skip


def test_budgets_are_the_administrators_and_never_fall_below_what_is_bound(scene):
    used(scene, NINE)
    admin = make_actor(scene.funder, Role.FUNDER_ADMIN)
    with pytest.raises(NotTheFunder):
        subsidy.set_budget(scene.voucher.id, 2026, Money.cny("5"), by=scene.reviewer)
    with pytest.raises(InvalidProgramme):
        subsidy.set_budget(scene.voucher.id, 2026, Money.cny("149.99"), by=admin)
    assert subsidy.set_budget(scene.voucher.id, 2026, Money.cny("150"), by=admin).left.is_zero


def test_others_see_nothing(scene):
    used(scene, NINE)
    row = claims()[0]
    from resource_hub.kernel.keys import HostKey
    from tests.builders.accounts import make_firm, make_funder

    stranger = make_actor(make_firm(), Role.PAYER)
    other_funder = make_actor(make_funder(), Role.REVIEWER)
    for who in (stranger, other_funder):
        with pytest.raises(DomainError) as refused:
            subsidy.claim(HostKey(row.institution_id, row.id), by=who)
        assert refused.value.code == "subsidy.claim_not_found"
    for who in (scene.payer, scene.office, scene.reviewer):
        assert subsidy.claim(HostKey(row.institution_id, row.id), by=who).key.id == row.id
