"""The form of house rules loses nothing, and its page publishes what it read back."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.rules import document
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
from resource_hub.domain.booking import service as booking
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.web.availability import rules_form
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.accounts import make_group
from tests.builders.availability import moment
from tests.builders.booking import make_booking
from tests.support.pages import signed_in

NAMES = st.sampled_from(["高峰时段", "夜间", "Prime time", "A 段"])


@st.composite
def documents(draw: Any) -> HouseDocument:
    codes = ["prime", "night", "hours_2"][: draw(st.integers(0, 3))]
    times = []
    for code in codes:
        starts = draw(st.integers(0, 287)) * 5
        ends = starts + draw(st.integers(1, 288)) * 5
        days = tuple(sorted(draw(st.sets(st.integers(0, 6), min_size=1))))
        after = draw(st.sampled_from(["", *[other for other in codes if other != code]]))
        times.append(NamedHours(code, draw(NAMES), draw(NAMES), days, starts, ends, after))
    periods = [p for p in QuotaPeriod if p not in (QuotaPeriod.BOOKING, QuotaPeriod.CONCURRENT)]
    quota = st.builds(
        Quota, st.sampled_from(QuotaPer), st.sampled_from(periods), st.sampled_from(QuotaMeasure),
        st.integers(1, 5000), st.sampled_from(["", *codes]), st.sampled_from(QuotaFor),
        st.sampled_from(Reach),
    )  # fmt: skip
    minutes = st.integers(0, 600)
    length = st.one_of(
        st.builds(BarLength, st.sampled_from([BarUnit.WARNING, BarUnit.LIFTED])),
        st.builds(BarLength, st.sampled_from([BarUnit.DAYS, BarUnit.MONTHS]), st.integers(1, 36)),
    )
    ahead = st.one_of(
        st.builds(
            AheadRule,
            st.integers(10, 90),
            st.sampled_from(QuotaFor),
            st.none(),
            st.sampled_from(["", *codes]),
        ),
        st.builds(
            AheadRule, st.integers(0, 90), st.just(QuotaFor.ALL), st.uuids(), st.sampled_from(["", *codes])
        ),
    )
    bar = st.builds(
        BarRule, st.sampled_from([(), (StrikeKind.MISUSE,)]), st.integers(1, 9), st.integers(0, 365),
        st.lists(length, min_size=1, max_size=10).map(tuple),
    )  # fmt: skip
    return HouseDocument(
        step=draw(st.sampled_from([5, 15, 30, 60])), lead={"self_use": draw(st.integers(1, 600))},
        lead_days=draw(st.integers(0, 9)), gap=draw(minutes), gap_reach=draw(st.sampled_from(Reach)), cancel_until=draw(minutes), change_until=draw(minutes),
        approval=draw(st.sampled_from(Approval)), silence=draw(st.sampled_from(Silence)),
        debt=draw(st.sampled_from(DebtBlock)), quotas=tuple(draw(st.lists(quota, max_size=6))), times=tuple(times),
        fields=tuple(AskedField(f"f{n}", "样品", "Sample", draw(st.booleans())) for n in range(draw(st.integers(0, 3)))),
        hazard=draw(st.booleans()), no_show_release=draw(st.booleans()), rotating_code=draw(st.booleans()),
        steps=tuple(
            AnswerRule(who, draw(st.integers(1, 720)), draw(st.integers(0, 10**7)))
            for who in draw(st.permutations(list(Answerer)))[: draw(st.integers(0, 3))]
        ),
        ahead=tuple(draw(st.lists(ahead, max_size=3))),
        bars=tuple(draw(st.lists(bar, max_size=3))),
        own_account=draw(st.booleans()), extend=draw(st.booleans()), training="sem",
    )  # fmt: skip


def sent(values: dict[str, Any]) -> Form:
    """The form as a browser sends it: unticked boxes are left out."""
    data: MultiDict[str, str] = MultiDict()
    for name, value in values.items():
        if isinstance(value, list):
            data.setlist(name, value)
        elif value is not False:
            data[name] = "1" if value is True else str(getattr(value, "value", value))
    return Form(values, data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents())
def test_what_the_form_shows_is_what_it_reads(app: Any, rules: HouseDocument) -> None:
    with app.test_request_context():
        form = sent(rules_form.initial(rules))
        assert document.read(rules_form.typed(form)) == rules
        assert form.ok


def page_of(scene: Any) -> str:
    return f"/o/{scene.host.code}/resources/{scene.key.id}/rules"


def fields_of(app: Any, rules: HouseDocument, **changes: Any) -> dict[str, Any]:
    with app.test_request_context():
        values = {**rules_form.initial(rules), "since": "2026-03-02", **changes}
        return {k: list(v) for k, v in sent(values).typed.lists()}  # type: ignore[union-attr]


PRIME = {
    "time_zh.0": "高峰时段", "time_en.0": "Prime time", "time_starts.0": "08:00", "time_ends.0": "18:00",
    "time_days.0": ["0", "1", "2", "3", "4"], "quota_limit.0": "2", "quota_measure.0": "minutes",
    "quota_period.0": "day", "quota_per.0": "person", "quota_inside.0": "hours_1", "quota_whom.0": "all",
}  # fmt: skip


def test_prime_time_is_read_back_and_published(app: Any, scene: Any, manager: Any, in_context: Any) -> None:
    client, send = manager
    page = page_of(scene)
    shown = send(page, page, **fields_of(app, HouseDocument(), **PRIME, look="1"))
    added = re.findall(r'<li class="is-added">(.*?)</li>', shown.text, re.S)
    assert any("高峰时段" in told and "08:00–18:00" in told for told in added)
    assert any("高峰时段" in told and "2 小时" in told for told in added)
    done = send(page, page, **fields_of(app, HouseDocument(), **PRIME, publish="1"))
    assert done.status_code == 303
    rules, _number = in_context(lambda: availability.house_rules(scene.key))
    assert rules.times[0].code == "hours_1" and rules.quotas[0].inside == "hours_1"
    assert 'value="hours_1"' in client.get(page).text


@pytest.mark.parametrize(("changes", "place"), [
    ({"time_days.0": []}, "e-time_zh.0"),
    ({"time_ends.0": ""}, "e-time_zh.0"),
    ({"quota_inside.0": "elsewhere"}, "e-quota_limit.0"),
    ({"quota_limit.0": "", "quota_limit.1": "3", "quota_period.1": "concurrent", "quota_per.1": "person",
      "quota_measure.1": "minutes"}, "e-quota_limit.1"),
])  # fmt: skip
def test_faults_stand_at_their_line(
    app: Any, scene: Any, manager: Any, changes: dict[str, Any], place: str
) -> None:
    _client, send = manager
    page = page_of(scene)
    shown = send(page, page, **fields_of(app, HouseDocument(), **{**PRIME, **changes}, look="1"))
    assert shown.status_code == 422
    assert f'id="{place}"' in shown.text


def test_another_hosts_manager_is_kept_out(app: Any, scene: Any, in_context: Any) -> None:
    from tests.builders.booking import make_scene

    other = in_context(make_scene)
    client, _send = signed_in(app, other.manager_person)
    assert client.get(page_of(scene)).status_code in (403, 404)


def test_bars_of_a_draft_are_tried_with_names_and_times(app: Any, scene: Any, in_context: Any) -> None:
    def missed() -> None:
        made = make_booking(scene)
        assert made.span is not None
        with clock.fixed(made.span.start + timedelta(minutes=30)), unit_of_work() as unit:
            booking.missed(unit, made.key)

    in_context(missed)
    draft = {"strike_no_show": True, "bar_count.0": "1", "bar_unit.0.0": "months", "bar_length.0.0": "2"}
    with clock.fixed(moment("2026-03-20T08:00+08:00")):
        _client, send = signed_in(app, scene.manager_person)
        page = page_of(scene)
        shown = send(page, page, **fields_of(app, HouseDocument(), since="2026-03-21", look="1", **draft))
    assert shown.status_code == 200
    assert "违约会使 1 人暂停预约" in shown.text and "2026年5月3日" in shown.text.replace(" ", "")
    assert "2 个月" in shown.text and 'name="bar_unit.0.1"' in shown.text
    # A Chinese sentence follows the one before without a space.
    assert "。 " not in re.sub(r"<[^>]+>", "", shown.text.split('id="trial-title"')[1].split("</section>")[0])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_draft_tried_speaks_of_the_booking_and_not_to_who_tries(
    app: Any, scene: Any, in_context: Any, language: str
) -> None:
    in_context(lambda: make_booking(scene))
    with clock.fixed(moment("2026-03-20T08:00+08:00")):
        client, send = signed_in(app, scene.manager_person)
        with client.session_transaction() as session:
            session["language"] = language
        page = page_of(scene)
        draft = fields_of(app, HouseDocument(), since="2026-03-21", look="1", least="240")
        shown = send(page, page, **draft).text.split('id="trial-title"')[1].split("</section>")[0]
    assert ("asked for: 2 h." if language == "en" else "现选 2 小时。") in shown
    assert "you" not in re.sub(r"<[^>]+>", "", shown) and "您" not in shown


def test_a_group_of_the_host_comes_first_and_no_other_can_be_named(
    app: Any, scene: Any, manager: Any, in_context: Any
) -> None:
    group = in_context(lambda: make_group(scene.host))
    _client, send = manager
    page = page_of(scene)
    first = {**PRIME, "ahead_whom.0": str(group.id), "ahead_days.0": "14", "ahead_inside.0": "hours_1",
             "ahead_whom.1": "all", "ahead_days.1": "0", "ahead_inside.1": "hours_1"}  # fmt: skip
    stranger = {**first, "ahead_whom.0": str(scene.customer_id), "since": "2026-03-09"}
    wrong = send(page, page, **fields_of(app, HouseDocument(), publish="1", **stranger))
    assert wrong.status_code == 422 and 'id="e-ahead_days.0"' in wrong.text
    done = send(
        page, page, **fields_of(app, HouseDocument(), publish="1", **{**first, "since": "2026-03-09"})
    )
    assert done.status_code == 303
    rules, _number = in_context(lambda: availability.house_rules(scene.key, date(2026, 3, 9)))
    assert [(row.days, row.group, row.inside) for row in rules.ahead] == [
        (14, group.id, "hours_1"),
        (0, None, "hours_1"),
    ]


def test_points_of_strikes_are_typed_read_back_and_kept(
    app: Any, scene: Any, manager: Any, in_context: Any
) -> None:
    _client, send = manager
    page = page_of(scene)
    draft = {"strike_no_show": True, "points.no_show": "3", "points.misuse": "1", "points.late": "0",
             "bar_count.0": "6", "bar_within.0": "365", "bar_unit.0.0": "days", "bar_length.0.0": "30"}  # fmt: skip
    shown = send(page, page, **fields_of(app, HouseDocument(), since="2026-03-09", look="1", **draft))
    assert "违约扣分：爽约（3）、迟到（0）；其他每次 1 分。" in shown.text and "满 6 分" in shown.text
    wrong = send(
        page, page, **fields_of(app, HouseDocument(), publish="1", **{**draft, "points.late": "101"})
    )
    assert wrong.status_code == 422 and 'id="e-points.late"' in wrong.text
    done = send(page, page, **fields_of(app, HouseDocument(), since="2026-03-09", publish="1", **draft))
    assert done.status_code == 303
    rules, _number = in_context(lambda: availability.house_rules(scene.key, date(2026, 3, 9)))
    assert rules.points == {StrikeKind.NO_SHOW: 3, StrikeKind.LATE: 0} and rules.bars[0].count == 6
