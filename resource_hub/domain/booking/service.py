"""The door to booking. What others may call stands here; the work is done in the files beside it."""

from __future__ import annotations

from resource_hub.domain.booking.answers import answers_of, may_answer, may_answer_now, open_answers
from resource_hub.domain.booking.approving import ToApprove, to_approve
from resource_hub.domain.booking.bars import BarredPerson, barred_at, bars_on, lift_bar
from resource_hub.domain.booking.cancelling import CancelPreview, cancel, cancel_preview
from resource_hub.domain.booking.cancelling import shown as shown_fees
from resource_hub.domain.booking.changing import ChangePreview, change, change_preview
from resource_hub.domain.booking.deciding import approve, propose, reject
from resource_hub.domain.booking.dividing import hand_over, split, successors
from resource_hub.domain.booking.for_others import (
    book_walk_in,
    booked_for_others,
    bookings_of_customer_at,
    bookings_of_walk_in,
    customers_at,
)
from resource_hub.domain.booking.giving_back import given_back, given_back_of
from resource_hub.domain.booking.hand_over_offers import accept as accept_hand_over
from resource_hub.domain.booking.hand_over_offers import decline as decline_hand_over
from resource_hub.domain.booking.hand_over_offers import expire_due as expire_hand_overs
from resource_hub.domain.booking.hand_over_offers import (
    look_offer as look_hand_over,
)
from resource_hub.domain.booking.hand_over_offers import offer as offer_hand_over
from resource_hub.domain.booking.hand_over_offers import offer_for as hand_over_for
from resource_hub.domain.booking.hand_over_offers import offers_of as hand_overs_of
from resource_hub.domain.booking.hand_over_offers import open_offer_of as open_hand_over_of
from resource_hub.domain.booking.hand_over_offers import withdraw as withdraw_hand_over
from resource_hub.domain.booking.hand_over_store import HandOverRecord
from resource_hub.domain.booking.inquiries import accept as accept_quote
from resource_hub.domain.booking.inquiries import ask as ask_for_quote
from resource_hub.domain.booking.inquiries import by_inquiry
from resource_hub.domain.booking.inquiries import decline as decline_quote
from resource_hub.domain.booking.inquiries import give as give_quote
from resource_hub.domain.booking.inquiries import refuse as refuse_inquiry
from resource_hub.domain.booking.inquiries import take_back as take_back_inquiry
from resource_hub.domain.booking.inquiries import withdraw as withdraw_quote
from resource_hub.domain.booking.inquiry_reading import (
    files_of_inquiry,
    former_of_inquiry,
    formers_of_inquiries,
    given_versions,
    inquiries_at,
    inquiries_of,
    inquiries_waiting,
    inquiry_asked_again,
    inquiry_for,
    may_price,
    order_of_inquiry,
    requests_waiting,
)
from resource_hub.domain.booking.invitations import ENDS as INVITATION_ENDS
from resource_hub.domain.booking.invitations import HANDED_AWAY, INVITATION, Answer, Outcome, answered
from resource_hub.domain.booking.invitations import key_of as invited_to
from resource_hub.domain.booking.keeping import give_back, own_hold, request_kept
from resource_hub.domain.booking.late_fees import decide_fees
from resource_hub.domain.booking.linking import HelperBooking, fees_together, helpers_of, quote_for, together
from resource_hub.domain.booking.linking import busy as busy_helper
from resource_hub.domain.booking.linking import in_the_way as helper_in_the_way
from resource_hub.domain.booking.linking import offered as offered_helpers
from resource_hub.domain.booking.linking import prepared as prepared_helpers
from resource_hub.domain.booking.linking import reasons_against as reasons_against_helpers
from resource_hub.domain.booking.managing import lapse_due
from resource_hub.domain.booking.offering import Turn, offer_due, wish_of
from resource_hub.domain.booking.ordering import alternatives, hold, request, sweep_keys
from resource_hub.domain.booking.outside_hours import SUBSCRIPTIONS as _OUTSIDE
from resource_hub.domain.booking.outside_hours import (
    outside_hours,
    preview_days,
    preview_forgetting,
    preview_outside,
    settle_outside,
)
from resource_hub.domain.booking.preparing import DECIDES, STAFF, is_staff, judge, prepare
from resource_hub.domain.booking.progress import advance, attach, finished, missed, say, started
from resource_hub.domain.booking.publishing import (
    HitBooking,
    change_unit,
    preview_exception,
    preview_hours,
    preview_take_back,
    preview_unit_out,
    publish_exception,
    publish_hours,
    take_back,
    take_back_dates,
)
from resource_hub.domain.booking.quoting import (
    Preview,
    buyer,
    cancellation_fee,
    compute,
    day_of,
    may_buy_for,
    no_show_fee,
    preview,
    quote,
)
from resource_hub.domain.booking.rating_store import RatingRecord
from resource_hub.domain.booking.ratings import (
    MeanRating,
    PublicRatings,
    RatingsLook,
    ToRate,
    mean_ratings,
    public_ratings,
    rate,
    ratings_for,
    reported_rating,
    reported_ratings,
    to_rate,
)
from resource_hub.domain.booking.ratings import answer as answer_rating
from resource_hub.domain.booking.ratings import decide as decide_rating
from resource_hub.domain.booking.ratings import report as report_rating
from resource_hub.domain.booking.ratings import reveal_due as reveal_ratings
from resource_hub.domain.booking.reading import (
    Detail,
    asked_of,
    booking,
    booking_for,
    bookings_at,
    bookings_of,
    calendar,
    detail,
    due_to_start,
    file_of,
    holders,
    judged_by_clock,
    next_start_of,
    of_resources,
    quote_of,
    records,
    requested_resources,
    requests,
    side_of,
    sums_of,
    viewer_of,
    waiting_count,
)
from resource_hub.domain.booking.reminding import remind_due as remind_answers
from resource_hub.domain.booking.repeating import DateHit, preview_hits, preview_repeated, publish_repeated
from resource_hub.domain.booking.result_store import ResultRecord
from resource_hub.domain.booking.results import MOST_FILES as MOST_RESULTS
from resource_hub.domain.booking.results import NewFile, may_deliver, results_digest, results_of
from resource_hub.domain.booking.results import deliver as deliver_results
from resource_hub.domain.booking.results import end as end_result
from resource_hub.domain.booking.results import end_due as end_results
from resource_hub.domain.booking.results import erased as results_erased
from resource_hub.domain.booking.results import fetch as fetch_result
from resource_hub.domain.booking.results import hosts as may_host_results
from resource_hub.domain.booking.results import remind_due as remind_results
from resource_hub.domain.booking.results import to_erase as results_to_erase
from resource_hub.domain.booking.rules.check import held_fast
from resource_hub.domain.booking.rules.earned import TriedBar
from resource_hub.domain.booking.series import (
    Choice,
    DayLook,
    Occurrence,
    SeriesLook,
    SeriesRecord,
    moved_by_hand,
    series_at,
    series_for,
    series_of,
)
from resource_hub.domain.booking.series import can_be_booked as day_can_be_booked
from resource_hub.domain.booking.series import create as create_series
from resource_hub.domain.booking.series import is_live as day_is_live
from resource_hub.domain.booking.series import look as look_series
from resource_hub.domain.booking.series import occurrences as series_days
from resource_hub.domain.booking.series import occurrences_of as series_days_of
from resource_hub.domain.booking.series import state_of as series_state
from resource_hub.domain.booking.series_answering import DayAnswer, Given
from resource_hub.domain.booking.series_answering import answer as answer_series
from resource_hub.domain.booking.series_answering import answerable as answerable_days
from resource_hub.domain.booking.series_changing import (
    SeriesCancelLook,
    SeriesChangeLook,
)
from resource_hub.domain.booking.series_changing import cancel as cancel_series
from resource_hub.domain.booking.series_changing import change as change_series
from resource_hub.domain.booking.series_changing import look_cancel as look_cancel_series
from resource_hub.domain.booking.series_changing import look_change as look_change_series
from resource_hub.domain.booking.series_days import book as book_series_day
from resource_hub.domain.booking.series_days import look as look_series_day
from resource_hub.domain.booking.strikes import appeal as appeal_strike
from resource_hub.domain.booking.strikes import decide as decide_strike
from resource_hub.domain.booking.strikes import give_by_hand as give_strike
from resource_hub.domain.booking.strikes import missed_before, strike_for, strikes_at, strikes_of
from resource_hub.domain.booking.strikes import on_use as use_sealed
from resource_hub.domain.booking.telling import SUBSCRIPTIONS as _TELLING
from resource_hub.domain.booking.telling_answers import SUBSCRIPTIONS as _ANSWERS
from resource_hub.domain.booking.telling_hand_over import SUBSCRIPTIONS as _HAND_OVER
from resource_hub.domain.booking.telling_inquiries import SUBSCRIPTIONS as _INQUIRIES
from resource_hub.domain.booking.telling_ratings import SUBSCRIPTIONS as _RATINGS
from resource_hub.domain.booking.telling_results import SUBSCRIPTIONS as _RESULTS
from resource_hub.domain.booking.telling_strikes import SUBSCRIPTIONS as _STRIKES
from resource_hub.domain.booking.trying import MONTHS as TRIAL_MONTHS
from resource_hub.domain.booking.trying import Trial, try_rules
from resource_hub.domain.booking.under_quotes import agreed_of
from resource_hub.domain.booking.under_quotes import of_order as inquiry_of_order
from resource_hub.domain.booking.waiting import accept as accept_offer
from resource_hub.domain.booking.waiting import (
    ahead_of,
    close_past,
    entry_for,
    offers_to,
    waited_for,
    waits_at,
    waits_of,
)
from resource_hub.domain.booking.waiting import decline as decline_offer
from resource_hub.domain.booking.waiting import join as join_line
from resource_hub.domain.booking.waiting import leave as leave_line
from resource_hub.domain.booking.waiting_store import WaitingRecord

