"""Cells as values: amounts, days, degrees, modes, yes and no. Each says what is wrong and what is right (pure)."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import date
from decimal import Decimal, InvalidOperation

from resource_hub.domain.catalogue.terms import Mode, ResourceKind, WorkingOrder
from resource_hub.domain.catalogue.text import fold
from resource_hub.kernel.money import Money, MoneyError


class CellError(ValueError):
    """A cell that cannot be what its column is. ``code`` names the sentence, ``values`` fill it."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = f"catalogue.{code}"
        self.values = values


_SHEET_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}
_EMPTY = {"", "-", "—", "/", "无", "n/a", "none", "null"}
_AMOUNT_DROPS = re.compile(r"[,\s_]|¥|￥|CNY|RMB|人民币|元整|元")
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_PACKED_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_EXCEL_SERIAL = re.compile(r"\d{5}")
_TIME = re.compile(r"^[T\s]*(\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?(\s*(Z|[+-]\d{2}:?\d{2}))?$")


def plain(text: str) -> str:
    """A cell's text with ends trimmed and invisible characters gone.

    Raises:
        CellError: a formula (it is never computed) or an error value of a spreadsheet.
    """
    cleaned = "".join(
        c for c in text.replace("\xa0", " ") if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf")
    ).strip()
    if cleaned[:1] in ("=", "＝") and len(cleaned) > 1:
        raise CellError("cell_formula", value=cleaned[:60])
    if cleaned in _SHEET_ERRORS:
        raise CellError("cell_sheet_error", value=cleaned)
    return cleaned


def is_empty(text: str) -> bool:
    return fold(text) in _EMPTY


def amount(text: str, factor: int = 1, currency: str = "CNY") -> int:
    """Minor units from ``1,280,000.00``, ``￥1280000 元`` or ``128 万元``; never negative.

    Args:
        factor: what one in the cell stands for (10,000 where the column says 万元).
    """
    typed = unicodedata.normalize("NFKC", text)
    number = _AMOUNT_DROPS.sub("", typed)
    if "万" in number:
        number, factor = number.replace("万", ""), 10_000
    number = number.replace("−", "-")
    if number.startswith("(") and number.endswith(")"):  # how accountants write below zero
        number = "-" + number[1:-1]
    try:
        value = Decimal(number)
        if not value.is_finite() or "e" in number.lower() or value.adjusted() > 12:
            raise InvalidOperation
        money = Money.of(value * factor, currency)
    except InvalidOperation:
        raise CellError("cell_amount", value=text[:60]) from None
    except MoneyError:
        raise CellError("cell_amount_digits", value=text[:60], currency=currency) from None
    if money.is_negative:
        raise CellError("cell_amount_negative", value=text[:60])
    if money.minor > 10**15:
        raise CellError("cell_amount", value=text[:60])
    return money.minor


def day(text: str) -> date:
    """A calendar day from ``2024-03-05``, ``2024/3/5``, ``2024年3月5日`` or ``20240305``.

    A time of midnight behind it is how spreadsheets write days. Any other time without a zone could be another day
    elsewhere and is refused, as are orders of day and month that can be read two ways.
    """
    typed = unicodedata.normalize("NFKC", text).strip()
    found = _DAY.match(typed) or _PACKED_DAY.match(typed)
    if found is None:
        if re.fullmatch(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}", typed):
            raise CellError("cell_day_order", value=typed[:60])
        if _EXCEL_SERIAL.fullmatch(typed):
            raise CellError("cell_day_serial", value=typed)
        raise CellError("cell_day", value=typed[:60])
    rest = typed[found.end() :]
    try:
        value = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise CellError("cell_day_impossible", value=typed[:60]) from None
    if rest.strip():
        moment = _TIME.match(rest)
        if moment is None:
            raise CellError("cell_day", value=typed[:60])
        midnight = int(moment[1]) == int(moment[2]) == int(moment[3] or 0) == 0 and not (
            moment[4] or ""
        ).strip(".0")
        if not midnight and not moment[5]:
            raise CellError("cell_naive_time", value=typed[:60])
    if not date(1900, 1, 1) <= value <= date(2200, 1, 1):
        raise CellError("cell_day_far", value=typed[:60])
    return value


def degrees(text: str, limit: int) -> int:
    """Millionths of a degree; decimal degrees only. Digits beyond the sixth (10 cm) are rounded to it."""
    typed = unicodedata.normalize("NFKC", text).strip().rstrip("°")
    try:
        value = Decimal(typed)
    except InvalidOperation:
        raise CellError("cell_degrees", value=text[:60]) from None
    if not value.is_finite() or abs(value) > limit:
        raise CellError("cell_degrees_range", value=text[:60], limit=limit)
    return int((value * 1_000_000).to_integral_value())


