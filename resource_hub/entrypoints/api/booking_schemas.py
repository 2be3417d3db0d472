"""What is sent and answered about quotes, bookings, sample orders and access requests."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from resource_hub.domain.booking.terms import (
    Act,
    BookingKind,
    BookingState,
    Hazard,
    Purpose,
)
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.entrypoints.api import AlternativeSchema, CursorArguments, cursor_schema
from resource_hub.entrypoints.api.common import WhySchema
from resource_hub.entrypoints.api.money import PriceLineSchema
from resource_hub.entrypoints.support.fields import Identifier, Moment, MoneyString, Text

STEPS = (Act.RECEIVE, Act.BEGIN, Act.DELIVER, Act.FINISH)
_KINDS = [kind.value for kind in BookingKind]
_STATES = [state.value for state in BookingState]


class OneSumsSchema(ma.Schema):
    """The three sums, never mixed: to pay now, expected back later, in the end."""

    list_price = MoneyString(required=True)
    to_pay = MoneyString(required=True)
    back = MoneyString(required=True)
    net = MoneyString(required=True)
    currency = ma.fields.String(required=True)


class SumsSchema(OneSumsSchema):
    """The three sums in the order's own currency; ``more`` are those of what is booked together with it in others."""

    more = ma.fields.List(ma.fields.Nested(OneSumsSchema), required=True)


class SupportSchema(ma.Schema):
    """What a programme is expected to pay; ``reserved`` money is kept for the order, else it is an estimate."""

    programme = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    amount = MoneyString(required=True)
    reserved = ma.fields.Boolean(required=True)
    by_when = ma.fields.Date(required=True, allow_none=True)


class OrderPriceSchema(SumsSchema):
    lines = ma.fields.List(ma.fields.Nested(PriceLineSchema), required=True)
    support = ma.fields.List(ma.fields.Nested(SupportSchema), required=True)
    customer_class = ma.fields.String(required=True)
    valid_until = Moment(required=True)


class QuoteSchema(OrderPriceSchema):
    """A price frozen with its tariff version, to be booked at until it lapses."""

    id = Identifier(required=True)
    host = ma.fields.String(required=True)
    resource_id = Identifier(required=True)
    customer_id = Identifier(required=True, allow_none=True)


class WishIn(ma.Schema):
    """What is wanted, apart from the time."""

    mode = ma.fields.String(
        load_default=None,
        validate=ma.validate.OneOf([mode.value for mode in Mode]),
        metadata={"description": "the first that the resource offers when left out"},
    )
    unit_id = Identifier(
        load_default=None, allow_none=True, metadata={"description": "any unit when left out"}
    )
    customer_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={"description": "the token's only customer when left out"},
    )
    person_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={"description": "for whom; the token's person when left out"},
    )
    purpose = ma.fields.String(
        load_default=Purpose.RESEARCH.value, validate=ma.validate.OneOf([p.value for p in Purpose])
    )
    project = Text(load_default="", validate=ma.validate.Length(max=200))
    description = Text(load_default="", validate=ma.validate.Length(max=4000))
    samples = ma.fields.Integer(load_default=0, strict=True, validate=ma.validate.Range(0, 100_000))
    items = ma.fields.Dict(
        keys=Text(validate=ma.validate.Length(1, 100)),
        values=ma.fields.Integer(strict=True, validate=ma.validate.Range(0, 100_000)),
        load_default=dict,
        validate=ma.validate.Length(max=100),
    )
    extras = ma.fields.List(
        Text(validate=ma.validate.Length(1, 60)), load_default=list, validate=ma.validate.Length(max=50)
    )
    helpers = ma.fields.List(
        Identifier(),
        load_default=list,
        validate=ma.validate.Length(max=10),
        metadata={"description": "ids of resources that are booked together with it where wished"},
    )
    answers = ma.fields.Dict(
        keys=Text(validate=ma.validate.Length(1, 40)),
        values=Text(validate=ma.validate.Length(max=1000)),
        load_default=dict,
        validate=ma.validate.Length(max=50),
    )
    hazards = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf([h.value for h in Hazard])),
        load_default=list,
        validate=ma.validate.Length(max=20),
    )
    hazard_note = Text(load_default="", validate=ma.validate.Length(max=1000))
    given_quote_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "at the price of this quote, which the host gave by hand and the customer accepted"
        },
    )


