from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.kernel.money import Money, MoneyError, round_minor


def test_amount_is_exact():
    assert Money.cny("12.50").minor == 1250
    assert Money.of("99999999999999.99").minor == 9999999999999999
    assert Money.of("120", "JPY").minor == 120
    assert str(Money(-5)) == "-0.05 CNY"


@pytest.mark.parametrize("text", ["1.005", "abc", "NaN", "Infinity", "", "1E+999999", "1E+18"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(MoneyError):
        Money.of(text)


def test_floats_and_bare_numbers_do_not_mix():
    with pytest.raises(MoneyError):
        Money.of(1.5)
    with pytest.raises(TypeError):
        Money.cny("12.50") + 3
    with pytest.raises(MoneyError):
        Money.cny("1") + Money.of("1", "USD")
    with pytest.raises(TypeError):
        bool(Money.cny("1"))


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 50), min_size=1).filter(any))
def test_split_loses_nothing(minor, weights):
    parts = Money(minor).split(weights)
    assert sum(part.minor for part in parts) == minor
    total = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - Fraction(minor * weight, total)) < 1


@pytest.mark.parametrize(
    ("value", "rounding", "expected"),
    [
        (Fraction(5, 2), ROUND_HALF_EVEN, 2),
        (Fraction(7, 2), ROUND_HALF_EVEN, 4),
        (Fraction(5, 2), ROUND_HALF_UP, 3),
        (Fraction(-5, 2), ROUND_HALF_UP, -3),
        (Fraction(29, 10), ROUND_DOWN, 2),
        (Fraction(-29, 10), ROUND_DOWN, -2),
        (Fraction(21, 10), ROUND_CEILING, 3),
        (Fraction(4), ROUND_CEILING, 4),
    ],
)
def test_named_rounding(value, rounding, expected):
    assert round_minor(value, rounding) == expected


@given(
    st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**4),
    st.sampled_from([ROUND_HALF_UP, ROUND_DOWN, ROUND_HALF_EVEN, ROUND_CEILING]),
)
def test_rounding_agrees_with_long_decimals(value, rounding):
    from decimal import localcontext

    with localcontext() as context:
        context.prec = 60
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        # A tie stays a tie in 60 digits, because its denominator is 2.
        assert round_minor(value, rounding) == int(exact.quantize(Decimal(1), rounding=rounding))
