"""How often the people of a host may have calendars fetched by their addresses, so that nobody makes the hub knock at
others' doors. What the job reads by itself is not counted."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.availability.errors import CalendarsLookedTooOften
from resource_hub.domain.availability.tables import CalendarLook
from resource_hub.infra import clock
from resource_hub.infra.ids import new_id
from resource_hub.infra.locks import alone
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.errors import Reason

MOST_LOOKS = 60
WITHIN = timedelta(hours=1)


def count_look(unit: Unit, institution_id: UUID) -> None:
    """Count one fetch that somebody asks for.

    Raises:
        CalendarsLookedTooOften: sixty within the last hour; says when the next may be.
    """
    # Who counts while another one does would not see that one's fetch.
    alone(unit.session, [b"calendar looks " + institution_id.bytes])
    now, t = clock.machine_now(), CalendarLook
    unit.session.execute(delete(t).where(t.institution_id == institution_id, t.at <= now - WITHIN))
    before = unit.session.scalars(
        select(t.at).where(t.institution_id == institution_id).order_by(t.at.desc()).limit(MOST_LOOKS)
    ).all()
    if len(before) == MOST_LOOKS:
        # Said to the minute, so to the first one that is late enough.
        until = (before[-1] + WITHIN + timedelta(minutes=1, microseconds=-1)).replace(second=0, microsecond=0)
        zone_name = accounts.organisation(institution_id).zone
        values = {"most": MOST_LOOKS, "until": until.isoformat(), "zone": zone_name}
        raise CalendarsLookedTooOften(Reason("calendar.looked_too_often", values))
    unit.session.add(CalendarLook(institution_id=institution_id, id=new_id(), at=now))


def note_look(institution_id: UUID) -> None:
    """The same in a unit of its own, before somebody waits for the answer.

    Raises:
        CalendarsLookedTooOften
    """
    with unit_of_work() as unit:
        count_look(unit, institution_id)
