"""How values are written for people: amounts, hours, days, moments, shares. Exports use exact values instead.

All functions are Jinja filters of the same name. Times need the host's zone; ``g.zone`` (set by a page that speaks of
one host) or the setting ``DEFAULT_ZONE`` is used when none is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import wraps
from typing import Any

from babel import Locale
from flask import Flask, current_app, g, has_app_context, has_request_context
from flask_babel import get_locale
from flask_babel import gettext as _
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from resource_hub.entrypoints.support import words
from resource_hub.kernel.money import Money
from resource_hub.kernel.time import TimeSpan, hours_text, instant, is_repeated
from resource_hub.kernel.time import zone as zone_of

MINUS = "−"
# Between the two times of a span: no line ends at this dash.
_TO = "\u2060–\u2060"
SIGNS = {"CNY": "¥", "EUR": "€", "USD": "US$", "GBP": "£", "JPY": "JP¥"}
_WEEKDAYS = {"zh": "一二三四五六日", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
_WHOLE_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Characters that turn the reading direction or hide: they may not leave the word they stand in.
_DIRECTION = re.compile(
    "[\u200e\u200f\u202a-\u202e\u2066-\u2069\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]"
)


def language() -> str:
    """``zh`` or ``en``: the language of the answer being made."""
    locale: Locale | None = get_locale() if has_app_context() else None
    return "zh" if locale is not None and locale.language == "zh" else "en"


def _grouped(value: Decimal, places: int | None = None) -> str:
    if places is not None:
        value = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    text = f"{abs(value):,f}"
    return f"{MINUS}{text}" if value < 0 else text


def as_money(value: Any) -> Money | None:
    """Money from Money, or from the stored form ``{"minor": 100, "currency": "CNY"}``."""
    if value is None or isinstance(value, Money):
        return value
    if isinstance(value, Mapping) and "minor" in value:
        return Money(int(value["minor"]), value.get("currency", "CNY"))
    raise TypeError(f"not an amount of money: {value!r}")


def money(value: Any, sign: bool = True) -> str:
    """``¥ 1,234.50``; negative as ``−¥ 90.00``; without the sign for columns that name the currency in their head.
    Sums of several currencies stand side by side, each with its sign."""
    if isinstance(value, list | tuple):
        return listed(money(one, sign or len(value) > 1) for one in value)
    amount = as_money(value)
    if amount is None:
        return ""
    figure = f"{abs(amount.amount):,f}"
    minus = MINUS if amount.is_negative else ""
    if not sign:
        return minus + figure
    # The space is narrow and does not break, so that an amount is never split over two lines.
    return f"{minus}{SIGNS.get(amount.currency, amount.currency)}\u202f{figure}"


def number(value: Any, places: int | None = None) -> str:
    """Thousands separated, with a real minus."""
    if value is None:
        return ""
    return _grouped(Decimal(str(value)), places)


def hours(seconds: int | None, unit: bool = False) -> str:
    """``12:30`` hours and minutes from whole seconds; with ``unit`` the letter or word after it."""
    if seconds is None:
        return ""
    return hours_text(int(seconds)) + ("\u202fh" if unit else "")


def duration(seconds: int) -> str:
    """A length of time as people say it in a sentence: ``30 min``, ``8 h``, ``1 h 30 min``; figures in columns are
    ``hours``. Cuts, never rounds up."""
    sign = "−" if seconds < 0 else ""
    whole, minutes = divmod(abs(seconds) // 60, 60)
    if whole and minutes:
        return sign + _("%(hours)s h %(minutes)s min", hours=number(whole), minutes=minutes)
    if whole:
        return sign + _("%(hours)s h", hours=number(whole))
    return sign + _("%(minutes)s min", minutes=minutes)


def percent(value: Any, places: int = 1) -> str:
    """A ratio (0.125) as per cent (12.5 %)."""
    if value is None:
        return ""
    return f"{_grouped(Decimal(str(value)) * 100, places)}\u202f%"


def _local(value: datetime, zone: str | None) -> datetime:
    return instant(value).astimezone(zone_of(zone or default_zone()))


def default_zone() -> str:
    if has_request_context() and g.get("zone"):
        return str(g.zone)
    if has_app_context():
        return str(current_app.config.get("DEFAULT_ZONE", "Asia/Shanghai"))
    return "Asia/Shanghai"


def weekday(value: date) -> str:
    return f"周{_WEEKDAYS['zh'][value.weekday()]}" if language() == "zh" else _WEEKDAYS["en"][value.weekday()]


def whole_weekday(number: int) -> str:
    """A weekday as it stands in a sentence, 0 is Monday: ``周五``, ``Friday``."""
    return f"周{_WEEKDAYS['zh'][number]}" if language() == "zh" else _WHOLE_WEEKDAYS[number]


def ordinal(number: int) -> str:
    """``1st``, ``22nd``; in Chinese the figure alone."""
    if language() == "zh":
        return str(number)
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else endings.get(number % 10, 'th')}"


def day(value: date | datetime | None, zone: str | None = None, year: bool = True, week: bool = True) -> str:
    """``2026年3月5日 周四`` or ``Thu 5 Mar 2026``. A moment is taken to the zone first."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = _local(value, zone).date()
    if language() == "zh":
        text = (f"{value.year}年" if year else "") + f"{value.month}月{value.day}日"
        return f"{text} {weekday(value)}" if week else text
    text = f"{value.day} {_MONTHS[value.month - 1]}" + (f" {value.year}" if year else "")
    return f"{weekday(value)} {text}" if week else text


