"""Invitations in letters, and what comes back from people's calendars."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import icalendar
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.adapters import incoming_mail
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.booking import service
from resource_hub.domain.booking.rules.recurrence import Frequency, Recurrence
from resource_hub.domain.booking.terms import BookingState, Scope
from resource_hub.domain.notices import service as notices
from resource_hub.entrypoints.commands.mail import take
from resource_hub.entrypoints.feeds import inviting
from resource_hub.entrypoints.jobs import JobContext
from resource_hub.entrypoints.jobs.notices import send_letters
from resource_hub.infra import clock, outbox
from resource_hub.kernel.time import TimeSpan
from resource_hub.reports import calendar_feed
from tests.builders.accounts import make_actor, make_person
from tests.builders.availability import span
from tests.builders.booking import Scene, another_booker, make_asked, make_booking, make_scene

ASKS = {"approval": "always"}
NEXT = ("2026-03-05T09:00+08:00", "2026-03-05T11:00+08:00")


@pytest.fixture
def mail(in_app: Flask, now: datetime) -> Flask:
    settings = in_app.extensions["resource_hub_settings"]
    in_app.extensions["resource_hub_settings"] = replace(settings, mail_replies="hub+{token}@hub.example")
    return in_app


def deliver(app: Flask) -> list[EmailMessage]:
    """Everything that is waiting, sent; the letters that are new since the last call, oldest first."""
    folder: Path = app.extensions["resource_hub_settings"].mail_dir
    before = {p.name for p in folder.glob("*.eml")} if folder.exists() else set()
    outbox.deliver_due()
    send_letters(JobContext("notices.send_letters", clock.machine_now()))
    new = [p for p in folder.glob("*.eml") if p.name not in before]
    return [message_from_bytes(p.read_bytes(), policy=policy.default) for p in sorted(new)]  # type: ignore[misc]


def invitations(letters: list[EmailMessage]) -> list[icalendar.Calendar]:
    found = []
    for letter in letters:
        for part in letter.walk():
            if part.get_content_type() == "text/calendar":
                text = part.get_content()
                calendar = icalendar.Calendar.from_ical(text)
                assert part.get_param("method") == str(calendar["METHOD"])
                found.append(calendar)
    return found


def event(calendar: icalendar.Calendar) -> Any:
    (found,) = calendar.walk("VEVENT")
    return found


def asked_and_approved(scene: Scene) -> Any:
    made = make_booking(scene)
    return service.approve(made.key, by=scene.manager)


def reply(
    invitation: icalendar.Calendar, part: str, *, mark: str = "<1@mail.example>", **changes: Any
) -> bytes:
    """What a calendar program sends back."""
    asked = event(invitation)
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Somebody//EN", "METHOD:REPLY", "BEGIN:VEVENT",
        f"UID:{changes.get('uid', asked['UID'])}", f"SEQUENCE:{changes.get('sequence', asked['SEQUENCE'])}",
        "DTSTAMP:20260302T010000Z", f"ORGANIZER:{asked['ORGANIZER']}",
        f"ATTENDEE;PARTSTAT={part}:{asked['ATTENDEE']}", "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip
    letter = EmailMessage()
    letter["From"], letter["Subject"], letter["Message-ID"] = "somebody@firm.example", "Re", mark
    letter["To"] = changes.get("to") or str(asked["ORGANIZER"]).removeprefix("mailto:")
    letter.set_content("See the calendar.")
    letter.add_alternative("\r\n".join(lines), subtype="calendar", params={"method": "REPLY"})
    return letter.as_bytes()


def test_handed_over_it_leaves_one_calendar_and_comes_into_another(mail: Flask) -> None:
    scene = make_scene(rules=ASKS)
    made = asked_and_approved(scene)
    (invited,) = invitations(deliver(mail))
    colleague = make_person(roles=[(scene.firm, Role.BOOKER)])
    admin = make_actor(scene.firm, Role.FIRM_ADMIN)
    accounts.leave(scene.booker_person.id, by=admin, successor_id=colleague.id)
    found = {str(event(one)["ATTENDEE"]): one for one in invitations(deliver(mail))}
    assert set(found) == {f"mailto:{scene.booker_person.email}", f"mailto:{colleague.email}"}
    gone, come = found[f"mailto:{scene.booker_person.email}"], found[f"mailto:{colleague.email}"]
    assert (str(gone["METHOD"]), str(event(gone)["STATUS"])) == ("CANCEL", "CANCELLED")
    assert (str(come["METHOD"]), str(event(come)["STATUS"])) == ("REQUEST", "CONFIRMED")
    for one in (gone, come):
        assert str(event(one)["UID"]) == made.ical_uid
        assert event(one)["SEQUENCE"] == event(invited)["SEQUENCE"] + 1


def test_a_confirmed_booking_invites_and_changes_keep_its_mark(mail: Flask) -> None:
    scene = make_scene(rules=ASKS)
    made = asked_and_approved(scene)
    (invited,) = invitations(deliver(mail))
    found = event(invited)
    assert str(invited["METHOD"]) == "REQUEST" and str(found["UID"]) == made.ical_uid
    assert found.decoded("DTSTART") == made.span.start and found["DTSTART"].params["TZID"] == "Asia/Shanghai"
    assert str(found["ATTENDEE"]) == f"mailto:{scene.booker_person.email}"
    assert found["ATTENDEE"].params["RSVP"] == "TRUE"
    assert (
        str(found["ORGANIZER"]).startswith("mailto:hub+")
        and len(str(found["ORGANIZER"]).split("@")[0]) <= 7 + 64
    )
    later = span("2026-03-04T13:00+08:00", "2026-03-04T15:00+08:00")
    moved = service.change(made.key, later, by=scene.manager)
    (again,) = invitations(deliver(mail))
    assert event(again)["UID"] == found["UID"] and event(again)["SEQUENCE"] > found["SEQUENCE"]
    assert event(again).decoded("DTSTART") == moved.span.start
    service.cancel(made.key, by=scene.manager, reason="停电")
    (gone,) = invitations(deliver(mail))
    assert (str(gone["METHOD"]), str(event(gone)["STATUS"])) == ("CANCEL", "CANCELLED")
    assert event(gone)["UID"] == found["UID"] and event(gone)["SEQUENCE"] > event(again)["SEQUENCE"]


@pytest.mark.parametrize("how", ["moved", "shortened", "split", "series", "asked for anew"])
def test_who_moves_what_stands_in_the_own_calendar_is_told_there_once(mail: Flask, how: str) -> None:
    scene = make_scene(rules=ASKS if how == "asked for anew" else {})
    made = make_booking(scene)
    if how == "asked for anew":
        service.approve(made.key, by=scene.manager)
    elif how == "series":
        rule = Recurrence(Frequency.WEEKLY, count=2)
        series = service.create_series(scene.key, make_asked(*NEXT), rule, by=scene.booker)
        made = service.series_days(series.key)[0].booking
        assert made is not None
    if how != "asked for anew":
        made = service.change(made.key, LATER, by=scene.manager)
    (invitation,) = invitations(deliver(mail))
    shorter = TimeSpan(LATER.start, LATER.start + timedelta(hours=1))
    if how == "series":
        service.change_series(series.key, made.key.id, shorter, Scope.ALL, by=scene.booker)
    elif how == "split":
        service.split(made.key, shorter.end, by=scene.booker)
    else:
        service.change(made.key, span(*NEXT) if how == "moved" else shorter, by=scene.booker)
    (corrected,) = invitations(deliver(mail))
    now, found = service.booking(made.key), event(corrected)
    assert str(corrected["METHOD"]) == "REQUEST" and str(found["UID"]) == made.ical_uid
    assert str(found["ATTENDEE"]) == f"mailto:{scene.booker_person.email}"
    assert found["SEQUENCE"] == now.ical_sequence > event(invitation)["SEQUENCE"]
    assert now.span is not None and found.decoded("DTSTART") == now.span.start
    assert str(found["STATUS"]) == ("TENTATIVE" if how == "asked for anew" else "CONFIRMED")
    assert invitations(deliver(mail)) == []


def test_a_letter_that_is_late_does_not_invite_to_what_is_cancelled(mail: Flask) -> None:
    scene = make_scene(rules=ASKS)
    made = asked_and_approved(scene)
    service.cancel(made.key, by=scene.manager, reason="停电")
    assert [str(c["METHOD"]) for c in invitations(deliver(mail))] == ["CANCEL"]


def test_the_host_gets_no_invitation_and_without_an_address_nobody_is_asked(mail: Flask) -> None:
    scene = make_scene()
    make_booking(scene)  # told to the manager only: the booker did it
    assert invitations(deliver(mail)) == []
    settings = mail.extensions["resource_hub_settings"]
    mail.extensions["resource_hub_settings"] = replace(
        settings, mail_replies="", mail_from="Hub <hub@hub.example>"
    )
    asked_and_approved(make_scene(rules=ASKS))
    (invited,) = invitations(deliver(mail))
    assert str(event(invited)["ORGANIZER"]) == "mailto:hub@hub.example"
    assert "RSVP" not in event(invited)["ATTENDEE"].params


def invited_scene(mail: Flask, **rules: Any) -> tuple[Scene, Any, icalendar.Calendar]:
    scene = make_scene(rules={**ASKS, **rules})
    made = asked_and_approved(scene)
    (invitation,) = invitations(deliver(mail))
    return scene, made, invitation


def test_a_yes_stands_in_the_history_once(mail: Flask) -> None:
    scene, made, invitation = invited_scene(mail)
    assert take(reply(invitation, "ACCEPTED")) == "noted"
    assert take(reply(invitation, "ACCEPTED")) == "repeated"
    assert take(reply(invitation, "TENTATIVE", mark="<2@mail.example>")) == "noted"
    kinds = [e.kind for e in service.detail(made.key, scene.booker).events]
    assert kinds[-2:] == ["calendar_accepted", "calendar_tentative"]
    assert service.booking(made.key).state is BookingState.APPROVED


def test_a_no_cancels_where_it_costs_nothing(mail: Flask) -> None:
    scene, made, invitation = invited_scene(mail)
    with clock.fixed(made.span.start - timedelta(hours=25)):
        assert take(reply(invitation, "DECLINED")) == "cancelled"
    after = service.booking(made.key)
    assert after.state is BookingState.CANCELLED and after.cancel_fee.is_zero
    assert make_booking(scene).span == made.span  # the time is free
    assert take(reply(invitation, "DECLINED", mark="<3@mail.example>")) == "stale"


def test_a_no_that_would_cost_something_asks_first(mail: Flask) -> None:
    scene, made, invitation = invited_scene(mail)
    with clock.fixed(made.span.start - timedelta(hours=3)):  # notice is 24 hours, the fee 100
        assert take(reply(invitation, "DECLINED")) == "stands"
        outbox.deliver_due()
    assert service.booking(made.key).state is BookingState.APPROVED
    newest = notices.inbox(scene.booker_person.id, limit=1)[0]
    assert newest.kind == "booking.decline_costs" and newest.values["fee"][0]["minor"] == 10000
    assert newest.link.endswith(str(made.key.id))


def test_an_answer_to_an_older_invitation_changes_nothing(mail: Flask) -> None:
    scene, made, invitation = invited_scene(mail)
    service.change(made.key, span("2026-03-04T13:00+08:00", "2026-03-04T15:00+08:00"), by=scene.manager)
    assert take(reply(invitation, "DECLINED")) == "stale"
    assert service.booking(made.key).state is BookingState.APPROVED


def test_nobody_answers_for_another(mail: Flask) -> None:
    _, made, invitation = invited_scene(mail)
    _, other, others = invited_scene(mail)
    wrong = reply(others, "DECLINED", to=str(event(invitation)["ORGANIZER"]).removeprefix("mailto:"))
    assert take(reply(invitation, "DECLINED", uid=other.ical_uid)) == "ignored: it names another event"
    # Two tokens in one letter: the first one decides, and it does not fit the event.
    assert take(wrong) == "ignored: it names another event"
    forged = str(event(invitation)["ORGANIZER"]).removeprefix("mailto:")
    forged = forged[:-20] + ("a" if forged[-20] != "a" else "b") + forged[-19:]
    asked = reply(invitation, "DECLINED", to=forged).replace(
        str(event(invitation)["ORGANIZER"]).encode(), f"mailto:{forged}".encode()
    )
    assert take(asked) == "ignored: it answers no invitation of this hub"
    assert {service.booking(k).state for k in (made.key, other.key)} == {BookingState.APPROVED}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no answer"),
        (b"Subject: hi\n\nhello", "no answer"),
        (b"x" * (incoming_mail.MOST_BYTES + 1), "larger"),
        (
            b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR",
            "no",
        ),
        (b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEV", "no answer"),
    ],
)
def test_what_is_no_answer_is_left_alone(raw: bytes, said: str) -> None:
    with pytest.raises(incoming_mail.NoAnswer, match=said):
        incoming_mail.read(raw)


@given(st.binary(max_size=2000))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    for prefix in (b"", b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\n"):
        try:
            incoming_mail.read(prefix + raw)
        except incoming_mail.NoAnswer:
            pass


def test_a_token_names_one_letter_and_cannot_be_guessed(mail: Flask) -> None:
    from resource_hub.infra.ids import new_id

    letter = new_id()
    token = inviting.reply_token(letter)
    assert inviting.mail_of_token(token) == letter and len(token) == 39
    assert inviting.mail_of_token(token[:-1]) is None and inviting.mail_of_token("") is None
    for place in range(38):
        other = token[:place] + ("a" if token[place] != "a" else "b") + token[place + 1 :]
        assert inviting.mail_of_token(other) is None


# ---- out of the calendar again ---------------------------------------------------------------------------------

LATER = span("2026-03-04T13:00+08:00", "2026-03-04T15:00+08:00")


def said(letters: list[EmailMessage]) -> list[tuple[str, str]]:
    """Method and recipient of each invitation."""
    return [
        (str(one["METHOD"]), str(event(one)["ATTENDEE"]).removeprefix("mailto:"))
        for one in invitations(letters)
    ]


@pytest.mark.parametrize("end", ["rejected", "expired", "cancelled"])
def test_what_ends_after_it_was_confirmed_once_goes_from_the_calendar(mail: Flask, end: str) -> None:
    scene, made, invitation = invited_scene(mail)
    asked = service.change(made.key, LATER, by=scene.booker)
    assert asked.state is BookingState.REQUESTED
    assert said(deliver(mail)) == [("REQUEST", scene.booker_person.email)]
    if end == "rejected":
        service.reject(made.key, by=scene.manager, reason="停电")
    elif end == "cancelled":
        service.cancel(made.key, by=scene.booker)
    else:
        with clock.fixed(asked.answer_by):
            service.lapse_due()
    (gone,) = invitations(deliver(mail))
    assert (str(gone["METHOD"]), str(event(gone)["STATUS"])) == ("CANCEL", "CANCELLED")
    assert str(event(gone)["UID"]) == made.ical_uid
    assert event(gone)["SEQUENCE"] > event(invitation)["SEQUENCE"]


def test_a_request_that_was_never_confirmed_is_in_no_calendar(mail: Flask) -> None:
    scene = make_scene(rules=ASKS)
    service.reject(make_booking(scene).key, by=scene.manager, reason="停电")
    service.cancel(make_booking(scene).key, by=scene.booker)
    assert invitations(deliver(mail)) == []


def test_a_day_with_an_invitation_follows_its_series(mail: Flask) -> None:
    scene = make_scene()
    rule = Recurrence(Frequency.WEEKLY, count=2)
    series = service.create_series(scene.key, make_asked(), rule, by=scene.booker)
    assert invitations(deliver(mail)) == []
    first = service.series_days(series.key)[0].booking
    assert first is not None
    service.change(first.key, LATER, by=scene.manager)
    (moved,) = invitations(deliver(mail))
    service.cancel_series(series.key, Scope.ALL, by=scene.manager, reason="停电")
    (gone,) = invitations(deliver(mail))
    assert (str(moved["METHOD"]), str(gone["METHOD"])) == ("REQUEST", "CANCEL")
    assert event(gone)["UID"] == event(moved)["UID"]
    assert event(gone)["SEQUENCE"] > event(moved)["SEQUENCE"]


def test_of_a_series_that_goes_along_only_what_stood_in_a_calendar_changes_it(mail: Flask) -> None:
    scene = make_scene()
    rule = Recurrence(Frequency.WEEKLY, count=3)
    series = service.create_series(scene.key, make_asked(), rule, by=scene.booker)
    first = service.series_days(series.key)[0].booking
    assert first is not None
    service.change(first.key, LATER, by=scene.manager)
    assert said(deliver(mail)) == [("REQUEST", scene.booker_person.email)]
    colleague = make_person(roles=[(scene.firm, Role.BOOKER)])
    admin = make_actor(scene.firm, Role.FIRM_ADMIN)
    accounts.leave(scene.booker_person.id, by=admin, successor_id=colleague.id)
    letters = deliver(mail) + deliver(mail)
    assert sorted(said(letters)) == [("CANCEL", scene.booker_person.email), ("REQUEST", colleague.email)]
    assert {str(event(one)["UID"]) for one in invitations(letters)} == {first.ical_uid}


def test_a_colleague_is_invited_and_the_former_person_is_not_any_more(mail: Flask) -> None:
    scene, made, invitation = invited_scene(mail)
    colleague = make_person(roles=[(scene.firm, Role.BOOKER)])
    service.hand_over(made.key, colleague.id, by=scene.booker)
    letters = deliver(mail)
    assert sorted(said(letters)) == [("CANCEL", scene.booker_person.email), ("REQUEST", colleague.email)]
    for one in invitations(letters):
        assert event(one)["SEQUENCE"] > event(invitation)["SEQUENCE"]
    (gone,) = calendar_feed.of_person(scene.booker_person.id, clock.now())
    assert (gone.uid, gone.state, gone.start) == (made.ical_uid, "cancelled", made.span.start)
    assert [row.state for row in calendar_feed.of_person(colleague.id, clock.now())] == ["approved"]
    # What becomes of it is told to the colleague's calendar alone.
    service.change(made.key, LATER, by=scene.manager)
    assert said(deliver(mail)) == [("REQUEST", colleague.email)]
    (gone,) = calendar_feed.of_person(scene.booker_person.id, clock.now())
    assert gone.start == made.span.start
    # Handed back, it stands in the first calendar again.
    service.hand_over(made.key, scene.booker_person.id, by=scene.booker)
    assert sorted(said(deliver(mail))) == sorted(
        [("CANCEL", colleague.email), ("REQUEST", scene.booker_person.email)]
    )
    assert [row.state for row in calendar_feed.of_person(scene.booker_person.id, clock.now())] == ["approved"]


def test_another_firm_is_invited_to_what_it_took_and_the_former_one_learns_nothing(mail: Flask) -> None:
    scene = make_scene()
    made = make_booking(scene)
    moved = service.change(made.key, LATER, by=scene.manager)
    assert said(deliver(mail)) == [("REQUEST", scene.booker_person.email)]
    firm, person, taker = another_booker()
    offer = service.offer_hand_over(made.key, next(iter(taker.customer_ids)), by=scene.booker)
    service.accept_hand_over(offer.key, by=taker)
    letters = deliver(mail)
    assert sorted(said(letters)) == sorted([("CANCEL", scene.booker_person.email), ("REQUEST", person.email)])
    newest = next(n for n in notices.inbox(scene.booker_person.id) if n.kind == "booking.handed_away")
    assert firm.name_zh not in str(newest.values) and newest.link.endswith("/hand-overs")
    service.change(made.key, span("2026-03-05T13:00+08:00", "2026-03-05T15:00+08:00"), by=scene.manager)
    service.cancel(made.key, by=scene.manager, reason="停电")
    assert {to for _method, to in said(deliver(mail))} == {person.email}
    (gone,) = calendar_feed.of_person(scene.booker_person.id, clock.now())
    assert (gone.state, gone.start) == ("cancelled", moved.span.start)  # type: ignore[union-attr]
