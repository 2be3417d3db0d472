"""Pages and doors of usage, from the tap at the machine to the published root."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from resource_hub.adapters.signing import FileSigner
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.tables import Organisation
from resource_hub.domain.accounts.terms import PLATFORM_ID
from resource_hub.domain.usage import sealer
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.tables import DayRoot, Evidence, Fault, UsageEntry, UsageSession
from resource_hub.entrypoints.web.usage.codes import kiosk_code
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.tables import OutboxDelivery, OutboxEvent
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey
from tests.builders import accounts as build
from tests.builders.usage import NINE, make_booking, make_person, make_role, make_scene

pytestmark = pytest.mark.any_engine


def at(minutes: int):
    return NINE + timedelta(minutes=minutes)


@pytest.fixture
def scene(app):
    with app.app_context():
        found = make_scene()
        db.session.remove()
    return found


def browser(app, person_id):
    client = app.test_client()
    with app.app_context():
        build.sign_in(client, accounts.person(person_id))
        db.session.remove()
    return client


def booked(app, scene, **more):
    with app.app_context():
        found = make_booking(scene, **more)
        with clock.fixed(more.get("starts_at", NINE)):
            usage.open_expected(clock.now())
        db.session.remove()
    return found


def token(page: str) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]


def send(client, page_path, path, minutes, **fields):
    """Open a page, take its token, send a form."""
    with clock.fixed(at(minutes)):
        page = client.get(page_path).get_data(as_text=True)
        return client.post(path, data={"csrf_token": token(page), **fields})


def rows(app, table):
    with app.app_context():
        found = reading().scalars(select(table)).all()
        db.session.expunge_all()
        db.session.remove()
    return found


UNIT = "/u/ustc/sem-1-a"


def test_a_visitor_sees_whether_it_is_free_and_is_asked_to_sign_in(app, client, scene):
    with clock.fixed(at(5)):
        page = client.get(UNIT)
    text = page.get_data(as_text=True)
    assert page.status_code == 200 and "/sign-in" in text
    assert "data-tap" not in text


def test_a_visitor_does_not_see_who_has_booked(app, client, scene):
    booked(app, scene)
    with clock.fixed(at(5)):
        text = client.get(UNIT).get_data(as_text=True)
    assert "某材料公司" not in text and "李工" not in text


def test_start_and_stop_on_the_phone(app, scene):
    booking = booked(app, scene)
    client = browser(app, scene.engineer)
    with clock.fixed(at(2)):
        assert 'name="action" value="start"' in client.get(UNIT).get_data(as_text=True)
    answer = send(client, UNIT, f"{UNIT}/tap", 2, action="start", booking_id=booking)
    assert answer.status_code == 303
    with clock.fixed(at(30)):
        assert 'name="action" value="stop"' in client.get(UNIT).get_data(as_text=True)
    [running] = rows(app, UsageSession)
    send(client, UNIT, f"{UNIT}/tap", 90, action="stop", session_id=running.id)
    [over] = rows(app, UsageSession)
    assert (over.state, over.starts_at, over.ends_at, over.grade) == ("ended", at(2), at(90), "C")
    assert [e.code_kind for e in rows(app, Evidence)] == ["printed", "printed"]


def test_the_code_on_the_screen_counts_as_presence(app, scene):
    booking = booked(app, scene)
    client = browser(app, scene.engineer)
    with app.app_context():
        code = kiosk_code(HostKey(scene.host.id, scene.unit_id), clock.machine_now())
    send(client, UNIT, f"{UNIT}/tap", 2, action="start", booking_id=booking, c=code)
    assert [e.code_kind for e in rows(app, Evidence)] == ["rotating"]


def test_a_press_that_waited_counts_at_its_own_time_and_once(app, scene):
    booking = booked(app, scene)
    client = browser(app, scene.engineer)
    fields = {
        "action": "start", "booking_id": booking, "tap_id": "aaaabbbb-cccc", "clock_offset": "60",
        "phone_at": at(3).isoformat(),
    }  # fmt: skip
    for _ in range(2):
        with clock.fixed(at(40)):
            told = client.get(f"{UNIT}/clock").get_json()
            answer = client.post(
                f"{UNIT}/tap",
                data={**fields, "csrf_token": told["token"]},
                headers={"Accept": "application/json"},
            )
        assert answer.get_json() == {"done": True, "state": "running"}
    [running] = rows(app, UsageSession)
    assert running.starts_at == at(4)
    assert len(rows(app, Evidence)) == 1


def test_a_refusal_at_the_machine_is_told_with_what_to_do(app, scene):
    booking = booked(app, scene, starts_at=at(120), ends_at=at(240))
    client = browser(app, scene.engineer)
    with clock.fixed(at(5)):
        told = client.get(f"{UNIT}/clock").get_json()
        answer = client.post(
            f"{UNIT}/tap",
            data={"action": "start", "booking_id": booking, "csrf_token": told["token"]},
            headers={"Accept": "application/json", "Accept-Language": "en"},
        )
    assert answer.status_code == 409
    assert "10:45" in answer.get_json()["said"][0]


def test_use_without_a_booking_and_a_fault(app, scene):
    client = browser(app, scene.engineer)
    assert (
        send(client, UNIT, f"{UNIT}/tap", 5, action="start", customer_id=scene.customer_id).status_code == 303
    )
    assert send(client, UNIT, f"{UNIT}/fault", 6, text="真空报警", severity="down").status_code == 303
    assert send(client, UNIT, f"{UNIT}/fault", 6, text=" ", severity="down").status_code == 422
    [session] = rows(app, UsageSession)
    [fault] = rows(app, Fault)
    assert (session.source, fault.severity, fault.session_id) == ("walk_up", "down", session.id)


def test_today_names_who_is_late_and_the_button_frees_the_slot(app, scene):
    booked(app, scene)
    client = browser(app, scene.manager)
    with clock.fixed(at(20)):
        page = client.get("/o/ustc/today").get_data(as_text=True)
    assert "某材料公司" in page and "李工" in page
    [expected] = rows(app, UsageSession)
    answer = send(client, "/o/ustc/today", f"/o/ustc/sessions/{expected.id}/no-show", 20)
    assert answer.status_code == 303
    assert rows(app, UsageSession)[0].state == "no_show"


def test_a_fault_is_closed_from_the_board(app, scene):
    send(browser(app, scene.engineer), UNIT, f"{UNIT}/fault", 6, text="漏气")
    client = browser(app, scene.manager)
    [fault] = rows(app, Fault)
    send(client, "/o/ustc/today", f"/o/ustc/faults/{fault.id}/close", 30)
    assert rows(app, Fault)[0].closed_at is not None


def over(app, scene, **more):
    """A session of two hours that is over, and the client of the engineer who used it."""
    booking = booked(app, scene, **more)
    client = browser(app, scene.engineer)
    send(client, UNIT, f"{UNIT}/tap", 1, action="start", booking_id=booking)
    send(client, UNIT, f"{UNIT}/tap", 118, action="stop")
    return rows(app, UsageSession)[0]


def test_the_day_is_closed_with_what_is_preselected(app, scene):
    session = over(app, scene)
    client = browser(app, scene.manager)
    with clock.fixed(at(300)):
        page = client.get("/o/ustc/day-close?day=2026-03-05").get_data(as_text=True)
    ticked = re.findall(r'name="session" value="([^"]+)" checked', page)
    assert ticked == [f"{session.id}:{session.version}"]
    answer = send(client, "/o/ustc/day-close", "/o/ustc/day-close", 300, day="2026-03-05", session=ticked[0])
    assert answer.status_code == 303
    assert rows(app, UsageSession)[0].state == "sealed"
    [entry] = rows(app, UsageEntry)
    assert entry.effective_seconds == 117 * 60
    deliver(app)
    with clock.fixed(at(301)):
        page = client.get(f"/hosts/ustc/sessions/{session.id}", follow_redirects=True).get_data(as_text=True)
    assert entry.digest.hex()[:12] in page


def deliver(app):
    from resource_hub.infra import outbox

    with app.app_context():
        outbox.deliver_due(50)
        db.session.remove()


def test_a_stale_day_close_says_so_and_seals_nothing(app, scene):
    session = over(app, scene)
    client = browser(app, scene.manager)
    answer = send(
        client,
        "/o/ustc/day-close?day=2026-03-05",
        "/o/ustc/day-close",
        300,
        day="2026-03-05",
        session=f"{session.id}:1",
    )
    assert answer.status_code == 412
    assert rows(app, UsageSession)[0].state == "ended"


def test_an_operator_sees_the_day_but_does_not_close_it(app, scene):
    session = over(app, scene)
    with app.app_context():
        operator = make_person("赵工")
        make_role(operator, scene.host.id, "operator")
    client = browser(app, operator)
    with clock.fixed(at(300)):
        page = client.get("/o/ustc/day-close?day=2026-03-05")
        assert page.status_code == 200
        answer = client.post(
            "/o/ustc/day-close",
            data={
                "csrf_token": token(page.get_data(as_text=True)), "day": "2026-03-05",
                "session": f"{session.id}:{session.version}",
            },
        )  # fmt: skip
    assert answer.status_code == 403
    assert rows(app, UsageSession)[0].state == "ended"


def test_the_session_page_is_for_the_two_parties(app, scene):
    session = over(app, scene)
    path = f"/o/ustc/sessions/ustc/{session.id}"
    with clock.fixed(at(200)):
        assert browser(app, scene.manager).get(path).status_code == 200
        engineer = browser(app, scene.engineer)
        page = engineer.get(f"/hosts/ustc/sessions/{session.id}", follow_redirects=True)
        assert page.status_code == 200 and page.request.path == f"/o/ustc-firm/sessions/ustc/{session.id}"
        with app.app_context():
            other = make_scene("other")
        stranger = browser(app, other.engineer)
        assert stranger.get(f"/o/other-firm/sessions/ustc/{session.id}").status_code == 404
        assert stranger.get(f"/hosts/ustc/sessions/{session.id}").status_code == 404


def test_an_entry_by_hand_with_its_document_and_the_customers_yes(app, scene):
    booked(app, scene, mode="staff_run")
    [expected] = rows(app, UsageSession)
    client = browser(app, scene.manager)
    form = f"/o/ustc/use?session={expected.id}"
    answer = send(
        client, form, "/o/ustc/use", 200, session=expected.id, starts_day="2026-03-05", starts_time="09:10",
        ends_day="2026-03-05", ends_time="10:40", setup="10", idle="5", samples="3", purpose="research",
        document=(__import__("io").BytesIO(b"%PDF-1.4 log"), "log.pdf"),
    )  # fmt: skip
    assert answer.status_code == 303
    [session] = rows(app, UsageSession)
    assert (session.grade, session.setup_seconds, session.idle_seconds) == ("D", 600, 300)
    page = f"/o/ustc-firm/sessions/ustc/{session.id}"
    engineer = browser(app, scene.engineer)
    assert send(engineer, page, f"{page}/accept", 210).status_code == 303
    assert rows(app, UsageSession)[0].grade == "C"
    [entered] = [e for e in rows(app, Evidence) if e.kind == "operator_entry"]
    with clock.fixed(at(220)):
        document = engineer.get(f"{page}/documents/{entered.details['file_id']}")
    assert document.status_code == 200 and document.data == b"%PDF-1.4 log"


def test_an_entry_that_cannot_be_right_keeps_what_was_typed(app, scene):
    booked(app, scene, mode="staff_run")
    [expected] = rows(app, UsageSession)
    client = browser(app, scene.manager)
    answer = send(
        client, f"/o/ustc/use?session={expected.id}", "/o/ustc/use", 200, session=expected.id,
        starts_day="2026-03-05", starts_time="11:00", ends_day="2026-03-05", ends_time="10:00", note="看这里",
    )  # fmt: skip
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "看这里" in text and 'value="11:00"' in text


def test_a_dispute_comes_first_at_the_day_close(app, scene):
    session = over(app, scene)
    page = f"/o/ustc-firm/sessions/ustc/{session.id}"
    send(browser(app, scene.engineer), page, f"{page}/dispute", 130, text="只测了一个小时")
    with clock.fixed(at(300)):
        close = browser(app, scene.manager).get("/o/ustc/day-close?day=2026-03-05").get_data(as_text=True)
    assert "只测了一个小时" in close
    assert re.findall(r'name="session" value="([^"]+)" checked', close) == []


def test_a_correction_is_a_further_entry(app, scene):
    session = over(app, scene)
    manager = browser(app, scene.manager)
    send(
        manager, "/o/ustc/day-close?day=2026-03-05", "/o/ustc/day-close", 300, day="2026-03-05",
        session=f"{session.id}:{session.version}",
    )  # fmt: skip
    [entry] = rows(app, UsageEntry)
    page = f"/o/ustc/sessions/ustc/{session.id}"
    fields = {
        "entry": entry.id, "starts_day": "2026-03-05", "starts_time": "09:01", "ends_day": "2026-03-05",
        "ends_time": "10:00", "samples": "0", "reason": "仪器停机",
    }  # fmt: skip
    assert send(manager, page, f"{page}/correct", 400, **fields).status_code == 303
    found = sorted(rows(app, UsageEntry), key=lambda e: e.kind)
    assert [(e.kind, e.effective_seconds) for e in found] == [("correction", 59 * 60), ("use", 117 * 60)]
    assert found[0].corrects_id == entry.id
    with clock.fixed(at(401)):
        assert "仪器停机" not in manager.get("/proofs").get_data(as_text=True)


def test_devices_and_their_signals_through_the_api(app, scene):
    manager = browser(app, scene.manager)
    answer = send(manager, "/o/ustc/devices", "/o/ustc/devices", 0, name="记录仪", unit_id=scene.unit_id)
    secret = re.search(r"rhd_[\w-]+", answer.get_data(as_text=True))[0]
    client = app.test_client()
    body = {"signals": [{"sequence": "1", "starts_at": at(1).isoformat(), "ends_at": at(30).isoformat()}]}
    path = "/api/v1/hosts/ustc/signals"
    with clock.fixed(at(31)):
        first = client.post(path, json=body, headers={"Authorization": f"Device {secret}"})
        again = client.post(path, json=body, headers={"Authorization": f"Device {secret}"})
        assert (first.get_json(), again.get_json()) == ({"new": 1, "known": 0}, {"new": 0, "known": 1})
        assert client.post(path, json=body).status_code == 401
        assert client.post(path, json=body, headers={"Authorization": "Device x"}).status_code == 403
        naive = {
            "signals": [{"sequence": "2", "starts_at": "2026-03-05T09:00:00", "ends_at": at(3).isoformat()}]
        }
        assert client.post(path, json=naive, headers={"Authorization": f"Device {secret}"}).status_code == 422
        page = manager.get("/o/ustc/devices").get_data(as_text=True)
    assert secret not in page and "记录仪" in page


def sealed(app, scene, tmp_path):
    """One sealed session, linked, and its day's root signed."""
    session = over(app, scene)
    with app.app_context(), clock.fixed(at(300)):
        usage.close_day(
            accounts.actor(scene.manager, "ustc"),
            date(2026, 3, 5),
            [usage.Verdict(session.id, session.version)],
        )
        sealer.link_due()
        db.session.rollback()
        sealer.sign_roots(at(60 * 24), FileSigner(tmp_path))
        db.session.remove()


