"""The values everything else speaks of. Frozen, compared by value, without behaviour that needs the world.

Instants are zone-aware and named ``at``, ``starts``, ``ends``; calendar dates are ``on``, ``day``, ``first``, ``last``;
lengths are minutes. A mailbox is named by the directory object id of its user, which survives a change of name or
address.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, Protocol

__all__ = [
    "EDITED",
    "PEOPLE",
    "ActualCalendar",
    "ActualSeries",
    "Care",
    "Clock",
    "Created",
    "DesiredSeries",
    "EventLook",
    "Fingerprint",
    "FreeBusy",
    "Group",
    "Landing",
    "Meeting",
    "Monthly",
    "NthWeekday",
    "Occurrence",
    "Overlap",
    "Person",
    "Position",
    "Profile",
    "Protection",
    "Purpose",
    "Response",
    "Rule",
    "ShowAs",
    "Single",
    "Slot",
    "SlotKey",
    "Stretch",
    "Tag",
    "Told",
    "View",
    "Weekday",
    "Weekly",
    "WorkingHours",
]


class Clock(Protocol):
    """Time as the product sees it. ``wiring.py`` passes the real one; a simulation passes its own."""

    def now(self) -> datetime:
        """The present instant, in UTC, zone-aware."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed point; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        ...


class Weekday(enum.IntEnum):
    """Days of the week, numbered as ``datetime.date.weekday`` numbers them."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


class Position(enum.IntEnum):
    """Which of a month's weekdays of one name: Graph's ``index``. There is no fifth."""

    FIRST = 1
    SECOND = 2
    THIRD = 3
    FOURTH = 4
    LAST = -1


class NthWeekday(NamedTuple):
    """A day of the month by its place among those of its name, such as the first Thursday."""

    position: Position
    weekday: Weekday


@dataclass(frozen=True, slots=True)
class Weekly:
    """Every ``interval`` weeks on one day.

    ``phase`` says in which of them: the number of the week, counted from Monday 1 January of the year 1, modulo the
    interval, so that a rule needs no first date to be the same rule.
    """

    weekday: Weekday
    interval: int = 1
    phase: int = 0


@dataclass(frozen=True, slots=True)
class Monthly:
    """Every ``interval`` months, on a date (1 to 28, which every month has) or on a weekday by its place.

    ``phase`` is the number of the month, counted from January of the year 0, modulo the interval.
    """

    day: int | NthWeekday
    interval: int = 1
    phase: int = 0


Rule = Weekly | Monthly
"""On which dates a slot comes back."""


class Purpose(enum.StrEnum):
    """What a mailbox is for: Graph's ``mailboxSettings/userPurpose``. Only ``user`` and ``linked`` belong to people."""

    USER = "user"
    LINKED = "linked"
    SHARED = "shared"
    ROOM = "room"
    EQUIPMENT = "equipment"
    OTHERS = "others"


PEOPLE = frozenset({Purpose.USER, Purpose.LINKED})
"""The purposes of mailboxes that belong to people."""


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When a person works, by the wall clock of ``zone`` (IANA); None for a zone that has no name of its own.

    ``ends`` at or before ``starts`` is on the next day.
    """

    days: frozenset[Weekday]
    starts: time
    ends: time
    zone: str | None


@dataclass(frozen=True, slots=True)
class FreeBusy:
    """How free a person is from ``since`` on: a digit for each ``step`` of time, ``0`` for free.

    ``hours`` are the working hours that came with it.
    """

    since: datetime
    step: timedelta
    view: str
    hours: WorkingHours | None = None

    def steps(self, begins: datetime, ends: datetime) -> slice:
        """The digits that a stretch of time covers, in part or whole."""
        return slice(max(0, (begins - self.since) // self.step), max(0, -((self.since - ends) // self.step)))


@dataclass(frozen=True, slots=True)
class Profile:
    """What a mailbox says of itself. ``zone`` is an IANA name and ``zone_since`` when it was first seen to be that.

    ``hours`` and ``zone`` are None where the mailbox does not say, or in a form that has no name.
    """

    purpose: Purpose
    hours: WorkingHours | None = None
    zone: str | None = None
    zone_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the directory."""

    id: str
    name: str
    mail: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the directory, as a member of an audience. ``mail`` is None where the directory gives none."""

    id: str
    name: str
    mail: str | None
    user_principal_name: str
    enabled: bool = True
    guest: bool = False

    @property
    def address(self) -> str:
        """How people know the mailbox: the mail address, else the sign-in name; in lower case."""
        return (self.mail or self.user_principal_name).lower()


class Protection(enum.StrEnum):
    """What happens when a person touches a date of a block."""

    STRICT = "strict"
    MOVABLE = "movable"
    SOFT = "soft"


class Overlap(enum.StrEnum):
    """What happens to somebody else's new meeting on top of a block."""

    ALLOW = "allow"
    NOTIFY = "notify"
    DECLINE = "decline"


