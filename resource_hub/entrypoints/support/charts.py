"""Charts drawn on the server: no script, prints, follows light and dark, every mark can be a link to its rows.

Text is HTML and keeps its size on a phone; only the shapes stretch. Colours come from the style sheet (``s1``…``s6``),
chosen so that colour-blind readers can tell them apart; series are also named beside the last value.
Values are exact (int or Decimal); a ``None`` is a gap, never a zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from markupsafe import Markup, escape

from resource_hub.entrypoints.support import formatting
from resource_hub.kernel.money import Money

Kind = Literal["bars", "stacked", "line", "heat", "rows"]


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values; ``links`` lead to what stands behind each."""

    name: str
    values: Sequence[Any]
    links: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """What is shown.

    Attributes:
        kind: ``bars`` side by side, ``stacked``, ``line``, ``rows`` (horizontal bars, for long names),
            ``heat`` (series are rows, categories columns: load by weekday and hour).
        title: what is seen, as a sentence.
        unit: of the axis. ``form`` says how values are written: ``number``, ``hours`` (from seconds), ``money``
            (from minor units), ``percent`` (from ratios).
        target: a line to compare with, in the same unit.
    """

    kind: Kind
    title: str
    categories: Sequence[str]
    series: Sequence[Series]
    unit: str = ""
    form: str = "number"
    category_label: str = ""
    target: Any = None
    target_label: str = ""
    names: Sequence[str] = field(default=())

    def written(self, value: Any) -> str:
        if value is None:
            return "–"
        if self.form == "hours":
            return formatting.hours(int(value))
        if self.form == "money":
            return formatting.money(value if isinstance(value, Money) else Money(int(value)), sign=False)
        if self.form == "percent":
            return formatting.percent(value)
        return formatting.number(value)


def _number(value: Any) -> float:
    # Only for placing marks; what is written comes from the exact value.
    return float(value.minor if isinstance(value, Money) else value)


def _step(top: float, form: str) -> float:
    """A round distance between grid lines: about four of them."""
    if top <= 0:
        return 1
    scale = {"hours": 3600.0, "money": 100.0, "percent": 0.01}.get(form, 1.0)
    rough = top / scale / 4
    power = 10 ** (len(str(int(rough))) - 1) if rough >= 1 else 1
    for factor in (1, 2, 5, 10):
        if factor * power >= rough:
            return factor * power * scale
    return 10 * power * scale


