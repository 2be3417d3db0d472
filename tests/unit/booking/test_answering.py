"""By when the host answers, and what its silence means."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.availability.terms import HouseDocument, Silence
from resource_hub.domain.booking.rules.answering import answer_term, lapses_at
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import moment

NOW = moment("2026-03-02T08:00+08:00")


def begins_after(minutes: int) -> TimeSpan:
    return TimeSpan(NOW + timedelta(minutes=minutes), NOW + timedelta(minutes=minutes + 60))


@pytest.mark.parametrize(
    ("starts_in", "expected"),
    [(49 * 60, 48 * 60), (48 * 60, 48 * 60), (47 * 60, 47 * 60), (5, 5), (4, 5), (0, 5)],
)
def test_the_term_ends_before_the_time_begins(starts_in: int, expected: int) -> None:
    assert answer_term(HouseDocument(answer_hours=48), begins_after(starts_in), NOW) == NOW + timedelta(
        minutes=expected
    )


def test_without_a_time_the_hours_of_the_rules_count() -> None:
    assert answer_term(HouseDocument(answer_hours=48), None, NOW) == NOW + timedelta(hours=48)


@given(st.integers(0, 10_000), st.integers(1, 720), st.sampled_from(Silence))
def test_a_request_lapses_at_its_term_or_is_approved_before_it_begins(
    starts_in: int, hours: int, silence: Silence
) -> None:
    rules = HouseDocument(answer_hours=hours, silence=silence)
    span = begins_after(starts_in)
    term = answer_term(rules, span, NOW)
    assert NOW < term <= NOW + timedelta(hours=hours)
    if lapses_at(rules, span, term) is None:
        assert silence is Silence.CONSENT and term < span.start
    else:
        assert lapses_at(rules, span, term) == term
