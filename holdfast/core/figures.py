"""How much learning time there was and how much of it stood, of one person and of many; what of it may be told."""

from __future__ import annotations

import math
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

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)
_TEN, _MOST, _ALL = 10, 90, 100
_HALF_A_STEP = HOURS * 60 // 2
_ABOUT = {0: 5, _ALL: 95}
"""What the shares stand for, in percent, that are told as less or as more than something."""

_MANY = 20
_OF_FEWER = {5: (10, 30, 50, 70, 90), 3: (20, 50, 80)}
"""The shares that are told where one person's time is more than a twentieth of it all, but not more than a fifth or
a third. There are so few that whoever knows the hours, too, cannot tell whether anybody's time was kept: what they
stand for is as wide as the time of any one of them, and all or nothing is told like all but one or nothing but one.
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """Minutes of learning time: protected, kept, and protected while a goal was in focus, by the goal's id.

    ``people`` is how many had any, ``goal_people`` how many had any for a goal, and ``largest`` what the one had who
    had most.
    """

    protected: int = 0
    kept: int = 0
    by_goal: Mapping[str, int] = field(default_factory=dict)
    people: int = 0
    largest: int = 0
    goal_people: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        goals = Counter(self.by_goal)
        goals.update(other.by_goal)
        people = Counter(self.goal_people)
        people.update(other.goal_people)
        return Tally(
            protected=self.protected + other.protected,
            kept=self.kept + other.kept,
            by_goal=dict(goals),
            people=self.people + other.people,
            largest=max(self.largest, other.largest),
            goal_people=dict(people),
        )


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
    for want, day, on, stands in _expected(desired, calendar, since, until):
        zone = want.series.slot.zone
        whole = Stretch(recurrence.midnight(zone, on), recurrence.midnight(zone, on + _DAY))
        if any(whole.meets(stretch) for stretch in view.away):
            continue
        minutes = want.series.slot.minutes
        protected += minutes
        goal = goal_of(want.series.block, day)
        if goal is not None:
            by_goal[goal] += minutes
        if stands is not None and stands.show_as not in FREED and not _taken_over(stands, accepted):
            kept += minutes
    return Tally(
        protected,
        kept,
        dict(by_goal),
        people=int(protected > 0),
        largest=protected,
        goal_people=dict.fromkeys(by_goal, 1),
    )


def _expected(
    desired: Desired, calendar: ActualCalendar, since: datetime, until: datetime
) -> Iterator[tuple[Want, date, date, Occurrence | None]]:
    """The dates that a person's series were to have, by their ends, the days that these were on, and what stands."""
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
        for day in recurrence.dates(
            slot.rule, max(series.tag.first, first - _WEEK), min(series.tag.last, last + _WEEK)
        ):
            on = want.destination(day) if want.is_off(day) else day
            if (key, day) in seen or on is None or not since < recurrence.ends(slot, on) <= until:
                continue
            seen.add((key, day))
            yield want, day, on, singles.get((series.tag.block, day)) or there.get(day)


def _standing(series: ActualSeries, calendar: ActualCalendar, zone: str) -> Mapping[date, Occurrence]:
    """The dates of a series as they stand, by the day that the rule gives."""
    dates = calendar.view.dates.get(series.event_id, ()) if calendar.view else ()
    return {zones.date_at(zone, one.original_starts): one for one in dates}


def _taken_over(stands: Occurrence, accepted: Sequence[Stretch]) -> bool:
    """Whether an accepted meeting is over more than half of a date."""
    half = (stands.ends - stands.starts) / 2
    return any(min(one.ends, stands.ends) - max(one.starts, stands.starts) > half for one in accepted)


def published(total: Tally, *, smallest: int) -> Figures | None:
    """What may be told of the time of some people: rounded, and nothing of a few.

    Nothing either where most of it was one person's.
    """
    if total.people < smallest or not total.protected or _steps(total) is None:
        return None
    return Figures(rounded_hours(total.protected), kept_share(total))


def goal_hours(total: Tally, told: Figures, *, smallest: int) -> dict[str, int]:
    """The hours kept for each goal that enough people learned for, by its id, as far as ``told`` tells of it.

    They are reckoned from the share that is told of all the time. The share of a goal's own would tell of single dates.
    """
    percent = _ABOUT.get(told.kept.percent, told.kept.percent)
    return {
        goal: rounded_hours(minutes * percent / _ALL)
        for goal, minutes in total.by_goal.items()
        if total.goal_people.get(goal, 0) >= smallest
    }


def rounded_hours(minutes: float) -> int:
    """Hours to the nearest five."""
    return int((minutes + _HALF_A_STEP) // (2 * _HALF_A_STEP)) * HOURS


def kept_share(total: Tally) -> Kept:
    """The share that was kept, in tens of percent, and of few people in wider steps.

    It is 0 for under a tenth and 100 for over nine.
    Raises ``ValueError`` where it must not be told.
    """
    steps = _steps(total)
    if steps is None:
        raise ValueError("It would tell of one person.")
    kept, protected = total.kept, total.protected
    if steps:
        place = kept * len(steps) / protected
        return Kept(steps[max(math.ceil(place) - 1, 0) if 2 * kept <= protected else min(int(place), len(steps) - 1)])
    if kept * _ALL < _TEN * protected:
        return Kept(0)
    if kept * _ALL > _MOST * protected:
        return Kept(_ALL)
    return Kept((kept * _ALL + _TEN // 2 * protected) // (_TEN * protected) * _TEN)


def _steps(total: Tally) -> Sequence[int] | None:
    """The shares that may be told, none for all tens; None where none may be."""
    if total.largest * _MANY <= total.protected:
        return ()
    return next((steps for parts, steps in _OF_FEWER.items() if total.largest * parts <= total.protected), None)


def too_alike(own: Collection[str], others: Iterable[Collection[str]], *, smallest: int) -> bool:
    """Whether a set of people differs by so few from one as large that the figures would tell of these few."""
    mine = set(own)
    return any(0 < len(mine ^ set(other)) < smallest and len(other) >= len(mine) for other in others)
