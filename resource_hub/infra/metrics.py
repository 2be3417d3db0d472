"""Counts for a monitoring system, in the text format of Prometheus.

Counters and times are kept per process; where the web server has several, they are summed through files in the folder
that PROMETHEUS_MULTIPROC_DIR names (set by ``entrypoints/processes.py``). What stands in the database (jobs, outbox) is
read when asked for, so every process gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import ValueClass
from sqlalchemy import func, select

from resource_hub import __version__
from resource_hub.infra import clock
from resource_hub.infra.database import reading
from resource_hub.infra.tables import JobLease, JobRun, OutboxDelivery

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_own = CollectorRegistry()
REQUESTS = Counter(
    "resource_hub_requests",
    "Answers by route, method and status.",
    ["route", "method", "status"],
    registry=_own,
)
SECONDS = Histogram(
    "resource_hub_request_seconds",
    "Time from a request to its answer, in seconds.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=_own,
)


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answer. ``route`` is the pattern of the address, never the address: that would name people's rows."""
    REQUESTS.labels(route, method, str(status)).inc()
    SECONDS.labels(route).observe(seconds)


class _Stored:
    """What the database says now."""

    def collect(self) -> Iterator[Any]:
        session = reading()
        version = GaugeMetricFamily(
            "resource_hub_info", "Always 1; the label says the version.", labels=["version"]
        )
        version.add_metric([__version__], 1)
        yield version
        outbox = GaugeMetricFamily(
            "resource_hub_outbox_deliveries", "Deliveries that are not done, by state.", labels=["state"]
        )
        counts: dict[str, int] = {
            row[0]: row[1]
            for row in session.execute(
                select(OutboxDelivery.state, func.count())
                .where(OutboxDelivery.state != "done")
                .group_by(OutboxDelivery.state)
            )
        }
        for state in ("waiting", "parked"):
            outbox.add_metric([state], counts.get(state, 0))
        yield outbox
        yield from _jobs()
        holds = JobLease.expires_at > clock.machine_now()
        leads = session.scalar(select(func.count()).select_from(JobLease).where(holds))
        yield GaugeMetricFamily(
            "resource_hub_scheduler_leads", "1 while a scheduler leads.", value=min(leads or 0, 1)
        )


def _jobs() -> Iterator[Any]:
    now = clock.machine_now()
    newest = select(JobRun.job, func.max(JobRun.slot).label("slot")).group_by(JobRun.job).subquery()
    age = GaugeMetricFamily("resource_hub_job_age_seconds", "Seconds since a job last began.", labels=["job"])
    backlog = GaugeMetricFamily(
        "resource_hub_job_backlog", "What a job left over at its last run.", labels=["job"]
    )
    failed = GaugeMetricFamily("resource_hub_job_failed", "1 when a job's last run failed.", labels=["job"])
    for run in reading().execute(
        select(JobRun.job, JobRun.started_at, JobRun.backlog, JobRun.state).join(
            newest, (JobRun.job == newest.c.job) & (JobRun.slot == newest.c.slot)
        )
    ):
        age.add_metric([run.job], max(0.0, (now - run.started_at).total_seconds()))
        backlog.add_metric([run.job], run.backlog)
        failed.add_metric([run.job], 1 if run.state == "failed" else 0)
    yield age
    yield backlog
    yield failed


def exposition() -> bytes:
    """All counts as text."""
    registry = CollectorRegistry()
    if ValueClass.__name__ == "MmapedValue":  # several processes share a folder
        MultiProcessCollector(registry)
    else:
        registry.register(_own)  # type: ignore[arg-type]
    registry.register(_Stored())  # type: ignore[arg-type]
    return generate_latest(registry)
