"""Jobs of pricing: list prices for the search, of tariffs that came in force before they were kept."""

from __future__ import annotations

from resource_hub.domain.pricing import service as pricing
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult, in_batches

BATCH = 100


def keep_prices(context: JobContext) -> JobResult:
    """Derive what is missing; a tariff that comes in force today does it by itself."""
    return in_batches(context, lambda: pricing.keep_missing(BATCH, context.lease), BATCH)


JOBS = [Job(name="pricing.keep_prices", every_seconds=600, run=keep_prices)]
