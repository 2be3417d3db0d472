"""Stories of people through the browser's door: register, confirm, register a firm, invite, be told, leave."""

from __future__ import annotations

import re
from typing import Any

import pytest

from resource_hub.domain.accounts import service
from resource_hub.domain.accounts.terms import OrganisationState, Role
from resource_hub.domain.notices import service as notices
from resource_hub.entrypoints.support import letters
from resource_hub.infra import outbox
from tests.builders import accounts as build
from tests.support.pages import fields_of

GOOD = "seven blue teapots"


@pytest.fixture
def web(app: Any) -> Any:
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def last_link(app: Any, email: str) -> str:
    """The path in the newest letter to an address."""
    with app.app_context():
        while outbox.deliver_due():
            pass
        mail = next(m for m in notices.recent_letters() if m.recipient == email)
        return letters.link_of(mail, "")


def test_from_a_stranger_to_an_administrator(web: Any) -> None:
    browser = web.test_client()
    answer = browser.post(
        "/register", data={"name": "李四", "email": "li@example.org", "password": GOOD, "_once": "a"}
    )
    assert answer.status_code == 200
    path = last_link(web, "li@example.org")
    assert browser.get(path).status_code == 200
    assert browser.get(path).status_code == 200  # looking does not use it up
    assert browser.post(path).location == "/welcome"
    assert browser.post(path).status_code == 410
    form = {"uscc": "91110000600037341N", "name_zh": "某某公司", "_once": "b"}
    warned = browser.post("/register/firm", data=form)
    assert warned.status_code == 409 and "keep_suspect" in warned.text and "某某公司" in warned.text
    made = browser.post("/register/firm", data={**form, "uscc": "91110000600037341L", "_once": "c"})
    assert made.status_code == 303
    twice = browser.post("/register/firm", data={**form, "uscc": "91110000600037341L", "_once": "c"})
    assert twice.location == made.location  # a double click is one registration
    other = browser.post("/register/firm", data={**form, "uscc": "91110000600037341L", "_once": "d"})
    assert other.status_code == 409 and "/join?q=" in other.text
    assert browser.get(made.location).status_code == 200


def test_a_known_address_gets_the_same_answer(web: Any) -> None:
    with web.app_context():
        person = build.make_person()
    texts = []
    for email in (person.email, "new@example.org"):
        answer = web.test_client().post("/register", data={"name": "X", "email": email, "password": GOOD})
        texts.append((answer.status_code, answer.text.replace(email, "")))
    assert re.sub(r'value="[^"]*"|data-token="[^"]*"', "", texts[0][1]) == re.sub(
        r'value="[^"]*"|data-token="[^"]*"', "", texts[1][1]
    )
    for path in ("/reset",):
        known, unknown = (
            web.test_client().post(path, data={"email": e}) for e in (person.email, "no@example.org")
        )
        assert known.status_code == unknown.status_code == 200


def test_sign_in_sign_out_and_foreign_redirects(web: Any) -> None:
    with web.app_context():
        person = build.make_person()
    browser = web.test_client()
    wrong = browser.post("/sign-in", data={"email": person.email, "password": "nope nope nope"})
    assert wrong.status_code == 409 and person.email in wrong.text and "nope" not in wrong.text
    data = {"email": person.email, "password": build.PASSWORD}
    assert browser.post("/sign-in", data={**data, "next": "https://evil.example/"}).location == "/home"
    assert browser.post("/sign-in", data={**data, "next": "/me/tokens"}).location == "/me/tokens"
    assert browser.get("/me").status_code == 200
    assert browser.post("/sign-out").status_code == 303
    assert browser.get("/me").status_code == 302


def test_a_changed_password_signs_other_browsers_out(web: Any) -> None:
    with web.app_context():
        person = build.make_person()
    data = {"email": person.email, "password": build.PASSWORD}
    first, second = web.test_client(), web.test_client()
    for browser in (first, second):
        browser.post("/sign-in", data=data)
    assert first.post("/me/password", data={"present": build.PASSWORD, "password": GOOD}).status_code == 303
    assert first.get("/me").status_code == 200
    assert second.get("/me").status_code == 302
    assert first.post("/me/sessions/end").status_code == 303 and first.get("/me").status_code == 200


def test_forms_need_their_token(app: Any) -> None:
    with app.app_context():
        person = build.make_person()
    app.config["WTF_CSRF_ENABLED"] = True
    answer = app.test_client().post("/sign-in", data={"email": person.email, "password": build.PASSWORD})
    assert answer.status_code == 400


