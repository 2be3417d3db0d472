"""What follows when the units of a resource change: a new one, one that is taken out of use or comes back."""

from __future__ import annotations

from collections.abc import Sequence

from resource_hub.domain.availability import calendar_store, holding, maintenance, store, window_store
from resource_hub.domain.availability.publishing import kept_span
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan


def units_changed(unit: Unit, keys: Sequence[HostKey]) -> None:
    """Make the free windows of resources anew, let maintenance that is entered take their new units as well, and
    their calendars be read again. Where nobody published hours there is nothing to do."""
    kept = list(window_store.reach(unit.session, keys))
    if not kept:
        return
    store.lock(unit.session, kept)
    for key in kept:
        # A unit that was not there, or not in use, when maintenance was entered is taken by it now.
        maintenance.keep(unit, key, TimeSpan(unit.now, unit.now.replace(year=unit.now.year + 10, day=1)))
        calendar_store.make_due(unit.session, key, unit.now)
    holding.rebuild(unit, kept, kept_span())
