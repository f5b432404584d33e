"""The table of protection: what is done about a date of a block that somebody moved, deleted or set free.

Humane by rule: nothing that has begun or is about to is touched, nothing is put right more than twice, a deletion is
answered once, and what was agreed on once stays agreed on.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from holdfast.core import recurrence, zones
from holdfast.core.desired import UNTOUCHED, Want
from holdfast.core.hours import works_between
from holdfast.core.model import ActualSeries, Occurrence, Protection, ShowAs, WorkingHours
from holdfast.core.touches import DateKey, Quarter, Touches

_FREED = frozenset({ShowAs.FREE, ShowAs.TENTATIVE})

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


class Stretch(NamedTuple):
    """From one instant to another."""

    starts: datetime
    ends: datetime

    def meets(self, other: Stretch) -> bool:
        """Whether they share time; touching ends do not."""
        return self.starts < other.ends and other.starts < self.ends


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else counts in judging: how a block is protected, when its owner works and when they are away.

    ``hours`` is None where they are not known; ``away`` are the times of out-of-office events.
    """

    protection: Protection
    moves_per_quarter: int
    hours: WorkingHours | None = None
    away: Sequence[Stretch] = ()


def judge(
    want: Want,
    series: ActualSeries,
    singles: Mapping[date, Occurrence],
    touches: Touches,
    circumstances: Circumstances,
    *,
    now: datetime,
) -> tuple[Judged, ...]:
    """The verdicts on the touched dates of a series, by day; dates that stand as they should have none.

    ``series.ahead`` has to have been read. ``singles`` are the single events that stand for deleted dates, by day.
    Days off are judged elsewhere, and so is what comes after a series that its owner cut short.
    """
    case = _Case(want, series, singles, touches, circumstances, now)
    if circumstances.protection is Protection.SOFT:
        return ()
    touched = list(case.touched())
    used = Counter(Quarter.of(key.day) for key in case.still_used({key for key, _, _ in touched}))
    judged = []
    for key, touch, occurrence in touched:
        left = circumstances.moves_per_quarter - used[Quarter.of(key.day)]
        one = case.verdict(key, touch, occurrence, allowance=left > 0)
        used[Quarter.of(key.day)] += one.counts
        judged.append(one)
    return tuple(judged)


def counted(judged: Iterable[Judged]) -> Mapping[tuple[Touch, Verdict], int]:
    """How many dates got which verdict, for reports that name nobody."""
    return Counter((one.touch, one.verdict) for one in judged)


@dataclass(frozen=True, slots=True)
class _Case:
    want: Want
    series: ActualSeries
    singles: Mapping[date, Occurrence]
    touches: Touches
    circumstances: Circumstances
    now: datetime

    def touched(self) -> Iterator[tuple[DateKey, Touch, Occurrence | None]]:
        """The dates that are not as they should be, and what stands for each."""
        slot = self.want.series.slot
        found = {zones.date_at(slot.zone, one.original_starts): one for one in self.series.ahead or ()}
        for day in self._due():
            one = self.singles.get(day) or found.get(day)
            key = DateKey(self.series.tag.block, day)
            if one is None:
                yield key, Touch.DELETED, None
            elif one.starts <= self.now + UNTOUCHED:
                continue
            elif (one.starts, one.ends) != (recurrence.starts(slot, day), recurrence.ends(slot, day)):
                yield key, Touch.MOVED, one
            elif one.show_as in _FREED:
                yield key, Touch.FREED, one

    def still_used(self, touched: Collection[DateKey]) -> Iterator[DateKey]:
        """The dates that an allowance went to: those that are over or are still as their owner has them."""
        today = zones.date_at(self.want.series.slot.zone, self.now)
        for key in self.touches.moved | self.touches.skipped - self.touches.answered:
            if key.block == self.series.tag.block and (key.day < today or key in touched):
                yield key

    def verdict(self, key: DateKey, touch: Touch, occurrence: Occurrence | None, *, allowance: bool) -> Judged:
        """What is done about one date."""
        kept_so_far = key in self.touches.moved
        allowed = self.circumstances.protection is Protection.MOVABLE and (allowance or kept_so_far)
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
        return any(whole.meets(stretch) for stretch in self.circumstances.away)

    def _may_stand(self, day: date, occurrence: Occurrence) -> bool:
        """Whether a date is inside its week, its owner's working hours and as long as it should be."""
        slot = self.want.series.slot
        there = zones.date_at(slot.zone, occurrence.starts)
        whole = occurrence.ends - occurrence.starts >= timedelta(minutes=slot.minutes)
        hours = self.circumstances.hours
        inside = hours is None or works_between(occurrence.starts, occurrence.ends, hours, zone=slot.zone)
        return whole and inside and there.isocalendar()[:2] == day.isocalendar()[:2] and not self.want.is_off(there)
