"""A quote through the pages of both sides: asked for with a document, named, accepted, ordered; closed to others."""

from __future__ import annotations

import io
import re
from datetime import date
from typing import Any

import pytest

from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.inquiry_words import InquiryState
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.pricing import service as pricing
from resource_hub.infra import clock
from tests.builders.accounts import make_actor
from tests.builders.availability import moment
from tests.builders.booking import Scene, another_booker, make_scene
from tests.integration.booking.test_inquiries import accepted
from tests.integration.booking.test_linked import helper
from tests.support.pages import fields_of, signed_in

pytestmark = pytest.mark.any_engine

PDF = b"%PDF-1.4 sample list"


def asked(app: Any, scene: Scene) -> tuple[Any, Any, str]:
    """The booker's client and the page of a fresh inquiry."""
    client, send = signed_in(app, scene.booker_person)
    start = client.get(f"/hosts/{scene.host.code}/resources/{scene.resource.code}/quote")
    form = start.location
    sent = send(
        form, form, mode="self_use", customer=str(scene.customer_id), length="2", description="断口形貌",
        documents=(io.BytesIO(PDF), "清单.pdf"),
    )  # fmt: skip
    assert sent.status_code == 303, sent.text
    return client, send, sent.location


def test_from_the_price_panel_to_the_order(app: Any, scene: Scene, manager: Any, in_context: Any) -> None:
    client, send = signed_in(app, scene.booker_person)
    panel = client.get(
        f"/hosts/{scene.host.code}/resources/{scene.resource.code}/price"
        "?start_day=2026-03-03&start_time=09:00&end_time=11:00"
    )
    assert f"/hosts/{scene.host.code}/resources/{scene.resource.code}/quote" in panel.text
    client, send, page = asked(app, scene)
    assert "清单.pdf" in client.get(page).text
    file = re.search(rf'href="({page}/files/[^"]+)"', client.get(page).text)
    assert file is not None
    got = client.get(file[1])
    assert got.data == PDF and got.headers["Content-Disposition"].startswith("attachment")
    his, his_send = manager
    assert page.rsplit("/", 1)[1] in his.get(f"/o/{scene.host.code}/quotes/asked").text
    there = page.replace(f"/o/{scene.firm.code}/", f"/o/{scene.host.code}/")
    empty = his_send(there, f"{there}/price", version="1")
    assert empty.status_code == 422 and 'id="e-amount1"' in empty.text and 'id="e-valid_until"' in empty.text
    named = his_send(
        there, f"{there}/price", text1="机时", amount1="600", text2="制样", amount2="280.50", valid_until="2026-03-10",
        version="1",
    )  # fmt: skip
    assert named.status_code == 303
    shown = client.get(page).text
    assert "880.50" in shown and "制样" in shown
    accept = fields_of(shown, f"{page}/answer")
    assert send(page, f"{page}/answer", **{**accept, "act": "accept", "number": "1"}).status_code == 303
    order = re.search(r'href="([^"]+given=[^"]+)"', client.get(page).text)
    assert order is not None
    target = order[1].replace("&amp;", "&")
    form = client.get(target).text
    values = fields_of(form, target.split("?")[0]) or fields_of(form, target)
    assert values["given"]
    booked = send(
        target, target.split("?")[0], given=values["given"], mode="self_use", start_day="2026-03-03", start_time="09:00",
        end_time="11:00", purpose="research", description="断口形貌", customer=str(scene.customer_id),
    )  # fmt: skip
    assert booked.status_code == 303, booked.text
    bill = client.get(booked.location).text
    assert "880.50" in bill and "Q26-" in bill
    assert booked.location.rsplit("/", 1)[1] in client.get(page).text


def test_decline_renew_and_withdraw(app: Any, scene: Scene, manager: Any, in_context: Any) -> None:
    client, send, page = asked(app, scene)
    his, his_send = manager
    there = page.replace(f"/o/{scene.firm.code}/", f"/o/{scene.host.code}/")
    price = {"text1": "机时", "amount1": "600", "valid_until": "2026-03-10"}
    his_send(there, f"{there}/price", **price, version="1")
    answer = {"number": "1", "reason": "太贵", "version": "2"}
    assert send(page, f"{page}/answer", act="decline", **answer).status_code == 303
    assert "太贵" in his.get(there).text
    his_send(there, f"{there}/price", **{**price, "amount1": "500"}, version="3")
    # The page of the first version is stale: nobody accepts what they have not read.
    stale = send(page, f"{page}/answer", act="accept", number="1", version="2")
    assert stale.status_code == 412
    assert his_send(there, f"{there}/answer", act="withdraw", number="2", version="4").status_code == 422
    gone = his_send(there, f"{there}/answer", act="withdraw", number="2", reason="写错了", version="4")
    assert gone.status_code == 303 and "写错了" in client.get(page).text
    assert his_send(there, f"{there}/answer", act="refuse", reason="做不了", version="5").status_code == 303
    (found,) = in_context(lambda: service.inquiries_of(scene.booker))
    assert found.state is InquiryState.REFUSED