def test_invitation_from_team_page_to_member(web: Any) -> None:
    with web.app_context():
        firm = build.make_firm()
        admin = build.make_person(roles=[(firm, Role.FIRM_ADMIN)])
    boss = web.test_client()
    build_sign_in(web, boss, admin)
    data = {"email": "new@example.org", "role": "approver", "limit": "5000", "_once": "x"}
    assert boss.post(f"/o/{firm.code}/team/invite", data=data).status_code == 303
    bad = boss.post(f"/o/{firm.code}/team/invite", data={"email": "x", "role": "office"})
    assert bad.status_code in (409, 422)
    path = last_link(web, "new@example.org")
    browser = web.test_client()
    assert "new@example.org" in browser.get(path).text
    weak = browser.post(path, data={"name": "王五", "password": "short"})
    assert weak.status_code == 422 and "王五" in weak.text
    assert browser.post(path, data={"name": "王五", "password": GOOD}).location == f"/o/{firm.code}/"
    page = boss.get(f"/o/{firm.code}/team").text
    assert "王五" in page and "5,000" in page
    with web.app_context():
        while outbox.deliver_due():
            pass
        (told,) = notices.inbox(admin.id)
    opened = boss.post(f"/inbox/{told.id}/open")
    assert opened.location == f"/o/{firm.code}/team"
    assert browser.post(f"/inbox/{told.id}/open").status_code == 404


def build_sign_in(app: Any, browser: Any, person: Any) -> None:
    with app.app_context():
        build.sign_in(browser, person)


def test_leaving_by_the_page(web: Any) -> None:
    with web.app_context():
        firm = build.make_firm()
        build.make_person(roles=[(firm, Role.FIRM_ADMIN)])
        person = build.make_person(roles=[(firm, Role.BOOKER)])
        stranger = build.make_person(roles=[(build.make_firm(), Role.FIRM_ADMIN)])
    other = web.test_client()
    build_sign_in(web, other, stranger)
    assert other.post(f"/o/{firm.code}/team/{person.id}/leave", data={}).status_code == 404
    browser = web.test_client()
    build_sign_in(web, browser, person)
    assert browser.post(f"/o/{firm.code}/team/{person.id}/leave", data={}).location == "/home"
    assert browser.get(f"/o/{firm.code}/team").status_code == 404


def test_staff_override_a_doubtful_code(web: Any) -> None:
    with web.app_context():
        staff = build.make_person(roles=[(build.make_platform(), Role.PLATFORM_STAFF)])
        firm = service.register_firm(
            build.make_person().id,
            uscc="91350211M00013FA1N",
            fields=service.OrganisationFields(name_zh="厦门某公司"),
            keep_suspect=True,
        )
    browser = web.test_client()
    build_sign_in(web, browser, staff)
    assert "厦门某公司" in browser.get("/o/platform/organisations").text
    path = f"/o/platform/organisations/{firm.id}/decide"
    assert browser.post(path, data={"answer": "accept", "version": "1"}).status_code == 422
    stale = browser.post(path, data={"answer": "accept", "reason": "已核对", "version": "7"})
    assert stale.status_code == 412
    assert (
        browser.post(path, data={"answer": "accept", "reason": "已核对", "version": "1"}).status_code == 303
    )
    with web.app_context():
        assert service.organisation(firm.id).state is OrganisationState.ACTIVE


def test_size_of_the_firm(web: Any) -> None:
    with web.app_context():
        firm = build.make_firm(as_of=None)
        admin = build.make_person(roles=[(firm, Role.FIRM_ADMIN)])
    browser = web.test_client()
    build_sign_in(web, browser, admin)
    data = {"as_of": "2024-01-01", "sector": "industry", "staff": "300", "income": "2,000", "assets": ""}
    where = f"/o/{firm.code}/size"
    seen = {"seen": fields_of(browser.get(where).text, where)["seen"]}
    assert browser.post(where, data={**data, **seen, "staff": "many"}).status_code == 422
    assert browser.post(where, data={**data, **seen}).status_code == 303
    # Another tab that was opened before.
    stale = browser.post(where, data={**data, **seen, "staff": "5"})
    assert stale.status_code == 412 and "别人修改了" in stale.text and 'value="5"' in stale.text
    page = browser.get(f"/o/{firm.code}/size").text
    assert "中型" in page and "工信部联企业〔2011〕300号" in page


