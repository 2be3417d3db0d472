"""The rules of the house read back, one plain sentence each, in the order in which a booker meets them (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resource_hub.domain.availability.rules.document import LEAD_KEYS
from resource_hub.domain.availability.terms import (
    Approval,
    BarLength,
    DebtBlock,
    HouseDocument,
    NamedHours,
    Quota,
    QuotaFor,
    QuotaMeasure,
    Reach,
)
from resource_hub.kernel.errors import Reason


def sentences(rules: HouseDocument) -> list[Reason]:
    """One sentence a rule."""
    return [
        *_length(rules),
        *_ahead(rules),
        *_hours(rules),
        *_answer(rules),
        *(_quota(quota, rules) for quota in rules.quotas),
        *_asked(rules),
        *_changing(rules),
        *_coming(rules),
        *_strikes(rules),
    ]


def _length(rules: HouseDocument) -> Iterator[Reason]:
    if rules.by_day:
        yield Reason("house.by_day", {"least": max(rules.least // 1440, 1)})
        if rules.most:
            yield Reason("house.most_days", {"most": rules.most // 1440})
        return
    yield Reason("house.length", {"least_seconds": rules.least * 60, "step": rules.step})
    if rules.most:
        yield Reason("house.most", {"most_seconds": rules.most * 60})


def _ahead(rules: HouseDocument) -> Iterator[Reason]:
    for mode in LEAD_KEYS:
        if rules.lead.get(mode):
            code = "house.lead" if mode == "all" else "house.lead_mode"
            word = {"word": ["booking.mode", mode]}
            yield Reason(code, {"lead_seconds": rules.lead[mode] * 60, "mode": word})
    if rules.lead_days:
        yield Reason("house.lead_days", {"days": rules.lead_days})
    for row in rules.ahead:
        who = "priority" if row.group is not None else row.whom.value
        values = {"whom": {"word": ["booking.quota_whom", who]}, "days": row.days}
        if row.inside:
            values["hours"] = name_of(rules.named_hours(row.inside)[0])
        yield Reason("house.ahead_inside" if row.inside else "house.ahead", values)
    yield Reason("house.horizon_else" if rules.ahead else "house.horizon", {"days": rules.horizon_days})


def _hours(rules: HouseDocument) -> Iterator[Reason]:
    if rules.setup or rules.teardown:
        yield Reason("house.setup", {"setup": rules.setup, "teardown": rules.teardown})
    if rules.gap and rules.gap_reach is Reach.RESOURCE:
        yield Reason("house.gap", {"gap_seconds": rules.gap * 60})
    elif rules.gap:
        yield Reason("house.gap_reach", {"gap_seconds": rules.gap * 60, "reach": reach_of(rules.gap_reach)})
    names = {row.code: name_of(row) for row in reversed(rules.times)}
    for row in rules.times:
        values: dict[str, Any] = {"name": names[row.code], "days": days_of(row), "hours": clock_of(row)}
        yield Reason("house.times", values)
        if row.after:
            yield Reason("house.times_after", {"name": names[row.code], "before": names.get(row.after)})


def name_of(row: NamedHours) -> dict[str, str]:
    return {"zh": row.name_zh, "en": row.name_en}


def days_of(row: NamedHours) -> Any:
    """The weekdays as words: every day, workdays and weekends have their own."""
    known = {tuple(range(7)): "all", tuple(range(5)): "workdays", (5, 6): "weekend"}
    if row.days in known:
        return {"word": ["availability.days", known[row.days]]}
    return [{"word": ["availability.days", str(day)]} for day in row.days]


def clock_of(row: NamedHours) -> str:
    """``20:00–08:00``; an end beyond midnight is the next morning's."""
    end = "24:00" if row.ends == 1440 else f"{row.ends // 60 % 24:02d}:{row.ends % 60:02d}"
    return f"{row.starts // 60:02d}:{row.starts % 60:02d}–{end}"


def _answer(rules: HouseDocument) -> Iterator[Reason]:
    if rules.approval is Approval.NEVER:
        yield Reason("house.approval_never", {})
        return
    code = "house.approval_outside" if rules.approval is Approval.OUTSIDE else "house.approval_always"
    if not rules.steps:
        yield Reason(code, {"hours": rules.answer_hours})
    else:
        yield Reason(f"{code}_steps", {})
    for step in rules.steps:
        values: dict[str, Any] = {"who": {"word": ["booking.answerer", step.who.value]}, "hours": step.hours}
        if step.above:
            values["above"] = {"minor": step.above, "currency": "CNY"}
        yield Reason("house.step_above" if step.above else "house.step", values)
    if rules.answer_working:
        yield Reason("house.answer_working", {})
    if rules.remind_hours and rules.steps:
        yield Reason("house.remind", {"hours": rules.remind_hours})
    if rules.escalate_hours and rules.steps:
        yield Reason("house.escalate", {"hours": rules.escalate_hours})
    yield Reason(f"house.silence_{rules.silence}", {"hours": rules.answer_hours})


