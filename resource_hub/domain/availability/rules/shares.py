"""How much of each day is free, taken or closed for a reader: for a month at a glance (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from resource_hub.domain.availability.terms import Look, Stretch, Week
from resource_hub.kernel.time import zone

_TAKEN = frozenset({Look.TAKEN, Look.MINE, Look.HELD, Look.MAINTENANCE, Look.SETUP, Look.TEARDOWN})


@dataclass(slots=True)
class DayShare:
    """Seconds of one day, all lanes together. ``over`` was free and has passed; hours that are kept for others count as
    closed."""

    free: int = 0
    taken: int = 0
    over: int = 0
    closed: int = 0
    mine: bool = False

    @property
    def open(self) -> int:
        """All that was or is to be had."""
        return self.free + self.taken + self.over

    def add(self, stretch: Stretch, seconds: int) -> None:
        if stretch.bookable:
            self.free += seconds
        elif stretch.look in _TAKEN:
            self.taken += seconds
        elif stretch.look is Look.PAST:
            self.over += seconds
        else:
            self.closed += seconds
        self.mine = self.mine or stretch.look is Look.MINE


def day_shares(week: Week) -> dict[date, DayShare]:
    """The shares of each day that the lanes cover, by the host's calendar."""
    tz = zone(week.zone)
    found = {day: DayShare() for day in week.days}
    for lane in week.lanes:
        for stretch in lane.stretches:
            for day, piece in stretch.span.by_day(tz):
                if day in found:
                    found[day].add(stretch, piece.seconds)
    return found