def test_a_kept_root_is_checked_for_everybody(app, client, scene, tmp_path):
    sealed(app, scene, tmp_path)
    root = client.get("/proofs/ustc/usage.json").get_json()["roots"][0]
    kept = json.dumps(root)
    assert "is-good" in client.get("/proofs", query_string={"root": kept}).get_data(as_text=True)
    forged = json.dumps({**root, "root": root["root"].replace('"last_position":1', '"last_position":2')})
    signatures = [json.dumps({**root, "signature": one}) for one in ("00" * 64, "no figures", 3)]
    for text in (forged, *signatures, "nonsense", '{"root": 3}', "[" * 2_000, '{"root": "[]"}'):
        page = client.get("/proofs", query_string={"root": text})
        assert page.status_code == 200 and "notice is-bad" in page.get_data(as_text=True), text
    assert client.get("/proofs/ustc/usage").status_code == 200
    assert client.get("/proofs/ustc/nothing").status_code == 404
    page = client.get("/api/v1/hosts/ustc/roots").get_json()
    assert page["items"][0]["last_position"] == 1 and page["next"] is None
    with app.app_context(), unit_of_work() as unit:
        row = unit.session.scalars(select(DayRoot)).one()
        values = {column.key: getattr(row, column.key) for column in DayRoot.__table__.columns}
        for days in (1, 2):
            unit.session.add(DayRoot(**{**values, "day": row.day - timedelta(days=days)}))
        newest = row.day
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/hosts/ustc/roots?limit=1&after={cursor}").get_json()
        found += [one["day"] for one in page["items"]]
        cursor = page["next"]
    assert found == [(newest - timedelta(days=days)).isoformat() for days in range(3)]


