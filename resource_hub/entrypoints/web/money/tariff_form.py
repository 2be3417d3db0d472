"""The tariff as a form: fields ↔ document. Faults of the document lead back to the field that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from resource_hub.entrypoints.support.forms import Form
from resource_hub.kernel.errors import Reason

# The classes the form offers; a document may name others (imports, API), which the form keeps in view as rows.
CLASSES = ("own_group", "in_house", "academic", "firm")
MORE_CLASSES = ("outside", "firm_micro", "firm_small", "firm_medium", "firm_large", "firm_unsized", "all")
AMOUNTS = ("hour", "staff_hour", "day", "sample", "start_fee", "minimum")
BANDS, STEPS, BREAKS, EXTRAS = 3, 2, 3, 4
WEEK = (("1", "mon"), ("2", "tue"), ("3", "wed"), ("4", "thu"), ("5", "fri"), ("6", "sat"), ("7", "sun"))


def classes_of(document: Mapping[str, Any] | None) -> list[str]:
    """The class columns to show: the usual ones, and whatever else the document names."""
    named: set[str] = set()
    for part in AMOUNTS:
        named |= set((document or {}).get(part) or {})
    return [*CLASSES, *(word for word in MORE_CLASSES if word in named)]


def initial(document: Mapping[str, Any] | None, **more: Any) -> dict[str, Any]:
    """What stands in the fields for a document."""
    document = document or {"format": 1, "currency": "CNY"}
    values: dict[str, Any] = {
        "currency": document.get("currency", "CNY"),
        "ask": bool(document.get("ask")),
        "charge_on": document.get("charge_on", "use"),
        "cut_to_minute": bool(document.get("cut_to_minute")),
        "rounding": document.get("rounding", "half_up"),
        "round_to": document.get("round_to", "0.01"),
        **{n: document.get(n) or "" for n in ("unit_minutes", "unit_threshold_minutes", "minimum_minutes")},
        **more,
    }
    for part in AMOUNTS:
        _put(values, part, document.get(part))
    first = document.get("first_block") or {}
    values["first_minutes"] = first.get("minutes", "")
    _put(values, "first_price", first.get("price"))
    for i, band in enumerate(_listed(document, "bands", BANDS)):
        values |= {f"band{i}.name_zh": band.get("name_zh", ""), f"band{i}.name_en": band.get("name_en", "")}
        values |= {f"band{i}.from": band.get("from", ""), f"band{i}.to": band.get("to", "")}
        values[f"band{i}.days"] = [str(day) for day in band.get("days") or (range(1, 8) if band else [])]
        factor = band.get("factor")
        values[f"band{i}.percent"] = _plain(Fraction(str(factor)) * 100) if factor not in (None, "") else ""
        _put(values, f"band{i}.hour", band.get("hour"))
    for i, step in enumerate(_listed(document, "steps", STEPS)):
        values[f"step{i}.after"] = step.get("after_minutes", "")
        _put(values, f"step{i}.hour", step.get("hour"))
    for i, item in enumerate(_listed(document, "sample_breaks", BREAKS)):
        values[f"break{i}.from"] = item.get("from", "")
        _put(values, f"break{i}.sample", item.get("sample"))
    for i, extra in enumerate(_listed(document, "extras", EXTRAS)):
        values |= {
            f"extra{i}.{n}": extra.get(n, "") for n in ("code", "name_zh", "name_en", "kind", "per", "from")
        }
        factor = extra.get("factor")
        values[f"extra{i}.percent"] = _plain(Fraction(str(factor)) * 100) if factor not in (None, "") else ""
        _put(values, f"extra{i}.amount", extra.get("amount"))
    for name in ("no_show", "cancellation"):
        row = document.get(name) or {}
        values[f"{name}.consequence"] = row.get("consequence", "none")
        _put(values, f"{name}.fee", row.get("fee"))
        if name == "no_show":
            values["no_show.times"] = ", ".join(map(str, row.get("times") or ()))
            values["no_show.within_days"] = str(row.get("within_days") or "")
        notice = row.get("notice_minutes") or 0
        values[f"{name}.notice_hours"] = _plain(Fraction(notice, 60)) if notice else ""
    for word, factor in (document.get("factors") or {}).items():
        values[f"factors.{word}"] = factor
    return values


def _repeated(form: Form, row: dict[str, Any]) -> None:
    """The steps of a fee that grows; what is no figure is told of by the document."""
    text = (form.text("no_show.times", longest=80) or "").replace("，", ",").replace("、", ",")
    times = [part.strip() for part in text.split(",") if part.strip()]
    within = form.whole("no_show.within_days", most=1096)
    if times:
        row["times"] = times
        if within:
            row["within_days"] = within


def _listed(document: Mapping[str, Any], name: str, at_least: int) -> list[Mapping[str, Any]]:
    rows = list(document.get(name) or [])
    return [*rows, *({} for _ in range(max(0, at_least - len(rows))))]


def _put(values: dict[str, Any], prefix: str, amounts: Mapping[str, Any] | None) -> None:
    for word, amount in (amounts or {}).items():
        values[f"{prefix}.{word}"] = amount


def _plain(value: Fraction) -> str:
    return str(value) if value.denominator != 1 else str(value.numerator)


def read(form: Form, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The document that the typed fields describe. Faults are found by ``read_tariff``; here nothing is judged."""
    typed: Mapping[str, str] = form.typed or {}
    words = classes_of(before)
    document: dict[str, Any] = {"format": 1, "currency": form.text("currency", longest=3) or "CNY"}
    if form.flag("ask"):
        document["ask"] = True
    for part in AMOUNTS:
        _take(document, part, typed, words)
    for name in ("unit_minutes", "unit_threshold_minutes", "minimum_minutes"):
        value = form.whole(name, most=44_640)
        if value:
            document[name] = value
    first = {k: v for k, v in {"minutes": form.whole("first_minutes", most=1440)}.items() if v}
    _take(first, "price", typed, words, prefix="first_price")
    if first:
        document["first_block"] = first
    document |= _lists(form, typed, words, before)
    for name in ("no_show", "cancellation"):
        row: dict[str, Any] = {"consequence": typed.get(f"{name}.consequence") or "none"}
        _take(row, "fee", typed, words, prefix=f"{name}.fee")
        hours = form.decimal(f"{name}.notice_hours") if name == "cancellation" else None
        if hours:
            row["notice_minutes"] = int(hours * 60)
        if name == "no_show":
            _repeated(form, row)
        if row["consequence"] != "none":
            document[name] = row
    charge_on = typed.get("charge_on") or "use"
    if charge_on != "use":
        document["charge_on"] = charge_on
    if form.flag("cut_to_minute"):
        document["cut_to_minute"] = True
    for name, usual in (("rounding", "half_up"), ("round_to", "0.01")):
        chosen = (typed.get(name) or "").strip()
        if chosen and chosen != usual:
            document[name] = chosen
    if before and before.get("factors"):
        document["factors"] = dict(before["factors"])
    return document


