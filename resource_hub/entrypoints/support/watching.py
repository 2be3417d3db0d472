"""Every answer leaves a line in the log and a count; ``/metrics`` shows the counts to those who may see them."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import time

from flask import Blueprint, Flask, Response, abort, current_app, g, request

import config
from resource_hub.entrypoints.support import problems
from resource_hub.entrypoints.support.guards import PUBLIC, allows
from resource_hub.infra import logging as our_logging
from resource_hub.infra import metrics

blueprint = Blueprint("metrics", __name__)
log = logging.getLogger("resource_hub.web")
# Asked for all the time, and of no interest as a line.
_UNLOGGED = frozenset({"static", "metrics.show", "shell.health"})


@blueprint.get("/metrics")
@allows(PUBLIC)
def show() -> Response:
    """Counts, for this machine itself or with the installation's token; for all others there is no such page."""
    if not _may_see():
        abort(404)
    return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


def _may_see() -> bool:
    settings: config.Settings = current_app.extensions["resource_hub_settings"]
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if settings.metrics_token and sent:
        return hmac.compare_digest(settings.metrics_token.encode(), sent.encode())
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        # Behind a proxy on this machine everybody seems to come from here.
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _begin() -> None:
    our_logging.forget()
    our_logging.bind(reference=problems.reference())
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    took = time.perf_counter() - g.get("began", time.perf_counter())
    # The pattern, not the address: addresses hold secrets and other people's ids.
    route = request.url_rule.rule if request.url_rule is not None else "-"
    response.headers["X-Reference"] = problems.reference()
    metrics.observe(route, request.method, response.status_code, took)
    if request.endpoint not in _UNLOGGED:
        level = logging.ERROR if response.status_code >= 500 else logging.INFO
        log.log(
            level,
            "answered",
            extra={
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "milliseconds": round(took * 1000, 1),
                "bytes": response.content_length,
            },
        )
    return response


def install(app: Flask) -> None:
    """Call first: its hook before a request runs before, its hook after it runs after all others."""
    app.register_blueprint(blueprint)
    app.before_request(_begin)
    app.after_request(_end)