def _quota(quota: Quota, rules: HouseDocument) -> Reason:
    scope = "booking.quota_per" if quota.whom is QuotaFor.ALL else f"booking.quota_per_{quota.whom}"
    values: dict[str, Any] = {"per": counted_per(quota, scope)}
    if quota.measure is QuotaMeasure.MINUTES:
        values["limit_seconds"] = quota.limit * 60
    else:
        values["limit"] = quota.limit
    code = f"house.quota_{quota.measure}_{quota.period}"
    if quota.inside:
        values["hours"] = name_of(rules.named_hours(quota.inside)[0])
        code += "_inside"
    return Reason(code, values)


def reach_of(reach: Reach) -> dict[str, list[str]]:
    return {"word": ["booking.quota_reach", reach.value]}


def counted_per(quota: Quota, scope: str) -> dict[str, Any]:
    """Whose bookings a quota counts, and of which instruments where not of this one alone."""
    per: dict[str, Any] = {"word": [scope, quota.per.value]}
    return per if quota.reach is Reach.RESOURCE else {**per, "more": reach_of(quota.reach)}


def _asked(rules: HouseDocument) -> Iterator[Reason]:
    if rules.training:
        yield Reason("house.training", {})
    if rules.own_account:
        yield Reason("house.own_account", {})
    if rules.debt is not DebtBlock.NEVER:
        yield Reason(f"house.debt_{rules.debt}", {})
    if rules.hazard:
        yield Reason("house.hazard", {})
    if rules.samples_most:
        yield Reason("house.samples_most", {"most": rules.samples_most})
    for row in rules.fields:
        if row.required:
            yield Reason("house.field", {"name": {"zh": row.name_zh, "en": row.name_en}})


def _changing(rules: HouseDocument) -> Iterator[Reason]:
    if rules.cancel_until:
        yield Reason("house.cancel_until", {"notice_seconds": rules.cancel_until * 60})
    else:
        yield Reason("house.cancel_any_time", {})
    if rules.change_until:
        code = "house.change_until" if rules.extend else "house.change_until_no_extend"
        yield Reason(code, {"notice_seconds": rules.change_until * 60})
    elif not rules.extend:
        yield Reason("house.no_extend", {})
    yield Reason("house.offer", {"offer_seconds": rules.offer * 60})
    if rules.first_in_line:
        yield Reason("house.first_in_line", {})
    yield Reason("house.hand_over", {"hours": rules.hand_over_hours})


def _coming(rules: HouseDocument) -> Iterator[Reason]:
    yield Reason("house.check_in_early", {"minutes": rules.check_in_early})
    if rules.rotating_code:
        yield Reason("house.rotating_code", {})
    if rules.late_grace < rules.no_show_after:
        yield Reason("house.late_grace", {"minutes": rules.late_grace})
    code = "house.no_show" if rules.no_show_release else "house.no_show_kept"
    yield Reason(code, {"minutes": rules.no_show_after})
    yield Reason("house.logout_grace", {"minutes": rules.logout_grace})


def _strikes(rules: HouseDocument) -> Iterator[Reason]:
    given = []
    if rules.strike_no_show:
        given.append({"word": ["booking.strike", "no_show"]})
    if rules.strike_late:
        given.append({"word": ["booking.strike", "late"]})
    if given:
        yield Reason("house.strike_for", {"what": given, "days": rules.strike_days})
    if rules.strike_late_cancel:
        values = {"notice_seconds": rules.strike_late_cancel * 60, "days": rules.strike_days}
        yield Reason("house.strike_late_cancel", values)
    if rules.strike_over_booked:
        values = {"percent": rules.strike_over_booked, "days": rules.strike_days}
        yield Reason("house.strike_over_booked", values)
    if rules.strike_off:
        yield Reason("house.strike_off", {"off_seconds": rules.strike_off * 60, "days": rules.strike_days})
    if rules.points and rules.bars:
        costs = [
            {"word": ["booking.strike", kind.value], "more": number} for kind, number in rules.points.items()
        ]
        yield Reason("house.points", {"costs": costs})
    by = "house.bar_points" if rules.points else "house.bar"
    for bar in rules.bars:
        kinds = [{"word": ["booking.strike", kind.value]} for kind in bar.kinds]
        told: dict[str, Any] = {
            "count": bar.count,
            "what": kinds or {"word": ["booking.strike", "any"]},
            "within": bar.within or rules.strike_days,
            "ladder": [_lasts(step) for step in bar.ladder],
        }
        yield Reason(by if len(bar.ladder) == 1 else f"{by}_ladder", told)
    if rules.bars and rules.strike_everywhere:
        yield Reason("house.strike_everywhere", {})


def _lasts(step: BarLength) -> dict[str, Any]:
    return Reason(f"house.bar_{step.unit}", {"count": step.count}).as_json()
