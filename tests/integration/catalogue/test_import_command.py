"""``resource-hub import instruments``: every bad file and row gets a sentence with its place and a remedy, the other
rows come in when the person asks for that, and nothing is ever half-written."""

from __future__ import annotations

import io
import zipfile

import pytest
import xlsxwriter
from click.testing import CliRunner
from sqlalchemy import func, select

from resource_hub.domain.catalogue.tables import Resource
from resource_hub.entrypoints.cli import cli
from resource_hub.infra.database import db, reading
from tests.builders import accounts as people
from tests.support.application import environment

HEAD = "编号,名称,分类编码,原值,验收日期,数量\n"
GOOD = "OK-1,场发射扫描电子显微镜,010203,1280000.00,2024-03-05,1\n"


@pytest.fixture
def run(in_app, database, tmp_path, monkeypatch):
    """Writes a file and imports it from the command line; gives the exit status and all that was printed."""
    people.make_institution(code="ustc")
    for name, value in environment(database, tmp_path / "instance").items():
        monkeypatch.setenv(name, value)

    def call(body, *options, name="sheet.csv"):
        db.session.rollback()
        path = tmp_path / name
        path.write_bytes(body if isinstance(body, bytes) else body.encode())
        done = CliRunner().invoke(
            cli, ["import", "instruments", str(path), "--institution", "ustc", "--incomplete", *options]
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return call


def count():
    db.session.rollback()
    return reading().scalar(select(func.count()).select_from(Resource))


BAD_ROWS = {
    "formula": ("X-1,=cmd|' /C calc'!A0,010203,1,2024-03-05,1\n", "column 2 (名称)"),
    "wide formula": ("X-1,＝1+1,010203,1,2024-03-05,1\n", "column 2 (名称)"),
    "naive time": ("X-1,电镜,010203,1,2024-03-05 08:30,1\n", "column 5 (验收日期)"),
    "day of no month": ("X-1,电镜,010203,1,2024-02-30,1\n", "column 5 (验收日期)"),
    "day that reads two ways": ("X-1,电镜,010203,1,03/05/2024,1\n", "column 5 (验收日期)"),
    "negative money": ("X-1,电镜,010203,-1,2024-03-05,1\n", "column 4 (原值)"),
    "negative money of an accountant": ("X-1,电镜,010203,(100),2024-03-05,1\n", "column 4 (原值)"),
    "money that is none": ("X-1,电镜,010203,1e3,2024-03-05,1\n", "column 4 (原值)"),
    "unknown class": ("X-1,电镜,999999,1,2024-03-05,1\n", "column 3 (分类编码)"),
    "half a machine": ("X-1,电镜,010203,1,2024-03-05,0.5\n", "column 6 (数量)"),
    "no name": ("X-1,,010203,1,2024-03-05,1\n", "column 2 (名称)"),
    "no code": (",电镜,010203,1,2024-03-05,1\n", "column 1 (编号)"),
    "a cell too many": ("X-1,电镜,010203,1,2024-03-05,1,more\n", ""),
    "open quotes": ('X-1,"电"镜,010203,1,2024-03-05,1\n', ""),
    "the same code again": ("OK-1,电镜,010203,1,2024-03-05,1\n", "The code OK-1 stands in line 2 already"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_told_with_its_place_and_the_rest_comes_in_when_asked(run, name):
    bad, column = BAD_ROWS[name]
    body = HEAD + GOOD + bad
    status, said = run(body)
    assert status == 1 and "nothing was imported: 1 rows are refused (--partial imports the others)" in said
    [line] = [line for line in said.splitlines() if line.startswith("  line 3")]
    assert column in line
    # A sentence, no bare code.
    assert "catalogue." not in line and line.endswith("."), line
    assert count() == 0
    status, said = run(body, "--partial")
    assert status == 0 and "1 created, 0 updated, 0 unchanged, 1 refused" in said
    assert count() == 1
    status, said = run(body, "--partial")
    assert status == 0 and "0 created, 0 updated, 1 unchanged, 1 refused" in said


def archive(**members):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return body.getvalue()


BAD_FILES = {
    "empty": b"",
    "headings only of blanks": b"\n \n",
    "no heading that is known": "甲,乙\n1,2\n".encode(),
    "two headings alike": "编号,编号\n1,2\n".encode(),
    "another encoding than said": (HEAD + GOOD).encode("gb18030") + b"\xff\xff,\n",
    "Latin 1": b"nom,pays\n" + ("caf\xe9\xe8\xe0 \xe7\xea,\xd6sterreich\n" * 9).encode("cp1252"),
    "no text": b"\x7fELF\x00\x00\x01\x02" * 50,
    "a line without end": HEAD.encode() + b"x" * (2 << 20),
    "a broken archive": b"PK\x03\x04 not a zip",
    "a bomb": archive(xl__workbook_xml=b"0" * (40 << 20)),
    "another office file": archive(word__document_xml=b"x"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_a_remedy(run, name):
    for options in ((), ("--partial",), ("--dry-run",)):
        status, said = run(BAD_FILES[name], *options)
        assert status == 1
        sentence = said.strip().splitlines()[-1]
        assert "catalogue." not in sentence and sentence.endswith(".") and sentence.count(". ") >= 1, sentence
    assert count() == 0


def test_a_formula_in_a_workbook_gives_the_value_that_it_shows(run, tmp_path):
    path = tmp_path / "made.xlsx"
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet()
    page.write_row(0, 0, HEAD.strip().split(","))
    page.write_row(1, 0, ["W-1", "电镜", "010203"])
    page.write_formula(1, 3, "=600+400", value=1000)
    book.close()
    status, said = run(path.read_bytes(), name="sheet.xlsx")
    assert status == 0 and "1 created, 0 updated, 0 unchanged, 0 refused" in said
    assert reading().scalar(select(Resource.original_value_minor)) == 100_000
