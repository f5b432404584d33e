"""Somebody else's meeting on top of a block: whether it stands, its organiser is asked for another time, or it goes.

Nothing is known of a meeting but when it is, whose it is and how it was answered.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from holdfast.core import recurrence, zones
from holdfast.core.desired import EVERY_DAY, UNTOUCHED, Want
from holdfast.core.holidays import DaysOff
from holdfast.core.hours import works_between
from holdfast.core.model import Care, FreeBusy, Meeting, Overlap, Response, Stretch
from holdfast.core.protection import Held, in_place
from holdfast.core.touches import DateKey, Quarter, SeriesKey, Stood, Touches

ASKED_OF_OTHERS = (
    "id",
    "type",
    "start",
    "end",
    "isAllDay",
    "showAs",
    "isCancelled",
    "isOrganizer",
    "organizer",
    "responseStatus",
    "seriesMasterId",
    "originalStart",
    "sensitivity",
    "allowNewTimeProposals",
    "responseRequested",
)
"""All that is ever asked of events that may be somebody else's: never a subject, a body, attendees, a reply."""

ALTERNATIVES = 3
"""How many other times are proposed to an organiser."""

LOOKED_AT = timedelta(days=14)
"""How far around a meeting other times are looked for."""

STEP = timedelta(minutes=30)
"""How far other times that are proposed lie apart."""

_FREE = "0"
_A_DAY = timedelta(days=1)


class Fate(enum.StrEnum):
    """What becomes of a meeting on top of a block."""

    OWN = "left: their own"
    PRIVATE = "left: private"
    ANSWERED = "left: accepted"
    ALLOWED = "left: always allowed"
    EXTERNAL = "left: external organiser"
    FIRST = "left: stood there first"
    TELL = "the organiser is to be asked"
    TOLD = "the organiser was asked"
    DECLINE = "to be declined"
    DECLINED = "declined"

    @property
    def is_due(self) -> bool:
        """Whether something is to be done about it."""
        return self in {Fate.TELL, Fate.DECLINE}

    @property
    def told(self) -> str:
        """How it stands in reports, which do not say why a meeting is left: that would tell of its owner."""
        return f"meeting on top, {self.partition(':')[0]}"


@dataclass(frozen=True, slots=True)
class OnTop:
    """A meeting on top of one date of a block, and what becomes of it."""

    key: DateKey
    want: Want
    meeting: Meeting
    fate: Fate


def watched(wants: Iterable[Want]) -> bool:
    """Whether meetings on top are looked at for any of these."""
    return any(want.care.overlap is not Overlap.ALLOW for want in wants)


def on_top(
    one: Held,
    meetings: Sequence[Meeting],
    touches: Touches,
    away: Sequence[Stretch],
    *,
    home: Collection[str],
    now: datetime,
) -> Iterator[OnTop]:
    """The meetings on top of the dates to come of a series, by date.

    Only of dates that stand at their own time: where somebody moved theirs onto a meeting, they chose to. Days out of
    office are nobody's business. ``home`` are the domains of the organisation's own addresses.
    """
    stood = touches.stood.get(_mark(one), Stood(date.min, frozenset())).meetings
    for day, occurrence in in_place(one, now=now):
        time = Stretch(occurrence.starts, occurrence.ends)
        begins = recurrence.midnight(one.want.series.slot.zone, day)
        whole = Stretch(begins, recurrence.midnight(one.want.series.slot.zone, day + _A_DAY))
        if any(whole.meets(stretch) for stretch in away):
            continue
        for meeting in meetings:
            if meeting.time.meets(time) and meeting.time.starts > now + UNTOUCHED and _takes_time(meeting):
                fate = judged(meeting, one.want.care, home, stood_first=meeting_mark(meeting) in stood)
                yield OnTop(DateKey(one.series.tag.block, day), one.want, meeting, fate)


