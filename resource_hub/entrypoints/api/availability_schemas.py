"""What is sent and answered about calendars, hours and house rules."""

from __future__ import annotations

from datetime import date

import marshmallow as ma

from resource_hub.domain.availability.terms import Audience, ExceptionKind, OnHolidays
from resource_hub.domain.booking.service import TRIAL_MONTHS
from resource_hub.domain.booking.terms import Fate
from resource_hub.entrypoints.api import cursor_schema
from resource_hub.entrypoints.api.accounts import NameSchema
from resource_hub.entrypoints.api.common import WhySchema
from resource_hub.entrypoints.api.series_schemas import RuleSchema
from resource_hub.entrypoints.support.fields import Identifier, Moment, Text

_DAYS = ma.validate.Range(date(1950, 1, 1), date(2199, 12, 31))


class SpanArguments(ma.Schema):
    since = Moment(load_default=None, metadata={"description": "now when left out"})
    until = Moment(load_default=None, metadata={"description": "a week later when left out"})


class FreeArguments(SpanArguments):
    minutes = ma.fields.Integer(
        load_default=0,
        validate=ma.validate.Range(0, 527_040),
        metadata={"description": "only stretches of at least so many minutes"},
    )


class StretchSchema(ma.Schema):
    """A piece of a lane. ``holder_id`` is given to the two parties of a booking only; to others a time is taken."""

    start = Moment(required=True)
    end = Moment(required=True)
    look = ma.fields.String(required=True)
    bookable = ma.fields.Boolean(required=True)
    why = ma.fields.Nested(WhySchema, required=True, allow_none=True)
    holder_id = Identifier(required=True, allow_none=True)


class LaneSchema(ma.Schema):
    unit_id = Identifier(required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.Nested(NameSchema, required=True)
    stretches = ma.fields.List(ma.fields.Nested(StretchSchema), required=True)


class SpecialDaySchema(ma.Schema):
    day = ma.fields.Date(required=True)
    kind = ma.fields.String(required=True)
    name = ma.fields.Nested(NameSchema, required=True)
    provisional = ma.fields.Boolean(required=True)


class CalendarSchema(ma.Schema):
    """Each lane covers the whole span, without gap or overlap."""

    zone = ma.fields.String(required=True)
    since = Moment(required=True)
    until = Moment(required=True)
    as_of = Moment(required=True)
    step_minutes = ma.fields.Integer(required=True)
    setup_seconds = ma.fields.Integer(required=True)
    teardown_seconds = ma.fields.Integer(required=True)
    special_days = ma.fields.List(ma.fields.Nested(SpecialDaySchema), required=True)
    lanes = ma.fields.List(ma.fields.Nested(LaneSchema), required=True)


class FreeTimeSchema(ma.Schema):
    unit_id = Identifier(required=True)
    start = Moment(required=True)
    end = Moment(required=True)


class FreeTimesSchema(ma.Schema):
    """Stretches in which a booking may lie; set-up and tear-down are taken off already."""

    zone = ma.fields.String(required=True)
    items = ma.fields.List(ma.fields.Nested(FreeTimeSchema), required=True)


class WeeklyIn(ma.Schema):
    """Minutes of the host's wall clock after midnight; an end beyond 1440 reaches into the next day."""

    weekday = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(0, 6))
    starts_minute = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(0, 1439))
    ends_minute = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(1, 2880))
    audience = ma.fields.String(
        load_default=Audience.ALL.value, validate=ma.validate.OneOf([a.value for a in Audience])
    )
    on_holidays = ma.fields.String(
        load_default=OnHolidays.CLOSED.value, validate=ma.validate.OneOf([h.value for h in OnHolidays])
    )


class WeeklySchema(ma.Schema):
    weekday = ma.fields.Integer(required=True, metadata={"description": "0 is Monday"})
    starts_minute = ma.fields.Integer(required=True)
    ends_minute = ma.fields.Integer(required=True)
    since = ma.fields.Date(required=True)
    until = ma.fields.Date(required=True, allow_none=True)
    audience = ma.fields.String(required=True)
    on_holidays = ma.fields.String(required=True)


class VerdictIn(ma.Schema):
    """What becomes of a booking that a change hits; one that moves says where to."""

    booking_id = Identifier(required=True)
    fate = ma.fields.String(required=True, validate=ma.validate.OneOf([fate.value for fate in Fate]))
    start = Moment(load_default=None, allow_none=True)
    end = Moment(load_default=None, allow_none=True)
    version = ma.fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=ma.validate.Range(1, 2**31),
        metadata={"description": "the version of the booking that was seen"},
    )


