"""Keys that travel: a host's row is named by host and id, a funder's by funder and id."""

from __future__ import annotations

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
