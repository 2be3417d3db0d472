"""What is sent and answered about series."""

from __future__ import annotations

from datetime import date

import marshmallow as ma

from resource_hub.domain.booking.rules.recurrence import LAST, MOST, MOST_INTERVAL, Frequency, Monthly
from resource_hub.domain.booking.series_answering import Given
from resource_hub.domain.booking.terms import Scope
from resource_hub.entrypoints.api import AlternativeSchema, CursorArguments, cursor_schema
from resource_hub.entrypoints.api.booking_schemas import (
    AmountSchema,
    BookingSchema,
    FeesSeenIn,
    NoteIn,
    OrderIn,
    OrderPriceSchema,
    ReasonIn,
    SumsSchema,
    TimeIn,
)
from resource_hub.entrypoints.api.common import WhySchema
from resource_hub.entrypoints.support.fields import Identifier, Moment, MoneyString, Text

_DAYS = ma.validate.Range(date(1950, 1, 1), date(2199, 12, 31))
_SCOPES = [scope.value for scope in Scope]


class RuleSchema(ma.Schema):
    """How often and until when. It ends after ``count`` days or on the day ``until``; one of the two is given."""

    frequency = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf([f.value for f in Frequency]),
        metadata={"example": Frequency.WEEKLY.value},
    )
    interval = ma.fields.Integer(
        load_default=1,
        strict=True,
        validate=ma.validate.Range(1, MOST_INTERVAL),
        metadata={"description": "every so many days, weeks or months", "example": 1},
    )
    weekdays = ma.fields.List(
        ma.fields.Integer(strict=True, validate=ma.validate.Range(0, 6)),
        load_default=list,
        validate=ma.validate.Length(max=7),
        metadata={
            "description": "of a weekly series, 0 is Monday; that of the first day when empty",
            "example": [1],
        },
    )
    monthly = ma.fields.String(
        load_default=Monthly.DAY.value,
        validate=ma.validate.OneOf([m.value for m in Monthly]),
        metadata={"description": "of a monthly series: by day of the month, or by weekday"},
    )
    nth = ma.fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=ma.validate.Range(1, LAST),
        metadata={
            "description": "which weekday of the month, 5 is the last; that of the first day when left out"
        },
    )
    count = ma.fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=ma.validate.Range(2, MOST),
        metadata={"example": 6},
    )
    until = ma.fields.Date(load_default=None, allow_none=True, validate=_DAYS)


class ChoiceIn(ma.Schema):
    """What to do with a day that clashes: leave it out (of a change: where it is), or give it another time."""

    day = ma.fields.Date(required=True, validate=_DAYS)
    skip = ma.fields.Boolean(load_default=False)
    start = Moment(load_default=None, allow_none=True)
    end = Moment(load_default=None, allow_none=True)


_CHOICES = {
    "load_default": list,
    "validate": ma.validate.Length(max=MOST),
    "metadata": {"description": "of the days that clash; what is not named here has to be possible"},
}


class SeriesIn(OrderIn):
    """The order of the first day, and how it repeats."""

    rule = ma.fields.Nested(RuleSchema, required=True)
    choices = ma.fields.List(ma.fields.Nested(ChoiceIn), **_CHOICES)  # type: ignore[arg-type]


class DayLookSchema(ma.Schema):
    """A day before it is booked: it clashes where there are reasons."""

    day = ma.fields.Date(required=True)
    start = Moment(required=True, allow_none=True)
    end = Moment(required=True, allow_none=True)
    skipped = ma.fields.Boolean(required=True)
    reasons = ma.fields.List(ma.fields.Nested(WhySchema), required=True)
    alternatives = ma.fields.List(ma.fields.Nested(AlternativeSchema), required=True)
    price = ma.fields.Nested(OrderPriceSchema, required=True, allow_none=True)


class DayTimeIn(ma.Schema):
    """The time of a day that is booked after all; that of the series where none is named."""

    start = Moment(load_default=None, allow_none=True)
    end = Moment(load_default=None, allow_none=True)


class SeriesPreviewSchema(ma.Schema):
    """Every day of it; ``sums`` of those that can be had, where all their prices are known."""

    days = ma.fields.List(ma.fields.Nested(DayLookSchema), required=True)
    clashes = ma.fields.Integer(required=True)
    sums = ma.fields.Nested(SumsSchema, required=True, allow_none=True)


class SeriesSchema(ma.Schema):
    """A series as its two parties see it. ``state`` is ``live``, ``over`` or ``cancelled``."""

    id = Identifier(required=True)
    host = ma.fields.String(required=True)
    resource_id = Identifier(required=True)
    resource_code = ma.fields.String(required=True)
    customer_id = Identifier(required=True)
    person_id = Identifier(required=True)
    booked_by = Identifier(required=True)
    zone = ma.fields.String(required=True)
    rule = ma.fields.Nested(RuleSchema, required=True)
    starts_minute = ma.fields.Integer(
        required=True, metadata={"description": "of the host's wall clock, after midnight"}
    )
    length_seconds = ma.fields.Integer(required=True)
    split_from = Identifier(required=True, allow_none=True)
    state = ma.fields.String(required=True)
    ahead = ma.fields.Integer(required=True, metadata={"description": "days that can still be changed"})
    waiting = ma.fields.Integer(required=True, metadata={"description": "days that wait for an answer"})
    version = ma.fields.Integer(required=True)
    created_at = Moment(required=True)


