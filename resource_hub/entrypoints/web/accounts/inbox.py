"""The inbox: what happened, newest first, in the reader's language."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.notices import service
from resource_hub.entrypoints.support import guards, paging, sentences
from resource_hub.entrypoints.support.guards import SIGNED_IN, allows
from resource_hub.entrypoints.web.accounts.blueprint import me
from resource_hub.kernel.errors import NotFound

blueprint = Blueprint("inbox", __name__)
_SHOWN = 25


@blueprint.get("/inbox")
@allows(SIGNED_IN)
def index() -> str:
    person = me()
    unread_only = request.args.get("show") == "unread"
    after = paging.unpack(request.args.get("after"), datetime, UUID)
    found = service.inbox(
        person.id, unread_only=unread_only, limit=_SHOWN + 1, before=(after[0], after[1]) if after else None
    )
    page = paging.page_of(found, _SHOWN, lambda n: (n.created_at, n.id))
    names = accounts.organisation_names({n.organisation_id for n in page.items if n.organisation_id})
    rows = [
        (
            n,
            sentences.sentence(n.sentence_code, n.values),
            names.get(n.organisation_id) if n.organisation_id else None,
        )
        for n in page.items
    ]
    return render_template(
        "accounts/inbox.html",
        rows=rows,
        page=page,
        unread_only=unread_only,
        unread=service.unread_count(person.id),
    )


@blueprint.post("/inbox/<uuid:notice_id>/open")
@allows(SIGNED_IN)
def open_notice(notice_id: UUID) -> Response:
    """Mark as read and go where it leads. A form, not a link: a GET changes nothing."""
    found = service.notice(me().id, notice_id)
    if found is None:
        raise NotFound()
    service.mark_read(me().id, [notice_id])
    return redirect(guards.safe_next(found.link) or url_for("inbox.index"), 303)


@blueprint.post("/inbox/<uuid:notice_id>/unread")
@allows(SIGNED_IN)
def unread(notice_id: UUID) -> Response:
    service.mark_read(me().id, [notice_id], read=False)
    return redirect(url_for("inbox.index"), 303)


@blueprint.post("/inbox/read")
@allows(SIGNED_IN)
def read_all() -> Response:
    service.mark_read(me().id)
    return redirect(url_for("inbox.index"), 303)