class Care(NamedTuple):
    """How the dates of a block are protected.

    With ``MOVABLE``, so many dates in each quarter may be moved within their week, or with ``on_its_day`` on their day,
    or be deleted. ``always_allow`` are the addresses, in lower case, of organisers whose meetings stand whatever
    ``overlap`` says.
    """

    protection: Protection = Protection.MOVABLE
    moves_per_quarter: int = 3
    on_its_day: bool = False
    overlap: Overlap = Overlap.ALLOW
    always_allow: frozenset[str] = frozenset()


class ShowAs(enum.StrEnum):
    """How an event shows to others: Graph's ``showAs``."""

    FREE = "free"
    TENTATIVE = "tentative"
    BUSY = "busy"
    OUT_OF_OFFICE = "oof"
    ELSEWHERE = "workingElsewhere"
    UNKNOWN = "unknown"


class Landing(NamedTuple):
    """A date of the rule on which there is no learning time: ``to`` is the day it moves to, None where it is skipped.

    ``name`` says what day it is, such as a holiday's name.
    """

    day: date
    to: date | None
    name: str


class SlotKey(NamedTuple):
    """One slot of a block, by the slot's half of the fingerprint: a block that stands on two days has two."""

    block: str
    slot: str


@dataclass(frozen=True, slots=True)
class Slot:
    """Days, time and length of a block. ``at`` is wall-clock time in ``zone``, an IANA name."""

    rule: Rule
    at: time
    minutes: int
    zone: str


class Fingerprint(NamedTuple):
    """Two hashes of what a block looks like in a calendar: its ``slot`` and its ``words`` (all else that shows).

    They are kept apart because a new slot is a new series while new words are a patch.
    """

    slot: str
    words: str


class Told(NamedTuple):
    """What the body of a series tells of the coming weeks: which four weeks, and a mark of all its text."""

    weeks: int
    text: str


EDITED = "0"
"""The mark of a text that is somebody's own by now, and is left."""


