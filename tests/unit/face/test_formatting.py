"""How values are written for people, and what may never slip through."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.booking.rules.recurrence import Frequency, Monthly, Recurrence
from resource_hub.entrypoints.support import charts, exports, formatting, language, sentences
from resource_hub.entrypoints.support.text import NN_, NP_, translate
from resource_hub.entrypoints.web.booking import series_forms
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan

NOON = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)


@pytest.fixture
def reader():
    """A page being made for a reader; ``reader("en")`` opens it in a language."""
    app = Flask("resource_hub")
    app.config.update(SECRET_KEY="x", TESTING=True)
    language.install(app)
    contexts = []

    def open_page(wanted: str, **changes):
        while contexts:
            contexts.pop().pop()
        context = app.test_request_context("/", headers={"Accept-Language": wanted}, **changes)
        context.push()
        contexts.append(context)
        return g

    yield open_page
    for context in reversed(contexts):
        context.pop()


def test_amounts_have_a_sign_thousands_and_a_real_minus():
    assert formatting.money(Money(123450)) == "¥\u202f1,234.50"
    assert formatting.money(Money(-9000)) == "−¥\u202f90.00"
    assert formatting.money(Money(-9000), sign=False) == "−90.00"
    assert formatting.money({"minor": 5, "currency": "EUR"}) == "€\u202f0.05"
    assert formatting.money(None) == ""


@given(st.integers(-(10**14), 10**14))
def test_an_amount_as_written_is_the_amount(minor):
    written = formatting.money(Money(minor), sign=False).replace(",", "").replace("−", "-")
    assert Decimal(written) * 100 == minor


def test_sentences_follow_each_other_as_the_language_has_it(reader):
    reader("zh")
    assert formatting.said(["已发布。", "", "1 天已略过。"]) == "已发布。1 天已略过。"
    assert sentences.Told("x", "不能预约。", "请另选时间。").whole == "不能预约。请另选时间。"
    reader("en")
    assert formatting.said(["Published.", "", "1 day is left out."]) == "Published. 1 day is left out."
    assert sentences.Told("x", "Not possible.", "").whole == "Not possible."


def test_hours_cut_and_never_round_up():
    assert formatting.hours(3599) == "0:59"
    assert formatting.hours(6633359) == "1,842:35"
    assert formatting.hours(-90) == "−0:01"


def test_days_are_unambiguous_in_both_languages(reader):
    reader("zh-CN")
    assert formatting.day(date(2026, 3, 5)) == "2026年3月5日 周四"
    assert formatting.moment(NOON) == "2026年3月5日 周四 12:00"
    reader("en")
    assert formatting.day(date(2026, 3, 5)) == "Thu 5 Mar 2026"
    assert formatting.moment(NOON, "Europe/Berlin") == "Thu 5 Mar 2026, 05:00"
    assert (
        formatting.span(TimeSpan(NOON, NOON + timedelta(hours=3)))
        == "Thu 5 Mar 2026, 12:00\u2060–\u206015:00"
    )
    assert (
        formatting.span(TimeSpan(NOON, NOON + timedelta(hours=12)))
        == "Thu 5 Mar 2026, 12:00\u2060–\u206024:00"
    )


@pytest.mark.parametrize("wanted", ["zh-CN", "zh-Hans-CN", "zh", "zh-TW,en;q=0.5", "zh-HK", "fr", ""])
def test_every_chinese_and_every_unknown_reader_gets_chinese(reader, wanted):
    reader(wanted)
    assert formatting.language() == "zh"


@pytest.mark.parametrize("wanted", ["en", "en-GB,zh;q=0.4", "fr,en;q=0.5"])
def test_english_readers_get_english(reader, wanted):
    reader(wanted)
    assert formatting.language() == "en"


def test_english_counts(reader):
    reader("en")
    text = NN_("%(n)s booking moves", "%(n)s bookings move", "n")
    assert translate(text, {"n": 1}) == "%(n)s booking moves"
    assert translate(text, {"n": 2}) == "%(n)s bookings move"
    assert translate(NP_("kind of resource", "service"), {}) == "service"


def test_a_reason_is_written_by_the_shape_of_its_values(reader):
    reader("en")
    values = {
        "a": {"minor": 4500, "currency": "CNY"}, "b": "2026-03-05T04:00:00+00:00", "c": "2026-03-05",
        "d_seconds": 5400, "e": ["x", "y"], "f": {"zh": "电镜", "en": "SEM"}, "zone": "Asia/Shanghai", "g_ratio": 0,
    }  # fmt: skip
    written = {k: sentences.written(k, v, "Asia/Shanghai") for k, v in values.items()}
    assert written["a"] == "¥\u202f45.00"
    assert written["b"] == "Thu 5 Mar 2026, 12:00"
    assert written["c"] == "Thu 5 Mar 2026"
    assert written["d_seconds"] == "1 h 30 min"
    assert (written["e"], written["f"]) == ("x, y", "SEM")


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "0 min", "0 分钟"),
        (59, "0 min", "0 分钟"),
        (1800, "30 min", "30 分钟"),
        (3600, "1 h", "1 小时"),
        (5400, "1 h 30 min", "1 小时 30 分钟"),
        (86_400, "24 h", "24 小时"),
        (-3660, "−1 h 1 min", "−1 小时 1 分钟"),
    ],
)
def test_lengths_in_sentences(reader, seconds, en, zh):
    reader("en")
    assert formatting.duration(seconds) == en
    reader("zh")
    assert formatting.duration(seconds) == zh


def test_an_unknown_code_is_told_and_counted(reader):
    page = reader("en")
    assert "nobody.knows" in sentences.sentence("nobody.knows", {})
    assert page.untranslated == ["reason nobody.knows"]


def test_a_missing_value_does_not_break_the_sentence(reader):
    reader("en")
    assert sentences.tell(Reason("form.above", {})).sentence == "At most …."


def test_text_that_turns_direction_is_cleaned():
    assert formatting.plain("abc\u202egnp.exe\u0007") == "abcgnp.exe"
    assert str(formatting.bidi("<b>\u2066x")) == "<bdi>&lt;b&gt;x</bdi>"


@pytest.mark.parametrize(
    "cell", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", " =1", "＝1", "　=1"]
)
def test_formulas_are_made_harmless(cell):
    assert exports.csv_safe(cell).startswith("'")


@pytest.mark.parametrize("cell", ["-12.50", "+86", "扫描电镜", "a=b", 12, Decimal("-1")])
def test_what_is_no_formula_stays(cell):
    assert exports.csv_safe(cell) == cell


@given(st.text(max_size=20))
def test_no_cell_begins_like_a_formula(text):
    safe = str(exports.csv_safe(text))
    assert not safe.lstrip(" \u00a0\u3000").startswith(("=", "@")) and (
        not safe.startswith(("+", "-")) or safe[1:].replace(".", "", 1).isdigit()
    )


@pytest.mark.parametrize("kind", ["bars", "stacked", "line", "rows", "heat"])
def test_charts_escape_and_stand_empty(reader, kind):
    reader("en")
    filled = charts.Chart(
        kind, "T<", ["<a>", "b"], [charts.Series("<s>", [1, None], ["/x?a=1&b=2", None])], unit="h"
    )
    drawn = str(charts.render(filled))
    assert "<a>" not in drawn and "<s>" not in drawn and "/x?a=1&amp;b=2" in drawn
    charts.render(charts.Chart(kind, "T", [], [charts.Series("s", [])]))
    charts.render(charts.Chart(kind, "T", ["a"], [charts.Series("s", [0])]))


@pytest.mark.parametrize(
    ("rule", "en", "zh"),
    [
        (Recurrence(Frequency.DAILY, count=3), "every day", "每天"),
        (Recurrence(Frequency.DAILY, 2, count=3), "every 2 days", "每 2 天"),
        (Recurrence(Frequency.WEEKLY, count=3), "every week on Friday", "每周五"),
        (
            Recurrence(Frequency.WEEKLY, 2, (0, 3), count=3),
            "every 2 weeks on Monday and Thursday",
            "每 2 周的周一、周四",
        ),
        (
            Recurrence(Frequency.WEEKLY, 1, (0, 2, 4), count=3),
            "every week on Monday, Wednesday and Friday",
            "每周一、周三、周五",
        ),
        (Recurrence(Frequency.MONTHLY, count=3), "every month on the 13th", "每月 13 日"),
        (
            Recurrence(Frequency.MONTHLY, 3, monthly=Monthly.WEEKDAY, count=3),
            "every 3 months on the second Friday",
            "每 3 个月的第二个周五",
        ),
        (
            Recurrence(Frequency.MONTHLY, monthly=Monthly.WEEKDAY, nth=5, count=3),
            "every month on the last Friday",
            "每月最后一个周五",
        ),
    ],
)
def test_how_often_a_series_comes_is_a_sentence(reader, rule, en, zh):
    friday = date(2026, 3, 13)
    reader("en")
    assert series_forms.told(rule, friday, 540, 7200).replace("\u2060", "") == f"{en}, 09:00–11:00, 3 times"
    reader("zh")
    assert series_forms.told(rule, friday, 540, 7200).replace("\u2060", "") == f"{zh}，09:00–11:00，共 3 次"


def test_ordinals(reader):
    reader("en")
    found = [formatting.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31)]
    assert found == "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 31st".split()
