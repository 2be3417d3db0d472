"""What accounts asks of rooms above it; they install themselves in the composition root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from resource_hub.infra.unit_of_work import Unit


class OpenWork(Protocol):
    """Work of a person in an organisation that must not be left without anybody when the person leaves."""

    def count(self, organisation_id: UUID, person_id: UUID) -> Mapping[str, int]:
        """Numbers by kind (``bookings``, ``sessions``, …); kinds without work may be left out."""

    def hand_over(self, unit: Unit, organisation_id: UUID, person_id: UUID, successor_id: UUID) -> int:
        """Pass the work on inside the unit in which the person leaves; returns how many rows moved."""


_open_work: dict[str, OpenWork] = {}


def install_open_work(name: str, port: OpenWork) -> None:
    """Called once per capability by the composition root."""
    _open_work[name] = port


def open_work(organisation_id: UUID, person_id: UUID) -> dict[str, int]:
    found: dict[str, int] = {}
    for port in _open_work.values():
        for kind, number in port.count(organisation_id, person_id).items():
            if number:
                found[kind] = found.get(kind, 0) + number
    return found


def hand_over(unit: Unit, organisation_id: UUID, person_id: UUID, successor_id: UUID) -> dict[str, int]:
    return {
        name: port.hand_over(unit, organisation_id, person_id, successor_id)
        for name, port in sorted(_open_work.items())
    }