def test_choices_of_notifications_are_kept(web: Any) -> None:
    with web.app_context():
        person = build.make_person()
    browser = web.test_client()
    build_sign_in(web, browser, person)
    data = {"inbox": ["accounts.role_changed"], "mail": ["accounts.joined", "accounts.password_changed"]}
    assert browser.post("/me/notifications", data=data).status_code == 303
    with web.app_context():
        chosen = notices.preferences(person.id)
    assert (chosen["accounts.role_changed"].inbox, chosen["accounts.role_changed"].mail) == (True, False)
    assert (chosen["accounts.joined"].inbox, chosen["accounts.joined"].mail) == (False, True)
    assert chosen["accounts.password_changed"].mail


def test_a_token_is_shown_once(web: Any) -> None:
    with web.app_context():
        firm = build.make_firm()
        person = build.make_person(roles=[(firm, Role.BOOKER)])
    browser = web.test_client()
    build_sign_in(web, browser, person)
    made = browser.post("/me/tokens", data={"name": "script", "days": "30", "organisation_id": str(firm.id)})
    token = re.search(r"rh_[\w-]{40,}", made.text)
    assert token and token[0] not in browser.get("/me/tokens").text
    headers = {"Authorization": f"Bearer {token[0]}"}
    me = web.test_client().get("/api/v1/me", headers=headers).get_json()
    assert me["organisation"]["code"] == firm.code and me["roles"] == ["booker"]
    assert web.test_client().get("/api/v1/me").status_code == 401
    facts = web.test_client().put("/api/v1/firm-facts", headers=headers, json={})
    assert facts.status_code in (403, 422)
    refused = web.test_client().post(
        "/api/v1/invitations", headers=headers, json={"email": "a@example.org", "role": "booker"}
    )
    assert refused.status_code == 403 and refused.mimetype == "application/problem+json"


def test_api_of_an_administrator(web: Any) -> None:
    with web.app_context():
        firm = build.make_firm()
        headers = build.bearer(build.make_person(roles=[(firm, Role.FIRM_ADMIN)]), firm)
        foreign = build.bearer(build.make_person(roles=[(build.make_firm(code="other"), Role.FIRM_ADMIN)]), service.organisation("other"))  # fmt: skip
    client = web.test_client()
    made = client.post(
        "/api/v1/invitations", headers=headers, json={"email": "a@example.org", "role": "booker"}
    )
    assert made.status_code == 201
    assert client.delete(f"/api/v1/invitations/{made.json['id']}", headers=foreign).status_code == 404
    assert client.delete(f"/api/v1/invitations/{made.json['id']}", headers=headers).status_code == 204
    facts = {"as_of": "2024-01-01", "sector": "other", "staff": 99}
    read = client.get("/api/v1/firm-facts", headers=headers)
    missing = client.put("/api/v1/firm-facts", headers=headers, json=facts)
    assert missing.status_code == 428 and missing.json["reasons"][0]["code"] == "precondition.missing"
    headers["If-Match"] = read.headers["ETag"]
    put = client.put("/api/v1/firm-facts", headers=headers, json=facts)
    stale = client.put("/api/v1/firm-facts", headers=headers, json={**facts, "staff": 1})
    assert stale.status_code == 412 and stale.json["reasons"][0]["code"] == "accounts.changed"
    headers["If-Match"] = put.headers["ETag"]
    assert put.json == {"as_of": "2024-01-01", "sector": "other", "size": "small"}
    assert client.put(
        "/api/v1/firm-facts", headers=headers, json={"as_of": "2024-01-01", "sector": "other", "income": -1.5}
    ).status_code == 422  # fmt: skip
    assert len(client.get("/api/v1/members", headers=headers).json["items"]) == 1
    with web.app_context():
        for name in ("丁", "丙", "Bo", "Bo", "乙"):
            build.make_person(name=name, roles=[(firm, Role.BOOKER), (firm, Role.PAYER)])
    pages, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/members?limit=2&after={cursor}", headers=headers).json
        pages.append(page["items"])
        cursor = page["next"]
    assert [len(page) for page in pages] == [2, 2, 2]
    people = [row["person_id"] for page in pages for row in page]
    assert len(set(people)) == 6
    whole = client.get("/api/v1/members?limit=50", headers=headers).json
    assert [row["person_id"] for row in whole["items"]] == people and whole["next"] is None
    assert {len(row["roles"]) for row in whole["items"]} == {1, 2}
    assert client.get("/api/v1/notices", headers=headers).json["items"] == []
