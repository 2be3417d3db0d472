"""Ratings on the pages of both sides, of a resource and of the platform; and over the REST interface."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra import clock, outbox
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.accounts import bearer, make_person, make_platform
from tests.builders.availability import moment
from tests.builders.booking import another_booker, make_asked, make_booking
from tests.builders.feeds import make_bookings
from tests.support.door import Door
from tests.support.pages import signed_in
from tests.web.availability.conftest import in_context, manager, now, scene

__all__ = ["in_context", "manager", "now", "scene"]

AT = moment("2026-03-03T12:00+08:00")
SHOWN = moment("2026-03-17T12:00+08:00")


def used(scene: Any, hour: int = 9) -> Any:
    span = f"2026-03-03T{hour:02d}:00+08:00", f"2026-03-03T{hour + 1:02d}:00+08:00"
    record = make_booking(scene, asked=make_asked(*span))
    with clock.fixed(AT), unit_of_work() as unit:
        service.started(unit, record.key)
        service.finished(unit, record.key, unit.now)
    return record


def test_rated_by_both_answered_reported_and_hidden(
    app: Any, scene: Any, manager: Any, in_context: Any
) -> None:
    record = in_context(lambda: used(scene))
    mine = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{record.key.id}"
    theirs = f"/o/{scene.host.code}/bookings/{scene.host.code}/{record.key.id}"
    client, send = signed_in(app, scene.booker_person)
    his, his_send = manager
    with clock.fixed(AT):
        empty = send(mine, f"{mine}/rating", words="很好")
        assert empty.status_code == 422 and 'id="e-stars"' in empty.text and "很好" in empty.text
        said = {"stars": "2", "aspects.equipment": "3", "words": "等了很久"}
        assert send(mine, f"{mine}/rating", **said).status_code == 303
        assert "等了很久" in client.get(mine).text and "等了很久" not in his.get(theirs).text
        assert his_send(theirs, f"{theirs}/rating", stars="5", words="样品齐全").status_code == 303
        assert "等了很久" in his.get(theirs).text and "样品齐全" in client.get(mine).text
        assert his_send(theirs, f"{theirs}/rating/answer", answer="已加开机时").status_code == 303
        assert "已加开机时" in client.get(mine).text
        assert his_send(theirs, f"{theirs}/rating/report", report="不实").status_code == 303

        def staff() -> Any:
            home = make_platform()
            return home.code, make_person(roles=[(home, Role.PLATFORM_STAFF)])

        code, person = in_context(staff)
        platform, platform_send = signed_in(app, person)
        board = f"/o/{code}/ratings"
        assert "不实" in platform.get(board).text
        assert his.get(board).status_code == 404
        (found,) = in_context(lambda: service.reported_ratings(accounts.actor(person.id, code)))
        target = f"{board}/{scene.host.code}/{found.key.id}"
        bare = platform_send(board, target, hide="1", reason="")
        assert bare.status_code == 422 and f'id="e-reason-{found.key.id}"' in bare.text
        assert platform_send(board, target, hide="1", reason="含侮辱性文字").status_code == 303
        page = his.get(theirs).text
        assert "等了很久" not in page and "含侮辱性文字" in page


def test_the_resource_shows_a_mean_of_three_and_no_name(app: Any, scene: Any, in_context: Any) -> None:
    def make(hours: tuple[int, ...]) -> None:
        for hour in hours:
            record = used(scene, hour)
            with clock.fixed(AT):
                service.rate(record.key, 4, words="好用", by=scene.booker)

    in_context(lambda: make((9, 11)))
    page = f"/hosts/{scene.host.code}/resources/{scene.resource.code}"
    api = f"{page.replace('/hosts', '/api/v1/hosts')}/ratings"
    lists = "/search", f"/hosts/{scene.host.code}"
    with clock.fixed(SHOWN):
        assert "好用" not in app.test_client().get(page).text
        assert all('class="rated"' not in app.test_client().get(one).text for one in (page, *lists))
        assert app.test_client().get(api).json == {"mean": None, "count": None, "items": []}
    in_context(lambda: make((13,)))
    with clock.fixed(SHOWN):
        shown = app.test_client().get(page).text
        assert "好用" in shown and "4.0" in shown
        # The mean stands at the head of the page and beside the hit.
        for one in (page, *lists):
            text = app.test_client().get(one).text
            assert text.count('class="rated"') == 1 and "<strong>4.0</strong>" in text
        firm = scene.firm
        assert firm.name_zh not in shown and scene.booker_person.name not in shown
        answer = app.test_client().get(api).json
        assert (answer["mean"], answer["count"], len(answer["items"])) == ("4.0", 3, 3)
        assert set(answer["items"][0]) == {"stars", "aspects", "words", "answer"}


def test_over_the_api(app: Any, scene: Any, in_context: Any) -> None:
    def make() -> Any:
        record = used(scene)
        firm, stranger, _ = another_booker()
        people = (scene.booker_person, scene.firm), (scene.manager_person, scene.host), (stranger, firm)
        return record, [Door(app, bearer(*who), AT) for who in people]

    record, (booker, host, stranger) = in_context(make)
    at = f"/hosts/{scene.host.code}/bookings/{record.key.id}/rating"
    for method, path, body in (
        ("GET", at, None), ("PUT", at, {"stars": 5}), ("POST", f"{at}/answer", {"text": "x"}),
        ("POST", f"{at}/report", {"text": "x"}),
    ):  # fmt: skip
        stranger(method, path, 404, json=body, headers={"If-Match": "*"})
    first = {"If-Match": booker("GET", at, 200).headers["ETag"]}
    booker("PUT", at, 422, json={"stars": 6}, headers=first)
    booker("PUT", at, 422, json={"stars": 5, "aspects": {"care": 5}}, headers=first)
    booker("PUT", at, 428, json={"stars": 3})
    given = booker("PUT", at, 200, json={"stars": 3, "words": "好"}, headers=first)
    assert given.json["own"]["stars"] == 3
    # A colleague who saw none yet does not overwrite it unseen.
    booker("PUT", at, 412, json={"stars": 1}, headers=first)
    seen = {"If-Match": given.headers["ETag"]}
    assert booker("PUT", at, 200, json={"stars": 4, "words": "好"}, headers=seen).json["own"]["stars"] == 4
    booker("PUT", at, 412, json={"stars": 2}, headers=seen)
    blind = host("GET", at, 200).json
    assert (blind["other"], blind["other_given"], blind["open"]) == (None, True, True)
    both = host("PUT", at, 200, json={"stars": 5, "aspects": {"care": 5}}, headers={"If-Match": '"0"'}).json
    assert both["shown"] and both["other"]["words"] == "好"
    booker("PUT", at, 409, json={"stars": 1}, headers={"If-Match": "*"})
    assert host("POST", f"{at}/answer", 200, json={"text": "谢谢"}).json["other"]["answer"] == "谢谢"
    assert booker("POST", f"{at}/report", 200, json={"text": "不实"}).json["other"]["reported"]


def test_both_are_asked_on_their_first_page_until_they_rate(
    app: Any, scene: Any, manager: Any, in_context: Any
) -> None:
    record = in_context(lambda: used(scene))
    page = f"/hosts/{scene.host.code}/bookings/{record.key.id}#ratings"
    home, today = f"/o/{scene.firm.code}/home", f"/o/{scene.host.code}/today"
    mine = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{record.key.id}"
    theirs = f"/o/{scene.host.code}/bookings/{scene.host.code}/{record.key.id}"
    client, send = signed_in(app, scene.booker_person)
    his, his_send = manager
    with clock.fixed(AT):
        in_context(outbox.deliver_due)
        assert f'href="{mine}#ratings"' in client.get(home).text
        assert "requests#to-rate" in his.get(today).text
        asked = f"/o/{scene.host.code}/requests"
        assert f'href="{theirs}#ratings"' in his.get(asked).text
        (opened,) = re.findall(r'action="(/inbox/[^"]+/open)"', client.get("/inbox").text)[:1]
        assert send("/inbox", opened).headers["Location"] == page
        send(mine, f"{mine}/rating", stars="4")
        his_send(theirs, f"{theirs}/rating", stars="4")
        assert "#ratings" not in client.get(home).text
        assert "#to-rate" not in his.get(today).text and "#ratings" not in his.get(asked).text


def test_who_turns_the_question_off_sees_it_nowhere(
    app: Any, scene: Any, manager: Any, in_context: Any
) -> None:
    in_context(lambda: used(scene))
    client, send = signed_in(app, scene.booker_person)
    his, his_send = manager
    with clock.fixed(AT):
        in_context(outbox.deliver_due)
        # All boxes empty: nothing is wanted in the inbox.
        assert "rate_asked" in client.get("/me/notifications").text
        send("/me/notifications", "/me/notifications")
        his_send("/me/notifications", "/me/notifications")
        assert "#ratings" not in client.get(f"/o/{scene.firm.code}/home").text
        assert "#to-rate" not in his.get(f"/o/{scene.host.code}/today").text
        assert "to-rate" not in his.get(f"/o/{scene.host.code}/requests").text


def test_many_uses_to_rate_are_folded_and_counted_up_to_fifty(
    app: Any, scene: Any, manager: Any, in_context: Any
) -> None:
    his, _send = manager
    with clock.fixed(AT):

        def make(count: int, first: int) -> None:
            unit_id = catalogue.units(scene.key)[0].key.id
            starts = [AT - timedelta(days=5, hours=3 * (first + n)) for n in range(count)]
            make_bookings(scene.key, unit_id, scene.customer_id, scene.booker_person.id, starts, state="done")

        in_context(lambda: make(8, 0))
        page = f"/o/{scene.host.code}/requests"
        assert "more-used" not in his.get(page).text
        in_context(lambda: make(43, 8))
        assert 'class="more-used"' in his.get(page).text
        assert "<strong>50+</strong>" in his.get(f"/o/{scene.host.code}/today").text
