"""What templates may ask: addresses of static files, tones of states, the person, charts."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, render_template, request, url_for

from resource_hub.entrypoints.support import charts, forms, guards, paging, sentences

# Tone of a state by its stored value; a page may name another one. A tone is a colour and an icon; the word says it.
_TONES = {
    "good": (
        "approved active accepted confirmed done paid settled sealed published public in_force completed valid "
        "verified eligible delivered finished granted final current ended_well fulfilled claimable holds lifted"
    ),
    "wait": (
        "offered requested waiting pending draft to_check open sampled computed proposed notice held reserved expected "
        "submitted accrued scheduled new partly_paid issued estimated provisional late due running counting review "
        "expiring appealed asked"
    ),
    "bad": (
        "rejected refused failed no_show overdue fault disputed broken expired_unpaid parked barred returned "
        "ineligible invalid missing stopped upheld declined"
    ),
    "info": "in_use checked_in started booked planned mine sent imported",
    "off": (
        "cancelled withdrawn expired closed archived retired merged superseded lapsed void hidden inactive erased "
        "missed left left_out left_series over replaced"
    ),
}
TONES = {value: tone for tone, values in _TONES.items() for value in values.split()}
ICONS = {"good": "check", "wait": "clock", "bad": "alert", "info": "dot", "off": "minus"}


def tone(value: Any) -> str:
    return TONES.get(str(getattr(value, "value", value)), "info")


def tone_icon(name: str) -> str:
    return ICONS.get(name, "dot")


@functools.lru_cache(maxsize=256)
def _fingerprint(path: str, _changed: float) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """Address of a file of ours under ``static/``, with a mark that changes when the file does."""
    path = Path(current_app.static_folder or "static") / name
    if not path.exists():
        return url_for("static", filename=name)
    return url_for("static", filename=name, v=_fingerprint(str(path), path.stat().st_mtime))


@functools.lru_cache(maxsize=8)
def _manifest(path: str, _changed: float) -> dict[str, Any]:
    return dict(json.loads(Path(path).read_text()))


def vendor(name: str) -> str | None:
    """Address of a fetched file such as ``htmx``, or None where the assets were not prepared: pages work without."""
    path = Path(current_app.static_folder or "static") / "vendor" / "manifest.json"
    if not path.exists():
        return None
    found = _manifest(str(path), path.stat().st_mtime)
    entry = found.get("files", found).get(name)
    if isinstance(entry, dict):
        entry = entry.get("file") or entry.get("path")
    return url_for("static", filename=f"vendor/{Path(entry).name}") if entry else None


def is_fragment() -> bool:
    """Whether htmx asked, and wants a part of the page only."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def render(full: str, fragment: str, **values: Any) -> str:
    """The whole page, or only its part when htmx asked for it."""
    return render_template(fragment if is_fragment() else full, **values)


def _context() -> dict[str, Any]:
    return {"actor": g.get("actor"), "me": guards.person()}


def install(app: Flask) -> None:
    app.jinja_env.globals.update(
        asset=asset,
        vendor=vendor,
        tone=tone,
        tone_icon=tone_icon,
        tell=sentences.tell,
        tell_all=sentences.tell_all,
        here=paging.here,
        chart_svg=charts.render,
        once_token=lambda: forms.Form().once_token(),
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.context_processor(_context)
