"""Words of availability: opening hours, special days, windows, occupancies, and the lanes that people look at (pure).

Times of day are minutes of the host's wall clock; everything else is instants in UTC. A *window* is time in which a
unit may be booked: opening hours minus closures. *Free* is a window minus what holds the unit, set-up and tear-down
of both neighbours counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from resource_hub.kernel.errors import Reason
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.time import TimeSpan

GRANULARITY_MINUTES = 5
# The step of house rules that means booking by the day.
BY_DAY = 1440
# Nobody looks for a time outside of these years.
FIRST_YEAR, LAST_YEAR = 2000, 2200


class Audience(StrEnum):
    """For whom hours are open. ``outside`` makes protected hours: only customers from outside the host's legal
    person may book them."""

    ALL = "all"
    OUTSIDE = "outside"


class OnHolidays(StrEnum):
    CLOSED = "closed"
    OPEN = "open"


class ExceptionKind(StrEnum):
    CLOSURE = "closure"
    EXTRA = "extra"
    MAINTENANCE = "maintenance"


class DayKind(StrEnum):
    """What an administrator or the published calendar says of a day. ``ordinary`` takes the library's word back."""

    HOLIDAY = "holiday"
    WORKDAY = "workday"
    ORDINARY = "ordinary"


class OccupancyKind(StrEnum):
    BOOKING = "booking"
    HOLD = "hold"
    MAINTENANCE = "maintenance"
    EXTERNAL = "external"