class OccurrenceSchema(ma.Schema):
    """A day of a series; without a booking where it was left out or handed over to another customer."""

    day = ma.fields.Date(required=True)
    live = ma.fields.Boolean(required=True, metadata={"description": "it can still be changed"})
    moved_by_hand = ma.fields.Boolean(required=True)
    handed_over = ma.fields.Boolean(
        required=True,
        metadata={"description": "another customer took it over; it is no day of the series any more"},
    )
    can_be_booked = ma.fields.Boolean(
        required=True, metadata={"description": "it was left out and is not past: it can be booked after all"}
    )
    booking = ma.fields.Nested(BookingSchema, required=True, allow_none=True)


class FullSeriesSchema(SeriesSchema):
    side = ma.fields.String(required=True)
    days = ma.fields.List(ma.fields.Nested(OccurrenceSchema), required=True)


class DayChosenIn(ma.Schema):
    booking_id = Identifier(required=True)
    version = ma.fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        metadata={"description": "of the booking that was read; a later one keeps the day unanswered"},
    )


class _DaysIn(ma.Schema):
    days = ma.fields.List(
        ma.fields.Nested(DayChosenIn),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(1, MOST),
        metadata={"description": "the days to be answered; left out, all that wait"},
    )


class SeriesYesIn(NoteIn, _DaysIn):
    pass


class SeriesNoIn(ReasonIn, _DaysIn):
    pass


class DayAnswerSchema(ma.Schema):
    """``given``: the day is ``confirmed``, the yes is ``noted`` and the next answer wanted, it is ``refused``, or it is
    ``kept`` as it was, for its reasons."""

    day = ma.fields.Date(required=True)
    booking_id = Identifier(required=True)
    given = ma.fields.String(required=True, validate=ma.validate.OneOf([one.value for one in Given]))
    reasons = ma.fields.List(ma.fields.Nested(WhySchema), required=True)


class AnsweredSeriesSchema(FullSeriesSchema):
    answers = ma.fields.List(ma.fields.Nested(DayAnswerSchema), required=True)


SeriesPage = cursor_schema(SeriesSchema)


class HostSeriesArguments(CursorArguments):
    resource = ma.fields.String(
        load_default=None, metadata={"description": "only of the resource with this code"}
    )


class SeriesTimeIn(TimeIn):
    """The new time of one day, and how far it is carried on: that day alone, it and the following ones, or all."""

    class Meta:
        exclude = ("unit_id",)

    booking_id = Identifier(required=True)
    scope = ma.fields.String(
        load_default=Scope.ONE.value,
        validate=ma.validate.OneOf(_SCOPES),
        metadata={"example": Scope.REST.value},
    )
    choices = ma.fields.List(ma.fields.Nested(ChoiceIn), **_CHOICES)  # type: ignore[arg-type]


class SeriesChangeIn(SeriesTimeIn, NoteIn, FeesSeenIn):
    pass


class DayChangeLookSchema(ma.Schema):
    """A day before the change. ``stays`` says why it keeps its time, where it does."""

    day = ma.fields.Date(required=True)
    booking_id = Identifier(required=True, allow_none=True)
    start = Moment(required=True, allow_none=True)
    end = Moment(required=True, allow_none=True)
    stays = ma.fields.String(required=True, allow_none=True)
    reasons = ma.fields.List(ma.fields.Nested(WhySchema), required=True)
    alternatives = ma.fields.List(ma.fields.Nested(AlternativeSchema), required=True)
    price = ma.fields.Nested(OrderPriceSchema, required=True, allow_none=True)
    fee = MoneyString(
        required=True,
        allow_none=True,
        metadata={"description": "of time given back late; null where it stays"},
    )
    more = ma.fields.List(ma.fields.Nested(AmountSchema), required=True)


class SeriesChangePreviewSchema(ma.Schema):
    """``split``: the days before the changed ones stay behind as a series of their own. ``fee`` and ``more`` are for
    the time that all days give back inside the tariff's notice; null where no day moves."""

    fee = MoneyString(required=True, allow_none=True)
    currency = ma.fields.String(required=True, allow_none=True)
    more = ma.fields.List(ma.fields.Nested(AmountSchema), required=True)

    days = ma.fields.List(ma.fields.Nested(DayChangeLookSchema), required=True)
    moving = ma.fields.Integer(required=True)
    clashes = ma.fields.Integer(required=True)
    split = ma.fields.Boolean(required=True)


class CancelArguments(ma.Schema):
    since = ma.fields.Date(
        load_default=None,
        allow_none=True,
        validate=_DAYS,
        metadata={"description": "this day and the following ones; all that are ahead when left out"},
    )


class SeriesCancelIn(CancelArguments, FeesSeenIn):
    reason = Text(load_default="", validate=ma.validate.Length(max=2000))


class DayCancelLookSchema(ma.Schema):
    day = ma.fields.Date(required=True)
    booking_id = Identifier(required=True)
    fee = MoneyString(required=True)
    more = ma.fields.List(ma.fields.Nested(AmountSchema), required=True)
    reasons = ma.fields.List(ma.fields.Nested(WhySchema), required=True)


class SeriesCancelPreviewSchema(ma.Schema):
    """What cancelling would do now; days with reasons stay."""

    days = ma.fields.List(ma.fields.Nested(DayCancelLookSchema), required=True)
    fee = MoneyString(required=True, allow_none=True)
    currency = ma.fields.String(required=True, allow_none=True)
    more = ma.fields.List(ma.fields.Nested(AmountSchema), required=True)
