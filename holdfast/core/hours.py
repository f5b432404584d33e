"""Whether a slot is within a person's working hours."""

from __future__ import annotations

import functools
from datetime import date, datetime, time, timedelta

from holdfast.core import recurrence, zones
from holdfast.core.model import Slot, WorkingHours

_A_YEAR = timedelta(days=370)
_DAY = timedelta(days=1)


@functools.lru_cache(maxsize=4096)
def works_at(slot: Slot, hours: WorkingHours, *, any_day: bool, since: date) -> bool:
    """Whether every date of a slot, in the year from ``since`` on, is within working hours by the worker's own clock.

    ``any_day`` leaves the days of the week aside, for slots that come round to all of them.
    """
    zone = zones.rules(hours.zone or slot.zone)
    for day in recurrence.dates(slot.rule, since, since + _A_YEAR):
        begins, ends = (at.astimezone(zone) for at in (recurrence.starts(slot, day), recurrence.ends(slot, day)))
        if not _within(begins, ends, hours, any_day=any_day):
            return False
    return True


def works_on(slot: Slot, day: date, hours: WorkingHours) -> bool:
    """Whether a slot, were it on ``day``, is on a working day by the worker's own clock, whatever the hours."""
    begins = recurrence.starts(slot, day).astimezone(zones.rules(hours.zone or slot.zone))
    of_the_night_before = hours.ends <= hours.starts and begins.time() < hours.ends
    return (begins.date() - _DAY * of_the_night_before).weekday() in hours.days


def works_between(starts: datetime, ends: datetime, hours: WorkingHours, *, zone: str) -> bool:
    """Whether a stretch of time is within somebody's working hours, by the clock of ``zone`` if need be."""
    own = zones.rules(hours.zone or zone)
    return _within(starts.astimezone(own), ends.astimezone(own), hours, any_day=False)


def _within(begins: datetime, ends: datetime, hours: WorkingHours, *, any_day: bool) -> bool:
    """Whether a stretch of time is within one of the working days. A night's work belongs to the day it begins on."""
    for shift in (begins.date(), begins.date() - _DAY):
        opens = datetime.combine(shift, hours.starts)
        over = hours.ends <= hours.starts or hours.ends == time.min
        closes = datetime.combine(shift + _DAY if over else shift, hours.ends)
        inside = opens <= begins.replace(tzinfo=None) and ends.replace(tzinfo=None) <= closes
        if inside and (any_day or shift.weekday() in hours.days):
            return True
    return False
