"""House rules as a document: read it strictly, write it back, and say it in sentences (pure).

A document is plain JSON, so that a version stays byte for byte what was in force. An unknown key is an error and not
ignored: a misspelt rule that holds nobody back is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from resource_hub.domain.availability.errors import InvalidRules
from resource_hub.domain.availability.terms import (
    GRANULARITY_MINUTES,
    Approval,
    AskedField,
    HouseDocument,
    Quota,
    QuotaMeasure,
    QuotaPer,
    QuotaPeriod,
    Silence,
)
from resource_hub.kernel.errors import Reason

FORMAT = 1
LEAD_KEYS = ("all", "self_use", "staff_run", "send_in")
YEAR = 366 * 1440

# Whole numbers: least and most that make sense.
_NUMBERS: dict[str, tuple[int, int]] = {
    "step": (GRANULARITY_MINUTES, 1440),
    "least": (GRANULARITY_MINUTES, YEAR),
    "most": (0, YEAR),
    "horizon_days": (1, 730),
    "setup": (0, 1440),
    "teardown": (0, 1440),
    "gap": (0, YEAR),
    "cancel_until": (0, YEAR),
    "change_until": (0, YEAR),
    "answer_hours": (1, 720),
    "hold": (1, 1440),
    "samples_most": (0, 100_000),
    "late_grace": (0, 1440),
    "no_show_after": (5, 1440),
}
_OTHERS = {"format", "lead", "approval", "silence", "quotas", "fields", "hazard", "training"}


def read(document: Mapping[str, Any]) -> HouseDocument:
    """The rules in a stored or typed document.

    Raises:
        InvalidRules: with every fault at once, each at its field.
    """
    faults: list[Reason] = []
    values: dict[str, Any] = {}
    for key in sorted(set(document) - set(_NUMBERS) - _OTHERS):
        faults.append(Reason("availability.rules_unknown", {"key": str(key)}, str(key)))
    if document.get("format", FORMAT) != FORMAT:
        faults.append(Reason("availability.rules_format", {"format": str(document.get("format"))}, "format"))
    for key, (least, most) in _NUMBERS.items():
        if key in document:
            values[key] = _whole(document[key], key, least, most, faults)
    values["lead"] = _lead(document.get("lead", {}), faults)
    for name, kind in (("approval", Approval), ("silence", Silence)):
        if name in document:
            values[name] = _one(kind, document[name], name, faults)
    values["quotas"] = _rows(document.get("quotas", []), "quotas", _quota, faults)
    values["fields"] = _rows(document.get("fields", []), "fields", _field, faults)
    if not isinstance(document.get("hazard", False), bool):
        faults.append(Reason("availability.rules_value", {"key": "hazard"}, "hazard"))
    values["hazard"] = document.get("hazard", False) is True
    if not isinstance(document.get("training", ""), str):
        faults.append(Reason("availability.rules_value", {"key": "training"}, "training"))
    values["training"] = str(document.get("training", ""))
    if faults:
        raise InvalidRules(*faults)
    rules = HouseDocument(**values)
    faults = _together(rules)
    if faults:
        raise InvalidRules(*faults)
    return rules


def _together(rules: HouseDocument) -> list[Reason]:
    """Faults that show only when values are seen side by side."""
    faults = []
    if rules.most and rules.most < rules.least:
        faults.append(
            Reason("availability.rules_most_below_least", {"least": rules.least, "most": rules.most}, "most")
        )
    if rules.step % GRANULARITY_MINUTES:
        faults.append(Reason("availability.rules_step", {"minutes": GRANULARITY_MINUTES}, "step"))
    for mode, lead in rules.lead.items():
        if lead > rules.horizon_days * 1440:
            faults.append(
                Reason("availability.rules_lead_beyond_horizon", {"days": rules.horizon_days}, f"lead.{mode}")
            )
    codes = [row.code for row in rules.fields]
    for index, code in enumerate(codes):
        if code in codes[:index]:
            faults.append(Reason("availability.rules_field_twice", {"code": code}, f"fields.{index}"))
    return faults


def _whole(value: Any, place: str, least: int, most: int, faults: list[Reason]) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        faults.append(
            Reason("availability.rules_number", {"key": place, "least": least, "most": most}, place)
        )
        return least
    return value


def _one(kind: Any, value: Any, place: str, faults: list[Reason]) -> Any:
    try:
        return kind(value)
    except ValueError:
        faults.append(Reason("availability.rules_value", {"key": place}, place))
        return next(iter(kind))


def _lead(value: Any, faults: list[Reason]) -> dict[str, int]:
    if not isinstance(value, Mapping):
        faults.append(Reason("availability.rules_value", {"key": "lead"}, "lead"))
        return {}
    result = {}
    for mode, minutes in value.items():
        if mode not in LEAD_KEYS:
            faults.append(Reason("availability.rules_unknown", {"key": f"lead.{mode}"}, "lead"))
        else:
            result[mode] = _whole(minutes, f"lead.{mode}", 0, YEAR, faults)
    return result


def _rows(
    value: Any, place: str, one: Callable[[Mapping[str, Any], str, list[Reason]], Any], faults: list[Reason]
) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(row, Mapping) for row in value):
        faults.append(Reason("availability.rules_value", {"key": place}, place))
        return ()
    return tuple(one(row, f"{place}.{index}", faults) for index, row in enumerate(value))


def _quota(row: Mapping[str, Any], place: str, faults: list[Reason]) -> Quota:
    return Quota(
        _one(QuotaPer, row.get("per"), place, faults),
        _one(QuotaPeriod, row.get("period"), place, faults),
        _one(QuotaMeasure, row.get("measure"), place, faults),
        _whole(row.get("limit"), place, 1, YEAR, faults),
    )


def _field(row: Mapping[str, Any], place: str, faults: list[Reason]) -> AskedField:
    code, zh, en = (str(row.get(key) or "").strip() for key in ("code", "name_zh", "name_en"))
    if not code.isidentifier() or len(code) > 40 or not (zh or en):
        faults.append(Reason("availability.rules_value", {"key": place}, place))
    return AskedField(code, zh or en, en or zh, row.get("required", True) is True)


def write(rules: HouseDocument) -> dict[str, Any]:
    """The document of some rules; ``read(write(rules)) == rules``."""
    return {
        "format": FORMAT,
        **{key: getattr(rules, key) for key in _NUMBERS},
        "lead": dict(rules.lead),
        "approval": rules.approval.value,
        "silence": rules.silence.value,
        "quotas": [
            {"per": q.per.value, "period": q.period.value, "measure": q.measure.value, "limit": q.limit}
            for q in rules.quotas
        ],
        "fields": [
            {"code": f.code, "name_zh": f.name_zh, "name_en": f.name_en, "required": f.required}
            for f in rules.fields
        ],
        "hazard": rules.hazard,
        "training": rules.training,
    }


def sentences(rules: HouseDocument) -> list[Reason]:
    """The rules read back, one plain sentence each, in the order in which a booker meets them."""
    found = [Reason("house.length", {"least_seconds": rules.least * 60, "step": rules.step})]
    if rules.most:
        found.append(Reason("house.most", {"most_seconds": rules.most * 60}))
    if rules.lead:
        for mode in LEAD_KEYS:
            if rules.lead.get(mode):
                code = "house.lead" if mode == "all" else "house.lead_mode"
                found.append(
                    Reason(
                        code,
                        {"lead_seconds": rules.lead[mode] * 60, "mode": {"word": ["booking.mode", mode]}},
                    )
                )
    found.append(Reason("house.horizon", {"days": rules.horizon_days}))
    if rules.setup or rules.teardown:
        found.append(Reason("house.setup", {"setup": rules.setup, "teardown": rules.teardown}))
    if rules.gap:
        found.append(Reason("house.gap", {"gap_seconds": rules.gap * 60}))
    if rules.approval is Approval.NEVER:
        found.append(Reason("house.approval_never", {}))
    else:
        code = "house.approval_outside" if rules.approval is Approval.OUTSIDE else "house.approval_always"
        found.append(Reason(code, {"hours": rules.answer_hours}))
        found.append(Reason(f"house.silence_{rules.silence}", {"hours": rules.answer_hours}))
    for quota in rules.quotas:
        values: dict[str, Any] = {"per": {"word": ["booking.quota_per", quota.per.value]}}
        if quota.measure is QuotaMeasure.MINUTES:
            values["limit_seconds"] = quota.limit * 60
        else:
            values["limit"] = quota.limit
        found.append(Reason(f"house.quota_{quota.measure}_{quota.period}", values))
    if rules.training:
        found.append(Reason("house.training", {}))
    if rules.hazard:
        found.append(Reason("house.hazard", {}))
    for row in rules.fields:
        if row.required:
            found.append(Reason("house.field", {"name": {"zh": row.name_zh, "en": row.name_en}}))
    found.append(
        Reason("house.cancel_until", {"notice_seconds": rules.cancel_until * 60})
        if rules.cancel_until
        else Reason("house.cancel_any_time", {})
    )
    if rules.change_until:
        found.append(Reason("house.change_until", {"notice_seconds": rules.change_until * 60}))
    found.append(Reason("house.no_show", {"minutes": rules.no_show_after}))
    return found
