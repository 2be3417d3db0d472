"""What the catalogue asks of rooms above or beside it; the composition root installs the answers.

Without an answer the catalogue still works: no price and no free time are shown, working days are Mondays to Fridays
and said to be provisional, nobody is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money


@dataclass(frozen=True, slots=True)
class IndicativePrice:
    """A list price for a look, with what the customer would pay in the end where that is known.

    ``per`` is the unit it is for: ``hour``, ``sample``, ``day`` …
    """

    list_price: Money
    per: str
    net_price: Money | None = None


class Notify(Protocol):
    def __call__(
        self,
        unit: Unit,
        person_ids: Iterable[UUID],
        kind: str,
        values: Mapping[str, Any],
        link: str,
        organisation_id: UUID | None = None,
    ) -> Any: ...


def _no_prices(keys: Sequence[HostKey], customer_class: str | None) -> Mapping[HostKey, IndicativePrice]:
    return {}


def _no_times(keys: Sequence[HostKey]) -> Mapping[HostKey, datetime]:
    return {}


def _weekdays_after(jurisdiction: str, day: date, number: int) -> tuple[date, bool]:
    while number > 0:
        day += timedelta(days=1)
        number -= day.weekday() < 5
    return day, True


def _tell_nobody(*_: Any, **__: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class _Ports:
    indicative_price: Callable[[Sequence[HostKey], str | None], Mapping[HostKey, IndicativePrice]] = (
        _no_prices
    )
    next_free: Callable[[Sequence[HostKey]], Mapping[HostKey, datetime]] = _no_times
    working_days_after: Callable[[str, date, int], tuple[date, bool]] = _weekdays_after
    notify: Callable[..., Any] = _tell_nobody


_ports = _Ports()


def install(**answers: Any) -> None:
    """Put in the answers by name: ``indicative_price``, ``next_free``, ``working_days_after``, ``notify``."""
    global _ports
    _ports = replace(_ports, **answers)


def indicative_price(
    keys: Sequence[HostKey], customer_class: str | None
) -> Mapping[HostKey, IndicativePrice]:
    """List prices of these resources for a class of customer (None: an outside firm that is not known)."""
    return _ports.indicative_price(keys, customer_class) if keys else {}


def next_free(keys: Sequence[HostKey]) -> Mapping[HostKey, datetime]:
    """The next moment at which each resource can be had for its shortest booking."""
    return _ports.next_free(keys) if keys else {}


def working_days_after(jurisdiction: str, day: date, number: int) -> tuple[date, bool]:
    """The working day so many after ``day``, and whether that year's calendar is only provisional."""
    return _ports.working_days_after(jurisdiction, day, number)


def notify(
    unit: Unit,
    person_ids: Iterable[UUID],
    kind: str,
    values: Mapping[str, Any],
    link: str,
    organisation_id: UUID | None = None,
) -> None:
    _ports.notify(unit, person_ids, kind, values, link, organisation_id=organisation_id)