def test_the_ledger_is_pulled_by_position(app, client, scene, tmp_path):
    sealed(app, scene, tmp_path)
    with app.app_context():
        headers = build.bearer(accounts.person(scene.manager), accounts.organisation("ustc"))
        make_scene("other")
    page = client.get("/api/v1/hosts/ustc/ledger?after=0", headers=headers).get_json()
    assert [i["position"] for i in page["items"]] == [1] and page["next"] is None
    assert json.loads(page["items"][0]["body"])["effective_seconds"] == 117 * 60
    assert client.get("/api/v1/hosts/ustc/ledger?after=1", headers=headers).get_json()["items"] == []
    assert client.get("/api/v1/hosts/other/ledger", headers=headers).status_code == 404


def test_operations_show_jobs_and_give_a_parked_delivery_another_try(app, scene):
    with app.app_context():
        staff = make_person("平台")
        with unit_of_work() as unit:
            unit.session.add(
                Organisation(
                    id=PLATFORM_ID,
                    kind="platform",
                    code="platform",
                    name_zh="平台",
                    state="active",
                    created_at=NINE,
                )
            )
        make_role(staff, PLATFORM_ID, "platform_staff")
        with unit_of_work() as unit:
            event, delivery = scene.resource_id, scene.unit_id
            unit.session.add(OutboxEvent(id=event, name="usage.sealed", subject="x", payload={}, at=NINE))
            unit.session.flush()
            unit.session.add(
                OutboxDelivery(
                    id=delivery, event_id=event, subscriber="nobody", subject="x", state="parked", attempts=10,
                    not_before=NINE, error="ValueError: kaputt",
                )
            )  # fmt: skip
    client = browser(app, staff)
    page = client.get("/o/platform/operations").get_data(as_text=True)
    assert "usage.open_expected" in page and "kaputt" in page
    answer = client.post(f"/o/platform/operations/deliveries/{delivery}", data={"csrf_token": token(page)})
    assert answer.status_code == 303
    assert rows(app, OutboxDelivery)[0].state == "waiting"
    assert browser(app, scene.manager).get("/o/platform/operations").status_code == 404


