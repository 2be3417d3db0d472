"""Results on the page of an order and over the REST interface."""

from __future__ import annotations

import hashlib
import io
import re
from typing import Any

from resource_hub.domain.booking import service
from resource_hub.infra import clock
from resource_hub.infra.unit_of_work import unit_of_work
from tests.builders.accounts import bearer
from tests.builders.availability import moment
from tests.builders.booking import another_booker, make_booking
from tests.support.door import Door
from tests.support.pages import signed_in
from tests.web.availability.conftest import in_context, manager, now, scene

__all__ = ["in_context", "manager", "now", "scene"]

DATA = b"<html><script>alert(1)</script>"
AT = moment("2026-03-03T12:00+08:00")


def used(scene: Any) -> Any:
    record = make_booking(scene)
    with clock.fixed(AT), unit_of_work() as unit:
        service.started(unit, record.key)
        service.finished(unit, record.key, unit.now)
    return record


def test_delivered_fetched_and_closed_to_others(app: Any, scene: Any, manager: Any, in_context: Any) -> None:
    record = in_context(lambda: used(scene))
    page = f"/o/{scene.host.code}/bookings/{scene.host.code}/{record.key.id}"
    _client, send = manager
    empty = send(page, f"{page}/results", expires_on="2026-03-20")
    assert empty.status_code == 422 and 'id="e-results"' in empty.text
    given = send(page, f"{page}/results", expires_on="2026-03-20", results=(io.BytesIO(DATA), "图谱.html"))
    assert given.status_code == 303
    theirs, theirs_send = signed_in(app, scene.booker_person)
    mine = f"/o/{scene.firm.code}/bookings/{scene.host.code}/{record.key.id}"
    shown = theirs.get(mine).text
    assert "图谱.html" in shown and hashlib.sha256(DATA).hexdigest() in shown
    found = re.search(rf'action="({mine}/results/[^"]+/download)"', shown)
    assert found is not None
    got = theirs_send(mine, found[1])
    assert got.data == DATA
    assert got.headers["Content-Disposition"].startswith("attachment;")
    assert got.headers["X-Content-Type-Options"] == "nosniff" and got.mimetype == "application/octet-stream"
    assert theirs.get(found[1]).status_code == 405  # fetching is written down, and reading changes nothing
    firm, person, _actor = in_context(another_booker)
    _stranger, stranger_send = signed_in(app, person)
    other = found[1].replace(f"/o/{scene.firm.code}/", f"/o/{firm.code}/")
    assert stranger_send("/me", other).status_code == 404
    assert stranger_send("/me", found[1]).status_code == 404
    ended = send(page, found[1].replace(mine, page).replace("/download", "/end"), reason="弄错了")
    assert ended.status_code == 303 and "弄错了" in theirs.get(mine).text
    assert theirs_send(mine, found[1]).status_code == 409


def test_over_the_api(app: Any, scene: Any, in_context: Any) -> None:
    def make() -> Any:
        from tests.integration.booking.test_results import new_file

        record = used(scene)
        service.deliver_results(
            record.key, [new_file(DATA)], moment("2026-03-20T00:00+08:00").date(), by=scene.manager
        )
        stranger_firm, stranger, _ = another_booker()
        people = (
            (scene.booker_person, scene.firm),
            (scene.manager_person, scene.host),
            (stranger, stranger_firm),
        )
        return record, [Door(app, bearer(*who)) for who in people]

    record, (booker, host, stranger) = in_context(make)
    at = f"/hosts/{scene.host.code}/bookings/{record.key.id}/results"
    (row,) = booker("GET", at, 200).json["items"]
    assert row["sha256"] == hashlib.sha256(DATA).hexdigest() and row["available"]
    got = booker("POST", f"{at}/{row['id']}/downloads", 200)
    assert got.data == DATA and got.headers["Content-Disposition"].startswith("attachment")
    assert booker("GET", at, 200).json["items"][0]["downloads"] == 1
    stranger("GET", at, 404)
    stranger("POST", f"{at}/{row['id']}/downloads", 404)
    ending, why = f"{at}/{row['id']}/end", {"reason": "弄错了"}
    booker("POST", ending, 403, json=why, headers={"If-Match": "*"})
    tag = {"If-Match": host("GET", at, 200).headers["ETag"]}
    host("POST", ending, 428, json=why)
    host("POST", ending, 412, json=why, headers={"If-Match": '"other"'})
    ended = host("POST", ending, 200, json=why, headers=tag)
    assert not ended.json["items"][0]["available"] and ended.headers["ETag"] != tag["If-Match"]
    booker("POST", f"{at}/{row['id']}/downloads", 409)
