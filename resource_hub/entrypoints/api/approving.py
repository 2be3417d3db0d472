"""What waits for the customer's own approver, for programs. The answer goes by the booking's approval or rejection."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import g

from resource_hub.domain.booking import service
from resource_hub.entrypoints.api import CursorArguments
from resource_hub.entrypoints.api.blueprint import Blueprint
from resource_hub.entrypoints.api.booking_schemas import BookingSchema
from resource_hub.entrypoints.api.booking_values import rows_out
from resource_hub.entrypoints.support import paging
from resource_hub.entrypoints.support.fields import Moment, MoneyString
from resource_hub.entrypoints.support.guards import MEMBER, allows

blueprint = Blueprint("approving_api", __name__, url_prefix="/api/v1", description="Approval by the customer")


class AnswerStepSchema(ma.Schema):
    """One of the answers that the order waits for, in their order."""

    who = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    answer_by = Moment(required=True, allow_none=True)


class ToApproveSchema(ma.Schema):
    """``mine``: the token's person may answer now; beyond its limit somebody else has to."""

    booking = ma.fields.Nested(BookingSchema, required=True)
    answer_by = Moment(required=True, allow_none=True)
    mine = ma.fields.Boolean(required=True)
    steps = ma.fields.List(ma.fields.Nested(AnswerStepSchema), required=True)


class AllToApproveSchema(ma.Schema):
    """``limit``: up to which sum the token's person approves one booking; null is none."""

    limit = MoneyString(required=True, allow_none=True)
    items = ma.fields.List(ma.fields.Nested(ToApproveSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)


@blueprint.get("/to-approve")
@blueprint.arguments(CursorArguments, location="query")
@blueprint.response(200, AllToApproveSchema)
@allows(MEMBER)
def to_approve(args: dict[str, Any]) -> dict[str, Any]:
    """Bookings of the token's customers that wait for their approver, the nearest term first."""
    after = paging.unpack(args["after"], datetime, UUID)
    found = service.to_approve(g.actor, args["limit"] + 1, after)
    page = paging.page_of(found, args["limit"], lambda one: one.place)
    bookings = {row["id"]: row for row in rows_out([one.record for one in page.items])}
    return {
        "limit": g.actor.approve_limit,
        "items": [
            {
                "booking": bookings[one.record.key.id],
                "answer_by": one.step.answer_by,
                "mine": one.mine,
                "steps": [
                    {"who": s.who.value, "state": s.state.value, "answer_by": s.answer_by} for s in one.steps
                ],
            }
            for one in page.items
        ],
        "next": page.next_cursor,
    }
