"""Whatever the rules say, there is a sentence that reads it back, one that refuses by it, and a way out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from uuid import UUID

import pytest

from resource_hub.domain.availability.rules.sentences import sentences
from resource_hub.domain.availability.terms import (
    AheadRule,
    Answerer,
    AnswerRule,
    Approval,
    AskedField,
    BarLength,
    BarRule,
    BarUnit,
    DebtBlock,
    HouseDocument,
    NamedHours,
    Quota,
    QuotaFor,
    QuotaMeasure,
    QuotaPer,
    QuotaPeriod,
    Reach,
    Silence,
    StrikeKind,
)
from resource_hub.domain.booking.rules.quotas import quota_reasons
from resource_hub.entrypoints.support.sentences import remedy_table, sentence_table
from resource_hub.kernel.errors import Reason
from tests.builders.availability import moment
from tests.builders.booking import make_facts, make_own

PRIME = NamedHours("prime", "高峰时段", "Prime time", (0, 1, 2, 3, 4), 480, 1080)
LATE = NamedHours("late", "晚间", "Evening", (0, 2), 1080, 1440, "prime")
PLACE = re.compile(r"%\((\w+)\)s")


LADDERS = [tuple(BarLength(unit, 2) for unit in BarUnit), *((BarLength(unit, 1),) for unit in BarUnit)]


def quotas() -> Iterator[Quota]:
    for per, period, measure, inside, whom, reach in itertools.product(
        QuotaPer, QuotaPeriod, QuotaMeasure, ("", "prime"), QuotaFor, Reach
    ):
        if period is QuotaPeriod.CONCURRENT and measure is QuotaMeasure.MINUTES:
            continue
        if period is QuotaPeriod.BOOKING and measure is QuotaMeasure.BOOKINGS:
            continue
        if period is QuotaPeriod.BOOKING and reach is not Reach.RESOURCE:
            continue
        yield Quota(per, period, measure, 1, inside, whom, reach)


DOCUMENTS = [
    HouseDocument(),
    HouseDocument(quotas=tuple(quotas()), times=(PRIME, LATE)),
    HouseDocument(step=1440, least=1440, most=5760),
    HouseDocument(
        most=240, lead={"all": 60, "self_use": 120, "staff_run": 60, "send_in": 60}, lead_days=3, setup=10, gap=15,
        cancel_until=60, change_until=60, fields=(AskedField("sample", "样品", "Sample"),), hazard=True,
        samples_most=10, training="sem", no_show_release=False, rotating_code=True, own_account=True, late_grace=10,
    ),
    HouseDocument(extend=False),
    HouseDocument(gap=15, gap_reach=Reach.HOST),
    HouseDocument(
        approval=Approval.ALWAYS, answer_working=True, remind_hours=4, escalate_hours=8,
        steps=(AnswerRule(Answerer.APPROVER, 24, 50_000), AnswerRule(Answerer.MANAGER, 24), AnswerRule(Answerer.OFFICE, 8)),
    ),
    HouseDocument(approval=Approval.OUTSIDE, steps=(AnswerRule(Answerer.MANAGER, 24),)),
    HouseDocument(strike_no_show=True, strike_late=True, strike_late_cancel=60),
    HouseDocument(
        times=(PRIME,),
        ahead=tuple(
            AheadRule(3, whom, group, hours)
            for whom, group, hours in itertools.product(QuotaFor, (None, UUID(int=1)), ("", "prime"))
        ),
    ),
    HouseDocument(strike_over_booked=100, strike_off=60),
    *(
        HouseDocument(points={StrikeKind.MISUSE: 3}, bars=(BarRule((StrikeKind.MISUSE,), 1, 0, ladder),))
        for ladder in LADDERS
    ),
    HouseDocument(bars=(BarRule((), 3, 0, (BarLength(BarUnit.DAYS, 30),)),), strike_everywhere=True),
    *(HouseDocument(bars=(BarRule((StrikeKind.MISUSE,), 1, 0, ladder),)) for ladder in LADDERS),
    HouseDocument(extend=False, change_until=60),
    *(HouseDocument(approval=a, silence=s, debt=d) for a in Approval for s in Silence for d in DebtBlock),
]  # fmt: skip


def missing(reason: Reason) -> set[str]:
    """Places of the sentence for which the reason brings no value."""
    text = sentence_table()[reason.code]
    words = " ".join(str(part) for part in ((text,) if isinstance(text, str) else vars_of(text)))
    return set(PLACE.findall(words)) - set(reason.values)


def vars_of(text: object) -> list[str]:
    slots = getattr(type(text), "__slots__", ()) or getattr(text, "__dict__", {})
    return [str(getattr(text, name)) for name in slots]


@pytest.mark.parametrize("rules", DOCUMENTS)
def test_each_rule_is_read_back_with_all_its_values(rules: HouseDocument) -> None:
    for reason in sentences(rules):
        assert reason.code in sentence_table(), reason.code
        assert not missing(reason), reason


@pytest.mark.parametrize("quota", list(quotas()))
def test_each_quota_refuses_with_a_sentence_and_a_way_out(quota: Quota) -> None:
    own = (make_own("2026-03-02T10:00+08:00", "2026-03-02T12:00+08:00"),)
    now = moment("2026-03-02T08:00+08:00")
    found = [
        reason
        for outside in (True, False)
        for reason in quota_reasons(
            make_facts(own=own, outside=outside), HouseDocument(quotas=(quota,), times=(PRIME,)), now
        )
    ]
    assert found
    for reason in found:
        assert reason.code in sentence_table() and reason.code in remedy_table(), reason.code
        assert not missing(reason), reason