class OrderIn(WishIn):
    """A window of time needs ``start`` and ``end``; samples and access need none."""

    kind = ma.fields.String(load_default=BookingKind.WINDOW.value, validate=ma.validate.OneOf(_KINDS))
    start = Moment(load_default=None, allow_none=True, metadata={"example": "2026-03-03T09:00:00+08:00"})
    end = Moment(load_default=None, allow_none=True, metadata={"example": "2026-03-03T11:00:00+08:00"})


class WalkInIn(ma.Schema):
    """Somebody without an account, written down by the host's people."""

    name = Text(required=True, validate=ma.validate.Length(1, 200))
    contact = Text(load_default="", validate=ma.validate.Length(max=200))


class BookIn(OrderIn):
    """With a token of the host's people ``customer_id`` names for whom; ``walk_in`` somebody without an account."""

    walk_in = ma.fields.Nested(WalkInIn, load_default=None, allow_none=True)
    override = Text(
        load_default="",
        validate=ma.validate.Length(max=500),
        metadata={
            "description": "why the host sets its rules aside, for a customer; it stands in the history"
        },
    )
    quote_id = Identifier(
        load_default=None, allow_none=True, metadata={"description": "book at this frozen price"}
    )
    hold_id = Identifier(
        load_default=None, allow_none=True, metadata={"description": "book what this hold keeps"}
    )


class PreviewSchema(ma.Schema):
    """What would happen: every reason against it, the price, units that are free, other times that would do."""

    reasons = ma.fields.List(ma.fields.Nested(WhySchema), required=True)
    price = ma.fields.Nested(OrderPriceSchema, required=True, allow_none=True)
    price_missing = ma.fields.List(ma.fields.Nested(WhySchema), required=True)
    free_units = ma.fields.List(Identifier(), required=True)
    alternatives = ma.fields.List(ma.fields.Nested(AlternativeSchema), required=True)


class BookingSchema(ma.Schema):
    """An order as its two parties see it."""

    id = Identifier(required=True)
    host = ma.fields.String(required=True)
    number = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    mode = ma.fields.String(required=True, allow_none=True)
    state = ma.fields.String(required=True)
    resource_id = Identifier(required=True)
    resource_code = ma.fields.String(required=True)
    unit_id = Identifier(required=True, allow_none=True)
    customer_id = Identifier(required=True)
    person_id = Identifier(required=True)
    booked_by = Identifier(required=True)
    start = Moment(required=True, allow_none=True)
    end = Moment(required=True, allow_none=True)
    setup_seconds = ma.fields.Integer(required=True)
    teardown_seconds = ma.fields.Integer(required=True)
    purpose = ma.fields.String(required=True)
    project = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    samples = ma.fields.Integer(required=True)
    items = ma.fields.Dict(required=True)
    extras = ma.fields.List(ma.fields.String(), required=True)
    answers = ma.fields.Dict(required=True)
    hazards = ma.fields.List(ma.fields.String(), required=True)
    hazard_note = ma.fields.String(required=True)
    quote_id = Identifier(required=True, allow_none=True)
    sums = ma.fields.Nested(SumsSchema, required=True, allow_none=True)
    rules_number = ma.fields.Integer(required=True, allow_none=True)
    series_id = Identifier(required=True, allow_none=True)
    calendar_uid = ma.fields.String(required=True)
    calendar_sequence = ma.fields.Integer(required=True)
    hold_expires_at = Moment(required=True, allow_none=True)
    answer_by = Moment(required=True, allow_none=True)
    decided_at = Moment(required=True, allow_none=True)
    decision_note = ma.fields.String(required=True)
    cancelled_at = Moment(required=True, allow_none=True)
    cancel_reason = ma.fields.String(required=True)
    cancel_fee = MoneyString(required=True)
    version = ma.fields.Integer(required=True)
    created_at = Moment(required=True)
    changed_at = Moment(required=True)


class EventSchema(ma.Schema):
    at = Moment(required=True)
    kind = ma.fields.String(required=True)
    person_id = Identifier(required=True, allow_none=True)
    details = ma.fields.Dict(required=True)


class MessageSchema(ma.Schema):
    id = Identifier(required=True)
    at = Moment(required=True)
    from_host = ma.fields.Boolean(required=True)
    text = ma.fields.String(required=True)


class FileSchema(ma.Schema):
    id = Identifier(required=True)
    kind = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    size = ma.fields.Integer(required=True)
    media_type = ma.fields.String(required=True)
    sha256 = ma.fields.String(required=True, metadata={"description": "of the bytes, as hexadecimal figures"})


