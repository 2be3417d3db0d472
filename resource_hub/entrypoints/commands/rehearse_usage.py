"""The usage half of the rehearsal: a published log of a scientific grid through the ledger, sealed, verified, counted.

188,041 jobs of 2005 (Parallel Workloads Archive, LCG-2005-1; acknowledge Hui Li). Its partitions are resources of the
institutions named in its head. The log names no lanes, so each job takes the first unit that is free; a resource gets
as many units as ever ran at once. Jobs are old records: no occupancies, grade E. Times are UTC.
"""

from __future__ import annotations

import calendar
import gc
import gzip
import heapq
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from flask import Flask, current_app

import config
from resource_hub.adapters.signing import FileSigner
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.service import InstitutionSeed, OrganisationFields
from resource_hub.domain.accounts.terms import CustomerClass
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.importing.rows import RowFacts
from resource_hub.domain.catalogue.terms import Mode, ResourceKind
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.records import BulkResult, BulkRow, Host
from resource_hub.entrypoints.commands import rehearse_files as files
from resource_hub.infra import clock
from resource_hub.infra.database import db, dialect_name
from resource_hub.kernel.keys import HostKey
from resource_hub.reports import ledger, usage_totals

Say = Callable[[str], None]
SOURCE = "lcg-2005-1"
BATCH = 2000
# Second-level names under which a country registers, so that ``rhul.ac.uk`` is an institution and ``ac.uk`` is not.
_SHARED = {"ac", "edu", "gov", "org", "res"}


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job: line number, start and length in whole seconds, the group that ran it."""

    number: int
    starts: int
    seconds: int
    group: int


@dataclass(slots=True)
class Log:
    """The log by partition, and how long each name of an institution ran by month, counted from the file alone."""

    partitions: dict[int, str] = field(default_factory=dict)
    jobs: dict[int, list[JobRow]] = field(default_factory=lambda: defaultdict(list))
    rows: int = 0
    seconds: int = 0
    refused: list[str] = field(default_factory=list)
    by_month: Counter[tuple[str, str]] = field(default_factory=Counter)


def institution_of(partition: str) -> str:
    """The institution behind a computer's name: ``lxgate13.cern.ch`` stands at ``cern.ch``."""
    labels = partition.split(".")
    keep = 3 if len(labels) > 2 and labels[-2] in _SHARED and len(labels[-1]) == 2 else 2
    return ".".join(labels[-keep:])