__all__ = [
    "DECIDES",
    "HANDED_AWAY",
    "INVITATION",
    "INVITATION_ENDS",
    "MOST_RESULTS",
    "STAFF",
    "SUBSCRIPTIONS",
    "TRIAL_MONTHS",
    "Answer",
    "BarredPerson",
    "CancelPreview",
    "ChangePreview",
    "Choice",
    "DateHit",
    "DayAnswer",
    "DayLook",
    "Detail",
    "Given",
    "HandOverRecord",
    "HelperBooking",
    "HitBooking",
    "MeanRating",
    "NewFile",
    "Occurrence",
    "Outcome",
    "Preview",
    "PublicRatings",
    "RatingRecord",
    "RatingsLook",
    "ResultRecord",
    "SeriesCancelLook",
    "SeriesChangeLook",
    "SeriesLook",
    "SeriesRecord",
    "ToApprove",
    "ToRate",
    "Trial",
    "TriedBar",
    "Turn",
    "WaitingRecord",
    "accept_hand_over",
    "accept_offer",
    "accept_quote",
    "advance",
    "agreed_of",
    "ahead_of",
    "alternatives",
    "answer_rating",
    "answer_series",
    "answerable_days",
    "answered",
    "answers_of",
    "appeal_strike",
    "approve",
    "ask_for_quote",
    "asked_of",
    "attach",
    "barred_at",
    "bars_on",
    "book_series_day",
    "book_walk_in",
    "booked_for_others",
    "booking",
    "booking_for",
    "bookings_at",
    "bookings_of",
    "bookings_of_customer_at",
    "bookings_of_walk_in",
    "busy_helper",
    "buyer",
    "by_inquiry",
    "calendar",
    "cancel",
    "cancel_preview",
    "cancel_series",
    "cancellation_fee",
    "change",
    "change_preview",
    "change_series",
    "change_unit",
    "close_past",
    "compute",
    "create_series",
    "customers_at",
    "day_can_be_booked",
    "day_is_live",
    "day_of",
    "decide_fees",
    "decide_rating",
    "decide_strike",
    "decline_hand_over",
    "decline_offer",
    "decline_quote",
    "deliver_results",
    "detail",
    "due_to_start",
    "end_result",
    "end_results",
    "entry_for",
    "expire_hand_overs",
    "fees_together",
    "fetch_result",
    "file_of",
    "files_of_inquiry",
    "finished",
    "former_of_inquiry",
    "formers_of_inquiries",
    "give_back",
    "give_quote",
    "give_strike",
    "given_back",
    "given_back_of",
    "given_versions",
    "hand_over",
    "hand_over_for",
    "hand_overs_of",
    "held_fast",
    "helper_in_the_way",
    "helpers_of",
    "hold",
    "holders",
    "inquiries_at",
    "inquiries_of",
    "inquiries_waiting",
    "inquiry_asked_again",
    "inquiry_for",
    "inquiry_of_order",
    "invited_to",
    "is_staff",
    "join_line",
    "judge",
    "judged_by_clock",
    "lapse_due",
    "leave_line",
    "lift_bar",
    "look_cancel_series",
    "look_change_series",
    "look_hand_over",
    "look_series",
    "look_series_day",
    "may_answer",
    "may_answer_now",
    "may_buy_for",
    "may_deliver",
    "may_host_results",
    "may_price",
    "mean_ratings",
    "missed",
    "missed_before",
    "moved_by_hand",
    "next_start_of",
    "no_show_fee",
    "of_resources",
    "offer_due",
    "offer_hand_over",
    "offered_helpers",
    "offers_to",
    "open_answers",
    "open_hand_over_of",
    "order_of_inquiry",
    "outside_hours",
    "own_hold",
    "prepare",
    "prepared_helpers",
    "preview",
    "preview_days",
    "preview_exception",
    "preview_forgetting",
    "preview_hits",
    "preview_hours",
    "preview_outside",
    "preview_repeated",
    "preview_take_back",
    "preview_unit_out",
    "propose",
    "public_ratings",
    "publish_exception",
    "publish_hours",
    "publish_repeated",
    "quote",
    "quote_for",
    "quote_of",
    "rate",
    "ratings_for",
    "reasons_against_helpers",
    "records",
    "refuse_inquiry",
    "reject",
    "remind_answers",
    "remind_results",
    "report_rating",
    "reported_rating",
    "reported_ratings",
    "request",
    "request_kept",
    "requested_resources",
    "requests",
    "requests_waiting",
    "results_digest",
    "results_erased",
    "results_of",
    "results_to_erase",
    "reveal_ratings",
    "say",
    "series_at",
    "series_days",
    "series_days_of",
    "series_for",
    "series_of",
    "series_state",
    "settle_outside",
    "shown_fees",
    "side_of",
    "split",
    "started",
    "strike_for",
    "strikes_at",
    "strikes_of",
    "successors",
    "sums_of",
    "sweep_keys",
    "take_back",
    "take_back_dates",
    "take_back_inquiry",
    "to_approve",
    "to_rate",
    "together",
    "try_rules",
    "use_sealed",
    "viewer_of",
    "waited_for",
    "waiting_count",
    "waits_at",
    "waits_of",
    "wish_of",
    "withdraw_hand_over",
    "withdraw_quote",
]  # fmt: skip

_PARTS = (_TELLING, _STRIKES, _ANSWERS, _INQUIRIES, _RESULTS, _RATINGS, _HAND_OVER, _OUTSIDE)
SUBSCRIPTIONS = {
    name: [handler for part in _PARTS for handler in part.get(name, [])]
    for name in sorted({name for part in _PARTS for name in part})
}
