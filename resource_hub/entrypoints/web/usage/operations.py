"""Operations: jobs with backlog, last and next run, parked deliveries, the ledger, disk and version."""

from __future__ import annotations

import shutil
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select, text
from werkzeug.wrappers import Response

import config
from resource_hub import __version__
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import Role
from resource_hub.domain.usage import service as usage
from resource_hub.entrypoints.jobs import runs
from resource_hub.entrypoints.support.forms import once
from resource_hub.entrypoints.support.guards import allows
from resource_hub.infra import clock, outbox
from resource_hub.infra.database import dialect_name, reading
from resource_hub.infra.tables import JobLease, OutboxDelivery, OutboxEvent
from resource_hub.infra.unit_of_work import unit_of_work

blueprint = Blueprint("operations", __name__)


@blueprint.get("/o/<organisation>/operations")
@allows(Role.PLATFORM_STAFF)
def index(organisation: str) -> str:
    g.zone = "Asia/Shanghai"
    settings: config.Settings = current_app.extensions["resource_hub_settings"]
    now = clock.machine_now()
    chains = usage.verified()
    disk = shutil.disk_usage(settings.instance_dir)
    return render_template(
        "usage/operations.html",
        jobs=runs.overview(now),
        now=now,
        lease=reading().scalars(select(JobLease)).first(),
        parked=_parked(),
        waiting=outbox.backlog(),
        unlinked=usage.sealer_backlog(),
        chains=chains,
        broken=[c for c in chains if c.broken],
        hosts=accounts.organisation_names({c.institution_id for c in chains}),
        oldest=min((c.verified_at for c in chains if c.verified_at), default=None),
        never=sum(c.verified_at is None for c in chains),
        entries=sum(c.position for c in chains),
        disk=disk,
        database={"engine": dialect_name(), "size": _database_size()},
        version=__version__,
    )


def _parked() -> list[dict[str, Any]]:
    rows = reading().execute(
        select(OutboxDelivery, OutboxEvent.name, OutboxEvent.at)
        .join(OutboxEvent, OutboxEvent.id == OutboxDelivery.event_id)
        .where(OutboxDelivery.state == "parked")
        .order_by(OutboxEvent.at)
        .limit(100)
    )
    return [
        {
            "id": delivery.id,
            "event": name,
            "at": at,
            "subscriber": delivery.subscriber,
            "subject": delivery.subject,
            "error": delivery.error,
        }
        for delivery, name, at in rows
    ]


def _database_size() -> int:
    """Bytes of the database."""
    session = reading()
    if dialect_name() == "postgresql":
        return int(session.scalar(select(func.pg_database_size(func.current_database()))) or 0)
    pages = int(session.scalar(text("PRAGMA page_count")) or 0)
    return pages * int(session.scalar(text("PRAGMA page_size")) or 0)


@blueprint.post("/o/<organisation>/operations/deliveries/<uuid:delivery_id>")
@allows(Role.PLATFORM_STAFF)
@once
def retry(organisation: str, delivery_id: UUID) -> Response:
    """Give a parked delivery ten more tries."""
    with unit_of_work() as unit:
        found = outbox.retry_parked(unit, delivery_id)
    flash(
        _("It is tried again now.") if found else _("It is not parked any more."), "good" if found else "wait"
    )
    return redirect(url_for("operations.index", organisation=organisation), 303)
