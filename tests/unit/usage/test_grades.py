"""Evidence grades: the whole table, and what makes a signal, an action and a booking agree."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resource_hub.domain.usage.rules.grades import grade_of, grade_session, spans_agree
from resource_hub.domain.usage.terms import EvidenceFact, EvidenceKind, Grade, Mode, OperatorEntry
from resource_hub.kernel.time import TimeSpan

EXAMPLES = Path(__file__).parents[2] / "examples" / "usage" / "grades.toml"
CASES = tomllib.loads(EXAMPLES.read_text(encoding="utf-8"))["case"]
T0 = datetime(2026, 3, 5, 6, 0, tzinfo=UTC)


def moment(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


def span(start: int, end: int) -> TimeSpan:
    return TimeSpan(moment(start), moment(end))


def fact(kind: EvidenceKind, at: int, end: int | None = None, **more) -> EvidenceFact:
    more.setdefault(
        "by_customer", kind in (EvidenceKind.CHECK_IN, EvidenceKind.CHECK_OUT, EvidenceKind.ACCEPTANCE)
    )
    return EvidenceFact(kind, moment(at), moment(at), span(at, end) if end is not None else None, **more)


IN = fact(EvidenceKind.CHECK_IN, 2)
OUT = fact(EvidenceKind.CHECK_OUT, 118)
SIGNAL = fact(EvidenceKind.MACHINE_SIGNAL, 5, 110)
ACCEPTED = fact(EvidenceKind.ACCEPTANCE, 300)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['signal']}-{c['user_action']}-{c['booking']}")
def test_every_combination_has_the_grade_of_the_table(case):
    for operator, grade in case["grades"].items():
        got = grade_of(case["signal"], case["user_action"], case["booking"], OperatorEntry(operator))
        assert got.value == grade, (case, operator)


def test_the_table_names_every_combination_once():
    flags = {(c["signal"], c["user_action"], c["booking"]) for c in CASES}
    assert len(flags) == len(CASES) == 8
    assert all(set(c["grades"]) == {o.value for o in OperatorEntry} for c in CASES)


def judged(*evidence, mode=Mode.SELF_USE, booked=span(0, 120), recorded=span(2, 118), **more):
    return grade_session(evidence, mode=mode, booked=booked, recorded=recorded, **more).grade


def test_signal_user_and_booking_that_agree_are_an_a():
    assert judged(IN, OUT, SIGNAL) is Grade.A


def test_user_and_booking_without_a_signal_are_a_c():
    assert judged(IN, OUT) is Grade.C


def test_a_booking_alone_proves_nothing():
    assert judged(recorded=None) is Grade.E


def test_signal_and_booking_without_a_user_are_a_b():
    assert judged(SIGNAL) is Grade.B


def test_signal_and_user_without_booking_are_a_b():
    assert judged(IN, OUT, SIGNAL, booked=None) is Grade.B


def test_a_signal_at_another_time_does_not_count():
    assert judged(IN, OUT, fact(EvidenceKind.MACHINE_SIGNAL, 200, 320)) is Grade.C


def test_user_at_another_time_than_machine_and_booking_leaves_the_stronger_pair():
    late_user = (fact(EvidenceKind.CHECK_IN, 200), fact(EvidenceKind.CHECK_OUT, 300))
    assert judged(*late_user, SIGNAL, recorded=span(200, 300)) is Grade.B


def test_forgotten_log_out_still_counts_the_check_in():
    assert judged(IN, SIGNAL, recorded=span(2, 135)) is Grade.A


def test_a_late_tap_is_no_user_action():
    assert judged(fact(EvidenceKind.CHECK_IN, 2, late=True), recorded=None) is Grade.E


def test_somebody_else_than_the_customer_is_no_user_action():
    assert judged(fact(EvidenceKind.CHECK_IN, 2, by_customer=False)) is Grade.E


@pytest.mark.parametrize("mode", [Mode.STAFF_RUN, Mode.SEND_IN])
def test_where_staff_work_the_acceptance_is_the_user_action(mode):
    assert judged(ACCEPTED, SIGNAL, mode=mode) is Grade.A
    assert judged(ACCEPTED, mode=mode) is Grade.C
    # The customer's tap at the door does not say how long staff measured.
    assert judged(IN, OUT, mode=mode) is Grade.E


def test_acceptance_is_no_user_action_in_self_use():
    assert judged(ACCEPTED) is Grade.E


def test_operator_entry_needs_a_document_and_the_term():
    entry = fact(EvidenceKind.OPERATOR_ENTRY, 200, 260)
    papered = fact(EvidenceKind.OPERATOR_ENTRY, 200, 260, document_digest="00")
    late = fact(EvidenceKind.OPERATOR_ENTRY, 200, 260, document_digest="00", late=True)
    assert judged(entry) is Grade.E
    assert judged(papered) is Grade.D
    assert judged(entry, fact(EvidenceKind.DOCUMENT, 210)) is Grade.D
    assert judged(late) is Grade.E


def test_bulk_history_is_e_whatever_it_brings():
    assert judged(IN, OUT, SIGNAL, source="bulk") is Grade.E


def test_a_delivery_is_judged_on_acceptance_and_document():
    assert judged(ACCEPTED, mode=Mode.DELIVERY, recorded=None, booked=None) is Grade.C
    papered = fact(EvidenceKind.OPERATOR_ENTRY, 200, document_digest="00")
    assert judged(papered, mode=Mode.DELIVERY, recorded=None, booked=None) is Grade.D
    assert judged(mode=Mode.DELIVERY, recorded=None, booked=None) is Grade.E


@pytest.mark.parametrize(
    ("left", "right", "agree"),
    [
        (span(0, 60), span(30, 90), True),  # exactly half of each
        (span(0, 60), span(31, 91), False),
        (span(0, 180), span(100, 140), True),  # a short run inside a long booking
        (span(0, 60), span(60, 120), False),  # they only touch
    ],
)
def test_agreement_is_half_of_the_shorter(left, right, agree):
    assert spans_agree(left, right) is agree and spans_agree(right, left) is agree
