"""Files of an import: encodings, delimiters, workbooks, hostile ones."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from resource_hub.domain.catalogue.errors import MappingInvalid, SheetRefused
from resource_hub.domain.catalogue.importing import mapping, sheet, workbook

ROWS = '编号,名称,型号\r\nA1,场发射扫描电子显微镜,"x,\ny"\r\nA2,液相色谱质谱联用仪,z\r\n'


def write(path: Path, body: bytes) -> Path:
    path.write_bytes(body)
    return path


def refusal(path: Path, **said: str) -> tuple[str, dict]:
    with pytest.raises(SheetRefused) as refused:
        list(sheet.open_sheet(path, **said).rows())
    reason = refused.value.reasons[0]
    return reason.code.removeprefix("catalogue."), dict(reason.values)


@pytest.mark.parametrize(
    "body",
    [
        ROWS.encode(),
        ROWS.encode("utf-8-sig"),
        ROWS.encode("gb18030"),
        ROWS.encode("utf-16"),
        b"\xfe\xff" + ROWS.encode("utf-16-be"),
        ROWS.encode("utf-16-le"),
        ROWS.replace(",", "\t").replace('"x\t', '"x,').encode(),
        ROWS.replace(",", ";").encode(),
        ("\r\n\r\n" + ROWS).encode(),
    ],
)
def test_the_same_table_however_it_is_written(tmp_path: Path, body: bytes) -> None:
    opened = sheet.open_sheet(write(tmp_path / "t.csv", body))
    assert opened.shape.headings == ("编号", "名称", "型号")
    rows = list(opened.rows())
    assert [row.cells[0] for row in rows] == ["A1", "A2"] and rows[0].problem is None
    first = 4 if body.startswith(b"\r\n\r\n") else 2
    # A cell with a line break takes two lines; each row carries the number of its first one.
    assert [row.line for row in rows] == [first, first + 2]


def test_broken_and_ambiguous_encodings_name_their_line(tmp_path: Path) -> None:
    good = ROWS.encode()
    code, values = refusal(write(tmp_path / "a", good + b"\xff\xfe\xff,b,c\n"))
    assert code == "sheet_encoding_broken" and values["line"] == 5
    latin = "nom,pays\n" + "caf\xe9\xe8\xe0 \xe7\xea,\xd6sterreich\n" * 9
    code, values = refusal(write(tmp_path / "b", latin.encode("cp1252")))
    assert code in ("sheet_encoding_ambiguous", "sheet_encoding_broken") and values["line"] == 2
    assert refusal(write(tmp_path / "c", ROWS.encode("utf-32")))[0] == "sheet_encoding_utf32"
    assert refusal(write(tmp_path / "d", b"a,b\n\x00\x01\x02,c\n"))[0] == "sheet_not_text"
    assert (
        refusal(write(tmp_path / "e", ROWS.encode("gb18030")), encoding="utf-8")[0] == "sheet_encoding_wrong"
    )
    assert refusal(write(tmp_path / "f", good), encoding="ebcdic")[0] == "sheet_encoding_unknown"


def test_empty_and_shapeless_files(tmp_path: Path) -> None:
    assert refusal(write(tmp_path / "a", b""))[0] == "sheet_empty"
    assert refusal(write(tmp_path / "b", b"\n\n  \n"))[0] == "sheet_empty"
    assert refusal(write(tmp_path / "c", b"a,b,a\n1,2,3\n"))[0] == "sheet_heading_twice"
    assert refusal(write(tmp_path / "d", b"a;b,c\n1;2,3\n"))[0] == "sheet_delimiter_ambiguous"
    opened = sheet.open_sheet(tmp_path / "d", delimiter=";")
    assert opened.shape.headings == ("a", "b,c")
    assert refusal(write(tmp_path / "e", (",".join(map(str, range(300)))).encode()))[0] == "sheet_too_wide"


def test_a_line_without_end_is_refused_before_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write(b"a,b\n1,")
        file.truncate(2 << 30)  # sparse: two gigabytes that take no room
    assert refusal(path)[0] in ("sheet_line_too_long", "sheet_not_text")
    with path.open("wb") as file:
        file.write(b"a,b\n1," + b"x" * (3 << 20))
    assert refusal(path) == ("sheet_line_too_long", {"line": 2, "limit": sheet.MAX_LINE_BYTES})


def test_bad_rows_are_told_and_the_others_read(tmp_path: Path) -> None:
    body = 'a,b\n1,2\n1,2,3\n"x"y,2\n3,4\n' + "z" * 40_000 + ",1\n5,6\n"
    rows = list(sheet.open_sheet(write(tmp_path / "a", body.encode())).rows())
    assert [row.cells for row in rows if row.problem is None] == [("1", "2"), ("3", "4"), ("5", "6")]
    told = {row.line: row.problem.code.removeprefix("catalogue.") for row in rows if row.problem}
    assert told == {3: "row_cells", 4: "row_quotes", 6: "row_cell_too_long"}


def test_workbook(tmp_path: Path) -> None:
    path = tmp_path / "book.bin"
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet("清单")
    page.write_row(1, 1, ["编号", "原值", "验收日期", "公式"])
    page.write_row(2, 1, ["0001", 1280000.1])
    import datetime

    page.write_datetime(2, 3, datetime.datetime(2024, 3, 5), book.add_format({"num_format": "yyyy-mm-dd"}))
    page.write_formula(2, 4, "=1+1", value=2)
    book.add_worksheet("其他")
    book.close()
    opened = sheet.open_sheet(path)
    assert opened.shape.sheet == "清单" and opened.shape.headings == ("", "编号", "原值", "验收日期", "公式")
    (row,) = opened.rows()
    assert row.line == 3 and row.cells == ("", "0001", "1280000.1", "2024-03-05", "2")
    assert refusal(path, sheet="没有")[0] == "sheet_unknown"


def test_hostile_archives(tmp_path: Path) -> None:
    assert refusal(write(tmp_path / "a", b"PK\x03\x04 not a zip"))[0] == "sheet_archive_broken"
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr("word/document.xml", "x")
    assert refusal(tmp_path / "b")[0] == "sheet_archive_other"
    with zipfile.ZipFile(tmp_path / "c", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (40 << 20))
    assert refusal(tmp_path / "c")[0] == "sheet_archive_bomb"
    with zipfile.ZipFile(tmp_path / "d", "w") as archive:
        for number in range(workbook.MAX_ENTRIES + 1):
            archive.writestr(f"{number}", "")
    assert refusal(tmp_path / "d")[0] == "sheet_archive_entries"
    with zipfile.ZipFile(tmp_path / "e", "w") as archive:
        archive.writestr("xl/workbook.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><workbook>&a;</workbook>")
    assert refusal(tmp_path / "e")[0] in ("sheet_workbook_broken", "sheet_empty")


def test_the_child_is_held_within_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.xlsx"
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    page = book.add_worksheet()
    for row in range(20_000):
        page.write_row(row, 0, [f"{row} {'x' * 40} {column}" for column in range(20)])
    book.close()
    monkeypatch.setattr(workbook, "MEMORY_LIMIT", 40 << 20)
    monkeypatch.setattr(workbook, "MAX_RATIO", 10_000)
    assert refusal(path)[0] in ("sheet_parser_died", "sheet_workbook_broken")


def test_known_headings_are_guessed(data_dir: Path) -> None:
    seen = json.loads((data_dir / "instruments" / "import_sheet_headings.json").read_text(encoding="utf-8"))
    for name, wanted in {
        "school_device_xlsx": {
            "code",
            "name",
            "model",
            "original_value",
            "accepted_on",
            "department",
            "maker",
        },
        "lab_room_device_xls": {"code", "name", "department", "place", "status"},
        "uniquip_uk": {"code", "name", "kind", "contact_email", "department", "city"},
    }.items():
        headings = tuple(seen[name])
        guessed = mapping.guess(headings)
        assert wanted <= {column.target for column in guessed.columns}
        assert mapping.check_against(guessed, headings) == []
    assert mapping.guess(("编号", "价格（万元）")).columns[1].unit == "10000 CNY"


def test_mapping_files() -> None:
    read = mapping.from_text('[columns]\n"设备编号" = "code"\n"价" = {field="original_value", unit="10000 CNY"}\n'
                             '[constants]\nkind = "instrument"\n', "m.toml")  # fmt: skip
    assert mapping.from_json(read.as_json()) == read
    assert mapping.from_text(json.dumps(read.as_json()), "m.json") == read
    with pytest.raises(MappingInvalid) as refused:
        mapping.from_json({"columns": {"a": "rubbish", "b": "code", "c": "code", "d": {"field": "code", "unit": "EUR"}},
                           "other": 1})  # fmt: skip
    assert {reason.code.removeprefix("catalogue.") for reason in refused.value.reasons} == {
        "mapping_target", "mapping_twice", "mapping_unit", "mapping_key",
    }  # fmt: skip
    for text, name in (("{", "m.json"), ("= 1", "m.toml"), ("[]", "m.json")):
        with pytest.raises(MappingInvalid):
            mapping.from_text(text, name)


class Endless(io.RawIOBase):
    """Two gigabytes that are made while they are read; remembers how far somebody read."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head, self.size, self.place, self.furthest = head, size, 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        room = min(len(buffer), self.size - self.place)
        piece = self.head[self.place : self.place + room]
        buffer[:room] = piece + b"x" * (room - len(piece))
        self.place += room
        return room


class EndlessPath:
    """A path whose file is made while it is read."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head, self.size, self.opened = head, size, []

    def open(
        self, mode: str, encoding: str | None = None, errors: str = "strict", newline: str | None = None
    ):
        raw = Endless(self.head, self.size)
        self.opened.append(raw)
        file = io.BufferedReader(raw)
        return file if "b" in mode else io.TextIOWrapper(file, encoding, errors, newline)


@pytest.mark.parametrize("head", [b"a,b\n1,", b"a,b\n1,\xb5\xe7\xbe\xb5", "a,b\n1,电镜".encode(), b""])
@pytest.mark.parametrize("encoding", ["", "utf-8", "gb18030"])
def test_two_gigabytes_in_one_line_cost_no_memory(head: bytes, encoding: str) -> None:
    path = EndlessPath(head, 2 << 30)
    tracemalloc.start()
    try:
        with pytest.raises(SheetRefused) as refused:
            list(sheet.open_sheet(path, encoding=encoding).rows())  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {r.code for r in refused.value.reasons} <= {
        "catalogue.sheet_line_too_long",
        "catalogue.sheet_encoding_wrong",
    }
    assert peak < 24 << 20
    assert max(file.place for file in path.opened) < 4 << 20
