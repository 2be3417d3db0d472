"""House rules as a document: read it strictly and write it back (pure); ``sentences.py`` says it in words.

A document is plain JSON, so that a version stays byte for byte what was in force. An unknown key is an error and not
ignored: a misspelt rule that holds nobody back is worse than none. What older versions said in other words is read as
what it means today (``_in_todays_words``), and never written again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from resource_hub.domain.availability.errors import InvalidRules
from resource_hub.domain.availability.terms import (
    GRANULARITY_MINUTES,
    AheadRule,
    Answerer,
    AnswerRule,
    Approval,
    AskedField,
    BarLength,
    BarRule,
    BarUnit,
    DebtBlock,
    HouseDocument,
    NamedHours,
    Quota,
    QuotaFor,
    QuotaMeasure,
    QuotaPer,
    QuotaPeriod,
    Reach,
    Silence,
    StrikeKind,
)
from resource_hub.kernel.errors import Reason

FORMAT = 2
OLDEST = 1
LEAD_KEYS = ("all", "self_use", "staff_run", "send_in")
YEAR = 366 * 1440
# No longer lead in working days.
MOST_LEAD_DAYS = 60
STEPS_OF_A_BAR = 10
# So many points may a strike cost, and bar.
MOST_POINTS = 100
# Days, months of a bar: least and most; the other units have no figure.
_BAR_LENGTHS = {BarUnit.DAYS: (1, 1096), BarUnit.MONTHS: (1, 36)}

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
    "lead_days": (0, MOST_LEAD_DAYS),
    "check_in_early": (0, 1440),
    "logout_grace": (0, 1440),
    "strike_late_cancel": (0, YEAR),
    "strike_over_booked": (0, 10_000),
    "strike_off": (0, 1440),
    "strike_days": (1, 1096),
    "remind_hours": (0, 720),
    "escalate_hours": (0, 720),
    "offer": (5, 1440),
    "hand_over_hours": (1, 720),
}
_SWITCHES = {
    "hazard": False,
    "no_show_release": True,
    "rotating_code": False,
    "own_account": False,
    "extend": True,
    "strike_no_show": False,
    "strike_late": False,
    "strike_everywhere": False,
    "answer_working": False,
    "first_in_line": False,
}
_CHOICES = {"approval": Approval, "silence": Silence, "debt": DebtBlock, "gap_reach": Reach}
_OTHERS = {"format", "lead", "quotas", "fields", "training", "times", "steps", "bars", "points", "ahead"}


def read(document: Mapping[str, Any]) -> HouseDocument:
    """The rules in a stored or typed document.

    Raises:
        InvalidRules: with every fault at once, each at its field.
    """
    faults: list[Reason] = []
    values: dict[str, Any] = {}
    document = _in_todays_words(document)
    for key in sorted(set(document) - set(_NUMBERS) - set(_SWITCHES) - set(_CHOICES) - _OTHERS):
        faults.append(Reason("availability.rules_unknown", {"key": str(key)}, str(key)))
    if document.get("format", FORMAT) != FORMAT:
        faults.append(Reason("availability.rules_format", {"format": str(document.get("format"))}, "format"))
    for key, (least, most) in _NUMBERS.items():
        if key in document:
            values[key] = _whole(document[key], key, least, most, faults)
    values["lead"] = _lead(document.get("lead", {}), faults)
    for name, kind in _CHOICES.items():
        if name in document:
            values[name] = _one(kind, document[name], name, faults)
    values["quotas"] = _rows(document.get("quotas", []), "quotas", _quota, faults)
    values["fields"] = _rows(document.get("fields", []), "fields", _field, faults)
    values["steps"] = _rows(document.get("steps", []), "steps", _step, faults)
    values["bars"] = _rows(document.get("bars", []), "bars", _bar, faults)
    values["points"] = _points(document.get("points", {}), faults)
    values["ahead"] = _rows(document.get("ahead", []), "ahead", _ahead, faults)
    values["times"] = _rows(document.get("times", []), "times", _named_hours, faults)
    for name, usual in _SWITCHES.items():
        if not isinstance(document.get(name, usual), bool):
            faults.append(Reason("availability.rules_value", {"key": name}, name))
        values[name] = document.get(name, usual) is True
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


def _in_todays_words(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document of the first format, which a document without one may be, in the words of this one.

    There a limit for all kinds of strikes stood beside the bars for some, and bars lasted plain days, 0 for a warning.
    """
    if document.get("format", OLDEST) != OLDEST:
        return document
    found = {
        key: value for key, value in document.items() if key not in ("format", "strike_limit", "bar_days")
    }
    bars = document.get("bars", [])
    if document.get("strike_limit") and isinstance(bars, list | tuple):
        every = {"count": document["strike_limit"], "ladder": [document.get("bar_days", 30)]}
        bars = [every, *bars]
    if isinstance(bars, list | tuple):
        bars = [_bar_in_todays_words(row) if isinstance(row, Mapping) else row for row in bars]
    return {**found, "bars": bars}