def test_what_is_over_is_asked_again_on_its_page(
    app: Any, scene: Scene, manager: Any, in_context: Any
) -> None:
    client, send, page = asked(app, scene)
    his, his_send = manager
    there = page.replace(f"/o/{scene.firm.code}/", f"/o/{scene.host.code}/")
    his_send(there, f"{there}/price", text1="机时", amount1="600", valid_until="2026-03-10", version="1")
    shown = client.get(page).text
    assert "2026-06-08" in shown or "6月8日" in shown
    with clock.fixed(moment("2026-03-11T08:00+08:00")):
        over = client.get(page).text
        again = re.search(r'href="([^"]+former=[^"]+)"', over)
        assert again is not None and "former=" not in his.get(there).text
        form = client.get(again[1]).text
        assert "断口形貌" in form and 'value="2"' in form
        values = fields_of(form, again[1].split("?")[0]) or fields_of(form, again[1])
        sent = send(again[1], again[1].split("?")[0], **{**values, "description": "断口形貌，二次"})
        assert sent.status_code == 303 and sent.location != page, sent.text
        assert page in client.get(sent.location).text and sent.location in client.get(page).text
        assert "清单.pdf" in client.get(sent.location).text
        assert f"{there}/price" not in his.get(there).text
        # Somebody else's inquiry cannot be named as the former one.
        firm, person, _ = in_context(another_booker)
        stranger, _send = signed_in(app, person)
        there = again[1].replace(f"/o/{scene.firm.code}/", f"/o/{firm.code}/")
        assert stranger.get(there).status_code == 404
        assert client.get(again[1].split("former=")[0] + "former=x").status_code == 404


def test_before_the_order_the_page_says_what_not_coming_costs_under_the_quote(
    app: Any, scene: Scene, in_context: Any
) -> None:
    def make() -> Any:
        room = helper(scene, "制样室")
        fee = {"consequence": "fee", "fee": {"all": "30.00"}}
        document = {
            "format": 1,
            "currency": "CNY",
            "hour": {"all": "50.00"},
            "no_show": fee,
            "cancellation": {**fee, "notice_minutes": 720},
        }
        pricing.adopt(room.key, document, date(2020, 1, 1))
        catalogue.save_links(scene.key, {room.key.id: True}, by=make_actor(scene.host, Role.OFFICE))
        return accepted(scene)

    found = in_context(make)
    client, _send = signed_in(app, scene.booker_person)
    page = client.get(
        f"/o/{scene.firm.code}/book/{scene.host.code}/{scene.resource.code}?start_day=2026-03-03&start_time=09:00"
        f"&end_time=11:00&mode=self_use&given={found.quote.key.id}&customer={scene.customer_id}"
    ).text
    assert "该报价未约定费用：按该报价，取消或爽约不收费" in page and "980.00" in page
    assert re.search(r"制样室: 爽约.*30\.00|制样室: .*30\.00", page) and page.count("30.00") >= 2


def test_others_see_nothing(app: Any, scene: Scene, in_context: Any) -> None:
    _client, _send, page = asked(app, scene)
    host, inquiry = page.split("/")[-2:]
    firm, person, _actor = in_context(another_booker)
    theirs, send = signed_in(app, person)
    other = in_context(make_scene)
    rival, rival_send = signed_in(app, other.manager_person)
    for client, code in ((theirs, firm.code), (rival, other.host.code)):
        assert client.get(f"/o/{code}/quotes/{host}/{inquiry}").status_code == 404
        assert client.get(f"/hosts/{host}/quotes/{inquiry}").status_code == 404
        assert client.get(f"/o/{scene.firm.code}/quotes/{host}/{inquiry}").status_code == 404
    at = f"/o/{firm.code}/quotes"
    assert inquiry not in theirs.get(at).text
    assert send("/me", f"{at}/{host}/{inquiry}/answer", act="take_back").status_code == 404
    start = f"/o/{other.host.code}/quotes"
    price = {"text1": "x", "amount1": "1", "valid_until": "2026-03-10"}
    assert rival_send("/me", f"{start}/{host}/{inquiry}/price", **price).status_code == 404