def judged(meeting: Meeting, care: Care, home: Collection[str], *, stood_first: bool) -> Fate:  # noqa: PLR0911 - a table
    """What becomes of a meeting on top of a block."""
    if meeting.is_own:
        return Fate.OWN
    if meeting.is_private:
        return Fate.PRIVATE
    if meeting.response in {Response.ACCEPTED, Response.TENTATIVE}:
        return Fate.ANSWERED
    if meeting.organizer in care.always_allow:
        return Fate.ALLOWED
    if meeting.organizer.rpartition("@")[2] not in home:
        return Fate.EXTERNAL
    if stood_first:
        return Fate.FIRST
    return Fate.DECLINE if care.overlap is Overlap.DECLINE else Fate.TELL


def is_noted(one: Held, touches: Touches) -> bool:
    """Whether it was written down which meetings stood on the series when it was made."""
    return _mark(one) in touches.stood


def noted(one: Held, meetings: Iterable[Meeting], touches: Touches) -> Touches:
    """What is remembered once the meetings that stand on a series today are: they were there first."""
    slot, tag = one.want.series.slot, one.series.tag
    times = [
        Stretch(recurrence.starts(slot, day), recurrence.ends(slot, day))
        for day in recurrence.dates(slot.rule, tag.first, tag.last)
    ]
    there = (meeting for meeting in meetings if any(meeting.time.meets(time) for time in times))
    return touches.with_stood(_mark(one), Stood(tag.last, frozenset(map(meeting_mark, there))))


def standing(want: Want, first: date, last: date, meetings: Iterable[Meeting]) -> int:
    """How many meetings already stand on the dates from ``first`` to ``last`` that are to get a block."""
    slot = want.series.slot
    times = [
        Stretch(recurrence.starts(slot, day), recurrence.ends(slot, day))
        for day in recurrence.dates(slot.rule, first, last)
        if not want.is_off(day)
    ]
    return sum(_takes_time(meeting) and any(meeting.time.meets(time) for time in times) for meeting in meetings)


def meeting_mark(meeting: Meeting) -> str:
    """A meeting in a few letters, the same for all its dates; its id cannot be told from it."""
    return hashlib.sha256(meeting.identity.encode()).hexdigest()[:16]


def meeting_time(starts: datetime, zone: str, now: datetime) -> str:
    """The time of a meeting as its organiser is asked about it once a quarter: a day of the week and an hour."""
    there = starts.astimezone(zones.rules(zone))
    quarter = Quarter.of(zones.date_at(zone, now))
    return f"{there:%a %H:%M} {quarter.year}-{quarter.number}"


def alternatives(
    meeting: Stretch, people: Sequence[FreeBusy], *, zone: str, now: datetime, off: DaysOff = EVERY_DAY
) -> tuple[datetime, ...]:
    """Up to three other times for a meeting at which all of these people are free, in their working hours, as UTC.

    The nearest first, and none on days ``off``; none at all where it is not known when they work.
    """
    if not people or any(one.hours is None for one in people):
        return ()
    length = meeting.ends - meeting.starts
    since = min(one.since for one in people)
    until = min(one.since + one.step * len(one.view) for one in people)
    steps = (since + STEP * number for number in range((until - since - length) // STEP + 1))
    ahead = (at for at in steps if at > now + _A_DAY and abs(at - meeting.starts) <= LOOKED_AT)
    found: list[datetime] = []
    for at in sorted(ahead, key=lambda at: (abs(at - meeting.starts), at)):
        if any(abs(at - other) < length for other in found) or off.off(zones.date_at(zone, at)):
            continue
        if all(_is_free(one, at, at + length, zone) for one in people):
            found.append(at)
        if len(found) == ALTERNATIVES:
            break
    return tuple(found)


def _is_free(one: FreeBusy, starts: datetime, ends: datetime, zone: str) -> bool:
    digits = one.view[one.steps(starts, ends)]
    if not digits or set(digits) != {_FREE}:
        return False
    return one.hours is not None and works_between(starts, ends, one.hours, zone=zone)


def _takes_time(meeting: Meeting) -> bool:
    return meeting.response is not Response.DECLINED


def _mark(one: Held) -> SeriesKey:
    return SeriesKey(one.series.tag.block, one.series.tag.generation)
