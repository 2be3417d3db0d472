"""Calendar days: the published calendar, years without a notice, the pasted notice, days entered and taken back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import DayKind
from resource_hub.domain.booking import service as booking
from resource_hub.infra import outbox
from tests.builders.accounts import make_person, make_platform
from tests.builders.booking import make_asked, make_booking, make_scene
from tests.support.pages import signed_in

PAGE = "/o/platform/calendar-days"
NOTICE = """一、元旦：1月1日（周五）至3日（周日）放假调休，共3天。1月4日（周一）不上班吗？
二、春节：2月5日（农历除夕、周五）至11日（周四）放假调休，共7天。1月31日（周日）、2月13日（周六）上班。"""


@pytest.fixture
def staff(now: None, app: Any, in_context: Any) -> Any:
    person = in_context(lambda: make_person(roles=[(make_platform(), Role.PLATFORM_STAFF)]))
    return signed_in(app, person)


def days(in_context: Any, year: int) -> Any:
    return in_context(lambda: availability.calendar_year("CN", year))


def test_a_year_with_its_notice_says_so(staff: Any) -> None:
    client, _send = staff
    text = client.get(f"{PAGE}?year=2026").get_data(as_text=True)
    assert "春节" in text and 'class="notice is-wait"' not in text


def test_a_year_without_a_notice_says_that_it_is_not_yet_published(staff: Any) -> None:
    client, _send = staff
    text = client.get(f"{PAGE}?year=2033").get_data(as_text=True)
    assert 'class="notice is-wait"' in text


def test_a_pasted_notice_is_read_back_and_then_entered(staff: Any, in_context: Any) -> None:
    client, send = staff
    fields = {"year": "2033", "text": NOTICE.splitlines()[1]}
    looked = send(f"{PAGE}?year=2033", f"{PAGE}/notice", look="1", **fields)
    assert looked.status_code == 200 and 'class="read-days"' in looked.get_data(as_text=True)
    assert days(in_context, 2033)[1] == set()
    # The number of the document is what the days are cited with.
    assert send(f"{PAGE}?year=2033", f"{PAGE}/notice", enter="1", **fields).status_code == 422
    assert (
        send(
            f"{PAGE}?year=2033", f"{PAGE}/notice", enter="1", source="国办发明电〔2032〕1号", **fields
        ).status_code
        == 303
    )
    found, entered = days(in_context, 2033)
    assert len(entered) == 9
    assert (found[date(2033, 1, 31)].kind, found[date(2033, 2, 11)].kind) == (
        DayKind.WORKDAY,
        DayKind.HOLIDAY,
    )
    assert found[date(2033, 2, 5)].source == "国办发明电〔2032〕1号"
    assert 'class="notice is-wait"' not in client.get(f"{PAGE}?year=2033").get_data(as_text=True)


def test_a_text_without_days_is_refused_at_its_field(staff: Any) -> None:
    _client, send = staff
    answer = send(PAGE, f"{PAGE}/notice", look="1", year="2027", text="各省、自治区、直辖市人民政府：")
    assert answer.status_code == 422 and 'href="#f-text"' in answer.get_data(as_text=True)


def test_days_in_a_row_are_entered_and_one_is_taken_back(staff: Any, in_context: Any) -> None:
    _client, send = staff
    fields = {"kind": "holiday", "day": "2026-08-10", "until": "2026-08-11", "name_zh": "校庆"}
    assert send(PAGE, PAGE, **fields).status_code == 303
    assert days(in_context, 2026)[1] == {date(2026, 8, 10), date(2026, 8, 11)}
    assert send(PAGE, f"{PAGE}/2026-08-10/forget").status_code == 303
    assert days(in_context, 2026)[1] == {date(2026, 8, 11)}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"kind": "holiday"}, "day"),
        ({"kind": "holiday", "day": "2026-08-10", "until": "2026-08-09"}, "until"),
        ({"kind": "holiday", "day": "2026-08-10", "until": "2026-09-11"}, "until"),
        ({"kind": "workday", "day": "2026-08-08", "stands_for": "2026-08-08"}, "stands_for"),
    ],
)
def test_a_day_that_cannot_be_is_refused_at_its_field(staff: Any, fields: dict[str, str], place: str) -> None:
    _client, send = staff
    answer = send(PAGE, PAGE, **fields)
    assert answer.status_code == 422 and f'href="#f-{place}"' in answer.get_data(as_text=True)


def test_it_is_for_the_platforms_staff(manager: Any, scene: Any) -> None:
    client, _send = manager
    assert client.get(PAGE).status_code == 404
    assert client.get(f"/o/{scene.host.code}/calendar-days").status_code == 403


def test_a_day_is_looked_at_with_the_bookings_of_hosts_and_then_entered(
    staff: Any, app: Any, in_context: Any
) -> None:
    scene = in_context(make_scene)
    booked = in_context(lambda: make_booking(scene))
    _client, send = staff
    fields = {"kind": "holiday", "day": "2026-03-03", "name_zh": "校庆"}
    looked = send(PAGE, PAGE, look="1", **fields).get_data(as_text=True)
    assert scene.host.name_zh in looked and booked.number not in looked
    assert date(2026, 3, 3) not in days(in_context, 2026)[0]
    assert send(PAGE, PAGE, enter="1", **fields).status_code == 303
    in_context(outbox.deliver_due)
    client, settle = signed_in(app, scene.manager_person)
    assert "outside-hours" in client.get(f"/o/{scene.host.code}/today").get_data(as_text=True)
    path = f"/o/{scene.host.code}/resources/{scene.key.id}/outside-hours"
    assert booked.number in client.get(path).get_data(as_text=True)
    assert settle(path, path, publish="1").status_code == 409
    chosen = {f"fate.{booked.key.id}": "cancelled"}
    assert settle(path, path, publish="1", reason="放假", **chosen).status_code == 303
    assert in_context(lambda: booking.booking(booked.key)).cancel_reason == "放假"
    assert "outside-hours" not in client.get(f"/o/{scene.host.code}/today").get_data(as_text=True)
    # With nothing left there is nothing to confirm, and a way back.
    empty = client.get(path).get_data(as_text=True)
    assert 'name="publish"' not in empty and f"/resources/{scene.key.id}/hours" in empty


def test_a_day_is_taken_back_after_a_look_at_the_bookings_that_it_hits(
    staff: Any, app: Any, in_context: Any
) -> None:
    _client, send = staff
    fields = {"kind": "workday", "day": "2026-03-07", "stands_for": "2026-03-04"}
    assert send(PAGE, PAGE, enter="1", **fields).status_code == 303
    scene = in_context(make_scene)
    asked = make_asked("2026-03-07T09:00+08:00", "2026-03-07T11:00+08:00")
    booked = in_context(lambda: make_booking(scene, asked=asked))
    looked = send(PAGE, f"{PAGE}/2026-03-07/forget")
    assert looked.status_code == 200
    text = looked.get_data(as_text=True)
    assert scene.host.name_zh in text and booked.number not in text and 'name="enter"' in text
    assert days(in_context, 2026)[1] == {date(2026, 3, 7)}
    assert send(PAGE, f"{PAGE}/2026-03-07/forget", enter="1").status_code == 303
    assert days(in_context, 2026)[1] == set()
    in_context(outbox.deliver_due)
    client, _settle = signed_in(app, scene.manager_person)
    path = f"/o/{scene.host.code}/resources/{scene.key.id}/outside-hours"
    assert booked.number in client.get(path).get_data(as_text=True)


def test_a_published_holiday_that_holds_again_is_shown_with_what_it_hits(staff: Any, in_context: Any) -> None:
    _client, send = staff
    assert send(PAGE, PAGE, enter="1", kind="ordinary", day="2026-05-01").status_code == 303
    scene = in_context(make_scene)
    asked = make_asked("2026-05-01T09:00+08:00", "2026-05-01T11:00+08:00")
    in_context(lambda: make_booking(scene, asked=asked))
    looked = send(PAGE, f"{PAGE}/2026-05-01/forget").get_data(as_text=True)
    assert scene.host.name_zh in looked and "劳动节" in looked
