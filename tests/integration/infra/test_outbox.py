"""Deliveries happen once, in order per subject, and failures are parked where people see them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from resource_hub.infra import clock, outbox
from resource_hub.infra.database import reading
from resource_hub.infra.tables import OutboxDelivery, Setting
from resource_hub.infra.unit_of_work import unit_of_work


@pytest.fixture
def log(core, monkeypatch):
    seen: list[tuple[str, str, int]] = []
    broken: set[int] = set()

    def handler(unit, event):
        if event.payload["n"] in broken:
            raise RuntimeError("not now")
        # The handler's change and the mark on the delivery are one commit.
        unit.session.add(Setting(name=f"{event.subject}:{event.payload['n']}", value=1, changed_at=unit.now))
        seen.append((event.name, event.subject, event.payload["n"]))

    monkeypatch.setattr(outbox, "_subscribers", outbox.defaultdict(dict))
    outbox.subscribe({"thing.done": [("test.first", handler)]})
    return seen, broken


def publish(*events):
    with unit_of_work() as unit:
        for subject, number in events:
            unit.publish("thing.done", subject, {"n": number})


def make_due():
    with unit_of_work() as unit:
        unit.session.execute(
            sa.update(OutboxDelivery).values(not_before=clock.machine_now() - timedelta(days=1))
        )


def test_each_delivery_happens_once_and_in_order(log):
    seen, _ = log
    publish(("a", 1), ("b", 1), ("a", 2))
    assert outbox.deliver_due() == 3
    assert outbox.deliver_due() == 0
    assert [n for _, subject, n in seen if subject == "a"] == [1, 2]


def test_a_failed_delivery_holds_back_its_subject_only(log):
    seen, broken = log
    broken.add(1)
    publish(("a", 1), ("a", 2), ("b", 3))
    outbox.deliver_due()
    assert [n for *_, n in seen] == [3]
    broken.clear()
    make_due()
    outbox.deliver_due()
    outbox.deliver_due()
    assert [n for *_, n in seen] == [3, 1, 2]


def test_what_a_unit_rolls_back_is_never_published(log):
    seen, _ = log
    with pytest.raises(RuntimeError), unit_of_work() as unit:
        unit.publish("thing.done", "a", {"n": 1})
        raise RuntimeError
    assert outbox.deliver_due() == 0 and not seen


def test_after_ten_failures_it_is_parked_and_can_be_retried(log):
    seen, broken = log
    broken.add(1)
    publish(("a", 1))
    for _ in range(outbox.MAX_ATTEMPTS):
        make_due()
        outbox.deliver_due()
    row = reading().execute(sa.select(OutboxDelivery)).scalar_one()
    assert (row.state, row.attempts) == ("parked", 10) and "not now" in row.error
    broken.clear()
    with unit_of_work() as unit:
        assert outbox.retry_parked(unit, row.id)
    assert outbox.deliver_due() == 1 and seen


def test_subscribers_left_out_are_not_told_later_either(log):
    seen, _ = log
    outbox.subscribe({"thing.done": [("test.tell", lambda _unit, _event: seen.append(("told", "", 0)))]})
    with outbox.leaving_out(lambda subscriber: subscriber == "test.tell"):
        publish(("a", 1))
    assert outbox.deliver_due() == 1
    publish(("a", 2))
    assert outbox.deliver_due() == 2
    assert [n for *_, n in seen] == [1, 2, 0]
