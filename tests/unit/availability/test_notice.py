"""The yearly notice of public holidays, read from its text; the published calendar is the oracle."""

from __future__ import annotations

from datetime import date

import pytest

from resource_hub.domain.availability.calendar_days import library_days
from resource_hub.domain.availability.rules.notice import read
from resource_hub.domain.availability.terms import DayKind

# 国办发明电〔2025〕7号, for 2026.
OF_2026 = """各省、自治区、直辖市人民政府，国务院各部委、各直属机构：
经国务院批准，现将2026年元旦、春节、清明节、劳动节、端午节、中秋节和国庆节放假调休日期的具体安排通知如下。
一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
三、清明节：4月4日（周六）至6日（周一）放假，共3天。
四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
五、端午节：6月19日（周五）至21日（周日）放假，共3天。
六、中秋节：9月25日（周五）至27日（周日）放假，共3天。
七、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。"""
MADE_UP = {
    date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28), date(2026, 5, 9), date(2026, 9, 20), date(2026, 10, 10),
}  # fmt: skip


def kinds(text: str, year: int) -> dict[date, DayKind]:
    return {day.day: day.kind for day in read(text, year).days}


def test_the_notice_for_2026_gives_33_days_off_and_six_workdays() -> None:
    found = kinds(OF_2026, 2026)
    assert {day for day, kind in found.items() if kind is DayKind.WORKDAY} == MADE_UP
    assert sum(kind is DayKind.HOLIDAY for kind in found.values()) == 33
    assert read(OF_2026, 2026).unread == ()


def test_it_agrees_with_the_published_calendar() -> None:
    published = {day: special.kind for day, special in library_days("CN", 2026).items()}
    found = kinds(OF_2026, 2026)
    # The calendar leaves weekend days at the edge of a holiday out: they are free anyway.
    assert {day: kind for day, kind in found.items() if day in published} == published
    assert all(day.weekday() >= 5 for day in found if day not in published)


def test_names_stand_in_both_languages() -> None:
    found = {day.day: (day.name_zh, day.name_en) for day in read(OF_2026, 2026).days}
    assert found[date(2026, 2, 14)] == ("春节", "Spring Festival")


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("元旦：1月1日放假。", ["01-01"]),
        ("元旦: 2027年1月1日至2027年1月3日放假，共3天。", ["01-01", "01-02", "01-03"]),
        ("春节：1月30日至2月2日放假，共4天。", ["01-30", "01-31", "02-01", "02-02"]),
        ("3. 清明节：4月4日、6日放假。", ["04-04", "04-06"]),
        ("国庆节、中秋节：10月1日至2日放假。", ["10-01", "10-02"]),
    ],
)
def test_ways_of_writing(line: str, days: list[str]) -> None:
    found = read(line, 2027)
    assert [f"{day.day:%m-%d}" for day in found.days] == days and not found.unread


@pytest.mark.parametrize(
    "line",
    [
        "春节：2月5日至11日放假，共8天。",
        "春节：2月30日放假。",
        "春节：2月11日至5日放假。",
        "春节：2月5日放假。周六上班。",
        "春节：5日放假。",
        "2月5日放假。",
    ],
    ids=["count", "no such day", "backwards", "workday without day", "no month", "no name"],
)
def test_what_cannot_be_read_is_told_and_not_guessed(line: str) -> None:
    found = read(line, 2027)
    assert found.days == () and found.unread == (line,)


def test_other_text_is_passed_over() -> None:
    found = read("节假日期间，各地区、各部门要妥善安排好值班。\n国务院办公厅\n2025年11月4日", 2026)
    assert found.days == () and found.unread == ()
