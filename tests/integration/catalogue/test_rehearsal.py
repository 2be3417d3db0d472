"""The rehearsal with the published registers: totals agree with the files, and the second run creates nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from sqlalchemy import func, select

from resource_hub.domain.accounts.tables import MergeProposal, Organisation
from resource_hub.domain.catalogue import service
from resource_hub.domain.catalogue.tables import Resource, Unit
from resource_hub.domain.catalogue.terms import ResourceKind
from resource_hub.entrypoints.commands import rehearse_instruments as rehearsal
from resource_hub.infra.database import reading

pytestmark = pytest.mark.usefixtures("in_app")


def count(table: type, *where: object) -> int:
    session = reading()
    session.rollback()
    return session.scalar(select(func.count()).select_from(table).where(*where)) or 0  # type: ignore[arg-type]


@pytest.mark.slow
def test_everything_arrives_and_nothing_twice(data_dir: Path) -> None:
    said: list[str] = []
    parts = rehearsal.run(data_dir, said.append)
    assert count(Organisation, Organisation.source_key.like("omicsmaps/centre/%")) == 1025
    assert count(Unit, Unit.code.like("SEQ-%")) == 7370
    with (data_dir / "instruments" / "sequencer_capacity.csv").open(encoding="utf-8") as file:
        models = {row["model"] for row in csv.DictReader(file)}
    assert service.search(service.Query(text="Illumina HiSeq 2000")).total > 300 and len(models) == 10
    assert count(MergeProposal) == 74
    assert [len(part.refused) for part in parts] == [2, 0, 0, 3]
    report = "\n".join(said)
    for sentence in (
        "7,373 in the file, 3 refused by name, 7,370 arrived",
        "96 lines without a count",
        "74 groups of the same name, case and blanks folded: 74 new proposals to merge, none merged",
        "names centre 809, which is not in the list",
        "11 test codes stand on several lines",
    ):
        assert sentence in report
    assert count(Resource, Resource.kind == str(ResourceKind.SERVICE)) == 789
    before = count(Resource), count(Unit)
    again = rehearsal.run(data_dir, said.append)
    assert rehearsal.created(again) == 0 and sum(part.updated for part in again) == 0
    assert (count(Resource), count(Unit)) == before
