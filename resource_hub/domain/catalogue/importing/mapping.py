"""Which column of a sheet is which field: targets, synonyms of headings, a guess, and mappings that people saved.

A mapping as a file::

    [columns]
    "设备编号" = "code"
    "价格" = { field = "original_value", unit = "10000 CNY" }
    "电子枪" = "specification.电子枪"

    [constants]                 # for every row
    kind = "instrument"
    city = "广州"

    [values.status]             # what a cell says → what it means
    "在用" = "normal"
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resource_hub.domain.catalogue.errors import MappingInvalid
from resource_hub.domain.catalogue.text import fold
from resource_hub.kernel.errors import Reason

# Targets of a column, in the order in which the page offers them. ``name`` goes to the language that it is written in.
TARGETS = (
    "code", "name", "name_zh", "name_en", "kind", "class_code", "model", "maker", "country", "department",
    "summary", "summary_zh", "summary_en", "city", "place", "place_zh", "place_en", "latitude", "longitude",
    "original_value", "currency", "accepted_on", "commissioned_on", "decommissioned_on", "general_purpose",
    "specification", "accessories", "contact_name", "contact_phone", "contact_email", "modes", "rules", "rules_zh",
    "rules_en", "bookable", "open_to_outside", "units", "serial_number", "inventory_number", "origin", "status",
)  # fmt: skip
FREE_TARGETS = ("specification.", "details.")
MONEY_UNITS = {"CNY": 1, "10000 CNY": 10_000}

# Headings as they were seen, folded by `heading_key`. The first match wins; what matches nothing is left out.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "code": (
        "设备编号", "仪器编号", "资产编号", "编号", "固定资产编号", "所内编号", "内部编号", "仪器设备编号",
        "innerid", "id", "code", "assetnumber", "assetid", "instrumentid", "equipmentid", "deviceid",
        "internalrecordid", "recordid",
    ),
    "name": (
        "设备名称", "仪器名称", "仪器设备名称", "名称", "资源名称", "name", "title", "instrument", "instrumentname",
        "equipmentname", "devicename", "displayname",
    ),
    "name_zh": ("中文名称", "设备中文名称", "仪器中文名称", "cname", "namezh", "chinesename"),
    "name_en": ("英文名称", "设备英文名称", "仪器英文名称", "外文名称", "ename", "nameen", "englishname"),
    "kind": ("类型", "资源类型", "type", "kind", "resourcetype"),
    "class_code": (
        "分类编码", "仪器分类编码", "设备分类编码", "分类代码", "分类号", "国标分类号", "instrcategory", "classcode",
        "categorycode",
    ),
    "model": ("设备型号", "型号", "规格型号", "仪器型号", "instrversion", "model", "modelname", "modelnumber"),
    "maker": (
        "生产厂家", "生产厂商", "制造厂商", "制造商", "厂家", "厂商", "manufacturer", "manufacturername", "maker",
        "make",
    ),
    "country": ("国别", "国别码", "产地", "产地国别", "原产国", "nation", "country", "countryoforigin"),
    "department": (
        "所属实训室", "所在实训室", "所属实验室", "所在实验室", "实验室", "所属单位", "所属部门", "使用单位",
        "insidedepart", "department", "managingdepartment", "laboratory", "lab", "servicecenter", "facility",
    ),
    "summary": (
        "功能", "主要功能", "功能特色", "使用方向", "简介", "用途", "description", "summary", "function", "purpose",
        "capabilities",
    ),
    "city": ("城市", "所在城市", "city", "locality", "sitelocation"),
    "place": (
        "存放地点", "所在地点", "存放地", "安放地址", "安装地点", "放置地点", "地点", "地址", "房间", "房间号",
        "location", "address", "room", "roomnumber", "place", "building",
    ),
    "latitude": ("纬度", "latitude", "lat"),
    "longitude": ("经度", "longitude", "lng", "lon"),
    "original_value": (
        "价格", "原值", "设备原值", "仪器原值", "单价", "金额", "购置价格", "资产原值", "worth", "originalvalue",
        "price", "purchaseprice", "value", "cost",
    ),
    "currency": ("币种", "currency"),
    "accepted_on": ("验收日期", "入账日期", "设备入账日期", "入库日期", "acceptancedate", "acceptedon"),
    "commissioned_on": (
        "启用日期", "投入使用日期", "购买日期", "购置日期", "begindate", "commissioneddate", "commissionedon",
        "datecommissioned",
    ),
    "decommissioned_on": ("停用日期", "报废日期", "decommissioneddate", "decommissionedon"),
    "specification": (
        "主要技术指标", "技术指标", "设备规格", "规格", "性能指标", "technical", "technique", "specification",
        "specifications", "properties",
    ),
    "accessories": ("附件", "主要附件", "配件", "accessories"),
    "contact_name": ("联系人", "contact", "contactname"),
    "contact_phone": ("联系电话", "电话", "phone", "contacttelephone", "telephone"),
    "contact_email": ("电子邮箱", "邮箱", "电子邮件", "email", "contactemail"),
    "modes": ("服务方式", "使用方式", "开放方式", "modes", "servicemode"),
    "rules": ("收费说明", "使用须知", "共享规定", "开放共享规定", "requirement", "rules", "servicelevel"),
    "open_to_outside": ("是否对外开放", "对外开放", "opentooutside"),
    "units": ("台套数", "台数", "数量", "机位数", "units", "quantity", "numbermachines", "count"),
    "serial_number": ("序列号", "出厂编号", "serialnumber", "sn"),
    "status": ("状态", "运行状态", "status"),
}  # fmt: skip

_BY_HEADING = {key: target for target, keys in SYNONYMS.items() for key in keys}
_CJK_TAIL = re.compile(r"[(（\[【].*?[)）\]】]")
_NOT_WORD = re.compile(r"[\W_]+")


def heading_key(heading: str) -> str:
    """One spelling of a heading: case, blanks, punctuation and remarks dropped.

    ``价格*可保留两位小数`` and ``价格（元）`` are both ``价格``; ``Model Number`` is ``modelnumber``.
    """
    text = fold(heading).split("*")[0] or fold(heading).replace("*", "")
    return _NOT_WORD.sub("", _CJK_TAIL.sub("", text))


@dataclass(frozen=True, slots=True)
class Column:
    """What becomes of one column: ``unit`` says in which unit its amounts are."""

    heading: str
    target: str
    unit: str = "CNY"


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """Columns, values for every row, and what cells mean."""

    columns: tuple[Column, ...]
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def targets(self) -> set[str]:
        return {column.target for column in self.columns} | set(self.constants)

    def as_json(self) -> dict[str, Any]:
        """As stored: columns as a list, because a database may not keep the order of an object's keys."""
        return {
            "columns": [
                {"heading": column.heading, "field": column.target, "unit": column.unit}
                for column in self.columns
            ],
            "constants": dict(self.constants),
            "values": {target: dict(words) for target, words in self.values.items()},
        }


