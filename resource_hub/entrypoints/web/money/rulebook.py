"""The rulebook for the eye: schemes, versions, parameters with their sources and confidence marks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from resource_hub import rulebook as book
from resource_hub.domain.accounts.terms import Role
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.entrypoints.support.words import word
from resource_hub.infra import clock
from resource_hub.rulebook import Scheme, Version

blueprint = Blueprint("rulebook", __name__)
rules = Blueprint("rules", __name__)


def scheme_card(scheme: Scheme) -> dict[str, Any]:
    """A scheme with its newest version and whether that holds today."""
    versions = scheme.all_versions()
    today = clock.now().date()
    current = next(
        (
            v
            for v in reversed(versions)
            if v.valid_from <= today and (v.valid_to is None or today <= v.valid_to)
        ),
        None,
    )
    return {
        "scheme": scheme,
        "version": current or versions[-1],
        "in_force": current is not None,
        "unverified": _unverified(current or versions[-1]),
        "unreadable": [
            p.name
            for p in (current or versions[-1]).parameters.values()
            if p.value is None and p.rows is None
        ],
    }


def _unverified(version: Version) -> bool:
    marks = {p.mark or version.source.mark for p in version.parameters.values()} | {version.dates_mark}
    return bool(marks & {"G", "MEM"})


def parameters_of(version: Version) -> list[dict[str, Any]]:
    """Parameters for the eye: name, value, unit, document, article, how sure."""
    return [
        {
            "name": p.name,
            "unit": p.unit,
            "value": p.value if p.value is not None else [dict(row) for row in p.rows or ()],
            "article": p.article,
            "note": p.note,
            "document": p.document or version.source.document,
            "mark": p.mark or version.source.mark,
            "readable": p.value is not None or p.rows is not None,
        }
        for p in (version.parameters[name] for name in sorted(version.parameters))
    ]


@blueprint.get("/o/<organisation>/rulebook")
@allows(Role.PLATFORM_STAFF)
def index(organisation: str) -> str:
    """Every scheme of this release, by jurisdiction; what is not verified, what cannot be read."""
    kind = request.args.get("kind", "")
    cards = [scheme_card(s) for s in book.rulebook() if not kind or s.kind == kind]
    kinds = sorted({s.kind for s in book.rulebook()})
    tabs = [
        {
            "title": word("rulebook.kind", k),
            "href": url_for("rulebook.index", organisation=organisation, kind=k),
            "current": k == kind,
        }
        for k in kinds
    ]
    return render_template(
        "money/rulebook.html", organisation=organisation, cards=cards, kind=kind, tabs=tabs
    )


@rules.get("/rules/<path:scheme>")
@allows(PUBLIC)
def scheme(scheme: str) -> str:
    """One scheme: a version's parameters with value, unit, article, document and mark."""
    found = book.scheme(scheme)
    versions = found.all_versions()
    asked = request.args.get("version", "")
    card = scheme_card(found)
    shown = next((v for v in versions if v.name == asked), card["version"])
    return render_template(
        "money/scheme.html",
        scheme=found,
        version_tabs=[
            {
                "title": v.name,
                "href": url_for("rules.scheme", scheme=found.code, version=v.name),
                "current": v is shown,
            }
            for v in versions
        ]
        if len(versions) > 1
        else [],
        shown=shown,
        parameters=parameters_of(shown),
    )
