"""Work that nobody clicks for: what a job is, and the list of all of them.

Each area keeps its jobs in a module of this package, in a list named ``JOBS``. A job is idempotent, works in small
batches (each a unit of work, so that the web gets its turn at the writer), judges every term by the clock and not by
when it last ran, and says what is left.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resource_hub.infra.unit_of_work import Lease


@dataclass(frozen=True, slots=True)
class JobResult:
    """What one run did and what it left: ``backlog`` above zero asks for another run at once."""

    done: int = 0
    backlog: int = 0


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a run is given. Every unit that it opens is to carry the lease: ``unit_of_work(lease=context.lease)``."""

    job: str
    slot: datetime
    lease: Lease | None = None
    deadline: float = field(default_factory=lambda: time.monotonic() + 20)

    @property
    def time_left(self) -> bool:
        """False once the run should stop and leave the rest to the next one."""
        return time.monotonic() < self.deadline


@dataclass(frozen=True, slots=True)
class Job:
    """A job and how often it is looked at, in seconds. ``run`` is called inside an application context.

    ``quick`` jobs (every few seconds at most) share one run row a minute, so that the table of runs stays small;
    their own rows guard them against doing a thing twice.
    """

    name: str
    every_seconds: float
    run: Callable[[JobContext], JobResult]
    quick: bool = False


def in_batches(context: JobContext, batch: Callable[[], int], size: int) -> JobResult:
    """Call ``batch`` until it does less than ``size`` or the time is up; for jobs made of one kind of step."""
    done = 0
    while context.time_left:
        step = batch()
        done += step
        if step < size:
            return JobResult(done, 0)
    return JobResult(done, size)


def all_jobs() -> list[Job]:
    """The jobs of every area, by name. A name that two areas use is an error."""
    found: dict[str, Job] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        for job in getattr(importlib.import_module(f"{__name__}.{module}"), "JOBS", ()):
            if job.name in found:
                raise RuntimeError(f"two jobs are named {job.name}")
            found[job.name] = job
    return [found[name] for name in sorted(found)]
