"""The last day to order at an accepted price, and asking again once a price is over."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from resource_hub.domain.booking import service
from resource_hub.domain.booking.errors import InvalidOrder, NoSuchInquiry, QuoteLapsed, WrongState
from resource_hub.domain.booking.inquiry_words import Inquiry
from resource_hub.domain.booking.terms import BookingState
from resource_hub.infra import clock, files
from tests.builders.availability import moment, span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene
from tests.integration.booking.test_inquiries import ASK, LAST_DAY, accepted, codes, given, scene, wish
from tests.support.databases import Database
from tests.support.racing import race

__all__ = ["scene"]

LAST_ORDER = LAST_DAY + timedelta(days=90)


def late(day: date, clock_text: str) -> Any:
    return clock.fixed(moment(f"{day.isoformat()}T{clock_text}+08:00"))


def order(scene: Scene, found: Inquiry, day: date, **more: Any) -> Any:
    """An order at the accepted price, for a workday soon after."""
    assert found.quote is not None
    while day.weekday() > 3:
        day += timedelta(days=1)
    start, end = (f"{(day + timedelta(days=1)).isoformat()}T{hour}:00+08:00" for hour in ("09", "11"))
    return make_booking(scene, asked=make_asked(start, end, given_id=found.quote.key.id), **more)


# ---- the last day to order -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "last"),
    [
        (None, LAST_ORDER),
        (LAST_ORDER - timedelta(days=1), LAST_ORDER),
        (LAST_ORDER, LAST_ORDER),
        (LAST_ORDER + timedelta(days=1), LAST_ORDER + timedelta(days=1)),
    ],
)
def test_the_last_day_is_said_with_the_price(scene: Scene, wanted: date | None, last: date) -> None:
    asked = service.ask_for_quote(scene.key, wish(wanted_until=wanted), by=scene.booker)
    assert asked.order_until is None and given(scene, asked).order_until == last


@pytest.mark.parametrize(("day", "at", "open_still"), [(0, "23:59:59", True), (1, "00:00:00", False)])
def test_an_order_is_made_to_the_end_of_the_last_day(
    scene: Scene, day: int, at: str, open_still: bool
) -> None:
    found = accepted(scene)
    with late(LAST_ORDER + timedelta(days=day), at):
        if open_still:
            assert order(scene, found, LAST_ORDER).state is BookingState.APPROVED
            return
        with pytest.raises(QuoteLapsed) as refused:
            order(scene, found, LAST_ORDER)
        assert codes(refused) == ["booking.given_order_over"]
        assert refused.value.reasons[0].values["until"] == LAST_ORDER.isoformat()


def test_what_was_frozen_before_midnight_is_not_carried_over(scene: Scene) -> None:
    found = accepted(scene)
    assert found.quote is not None
    start, end = "2026-07-08T09:00+08:00", "2026-07-08T11:00+08:00"
    day = LAST_ORDER
    with late(day, "23:55"):
        asked = make_asked(
            start.replace("2026-07-08", (day + timedelta(days=4)).isoformat()),
            end.replace("2026-07-08", (day + timedelta(days=4)).isoformat()),
            given_id=found.quote.key.id,
        )
        frozen = service.quote(scene.key, asked, by=scene.booker)
    with late(day + timedelta(days=1), "00:00"), pytest.raises(QuoteLapsed) as refused:
        make_booking(scene, asked=asked, quote_id=frozen.key.id if frozen.key else None)
    assert "booking.given_order_over" in codes(refused)


def test_an_order_that_stands_may_be_moved_after_the_last_day(scene: Scene) -> None:
    found = accepted(scene)
    with late(LAST_ORDER, "12:00"):
        made = order(scene, found, LAST_ORDER)
        assert made.span is not None
    with late(LAST_ORDER + timedelta(days=1), "08:00"):
        later = span(
            (made.span.start + timedelta(hours=5)).isoformat(),
            (made.span.end + timedelta(hours=5)).isoformat(),
        )
        assert service.change(made.key, later, by=scene.booker).span == later


# ---- asking again ----------------------------------------------------------------------------------------------


def test_what_nobody_accepted_in_time_is_asked_again_with_its_documents(scene: Scene) -> None:
    stored = files.register(
        scene.firm.id, name="图.pdf", media_type="application/pdf", size=3, sha256=b"1" * 32, person_id=None
    )
    former = service.ask_for_quote(
        scene.key, wish(), by=scene.booker, files=[(stored.organisation_id, stored.id)]
    )
    given(scene, former)
    with late(LAST_DAY, "23:59:59"), pytest.raises(WrongState) as early:
        service.ask_for_quote(scene.key, wish(), by=scene.booker, former=former.key)
    assert codes(early) == ["booking.again_not_over"]
    with late(LAST_DAY + timedelta(days=1), "00:00"):
        made = service.ask_for_quote(scene.key, wish(), by=scene.booker, former=former.key)
        assert made.key != former.key and made.number != former.number
        found = service.former_of_inquiry(made)
        assert found is not None and found.key == former.key
        again = service.inquiry_asked_again(found)
        assert again is not None and again.key == made.key
        assert [one.file_id for one in service.files_of_inquiry(made.key)] == [stored.id]
        # The new one takes the place of the former, which stays to be read.
        with pytest.raises(WrongState) as twice:
            service.ask_for_quote(scene.key, wish(), by=scene.booker, former=former.key)
        assert codes(twice) == ["booking.asked_again"]
        with pytest.raises(WrongState) as renewed:
            given(scene, former, until=LAST_DAY + timedelta(days=9))
        assert codes(renewed) == ["booking.asked_again"]
        priced = given(scene, made, until=LAST_DAY + timedelta(days=9))
        assert service.accept_quote(priced.key, 1, by=scene.booker).state.value == "accepted"


def test_documents_do_not_pile_up_from_one_asking_to_the_next(scene: Scene) -> None:
    def stored(n: int) -> tuple[UUID, UUID]:
        made = files.register(
            scene.firm.id, name=f"{n}.pdf", media_type="application/pdf", size=3, sha256=bytes([n]) * 32,
            person_id=None,
        )  # fmt: skip
        return made.organisation_id, made.id

    former = service.ask_for_quote(scene.key, wish(), by=scene.booker, files=[stored(n) for n in range(6)])
    given(scene, former)
    with late(LAST_DAY + timedelta(days=1), "00:00"):
        with pytest.raises(InvalidOrder) as refused:
            service.ask_for_quote(
                scene.key,
                wish(),
                by=scene.booker,
                former=former.key,
                files=[stored(n) for n in range(10, 15)],
            )
        assert codes(refused) == ["booking.too_many_files"]
        made = service.ask_for_quote(
            scene.key, wish(), by=scene.booker, former=former.key, files=[stored(n) for n in range(20, 24)]
        )
        assert len(service.files_of_inquiry(made.key)) == 10


def test_what_nobody_ordered_in_time_is_asked_again(scene: Scene) -> None:
    former = accepted(scene)
    with late(LAST_ORDER, "23:59:59"), pytest.raises(WrongState):
        service.ask_for_quote(scene.key, wish(), by=scene.booker, former=former.key)
    with late(LAST_ORDER + timedelta(days=1), "00:00"):
        assert service.ask_for_quote(scene.key, wish(), by=scene.booker, former=former.key)


def test_a_price_at_which_an_order_stands_is_not_asked_again(scene: Scene) -> None:
    former = accepted(scene)
    with late(LAST_ORDER, "12:00"):
        order(scene, former, LAST_ORDER)
    with late(LAST_ORDER + timedelta(days=1), "00:00"), pytest.raises(WrongState) as refused:
        service.ask_for_quote(scene.key, wish(), by=scene.booker, former=former.key)
    assert codes(refused) == ["booking.again_not_over"]


def test_only_ones_own_inquiry_about_the_same_resource(scene: Scene) -> None:
    former = given(scene)
    other_scene = make_scene(tariff=ASK)
    _firm, _person, stranger = another_booker()
    with late(LAST_DAY + timedelta(days=1), "08:00"):
        for key, by in ((scene.key, stranger), (other_scene.key, scene.booker)):
            with pytest.raises(NoSuchInquiry):
                service.ask_for_quote(key, wish(), by=by, former=former.key)
        with pytest.raises(InvalidOrder):
            service.ask_for_quote(scene.key, wish(description=" "), by=scene.booker, former=former.key)
        assert service.inquiry_asked_again(former) is None


@pytest.mark.slow
@pytest.mark.xdist_group("race")
def test_eight_ask_again_at_once_and_one_inquiry_is_made(
    scene: Scene, database: Database, tmp_path: Path, now: datetime
) -> None:
    former = given(scene)
    who = {
        "key": scene.key,
        "former": former.key,
        "wish": wish(),
        "person_id": scene.booker_person.id,
        "organisation_id": scene.firm.id,
    }
    found = race(
        database, tmp_path, moment(f"{LAST_DAY + timedelta(days=1)}T08:00+08:00"), "ask_again", [who] * 8
    )
    assert sorted(one[0] for one in found) == ["booking.wrong_state"] * 7 + ["won"]