class GivenBackSchema(ma.Schema):
    """Time that was given back inside the tariff's notice. At ``decides_at`` it begins: the fee is owed then, or not,
    if somebody has the time; null afterwards."""

    start = Moment(required=True)
    end = Moment(required=True)
    resource_id = Identifier(required=True)
    fee = MoneyString(required=True)
    currency = ma.fields.String(required=True)
    decides_at = Moment(required=True, allow_none=True)


class FullBookingSchema(BookingSchema):
    """``side`` says for whom the reader acts, ``acts`` what that side may do as far as the state goes. ``given_back``
    is what was given back late by moving or shortening, as far as its fee is owed or may be."""

    given_back = ma.fields.List(ma.fields.Nested(GivenBackSchema), required=True)

    side = ma.fields.String(required=True)
    acts = ma.fields.List(ma.fields.String(), required=True)
    events = ma.fields.List(ma.fields.Nested(EventSchema), required=True)
    messages = ma.fields.List(ma.fields.Nested(MessageSchema), required=True)
    files = ma.fields.List(ma.fields.Nested(FileSchema), required=True)


BookingsPage = cursor_schema(BookingSchema)


class ListArguments(CursorArguments):
    state = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf(_STATES)), load_default=list)
    kind = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf(_KINDS)), load_default=list)
    since = Moment(load_default=None)
    until = Moment(load_default=None)
    newest = ma.fields.Boolean(load_default=True, metadata={"description": "the latest first"})


class OwnListArguments(ListArguments):
    mine = ma.fields.Boolean(load_default=False, metadata={"description": "only of the token's person"})


class NoteIn(ma.Schema):
    note = Text(load_default="", validate=ma.validate.Length(max=2000))


class ReasonIn(ma.Schema):
    reason = Text(required=True, validate=ma.validate.Length(1, 2000))


class AmountSchema(ma.Schema):
    """An amount in a currency of its own."""

    amount = ma.fields.String(
        required=True, validate=ma.validate.Length(1, 30), metadata={"example": "30.00"}
    )
    currency = ma.fields.String(required=True, validate=ma.validate.Regexp("^[A-Z]{3}$"))


def more_seen() -> ma.fields.List[Any]:
    return ma.fields.List(
        ma.fields.Nested(AmountSchema),
        load_default=list,
        validate=ma.validate.Length(max=20),
        metadata={
            "description": "the fees in other currencies that were seen; with expected_fee, others refuse"
        },
    )


class FeesSeenIn(ma.Schema):
    """Fees that were seen in a preview."""

    expected_fee = MoneyString(
        load_default=None,
        allow_none=True,
        metadata={"description": "the fee that was seen; a higher one refuses"},
    )
    expected_more = more_seen()


class CancelIn(FeesSeenIn):
    reason = Text(load_default="", validate=ma.validate.Length(max=2000))


class CancelPreviewSchema(ma.Schema):
    """``fee`` is in the currency of the order; ``more`` are those of what is booked together with it in others."""

    fee = MoneyString(required=True)
    currency = ma.fields.String(required=True)
    more = ma.fields.List(ma.fields.Nested(AmountSchema), required=True)
    reasons = ma.fields.List(ma.fields.Nested(WhySchema), required=True)


class TimeIn(ma.Schema):
    """Another time: move, extend or shorten."""

    start = Moment(required=True)
    end = Moment(required=True)
    unit_id = Identifier(
        load_default=None, allow_none=True, metadata={"description": "the unit it has, where possible"}
    )


class ProposalIn(TimeIn, NoteIn):
    pass


class ChangeIn(ProposalIn, FeesSeenIn):
    pass


class ChangePreviewSchema(ma.Schema):
    """``needs_answer``: after the change the host is asked again. ``fee`` is for the time that is given back inside the
    tariff's notice, in the currency of the order, not owed if somebody takes that time; ``more`` are fees in others."""

    fee = MoneyString(required=True)
    currency = ma.fields.String(required=True)
    more = ma.fields.List(ma.fields.Nested(AmountSchema), required=True)

    reasons = ma.fields.List(ma.fields.Nested(WhySchema), required=True)
    price = ma.fields.Nested(OrderPriceSchema, required=True, allow_none=True)
    free = ma.fields.Boolean(required=True)
    needs_answer = ma.fields.Boolean(required=True)


class MessageIn(ma.Schema):
    text = Text(required=True, validate=ma.validate.Length(1, 4000))


class MessagesSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(MessageSchema), required=True)


class StepIn(NoteIn):
    step = ma.fields.String(required=True, validate=ma.validate.OneOf([act.value for act in STEPS]))
