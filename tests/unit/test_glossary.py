"""The glossary holds every stored word of the code, and the words fixed for the screens."""

from __future__ import annotations

import enum
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import resource_hub.domain

GLOSSARY = (Path(__file__).parents[2] / "GLOSSARY.md").read_text(encoding="utf-8")
# Words of the design and of the screens, in Chinese as the campus says them.
SCREEN_WORDS = (
    "仪器", "设施", "机时", "有效机时", "预约", "上机", "下机", "自主上机", "专人操作", "送样检测", "用户单位", "课题组",
    "开放时间", "不开放", "对外专用时段", "机位", "暂留", "使用记录", "机时确认（确认当日机时）", "佐证", "佐证等级",
    "已锁定", "收费标准", "费用", "结算单", "本次应付", "预计补助", "补助后净支出", "创新券", "申领额度", "开放共享奖补",
    "兑付申请 / 奖补申请", "拨付批次", "测算 → 抽查 → 复核 → 公示 → 拨付", "预约限额", "违约记录", "申诉", "核验包",
    "评价考核", "得分", "管理单位", "服务机构", "资助机构", "支持政策", "仪器负责人", "实验技术人员", "设备管理部门",
    "候补", "异议", "爽约",
)  # fmt: skip


def stored_words() -> list[tuple[str, str, str]]:
    """Every value of every enumeration in the terms of the capabilities: (capability, enumeration, value)."""
    found = []
    for capability in pkgutil.iter_modules(resource_hub.domain.__path__):
        module = importlib.import_module(f"resource_hub.domain.{capability.name}.terms")
        for name, thing in vars(module).items():
            if (
                isinstance(thing, type)
                and issubclass(thing, enum.StrEnum)
                and thing.__module__ == module.__name__
            ):
                found += [(capability.name, name, str(member.value)) for member in thing]
    return found


def test_every_stored_word_stands_in_the_glossary() -> None:
    missing = [
        f"{where}.{name}: {value}" for where, name, value in stored_words() if f"`{value}`" not in GLOSSARY
    ]
    assert missing == [], "add them to GLOSSARY.md, section “Stored words”"


@pytest.mark.parametrize("word", SCREEN_WORDS)
def test_every_screen_word_stands_in_the_glossary(word: str) -> None:
    assert word in GLOSSARY


def test_every_row_has_both_languages() -> None:
    rows = [line for line in GLOSSARY.splitlines() if line.startswith("| ") and line.count("|") == 5]
    bare = [
        row for row in rows[1:] if not re.search(r"[\u4e00-\u9fff]", row) and not row.startswith("| English")
    ]
    assert bare == []
