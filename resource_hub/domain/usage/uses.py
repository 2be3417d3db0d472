"""What booking asks of the ledger: how long its orders were used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from resource_hub.domain.usage import store
from resource_hub.infra.database import reading
from resource_hub.kernel.keys import HostKey


class Uses:
    """Implements ``booking.ports.Uses``."""

    def recorded(
        self, resource: HostKey, ids: Sequence[UUID], since: datetime
    ) -> Mapping[UUID, tuple[int, datetime]]:
        """Seconds used by order, with when the last of it was sealed."""
        return store.recorded_use(reading(), resource, ids, since.date() - timedelta(days=1)) if ids else {}
