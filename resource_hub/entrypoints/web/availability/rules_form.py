"""The rules of the house as fields of a form and back again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask_babel import gettext as _

from resource_hub.domain.availability.errors import InvalidRules
from resource_hub.domain.availability.rules.document import LEAD_KEYS, STEPS_OF_A_BAR
from resource_hub.domain.availability.terms import (
    Answerer,
    Approval,
    BarUnit,
    DebtBlock,
    HouseDocument,
    Quota,
    QuotaFor,
    QuotaMeasure,
    QuotaPer,
    QuotaPeriod,
    Reach,
    Silence,
    StrikeKind,
)
from resource_hub.entrypoints.support import formatting
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.support.sentences import Told
from resource_hub.entrypoints.support.words import word
from resource_hub.entrypoints.web.availability.week_form import clock_text, weekday_names
from resource_hub.kernel.money import Money

# Rows of each kind: so many at least are shown, so many at most are read.
SHOWN = {"ahead_days": 1, "quota_limit": 3, "step_hours": 2, "time_starts": 1, "field_zh": 2, "bar_count": 1}
MOST = 20
SPARE = 1

_NUMBERS = (
    "step", "least", "most", "horizon_days", "lead_days", "setup", "teardown", "gap", "cancel_until", "change_until",
    "answer_hours", "hold", "samples_most", "late_grace", "no_show_after", "check_in_early", "logout_grace",
    "strike_late_cancel", "strike_over_booked", "strike_off", "strike_days", "remind_hours",
    "escalate_hours", "offer", "hand_over_hours",
)  # fmt: skip
# Numbers for which none at all is no answer.
_NEEDED = {
    "step", "least", "horizon_days", "answer_hours", "hold", "no_show_after", "strike_days", "offer",
    "hand_over_hours",
}  # fmt: skip
# Written in hours on the page, kept in minutes.
_HOURS = {"cancel_until", "change_until", "gap", "strike_late_cancel"}
_CHOICES: dict[str, Any] = {"approval": Approval, "silence": Silence, "debt": DebtBlock, "gap_reach": Reach}
_FLAGS = (
    "hazard", "no_show_release", "rotating_code", "own_account", "extend", "strike_no_show", "strike_late",
    "strike_everywhere", "answer_working", "first_in_line",
)  # fmt: skip


# ---- a document as the values of fields ------------------------------------------------------------------------


def initial(rules: HouseDocument) -> dict[str, Any]:
    values: dict[str, Any] = {"training": rules.training}
    for name in _NUMBERS:
        number = getattr(rules, name)
        values[name] = _in_hours(number) if name in _HOURS else str(number)
    values |= {name: getattr(rules, name) for name in (*_CHOICES, *_FLAGS)}
    values |= {f"lead.{key}": _in_hours(rules.lead[key]) for key in rules.lead}
    for n, quota in enumerate(rules.quotas):
        values |= _quota_values(n, quota)
    for n, ahead in enumerate(rules.ahead):
        values |= {
            f"ahead_whom.{n}": str(ahead.group or ahead.whom.value), f"ahead_days.{n}": str(ahead.days),
            f"ahead_inside.{n}": ahead.inside,
        }  # fmt: skip
    for n, step in enumerate(rules.steps):
        above = f"{Money(step.above, 'CNY').amount:f}" if step.above else ""
        values |= {f"step_who.{n}": step.who, f"step_hours.{n}": str(step.hours), f"step_above.{n}": above}
    for n, row in enumerate(rules.times):
        values |= {
            f"time_code.{n}": row.code, f"time_zh.{n}": row.name_zh, f"time_en.{n}": row.name_en,
            f"time_days.{n}": [str(day) for day in row.days], f"time_starts.{n}": clock_text(row.starts),
            f"time_ends.{n}": clock_text(row.ends % 1440), f"time_after.{n}": row.after,
        }  # fmt: skip
    for n, bar in enumerate(rules.bars):
        values |= {
            f"bar_kinds.{n}": [kind.value for kind in bar.kinds], f"bar_count.{n}": str(bar.count),
            f"bar_within.{n}": str(bar.within),
        }  # fmt: skip
        for k, length in enumerate(bar.ladder):
            values |= {f"bar_unit.{n}.{k}": length.unit, f"bar_length.{n}.{k}": str(length.count or "")}
    values |= {f"points.{kind}": str(number) for kind, number in rules.points.items()}
    for n, asked in enumerate(rules.fields):
        values |= {
            f"field_code.{n}": asked.code, f"field_zh.{n}": asked.name_zh, f"field_en.{n}": asked.name_en,
            f"field_required.{n}": asked.required,
        }  # fmt: skip
    return values


def _quota_values(n: int, quota: Quota) -> dict[str, Any]:
    limit = _in_hours(quota.limit) if quota.measure is QuotaMeasure.MINUTES else str(quota.limit)
    return {
        f"quota_per.{n}": quota.per, f"quota_period.{n}": quota.period, f"quota_measure.{n}": quota.measure,
        f"quota_limit.{n}": limit, f"quota_inside.{n}": quota.inside, f"quota_whom.{n}": quota.whom,
        f"quota_reach.{n}": quota.reach,
    }  # fmt: skip


def _in_hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return str(hours) if not rest else f"{minutes / 60:.2f}".rstrip("0").rstrip(".")


def _in_minutes(hours: Decimal | None) -> int:
    return int((hours * 60).quantize(Decimal(1), ROUND_HALF_UP)) if hours is not None else 0


# ---- what was typed as a document ------------------------------------------------------------------------------


def typed(form: Form) -> dict[str, Any]:
    """The document in the form; what cannot be read is noted at its field. An empty limit is none."""
    document: dict[str, Any] = {}
    for name in _NUMBERS:
        if name in _HOURS:
            document[name] = _in_minutes(form.decimal(name))
        else:
            document[name] = form.whole(name, required=name in _NEEDED) or 0
    lead = {key: _in_minutes(form.decimal(f"lead.{key}")) for key in LEAD_KEYS}
    document["lead"] = {key: minutes for key, minutes in lead.items() if minutes}
    for name, kind in _CHOICES.items():
        document[name] = form.choice(name, kind) or getattr(HouseDocument(), name).value
    for name in _FLAGS:
        document[name] = form.flag(name)
    costs = {kind.value: form.whole(f"points.{kind}") for kind in StrikeKind}
    document["points"] = {kind: number for kind, number in costs.items() if number not in (None, 1)}
    document["training"] = form.text("training", longest=60) or ""
    document["steps"] = [row for n in range(MOST) if (row := _step(form, n)) is not None]
    document["times"] = [row for n in range(MOST) if (row := _time(form, n)) is not None]
    document["ahead"] = [row for n in range(MOST) if (row := _ahead(form, n)) is not None]
    document["quotas"] = [row for n in range(MOST) if (row := _quota(form, n)) is not None]
    document["bars"] = [row for n in range(MOST) if (row := _bar(form, n)) is not None]
    document["fields"] = [row for n in range(MOST) if (row := _field(form, n)) is not None]
    return document


def _quota(form: Form, n: int) -> dict[str, Any] | None:
    limit = form.decimal(f"quota_limit.{n}")
    if not limit:
        return None
    measure = form.choice(f"quota_measure.{n}", QuotaMeasure, required=True)
    return {
        "per": form.choice(f"quota_per.{n}", QuotaPer, required=True),
        "period": form.choice(f"quota_period.{n}", QuotaPeriod, required=True),
        "measure": measure,
        "limit": _in_minutes(limit) if measure == QuotaMeasure.MINUTES.value else int(limit),
        "inside": form.text(f"quota_inside.{n}", longest=40) or "",
        "whom": form.choice(f"quota_whom.{n}", QuotaFor) or QuotaFor.ALL.value,
        "reach": form.choice(f"quota_reach.{n}", Reach) or Reach.RESOURCE.value,
    }


def _ahead(form: Form, n: int) -> dict[str, Any] | None:
    days = form.whole(f"ahead_days.{n}")
    if days is None:
        return None
    whom = form.text(f"ahead_whom.{n}", longest=40) or QuotaFor.ALL.value
    known = whom in list(QuotaFor)
    return {
        "days": days,
        "whom": whom if known else QuotaFor.ALL.value,
        "group": None if known else whom,
        "inside": form.text(f"ahead_inside.{n}", longest=40) or "",
    }


def _bar(form: Form, n: int) -> dict[str, Any] | None:
    count = form.whole(f"bar_count.{n}")
    if not count:
        return None
    return {
        "kinds": form.choices(f"bar_kinds.{n}", [kind.value for kind in StrikeKind]),
        "count": count,
        "within": form.whole(f"bar_within.{n}") or 0,
        "ladder": [step for k in range(STEPS_OF_A_BAR) if (step := _bar_step(form, n, k)) is not None],
    }


def _bar_step(form: Form, n: int, k: int) -> dict[str, Any] | None:
    unit, count = form.choice(f"bar_unit.{n}.{k}", BarUnit), form.whole(f"bar_length.{n}.{k}")
    if unit is None:
        return None
    return {"unit": unit, "count": count or 0 if unit in (BarUnit.DAYS, BarUnit.MONTHS) else 0}


def _step(form: Form, n: int) -> dict[str, Any] | None:
    hours = form.whole(f"step_hours.{n}")
    if not hours:
        return None
    above = form.money(f"step_above.{n}")
    return {
        "who": form.choice(f"step_who.{n}", Answerer, required=True),
        "hours": hours,
        "above": above.minor if above is not None else 0,
    }


def _time(form: Form, n: int) -> dict[str, Any] | None:
    zh, en = form.text(f"time_zh.{n}", longest=40), form.text(f"time_en.{n}", longest=40)
    starts, ends = form.minutes(f"time_starts.{n}"), form.minutes(f"time_ends.{n}")
    if zh is None and en is None and starts is None and ends is None:
        return None
    for name, given in ((f"time_starts.{n}", starts), (f"time_ends.{n}", ends)):
        if given is None and not form.error(name):
            form.note(name, "form.required")
    starts, ends = starts or 0, ends or 0
    return {
        "code": time_code(form, n),
        "name_zh": zh or "",
        "name_en": en or "",
        "days": [int(day) for day in form.choices(f"time_days.{n}", [str(d) for d in range(7)])],
        "starts": starts,
        # An end not after the start is on the next day.
        "ends": ends if ends > starts else ends + 1440,
        "after": form.text(f"time_after.{n}", longest=40) or "",
    }


def time_code(form: Form, n: int) -> str:
    """The code of the hours in a row: its own, or the first that no row has yet."""
    own = str(form.value(f"time_code.{n}"))
    if own:
        return own
    taken = {str(form.value(f"time_code.{m}")) for m in range(MOST)}
    return next(code for k in range(n + 1, n + 2 * MOST) if (code := f"hours_{k}") not in taken)


def _field(form: Form, n: int) -> dict[str, Any] | None:
    zh, en = form.text(f"field_zh.{n}", longest=80), form.text(f"field_en.{n}", longest=80)
    if not zh and not en:
        return None
    code = form.text(f"field_code.{n}", longest=40) or f"field_{n + 1}"
    return {
        "code": code, "name_zh": zh or "", "name_en": en or "", "required": form.flag(f"field_required.{n}"),
    }  # fmt: skip


# Rows of the document and the field of the form at which their faults stand.
_ROWS = {
    "quotas": "quota_limit",
    "fields": "field_zh",
    "times": "time_zh",
    "steps": "step_hours",
    "bars": "bar_count",
    "ahead": "ahead_days",
}


def placed(form: Form, error: InvalidRules) -> InvalidRules:
    """Faults of the document's rows at the lines of the form; empty lines between them are not counted."""
    reasons = []
    for reason in error.reasons:
        name, _dot, row = (reason.place or "").partition(".")
        if name in _ROWS and row.isdigit():
            lines = [n for n in range(MOST) if _is_filled(form, name, n)]
            line = lines[int(row)] if int(row) < len(lines) else int(row)
            reason = replace(reason, place=f"{_ROWS[name]}.{line}")
        reasons.append(reason)
    # What could not be read stands as nothing in the document; that it lies outside its bounds then is no second fault.
    error.reasons = tuple(one for one in reasons if not (one.place and form.error(one.place)))
    return error


