"""Prices against exact fractions and a second-by-second oracle; refusals; what a tariff may not say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.domain.pricing.errors import InvalidTariff, NoRate, NothingToPrice, PriceOnRequest
from resource_hub.domain.pricing.rules import price, read_tariff
from resource_hub.domain.pricing.rules.price import spread
from resource_hub.domain.pricing.terms import Occasion, UseFacts
from resource_hub.kernel.time import TimeSpan, zone

SHANGHAI = "Asia/Shanghai"
START = datetime(2026, 3, 2, 1, tzinfo=UTC)


def tariff(**parts):
    return read_tariff({"format": 1, "currency": "CNY", **parts})


def hours(count: float = 1, start: datetime = START) -> TimeSpan:
    return TimeSpan(start, start + timedelta(seconds=round(count * 3600)))


class TestRefusals:
    def test_p34_no_rate_for_the_class_stops_and_never_charges_zero(self):
        with pytest.raises(NoRate) as refused:
            price(
                tariff(hour={"in_house": "10"}),
                CustomerClass.FIRM_SMALL,
                UseFacts(SHANGHAI, reserved=hours()),
            )
        assert refused.value.values["place"] == "hour"

    def test_ask_means_a_price_by_hand(self):
        with pytest.raises(PriceOnRequest):
            price(tariff(ask=True), CustomerClass.ACADEMIC, UseFacts(SHANGHAI, reserved=hours()))

    def test_nothing_to_price(self):
        with pytest.raises(NothingToPrice):
            price(tariff(hour={"all": "10"}), CustomerClass.ACADEMIC, UseFacts(SHANGHAI, mode=Mode.SEND_IN))

    def test_an_extra_that_the_tariff_does_not_have(self):
        with pytest.raises(InvalidTariff):
            price(
                tariff(hour={"all": "10"}),
                CustomerClass.ACADEMIC,
                UseFacts(SHANGHAI, reserved=hours(), extras=frozenset({"urgent"})),
            )


@pytest.mark.parametrize(
    ("parts", "codes"),
    [
        ({}, {"no_rate"}),
        ({"hour": {"all": "-1"}}, {"negative", "no_rate"}),
        ({"hour": {"everybody": "1"}}, {"unknown_class", "no_rate"}),
        ({"hour": {"all": "eins"}}, {"not_an_amount", "no_rate"}),
        ({"hour": {"all": "NaN"}}, {"not_an_amount", "no_rate"}),
        ({"hour": {"all": 1.5}}, {"not_an_amount", "no_rate"}),
        ({"hour": {"all": "1"}, "hourly": {"all": "2"}}, {"unknown_key"}),
        # P29: tiers together with daily prices or windows
        (
            {
                "hour": {"all": "1"},
                "steps": [{"after_minutes": 60, "hour": {"all": "1"}}],
                "bands": [{"from": "20:00", "to": "08:00", "factor": "0.5"}],
            },
            {"steps_alone"},
        ),
        (
            {
                "hour": {"all": "1"},
                "day": {"all": "9"},
                "steps": [{"after_minutes": 60, "hour": {"all": "1"}}],
            },
            {"steps_alone"},
        ),
        (
            {
                "hour": {"all": "1"},
                "bands": [
                    {"code": "a", "from": "20:00", "to": "08:00", "factor": "0.5"},
                    {"code": "b", "from": "07:00", "to": "09:00", "factor": "2"},
                ],
            },
            {"bands_overlap"},
        ),
        (
            {"hour": {"all": "1"}, "bands": [{"from": "25:00", "to": "26:00", "factor": "2"}]},
            {"not_a_clock_time"},
        ),
        ({"hour": {"all": "1"}, "bands": [{"from": "01:00", "to": "02:00"}]}, {"band_rate"}),
        ({"hour": {"all": "1"}, "unit_minutes": 30, "unit_threshold_minutes": 30}, {"threshold"}),
        ({"hour": {"all": "1"}, "no_show": {"consequence": "fee"}}, {"penalty_fee"}),
        ({"hour": {"all": "1"}, "no_show": {"consequence": "booked", "times": ["2"]}}, {"penalty_times"}),
        (
            {
                "hour": {"all": "1"},
                "cancellation": {"consequence": "fee", "fee": {"all": "1"}, "times": ["2"]},
            },
            {"penalty_times"},
        ),
        (
            {
                "hour": {"all": "1"},
                "no_show": {"consequence": "fee", "fee": {"all": "1"}, "times": ["a"], "within_days": 0},
            },
            {"not_a_factor", "out_of_range"},
        ),
        ({"hour": {"all": "1"}, "charge_on": "mood"}, {"not_a_choice"}),
    ],
)
def test_faults_are_told_all_at_once_with_their_place(parts, codes):
    with pytest.raises(InvalidTariff) as refused:
        tariff(**parts)
    assert {reason.code.removeprefix("pricing.tariff.") for reason in refused.value.reasons} == codes
    assert all(reason.place for reason in refused.value.reasons)


def test_touching_bands_are_fine_and_a_band_over_sunday_midnight_is_seen():
    tariff(
        hour={"all": "1"},
        bands=[
            {"code": "a", "from": "20:00", "to": "08:00", "factor": "0.5"},
            {"code": "b", "from": "08:00", "to": "20:00", "factor": "2"},
        ],
    )
    with pytest.raises(InvalidTariff):
        tariff(
            hour={"all": "1"},
            bands=[
                {"code": "a", "days": [7], "from": "20:00", "to": "08:00", "factor": "0.5"},
                {"code": "b", "days": [1], "from": "07:00", "to": "09:00", "factor": "2"},
            ],
        )


def test_wider_words_stand_in_for_a_class():
    document = tariff(hour={"in_house": "10", "outside": "30", "firm": "40", "firm_micro": "20"})
    found = {c: price(document, c, UseFacts(SHANGHAI, reserved=hours())).total.minor for c in CustomerClass}
    assert found[CustomerClass.OWN_GROUP] == found[CustomerClass.IN_HOUSE] == 1000
    assert found[CustomerClass.ACADEMIC] == 3000
    assert found[CustomerClass.FIRM_MICRO] == 2000
    assert found[CustomerClass.FIRM_LARGE] == found[CustomerClass.FIRM_UNSIZED] == 4000


def test_staff_run_adds_the_staff_rate_and_urgent_multiplies_both():
    document = tariff(
        hour={"all": "100"},
        staff_hour={"all": "50"},
        start_fee={"all": "30"},
        extras=[{"code": "urgent", "kind": "factor", "factor": "1.5"}],
    )
    use = UseFacts(SHANGHAI, mode=Mode.STAFF_RUN, reserved=hours(2), extras=frozenset({"urgent"}))
    assert price(document, CustomerClass.ACADEMIC, use).total.minor == 30000 * 3 // 2 + 3000


# ---- properties

MOMENTS = st.integers(0, 60 * 86_400).map(lambda s: datetime(2022, 10, 20, tzinfo=UTC) + timedelta(seconds=s))
RATES = st.decimals("0", "2000", places=2).map(str)
FACTORS = st.sampled_from(["0", "0.5", "0.8", "1", "1.25", "2", "3"])


@st.composite
def bands(draw):
    """Up to four bands a day that do not overlap, on some weekdays each."""
    edges = sorted(draw(st.lists(st.integers(0, 95), min_size=2, max_size=8, unique=True)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    return [
        {
            "code": f"b{i}",
            "days": draw(st.lists(st.integers(1, 7), min_size=1, max_size=7, unique=True)),
            "from": f"{a // 4:02d}:{a % 4 * 15:02d}",
            "to": f"{b // 4:02d}:{b % 4 * 15:02d}",
            "factor": draw(FACTORS),
        }
        for i, (a, b) in enumerate(pairs)
    ]


@given(
    rate=RATES,
    week=bands(),
    start=MOMENTS,
    seconds=st.integers(1, 3 * 86_400),
    where=st.sampled_from([SHANGHAI, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
@settings(max_examples=80, deadline=None)
def test_bands_equal_a_minute_by_minute_oracle(rate, week, start, seconds, where):
    """Start and end on whole minutes; every minute is looked up by the wall clock at its start.

    Minutes that the clock repeats belong to a band on their first pass only when the band's end lies in between, so
    days of a clock change are left to the worked cases P35 and P36.
    """
    start = start.replace(second=0)
    span = TimeSpan(start, start + timedelta(minutes=max(1, seconds // 60)))
    tz = zone(where)
    offsets = {(span.start + timedelta(hours=h)).astimezone(tz).utcoffset() for h in range(-48, 121)}
    if len(offsets) > 1:
        return
    document = tariff(hour={"all": rate}, bands=week)
    expected = Fraction(0)
    per_minute = Fraction(rate) * 100 / 60
    for index in range(span.seconds // 60):
        wall = (span.start + timedelta(minutes=index)).astimezone(tz)
        minute = wall.hour * 60 + wall.minute
        factor = Fraction(1)
        for band in document.bands:
            if wall.isoweekday() in band.days and band.start <= minute < band.end:
                factor = band.factor
        expected += per_minute * factor
    found = price(document, CustomerClass.ACADEMIC, UseFacts(where, reserved=span))
    assert sum(line.exact for line in found.lines) == expected


@given(rate=RATES, week=bands(), start=MOMENTS, first=st.integers(1, 90_000), second=st.integers(1, 90_000))
@settings(max_examples=100, deadline=None)
def test_p20_the_whole_equals_the_sum_of_its_pieces(rate, week, start, first, second):
    document = tariff(hour={"all": rate}, bands=week)
    cut = start + timedelta(seconds=first)
    whole = TimeSpan(start, cut + timedelta(seconds=second))

    def exact(span):
        found = price(document, CustomerClass.ACADEMIC, UseFacts("America/New_York", reserved=span))
        return sum(line.exact for line in found.lines)

    assert exact(whole) == exact(TimeSpan(start, cut)) + exact(TimeSpan(cut, whole.end))


@st.composite
def documents(draw):
    parts = {"hour": {"all": draw(RATES)}, "charge_on": draw(st.sampled_from(["use", "reserved", "longer"]))}
    if draw(st.booleans()):
        parts["bands"] = draw(bands())
    if draw(st.booleans()):
        parts["unit_minutes"] = draw(st.sampled_from([5, 15, 30, 60]))
        parts["unit_threshold_minutes"] = draw(st.integers(0, 4))
    if draw(st.booleans()):
        parts["minimum"] = {"all": draw(RATES)}
    if draw(st.booleans()):
        parts["start_fee"] = {"all": draw(RATES)}
    parts["cut_to_minute"] = draw(st.booleans())
    parts["rounding"] = draw(st.sampled_from(["half_up", "half_even", "down", "up"]))
    parts["round_to"] = draw(st.sampled_from(["0.01", "0.1", "1"]))
    return tariff(**parts)


@given(
    document=documents(),
    start=MOMENTS,
    seconds=st.integers(1, 3 * 86_400),
    where=st.sampled_from([SHANGHAI, "America/New_York"]),
)
@settings(max_examples=150, deadline=None)
def test_m8_the_quote_equals_the_charge_when_use_equals_the_reservation(document, start, seconds, where):
    span = TimeSpan(start, start + timedelta(seconds=seconds))
    quote = price(document, CustomerClass.FIRM_SMALL, UseFacts(where, reserved=span))
    charge = price(document, CustomerClass.FIRM_SMALL, UseFacts(where, reserved=span, used=(span,)))
    assert quote == charge
    assert sum(line.amount.minor for line in quote.lines) == quote.total.minor
    assert quote.total.minor % document.round_to == 0


@given(document=documents(), start=MOMENTS, a=st.integers(1, 200_000), b=st.integers(1, 200_000))
@settings(max_examples=100, deadline=None)
def test_longer_use_never_costs_less(document, start, a, b):
    short, long = sorted((a, b))

    def total(seconds):
        span = TimeSpan(start, start + timedelta(seconds=seconds))
        return price(document, CustomerClass.ACADEMIC, UseFacts(SHANGHAI, reserved=span, used=(span,))).total

    assert total(short) <= total(long)


@given(
    st.lists(st.fractions(min_value=-1000, max_value=1000), min_size=1, max_size=8), st.integers(-5000, 5000)
)
def test_lines_take_what_rounding_leaves_over(exact, total):
    assert sum(spread(exact, total)) == total


@given(parts=st.lists(st.integers(1, 100), min_size=1, max_size=5), seconds=st.integers(1, 90_000))
@settings(deadline=None)
def test_the_shares_of_a_session_bear_its_whole_time(parts, seconds):
    document = tariff(hour={"all": "137.31"})
    span = TimeSpan(START, START + timedelta(seconds=seconds))
    exact = Fraction(0)
    for part in parts:
        use = UseFacts(SHANGHAI, reserved=span, used=(span,), share=(part, sum(parts)))
        exact += sum(line.exact for line in price(document, CustomerClass.ACADEMIC, use).lines)
    assert exact == Fraction(13731) * seconds / 3600


def test_facts_survive_being_kept():
    use = UseFacts(
        SHANGHAI, Mode.STAFF_RUN, hours(2), (hours(1),), 3, {"component": 2}, frozenset({"urgent"}), (1, 3),
        Occasion.USE, None,
    )  # fmt: skip
    assert UseFacts.from_json(use.as_json()) == use


@given(
    st.lists(st.integers(1, 400), max_size=6),
    st.lists(st.integers(0, 9), min_size=1, max_size=4),
    st.integers(1, 300),
)
def test_the_fee_of_a_no_show_grows_by_those_within_the_period(before, times, within):
    # days before the booking that is missed now, against a walk through the period
    grows = tariff(
        hour={"all": "1"},
        no_show={
            "consequence": "fee",
            "fee": {"all": "7.00"},
            "times": [str(n) for n in times],
            "within_days": within,
        },
    )
    start = datetime(2026, 3, 2, 1, tzinfo=UTC)
    use = UseFacts(
        zone="Asia/Shanghai",
        reserved=TimeSpan(start, start + timedelta(hours=1)),
        occasion=Occasion.NO_SHOW,
        missed=tuple(start - timedelta(days=n) for n in before),
    )
    seen = sum(before.count(day) for day in range(1, within))
    expected = 700 * [*times, *[times[-1]] * 10][seen]
    assert price(grows, CustomerClass.ACADEMIC, use).total.minor == expected
    assert UseFacts.from_json(use.as_json()) == use
