"""The page of opening hours: looked at first, published with what becomes of the bookings that it hits."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Audience, ExceptionKind, OnHolidays, WeeklyHours
from resource_hub.domain.booking import service as booking
from resource_hub.domain.booking.terms import BookingState
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.web.availability import week_form
from resource_hub.kernel.time import TimeSpan
from tests.builders.availability import make_exception, make_weekly, moment, span
from tests.builders.booking import make_asked, make_booking
from tests.support.pages import fields_of, signed_in

WORKDAYS = ["0", "1", "2", "3", "4"]


def page_of(scene: Any) -> str:
    return f"/o/{scene.host.code}/resources/{scene.key.id}/hours"


def line(n: int, days: list[str], starts: str, ends: str, **more: str) -> dict[str, Any]:
    return {
        f"days.{n}": days,
        f"starts.{n}": starts,
        f"ends.{n}": ends,
        f"audience.{n}": more.get("audience", "all"),
        f"on_holidays.{n}": more.get("on_holidays", "closed"),
    }


def afternoons(**more: Any) -> dict[str, Any]:
    return {**line(0, WORKDAYS, "13:00", "17:00"), "since": "2026-03-02", **more}


@pytest.fixture
def booked(in_context: Any, scene: Any) -> Any:
    return in_context(lambda: make_booking(scene))


def state(in_context: Any, booked: Any) -> Any:
    return in_context(lambda: booking.booking(booked.key))


# ---- the form --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        make_weekly(),
        make_weekly(weekdays=range(7), starts=0, ends=1440),
        (*make_weekly(starts=480, ends=720), *make_weekly(starts=780, ends=1320)),
        (*make_weekly(ends=1560), *make_weekly(weekdays=[5], on_holidays=OnHolidays.OPEN)),
        (*make_weekly(), *make_weekly(starts=13 * 60, audience=Audience.OUTSIDE)),
    ],
    ids=["office hours", "always", "two stretches", "past midnight", "protected"],
)
def test_the_form_gives_back_the_pattern_that_it_shows(app: Any, rows: tuple[WeeklyHours, ...]) -> None:
    from werkzeug.datastructures import MultiDict

    values = week_form.initial(rows)
    sent = MultiDict([(k, one) for k, v in values.items() for one in (v if isinstance(v, list) else [v])])
    with app.test_request_context():
        form = Form(sent=sent)
        found, _lines = week_form.typed(form)
        assert form.ok
    plain = {(r.weekday, r.starts, r.ends, r.audience, r.on_holidays) for r in rows}
    assert {(r.weekday, r.starts, r.ends, r.audience, r.on_holidays) for r in found} == plain


def test_more_than_a_day_in_one_stretch_is_two_lines(app: Any) -> None:
    values = week_form.initial([WeeklyHours(0, 540, 2000)])
    assert [values["starts.0"], values["ends.0"], values["starts.1"], values["ends.1"]] == [
        "09:00", "00:00", "00:00", "09:20",
    ]  # fmt: skip
    assert (values["days.0"], values["days.1"]) == (["0"], ["1"])


# ---- the page --------------------------------------------------------------------------------------------------


def test_the_page_says_what_holds_now(manager: Any, scene: Any) -> None:
    client, _send = manager
    page = client.get(page_of(scene))
    text = page.get_data(as_text=True)
    assert page.status_code == 200 and "09:00\u2060–\u206017:00" in text and "周一–周五" in text


def test_where_nothing_is_published_the_usual_hours_are_offered(
    app: Any, manager: Any, scene: Any, in_context: Any
) -> None:
    from tests.builders.catalogue import make_listing

    bare = in_context(lambda: make_listing(scene.host)).key
    client, _send = manager
    text = client.get(page_of(scene).replace(str(scene.key.id), str(bare.id))).get_data(as_text=True)
    assert 'value="09:00"' in text and 'name="days.0" value="4" checked' in text
    assert in_context(lambda: availability.weekly_hours(bare)) == ()


def test_looking_names_the_hit_booking_and_changes_nothing(
    manager: Any, scene: Any, booked: Any, in_context: Any
) -> None:
    _client, send = manager
    answer = send(page_of(scene), page_of(scene), **afternoons(look="1"))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and booked.number in text
    assert f'name="fate.{booked.key.id}" value="stays" checked' in text
    assert "13:00\u2060–\u206017:00" in text
    assert in_context(lambda: availability.weekly_hours(scene.key))[0].starts == 540
    assert state(in_context, booked).state is BookingState.APPROVED


def test_publishing_with_a_cancellation(manager: Any, scene: Any, booked: Any, in_context: Any) -> None:
    _client, send = manager
    chosen = {f"fate.{booked.key.id}": "cancelled", f"version.{booked.key.id}": booked.version}
    refused = send(page_of(scene), page_of(scene), **afternoons(publish="1", **chosen))
    assert refused.status_code == 422 and "f-reason" in refused.get_data(as_text=True)
    answer = send(page_of(scene), page_of(scene), **afternoons(publish="1", reason="电镜检修", **chosen))
    assert answer.status_code == 303
    gone = state(in_context, booked)
    assert (gone.state, gone.cancel_reason, gone.cancel_fee.minor) == (BookingState.CANCELLED, "电镜检修", 0)
    assert {
        r.starts for r in in_context(lambda: availability.weekly_hours(scene.key)) if r.until is None
    } == {780}


def test_publishing_with_a_move_to_one_of_the_times_offered(
    manager: Any, scene: Any, booked: Any, in_context: Any
) -> None:
    _client, send = manager
    text = send(page_of(scene), page_of(scene), **afternoons(look="1")).get_data(as_text=True)
    block = text[text.index(f'name="time.{booked.key.id}"') :]
    times = re.findall(r'<option value="([^"]+/[^"]+)"', block[: block.index("</select>")])
    fields = {f"fate.{booked.key.id}": "moves", f"time.{booked.key.id}": times[0], "reason": "改时间"}
    assert send(page_of(scene), page_of(scene), **afternoons(publish="1", **fields)).status_code == 303
    start, end = (moment(part) for part in times[0].split("/"))
    assert state(in_context, booked).span == TimeSpan(start, end)


def test_publishing_without_a_look_shows_what_it_would_hit(
    manager: Any, scene: Any, booked: Any, in_context: Any
) -> None:
    _client, send = manager
    answer = send(page_of(scene), page_of(scene), **afternoons(publish="1"))
    assert answer.status_code == 409
    assert f"f-hit.{booked.key.id}" in answer.get_data(as_text=True)
    assert in_context(lambda: availability.weekly_hours(scene.key))[0].starts == 540


def test_a_form_made_before_somebody_elses_change_is_told_so(
    manager: Any, scene: Any, in_context: Any
) -> None:
    _client, send = manager
    in_context(
        lambda: availability.save_hours(
            scene.key, make_weekly(starts=600), date(2026, 3, 2), by=scene.manager
        )
    )
    answer = send(page_of(scene), page_of(scene), **afternoons(look="1", seen="0000"))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 412 and "10:00\u2060–\u206017:00" in text
    # What was typed stays, and the form is now one of the present state.
    assert 'value="13:00"' in text and 'name="seen" value="0000"' not in text


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        (line(0, [], "09:00", "17:00"), "days.0"),
        (line(0, ["0"], "", "17:00"), "starts.0"),
        (line(0, ["0"], "09:00", ""), "ends.0"),
        (line(0, ["0"], "09:03", "17:00"), "starts.0"),
        ({**line(0, ["0"], "09:00", "17:00"), **line(2, ["0"], "16:00", "18:00")}, "starts.2"),
        ({**line(0, ["6"], "20:00", "04:00"), **line(1, ["0"], "03:00", "05:00")}, "starts.1"),
        ({**line(0, ["0"], "09:00", "17:00"), "since": "2026-03-01"}, "since"),
    ],
    ids=["no day", "no start", "no end", "odd minutes", "overlap", "overlap over the weekend", "past"],
)
def test_each_fault_stands_at_its_line(manager: Any, scene: Any, fields: dict[str, Any], place: str) -> None:
    _client, send = manager
    answer = send(page_of(scene), page_of(scene), **{"since": "2026-03-02", "look": "1", **fields})
    assert answer.status_code == 422
    assert f'href="#f-{place}"' in answer.get_data(as_text=True)


def test_the_overlap_names_the_other_line_and_is_told_once(manager: Any, scene: Any) -> None:
    _client, send = manager
    fields = {**line(0, WORKDAYS, "09:00", "17:00"), **line(1, WORKDAYS, "16:00", "18:00")}
    text = send(page_of(scene), page_of(scene), since="2026-03-02", look="1", **fields).get_data(as_text=True)
    assert text.count('href="#f-starts.1"') == 1


def test_a_later_pattern_that_would_be_replaced_is_named(manager: Any, scene: Any, in_context: Any) -> None:
    in_context(
        lambda: availability.save_hours(
            scene.key, make_weekly(starts=600), date(2026, 9, 1), by=scene.manager
        )
    )
    _client, send = manager
    text = send(page_of(scene), page_of(scene), **afternoons(look="1")).get_data(as_text=True)
    assert "looked-drop" in text


def test_more_lines_are_given_and_nothing_typed_is_lost(manager: Any, scene: Any) -> None:
    _client, send = manager
    text = send(page_of(scene), page_of(scene), **afternoons(more="1")).get_data(as_text=True)
    assert text.count('<fieldset class="hours-line') == 1 + 2 + 4 and 'value="13:00"' in text


# ---- closures, extra openings, maintenance ---------------------------------------------------------------------


def day(kind: ExceptionKind, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "start_day": "2026-03-03", "start_time": "00:00", "end_day": "2026-03-04", "end_time": "00:00",
        "reason_zh": "停电检修",
        **more,
    }  # fmt: skip


def test_a_closure_is_looked_at_and_published(manager: Any, scene: Any, booked: Any, in_context: Any) -> None:
    _client, send = manager
    action = page_of(scene).replace("/hours", "/exceptions")
    text = send(page_of(scene), action, **day(ExceptionKind.CLOSURE, look="1")).get_data(as_text=True)
    # The reason of the closure is what the customers read unless another is written.
    assert booked.number in text and ">停电检修</textarea>" in text
    chosen = {f"fate.{booked.key.id}": "cancelled", "reason": "停电检修"}
    answer = send(page_of(scene), action, **day(ExceptionKind.CLOSURE, publish="1", **chosen))
    assert answer.status_code == 303
    assert state(in_context, booked).state is BookingState.CANCELLED
    tuesday = span("2026-03-03T00:00+08:00", "2026-03-04T00:00+08:00")
    [kept] = in_context(lambda: availability.exceptions(scene.key, tuesday))
    assert (kept.kind, kept.reason_zh) == (ExceptionKind.CLOSURE, "停电检修")
    assert send(page_of(scene), f"{action}/{kept.id}/remove").status_code == 303
    assert in_context(lambda: availability.exceptions(scene.key, tuesday)) == ()


def test_maintenance_offers_no_staying(manager: Any, scene: Any, booked: Any) -> None:
    _client, send = manager
    action = page_of(scene).replace("/hours", "/exceptions")
    text = send(page_of(scene), action, **day(ExceptionKind.MAINTENANCE, look="1")).get_data(as_text=True)
    assert f'name="fate.{booked.key.id}" value="stays"' not in text
    assert f'name="fate.{booked.key.id}" value="cancelled"' in text


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"end_day": "2026-03-02", "end_time": "23:00"}, "end"),
        ({"start_day": "2026-02-01", "end_day": "2026-02-02"}, "end"),
        ({"end_day": "2027-03-05"}, "end"),
        ({"start_day": ""}, "start"),
        ({"kind": "party"}, "kind"),
    ],
)
def test_a_closure_that_cannot_be_is_refused_at_its_field(
    manager: Any, scene: Any, fields: dict[str, str], place: str
) -> None:
    _client, send = manager
    action = page_of(scene).replace("/hours", "/exceptions")
    answer = send(page_of(scene), action, **{**day(ExceptionKind.CLOSURE, look="1"), **fields})
    assert answer.status_code == 422 and f'href="#f-{place}"' in answer.get_data(as_text=True)


def test_strangers_and_the_customer_see_no_such_page(app: Any, scene: Any, in_context: Any) -> None:
    from tests.builders.booking import make_scene

    other = in_context(make_scene)
    client, _send = signed_in(app, other.manager_person)
    assert client.get(page_of(scene)).status_code == 404
    assert client.get(f"/o/{other.host.code}/resources/{scene.key.id}/hours").status_code == 404
    client, _send = signed_in(app, scene.booker_person)
    assert client.get(page_of(scene)).status_code == 404


def test_an_extra_opening_is_taken_back_after_its_bookings_were_looked_at(
    manager: Any, scene: Any, in_context: Any
) -> None:
    _client, send = manager
    saturday = ("2026-03-07T10:00+08:00", "2026-03-07T12:00+08:00")
    one = make_exception(ExceptionKind.EXTRA, span=span(*saturday))
    extra = in_context(lambda: availability.add_exception(scene.key, one, by=scene.manager))
    booked = in_context(lambda: make_booking(scene, asked=make_asked(*saturday)))
    path = f"{page_of(scene).removesuffix('/hours')}/exceptions/{extra.id}/remove"
    looked = send(page_of(scene), path)
    text = looked.get_data(as_text=True)
    assert looked.status_code == 200 and booked.number in text and "has-error" not in text
    assert in_context(lambda: availability.exception(scene.key, extra.id)) == extra
    assert send(page_of(scene), path, publish="1").status_code == 409
    chosen = {f"fate.{booked.key.id}": "stays"}
    assert send(page_of(scene), path, publish="1", **chosen).status_code == 303
    assert state(in_context, booked).state is BookingState.APPROVED
    assert send(page_of(scene), path).status_code == 303  # it has gone


# ---- a unit out of use -----------------------------------------------------------------------------------------


def test_who_changes_a_unit_in_two_tabs_overwrites_nothing_unseen(
    manager: Any, scene: Any, in_context: Any
) -> None:
    from resource_hub.domain.catalogue import service as catalogue

    client, send = manager
    [unit] = in_context(lambda: catalogue.units(scene.key))
    show = page_of(scene).removesuffix("/hours")
    path = f"{show}/units/{unit.key.id}"
    kept = {"seen": fields_of(client.get(show).get_data(as_text=True), path)["seen"], "active": "1"}
    assert send(show, path, name_zh="甲", **kept).status_code == 303
    stale = send(show, path, name_zh="乙", **kept)
    assert stale.status_code == 412 and 'class="summary"' in stale.get_data(as_text=True)
    assert send(show, path, name_zh="乙", active="1", seen="").status_code == 412
    assert in_context(lambda: catalogue.unit(unit.key)).name_zh == "甲"
    # The page that refuses shows it as it is now, and what is sent from there is a choice.
    again = fields_of(stale.get_data(as_text=True), path)
    assert again["name_zh"] == "甲"
    assert send(show, path, name_zh="乙", active="1", seen=again["seen"]).status_code == 303


def test_a_unit_goes_out_of_use_after_its_bookings_were_looked_at(
    manager: Any, scene: Any, booked: Any, in_context: Any
) -> None:
    from resource_hub.domain.catalogue import service as catalogue

    _client, send = manager
    [unit] = in_context(lambda: catalogue.units(scene.key))
    show = page_of(scene).removesuffix("/hours")
    path = f"{show}/units/{unit.key.id}"
    names = {"name_zh": "一号机", "name_en": "One", "serial_number": "7"}
    looked = send(show, path, **names)
    text = looked.get_data(as_text=True)
    assert looked.status_code == 200 and booked.number in text and 'value="一号机"' in text
    assert in_context(lambda: catalogue.unit(unit.key)).active
    undecided = send(show, path, publish="1", **names)
    assert undecided.status_code == 409 and f"f-hit.{booked.key.id}" in undecided.get_data(as_text=True)
    chosen = {f"fate.{booked.key.id}": "cancelled", f"version.{booked.key.id}": booked.version}
    answer = send(show, path, publish="1", reason="光源老化", **chosen, **names)
    assert answer.status_code == 303
    gone = in_context(lambda: catalogue.unit(unit.key))
    assert (gone.active, gone.name_zh) == (False, "一号机")
    assert state(in_context, booked).cancel_reason == "光源老化"