def _is_filled(form: Form, name: str, n: int) -> bool:
    fields = {
        "quotas": ("quota_limit",),
        "steps": ("step_hours",),
        "bars": ("bar_count",),
        "ahead": ("ahead_days",),
        "fields": ("field_zh", "field_en"),
        "times": ("time_zh", "time_en", "time_starts", "time_ends"),
    }[name]
    empty = ("",) if name == "ahead" else ("", "0")
    return any(str(form.value(f"{field}.{n}")).strip() not in empty for field in fields)


# ---- what the page says ----------------------------------------------------------------------------------------

# The part of the form in which a rule is changed, by how the code of its sentence begins; the first that fits.
_PARTS = {
    "quota_": "quotas",
    "times": "named",
    "lead": "ahead", "ahead": "ahead", "horizon": "ahead",
    "by_day": "length", "most": "length", "length": "length", "setup": "length", "gap": "length",
    "approval_": "answering", "step": "answering", "answer_working": "answering", "remind": "answering",
    "escalate": "answering", "silence_": "answering",
    "cancel_": "cancelling", "change_": "cancelling", "no_extend": "cancelling", "offer": "cancelling",
    "hand_over": "cancelling", "first_": "cancelling",
    "check_in_": "cancelling", "rotating_": "cancelling", "late_": "cancelling",
    "no_show": "cancelling", "logout_": "cancelling",
    "strike_": "strikes", "points": "strikes", "bar": "strikes",
    "training": "who", "own_account": "who", "debt_": "who",
    "hazard": "questions", "samples_": "questions", "field": "questions",
}  # fmt: skip
# Sentences that say a line of the form, by the field at which the line's faults stand.
_LINES = {
    "quota_limit": ("house.quota_",),
    "ahead_days": ("house.ahead",),
    "time_zh": ("house.times",),
    "step_hours": ("house.step",),
    "bar_count": ("house.bar",),
}
# What makes a line of the form: two with the same values are the same rule.
_OF_A_LINE = {
    "quota_limit": ("quota_per", "quota_period", "quota_measure", "quota_limit", "quota_inside", "quota_whom",
                    "quota_reach"),
    "ahead_days": ("ahead_whom", "ahead_days", "ahead_inside"),
    "time_zh": ("time_zh", "time_en", "time_days", "time_starts", "time_ends", "time_after"),
    "step_hours": ("step_who", "step_hours", "step_above"),
    "bar_count": ("bar_kinds", "bar_count", "bar_within", *(
        f"{name}.{k}" for k in range(STEPS_OF_A_BAR) for name in ("bar_unit", "bar_length")
    )),
}  # fmt: skip


