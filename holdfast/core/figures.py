"""How much learning time there was and how much of it stood, of one person and of many; what of it may be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from holdfast.core import recurrence, zones
from holdfast.core.desired import Desired, Want
from holdfast.core.model import ActualCalendar, ActualSeries, Occurrence, Response, SlotKey, Stretch
from holdfast.core.protection import FREED
from holdfast.core.summary import Figures, Kept

HOURS = 5
"""What hours are rounded to."""

_DAY = timedelta(days=1)
_TEN, _MOST, _ALL = 10, 90, 100
_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Tally:
    """Minutes of learning time: protected, kept, and kept while a goal was in focus, by the goal's id."""

    protected: int = 0
    kept: int = 0
    by_goal: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        goals = Counter(self.by_goal)
        goals.update(other.by_goal)
        return Tally(self.protected + other.protected, self.kept + other.kept, dict(goals))


GoalOf = Callable[[str, date], str | None]
"""The id of the goal in focus on a date of a block."""


def tally(desired: Desired, calendar: ActualCalendar, since: datetime, until: datetime, goal_of: GoalOf) -> Tally:
    """The learning time of one person that ended between two instants, from a calendar whose ``view`` covers it.

    *Protected* are the dates that were to stand, without days off and out of office. *Kept* are those at whose end the
    block stood, was busy, and had no accepted meeting over more than half of it.
    """
    view = calendar.view
    if view is None:
        raise ValueError("The view of the calendar has to be read.")
    accepted = [one.time for one in view.meetings if one.is_own or one.response is Response.ACCEPTED]
    protected = kept = 0
    by_goal: Counter[str] = Counter()
    for want, day, stands in _expected(desired, calendar, since, until):
        zone = want.series.slot.zone
        begins = recurrence.midnight(zone, day)
        whole = Stretch(begins, recurrence.midnight(zone, day + _DAY))
        if any(whole.meets(stretch) for stretch in view.away):
            continue
        minutes = want.series.slot.minutes
        protected += minutes
        if stands is not None and stands.show_as not in FREED and not _taken_over(stands, accepted):
            kept += minutes
            goal = goal_of(want.series.block, day)
            if goal is not None:
                by_goal[goal] += minutes
    return Tally(protected, kept, dict(by_goal))


def _expected(
    desired: Desired, calendar: ActualCalendar, since: datetime, until: datetime
) -> Iterator[tuple[Want, date, Occurrence | None]]:
    """The dates that a person's series were to have, by their ends, and what stands for each."""
    wants = {want.key: want for want in desired.wants}
    singles = {(one.tag.block, one.day): one.occurrence for one in calendar.singles}
    seen: set[tuple[SlotKey, date]] = set()
    for series in sorted(calendar.series, key=lambda one: (one.created, one.event_id)):
        key = SlotKey(series.tag.block, series.tag.fingerprint.slot)
        want = wants.get(key)
        if want is None:
            continue
        slot = want.series.slot
        there = _standing(series, calendar, slot.zone)
        first, last = (zones.date_at(slot.zone, at) for at in (since, until))
        for day in recurrence.dates(slot.rule, max(series.tag.first, first - _DAY), min(series.tag.last, last)):
            if (key, day) in seen or want.is_off(day) or not since < recurrence.ends(slot, day) <= until:
                continue
            seen.add((key, day))
            yield want, day, singles.get((series.tag.block, day)) or there.get(day)


def _standing(series: ActualSeries, calendar: ActualCalendar, zone: str) -> Mapping[date, Occurrence]:
    """The dates of a series as they stand, by the day that the rule gives."""
    dates = calendar.view.dates.get(series.event_id, ()) if calendar.view else ()
    return {zones.date_at(zone, one.original_starts): one for one in dates}


def _taken_over(stands: Occurrence, accepted: Sequence[Stretch]) -> bool:
    """Whether an accepted meeting is over more than half of a date."""
    half = (stands.ends - stands.starts) / 2
    return any(min(one.ends, stands.ends) - max(one.starts, stands.starts) > half for one in accepted)


def published(total: Tally, people: int, *, smallest: int) -> Figures | None:
    """What may be told of the time of so many people: rounded, and nothing of a few."""
    if people < smallest or not total.protected:
        return None
    return Figures(rounded_hours(total.protected), kept_share(total))


def rounded_hours(minutes: int) -> int:
    """Hours to the nearest five."""
    return round(minutes / _MINUTES / HOURS) * HOURS


def kept_share(total: Tally) -> Kept:
    """The share that was kept, in tens of percent: 0 for under a tenth, 100 for over nine."""
    percent = 100 * total.kept / total.protected
    if percent < _TEN:
        return Kept(0)
    return Kept(_ALL) if percent > _MOST else Kept(int(percent // _TEN) * _TEN)


def too_alike(own: Collection[str], others: Iterable[Collection[str]], *, smallest: int) -> bool:
    """Whether a set of people differs by so few from one as large that the figures would tell of these few."""
    mine = set(own)
    return any(0 < len(mine ^ set(other)) < smallest and len(other) >= len(mine) for other in others)
