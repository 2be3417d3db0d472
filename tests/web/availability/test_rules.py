"""The page of house rules: typed, read back, compared with what is in force, dated."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from resource_hub.domain.availability import service as availability
from resource_hub.entrypoints.support import sentences
from resource_hub.entrypoints.web.availability import rules_form
from tests.support.pages import fields_of

CHANGED = {"most": "240", "cancel_until": "24", "approval": "outside", "since": "2026-03-09"}


def page_of(scene: Any) -> str:
    return f"/o/{scene.host.code}/resources/{scene.key.id}/rules"


@pytest.fixture
def fields(manager: Any, scene: Any) -> dict[str, Any]:
    """The form as it stands, with some rules changed from a week on."""
    client, _send = manager
    shown = fields_of(client.get(page_of(scene)).get_data(as_text=True), page_of(scene))
    assert shown["most"] == "0"
    return {**shown, **CHANGED}


def changes(text: str) -> tuple[list[str], list[str]]:
    """What the page says falls away and what is new."""
    dropped, added = (
        [
            re.sub(r"<[^>]+>", "", part).strip()
            for part in re.findall(f'<li class="is-{name}">(.*?)</li>', text)
        ]
        for name in ("dropped", "added")
    )
    return dropped, added


def test_looking_reads_back_and_names_the_difference(
    manager: Any, scene: Any, in_context: Any, fields: dict[str, Any]
) -> None:
    _client, send = manager
    answer = send(page_of(scene), page_of(scene), look="1", **fields)
    dropped, added = changes(answer.get_data(as_text=True))
    assert answer.status_code == 200
    # Longest time, who waits, what silence means, and cancelling.
    assert len(dropped) == 2 and len(added) == 4, (dropped, added)
    assert any("24 小时" in sentence for sentence in added)
    assert in_context(lambda: len(availability.rules_history(scene.key))) == 1


def test_publishing_makes_a_dated_version(
    manager: Any, scene: Any, in_context: Any, fields: dict[str, Any]
) -> None:
    _client, send = manager
    answer = send(page_of(scene), page_of(scene), publish="1", note="课题组反映预约过长", **fields)
    assert answer.status_code == 303
    rules = in_context(lambda: availability.house_rules(scene.key, date(2026, 3, 9)))
    assert (rules[0].most, rules[0].cancel_until, rules[1]) == (240, 1440, 2)
    assert in_context(lambda: availability.house_rules(scene.key, date(2026, 3, 8)))[1] == 1


def test_quotas_and_questions_are_kept_as_typed(
    manager: Any, scene: Any, in_context: Any, fields: dict[str, Any]
) -> None:
    _client, send = manager
    more = {
        "quota_per.0": "customer", "quota_limit.0": "20", "quota_measure.0": "minutes", "quota_period.0": "week",
        "quota_per.1": "person", "quota_limit.1": "3", "quota_measure.1": "bookings", "quota_period.1": "future",
        "field_zh.0": "加速电压", "field_en.0": "Voltage", "field_required.0": "1",
        "lead.all": "1.5", "hazard": "1",
    }  # fmt: skip
    assert send(page_of(scene), page_of(scene), publish="1", **{**fields, **more}).status_code == 303
    rules, _number = in_context(lambda: availability.house_rules(scene.key, date(2026, 3, 9)))
    assert [(q.per, q.period, q.measure, q.limit) for q in rules.quotas] == [
        ("customer", "week", "minutes", 1200),
        ("person", "future", "bookings", 3),
    ]
    assert [(f.name_zh, f.required) for f in rules.fields] == [("加速电压", True)]
    assert dict(rules.lead) == {"all": 90} and rules.hazard
    # Shown again, the form holds what was typed.
    client, _send = manager
    with_form = client.get(page_of(scene)).get_data(as_text=True)
    assert 'name="most"' in with_form


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"most": "20"}, "most"),
        ({"step": "7"}, "step"),
        ({"step": ""}, "step"),
        ({"horizon_days": "0"}, "horizon_days"),
        ({"lead.all": "5000"}, "lead.all"),
        ({"quota_limit.0": "-1"}, "quota_limit.0"),
        ({"since": "2026-03-01"}, "since"),
        ({"since": ""}, "since"),
        ({"gap": "often"}, "gap"),
        ({"least": "abc"}, "least"),
    ],
)
def test_each_fault_stands_at_its_field(
    manager: Any, scene: Any, fields: dict[str, Any], wrong: dict[str, str], place: str
) -> None:
    _client, send = manager
    answer = send(page_of(scene), page_of(scene), publish="1", **{**fields, **wrong})
    assert answer.status_code in (409, 422)
    assert answer.get_data(as_text=True).count(f'href="#f-{place}"') == 1


def test_a_form_made_before_somebody_elses_version_is_told_so(
    manager: Any, scene: Any, in_context: Any, fields: dict[str, Any]
) -> None:
    _client, send = manager
    in_context(lambda: availability.save_rules(scene.key, {"most": 120}, date(2026, 3, 5), by=scene.manager))
    answer = send(page_of(scene), page_of(scene), publish="1", **fields)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 412 and 'name="seen" value="2"' in text and 'value="240"' in text
    # The form is now one of the present state, and can be sent again.
    assert send(page_of(scene), page_of(scene), publish="1", **{**fields, "seen": "2"}).status_code == 303


def test_the_page_shows_what_is_in_force(manager: Any, scene: Any) -> None:
    client, _send = manager
    text = client.get(page_of(scene)).get_data(as_text=True)
    said = re.search(r'id="length".*?<ul class="rule-says">(.*?)</ul>', text, re.DOTALL)
    assert said and "30 分钟" in said[1]


def test_a_long_set_of_rules_has_a_way_to_each_part(manager: Any, scene: Any, in_context: Any) -> None:
    client, _send = manager
    text = client.get(page_of(scene)).get_data(as_text=True)
    nav = re.search(r'<nav class="jump".*?</nav>', text, re.DOTALL)
    assert nav
    for part in re.findall(r'href="#([^"]+)"', nav[0]):
        assert text.count(f'id="{part}"') == 1, part
    assert 'class="rule-fold"' not in text
    many = [
        {"code": f"hours_{n}", "name_zh": f"时段{n}", "name_en": f"Hours {n}", "days": [0], "starts": 60 * n, "ends": 60 * n + 60}
        for n in range(20)
    ]  # fmt: skip
    fields = [{"code": f"f{n}", "name_zh": f"问题{n}", "name_en": f"Question {n}"} for n in range(20)]
    document = {"format": 2, "times": many, "fields": fields}
    in_context(lambda: availability.save_rules(scene.key, document, date(2026, 3, 2), by=scene.manager))
    text = client.get(page_of(scene)).get_data(as_text=True)
    folded = re.findall(r'<details class="rule-fold"><summary>([^<]+)</summary>', text)
    assert len(folded) == 40 and "问题7" in folded and any("时段7" in sentence for sentence in folded)
    assert text.count('<details class="rule-rest"><summary>还有 15 项</summary>') == 2
    # All is folded, and all is sent along.
    assert text.count("<details") == text.count("</details>") and "<details open" not in text
    assert len(re.findall(r'name="time_zh\.\d+"', text)) == 20


def test_lines_read_as_sentences_also_when_they_are_typed_anew(
    manager: Any, scene: Any, in_context: Any, fields: dict[str, Any]
) -> None:
    """What was looked at says the new sentence; beside a fault the lines in force stay folded, and the faulty is open."""
    _client, send = manager
    typed = {
        **fields,
        "quota_per.0": "person",
        "quota_limit.0": "3",
        "quota_measure.0": "minutes",
        "quota_period.0": "week",
    }
    text = send(page_of(scene), page_of(scene), look="1", **typed).get_data(as_text=True)
    (line,) = re.findall(r'<details class="rule-fold"><summary>([^<]+)</summary>', text)
    assert "3 小时" in line and 'class="rule-says"' in text
    wrong = {
        **typed,
        "quota_limit.1": "x",
        "quota_per.1": "person",
        "quota_measure.1": "minutes",
        "quota_period.1": "week",
    }
    text = send(page_of(scene), page_of(scene), look="1", **wrong).get_data(as_text=True)
    assert 'href="#f-quota_limit.1"' in text and 'class="rule-says"' not in text
    before = text[: text.index('id="f-quota_limit.1"')]
    assert before.count("<details") == before.count("</details>")


def test_each_sentence_of_the_rules_has_its_part_of_the_form() -> None:
    codes = [code for code in sentences.sentence_table() if code.startswith("house.")]
    said = [code for code in codes if not code.startswith("house.bar_") or code == "house.bar_ladder"]
    assert len(said) > 40
    assert {rules_form.part_of(code) for code in said} == {
        "length", "ahead", "named", "answering", "quotas", "cancelling", "strikes", "who", "questions",
    }  # fmt: skip
