"""Keys that travel: a host's row is named by host and id, a funder's by funder and id."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID


class HostKey(NamedTuple):
    """The whole key of a host's row. References always carry both parts."""

    institution_id: UUID
    id: UUID


class FunderKey(NamedTuple):
    """The whole key of a funder's row."""

    funder_id: UUID
    id: UUID


@lru_cache(maxsize=8192)
def id_text(value: UUID) -> str:
    """The UUID with its dashes. Kept, because many rows name the same few hosts, units and customers."""
    return str(value)