def guess(headings: tuple[str, ...]) -> SheetMapping:
    """A mapping from what the headings say. A target is given once, to the first column that fits it.

    ``价格（万元）`` is taken as tens of thousands of yuan.
    """
    columns: list[Column] = []
    taken: set[str] = set()
    for heading in headings:
        target = _BY_HEADING.get(heading_key(heading))
        if target is None or target in taken:
            continue
        taken.add(target)
        unit = "10000 CNY" if target == "original_value" and "万" in heading else "CNY"
        columns.append(Column(heading, target, unit))
    return SheetMapping(tuple(columns))


def known_target(target: str) -> bool:
    return target in TARGETS or any(
        target.startswith(free) and len(target) > len(free) for free in FREE_TARGETS
    )


def from_json(document: Mapping[str, Any]) -> SheetMapping:
    """A mapping from its stored or typed form.

    Raises:
        MappingInvalid: with every fault, each naming its column or key.
    """
    reasons: list[Reason] = []
    columns: list[Column] = []
    seen: dict[str, str] = {}

    def bad(code: str, place: str, **values: object) -> None:
        reasons.append(Reason(f"catalogue.{code}", values, place))

    for key in document:
        if key not in ("columns", "constants", "values", "sheet"):
            bad("mapping_key", key, key=key)
    rows = document.get("columns", {})
    if isinstance(rows, list) and all(
        isinstance(row, Mapping) and isinstance(row.get("heading"), str) for row in rows
    ):
        rows = {row["heading"]: row for row in rows}
    if not isinstance(rows, Mapping):
        rows = {}
        bad("mapping_shape", "columns", key="columns")
    for heading, rule in rows.items():
        target = rule.get("field", "") if isinstance(rule, Mapping) else rule
        unit = rule.get("unit", "CNY") if isinstance(rule, Mapping) else "CNY"
        if not isinstance(target, str) or not known_target(target):
            bad("mapping_target", f"columns.{heading}", heading=heading, target=str(target)[:80])
            continue
        if unit not in MONEY_UNITS:
            bad("mapping_unit", f"columns.{heading}", unit=str(unit), known=", ".join(MONEY_UNITS))
            continue
        if target in seen and not target.startswith("specification"):
            bad(
                "mapping_twice",
                f"columns.{heading}",
                target=_word(target),
                first=seen[target],
                second=heading,
            )
            continue
        seen[target] = heading
        columns.append(Column(heading, target, unit))
    constants = document.get("constants", {})
    for target, value in constants.items() if isinstance(constants, Mapping) else ():
        if not known_target(target) or not isinstance(value, (str, int, bool)):
            bad("mapping_target", f"constants.{target}", heading=target, target=target)
        elif target in seen:
            bad(
                "mapping_twice",
                f"constants.{target}",
                target=_word(target),
                first=seen[target],
                second="constants",
            )
    values = document.get("values", {})
    for target, words in values.items() if isinstance(values, Mapping) else ():
        if not isinstance(words, Mapping) or not all(isinstance(word, str) for word in words.values()):
            bad("mapping_shape", f"values.{target}", key=f"values.{target}")
    if reasons:
        raise MappingInvalid(*reasons)
    return SheetMapping(
        tuple(columns),
        {target: _constant(value) for target, value in constants.items()},
        {
            target: {fold(key.strip()): word for key, word in words.items()}
            for target, words in values.items()
        },
    )


