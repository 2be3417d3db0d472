"""What follows when the units of a resource change: a new one, one that is taken out of use or comes back."""

from __future__ import annotations

from collections.abc import Sequence

from resource_hub.domain.availability import calendar_store, holding, occupancy_store, store, window_store
from resource_hub.domain.availability.publishing import kept_span
from resource_hub.domain.availability.terms import ExceptionKind, OccupancyKind
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan, subtract


def units_changed(unit: Unit, keys: Sequence[HostKey]) -> None:
    """Make the free windows of resources anew, let maintenance that is entered take their new units as well, and
    their calendars be read again. Where nobody published hours there is nothing to do."""
    kept = list(window_store.reach(unit.session, keys))
    if not kept:
        return
    store.lock(unit.session, kept)
    for key in kept:
        _maintained(unit, key)
        calendar_store.make_due(unit.session, key, unit.now)
    holding.rebuild(unit, kept, kept_span())


def _maintained(unit: Unit, key: HostKey) -> None:
    """A unit that was not there, or not in use, when maintenance was entered is taken by it now."""
    ahead = TimeSpan(unit.now, unit.now.replace(year=unit.now.year + 10, day=1))
    entered = [
        one
        for one in store.exceptions(unit.session, [key], ahead).get(key, ())
        if one.kind is ExceptionKind.MAINTENANCE and one.id is not None
    ]
    if not entered:
        return
    hull = TimeSpan(min(one.span.start for one in entered), max(one.span.end for one in entered))
    units = [record.key.id for record in catalogue.units(key, active_only=True)]
    occupancy_store.drop_lapsed(unit.session, key, units, hull, unit.now)
    held = occupancy_store.occupancies(unit.session, [key], hull).get(key, [])
    for unit_id in units:
        own = [h.span for h in held if h.unit_id == unit_id]
        calendar_store.hold_for(
            unit.session, key, unit_id, OccupancyKind.MAINTENANCE,
            [
                (one.id, part)
                for one in entered
                if one.id is not None and one.unit_id in (None, unit_id)
                for part in subtract([one.span], own)
            ],
        )  # fmt: skip