def month(value: date | str | None) -> str:
    """``2026年3月`` or ``Mar 2026``, from a date or ``2026-03``."""
    if value is None:
        return ""
    if isinstance(value, str):
        value = date.fromisoformat(value[:7] + "-01")
    return (
        f"{value.year}年{value.month}月" if language() == "zh" else f"{_MONTHS[value.month - 1]} {value.year}"
    )


def clock(value: datetime | None, zone: str | None = None) -> str:
    """``09:30`` in the zone; which of the two where a clock change repeats it."""
    return "" if value is None else _clock_of(_local(value, zone))


def _clock_of(local: datetime) -> str:
    text = f"{local:%H:%M}"
    if local.tzinfo is None or not is_repeated(local, local.tzinfo):
        return text
    if (
        local.dst() == local.replace(fold=1 - local.fold).dst()
    ):  # the zone itself changed, not summer to winter
        return _("%(time)s (second time)", time=text) if local.fold else _("%(time)s (first time)", time=text)
    return _("%(time)s (winter time)", time=text) if local.fold else _("%(time)s (summer time)", time=text)


def moment(value: datetime | None, zone: str | None = None, year: bool = True) -> str:
    """``2026年3月5日 周四 09:30`` or ``Thu 5 Mar 2026, 09:30``."""
    if value is None:
        return ""
    joint = " " if language() == "zh" else ", "
    return f"{day(value, zone, year)}{joint}{clock(value, zone)}"


def stamp(value: date | datetime | None, zone: str | None = None) -> str:
    """For narrow columns: ``2026-03-05 09:30``, or the date alone."""
    if value is None:
        return ""
    return f"{_local(value, zone):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value.isoformat()


def span(value: TimeSpan | None, zone: str | None = None, year: bool = True) -> str:
    """``Thu 5 Mar 2026, 09:00–12:00``; both days when it ends on another one."""
    if value is None:
        return ""
    start, end = _local(value.start, zone), _local(value.end, zone)
    first = moment(value.start, zone, year)
    if start.date() == end.date():
        return f"{first}{_TO}{_clock_of(end)}"
    if (end - start).total_seconds() <= 86400 and f"{end:%H:%M}" == "00:00":
        return f"{first}{_TO}24:00"
    return f"{first} – {moment(value.end, zone, False)}"


