"""The table of protection: what is done about a date of a block that somebody moved, deleted or set free.

Humane by rule: nothing that has begun or is about to is touched, nothing is put right more than twice, a deletion is
answered once, and what was agreed on once stays agreed on.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from holdfast.core import recurrence, words, zones
from holdfast.core.desired import UNTOUCHED, Desired, Want
from holdfast.core.hours import works_between
from holdfast.core.model import (
    ActualCalendar,
    ActualSeries,
    DesiredSeries,
    Occurrence,
    Protection,
    ShowAs,
    Single,
    SlotKey,
    Stretch,
)
from holdfast.core.touches import DateKey, Quarter, Touches

FREED = frozenset({ShowAs.FREE, ShowAs.TENTATIVE})
"""How a date shows that others may book over."""

_A_WEEK = timedelta(weeks=1)

PUT_BACKS = 2
"""How often a date is put right before it is left to its owner."""


class Touch(enum.StrEnum):
    """What somebody did with a date."""

    MOVED = "moved"
    DELETED = "deleted"
    FREED = "set free"


class Verdict(enum.StrEnum):
    """What is done about it."""

    PUT_BACK = "put back"
    KEPT = "kept where it was moved to"
    LET_GO = "let go"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one date. ``occurrence`` is what stands for it, None where it was deleted.

    ``counts`` says that an allowance is used up by it.
    """

    key: DateKey
    touch: Touch
    verdict: Verdict
    occurrence: Occurrence | None = None
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A series that stands where a slot wants it, and the single events in the place of its deleted dates."""

    want: Want
    series: ActualSeries
    singles: Mapping[date, Single]


def held(desired: Desired, calendar: ActualCalendar, now: datetime) -> Iterator[Held]:
    """What is to be protected in a calendar. Of events that carry the same tag the oldest counts: others are copies."""
    found: dict[tuple[str, int], ActualSeries] = {}
    for series in sorted(calendar.series, key=lambda one: (one.created, one.event_id)):
        found.setdefault((series.tag.block, series.tag.generation), series)
    singles: dict[tuple[str, int], dict[date, Single]] = {}
    for single in sorted(calendar.singles, key=lambda one: (one.created, one.occurrence.event_id)):
        singles.setdefault((single.tag.block, single.tag.generation), {}).setdefault(single.day, single)
    wants = {want.key: want for want in desired.wants}
    for mark, series in found.items():
        want = wants.get(SlotKey(series.tag.block, series.tag.fingerprint.slot))
        if want is None or series.tag.last < zones.date_at(want.series.slot.zone, now):
            continue
        if want.care.protection is not Protection.SOFT:
            yield Held(want, series, singles.get(mark, {}))


def orphans(desired: Desired, calendar: ActualCalendar, now: datetime) -> tuple[Single, ...]:
    """The single events to come that stand for no date of a series any more.

    The series is gone, the day is off now, or the block begins later or ends before.
    """
    wants = {want.key: want for want in desired.wants}
    series = {(one.tag.block, one.tag.generation): one.tag for one in calendar.series}
    left: list[Single] = []
    for single in calendar.singles:
        if single.occurrence.starts <= now + UNTOUCHED:
            continue
        tag = series.get((single.tag.block, single.tag.generation))
        want = wants.get(SlotKey(single.tag.block, single.tag.fingerprint.slot))
        if want is None or tag is None or want.is_off(single.day):
            left.append(single)
            continue
        first, last = max(tag.first, want.since), min(tag.last, want.until or date.max)
        if not first <= single.day <= last:
            left.append(single)
    return tuple(left)


def judge(
    one: Held, touches: Touches, away: Sequence[Stretch], *, now: datetime, beside: Iterable[Held] = ()
) -> tuple[Judged, ...]:
    """The verdicts on the touched dates of a series, by day; dates that stand as they should have none.

    ``series.ahead`` has to have been read. ``away`` are the times of out-of-office events, ``beside`` the other series
    of the mailbox: those of the same block share its allowance. Days off are judged elsewhere, and what comes after a
    series that its owner cut short is left.
    """
    block = one.series.tag.block
    cases = [_of(held, touches, away, now) for held in (one, *beside) if held.series.tag.block == block]
    used = Counter(Quarter.of(key.day) for key in _still_used(block, cases, touches))
    judged: list[Judged] = []
    in_order = sorted(((touched, case) for case in cases for touched in case.touched()), key=lambda item: item[0][0])
    for (key, touch, occurrence), case in in_order:
        left = one.want.care.moves_per_quarter - used[Quarter.of(key.day)]
        verdict = case.verdict(key, touch, occurrence, allowance=left > 0)
        used[Quarter.of(key.day)] += verdict.counts
        if case is not cases[0]:
            continue
        judged.append(verdict)
        if verdict.verdict is Verdict.KEPT and occurrence is not None and occurrence.show_as in FREED:
            judged.append(case.verdict(key, Touch.FREED, occurrence, allowance=False))
    return tuple(judged)


def _of(one: Held, touches: Touches, away: Sequence[Stretch], now: datetime) -> _Case:
    return _Case(one.want, one.series, one.singles, touches, away, now)


def _still_used(block: str, cases: Iterable[_Case], touches: Touches) -> Iterator[DateKey]:
    """The dates that an allowance went to, but for those that are back in their place."""
    back = {key for case in cases for key in case.in_place()}
    for key in touches.moved | touches.skipped - touches.answered:
        if key.block == block and key not in back:
            yield key


def back_in_place(one: Held, touches: Touches, *, now: datetime) -> frozenset[DateKey]:
    """The dates that may stay where their owner has moved them, and stand where they should again."""
    return touches.moved & frozenset(_of(one, touches, (), now).in_place())


def instead(want: Want) -> DesiredSeries:
    """The series as the event has it that is put in the place of a deleted date: it says how to skip it for good."""
    return replace(want.series, body=words.instead(want.language) + want.series.body)


def returned(one: Held, touches: Touches, *, now: datetime) -> tuple[Occurrence, ...]:
    """Dates that are agreed to be left out, or have a single event in their place, and came back with their series.

    Exchange makes a series anew when its owner ends it earlier.
    """
    zone = one.want.series.slot.zone
    days = {key.day for key in touches.skipped if key.block == one.series.tag.block} | one.singles.keys()
    return tuple(
        date
        for date in one.series.ahead or ()
        if date.starts > now + UNTOUCHED and zones.date_at(zone, date.original_starts) in days
    )


def in_place(one: Held, *, now: datetime) -> Iterator[tuple[date, Occurrence]]:
    """The dates to come that stand where and when they should, single events in the place of others included."""
    slot = one.want.series.slot
    standing = {zones.date_at(slot.zone, found.original_starts): found for found in one.series.ahead or ()}
    standing |= {day: single.occurrence for day, single in one.singles.items()}
    for day, found in sorted(standing.items(), key=lambda item: item[0]):
        at_its_time = (found.starts, found.ends) == (recurrence.starts(slot, day), recurrence.ends(slot, day))
        to_come = found.starts > now + UNTOUCHED and found.show_as not in FREED and not one.want.is_off(day)
        if at_its_time and to_come:
            yield day, found


def counted(judged: Iterable[Judged]) -> Mapping[tuple[Touch, Verdict], int]:
    """How many dates got which verdict, for reports that name nobody."""
    return Counter((one.touch, one.verdict) for one in judged)


@dataclass(frozen=True, slots=True)
class _Case:
    want: Want
    series: ActualSeries
    singles: Mapping[date, Single]
    touches: Touches
    away: Sequence[Stretch]
    now: datetime

    def touched(self) -> Iterator[tuple[DateKey, Touch, Occurrence | None]]:
        """The dates that are not as they should be, and what stands for each."""
        slot = self.want.series.slot
        found = {zones.date_at(slot.zone, one.original_starts): one for one in self.series.ahead or ()}
        # A date that the rule does not have is one of another day, by a series that its owner has given another
        # weekday, or by a Graph that takes where it was moved to for its original start: it is not gone.
        strays = [day for day in found if recurrence.next_date(slot.rule, day) != day]
        for day in self._due():
            if day not in found and any(abs(stray - day) < _A_WEEK for stray in strays):
                continue
            one = self.singles[day].occurrence if day in self.singles else found.get(day)
            key = DateKey(self.series.tag.block, day)
            if one is None:
                yield key, Touch.DELETED, None
            elif one.starts <= self.now + UNTOUCHED:
                continue
            elif (one.starts, one.ends) != (recurrence.starts(slot, day), recurrence.ends(slot, day)):
                yield key, Touch.MOVED, one
            elif one.show_as in FREED:
                yield key, Touch.FREED, one

    def in_place(self) -> Iterator[DateKey]:
        """The dates to come that stand at their own time, however they show."""
        slot = self.want.series.slot
        ahead = [(zones.date_at(slot.zone, one.original_starts), one) for one in self.series.ahead or ()]
        for day, one in [*ahead, *((day, single.occurrence) for day, single in self.singles.items())]:
            at_its_time = (one.starts, one.ends) == (recurrence.starts(slot, day), recurrence.ends(slot, day))
            if at_its_time and one.starts > self.now + UNTOUCHED:
                yield DateKey(self.series.tag.block, day)

    def verdict(self, key: DateKey, touch: Touch, occurrence: Occurrence | None, *, allowance: bool) -> Judged:
        """What is done about one date."""
        kept_so_far = key in self.touches.moved
        allowed = self.want.care.protection is Protection.MOVABLE and (allowance or kept_so_far)
        counts = allowed and not kept_so_far
        if key in self.touches.skipped and touch is Touch.DELETED:
            return Judged(key, touch, Verdict.LET_GO)
        if self._is_away(key.day):
            return Judged(key, touch, Verdict.EXCUSED, occurrence)
        if occurrence is None:
            if key in self.touches.answered:
                return Judged(key, touch, Verdict.LET_GO)
            verdict = Verdict.LET_GO if allowed else Verdict.PUT_BACK
            return Judged(key, touch, verdict, counts=counts)
        if touch is Touch.MOVED and allowed and self._may_stand(key.day, occurrence):
            return Judged(key, touch, Verdict.KEPT, occurrence, counts=counts)
        often_enough = self.touches.put_back.get(key, 0) >= PUT_BACKS
        return Judged(key, touch, Verdict.LET_GO if often_enough else Verdict.PUT_BACK, occurrence)

    def _due(self) -> Iterator[date]:
        """The dates that the series answers for, of those that are looked at and not about to begin."""
        want, tag = self.want, self.series.tag
        slot = want.series.slot
        first = max(tag.first, zones.date_at(slot.zone, self.now))
        last = min(tag.last, want.horizon(self.now), want.until or date.max, self.series.range_ends or date.max)
        for day in recurrence.dates(slot.rule, first, last):
            if not want.is_off(day) and recurrence.starts(slot, day) > self.now + UNTOUCHED:
                yield day

    def _is_away(self, day: date) -> bool:
        """Whether the owner is out of office at some time of the day."""
        begins = recurrence.midnight(self.want.series.slot.zone, day)
        whole = Stretch(begins, recurrence.midnight(self.want.series.slot.zone, day + timedelta(days=1)))
        return any(whole.meets(stretch) for stretch in self.away)

    def _may_stand(self, day: date, occurrence: Occurrence) -> bool:
        """Whether a date is inside its week, its owner's working hours and as long as it should be."""
        slot = self.want.series.slot
        there = zones.date_at(slot.zone, occurrence.starts)
        whole = occurrence.ends - occurrence.starts >= timedelta(minutes=slot.minutes)
        hours = self.want.hours
        inside = hours is None or works_between(occurrence.starts, occurrence.ends, hours, zone=slot.zone)
        near = there == day if self.want.care.on_its_day else there.isocalendar()[:2] == day.isocalendar()[:2]
        return whole and inside and near and not self.want.is_off(there)
