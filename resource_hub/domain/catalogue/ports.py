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

from sqlalchemy import Select

from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.by_host import ByHost
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money


@dataclass(frozen=True, slots=True)
class IndicativePrice:
    """A list price for a look, with what the customer would pay in the end where that is known.

    ``per`` is the unit it is for: ``hour``, ``sample``, ``day`` … ``list_price`` is None where one asks for the price.
    """

    list_price: Money | None
    per: str
    net_price: Money | None = None


NO_SUPPORT: ByHost[int] = ByHost(0)


@dataclass(frozen=True, slots=True)
class PriceList:
    """List prices of all resources as one reader sees them, and what support would leave of them.

    Attributes:
        rows: ``institution_id``, ``resource_id``, ``list_minor`` (None: no figure), ``per``, ``currency``.
        support: the share that programmes would pay, in millionths; of services in ``service_support``.
        personal: a customer is known, so that a net price can be said.
    """

    rows: Select[UUID, UUID, int | None, str, str]
    support: ByHost[int] = NO_SUPPORT
    service_support: ByHost[int] = NO_SUPPORT
    personal: bool = False


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


def _no_prices(customer_id: UUID | None, mode: Mode | None) -> PriceList | None:
    return None


def _no_times(keys: Sequence[HostKey]) -> Mapping[HostKey, datetime]:
    return {}


def _weekdays_after(jurisdiction: str, day: date, number: int) -> tuple[date, bool]:
    while number > 0:
        day += timedelta(days=1)
        number -= day.weekday() < 5
    return day, True


def _tell_nobody(*_: Any, **__: Any) -> None:
    return None


def _nothing_kept(_unit: Unit, _keys: Sequence[HostKey]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class _Ports:
    price_list: Callable[[UUID | None, Mode | None], PriceList | None] = _no_prices
    next_free: Callable[[Sequence[HostKey]], Mapping[HostKey, datetime]] = _no_times
    working_days_after: Callable[[str, date, int], tuple[date, bool]] = _weekdays_after
    notify: Callable[..., Any] = _tell_nobody
    units_changed: Callable[[Unit, Sequence[HostKey]], None] = _nothing_kept


_ports = _Ports()


def install(**answers: Any) -> None:
    """Put in the answers by the names that they have in ``_Ports``."""
    global _ports
    _ports = replace(_ports, **answers)


def price_list(customer_id: UUID | None, mode: Mode | None = None) -> PriceList | None:
    """Indicative prices for a customer (None: an outside firm that is not known), of a mode of use where one is named;
    None where nobody keeps any."""
    return _ports.price_list(customer_id, mode)


def next_free(keys: Sequence[HostKey]) -> Mapping[HostKey, datetime]:
    """The next moment at which each resource can be had for its shortest booking."""
    return _ports.next_free(keys) if keys else {}


def working_days_after(jurisdiction: str, day: date, number: int) -> tuple[date, bool]:
    """The working day so many after ``day``, and whether that year's calendar is only provisional."""
    return _ports.working_days_after(jurisdiction, day, number)


def units_changed(unit: Unit, keys: Sequence[HostKey]) -> None:
    """Bring what is kept of these resources into step with their units, in the unit that changed them.

    The rows of the resources are locked, and the changes are in the session.
    """
    if keys:
        _ports.units_changed(unit, keys)


def notify(
    unit: Unit,
    person_ids: Iterable[UUID],
    kind: str,
    values: Mapping[str, Any],
    link: str,
    organisation_id: UUID | None = None,
) -> None:
    _ports.notify(unit, person_ids, kind, values, link, organisation_id=organisation_id)