class Look(StrEnum):
    """How a stretch of a lane looks to the person in front of it."""

    FREE = "free"
    PROTECTED = "protected"  # free, but kept for customers from outside
    TAKEN = "taken"
    MINE = "mine"
    HELD = "held"
    MAINTENANCE = "maintenance"
    CLOSED = "closed"
    PAST = "past"
    SETUP = "setup"
    TEARDOWN = "teardown"


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """One stretch of a weekly pattern. ``weekday`` 0 is Monday; ``ends`` may pass 1440 and reach into the next day.

    Holds for stretches that begin on a day from ``since`` (inclusive) until ``until`` (exclusive).
    """

    weekday: int
    starts: int
    ends: int
    since: date = date.min
    until: date | None = None
    audience: Audience = Audience.ALL
    on_holidays: OnHolidays = OnHolidays.CLOSED
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class DatedException:
    """A closure, an extra opening or maintenance. ``unit_id`` None means every unit of the resource; ``series_id`` is
    shared by dates that were entered as one."""

    kind: ExceptionKind
    span: TimeSpan
    audience: Audience = Audience.ALL
    unit_id: UUID | None = None
    reason_zh: str = ""
    reason_en: str = ""
    id: UUID | None = None
    series_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class DatesEntered:
    """Dates that were entered as one and are not over."""

    id: UUID
    next: DatedException
    last: DatedException
    count: int

    @property
    def place(self) -> tuple[datetime, UUID]:
        """Where it stands in a list."""
        return self.next.span.start, self.id


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A holiday, or a weekend day on which people work. ``stands_for`` is the day whose work it makes up.

    ``provisional``: the yearly notice is not published yet, so days may move and make-up workdays are missing.
    """

    day: date
    kind: DayKind
    name_zh: str = ""
    name_en: str = ""
    stands_for: date | None = None
    provisional: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """Everything that decides when a resource is open: pattern, exceptions, special days, the host's zone."""

    zone: str
    weekly: tuple[WeeklyHours, ...] = ()
    exceptions: tuple[DatedException, ...] = ()
    days: Mapping[date, SpecialDay] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opening:
    """Windows in a span: time open to all, and time protected for outside customers. Sorted, disjoint."""

    to_all: tuple[TimeSpan, ...]
    protected: tuple[TimeSpan, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A unit held for a while, as stored: set-up and tear-down included.

    What has expired holds nothing, whether or not somebody has tidied it away: a hold, or a booking that nobody
    answered in time.
    """

    unit_id: UUID
    span: TimeSpan
    kind: OccupancyKind
    holder_id: UUID
    expires_at: datetime | None = None
    resource_id: UUID | None = None
    setup_seconds: int = 0
    teardown_seconds: int = 0

    def in_force(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now

    @property
    def proper(self) -> TimeSpan | None:
        """The booked time itself. None where the use was over as it began: then only set-up and tear-down are left."""
        start = self.span.start + timedelta(seconds=self.setup_seconds)
        end = self.span.end - timedelta(seconds=self.teardown_seconds)
        return TimeSpan(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class Stretch:
    """One piece of a lane: what it looks like, why, and whether this viewer may book it.

    ``holder_id`` stands only where the viewer may know who holds it.
    """

    span: TimeSpan
    look: Look
    why: Reason | None = None
    holder_id: UUID | None = None
    bookable: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """One unit over a span, covered without gaps."""

    unit_id: UUID
    label: str
    stretches: tuple[Stretch, ...]
    retired: bool = False
    name_zh: str = ""
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """Lanes of a resource over some days. ``days`` are the host's calendar days with what is special about them."""

    key: HostKey
    span: TimeSpan
    zone: str
    days: tuple[date, ...]
    special: Mapping[date, SpecialDay]
    lanes: tuple[Lane, ...]
    step_minutes: int
    setup_seconds: int = 0
    teardown_seconds: int = 0
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a calendar. ``outside`` None is a visitor, of whom nothing is known; ``holder_ids`` are the
    bookings that the viewer may open; ``host`` sees all holders."""

    outside: bool | None = None
    holder_ids: frozenset[UUID] = frozenset()
    host: bool = False

    @property
    def may_use_protected(self) -> bool:
        """A visitor is taken for somebody from outside: whoever belongs to the host signs in first."""
        return self.outside is not False


@dataclass(frozen=True, slots=True)
class FreeTime:
    """A stretch in which a unit may be booked as it stands."""

    key: HostKey
    unit_id: UUID
    span: TimeSpan


@dataclass(frozen=True, slots=True)
class RulesRecord:
    """One version of the house rules of a resource, in force from ``since`` until the next one."""

    key: HostKey
    resource_id: UUID
    number: int
    since: date
    document: Mapping[str, Any]
    note: str = ""
    created_at: datetime | None = None
    created_by: UUID | None = None
    until: date | None = None


class Approval(StrEnum):
    """Whose bookings wait for a yes."""

    NEVER = "never"
    OUTSIDE = "outside"
    ALWAYS = "always"


class Answerer(StrEnum):
    """Who gives one of several answers: the laboratory, the host's office, or the customer's own approver."""

    MANAGER = "manager"
    OFFICE = "office"
    APPROVER = "approver"


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """One of several answers, one after another; asked only above a sum to pay (whole minor units), 0 always."""

    who: Answerer
    hours: int
    above: int = 0


class Silence(StrEnum):
    """What happens when the host's time to answer runs out."""

    LAPSE = "lapse"
    CONSENT = "consent"


class QuotaPer(StrEnum):
    PERSON = "person"
    CUSTOMER = "customer"


class QuotaPeriod(StrEnum):
    """In what a quota counts: periods of the host's calendar, everything that has not ended yet (``future``), what
    runs at one moment (``concurrent``), or one booking alone (``booking``)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    FUTURE = "future"
    CONCURRENT = "concurrent"
    BOOKING = "booking"


class QuotaMeasure(StrEnum):
    MINUTES = "minutes"
    BOOKINGS = "bookings"


class QuotaFor(StrEnum):
    """Whom a quota binds. ``outside`` means customers that are not of the host's legal person."""

    ALL = "all"
    OUTSIDE = "outside"
    INSIDE = "inside"


class Reach(StrEnum):
    """Of which resources of the host bookings count together: of this one, of all in the department that it stands
    in, of all of its class, of all."""

    RESOURCE = "resource"
    DEPARTMENT = "department"
    CLASS = "class"
    HOST = "host"


class StrikeKind(StrEnum):
    """For what a strike is given; ``misuse`` only by hand, ``mismatch`` where use and booking differ too much."""

    NO_SHOW = "no_show"
    LATE_CANCEL = "late_cancel"
    LATE = "late"
    MISUSE = "misuse"
    MISMATCH = "mismatch"


class DebtBlock(StrEnum):
    """Whose overdue statements keep a customer from booking: this host's, anybody's on the hub, or nobody's."""

    HERE = "here"
    ANYWHERE = "anywhere"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class NamedHours:
    """Hours with a name, such as prime time: quotas may count only inside them. Rows of one code go together.

    Attributes:
        days: weekdays on which a stretch begins, 0 is Monday.
        ends: minutes after midnight; beyond 1440 it reaches into the next day.
        after: code of hours that end where these begin and must be taken before these can be booked.
    """

    code: str
    name_zh: str
    name_en: str
    days: tuple[int, ...]
    starts: int
    ends: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """At most ``limit`` minutes or bookings per person or customer in each period.

    A customer is a firm, an institution or a group. With ``inside`` only what lies in the hours of that name counts.
    ``reach`` says of which resources bookings count; the quota binds who books the one whose rule it is.
    """

    per: QuotaPer
    period: QuotaPeriod
    measure: QuotaMeasure
    limit: int
    inside: str = ""
    whom: QuotaFor = QuotaFor.ALL
    reach: Reach = Reach.RESOURCE


@dataclass(frozen=True, slots=True)
class AheadRule:
    """So many days ahead may customers of a kind, or one group of the host, book; at any time, or ``inside`` the hours
    of a name. Of several rows the first that concerns who books and the hours decides."""

    days: int
    whom: QuotaFor = QuotaFor.ALL
    group: UUID | None = None
    inside: str = ""

    def concerns(self, outside: bool, customer_id: UUID | None, hours: str) -> bool:
        """Whether it is about this customer, in hours of that name (none: at any other time)."""
        if self.inside not in ("", hours) or (self.group is not None and self.group != customer_id):
            return False
        return self.whom is QuotaFor.ALL or (self.whom is QuotaFor.OUTSIDE) == outside


class BarUnit(StrEnum):
    """In what a bar is measured. A warning bars nobody; ``lifted`` ends only when the host lifts it."""

    WARNING = "warning"
    DAYS = "days"
    MONTHS = "months"
    LIFTED = "lifted"


@dataclass(frozen=True, slots=True)
class BarLength:
    """How long a bar lasts; months are those of the host's calendar."""

    unit: BarUnit
    count: int = 0


@dataclass(frozen=True, slots=True)
class BarRule:
    """So many strikes of these kinds, of any where none is named, bar from booking.

    ``count``: points, where strikes cost these. ``within``: days in which they lie, 0 is as long as a strike counts.
    ``ladder``: how long the bar lasts, the next step with each further strike and the last one from there on.
    """

    kinds: tuple[StrikeKind, ...]
    count: int
    within: int
    ladder: tuple[BarLength, ...]


@dataclass(frozen=True, slots=True)
class AskedField:
    """Something that the host wants to know with every booking."""

    code: str
    name_zh: str
    name_en: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class HouseDocument:
    """The rules of the house as the engine reads them; built by ``rules.document.read`` from a stored document.

    Minutes unless named otherwise; 0 switches a limit off. ``lead`` goes by mode, with ``all`` for the rest;
    ``lead_days`` are working days beside it. A ``step`` of 1440 is booking by the day: starts at midnight, lengths in
    calendar days, also where a clock change makes one of 23 or 25 hours. ``offer``: so long is freed time kept for the
    first in line; ``hand_over_hours``: so long has another organisation to take a booking over. A strike is for booking
    more than ``strike_over_booked`` per cent beyond the use, or for use and booking ``strike_off`` minutes apart.
    """

    step: int = 30
    least: int = 30
    most: int = 0
    lead: Mapping[str, int] = field(default_factory=dict)
    lead_days: int = 0
    horizon_days: int = 60
    ahead: tuple[AheadRule, ...] = ()
    setup: int = 0
    teardown: int = 0
    gap: int = 0
    gap_reach: Reach = Reach.RESOURCE
    cancel_until: int = 0
    change_until: int = 0
    approval: Approval = Approval.NEVER
    answer_hours: int = 48
    silence: Silence = Silence.LAPSE
    hold: int = 15
    quotas: tuple[Quota, ...] = ()
    fields: tuple[AskedField, ...] = ()
    hazard: bool = False
    samples_most: int = 0
    training: str = ""
    late_grace: int = 15
    no_show_after: int = 30
    no_show_release: bool = True
    check_in_early: int = 15
    logout_grace: int = 15
    rotating_code: bool = False
    own_account: bool = False
    extend: bool = True
    debt: DebtBlock = DebtBlock.HERE
    times: tuple[NamedHours, ...] = ()
    strike_no_show: bool = False
    strike_late: bool = False
    strike_late_cancel: int = 0
    strike_over_booked: int = 0
    strike_off: int = 0
    strike_days: int = 365
    strike_everywhere: bool = False
    bars: tuple[BarRule, ...] = ()
    points: Mapping[StrikeKind, int] = field(default_factory=dict)  # of one strike; 1 where nothing is said
    steps: tuple[AnswerRule, ...] = ()
    answer_working: bool = False
    remind_hours: int = 0
    escalate_hours: int = 0
    offer: int = 120
    hand_over_hours: int = 48
    first_in_line: bool = False  # whom time is closed that they had booked, for the same hours

    def named_hours(self, code: str) -> tuple[NamedHours, ...]:
        return tuple(row for row in self.times if row.code == code)

    def days_ahead(self, outside: bool, customer_id: UUID | None, hours: str = "") -> int:
        """How many days ahead a customer may book in hours of a name, or at any other time."""
        rows = (row.days for row in self.ahead if row.concerns(outside, customer_id, hours))
        return next(rows, self.horizon_days)

    @property
    def hours_ahead(self) -> tuple[str, ...]:
        """The names of hours that have a horizon of their own."""
        return tuple(dict.fromkeys(row.inside for row in self.ahead if row.inside))

    @property
    def farthest_days(self) -> int:
        """So far ahead may anybody book."""
        return max((self.horizon_days, *(row.days for row in self.ahead)))

    @property
    def by_day(self) -> bool:
        return self.step == BY_DAY

    @property
    def binds(self) -> bool:
        """Whether a search for time has to hold each window against these rules."""
        return any(self.lead.values()) or self.lead_days > 0 or self.by_day

    @property
    def counts_elsewhere(self) -> bool:
        """Whether bookings of other resources bear on one of this."""
        reaches = {quota.reach for quota in self.quotas} | ({self.gap_reach} if self.gap else set())
        return bool(reaches - {Reach.RESOURCE})

    @property
    def compares_use(self) -> bool:
        """Whether what was used is held against what was booked."""
        return bool(self.strike_over_booked or self.strike_off)

    def lead_for(self, mode: str) -> int:
        return self.lead.get(mode, self.lead.get("all", 0))

    @property
    def setup_seconds(self) -> int:
        return self.setup * 60

    @property
    def teardown_seconds(self) -> int:
        return self.teardown * 60


@dataclass(frozen=True, slots=True)
class Wish:
    """A free time that is looked for: so long in one piece, on days of the host's calendar (both included), inside a
    part of the day in minutes of the host's wall clock; a part may reach past midnight.

    ``inside`` are hosts at whose resources the asker is no outsider, ``customers`` for whom the asker books; ``mode``
    is the mode of use whose lead counts, ``all`` where none is named.
    """

    first: date
    last: date
    seconds: int
    starts: int = 0
    ends: int = 1440
    inside: frozenset[UUID] = frozenset()
    customers: frozenset[UUID] = frozenset()
    mode: str = "all"

    @property
    def whole_days(self) -> bool:
        """No part of the day is named, so that the time may also lie over midnight."""
        return self.ends - self.starts == 1440


# ---- calendars that a laboratory keeps elsewhere


@dataclass(frozen=True, slots=True)
class BusyEvent:
    """One occurrence in a calendar that was read: time in which a unit cannot be had."""

    span: TimeSpan
    summary: str = ""


@dataclass(frozen=True, slots=True)
class CalendarRead:
    """What a calendar says of a span of time.

    ``faults`` are events that could not be read, each with its reason; ``unknown_zones`` the names of time zones that
    nobody knows, for which somebody has to say what they mean.
    """

    name: str
    events: int
    busy: tuple[BusyEvent, ...]
    faults: tuple[Reason, ...] = ()
    unknown_zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarRecord:
    """A calendar read as busy time on a resource (``unit_id`` None: on every unit of it)."""

    key: HostKey
    resource_id: UUID
    unit_id: UUID | None
    name: str
    url: str | None
    file_id: UUID | None
    zone: str
    zones: Mapping[str, str]
    etag: str
    last_modified: str
    body_sha256: bytes | None
    tried_at: datetime | None
    read_at: datetime | None
    reach_at: datetime | None
    due_at: datetime | None
    failures: int
    events: int
    stretches: int
    faults: tuple[Reason, ...]
    created_at: datetime

    @property
    def place(self) -> str:
        """The name of the machine that is asked, empty for a file. No more of the address is shown to anybody: the
        rest of it is often a secret."""
        return (urlsplit(self.url).hostname or "") if self.url else ""

    @property
    def state(self) -> str:
        """What the last reading came to."""
        if self.failures:
            return "failing"
        if self.read_at is None:
            return "waiting"
        return "partly" if self.faults else "read"

    @property
    def unknown_zones(self) -> tuple[str, ...]:
        return tuple(str(r.values["zone"]) for r in self.faults if r.code == "calendar.unknown_zone")


@dataclass(frozen=True, slots=True)
class Clash:
    """An event of a read calendar where somebody holds the unit already; the holder keeps it."""

    source_id: UUID
    unit_id: UUID
    span: TimeSpan
    holder_id: UUID
    summary: str
    seen_at: datetime

    @property
    def place(self) -> tuple[datetime, UUID, UUID, UUID]:
        """Where it stands in a list."""
        return self.span.start, self.source_id, self.unit_id, self.holder_id