@dataclass(frozen=True, slots=True)
class Tag:
    """What Holdfast's extended property says of a managed event. ``holdfast.core.tag`` writes and reads its text.

    ``first`` and ``last`` are the dates that the series covers for us, whatever a person did with its range; ending a
    series moves ``last`` to the day before. ``ending`` says that occurrences after ``last`` are still being taken away.
    ``told`` is what its body told when it was written, None for one that tells nothing of the coming weeks.
    """

    block: str
    generation: int
    fingerprint: Fingerprint
    first: date
    last: date
    ending: bool = False
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class DesiredSeries:
    """A series as the settings want it in a mailbox; ``first`` and ``last`` are dates in the slot's zone.

    ``told`` is what its body tells of the coming weeks, which is no part of the fingerprint: it changes by itself.
    ``untold`` is the mark of the body without that.
    """

    block: str
    slot: Slot
    first: date
    last: date
    subject: str
    body: str
    category: str
    reminder: int
    fingerprint: Fingerprint
    told: Told | None = None
    untold: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One date of a series in a calendar. ``original_starts`` is the slot it had before somebody moved it."""

    event_id: str
    starts: datetime
    ends: datetime
    original_starts: datetime
    is_exception: bool = False
    show_as: ShowAs = ShowAs.BUSY


@dataclass(frozen=True, slots=True)
class ActualSeries:
    """A tagged series master in a mailbox. ``range_ends`` is the last date of its recurrence, None where it has no end.

    ``starts`` is when its first occurrence begins and ``zone`` the IANA name of the zone it recurs in, None for one
    that has no name. ``instances`` are its occurrences and exceptions, past ones included, and ``ahead`` those of the
    coming 13 weeks; both are None until somebody had a reason to read them.
    """

    event_id: str
    etag: str
    tag: Tag
    created: datetime
    range_ends: date | None
    starts: datetime
    zone: str | None
    instances: tuple[Occurrence, ...] | None = None
    ahead: tuple[Occurrence, ...] | None = None

    def is_open(self, today: date) -> bool:
        """Whether it covers dates from ``today`` on, or is yet to be emptied of those that it covers no more."""
        return self.tag.last >= today or self.tag.ending


@dataclass(frozen=True, slots=True)
class Single:
    """A tagged event without series: what was put in the place of a date that its owner had deleted."""

    tag: Tag
    created: datetime
    occurrence: Occurrence

    @property
    def day(self) -> date:
        """The date that it stands for."""
        return self.tag.first


class Stretch(NamedTuple):
    """From one instant to another."""

    starts: datetime
    ends: datetime

    def meets(self, other: Stretch) -> bool:
        """Whether they share time; touching ends do not."""
        return self.starts < other.ends and other.starts < self.ends


class Response(enum.StrEnum):
    """What the owner of a calendar answered to an invitation: Graph's ``responseType``."""

    NONE = "none"
    ORGANIZER = "organizer"
    TENTATIVE = "tentativelyAccepted"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    UNANSWERED = "notResponded"


@dataclass(frozen=True, slots=True)
class Meeting:
    """An event that is not ours and takes up time in a calendar. ``organizer`` is an address in lower case.

    ``series_id`` is the series that it is one date of, if any; ``is_own`` says that the calendar's owner made it.
    ``asks`` says that its organiser wants to be answered, ``hears`` that other times may be proposed to them.
    """

    event_id: str
    series_id: str | None
    time: Stretch
    organizer: str
    response: Response
    is_own: bool = False
    is_private: bool = False
    asks: bool = True
    hears: bool = True

    @property
    def identity(self) -> str:
        """What stays the same whatever date of it is looked at."""
        return self.series_id or self.event_id


@dataclass(frozen=True, slots=True)
class View:
    """A stretch of a calendar as its owner sees it: dates of our series, by the series' id, and what is not ours.

    ``away`` are the times of out-of-office events.
    """

    dates: Mapping[str, tuple[Occurrence, ...]]
    meetings: tuple[Meeting, ...] = ()
    away: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class ActualCalendar:
    """Everything of ours in one mailbox, read whole. A mailbox that could not be read has no ``ActualCalendar``.

    ``view`` is what stands in the coming 13 weeks, where meetings on top of blocks are looked at.
    """

    mailbox: str
    series: tuple[ActualSeries, ...] = ()
    singles: tuple[Single, ...] = ()
    view: View | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """Graph's answer to a create: the new event's immutable id and etag."""

    event_id: str
    etag: str


@dataclass(frozen=True, slots=True)
class EventLook:
    """One event looked at by id, to learn whether it is ours.

    ``starts`` is the start of a series' first occurrence, ``range_ends`` the last date of its recurrence, where it has
    one.
    """

    event_id: str
    etag: str
    is_series: bool
    tag: Tag | None
    transaction_id: str | None
    starts: datetime
    range_ends: date | None
