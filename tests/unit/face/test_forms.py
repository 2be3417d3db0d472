"""What people type: kept, judged all at once, never guessed."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from resource_hub.entrypoints.support import fields, guards, language, paging
from resource_hub.entrypoints.support.forms import Form
from resource_hub.kernel.errors import Invalid, Reason, Stale
from resource_hub.kernel.money import Money

ZONE = "Asia/Shanghai"


@pytest.fixture(autouse=True)
def page():
    app = Flask("resource_hub")
    app.config.update(SECRET_KEY="x", TESTING=True)
    language.install(app)
    with app.test_request_context("/x?limit=9000&after=abc", headers={"Accept-Language": "en"}):
        yield


def typed(**values: str) -> Form:
    return Form({}, MultiDict(values))


def test_all_errors_are_told_at_once_and_what_was_typed_stays():
    form = typed(name="", count="many", price="1.234", day="05/03/2026")
    form.text("name", required=True)
    form.whole("count")
    form.money("price")
    form.day("day")
    assert [t.place for t in form.errors] == ["name", "count", "price", "day"]
    assert form.status == 422
    assert form.value("count") == "many"


@pytest.mark.parametrize(
    ("text", "minor"),
    [("300", 30000), ("12.5", 1250), ("１２．５０", 1250), ("¥ 1,000", 100000), ("800元", 80000)],
)
def test_amounts(text, minor):
    assert typed(a=text).money("a") == Money(minor)


@pytest.mark.parametrize("text", ["12.345", "-5", "1e5", "NaN", "", "12,5.0.1", "9" * 30])
def test_what_is_no_amount(text):
    form = typed(a=text)
    assert form.money("a", required=True) is None
    assert not form.ok


def test_a_wall_clock_time_becomes_an_instant_of_the_zone():
    form = typed(start_day="2026-03-05", start_time="09:30")
    assert form.moment("start", zone=ZONE) == datetime(2026, 3, 5, 1, 30, tzinfo=UTC)
    assert typed(start="2026-03-05T09:30").moment("start", zone=ZONE) == datetime(
        2026, 3, 5, 1, 30, tzinfo=UTC
    )


def test_a_time_that_the_clock_skips_is_refused():
    form = typed(start="2026-03-29T02:30")
    assert form.moment("start", zone="Europe/Berlin") is None
    assert form.errors[0].code == "form.skipped_time"


def test_half_a_moment_is_an_error_also_where_none_is_needed():
    form = typed(start_day="2026-03-05", start_time="")
    assert form.moment("start", zone=ZONE) is None
    assert [t.code for t in form.errors] == ["form.not_a_moment"]


def test_an_unticked_box_is_not_its_initial_value():
    form = Form({"hazard": True}, MultiDict({"_box.hazard": "1"}))
    assert form.value("hazard") == ""
    assert form.flag("hazard") is False
    assert Form({"hazard": True}).value("hazard") is True


def test_choices_are_those_listed():
    form = typed(mode="root")
    assert form.choice("mode", ["self_use", "staff_run"]) is None
    assert not form.ok


def test_control_characters_are_refused_and_line_breaks_kept():
    assert typed(a="x\u0000y").text("a") is None
    assert typed(a="x\r\ny").text("a") == "x\ny"


def test_domain_errors_stand_beside_their_field():
    form = typed(a="1")
    form.refuse(Invalid(Reason("form.above", {"limit": 8}, "a"), Reason("busy")))
    assert form.error("a") == "At most 8."
    assert form.status == 422
    form.refuse(Stale())
    assert form.stale is not None
    assert form.status == 412


def test_cursors_come_back_and_foreign_ones_are_refused():
    key = (datetime(2026, 3, 5, tzinfo=UTC), uuid4(), "名", 3)
    cursor = paging.pack(key)
    assert paging.unpack(cursor, datetime, type(key[1]), str, int) == key
    for bad in ("abc", "%%", paging.pack((1,)), cursor[:-3]):
        with pytest.raises(paging.BadCursor):
            paging.unpack(bad, datetime, type(key[1]), str, int)
    assert paging.unpack(None, int) is None
    assert paging.asked_limit() == paging.MAX_LIMIT


@pytest.mark.parametrize(
    ("forged", "types"),
    [
        (("2026-03-02T08:00:00",), (datetime,)),
        (("0001-01-01T00:00:00+23:00",), (datetime,)),
        (("9999-12-31T23:59:00-23:00",), (datetime,)),
        ((None,), (datetime,)),
        ((None,), (UUID,)),
        ((None,), (int,)),
        ((1,), (bool,)),
        ((True,), (int,)),
        (("2026-03-02T08:00:00+08:00",), (date,)),
        (("a\0b",), (str,)),
    ],
)
def test_a_forged_cursor_is_refused_and_never_reaches_the_database(forged, types):
    with pytest.raises(paging.BadCursor):
        paging.unpack(paging.pack(forged), *types)


@pytest.mark.parametrize("text", ["[" * 2_900, '["\\ud800"]'])
def test_a_cursor_of_half_a_character_or_without_end_is_refused(text):
    with pytest.raises(paging.BadCursor):
        paging.unpack(base64.urlsafe_b64encode(text.encode()).decode(), str)


def test_pages_end():
    first = paging.page_of([1, 2, 3], 2, lambda n: (n,))
    assert list(first.items) == [1, 2]
    assert first.next_cursor
    assert paging.page_of([1, 2], 2, lambda n: (n,)).next_cursor is None


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil", "evil", "/a\nb", "", None]
)
def test_nobody_is_sent_to_a_foreign_site(target):
    assert guards.safe_next(target) is None


def test_our_own_addresses_are_followed():
    assert guards.safe_next("/o/ustc/today?day=2026-03-05") == "/o/ustc/today?day=2026-03-05"


def test_api_fields_are_exact():
    money = fields.MoneyString()
    assert money.deserialize("12.50") == Money(1250)
    assert money._serialize(Money(1250), None, None) == "12.50"
    for bad in (12.5, "12.345", "NaN", "1" * 40):
        with pytest.raises(fields.ma.ValidationError):
            money.deserialize(bad)
    moment = fields.Moment()
    assert moment.deserialize("2026-03-05T09:00:00+08:00") == datetime(2026, 3, 5, 1, tzinfo=UTC)
    assert moment._serialize(datetime(2026, 3, 5, 1, tzinfo=UTC), None, None) == "2026-03-05T01:00:00Z"
    for bad in ("2026-03-05T09:00:00", "2026-03-05", 5, "x"):
        with pytest.raises(fields.ma.ValidationError):
            moment.deserialize(bad)


def test_initial_values_are_written_as_the_fields_want_them():
    form = Form({"a": Money(1250), "d": date(2026, 3, 5), "n": None})
    assert (form.value("a"), form.value("d"), form.value("n")) == ("12.50", "2026-03-05", "")