def _bar_in_todays_words(row: Mapping[str, Any]) -> Mapping[str, Any]:
    ladder = row.get("ladder")
    if not isinstance(ladder, list | tuple):
        return row
    return {**row, "ladder": [_days(step) if type(step) is int else step for step in ladder]}


def _days(days: int) -> Mapping[str, Any]:
    return {"unit": BarUnit.DAYS.value, "count": days} if days else {"unit": BarUnit.WARNING.value}


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
        if lead > rules.farthest_days * 1440:
            faults.append(
                Reason(
                    "availability.rules_lead_beyond_horizon", {"days": rules.farthest_days}, f"lead.{mode}"
                )
            )
    asked = [step.who for step in rules.steps]
    for index, who in enumerate(asked):
        if who in asked[:index]:
            faults.append(Reason("availability.rules_step_twice", {}, f"steps.{index}"))
    given = {StrikeKind.MISUSE} | {
        kind
        for kind, noted in (
            (StrikeKind.NO_SHOW, rules.strike_no_show),
            (StrikeKind.LATE, rules.strike_late),
            (StrikeKind.LATE_CANCEL, rules.strike_late_cancel),
            (StrikeKind.MISMATCH, rules.compares_use),
        )
        if noted
    }
    for index, bar in enumerate(rules.bars):
        if set(bar.kinds) - given and not rules.strike_everywhere:
            faults.append(Reason("availability.rules_bar_never", {}, f"bars.{index}"))
        if bar.within > rules.strike_days:
            values = {"days": rules.strike_days}
            faults.append(Reason("availability.rules_bar_within", values, f"bars.{index}"))
    faults += _day_mode(rules) + _hours_together(rules)
    codes = [row.code for row in rules.fields]
    for index, code in enumerate(codes):
        if code in codes[:index]:
            faults.append(Reason("availability.rules_field_twice", {"code": code}, f"fields.{index}"))
    return faults


def _day_mode(rules: HouseDocument) -> list[Reason]:
    """Booking by the day knows whole days only."""
    if not rules.by_day:
        return []
    return [
        Reason("availability.rules_whole_days", {}, key)
        for key in ("least", "most")
        if getattr(rules, key) % 1440
    ]


def _hours_together(rules: HouseDocument) -> list[Reason]:
    known = {row.code for row in rules.times}
    faults = []
    for index, row in enumerate(rules.times):
        if row.after and (row.after not in known or row.after == row.code):
            faults.append(Reason("availability.rules_no_such_hours", {"code": row.after}, f"times.{index}"))
    for index, ahead in enumerate(rules.ahead):
        if ahead.inside and ahead.inside not in known:
            faults.append(
                Reason("availability.rules_no_such_hours", {"code": ahead.inside}, f"ahead.{index}")
            )
    for index, quota in enumerate(rules.quotas):
        place = f"quotas.{index}"
        if quota.inside and quota.inside not in known:
            faults.append(Reason("availability.rules_no_such_hours", {"code": quota.inside}, place))
        if quota.period is QuotaPeriod.CONCURRENT and quota.measure is QuotaMeasure.MINUTES:
            faults.append(Reason("availability.rules_quota_counts_bookings", {}, place))
        if quota.period is QuotaPeriod.BOOKING and quota.measure is QuotaMeasure.BOOKINGS:
            faults.append(Reason("availability.rules_quota_counts_hours", {}, place))
        if quota.period is QuotaPeriod.BOOKING and quota.reach is not Reach.RESOURCE:
            faults.append(Reason("availability.rules_quota_one_booking", {}, place))
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
        str(row.get("inside") or ""),
        _one(QuotaFor, row.get("whom", QuotaFor.ALL), place, faults),
        _one(Reach, row.get("reach", Reach.RESOURCE), place, faults),
    )


def _ahead(row: Mapping[str, Any], place: str, faults: list[Reason]) -> AheadRule:
    group: UUID | None = None
    if row.get("group"):
        try:
            group = UUID(str(row["group"]))
        except ValueError:
            faults.append(Reason("availability.rules_value", {"key": place}, place))
    return AheadRule(
        _whole(row.get("days"), place, 0, 730, faults),
        _one(QuotaFor, row.get("whom", QuotaFor.ALL), place, faults),
        group,
        str(row.get("inside") or ""),
    )


def _step(row: Mapping[str, Any], place: str, faults: list[Reason]) -> AnswerRule:
    return AnswerRule(
        _one(Answerer, row.get("who"), place, faults),
        _whole(row.get("hours"), place, 1, 720, faults),
        _whole(row.get("above", 0), place, 0, 10**12, faults),
    )


