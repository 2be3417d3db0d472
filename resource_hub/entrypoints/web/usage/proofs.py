"""Published roots: where every chain stood when a day was over, signed, for everybody to keep and to check."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, g, jsonify, render_template, request
from flask_babel import gettext as _

from resource_hub.adapters.signing import signature_holds
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.usage import service as usage
from resource_hub.domain.usage.errors import NoSuchEntry
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.kernel.errors import NotFound

blueprint = Blueprint("proofs", __name__)
KINDS = ("usage", "money")


@blueprint.get("/proofs")
@allows(PUBLIC)
def index() -> tuple[str, int]:
    """The newest root of each chain; and a root that somebody kept, checked against ours."""
    g.zone = "Asia/Shanghai"
    chains = [c for c in usage.verified() if usage.roots(c.institution_id, c.kind, 1)]
    rows = [
        {"chain": c, "root": usage.roots(c.institution_id, c.kind, 1)[0], "host": h}
        for c in chains
        for h in [accounts.organisation(c.institution_id)]
    ]
    kept = request.args.get("root", "").strip()
    return render_template(
        "usage/proofs.html", rows=rows, kept=kept, verdict=_verdict(kept) if kept else None
    ), 200


def _verdict(text: str) -> dict[str, Any]:
    """Whether a kept root is the one that stands in our table; every way in which it may differ is told."""
    try:
        said = json.loads(text)
        message = said["root"]
        host, kind, day = (json.loads(message)[k] for k in ("host", "chain", "day"))
        record = accounts.organisation(host)
        signature = bytes.fromhex(said.get("signature", ""))
    except (ValueError, KeyError, TypeError, RecursionError, NotFound):
        return {"tone": "bad", "text": _("This is not a root as it is published here.")}
    found = next((r for r in usage.roots(record.id, kind, 4000) if r.day.isoformat() == day), None)
    if found is None:
        return {"tone": "bad", "text": _("There is no root of this chain for this day here any more.")}
    if found.root.decode() != message:
        return {
            "tone": "bad",
            "text": _("The root of this day reads differently here: the chain was rewritten."),
        }
    if not signature_holds(found.public_key, message.encode(), signature):
        return {"tone": "bad", "text": _("The signature does not fit.")}
    return {
        "tone": "good",
        "text": _(
            "This root stands here unchanged. Everything up to row %(n)s is as it was then.",
            n=found.last_position,
        ),
    }


def _roots(host: str, kind: str) -> tuple[Any, list[Any]]:
    record = accounts.organisation(host)
    if kind not in KINDS:
        raise NoSuchEntry()
    return record, usage.roots(record.id, kind)


@blueprint.get("/proofs/<host>/<kind>")
@allows(PUBLIC)
def roots(host: str, kind: str) -> str:
    record, found = _roots(host, kind)
    g.zone = record.zone
    return render_template("usage/roots.html", host=record, kind=kind, rows=found, as_json=_as_json)


def _as_json(root: Any) -> str:
    return json.dumps(
        {"root": root.root.decode(), "signature": root.signature.hex(), "public_key": root.public_key.hex()}
    )


@blueprint.get("/proofs/<host>/<kind>.json")
@allows(PUBLIC)
def download(host: str, kind: str) -> Response:
    """All roots of a chain as published, for whoever keeps them."""
    record, found = _roots(host, kind)
    return jsonify({"host": record.code, "chain": kind, "roots": [json.loads(_as_json(r)) for r in found]})