def _take(target: dict[str, Any], part: str, typed: Any, words: list[str], prefix: str | None = None) -> None:
    amounts = {
        word: text
        for word in words
        if (text := (typed.get(f"{prefix or part}.{word}") or "").replace(",", "").strip())
    }
    if amounts:
        target[part] = amounts


def _lists(form: Form, typed: Any, words: list[str], before: Mapping[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for i in range(max(BANDS, len((before or {}).get("bands") or []))):
        start, end = (typed.get(f"band{i}.from") or "").strip(), (typed.get(f"band{i}.to") or "").strip()
        if not start and not end:
            continue
        band: dict[str, Any] = {
            "code": f"band{i + 1}",
            "name_zh": (typed.get(f"band{i}.name_zh") or "").strip(),
            "name_en": (typed.get(f"band{i}.name_en") or "").strip(),
            "from": start,
            "to": end,
        }
        days = [int(d) for d in form.values(f"band{i}.days") if d.isdigit()]
        if days and len(days) < 7:
            band["days"] = days
        _take(band, "hour", typed, words, prefix=f"band{i}.hour")
        if "hour" not in band and (percent := form.decimal(f"band{i}.percent")) is not None:
            band["factor"] = _plain(Fraction(percent) / 100)
        found.setdefault("bands", []).append(band)
    for i in range(max(STEPS, len((before or {}).get("steps") or []))):
        after = form.whole(f"step{i}.after", most=100_000)
        if after:
            step: dict[str, Any] = {"after_minutes": after}
            _take(step, "hour", typed, words, prefix=f"step{i}.hour")
            found.setdefault("steps", []).append(step)
    for i in range(max(BREAKS, len((before or {}).get("sample_breaks") or []))):
        count = form.whole(f"break{i}.from", most=10_000_000)
        if count:
            item: dict[str, Any] = {"from": count}
            _take(item, "sample", typed, words, prefix=f"break{i}.sample")
            found.setdefault("sample_breaks", []).append(item)
    for i in range(max(EXTRAS, len((before or {}).get("extras") or []))):
        extra = _extra(form, typed, words, i)
        if extra:
            found.setdefault("extras", []).append(extra)
    return found


def _extra(form: Form, typed: Any, words: list[str], i: int) -> dict[str, Any] | None:
    names = {n: (typed.get(f"extra{i}.{n}") or "").strip() for n in ("code", "name_zh", "name_en")}
    if not any(names.values()):
        return None
    kind = typed.get(f"extra{i}.kind") or "factor"
    extra: dict[str, Any] = {
        "code": names["code"] or (names["name_en"] or f"extra{i + 1}").lower().replace(" ", "_"),
        "name_zh": names["name_zh"],
        "name_en": names["name_en"],
        "kind": kind,
    }
    if kind == "factor":
        percent = form.decimal(f"extra{i}.percent")
        if percent is not None:
            extra["factor"] = _plain(Fraction(percent) / 100)
        return extra
    _take(extra, "amount", typed, words, prefix=f"extra{i}.amount")
    if kind == "fee":
        extra["per"] = typed.get(f"extra{i}.per") or "order"
        start = form.whole(f"extra{i}.from", most=1000)
        if start and start > 1:
            extra["from"] = start
    return extra


def field_of(reason: Reason) -> Reason:
    """A fault of the document at the place of its field: ``bands.0.from`` stands at ``band0.from``."""
    place = reason.place or ""
    head, _, rest = place.partition(".")
    index, _, tail = rest.partition(".")
    match head:
        case "bands" if index.isdigit():
            tail = "percent" if tail in ("factor", "") else tail
            place = f"band{index}.{tail}"
        case "steps" if index.isdigit():
            place = f"step{index}.{'after' if tail == 'after_minutes' else tail or 'after'}"
        case "sample_breaks" if index.isdigit():
            place = f"break{index}.{tail or 'from'}"
        case "extras" if index.isdigit():
            place = f"extra{index}.{'percent' if tail in ('factor', '') else tail}"
        case "first_block":
            place = (
                "first_minutes" if rest in ("", "minutes") else f"first_price.{rest.removeprefix('price.')}"
            )
        case "hour" | "sample" | "day" if not rest:
            place = f"{head}.firm"
    return Reason(reason.code, reason.values, place or None)
