"""Support against exact fractions: never beyond caps or cost, monotone, many claims like one, replays identical."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_hub.domain.subsidy.rules import decide, own_share, through_tiers
from resource_hub.domain.subsidy.terms import Relation, SupportFacts
from resource_hub.kernel.money import Money
from resource_hub.rulebook import MissingParameter, rulebook

DAY = date(2026, 3, 2)
FIRM = SupportFacts(
    cost=Money.cny("1000"), day=DAY, instrument_value=Money.cny("600000"), firm_area="320402", firm_size="small", relation=Relation.UNRELATED,
    host_area="320102", grade="B", quota_left=Money.cny("50000"),
)  # fmt: skip


def voucher():
    return rulebook().scheme("cn-js/voucher").on(DAY)


def codes(**changes):
    return {
        r.code.removeprefix("subsidy.refused.") for r in decide(voucher(), replace(FIRM, **changes)).reasons
    }


def test_a_refusal_tells_every_reason_at_once():
    assert codes(
        firm_area="110108",
        firm_size="large",
        purpose="statutory_test",
        grade="E",
        same_owner=True,
        quota_left=None,
    ) == {"firm_area", "firm_size", "purpose", "grade", "same_owner", "no_quota"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"relation": Relation.UNDECLARED}, "declaration_missing"),
        ({"relation": Relation.RELATED}, "related_parties"),
        ({"outside": False}, "own_use"),
        ({"customer_kind": "institution"}, "customer_kind"),
        ({"quota_left": Money.zero()}, "quota_used_up"),
        ({"barred_until": DAY}, "barred"),
        ({"claimed_elsewhere": ("12345678",)}, "claimed_elsewhere"),
        ({"programmes_before": ("cn-js/nantong_voucher",)}, "exclusive"),
        ({"service_class": "computing"}, "service_class"),
        ({"supported_before": Money.cny("500")}, "nothing_left"),
    ],
)
def test_each_bar_alone(changes, code):
    assert codes(**changes) == {code}


def test_both_sides_of_the_boundaries():
    assert not codes(grade="D")
    assert not codes(barred_until=date(2026, 3, 1))
    # province and city together at most half: 250 of 500 are left when others gave 250
    assert decide(voucher(), replace(FIRM, supported_before=Money.cny("250"))).value.amount == Money.cny(
        "250"
    )
    assert decide(voucher(), replace(FIRM, supported_before=Money.cny("250.01"))).value.amount == Money.cny(
        "249.99"
    )
    assert decide(voucher(), replace(FIRM, granted_before=Money.cny("99999.99"))).value.amount == Money.cny(
        "0.01"
    )


def test_what_a_document_states_but_the_copy_does_not_show_stops_the_rule():
    p = rulebook().scheme("cn-gd/voucher").on(DAY)
    with pytest.raises(MissingParameter) as missing:
        decide(p, replace(FIRM, firm_area="440604"))
    assert missing.value.values["parameter"] == "cap_per_year"
    assert missing.value.values["unreadable"] is True
    assert missing.value.values["place"] == "rulebook/data/cn-gd/voucher.toml"


def test_citations_carry_document_and_mark():
    decision = decide(voucher(), FIRM)
    tiers = next(c for c in decision.citations if c.parameter == "tiers")
    assert (tiers.document, tiers.mark, tiers.version) == ("苏科机发〔2020〕206号", "M", "cn-js/voucher@2020")
    assert decision.steps[0].code == "subsidy.step.base"


COSTS = st.integers(1, 2_000_000_00)


@given(
    cost=COSTS,
    granted=st.integers(0, 100_000_00),
    quota=st.integers(1, 200_000_00),
    others=st.integers(0, 10**7),
)
def test_never_beyond_cap_quota_or_cost(cost, granted, quota, others):
    facts = replace(
        FIRM,
        cost=Money(cost),
        granted_before=Money(granted),
        quota_left=Money(quota),
        supported_before=Money(others),
    )
    amount = decide(voucher(), facts).value.amount.minor
    assert 0 <= amount <= quota
    assert amount + granted <= max(granted, 100_000_00)
    assert amount == 0 or amount + others <= Fraction(cost, 2)
    assert amount <= Fraction(cost, 4)


@given(a=COSTS, b=COSTS)
def test_more_cost_never_gives_less(a, b):
    low, high = sorted((a, b))

    def amount(cost):
        return decide(voucher(), replace(FIRM, cost=Money(cost))).value.amount

    assert amount(low) <= amount(high)


@given(costs=st.lists(st.integers(1, 4_000_000_00), min_size=1, max_size=12))
@settings(max_examples=60)
@pytest.mark.parametrize("code", ["cn-ah/host_reward", "cn-bj/voucher"])
def test_a_year_of_many_claims_gives_what_one_claim_would(code, costs):
    scheme = rulebook().scheme(code)
    day = date(2019, 5, 1)
    facts = SupportFacts(
        cost=Money(1), day=day, firm_area="340104" if "ah" in code else "110108", host_area="340111",
        instrument_value=Money.cny("400000"), relation=Relation.UNRELATED,
    )  # fmt: skip
    cumulative = granted = 0
    for cost in costs:
        p = scheme.on(day)
        decision = decide(
            p,
            replace(
                facts, cost=Money(cost), cumulative_before=Money(cumulative), granted_before=Money(granted)
            ),
        )
        # A refused claim of a few fen still counts toward the year: the next one takes what rounding left.
        cumulative += cost
        granted += own_share(p, decision.value).minor if decision.granted else 0
    p = scheme.on(day)
    whole = decide(p, replace(facts, cost=Money(sum(costs)))).value.amount.minor
    # Between claims the rounding goes one way and then the other; the year agrees to one step of rounding a claim.
    assert abs(whole - granted) <= 100 * len(costs) if code == "cn-bj/voucher" else whole == granted


@given(cost=COSTS, before=st.integers(0, 10**9))
def test_a_replay_from_the_kept_facts_is_identical(cost, before):
    facts = replace(FIRM, cost=Money(cost), cumulative_before=Money(before))
    kept = SupportFacts.from_json(facts.as_json())
    assert kept == facts
    assert decide(voucher(), kept) == decide(voucher(), facts)


@given(base=st.fractions(min_value=0, max_value=10**9))
def test_tiers_are_the_sum_of_their_pieces(base):
    tiers = [
        (Fraction(100), Fraction(9, 10)),
        (Fraction(500), Fraction(3, 5)),
        (Fraction(1000), Fraction(3, 10)),
    ]
    expected = (
        min(base, 100) * Fraction(9, 10)
        + max(0, min(base, 500) - 100) * Fraction(3, 5)
        + max(0, min(base, 1000) - 500) * Fraction(3, 10)
    )
    assert through_tiers(tiers, base) == expected