def _word(target: str) -> Any:
    """A target as the reader's word for it."""
    return {"word": ["catalogue.field", target]} if target in TARGETS else target.split(".", 1)[-1]


def _constant(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def from_text(text: str, name: str) -> SheetMapping:
    """A mapping from the text of a TOML or JSON file (by its ending, or by its first character).

    Raises:
        MappingInvalid: the text is neither, or the mapping has faults.
    """
    is_json = name.lower().endswith(".json") or (
        not name.lower().endswith(".toml") and text.lstrip()[:1] == "{"
    )
    try:
        document = json.loads(text) if is_json else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise MappingInvalid(
            Reason("catalogue.mapping_unreadable", {"file": name, "detail": str(error)[:200]})
        ) from None
    if not isinstance(document, Mapping):
        raise MappingInvalid(Reason("catalogue.mapping_shape", {"key": name}))
    return from_json(document)


def check_against(mapping: SheetMapping, headings: tuple[str, ...]) -> list[Reason]:
    """What is missing for an import: columns that the file does not have, and targets that no row can do without."""
    reasons = [
        Reason(
            "catalogue.heading_missing",
            {"heading": column.heading, "headings": ", ".join(h for h in headings if h)[:500]},
            f"columns.{column.heading}",
        )
        for column in mapping.columns
        if column.heading not in headings
    ]
    targets = mapping.targets()
    if "code" not in targets:
        reasons.append(
            Reason("catalogue.mapping_needs", {"target": {"word": ["catalogue.field", "code"]}}, "code")
        )
    if not targets & {"name", "name_zh", "name_en"}:
        reasons.append(
            Reason("catalogue.mapping_needs", {"target": {"word": ["catalogue.field", "name"]}}, "name")
        )
    return reasons