def _bar(row: Mapping[str, Any], place: str, faults: list[Reason]) -> BarRule:
    kinds, ladder = row.get("kinds", []), row.get("ladder")
    lists = isinstance(kinds, list | tuple) and isinstance(ladder, list | tuple)
    if not lists or not ladder or len(set(map(str, kinds))) < len(kinds) or len(ladder) > STEPS_OF_A_BAR:
        faults.append(Reason("availability.rules_bar", {"most": STEPS_OF_A_BAR}, place))
        kinds, ladder = [], []
    return BarRule(
        tuple(_one(StrikeKind, kind, place, faults) for kind in kinds),
        _whole(row.get("count"), place, 1, MOST_POINTS, faults),
        _whole(row.get("within", 0), place, 0, 1096, faults),
        tuple(_bar_length(step, place, faults) for step in ladder),
    )


def _points(value: Any, faults: list[Reason]) -> dict[StrikeKind, int]:
    if not isinstance(value, Mapping):
        faults.append(Reason("availability.rules_value", {"key": "points"}, "points"))
        return {}
    unknown = sorted(str(kind) for kind in value if kind not in list(StrikeKind))
    faults += [Reason("availability.rules_unknown", {"key": f"points.{kind}"}, "points") for kind in unknown]
    return {
        kind: _whole(value[kind], f"points.{kind}", 0, MOST_POINTS, faults)
        for kind in StrikeKind
        if kind in value
    }


def _bar_length(step: Any, place: str, faults: list[Reason]) -> BarLength:
    if not isinstance(step, Mapping):
        faults.append(Reason("availability.rules_bar", {"most": STEPS_OF_A_BAR}, place))
        return BarLength(BarUnit.WARNING)
    unit = _one(BarUnit, step.get("unit"), place, faults)
    least, most = _BAR_LENGTHS.get(unit, (0, 0))
    return BarLength(unit, _whole(step.get("count", 0), place, least, most, faults))


def _named_hours(row: Mapping[str, Any], place: str, faults: list[Reason]) -> NamedHours:
    code, zh, en = (str(row.get(key) or "").strip() for key in ("code", "name_zh", "name_en"))
    days = row.get("days")
    known = isinstance(days, list | tuple) and all(type(day) is int and 0 <= day <= 6 for day in days)
    if not known or not days or not code.isidentifier() or len(code) > 40 or not (zh or en):
        faults.append(Reason("availability.rules_value", {"key": place}, place))
    starts = _whole(row.get("starts"), place, 0, 1435, faults)
    ends = _whole(row.get("ends"), place, 5, 2880, faults)
    if not starts < ends <= starts + 1440:
        faults.append(Reason("availability.rules_hours_length", {}, place))
    if starts % GRANULARITY_MINUTES or ends % GRANULARITY_MINUTES:
        faults.append(Reason("availability.hours_granularity", {"minutes": GRANULARITY_MINUTES}, place))
    return NamedHours(
        code, zh or en, en or zh, tuple(sorted(set(days))) if known and days else (), starts, ends,
        str(row.get("after") or ""),
    )  # fmt: skip


def _field(row: Mapping[str, Any], place: str, faults: list[Reason]) -> AskedField:
    code, zh, en = (str(row.get(key) or "").strip() for key in ("code", "name_zh", "name_en"))
    if not code.isidentifier() or len(code) > 40 or not (zh or en):
        faults.append(Reason("availability.rules_value", {"key": place}, place))
    return AskedField(code, zh or en, en or zh, row.get("required", True) is True)


def write(rules: HouseDocument) -> dict[str, Any]:
    """The document of some rules; ``read(write(rules)) == rules``."""
    return {
        "format": FORMAT,
        **{key: getattr(rules, key) for key in (*_NUMBERS, *_SWITCHES, "training")},
        **{key: getattr(rules, key).value for key in _CHOICES},
        "lead": dict(rules.lead),
        "quotas": [
            {
                "per": q.per.value,
                "period": q.period.value,
                "measure": q.measure.value,
                "limit": q.limit,
                "inside": q.inside,
                "whom": q.whom.value,
                "reach": q.reach.value,
            }
            for q in rules.quotas
        ],
        "fields": [
            {"code": f.code, "name_zh": f.name_zh, "name_en": f.name_en, "required": f.required}
            for f in rules.fields
        ],
        "steps": [{"who": s.who.value, "hours": s.hours, "above": s.above} for s in rules.steps],
        "points": {kind.value: number for kind, number in rules.points.items()},
        "ahead": [
            {
                "days": a.days,
                "whom": a.whom.value,
                "group": str(a.group) if a.group else None,
                "inside": a.inside,
            }
            for a in rules.ahead
        ],
        "bars": [
            {
                "kinds": [kind.value for kind in b.kinds],
                "count": b.count,
                "within": b.within,
                "ladder": [{"unit": step.unit.value, "count": step.count} for step in b.ladder],
            }
            for b in rules.bars
        ],
        "times": [
            {
                "code": t.code,
                "name_zh": t.name_zh,
                "name_en": t.name_en,
                "days": list(t.days),
                "starts": t.starts,
                "ends": t.ends,
                "after": t.after,
            }
            for t in rules.times
        ],
    }