def _axis(chart: Chart, value: float) -> str:
    if chart.form == "hours":
        return formatting.number(int(value // 3600))
    if chart.form == "money":
        return formatting.number(int(value // 100))
    if chart.form == "percent":
        return f"{formatting.number(round(value * 100))}\u202f%"
    return formatting.number(int(value))


def render(chart: Chart) -> Markup:
    """The picture as HTML. The table twin is the macro's part."""
    if chart.kind == "heat":
        return _heat(chart)
    if chart.kind == "rows":
        return _rows(chart)
    return _columns(chart)


def _legend(chart: Chart) -> str:
    if len(chart.series) < 2:
        return ""
    items = "".join(
        f'<li><span class="swatch s{i % 6 + 1}"></span>{escape(s.name)}</li>'
        for i, s in enumerate(chart.series)
    )
    return f'<ul class="legend">{items}</ul>'


def _mark(tag: str, link: str | None, title: str) -> str:
    inner = f"<title>{escape(title)}</title>"
    shape = tag.replace("/>", f">{inner}</{tag[1:].split(' ', 1)[0]}>")
    return f'<a href="{escape(link)}">{shape}</a>' if link else shape


def _columns(chart: Chart) -> Markup:
    count = max(len(chart.categories), 1)
    present = [[0.0 if v is None else _number(v) for v in s.values] for s in chart.series]
    if chart.kind == "stacked":
        top = max((sum(column) for column in zip(*present, strict=False)), default=0)
    else:
        top = max((v for row in present for v in row), default=0)
    if chart.target is not None:
        top = max(top, _number(chart.target))
    step = _step(top, chart.form)
    high = step * max(1, -(-top // step)) if top else step
    shapes: list[str] = []
    if chart.kind == "line":
        shapes = _line_shapes(chart, count, high)
    else:
        shapes = _bar_shapes(chart, count, high, present)
    grid = ""
    level = 0.0
    while level <= high + step / 1000:
        grid += (
            f'<span class="grid" style="bottom:{level / high * 100:.2f}%"><i>{_axis(chart, level)}</i></span>'
        )
        level += step
    target = ""
    if chart.target is not None:
        place = _number(chart.target) / high * 100
        target = (
            f'<span class="target" style="bottom:{place:.2f}%"><i>{escape(chart.target_label)} '
            f"{escape(chart.written(chart.target))}</i></span>"
        )
    every = -(-count // 12)
    labels = "".join(
        f"<span{' class=skip' if i % every else ''}><b>{escape(c)}</b></span>"
        for i, c in enumerate(chart.categories)
    )
    svg = (
        f'<svg viewBox="0 0 {count * 100} 1000" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(chart.title)}">{"".join(shapes)}</svg>'
    )
    return Markup(  # noqa: S704 - every text in it was escaped above
        f'{_legend(chart)}<div class="plot"><div class="plot-area">{grid}{svg}{target}</div>'
        f'<div class="plot-labels">{labels}</div></div>'
    )


def _bar_shapes(chart: Chart, count: int, high: float, present: list[list[float]]) -> list[str]:
    shapes = []
    groups = 1 if chart.kind == "stacked" else max(len(chart.series), 1)
    width = 68 / groups
    for c in range(count):
        base = 0.0
        for s, series in enumerate(chart.series):
            if c >= len(series.values) or series.values[c] is None:
                continue
            tall = present[s][c] / high * 1000
            x = c * 100 + 16 + (0 if chart.kind == "stacked" else s * width)
            y = 1000 - tall - base
            if chart.kind == "stacked":
                base += tall
            shapes.append(
                _mark(
                    f'<rect class="s{s % 6 + 1}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{tall:.1f}"/>',
                    series.links[c] if series.links else None,
                    f"{chart.categories[c]} · {series.name}: {chart.written(series.values[c])} {chart.unit}",
                )
            )
    return shapes


def _line_shapes(chart: Chart, count: int, high: float) -> list[str]:
    shapes = []
    for s, series in enumerate(chart.series):
        runs: list[list[str]] = [[]]
        dots = []
        for c, value in enumerate(series.values):
            if value is None:
                runs.append([])
                continue
            x, y = c * 100 + 50, 1000 - _number(value) / high * 1000
            runs[-1].append(f"{x},{y:.1f}")
            dots.append(
                _mark(
                    f'<path class="s{s % 6 + 1} dot" d="M{x} {y:.1f}h0.01"/>',
                    series.links[c] if series.links else None,
                    f"{chart.categories[c]} · {series.name}: {chart.written(value)} {chart.unit}",
                )
            )
        shapes += [
            f'<polyline class="s{s % 6 + 1} line" points="{" ".join(run)}"/>' for run in runs if len(run) > 1
        ]
        shapes += dots
    return shapes


def _rows(chart: Chart) -> Markup:
    series = chart.series[0]
    top = max((_number(v) for v in series.values if v is not None), default=0) or 1
    rows = []
    for c, name in enumerate(chart.categories):
        value = series.values[c]
        share = 0 if value is None else _number(value) / top * 100
        link = series.links[c] if series.links else None
        label = f'<a href="{escape(link)}">{escape(name)}</a>' if link else str(escape(name))
        rows.append(
            f'<li><span class="rows-name">{label}</span><span class="rows-bar"><span class="s1" '
            f'style="inline-size:{share:.1f}%"></span></span>'
            f'<span class="rows-value">{escape(chart.written(value))}</span></li>'
        )
    return Markup(f'<ul class="rows-chart">{"".join(rows)}</ul>')  # noqa: S704 - escaped above


def _heat(chart: Chart) -> Markup:
    top = max((_number(v) for s in chart.series for v in s.values if v is not None), default=0) or 1
    head = "".join(f'<th scope="col">{escape(c)}</th>' for c in chart.categories)
    body = ""
    for series in chart.series:
        cells = ""
        for c, value in enumerate(series.values):
            level = (
                0 if value is None or not _number(value) else min(5, 1 + int(_number(value) / top * 4.999))
            )
            text = escape(chart.written(value))
            link = series.links[c] if series.links else None
            title = f"{series.name} {chart.categories[c]}: {text} {chart.unit}"
            inner = f'<span class="sr">{text}</span>'
            if link:
                inner = f'<a href="{escape(link)}" aria-label="{escape(title)}"></a>'
            cells += f'<td class="h{level}" title="{escape(title)}">{inner}</td>'
        body += f'<tr><th scope="row">{escape(series.name)}</th>{cells}</tr>'
    return Markup(  # noqa: S704 - escaped above
        f'<div class="heat-wrap"><table class="heat"><caption class="sr">{escape(chart.title)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
