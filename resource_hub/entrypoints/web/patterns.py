"""The living pattern page ``/patterns``: every part of the interface at once. Only in debug and in tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace as Row
from typing import Any

from flask import Blueprint, render_template
from werkzeug.datastructures import MultiDict

from resource_hub.entrypoints.support.charts import Chart, Series
from resource_hub.entrypoints.support.forms import Form
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.entrypoints.support.paging import Page
from resource_hub.kernel.errors import Reason
from resource_hub.kernel.money import Money

blueprint = Blueprint("patterns", __name__)
_AT = datetime(2026, 3, 5, 1, 0, tzinfo=UTC)


def _rows() -> list[dict[str, Any]]:
    names = (
        ("场发射扫描电镜 Field-emission SEM", "public", 81000, 10800),
        ("核磁共振波谱仪（600 MHz，低温探头） NMR spectrometer with cryoprobe", "pending", 245050, 21600),
        ("X 射线衍射仪 X-ray diffractometer", "withdrawn", -9000, 0),
        ("高分辨质谱仪 High-resolution mass spectrometer", "draft", 0, 5400),
    )
    return [
        {
            "name": name,
            "state": state,
            "amount": Money(minor),
            "seconds": seconds,
            "at": _AT + timedelta(days=i, hours=i),
        }
        for i, (name, state, minor, seconds) in enumerate(names)
    ]


def _charts() -> list[Chart]:
    months = [f"{m}" for m in range(1, 13)]
    inside = [31, 28, 44, 52, 47, 60, 39, 20, 55, 61, 58, 49]
    outside = [8, 6, 12, 20, 22, 19, 25, 14, 28, 31, 35, 30]
    hours = [str(h) for h in range(8, 22)]
    load = [[(d * 7 + h * 5) % 11 * 3600 if d < 5 else (h % 3) * 1200 for h in range(14)] for d in range(7)]
    return [
        Chart(
            "stacked",
            "Effective hours by month",
            months,
            [Series("inside", [v * 3600 for v in inside]), Series("outside", [v * 3600 for v in outside])],
            unit="h",
            form="hours",
            category_label="Month",
            target=80 * 3600,
            target_label="needed",
        ),
        Chart(
            "line",
            "Share of outside use",
            months,
            [Series("this year", [str(o / (o + i))[:5] for o, i in zip(outside, inside, strict=True)])],
            form="percent",
            category_label="Month",
        ),
        Chart(
            "rows",
            "Hours by instrument",
            ["Field-emission SEM", "NMR 600", "XRD", "Orbitrap"],
            [Series("h", [640800, 512000, 204000, 90000])],
            form="hours",
            unit="h",
            category_label="Instrument",
        ),
        Chart(
            "heat",
            "Load by weekday and hour",
            hours,
            [
                Series(name, load[i])
                for i, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
            ],
            form="hours",
            unit="h",
        ),
    ]


@blueprint.get("/patterns")
@allows(PUBLIC)
def show() -> str:
    form = Form(
        {"kind": "self_use", "language": "zh", "hazard": True},
        MultiDict(
            {
                "name": "Steel samples",
                "count": "many",
                "start_day": "2026-03-05",
                "start_time": "",
                "kind": "self_use",
            }
        ),
    )
    form.text("name")
    form.whole("count", required=True)
    form.moment("start", zone="Asia/Shanghai", required=True)
    back = [
        Row(payer="合肥市科技局", amount=Money(27000), reserved=False, by_when=date(2026, 9, 30), href=None)
    ]
    return render_template(
        "patterns/show.html",
        rows=_rows(),
        form=form,
        back=back,
        money=Money,
        charts=_charts(),
        page=Page(_rows(), "x", 412),
        at=_AT,
        reasons=[Reason("form.required"), Reason("busy"), Reason("form.above", {"limit": 8})],
    )
