"""Imports in batches: counts, second runs, bad rows, and a process that dies in the middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from resource_hub.domain.accounts.terms import Actor, OrganisationRecord, Role
from resource_hub.domain.catalogue import errors, service
from resource_hub.domain.catalogue.importing import mapping, sheet
from resource_hub.domain.catalogue.importing import run as running
from resource_hub.domain.catalogue.terms import ImportState, ListingState
from resource_hub.infra import files
from tests.builders import accounts as people
from tests.builders.catalogue import make_listing

pytestmark = pytest.mark.usefixtures("in_app")

HEAD = "编号,名称,型号,价格,实验室,数量\n"


@pytest.fixture
def host(in_app: object) -> OrganisationRecord:
    return people.make_institution(code="ustc")


@pytest.fixture
def office(host: OrganisationRecord) -> Actor:
    return people.make_actor(host, Role.OFFICE)


def opened(folder: Path, body: str) -> sheet.Sheet:
    path = folder / "sheet.csv"
    path.write_text(HEAD + body, encoding="utf-8")
    return sheet.open_sheet(path)


def counts(outcome: object) -> tuple[int, int, int, int]:
    return tuple(getattr(outcome, name) for name in ("created", "updated", "unchanged", "refused"))  # type: ignore[return-value]


def test_created_updated_unchanged(host: OrganisationRecord, tmp_path: Path) -> None:
    options = service.ImportOptions(make_departments=True)
    first = opened(tmp_path, "A1,离心机,X,1,一室,2\nA2,冰箱,Y,2,一室,\n")
    columns = mapping.guess(first.shape.headings)
    look = service.preview(first, columns, host.id, options)
    assert counts(look.outcome) == (2, 0, 0, 0) and service.resources_of(host.id) == []
    assert counts(service.import_directly(first, columns, host.id, options)) == (2, 0, 0, 0)
    assert counts(service.import_directly(first, columns, host.id, options)) == (0, 0, 2, 0)
    one = service.resource_of("ustc", "A1")
    assert one.unit_count == 2 and one.state is ListingState.DRAFT and one.department_id is not None
    changed = opened(tmp_path, "A1,离心机,X,1,一室,3\nA2,冰箱,Z,2,一室,\n")
    assert counts(service.import_directly(changed, columns, host.id, options)) == (0, 2, 0, 0)
    assert service.resource_of("ustc", "A1").unit_count == 3
    assert service.resource_of("ustc", "A2").contents.model == "Z"
    fewer = opened(tmp_path, "A1,离心机,X,1,一室,1\n")
    assert counts(service.import_directly(fewer, columns, host.id, options)) == (0, 0, 1, 0)


def test_a_public_listing_gets_a_change_not_a_new_text(
    host: OrganisationRecord, office: Actor, tmp_path: Path
) -> None:
    listed = make_listing(host, code="A1", name_zh="旧名称", name_en="")
    source = opened(tmp_path, "A1,新名称,,,,\n")
    columns = mapping.from_json({"columns": {"编号": "code", "名称": "name"}})
    options = service.ImportOptions()
    assert counts(service.import_directly(source, columns, host.id, options)) == (0, 1, 0, 0)
    assert counts(service.import_directly(source, columns, host.id, options)) == (0, 0, 1, 0)
    assert service.resource(listed.key).name_zh == "旧名称"
    service.submit(listed.key, by=office)
    again = opened(tmp_path, "A1,又一名称,,,,\n")
    refused = service.import_directly(again, columns, host.id, options)
    assert [p.reason.code for p in refused.problems] == ["catalogue.row_change_waits"]
    service.recall(listed.key, by=office)
    at_once = service.ImportOptions(listed=True)
    assert counts(service.import_directly(again, columns, host.id, at_once)) == (0, 1, 0, 0)
    assert service.resource(listed.key).name_zh == "又一名称"
    assert service.search(service.Query(text="又一名称")).total == 1
    assert counts(service.import_directly(again, columns, host.id, at_once)) == (0, 0, 1, 0)


def test_rows_that_cannot_be(host: OrganisationRecord, tmp_path: Path) -> None:
    other = people.make_institution()
    make_listing(other, code="A1")
    source = opened(tmp_path, "A1,甲,,1,,\nA1,乙,,1,,\nA2,丙,,1,没有的室,\nA3,丁,,-1,,\nA4,戊,,1,,0\n")
    columns = mapping.guess(source.shape.headings)
    outcome = service.import_directly(source, columns, host.id, service.ImportOptions())
    assert counts(outcome) == (1, 0, 0, 4)
    told = {(p.line, p.reason.code.removeprefix("catalogue.")) for p in outcome.problems}
    assert told == {
        (3, "row_code_twice"), (4, "row_department_unknown"), (5, "cell_amount_negative"), (6, "cell_whole"),
    }  # fmt: skip
    with pytest.raises(errors.MappingInvalid):
        service.import_directly(
            source, mapping.from_json({"columns": {"没有": "code"}}), host.id, service.ImportOptions()
        )


def test_a_manager_reaches_only_the_own_department(host: OrganisationRecord, tmp_path: Path) -> None:
    lab, next_door = (
        people.make_department(host, name_zh="一室"),
        people.make_department(host, name_zh="二室"),
    )
    person = people.make_person(roles=[(host, Role.MANAGER, {"department_id": lab.id})])
    manager = people.actor(person, host)
    source = opened(tmp_path, "A1,甲,,1,一室,\nA2,乙,,1,二室,\n")
    look = service.preview(
        source, mapping.guess(source.shape.headings), host.id, service.ImportOptions(), by=manager
    )
    assert [p.reason.code for p in look.outcome.problems] == ["catalogue.row_not_yours"] and next_door
    with pytest.raises(errors.NotYours):
        record = started(manager, source)
        service.configure(
            record.key, record.mapping, service.ImportOptions(listed=True), source.shape, by=manager
        )


def started(by: Actor, source: sheet.Sheet) -> service.ImportRecord:
    stored = files.register(
        by.organisation_id, name="s.csv", media_type="text/csv", size=1, sha256=b"x", person_id=by.person_id
    )
    return service.start(stored.id, "s.csv", source.shape, (), by=by)


def test_a_run_goes_on_behind_its_last_batch(
    host: OrganisationRecord, office: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 10)
    body = "".join(f"A{n},仪器{n},M,1,,\n" for n in range(25)) + "A3,重复,M,1,,\n" + "A99,末,M,-1,,\n"
    source = opened(tmp_path, body)
    record = started(office, source)
    options = service.ImportOptions(partial=True)
    service.configure(record.key, record.mapping, options, source.shape, by=office)
    record = service.release(record.key, by=office, rows=27)
    # The process dies after its first batch; another one takes the run up from its row.
    halfway = service.go_on(record, source, by=office, seconds=-1)
    assert (halfway.state, halfway.done, halfway.created) == (ImportState.RUNNING, 10, 10)
    stale = service.go_on(record, source, by=office, seconds=-1)
    assert stale.done == 10  # who did not see the first batch does not do it again
    done = service.go_on(service.import_run(record.key, by=office), source, by=office)
    assert (done.state, done.done) == (ImportState.DONE, 27)
    assert (done.created, done.refused) == (25, 2)
    assert {p.reason.code for p in done.problems} == {
        "catalogue.row_code_twice",
        "catalogue.cell_amount_negative",
    }
    assert len(service.resources_of(host.id)) == 25


def test_without_partial_nothing_of_a_bad_file_is_kept(
    host: OrganisationRecord, office: Actor, tmp_path: Path
) -> None:
    source = opened(tmp_path, "A1,甲,,1,,\nA2,乙,,-1,,\n")
    record = started(office, source)
    service.configure(record.key, record.mapping, service.ImportOptions(), source.shape, by=office)
    record = service.release(record.key, by=office)
    done = service.go_on(record, source, by=office)
    assert done.state is ImportState.FAILED and done.refused == 1 and len(done.problems) == 1
    assert service.resources_of(host.id) == []
    with pytest.raises(errors.WrongState):
        service.release(record.key, by=office)


def test_mappings_are_kept_for_the_next_file(host: OrganisationRecord, office: Actor, tmp_path: Path) -> None:
    source = opened(tmp_path, "A1,甲,,1,,\n")
    columns = mapping.from_json({"columns": {"编号": "code", "名称": "name_zh", "型号": "maker"}})
    service.save_mapping("资产处", columns, by=office)
    service.save_mapping("资产处", columns, by=office)
    assert [name for name, _ in service.mappings(host.id)] == ["资产处"]
    assert started(office, source).mapping == columns
    stranger = people.make_actor(people.make_institution(), Role.OFFICE)
    assert service.mappings(stranger.organisation_id) == []
    with pytest.raises(errors.ImportNotFound):
        service.import_run(started(office, source).key, by=stranger)