class DecidedIn(ma.Schema):
    """``verdicts`` on the bookings that the preview named; ``reason`` is what customers of moved and cancelled ones
    read."""

    verdicts = ma.fields.List(
        ma.fields.Nested(VerdictIn), load_default=list, validate=ma.validate.Length(max=500)
    )
    reason_to_customers = Text(load_default="", validate=ma.validate.Length(max=500))


class HoursIn(ma.Schema):
    """The whole weekly pattern from a day on; what held before keeps holding until then."""

    since = ma.fields.Date(required=True, validate=_DAYS)
    stretches = ma.fields.List(
        ma.fields.Nested(WeeklyIn), required=True, validate=ma.validate.Length(max=100)
    )


class PublishHoursIn(HoursIn, DecidedIn):
    pass


class AffectedSchema(ma.Schema):
    """A booking that a change would leave outside the hours, or that stands in the way of maintenance.

    ``fates`` are what may be chosen for it, ``times`` where it could move under the new hours for no more money.
    """

    holder_id = Identifier(required=True)
    number = ma.fields.String(required=True, allow_none=True)
    version = ma.fields.Integer(required=True, allow_none=True)
    unit_id = Identifier(required=True)
    start = Moment(required=True)
    end = Moment(required=True)
    reasons = ma.fields.List(ma.fields.Nested(WhySchema), required=True)
    fates = ma.fields.List(ma.fields.String(), required=True)
    times = ma.fields.List(ma.fields.Nested(FreeTimeSchema), required=True)


class HitsSchema(ma.Schema):
    hits = ma.fields.List(ma.fields.Nested(AffectedSchema), required=True)


class HoursSchema(ma.Schema):
    zone = ma.fields.String(required=True)
    stretches = ma.fields.List(ma.fields.Nested(WeeklySchema), required=True)


class PublishedHoursSchema(HoursSchema):
    hits = ma.fields.Integer(required=True, metadata={"description": "bookings on which was decided"})


class ReasonTextSchema(ma.Schema):
    zh = Text(load_default="", validate=ma.validate.Length(max=300))
    en = Text(load_default="", validate=ma.validate.Length(max=300))


class ExceptionIn(ma.Schema):
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf([k.value for k in ExceptionKind]))
    start = Moment(required=True)
    end = Moment(required=True)
    unit_id = Identifier(
        load_default=None, allow_none=True, metadata={"description": "every unit when left out"}
    )
    audience = ma.fields.String(
        load_default=Audience.ALL.value, validate=ma.validate.OneOf([a.value for a in Audience])
    )
    reason = ma.fields.Nested(ReasonTextSchema, load_default=lambda: {"zh": "", "en": ""})


class PublishExceptionIn(ExceptionIn, DecidedIn):
    pass


class RepeatedIn(ExceptionIn):
    """The first date, and how it comes again; every date has the wall-clock times of the first."""

    rule = ma.fields.Nested(RuleSchema, required=True)


class PublishRepeatedIn(RepeatedIn, DecidedIn):
    """``for_all`` holds for hit bookings without a verdict; ``leave_out`` leaves out dates that hit some."""

    for_all = ma.fields.String(
        load_default=None, allow_none=True, validate=ma.validate.OneOf([f.value for f in Fate])
    )
    leave_out = ma.fields.Boolean(load_default=False)


class DateHitSchema(ma.Schema):
    start = Moment(required=True)
    end = Moment(required=True)
    bookings = ma.fields.Integer(required=True)


class RepeatedHitsSchema(HitsSchema):
    dates = ma.fields.List(ma.fields.Nested(DateHitSchema), required=True)


class RepeatedSchema(ma.Schema):
    entered = ma.fields.Integer(required=True)
    left_out = ma.fields.Integer(required=True)


class DatesSchema(ma.Schema):
    """Dates that were entered as one and are not over; those that have not begun can be taken back together."""

    id = Identifier(required=True)
    kind = ma.fields.String(required=True)
    unit_id = Identifier(required=True, allow_none=True)
    audience = ma.fields.String(required=True)
    reason = ma.fields.Nested(NameSchema, required=True)
    next_start = Moment(required=True)
    next_end = Moment(required=True)
    last_start = Moment(required=True)
    count = ma.fields.Integer(required=True)


DatesPage = cursor_schema(DatesSchema)


class TakenBackSchema(ma.Schema):
    dates = ma.fields.Integer(required=True)
    hits = ma.fields.Integer(required=True, metadata={"description": "bookings on which was decided"})


class SettledSchema(ma.Schema):
    hits = ma.fields.Integer(required=True, metadata={"description": "bookings on which was decided"})


class ToSettleSchema(ma.Schema):
    """A resource with bookings that wait to be settled."""

    id = Identifier(required=True)
    code = ma.fields.String(required=True)
    bookings = ma.fields.Integer(required=True)


ToSettlePage = cursor_schema(ToSettleSchema)


