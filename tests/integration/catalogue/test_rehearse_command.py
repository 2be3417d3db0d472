"""``resource-hub rehearse``: what it says when its inputs or its database are not what they should be."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from resource_hub.entrypoints.cli import cli
from resource_hub.entrypoints.commands import rehearse_files as files
from tests.support.application import environment

CENTRES = (
    "centre_id,name,url,description,latitude,longitude,locality,country,country_code,service_facility,"
    "dedicated_genome_centre,date_created\n"
    "1,Institute,,,52.1,0.1,Cambridge,United Kingdom,GB,true,false,2013-12-05\n"
)
CAPACITY = "capacity_id,centre_id,platform,model,number_machines\n5,1,Illumina GA2,Illumina GA2,3\n"
SCNU = (
    "device_id,name,model,laboratory,location,properties,accessories\n1,电镜,SU8010,分析测试中心,A101,{},\n"
)
PNNL = (
    "instrument_id,instrument,description,room_number,instrument_class,class_comment,status,instrument_group,"
    "operations_role,percent_emsl_owned,service_center_eligible\n"
    "1,Orbitrap,,1,LTQ,,active,LC,Production,0,1\n"
)
PRICES = (
    "row,test_item_name,test_condition,unit_price,department_id,department,test_code,test_standard,group_id\n"
    "1,拉伸,,100.00,3,力学,LMT01,/,mechanics\n"
)


@pytest.fixture
def data(tmp_path):
    """A folder with one good row in every table."""
    folder = tmp_path / "data"
    for name, text in (
        (files.CENTRES, CENTRES), (files.CAPACITY, CAPACITY), (files.SCNU, SCNU), (files.PNNL, PNNL),
        (files.PRICES, PRICES),
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def into(database, tmp_path, monkeypatch):
    """The options that name a fresh database of the engine at hand."""
    for name, value in environment(database, tmp_path / "instance").items():
        monkeypatch.setenv(name, value)
    return (
        "--only", "instruments", "--db", database.url, "--migration-url", database.owner_url,
        "--app-role", database.app_role,
    )  # fmt: skip


def rehearse(*arguments):
    return CliRunner().invoke(cli, ["rehearse", *map(str, arguments)])


def test_a_folder_that_is_not_there(tmp_path):
    done = rehearse("--data", tmp_path / "none", "--db", tmp_path / "hub.db")
    assert done.exit_code == 2 and "does not exist" in done.output


def test_files_that_are_not_there_are_named_before_anything_is_made(data, tmp_path):
    (data / files.PRICES).unlink()
    done = rehearse("--data", data, "--db", tmp_path / "hub.db")
    assert done.exit_code == 1
    assert f"not there below {data}: {files.PRICES}, {files.LOG}" in done.output
    assert not (tmp_path / "hub.db").exists()


def test_a_database_that_cannot_be_reached_is_said_without_its_password(data):
    done = rehearse(
        "--data", data, "--only", "instruments", "--db", "postgresql://hub:secret@127.0.0.1:1/none"
    )
    assert done.exit_code == 1
    assert "postgresql://hub:***@127.0.0.1:1/none: " in done.output and "secret" not in done.output


def test_a_database_in_no_folder_or_that_is_none(data, tmp_path):
    lost = tmp_path / "no" / "folder.db"
    done = rehearse("--data", data, "--only", "instruments", "--db", lost)
    assert done.exit_code == 1 and f"{lost}: unable to open database file" in done.output
    text = tmp_path / "notes.txt"
    text.write_text("no database" * 200)
    done = rehearse("--data", data, "--only", "instruments", "--db", text)
    assert done.exit_code == 1 and f"{text}: file is not a database" in done.output


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (files.CENTRES, b"", "line 1: no column centre_id"),
        (files.CENTRES, CENTRES.splitlines()[0].encode(), "no rows below the headings"),
        (files.CENTRES, CENTRES.replace("52.1", "north").encode(), "line 2: latitude is 'north'"),
        (files.CENTRES, CENTRES.replace("52.1", "520").encode(), "line 2: latitude is '520'"),
        (
            files.CAPACITY,
            CAPACITY.replace("model", "type").encode(),
            "line 1: no column model; there are: capacity_id",
        ),
        (files.CAPACITY, CAPACITY.replace(",3\n", ",three\n").encode(), "line 2: number_machines is 'three'"),
        (files.CAPACITY, CAPACITY.replace(",3\n", ",-3\n").encode(), "line 2: number_machines is '-3'"),
        (
            files.CAPACITY,
            CAPACITY.replace(",3\n", "\n").encode(),
            "line 2: other cells than there are headings",
        ),
        (files.PRICES, PRICES.encode("gb18030"), "not UTF-8 at byte"),
        (files.SCNU, b"", "scnu_instruments_zh.csv: "),
    ],
)
def test_a_broken_file_is_named_with_place_and_remedy(data, into, name, content, said):
    (data / name).write_bytes(content)
    done = rehearse("--data", data, *into)
    assert done.exit_code == 1, done.output
    assert name.rsplit("/", 1)[1] in done.output and said in done.output
    assert "Traceback" not in done.output and not done.exception.__class__.__name__.endswith("Error")


def test_good_files_go_in_once(data, into):
    done = rehearse("--data", data, *into)
    assert done.exit_code == 0, done.output
    assert "machines: 3 in the file, 0 refused by name, 3 arrived as units" in done.output
    assert "peak memory" in done.output
    again = rehearse("--data", data, *into)
    assert again.exit_code == 0 and "0 created in all" in again.output