def whole(text: str, least: int = 0, most: int = 500) -> int:
    typed = unicodedata.normalize("NFKC", text).strip().removesuffix("台").removesuffix("套")
    if not re.fullmatch(r"\d{1,9}", typed) or not least <= int(typed) <= most:
        raise CellError("cell_whole", value=text[:60], least=least, most=most)
    return int(typed)


_YES = {"是", "y", "yes", "true", "1", "对", "开放", "t"}
_NO = {"否", "n", "no", "false", "0", "不", "不开放", "f"}


def flag(text: str) -> bool:
    word = fold(text.strip())
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise CellError("cell_flag", value=text[:60])


_MODES = {
    Mode.SELF_USE: ("self_use", "self-use", "self use", "自主上机", "自主操作", "自助", "占用共享", "自主"),
    Mode.STAFF_RUN: (
        "staff_run",
        "staff-run",
        "staff run",
        "专人操作",
        "技术共享",
        "代操作",
        "委托操作",
        "陪同",
    ),
    Mode.SEND_IN: (
        "send_in",
        "send-in",
        "send in",
        "送样检测",
        "送样",
        "委托共享",
        "委托测试",
        "send-in samples",
    ),
}
_MODE_WORDS = {word: mode for mode, words in _MODES.items() for word in words}


def modes(text: str) -> tuple[Mode, ...]:
    """Modes in the order of the enumeration, from words in either language parted by commas or semicolons."""
    found = set()
    for word in re.split(r"[,，;；、/|\n]+", text):
        if not word.strip():
            continue
        mode = _MODE_WORDS.get(fold(word.strip()))
        if mode is None:
            raise CellError("cell_mode", value=word.strip()[:60])
        found.add(mode)
    return tuple(mode for mode in Mode if mode in found)


_KINDS = {
    ResourceKind.INSTRUMENT: ("instrument", "equipment", "仪器", "设备", "仪器设备", "大型仪器"),
    ResourceKind.FACILITY: ("facility", "设施", "平台", "科研设施"),
    ResourceKind.NATURAL: ("natural", "自然科技资源", "种质", "标本", "specimen", "种质资源"),
    ResourceKind.DATASET: ("dataset", "数据", "数据集", "科学数据"),
    ResourceKind.LITERATURE: ("literature", "文献", "科技文献"),
    ResourceKind.SERVICE: ("service", "服务", "检测服务", "技术服务"),
}
_KIND_WORDS = {word: kind for kind, words in _KINDS.items() for word in words}


def kind(text: str) -> ResourceKind:
    found = _KIND_WORDS.get(fold(text.strip()))
    if found is None:
        raise CellError("cell_kind", value=text[:60])
    return found


_ORDERS = {
    WorkingOrder.NORMAL: ("normal", "正常", "在用", "完好", "active", "1"),
    WorkingOrder.OCCASIONAL_FAULTS: ("occasional_faults", "偶有故障", "4"),
    WorkingOrder.FREQUENT_FAULTS: ("frequent_faults", "故障频繁", "5"),
    WorkingOrder.AWAITING_REPAIR: ("awaiting_repair", "待修", "维修", "offline", "6"),
    WorkingOrder.AWAITING_SCRAPPING: ("awaiting_scrapping", "待报废", "inactive", "7"),
}
_ORDER_WORDS = {word: order for order, words in _ORDERS.items() for word in words}


def working_order(text: str) -> WorkingOrder:
    found = _ORDER_WORDS.get(fold(text.strip()))
    if found is None:
        raise CellError("cell_status", value=text[:60])
    return found


def specification(text: str) -> tuple[tuple[str, str], ...]:
    """Names and values from a JSON object, from lines ``name: value``, or the whole text under one name.

    Text without a colon becomes a single entry named 主要技术指标.
    """
    typed = text.strip()
    if typed.startswith("{"):
        try:
            pairs = json.loads(typed, object_pairs_hook=list)
        except (ValueError, RecursionError):
            raise CellError("cell_json", value=typed[:60]) from None
        entries = [
            (_tidy(key), _tidy(value if isinstance(value, str) else json.dumps(value)))
            for key, value in pairs
        ]
    else:
        entries = []
        for line in re.split(r"[\n;；]+", typed):
            name, mark, value = line.partition("：") if "：" in line else line.partition(":")
            if not mark or not name.strip() or not value.strip() or len(name) > 60:
                return (("主要技术指标", _tidy(typed)),)
            entries.append((_tidy(name), _tidy(value)))
    seen: dict[str, str] = {}
    for key, value in entries:
        seen[key] = f"{seen[key]}; {value}" if key in seen else value
    return tuple(seen.items())


def _tidy(text: str) -> str:
    return " ".join(text.split())