class YearArguments(ma.Schema):
    year = ma.fields.Integer(
        load_default=None,
        validate=ma.validate.Range(2000, 2199),
        metadata={"description": "this one when left out"},
    )


class ProtectedUseSchema(ma.Schema):
    """``promised_seconds`` is the sum of the others: used by customers from outside, left free, and broken by the
    host's own, a closure, maintenance or another calendar."""

    promised_seconds = ma.fields.Integer(required=True)
    outside_seconds = ma.fields.Integer(required=True)
    free_seconds = ma.fields.Integer(required=True)
    inside_seconds = ma.fields.Integer(required=True)
    closed_seconds = ma.fields.Integer(required=True)
    maintained_seconds = ma.fields.Integer(required=True)
    elsewhere_seconds = ma.fields.Integer(required=True)


class ProtectedMonthSchema(ProtectedUseSchema):
    month = ma.fields.String(required=True, metadata={"example": "2026-03"})


class ProtectedHoursSchema(ma.Schema):
    zone = ma.fields.String(required=True)
    year = ma.fields.Integer(required=True)
    as_of = Moment(required=True)
    months = ma.fields.List(ma.fields.Nested(ProtectedMonthSchema), required=True)
    whole = ma.fields.Nested(ProtectedUseSchema, required=True)


class ExceptionSchema(ma.Schema):
    id = Identifier(required=True)
    series_id = Identifier(
        required=True, allow_none=True, metadata={"description": "shared by dates that were entered as one"}
    )
    kind = ma.fields.String(required=True)
    start = Moment(required=True)
    end = Moment(required=True)
    unit_id = Identifier(required=True, allow_none=True)
    audience = ma.fields.String(required=True)
    reason = ma.fields.Nested(NameSchema, required=True)


class ExceptionsSchema(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ExceptionSchema), required=True)


class RulesIn(ma.Schema):
    since = ma.fields.Date(required=True, validate=_DAYS)
    document = ma.fields.Dict(keys=Text(), required=True)
    note = Text(load_default="", validate=ma.validate.Length(max=2000))


class DocumentIn(ma.Schema):
    document = ma.fields.Dict(keys=Text(), required=True)
    months = ma.fields.Integer(
        load_default=6,
        validate=ma.validate.OneOf(TRIAL_MONTHS),
        metadata={"description": "it is tried on the bookings of so many months"},
    )


class SentencesSchema(ma.Schema):
    """A document read back: as it would be kept, and as sentences for those who book."""

    document = ma.fields.Dict(required=True)
    sentences = ma.fields.List(ma.fields.String(), required=True)


class RuleCountSchema(WhySchema):
    count = ma.fields.Integer(required=True)


class TriedSchema(ma.Schema):
    booking_id = Identifier(required=True)
    start = Moment(required=True)
    end = Moment(required=True)
    reasons = ma.fields.List(ma.fields.Nested(WhySchema), required=True)


class TriedBarSchema(ma.Schema):
    """Without ``until`` it would have ended when the host lifted it."""

    person_id = Identifier(required=True)
    customer_id = Identifier(required=True)
    since = Moment(required=True)
    until = Moment(required=True, allow_none=True)
    strikes = ma.fields.Integer(required=True, metadata={"description": "that counted then"})


class TrialSchema(ma.Schema):
    """What the document would have done to past bookings; ``refused_today`` and ``barred_today`` by the rules that
    are in force.

    ``whole`` is false where only the newest bookings were tried; of those refused, and of the bars that strikes would
    have brought, the newest are listed. ``barred`` are people.
    """

    since = Moment(required=True)
    tried = ma.fields.Integer(required=True)
    whole = ma.fields.Boolean(required=True)
    refused = ma.fields.Integer(required=True)
    refused_today = ma.fields.Integer(required=True)
    customers = ma.fields.Integer(required=True)
    by_rule = ma.fields.List(ma.fields.Nested(RuleCountSchema), required=True)
    bookings = ma.fields.List(ma.fields.Nested(TriedSchema), required=True)
    barred = ma.fields.Integer(required=True)
    barred_today = ma.fields.Integer(required=True)
    bars = ma.fields.List(ma.fields.Nested(TriedBarSchema), required=True)


class RulesPreviewSchema(SentencesSchema):
    trial = ma.fields.Nested(TrialSchema, required=True)


class RulesSchema(SentencesSchema):
    number = ma.fields.Integer(required=True)
    since = ma.fields.Date(required=True)
    until = ma.fields.Date(required=True, allow_none=True)
    note = ma.fields.String(required=True)


class RulesHistorySchema(ma.Schema):
    """``in_force`` is today's document; without a version it is the usual one."""

    in_force = ma.fields.Nested(SentencesSchema, required=True)
    number = ma.fields.Integer(required=True, allow_none=True)
    versions = ma.fields.List(ma.fields.Nested(RulesSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)
