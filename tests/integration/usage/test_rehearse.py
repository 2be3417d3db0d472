"""The usage half of the rehearsal: the head of the published log, loaded twice on each engine."""

from __future__ import annotations

import calendar
import gzip
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from resource_hub.domain.usage.tables import UsageEntry, UsageRollup
from resource_hub.entrypoints.commands import rehearse_usage
from resource_hub.entrypoints.commands.rehearse_files import LOG, BrokenInput
from resource_hub.entrypoints.commands.rehearse_usage import JobRow, first_free, institution_of, months
from resource_hub.infra.database import db, reading

JOBS = 3000


@pytest.fixture
def head(data_dir, tmp_path):
    """A folder like the published one whose log has only the first jobs, and two lines that are none."""
    (tmp_path / "usage").mkdir()
    with gzip.open(data_dir / LOG, "rt") as source:
        lines = list(islice((line for line in source), JOBS + 200))
    comments = [line for line in lines if line.startswith(";")]
    jobs = [line for line in lines if not line.startswith(";")][:JOBS]
    with gzip.open(tmp_path / LOG, "wt") as target:
        target.writelines([*comments, *jobs, "not a job\n", jobs[0].replace(" 83 ", " -7 ", 1)])
    return tmp_path


def test_the_head_of_the_log_loads_once_and_agrees_with_the_file(in_app, head):
    said: list[str] = []
    created = rehearse_usage.run(head, said.append)
    assert any("equal to the second" in line for line in said), said
    assert any("3,000 entries: source bulk, grade E, zone UTC" in line for line in said)
    assert any(line.strip() == "0 occupancies" for line in said)
    assert any("2 rows refused" in line for line in said)
    entries = reading().scalar(select(func.count()).select_from(UsageEntry))
    total = reading().scalar(select(func.sum(UsageRollup.effective_seconds)))
    assert entries == JOBS and created > JOBS
    assert total == rehearse_usage.read_log(head / LOG).seconds
    db.session.rollback()
    again: list[str] = []
    assert rehearse_usage.run(head, again.append) == 0
    assert any("0 entries created, 3,000 unchanged" in line for line in again)


def test_the_whole_log_holds_what_its_publishers_say(data_dir):
    log = rehearse_usage.read_log(data_dir / LOG)
    assert (log.rows, log.refused, len(log.partitions)) == (188_041, [], 170)
    # 417,369.66 hours; cut to whole minutes, 1,251 of them would be lost.
    assert log.seconds == 1_502_530_759 == sum(log.by_month.values())
    lanes = {number: max(first_free(jobs)) + 1 for number, jobs in log.jobs.items()}
    assert max(lanes.values()) == 1_410


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no archive", "lcg_grid_2005.swf.gz: a broken or cut archive"),
        (gzip.compress(b"; UnixStartTime: 1\n" * 50)[:-9], "lcg_grid_2005.swf.gz: a broken or cut archive"),
        (gzip.compress(b""), "lcg_grid_2005.swf.gz: no job in it"),
        (gzip.compress(b"; Partition: 1 cern.ch\n1 2\n\xff\xfe\n"), "lcg_grid_2005.swf.gz: no job in it"),
    ],
    # An archive holds the second of its making, so it is no name.
    ids=["no archive", "cut", "empty", "no job"],
)
def test_a_broken_log_is_named_with_the_remedy(tmp_path, content, said):
    path = tmp_path / "lcg_grid_2005.swf.gz"
    path.write_bytes(content)
    with pytest.raises(BrokenInput, match="fetch it again") as error:
        rehearse_usage.read_log(path)
    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    ("computer", "institution"),
    [
        ("lxgate13.cern.ch", "cern.ch"),
        ("rhul.ac.uk", "rhul.ac.uk"),
        ("ihep.ac.cn", "ihep.ac.cn"),
        ("sinica.edu.tw", "sinica.edu.tw"),
        ("zeus-ce.desy.de", "desy.de"),
        ("ulakbim.gov.tr", "ulakbim.gov.tr"),
        ("cern.ch", "cern.ch"),
    ],
)
def test_the_institution_behind_a_computer(computer, institution):
    assert institution_of(computer) == institution


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 60)), max_size=60))
def test_each_job_takes_the_first_free_unit(spans):
    jobs = [JobRow(n, start, seconds, 1) for n, (start, seconds) in enumerate(sorted(spans))]
    units = first_free(jobs)
    for n, (job, unit) in enumerate(zip(jobs, units, strict=True)):
        busy = {
            u for j, u in zip(jobs[:n], units[:n], strict=True) if j.starts + max(j.seconds, 1) > job.starts
        }
        assert unit == min(set(range(len(jobs) + 1)) - busy)


@given(st.integers(1_100_000_000, 1_300_000_000), st.integers(1, 90 * 86_400))
def test_months_sum_to_the_job(starts, seconds):
    parts = list(months(starts, seconds))
    assert sum(part for _, part in parts) == seconds
    assert len({month for month, _ in parts}) == len(parts)
    for (_, part), (following, _) in zip(parts, parts[1:], strict=False):
        starts += part
        assert starts == calendar.timegm((int(following[:4]), int(following[5:]), 1, 0, 0, 0))