def test_labels_and_the_screen_at_the_machine(app, scene):
    client = browser(app, scene.manager)
    with clock.fixed(at(0)):
        page = client.get("/o/ustc/labels").get_data(as_text=True)
        assert "/u/ustc/sem-1-a" in page and "<svg" in page
        screen = client.get(f"/o/ustc/kiosk/{scene.unit_id}").get_data(as_text=True)
        assert re.search(r"\d{3} \d{3}", screen)
        with app.app_context():
            other = make_scene("other")
        assert client.get(f"/o/ustc/kiosk/{other.unit_id}").status_code == 404


@pytest.mark.parametrize("path", ["today", "day-close", "use", "labels", "devices"])
def test_empty_pages_are_true(app, scene, path):
    with app.app_context():
        lonely = make_person("新人")
        other = make_scene("empty")
        with unit_of_work() as unit:
            from sqlalchemy import delete

            from resource_hub.domain.catalogue.tables import Resource, Unit

            unit.session.execute(delete(Unit).where(Unit.id == other.unit_id))
            unit.session.execute(delete(Resource).where(Resource.id == other.resource_id))
        make_role(lonely, other.host.id, "manager")
    with clock.fixed(at(0)):
        assert browser(app, lonely).get(f"/o/empty/{path}").status_code == 200