def part_of(code: str) -> str:
    """The part of the form in which the rule of a sentence is changed."""
    short = code.removeprefix("house.")
    return next(part for begin, part in _PARTS.items() if short.startswith(begin))


def parts_said(told: Sequence[Told]) -> dict[str, list[str]]:
    """What each part of the form says beside its lines, which say themselves."""
    said: dict[str, list[str]] = {}
    for one in told:
        if not one.code.startswith((*(code for codes in _LINES.values() for code in codes), "house.field")):
            said.setdefault(part_of(one.code), []).append(one.sentence)
    return said


def lines_said(form: Form, *read: tuple[HouseDocument, Sequence[Told]]) -> dict[str, str]:
    """The lines of the form as sentences, by ``quota_limit.3``: those that stand so in one of the documents, each given
    with its sentences. What was typed anew and is in none of them has no sentence yet."""
    known: dict[tuple[str, Any], str] = {}
    for document, told in read:
        own = Form(initial(document))
        for field, codes in _LINES.items():
            lines = [one for one in told if one.code.startswith(codes) and one.code != "house.times_after"]
            known |= {(field, _line(own, field, n)): one.sentence for n, one in enumerate(lines)}
    said = {
        f"{field}.{n}": sentence
        for field in _LINES
        for n in range(MOST)
        if (sentence := known.get((field, _line(form, field, n))))
    }
    for n in range(MOST):
        if question := str(_in_language(form.value(f"field_zh.{n}"), form.value(f"field_en.{n}"))).strip():
            said[f"field_zh.{n}"] = formatting.plain(question)
    return said