def times(start: datetime | str, end: datetime | str, zone: str | None = None) -> str:
    """``09:00–12:00``, kept on one line; of moments, or of times of day that are text already."""
    first, last = (one if isinstance(one, str) else clock(one, zone) for one in (start, end))
    return f"{first}{_TO}{last}"


def zone_name(name: str | None = None) -> str:
    """The zone as people call it: 北京时间, Beijing time; others by their IANA name."""
    name = name or default_zone()
    if name in ("Asia/Shanghai", "Asia/Chongqing", "PRC"):
        return "北京时间" if language() == "zh" else "Beijing time"
    return name.replace("_", " ")


def size(value: int | None) -> str:
    """Bytes for reading: ``340 KB``."""
    if value is None:
        return ""
    amount = Decimal(value)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            return f"{_grouped(amount, 0 if unit == 'B' or amount >= 100 else 1)}\u202f{unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def plain(value: Any) -> str:
    """Text of others without characters that turn the reading direction or hide."""
    return "" if value is None else _DIRECTION.sub("", str(value))


def bidi(value: Any) -> Markup:
    """Text of others, kept from changing the direction of what stands around it."""
    return Markup("<bdi>%s</bdi>") % plain(value)


def lines(value: Any) -> Markup:
    """Text of others with its line breaks."""
    return Markup("<br>").join(escape(line) for line in plain(value).splitlines())


def named(record: Any, field: str = "name") -> str:
    """The name in the reader's language from ``name_zh``/``name_en`` (or ``name`` as a mapping), else the other one."""
    first, second = ("zh", "en") if language() == "zh" else ("en", "zh")
    value = _item(record, field)
    if isinstance(value, Mapping):
        return plain(value.get(first) or value.get(second) or "")
    for suffix in (first, second):
        found = _item(record, f"{field}_{suffix}")
        if found:
            return plain(found)
    return plain(value)


def _item(record: Any, name: str) -> Any:
    if isinstance(record, Mapping):
        return record.get(name)
    return getattr(record, name, None)


def listed(values: Iterable[Any]) -> str:
    """``a, b, c``, or with the Chinese enumeration comma."""
    return ("、" if language() == "zh" else ", ").join(plain(v) for v in values)


def joined(values: Sequence[str]) -> str:
    """``a, b and c`` in the midst of a sentence."""
    if language() == "zh" or len(values) < 2:
        return listed(values)
    return f"{listed(values[:-1])} and {plain(values[-1])}"


def with_more(what: str, more: str) -> str:
    """``a (b)``, or with Chinese brackets."""
    return f"{what}（{more}）" if language() == "zh" else f"{what} ({more})"


def between_sentences() -> str:
    """What stands between two sentences: after a Chinese full stop nothing does."""
    return "" if language() == "zh" else " "


def said(sentences: Iterable[str]) -> str:
    """Sentences one after the other; empty ones are left out."""
    return between_sentences().join(filter(None, sentences))


def word(value: Any, scope: str) -> str:
    """``{{ booking.state|word("booking.state") }}``"""
    return words.word(scope, value)


def _for_each_reader(function: Callable[..., Any]) -> Callable[..., Any]:
    """As a filter that Jinja never works out while it compiles: a template that is first asked for in Chinese would
    keep the Chinese of ``'taken'|word(…)`` for readers of English."""

    @pass_context
    @wraps(function)
    def shown(_context: Context, *values: Any, **more: Any) -> Any:
        return function(*values, **more)

    return shown


def install(app: Flask) -> None:
    for function in (
        money, number, hours, duration, percent, weekday, day, month, clock, moment, stamp, span, times, zone_name,
        size, plain, bidi, lines, named, listed, said, word,
    ):  # fmt: skip
        app.jinja_env.filters[function.__name__] = _for_each_reader(function)
    app.jinja_env.globals["language"] = language
    app.jinja_env.globals["zone_name"] = zone_name
    app.jinja_env.globals["between_sentences"] = between_sentences