def months(starts: int, seconds: int) -> Iterator[tuple[str, int]]:
    """Seconds of a job by calendar month in UTC: clipped at the first instants of months, apart from our own rules."""
    ends = starts + seconds
    while starts < ends:
        moment = time.gmtime(starts)
        year, month = moment.tm_year, moment.tm_mon
        following = calendar.timegm((year + month // 12, month % 12 + 1, 1, 0, 0, 0))
        yield f"{year:04d}-{month:02d}", min(ends, following) - starts
        starts = following


def read_log(path: Path) -> Log:
    """Read the log; a line that cannot be one is refused by its number.

    Raises:
        BrokenInput: a broken archive, or one without a single job.
    """
    log = Log()
    origin = 0
    with files.reading(path), gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if line.startswith(";"):
                if match := re.match(r";\s*UnixStartTime:\s*(\d+)", line):
                    origin = int(match[1])
                elif match := re.match(r";\s*Partition:\s*(\d+)\s+(\S+)", line):
                    log.partitions[int(match[1])] = match[2]
                continue
            columns = line.split()
            if not columns:
                continue
            try:
                job, submit, run, group, partition = (int(columns[i]) for i in (0, 1, 3, 12, 15))
            except (ValueError, IndexError):
                log.refused.append(f"line {number}: not a row of the Standard Workload Format")
                continue
            if run < 0 or partition not in log.partitions:
                log.refused.append(f"line {number}: job {job} has no length or no known partition")
                continue
            log.rows += 1
            log.seconds += run
            log.jobs[partition].append(JobRow(job, origin + submit, run, group))
            for month, part in months(origin + submit, run):
                log.by_month[(institution_of(log.partitions[partition]), month)] += part
    if not log.rows:
        raise files.BrokenInput(f"{path.name}: no job in it; fetch it again")
    for jobs in log.jobs.values():
        jobs.sort(key=lambda j: (j.starts, j.number))
    return log


def first_free(jobs: Sequence[JobRow]) -> list[int]:
    """The unit of each job (from 0): the lowest one that is free at its start. Jobs are given by their start."""
    units: list[int] = []
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    count = 0
    for job in jobs:
        while busy and busy[0][0] <= job.starts:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            unit = heapq.heappop(free)
        else:
            unit, count = count, count + 1
        heapq.heappush(busy, (job.starts + max(job.seconds, 1), unit))
        units.append(unit)
    return units


def run(data: Path, say: Say) -> int:
    """Load, seal, verify and count the log; returns how many things were created."""
    path = data / files.LOG
    started = time.monotonic()
    log = read_log(path)
    for text in log.refused[:10]:
        say(f"  refused: {text}")
    say(
        f"{path.name}: {log.rows:,} jobs on {len(log.partitions)} resources, {_hours(log.seconds)} hours,"
        f" {len(log.refused)} rows refused; read in {time.monotonic() - started:.1f} s"
    )
    hosts, customers, created = _set_up(log, say)
    loading = time.monotonic()
    # The log and the program stay to the end: nobody need look through them for what was thrown away.
    gc.freeze()
    try:
        result = _load(log, hosts, customers, say)
    finally:
        gc.unfreeze()
    ended = time.monotonic()
    _totals(log, hosts, say)
    say(
        f"{result.created:,} entries created, {result.unchanged:,} unchanged, {result.differing:,} differing;"
        f" load, seal and verify {log.rows / (ended - loading):,.0f} rows/s,"
        f" with reading and setting up {log.rows / (ended - started):,.0f}"
    )
    return created + result.created


def _hours(seconds: int) -> str:
    """Hours with two places, rounded half up, from whole seconds."""
    hundredths = (seconds * 100 + 1800) // 3600
    return f"{hundredths // 100:,}.{hundredths % 100:02d}"


def _set_up(log: Log, say: Say) -> tuple[dict[str, UUID], dict[int, UUID], int]:
    """Institutions, their resources with units, and the groups that ran jobs as customers from outside."""
    started = time.monotonic()
    names = sorted({institution_of(p) for p in log.partitions.values()})
    seeds = [
        InstitutionSeed(
            f"{SOURCE}/institution/{name}",
            OrganisationFields(
                name_en=name, zone="UTC", jurisdiction="ZZ", about_en="From a published log of 2005."
            ),
        )
        for name in names
    ]
    group_numbers = sorted({job.group for jobs in log.jobs.values() for job in jobs})
    seeds += [
        InstitutionSeed(
            f"{SOURCE}/group/{number}",
            OrganisationFields(name_en=f"Grid user group {number}", zone="UTC", jurisdiction="ZZ"),
        )
        for number in group_numbers
    ]
    counts = accounts.import_institutions(seeds)
    hosts = {name: counts.ids[f"{SOURCE}/institution/{name}"] for name in names}
    groups = {n: accounts.customer_of(counts.ids[f"{SOURCE}/group/{n}"]).id for n in group_numbers}
    resources: dict[str, list[RowFacts]] = defaultdict(list)
    lanes: list[int] = []
    for number, partition in log.partitions.items():
        needed = max(first_free(log.jobs.get(number, [])), default=0) + 1
        lanes.append(needed)
        resources[institution_of(partition)].append(
            RowFacts(
                number, _code(number), ResourceKind.FACILITY, None, needed, None,
                {"name_en": partition, "modes": (Mode.SELF_USE,), "bookable": False},
            )
        )  # fmt: skip
    options = catalogue.ImportOptions(listed=True, complete=False, kind=ResourceKind.FACILITY)
    made = catalogue.apply_many([(hosts[name], facts) for name, facts in sorted(resources.items())], options)
    for problem in made.problems[:10]:
        say(f"  refused: line {problem.line}: {problem.reason.code} {dict(problem.reason.values)}")
    say(
        f"{len(hosts)} institutions with {len(log.partitions)} resources, {len(groups)} groups; each job took the first"
        f" free unit: {sum(lanes):,} units, up to {max(lanes):,} of one resource at once:"
        f" {counts.created + made.created:,} created in {time.monotonic() - started:.1f} s"
    )
    return hosts, groups, counts.created + made.created


def _code(partition: int) -> str:
    return f"LCG-{partition:03d}"


def _rows(log: Log, name: str, host: Host, customers: dict[int, UUID]) -> Iterator[BulkRow]:
    """The jobs of one institution as records of use."""
    mine = [number for number, partition in log.partitions.items() if institution_of(partition) == name]
    keys = catalogue.keys_of_codes(host.id, [_code(number) for number in mine])
    lanes = catalogue.units_of(list(keys.values()))
    for number in mine:
        key: HostKey = keys[_code(number)]
        units = [unit.key.id for unit in lanes[key]]
        jobs = log.jobs.get(number, [])
        for job, unit in zip(jobs, first_free(jobs), strict=True):
            starts = datetime.fromtimestamp(job.starts, UTC)
            yield BulkRow(
                source_key=f"{SOURCE}/{job.number}",
                resource_id=key.id,
                unit_id=units[unit],
                customer_id=customers[job.group],
                customer_class=CustomerClass.ACADEMIC.value,
                starts_at=starts,
                ends_at=starts + timedelta(seconds=job.seconds),
            )


class _Progress:
    """Says now and then how far the workers are."""

    def __init__(self, total: int, say: Say) -> None:
        self.total, self.say, self.done = total, say, 0
        self.started = self._said = time.monotonic()
        self._lock = threading.Lock()

    def add(self, rows: int) -> None:
        with self._lock:
            self.done += rows
            now = time.monotonic()
            if now - self._said >= 2:
                self._said = now
                self.say(
                    f"  {self.done:,} of {self.total:,} rows loaded, {self.done / (now - self.started):,.0f} rows/s"
                )


def _load(log: Log, hosts: dict[str, UUID], customers: dict[int, UUID], say: Say) -> BulkResult:
    """Load, link and verify every institution; on PostgreSQL two at a time, because there the server does half of
    the work in processes of its own. SQLite has one writer."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    settings: config.Settings = app.extensions["resource_hub_settings"]
    progress = _Progress(log.rows, say)
    size = Counter(dict.fromkeys(hosts, 0))
    for number, partition in log.partitions.items():
        size[institution_of(partition)] += len(log.jobs.get(number, []))
    order = [name for name, _ in size.most_common()]
    db.session.rollback()
    started = time.monotonic()
    workers = 2 if dialect_name() == "postgresql" else 1
    with ThreadPoolExecutor(workers) as pool:
        loaded = list(
            pool.map(
                lambda name: _in_context(app, _load_one, log, name, hosts[name], customers, progress), order
            )
        )
    result = sum(loaded, start=BulkResult())
    say(f"  loaded and sealed in {time.monotonic() - started:.1f} s")
    usage_totals.refresh_ledger_statistics()
    signed = usage.sign_roots(clock.now(), FileSigner(settings.keys_dir), include_today=True)
    verifying = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        verdicts = list(pool.map(lambda name: _in_context(app, _verify_one, hosts[name]), order))
    broken = [v for v in verdicts if v.broken is not None]
    say(
        f"  {sum(v.links for v in verdicts):,} entries in {len(verdicts)} chains verified in"
        f" {time.monotonic() - verifying:.1f} s: {len(broken)} broken; {signed} day roots signed"
    )
    for verdict in broken:
        say(f"  BROKEN: {verdict}")
    return result


def _in_context(app: Flask, work: Callable, *arguments: object):  # type: ignore[no-untyped-def, type-arg]
    with ExitStack() as stack:
        stack.enter_context(app.app_context())
        stack.callback(db.session.remove)
        return work(*arguments)


def _load_one(
    log: Log, name: str, institution_id: UUID, customers: dict[int, UUID], progress: _Progress
) -> BulkResult:
    found = accounts.organisation(institution_id)
    host = Host(found.id, found.code, found.zone, found.jurisdiction)
    result = BulkResult()
    for step in usage.import_bulk(host, _rows(log, name, host, customers), batch_size=BATCH):
        result += step
        progress.add(step.created + step.unchanged + step.differing)
    while usage.link_batch(institution_id, "usage", BATCH):
        pass
    return result


def _verify_one(institution_id: UUID) -> ledger.Verdict:
    *_, verdict = ledger.verify(institution_id)
    return verdict


def _totals(log: Log, hosts: dict[str, UUID], say: Say) -> None:
    """Hours by institution and month from the kept figures, against the sum over the file."""
    db.session.rollback()
    names = {institution_id: name for name, institution_id in hosts.items()}
    kept: Counter[tuple[str, str]] = Counter()
    days: set[date] = set()
    for institution_id, day, seconds in usage_totals.seconds_by_host_and_day(names):
        kept[(names[institution_id], f"{day:%Y-%m}")] += seconds
        days.add(day)
    wanted = Counter({key: value for key, value in log.by_month.items() if value})
    differing = sorted(key for key in {*wanted, *kept} if wanted[key] != kept[key])
    by_month: Counter[str] = Counter()
    for (_, month), seconds in kept.items():
        by_month[month] += seconds
    for month, seconds in sorted(by_month.items()):
        say(f"  {month}: {_hours(seconds)} hours at {len({n for n, m in kept if m == month})} institutions")
    largest = sorted(kept.items(), key=lambda item: -item[1])[:5]
    for (name, month), seconds in largest:
        say(f"  {name} in {month}: {_hours(seconds)} hours ({seconds:,} s)")
    total = sum(kept.values())
    agree = "equal to the second" if not differing else f"DIFFER in {len(differing)}: {differing[:3]}"
    say(
        f"hours of {len(kept)} pairs of institution and month over {len(days)} days: {total:,} s = {_hours(total)} h;"
        f" the file says {log.seconds:,} s; {agree}"
    )
    for source, grade, zone, entries in usage_totals.sealed_of(names):
        say(f"  {entries:,} entries: source {source}, grade {grade}, zone {zone}")
    say(f"  {usage_totals.occupancies_of(names):,} occupancies")
    if differing:
        raise RuntimeError("the ledger's hours are not those of the file")