def blank_lines(form: Form) -> set[str]:
    """The lines in which nothing is filled in, named as in ``lines_said``."""
    return {
        f"{field}.{n}" for name, field in _ROWS.items() for n in range(MOST) if not _is_filled(form, name, n)
    }


def _line(form: Form, field: str, n: int) -> tuple[Any, ...]:
    values = []
    for name in _OF_A_LINE[field]:
        base, _dot, step = name.partition(".")
        place = f"{base}.{n}.{step}" if step else f"{name}.{n}"
        values.append(
            tuple(form.values(place)) if name in ("time_days", "bar_kinds") else str(form.value(place))
        )
    return tuple(values)


def _in_language(zh: Any, en: Any) -> Any:
    return (zh or en) if formatting.language() == "zh" else (en or zh)


# ---- what the page offers --------------------------------------------------------------------------------------


def choices(form: Form, groups: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """Lists of the page's selects, and how many rows of each kind it shows; ``groups`` of the host by id and name."""
    times = _rows(form, "times", "time_starts")
    return {
        "approvals": _words("availability.approval", Approval),
        "silences": _words("availability.silence", Silence),
        "debts": _words("booking.debt", DebtBlock),
        "pers": [(p.value, _("each %(per)s", per=word("booking.quota_per", p))) for p in QuotaPer],
        "whoms": _words("booking.quota_whom", QuotaFor),
        "reaches": _words("booking.quota_reach", Reach),
        "periods": _words("booking.quota_period", QuotaPeriod),
        "measures": [
            (m.value, _("hours") if m is QuotaMeasure.MINUTES else word("booking.quota_measure", m))
            for m in QuotaMeasure
        ],
        "leads": [(key, word("booking.mode", key)) for key in LEAD_KEYS],
        "weekdays": [(str(n), name) for n, name in enumerate(weekday_names())],
        "aheads": _rows(form, "ahead", "ahead_days"),
        "whoms_ahead": [*_words("booking.quota_whom", QuotaFor), *groups],
        "times": times,
        "hours_named": [(time_code(form, n), _time_name(form, n)) for n in times],
        "answerers": _words("booking.answerer", Answerer),
        "answer_steps": _rows(form, "steps", "step_hours"),
        "bars": [(n, _bar_steps(form, n)) for n in _rows(form, "bars", "bar_count")],
        "bar_units": _words("booking.bar_unit", BarUnit),
        "strike_kinds": _words("booking.strike", StrikeKind),
        "quotas": _rows(form, "quotas", "quota_limit"),
        "fields": _rows(form, "fields", "field_zh"),
    }


def _words(scope: str, kind: Iterable[Any]) -> list[tuple[str, str]]:
    return [(member.value, word(scope, member)) for member in kind]


def _rows(form: Form, name: str, field: str) -> range:
    filled = max((n for n in range(MOST) if _is_filled(form, name, n)), default=-1) + 1
    return range(min(MOST, max(filled + SPARE, SHOWN[field])))


def _bar_steps(form: Form, n: int) -> range:
    """The steps of a bar that are shown: those filled in and an empty one."""
    filled = max((k for k in range(STEPS_OF_A_BAR) if form.value(f"bar_unit.{n}.{k}")), default=-1) + 1
    return range(min(STEPS_OF_A_BAR, filled + SPARE))


def _time_name(form: Form, n: int) -> str:
    name = _in_language(form.value(f"time_zh.{n}"), form.value(f"time_en.{n}"))
    return str(name) or _("Hours %(n)s", n=n + 1)
